"""Steps to gold: documents are drawn, coded by people, adjudicated and divided."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proband.errors import DataError, DesignError, meant
from proband.estimates import Estimate
from proband.instruments.codebooks import Codebook, codebook_page
from proband.texts.gold import project as names
from proband.texts.gold.adjudication import adjudicate
from proband.texts.gold.codings import codes_by_document
from proband.texts.gold.drawing import by_uncertainty, draw, labels_for
from proband.texts.gold.imports import Source, files_in, read_codes
from proband.texts.gold.parts import DEVELOPMENT, PARTS, parts_of
from proband.texts.gold.tables import (
    AGREED,
    CODES,
    DECISIONS,
    GOLD,
    SAMPLE,
    Row,
    check_probability,
    read_gold,
    table_text,
)
from proband.texts.gold.work import Done, Waiting, Work

TRAINING = ("document", "text", "item", "code", "unit")


def draw_step(work: Work) -> Done:
    """Documents for people to code, the sheet to code them on, and the codebook's page."""
    documents, table, project = work.corpus.ids, work.table, work.project
    if table.sampling == "found":
        rows = [{"document": document, "probability": "", "stratum": ""} for document in documents]
        how = "nothing is drawn: people code what they have, which corrects nothing"
    else:
        if (table.n is None) == (table.width is None):
            raise DesignError("coding.gold: say either how many documents people code, n = 100, or width = 0.15")
        n = table.n or labels_for(table.width or 0.0, correlation=table.correlation, n_documents=len(documents))
        strata, spread = _strata(work)
        drawn = draw(documents, n=n, seed=work.design.seed, strata=strata, spread=spread)
        rows, how = list(drawn.rows), f"{n} of {len(documents):,} documents, {drawn.how}"
    text = table_text(SAMPLE, rows)
    if project.is_edited("draw", names.SAMPLE, text) and not work.again:
        rows, how = _by_hand(work), "the sample is somebody's own: sample.csv is kept"
    else:
        project.write("draw", names.SAMPLE, text, again=work.again)
    if table.sampling == "drawn":
        columns = ("document", "text", *work.questions)
        sheet = [{"document": row["document"], "text": work.corpus.text(row["document"])} for row in rows]
        project.write("draw", names.SHEET, table_text(columns, sheet), again=work.again)
    book = work.design.codebook
    if isinstance(book, Codebook):
        project.write("draw", names.PAGE, codebook_page(book), again=True)
    project.path(names.PEOPLE).mkdir(parents=True, exist_ok=True)
    return Done(
        step="draw",
        told=(how, f"give {names.SHEET} and {names.PAGE} to each person who codes, and put what comes back into "
              f"{names.PEOPLE}/, a file a person"),
        numbers={"documents": len(rows), "how": how},
    )  # fmt: skip


def _by_hand(work: Work) -> list[Row]:
    rows = work.rows(names.SAMPLE, SAMPLE)
    known = set(work.corpus.ids)
    for row in rows:
        if row["document"] not in known:
            raise DataError(f"{names.SAMPLE}: document {row['document']!r} is not in the corpus; take it out")
        check_probability(row["probability"], f"{names.SAMPLE}, document {row['document']!r}")
    return rows


def _strata(work: Work) -> tuple[dict[str, str] | None, dict[str, float] | None]:
    """What documents are drawn from within."""
    table, columns = work.table, work.corpus.columns
    if table.by and table.uncertain:
        raise DesignError("coding.gold: `by` and `uncertain` are two ways to draw; keep one")
    if table.by:
        if table.by not in columns.columns[1:]:
            there = columns.columns[1:]
            raise DesignError(f"coding.gold.by: no column {table.by!r} in the corpus{meant(table.by, there)}; there "
                              f"are {', '.join(there)}")  # fmt: skip
        return dict(zip(columns["document"], map(str, columns[table.by]), strict=True)), None
    if not table.uncertain:
        return None, None
    if table.uncertain not in work.coders:
        raise DesignError(f"coding.gold.uncertain: no coder {table.uncertain!r}{meant(table.uncertain, work.coders)}")
    folder = work.project.path("uncertain") / work.settings(table.uncertain)
    codes = codes_by_document(work.coded(table.uncertain, folder), work.questions)
    unsure = {document: 0.0 for document in work.corpus.ids}
    for of in codes.values():
        for document, (_, probs) in of.items():
            unsure[document] = max(unsure[document], 1 - max(probs.values()) if probs else 0.0)
    return by_uncertainty(unsure)


def import_step(work: Work) -> Done:
    """People's codes, from their files."""
    folder, table = work.project.path(names.PEOPLE), work.table
    sample = work.need(names.SAMPLE, SAMPLE, "draw")
    sources = [source.source(work.project.study.parent) for source in table.people]
    sources += [Source(path=path) for path in files_in(folder)]
    if not sources:
        raise Waiting(f"{folder}: no codes yet; put people's files there (CSV, Potato's annotation_output, Label "
                      "Studio's JSON), a file a person, or name files under [[coding.gold.people]]")  # fmt: skip
    found = read_codes(sources, work.questions, [row["document"] for row in sample])
    if not found.rows:
        raise Waiting(f"{folder}: the files hold no codes yet")
    work.project.write("import", names.CODES, table_text(CODES, found.rows), again=work.again)
    coders = sorted({row["coder"] for row in found.rows})
    n_coded = len({row["document"] for row in found.rows})
    said = f"{len(found.rows):,} codes of {n_coded:,} of {len(sample):,} documents by {', '.join(coders)}"
    remarks = [str(remark) for remark in found.remarks]
    numbers = {"codes": len(found.rows), "coders": coders, "remarks": remarks}
    return Done(step="import", told=(said, *remarks), numbers=numbers)


def adjudicate_step(work: Work) -> Done:
    """Unanimous and decided codes; disagreements to be decided."""
    codes = work.need(names.CODES, CODES, "import")
    decided = work.rows(names.DECISIONS, ("document", "item", "code"))
    found = adjudicate(codes, decided, work.questions, work.corpus.text, fewest=work.table.fewest)
    # Decisions are somebody's own, and are all kept.
    work.project.write("adjudicate", names.DECISIONS, table_text(DECISIONS, found.decisions), again=True)
    how = [row["how"] for row in found.agreed]
    said = f"gold of {len(how):,} answers: " + ", ".join(
        f"{how.count(name):,} {name}" for name in ("unanimous", "adjudicated", "single") if how.count(name)
    )
    agreement = [
        f"{item}: " + ", ".join(f"{name} {estimate}" for name, estimate in of.items())
        for item, of in found.agreement.items()
    ]
    numbers = {"open": found.n_open, "gold": {name: how.count(name) for name in dict.fromkeys(how)},
               "agreement": _plain(found.agreement)}  # fmt: skip
    if found.n_open:
        raise Waiting(f"{work.project.path(names.DECISIONS)}: {found.n_open} disagreements wait for a decision; fill "
                      f"in the column code ({said}; {'; '.join(agreement)})")  # fmt: skip
    work.project.write("adjudicate", names.AGREED, table_text(AGREED, found.agreed), again=work.again)
    return Done(step="adjudicate", told=(said, *agreement), numbers=numbers)


def split_step(work: Work) -> Done:
    """Gold with probability and part, and what a learned coder may be fitted on."""
    work.need(names.AGREED, AGREED, "adjudicate")
    agreed = read_gold(work.project.path(names.AGREED), work.questions, AGREED)
    sample = work.need(names.SAMPLE, SAMPLE, "draw")
    chance = {row["document"]: row["probability"] for row in sample}
    parts = parts_of([row["document"] for row in agreed], work.units, work.shares, work.design.seed)
    gold = [{**row, "probability": chance.get(row["document"], ""), "part": parts[row["document"]]} for row in agreed]
    work.project.write("split", names.GOLD, table_text(GOLD, gold), again=work.again)
    fitted = [
        # Documents of a unit are in one fold of a learned coder.
        row | {"text": work.corpus.text(row["document"]), "unit": work.units[row["document"]]}
        for row in gold
        if row["part"] == DEVELOPMENT
    ]
    work.project.write("split", names.TRAINING, table_text(TRAINING, fitted), again=True)
    counts = {part: len({row["document"] for row in gold if row["part"] == part}) for part in PARTS}
    said = ", ".join(f"{part} {count:,}" for part, count in counts.items())
    return Done(step="split", told=(f"documents: {said}",), numbers={"documents": counts})


def take_in(work: Work, files: Sequence[Path]) -> None:
    """Copy files of people's codes into the project, where they are imported from.

    Raises
    ------
    DataError
        If one is not there, or another of its name is.
    """
    for path in files:
        if not path.exists():
            raise DataError(f"{path}: no such file; check the path")
        to = work.project.path(names.PEOPLE) / path.name
        if to.exists() and not (path.is_file() and to.is_file() and to.read_bytes() == path.read_bytes()):
            raise DataError(f"{to}: there is such a file already, and it is another; rename one of them, or remove it")
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, to)
        else:
            shutil.copyfile(path, to)


def _plain(found: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    return {item: {name: estimate.as_dict() for name, estimate in of.items()} for item, of in found.items()}
