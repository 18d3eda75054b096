"""``proband score``: how far open texts say what a scale says."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import polars as pl
import typer
from numpy.typing import NDArray

from proband.addresses import open_engine
from proband.analyses.text_scores import score_sections
from proband.cli.talk import emit, out, talk
from proband.cli.themes import ENCODER
from proband.errors import DataError, DesignError, meant
from proband.reports import write_findings
from proband.reports.findings import Findings
from proband.reports.terminal import terminal
from proband.subjects.corpora import Corpus, CorpusReading, read_corpus
from proband.texts.scores import Sheet


def score(
    table: Annotated[Path, typer.Argument(help="Table with one person a row: texts and scales.")],
    text: Annotated[list[str], typer.Option(help="Column of a text (open answer, interview); again for another.")],
    scale: Annotated[
        list[str],
        typer.Option(help="NAME=COLUMN,COLUMN,...: items of a scale, averaged as they are; again for another."),
    ],
    id: Annotated[str, typer.Option(help="Column of ids.")] = "",
    unit: Annotated[str, typer.Option(help="Column of what is independent; by default each row.")] = "",
    encoder: Annotated[str, typer.Option(help="What makes the vectors: minilm, smollm2, words, a server.")] = ENCODER,
    reliability: Annotated[
        list[str] | None, typer.Option(help="NAME=NUMBER: reliability of a scale, where it is known from elsewhere.")
    ] = None,
    report: Annotated[Path, typer.Option(help="Page to write.")] = Path("scores.html"),
    json: Annotated[bool, typer.Option("--json", help="Everything on stdout as JSON.")] = False,
) -> None:
    """Predict scales from open texts, out of sample, beside the reliability of the scales and a baseline without text.

    Example: `proband score people.csv --id id --text answer --scale worry=w1,w2,w3 --encoder words`
    """
    named = dict(_named(given, "scale") for given in scale)
    known = {
        name: _number(name, value) for name, value in (_named(given, "reliability") for given in reliability or [])
    }
    for name in known:
        if name not in named:
            raise DesignError(f"--reliability {name}: there is no scale {name!r}{meant(name, named)}; name it so")
    corpora = [read_corpus(table, id=id, text=column, unit=unit, how=CorpusReading(blank="leave_out", near=False))
               for column in dict.fromkeys(text)]  # fmt: skip
    sheet = _sheet(corpora, text, {name: columns.split(",") for name, columns in named.items()}, known)
    opened = open_engine(encoder)
    try:
        sections = score_sections(sheet, opened.embed, encoder)
    finally:
        opened.close()
    found = Findings(title=f"Texts and scales of {corpora[0].name}", sections=tuple(sections))
    path = write_findings(found, report)
    if json:
        emit({**found.as_dict(), "report": str(path)})
    else:
        out.print(terminal(found, out.width, is_whole=True))
    talk.print(f"report: {path}", soft_wrap=True, markup=False)


def _named(given: str, what: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not (name.strip() and equals and value.strip()):
        example = "worry=w1,w2,w3" if what == "scale" else "worry=0.8"
        raise DesignError(f"--{what} {given}: give it a name, e.g. --{what} {example}")
    return name.strip(), value.strip()


def _number(name: str, value: str) -> float:
    try:
        found = float(value)
    except ValueError:
        found = 0.0
    if not 0 < found <= 1:
        raise DesignError(f"--reliability {name}={value}: give a number above 0 and at most 1")
    return found


def _sheet(
    corpora: Sequence[Corpus], methods: Sequence[str], scales: dict[str, list[str]], known: dict[str, float]
) -> Sheet:
    """Rows of the table that have any of the texts."""
    ids = list(dict.fromkeys(id for corpus in corpora for id in corpus.ids))
    columns = pl.concat([corpus.columns for corpus in corpora], how="diagonal_relaxed").unique("document", keep="first")
    frame = pl.DataFrame({"document": ids}).join(columns, on="document", how="left", maintain_order="left")
    has = [set(corpus.ids) for corpus in corpora]
    units = [next(c.unit_of(id) for c, there in zip(corpora, has, strict=True) if id in there) for id in ids]
    return Sheet(
        units=tuple(units),
        texts={
            method: [corpus.text(id) if id in there else "" for id in ids]
            for method, corpus, there in zip(dict.fromkeys(methods), corpora, has, strict=True)
        },
        scales={name: np.column_stack([_item(frame, column.strip(), name) for column in of])
                for name, of in scales.items()},
        reliabilities=known,
    )  # fmt: skip


def _item(frame: pl.DataFrame, column: str, scale: str) -> NDArray[np.float64]:
    if column not in frame.columns[1:]:
        there = frame.columns[1:]
        raise DataError(f"scale {scale}: no column {column!r}{meant(column, there)}; there are {', '.join(there)}")
    if not frame[column].dtype.is_numeric():
        raise DataError(f"scale {scale}: column {column!r} holds words, e.g. {frame[column].drop_nulls()[0]!r}; code "
                        "them as numbers first")  # fmt: skip
    return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
