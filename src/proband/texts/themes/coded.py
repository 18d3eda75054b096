"""Themes of documents, whoever coded them: which document has which, and the words that show it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.runs.run import Run
from proband.texts.codes import codes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words of a document, as they stand there; `as_what` says what they are shown for."""

    document: str
    text: str
    as_what: str


@dataclass(frozen=True, kw_only=True)
class ThemeCodes:
    """Documents with their themes.

    Attributes
    ----------
    documents : tuple of str
        Their ids.
    units : tuple of str
        What each belongs to.
    names : tuple of str
        The themes.
    present : ndarray of bool, shape (n_documents, n_themes)
        Which document has which.
    quotes : mapping of str to tuple of Quote
        By theme; every one was looked up in its document.
    remarks : mapping of str to str
        By theme, e.g. that a model named it.
    """

    documents: tuple[str, ...]
    units: tuple[str, ...]
    names: tuple[str, ...]
    present: NDArray[np.bool_]
    quotes: Mapping[str, tuple[Quote, ...]] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)


_QUOTED = 3  # passages of a theme that are shown


def themes_of(run: Run) -> dict[tuple[str, str], ThemeCodes]:
    """Themes of a coding run, by question and coder: questions that take several codes, or passages with codes.

    Documents without an answer are left out. Passages were found in their documents when the answer was read.
    """
    items = {item.id: item for item in run.items.values() if item.form in ("multiple", "spans")}
    codes, units = codes_of(run), run.roster.units
    found: dict[tuple[str, str], ThemeCodes] = {}
    for id, item in items.items():
        for coder in run.levels["coder"]:
            part = codes.filter(pl.col("item") == id, pl.col("coder") == coder, pl.col("code").is_not_null())
            if not part.height:
                continue
            documents = tuple(part["document"])
            given = [_given(code, spans=item.form == "spans") for code in part["code"]]
            names = tuple(option for k, option in enumerate(item.options) if k not in item.dont_know)
            found[id, coder] = ThemeCodes(
                documents=documents,
                units=tuple(units.get(document, document) for document in documents),
                names=names,
                present=np.array([[name in of for name in names] for of in given], dtype=bool),
                quotes={name: _from(documents, given, name) for name in names},
            )
    return found


def _given(code: str, *, spans: bool) -> Mapping[str, Sequence[str]]:
    """Codes of a document, each with what was quoted for it."""
    if not spans:
        return {name: () for name in code.split("; ") if name}
    found: dict[str, list[str]] = {}
    for span in json.loads(code):
        found.setdefault(span["code"], []).append(span["quote"])
    return found


def _from(documents: Sequence[str], given: Sequence[Mapping[str, Sequence[str]]], name: str) -> tuple[Quote, ...]:
    """The first passages with a theme, each from another document."""
    first = [(document, of[name][0]) for document, of in zip(documents, given, strict=True) if of.get(name)]
    return tuple(Quote(document=document, text=text, as_what="passage") for document, text in first[:_QUOTED])
