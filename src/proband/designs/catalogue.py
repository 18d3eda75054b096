"""The shelf: classic studies that ship, each a folder with its study file, what people did, and a page."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from proband.errors import DesignError, meant
from proband.files import parsed

FOLDER = Path(__file__).parents[1] / "catalogue"
SHELF = "shelf:"
SCENARIOS, SCENARIO = Path(__file__).parents[1] / "societies" / "scenarios", "scenario:"


@cache
def shelf() -> Mapping[str, Path]:
    """Folders of the studies that ship, by name."""
    return {path.parent.name: path.parent for path in sorted(FOLDER.glob("*/study.toml"))}


def titles() -> Mapping[str, str]:
    """Their titles."""
    return {
        name: str(parsed((folder / "study.toml").read_text(encoding="utf-8"), folder, error=DesignError)["title"])
        for name, folder in shelf().items()
    }


def folder_of(name: str) -> Path:
    """The folder of one, by its name with or without ``shelf:``."""
    known = shelf()
    name = name.removeprefix(SHELF)
    if name not in known:
        raise DesignError(f"no study {name!r} on the shelf{meant(name, known)}; `proband list shelf` names them")
    return known[name]


def study_path(given: str | Path) -> Path:
    """The study file that a path, ``shelf:NAME`` or ``scenario:NAME`` stands for."""
    name = str(given)
    if name.startswith(SHELF):
        return folder_of(name) / "study.toml"
    if not name.startswith(SCENARIO):
        return Path(given)
    known = {path.stem.replace("_", "-"): path for path in sorted(SCENARIOS.glob("*.toml"))}
    name = name.removeprefix(SCENARIO)
    if name not in known:
        raise DesignError(f"no scenario {name!r}{meant(name, known)}; `proband list scenarios` names them")
    return known[name]
