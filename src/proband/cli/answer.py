"""``proband answer``: a question to a library of records, or what they say as a whole; every sentence has a span."""

from pathlib import Path
from typing import Annotated

import typer

from proband.addresses import open_engine
from proband.analyses.answers import tabled
from proband.analyses.evidence import evidence_sections, synthesis_sections
from proband.analyses.section import Section
from proband.cli.choosing import refuse_unread
from proband.cli.studying import stopped
from proband.cli.talk import emit, out, talk
from proband.errors import DesignError, meant
from proband.literature.evidence.exporting import markdown, matrix, synthesis_csv
from proband.literature.evidence.extraction import CUES, extract, extraction_of, read_evidence
from proband.literature.evidence.judging import agreement
from proband.literature.evidence.judging import sheet as person_sheet
from proband.literature.evidence.synthesis import SAYS, Synthesis, answered, synthesise
from proband.literature.records.library import Library, read_library
from proband.literature.records.writing import write_library
from proband.reports import write_findings
from proband.reports.findings import Findings
from proband.reports.terminal import terminal
from proband.texts.gold.tables import write_text

_SHEET = 50  # sentences that a person is given, at most
_CITED = (".ris", ".bib", ".json")  # files of the records cited
_FILES = (".md", ".html", ".csv", *_CITED)


def answer(
    records: Annotated[list[Path], typer.Argument(help="Files of records: RIS, nbib, BibTeX, JSON, tables, PDF.")],
    question: Annotated[
        str, typer.Option("-q", "--question", help="To be answered; without one, the records are summed up.")
    ] = "",
    engine: Annotated[
        str | None, typer.Option(help="Who writes; without one, sentences are taken from the records as they stand.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="An engine that is asked whether spans support each sentence.")
    ] = None,
    encoder: Annotated[str | None, typer.Option(help="What makes sentence vectors, e.g. minilm; else words.")] = None,
    sentences: Annotated[int | None, typer.Option(min=1, help="At most; default 3 for a question, else 8.")] = None,
    says: Annotated[
        float | None,
        typer.Option(min=0, max=1, help=f"Share of the question that a sentence must have to answer it; {SAYS}."),
    ] = None,
    evidence: Annotated[
        Path | None,
        typer.Option(
            help="A .csv file for what papers report (n, design, effect); one that is there is read as it was edited."
        ),
    ] = None,
    extractor: Annotated[
        list[str] | None, typer.Option(help=f"With --evidence: who extracts, default {CUES}; again for a second one.")
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="A .csv file of sentences for a person to judge, blind; one that is filled in is compared."),
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            help=f"File to write: .md, .html, .csv; or {', '.join(_CITED)}: the records cited; again for several.",
        ),
    ] = None,
    into: Annotated[Path | None, typer.Option(help="Folder for the runs of engines, so that they can go on.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Everything on stdout as JSON.")] = False,
) -> None:
    """Answer a question from records, or sum them up: every sentence cites words that stand in its source.

    Example: `proband answer records.ris -q "Do defaults raise consent?" -o answer.md`
    """
    for path in output or ():
        if path.suffix.lower() not in _FILES:
            raise DesignError(f"-o {path}: no file is written as {path.suffix or 'that'}{meant(path.suffix, _FILES)}; "
                              f"name one that ends in {', '.join(_FILES)}")  # fmt: skip
    pages = {path.with_suffix(".json") for path in output or () if path.suffix.lower() == ".html"}
    if both := pages & {*(output or ())}:
        raise DesignError(f"-o {both.pop()}: the page's JSON twin has this name; give the records cited another one")
    if not question:
        refuse_unread("without --question the records are summed up", says=says)
    if evidence is None:
        refuse_unread("it goes with --evidence", extractor=extractor)
    library = read_library(*records)
    vectors = open_engine(encoder) if encoder else None
    with stopped():
        if question:
            found = answered(library, question, engine=engine, n=sentences or 3, says=SAYS if says is None else says,
                             encoder=vectors, judge=judge, folder=into)  # fmt: skip
        else:
            found = synthesise(library, engine=engine, n=sentences or 8, encoder=vectors, judge=judge, folder=into)
        sections = synthesis_sections(found)
        if sheet is not None:
            sections += _judged(sheet, found)
        if evidence is not None:
            sections += _extracted(library, evidence, extractor, into)
    told = Findings(title=question or f"What {library.name} says", sections=tuple(sections))
    for path in output or ():
        _write(path, found, told, library)
        talk.print(f"written: {path}", soft_wrap=True, markup=False)
    if json:
        emit(told.as_dict())
    else:
        out.print(terminal(told, out.width, is_whole=True))


def _judged(path: Path, found: Synthesis) -> list[Section]:
    """Write the sheet, or tell how far the person who filled it in and the checks agree."""
    if not path.exists():
        write_text(path, person_sheet(found.checked, found.shown, _SHEET))
        talk.print(f"written: {path}; fill in `supported` with yes or no, and run the same again", soft_wrap=True)
        return []
    table = tabled({"compared": "text", "kappa": "number"}, [("checks and person", agreement(path, found.checked))])
    return [Section(name="person", heading="A person's sample", table=table)]


def _extracted(library: Library, path: Path, extractors: list[str] | None, into: Path | None) -> list[Section]:
    """What papers report: written, or as somebody edited it."""
    by = extractors or [CUES]
    if path.suffix.lower() != ".csv" or len(set(by)) < len(by):
        raise DesignError(f"--evidence {path}, by {', '.join(by)}: name a .csv file, and each extractor once")
    if path.exists():
        refuse_unread(f"{path} is there, perhaps edited; remove it to extract anew", extractor=extractors)
        found = extraction_of(read_evidence(path, library), library)
        talk.print(f"read: {path}, as it stands", soft_wrap=True, markup=False)
    else:
        found = extract(library, engines={name: name for name in by}, folder=into)
        write_text(path, found.table.write_csv())
    beside = path.with_name(f"{path.stem}-matrix.csv")
    write_text(beside, matrix(found.table, library, found.fields).write_csv())
    talk.print(f"written: {beside}", soft_wrap=True, markup=False)
    return evidence_sections(found, library)


def _write(path: Path, found: Synthesis, told: Findings, library: Library) -> None:
    match path.suffix.lower():
        case ".md":
            write_text(path, markdown(found))
        case ".html":
            write_findings(told, path)
        case ".csv":
            write_text(path, synthesis_csv(found))
        case _:
            write_library(library.take([record.id for record in found.cited]), path)
