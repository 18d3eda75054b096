"""Texts of the interface, one file a language; the study's own words are its own."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from proband.errors import DesignError, meant
from proband.files import parsed

FOLDER = Path(__file__).parent / "texts"
USUAL = "en"


def languages() -> list[str]:
    """Languages that there are texts in."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def language_for(wanted: str, instrument: str) -> str:
    """The language of the pages: the one asked for, or the instrument's where it is there.

    Raises
    ------
    DesignError
        If there are no texts in the language that was asked for.
    """
    there = languages()
    if wanted and wanted not in there:
        raise DesignError(f"seat.language: no texts in {wanted!r}{meant(wanted, there)}; there are {', '.join(there)}")
    own = instrument.partition("-")[0].lower()
    return wanted or (own if own in there else USUAL)


@cache
def texts(language: str) -> Mapping[str, str]:
    """The texts in a language, by name."""
    path = FOLDER / f"{language}.toml"
    return {name: str(text) for name, text in parsed(path.read_text("utf-8"), path, error=DesignError).items()}
