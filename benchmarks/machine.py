"""The machine a benchmark ran on, in the words of its report."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil


def machine(*packages: str) -> dict[str, object]:
    """Processor, cores, memory and the versions of the packages measured."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{package: _version(package) for package in packages},
    }


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text().splitlines() if listed.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((line for line in lines if line.startswith("flags")), "")
    wide = [name for name in ("avx2", "avx512f", "amx_bf16") if f" {name}" in flags]
    return f"{names[0] if names else platform.processor()} ({', '.join(wide) or 'no AVX2'})"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
