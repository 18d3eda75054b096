"""What each step of a review does."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from proband.addresses.opening import address_beside
from proband.literature.evidence.exporting import markdown, matrix, synthesis_csv
from proband.literature.evidence.extraction import Extraction, extract
from proband.literature.evidence.synthesis import Synthesis, synthesise
from proband.literature.queries.index import Index
from proband.literature.queries.language import parse_query
from proband.literature.queries.ranking import rank
from proband.literature.records.library import Library, read_library
from proband.literature.records.writing import WRITERS, as_csv
from proband.literature.review import project as names
from proband.literature.review.flow import Flow, drawn, flow_of, in_words
from proband.literature.review.project import WRITTEN, Step
from proband.literature.review.work import APART_COLUMNS, ReviewWork
from proband.literature.screening.decisions import decisions_of, reached
from proband.literature.screening.ranker import NONE, encoder_named
from proband.measures import retrieval
from proband.models.labels import said
from proband.runs import Run, collect
from proband.texts.gold.project import fingerprint
from proband.texts.gold.tables import rows_in, table_text, write_text
from proband.texts.gold.work import Done, Waiting

_MERGES = ("kept", "by", "score", "one", "other", "title", "other_title")


def do(work: ReviewWork, step: Step) -> Done:
    """Carry a step out, and note what it was made of and what it wrote.

    Raises
    ------
    Waiting
        If a person is needed first.
    DesignError, DataError
        If what it needs is not there, or does not fit.
    """
    inputs = work.inputs(step)
    done = _DOING[step](work)
    outputs = tuple(name for name in WRITTEN[step] if work.project.path(name).exists())
    work.project.done(step, inputs, outputs, done.told[0])
    return done


def records_step(work: ReviewWork) -> Done:
    """Read the records; one line of `apart.csv` keeps apart two that were taken for one."""
    folder = work.project.study.parent
    marks = {mark: folder / name for mark, name in work.table.marks.items()}
    library = read_library(*work.files, apart=work.apart(), marks=marks)
    merges = [
        {"kept": m.kept, "by": m.by, "score": f"{m.score:g}", "one": m.source, "other": m.other_source,
         "title": m.title, "other_title": m.other_title}
        for m in library.merges
    ]  # fmt: skip
    _write(work, "records", names.RECORDS, as_csv(library))
    _write(work, "records", names.MERGES, table_text(_MERGES, merges))
    _write(work, "records", names.REMARKS, "".join(f"{remark}\n" for remark in library.remarks))
    _write(work, "records", names.COUNTS, json.dumps(library.flow, indent=1) + "\n")
    if not work.project.path(names.APART).exists():
        write_text(work.project.path(names.APART), table_text(APART_COLUMNS, []))
    vars(work).pop("library", None)
    told = f"{library.flow['records']:,} records, {library.flow['merged']:,} of them copies; {len(library):,} are left"
    more = [f"{len(library.remarks):,} remarks in {names.REMARKS}"] if library.remarks else []
    return Done(step="records", told=(told, *more), numbers=dict(library.flow))


def query_step(work: ReviewWork) -> Done:
    """Put the query to the records, and write it out for data bases."""
    library, of = work.library.take(work.left()), work.table.query
    if not of.text.strip():
        _write(work, "query", names.QUERY, "no query: all records are taken\n")
        _write(work, "query", names.FOUND, table_text(("record", "title"), []))
        return Done(step="query", told=("no query: all records are taken",), numbers={"found": len(library)})
    query, index = parse_query(of.text), Index(library)
    found = index.search(query)
    lines = [str(query), "", *(f"remark: {remark}" for remark in index.remarks(query))]
    lines += [f"{n:,} records have {term}" for term, n in index.counts(query).items()]
    for dialect in of.dialects:
        written = query.written_for(dialect)
        lines += ["", f"{dialect}:", written.text, *(f"  not said there: {what}" for what in written.unsaid)]
    _write(work, "query", names.QUERY, "\n".join(lines) + "\n")
    rows = [{"record": id, "title": library[id].title} for id in found]
    _write(work, "query", names.FOUND, table_text(("record", "title"), rows))
    goes_on = "only these go on" if of.narrows else "all go on"
    told = f"{len(found):,} of {len(library):,} records are found; {goes_on}"
    numbers: dict[str, float | None] = {"found": len(found), "records": len(library)}
    labels = _labels(library, work.keys.column)
    if len(set(labels)) < 2:
        return Done(step="query", told=(told,), numbers=numbers)
    there = set(found)
    quality = retrieval([id in there for id in library.records], labels)
    numbers |= {"precision": quality.precision, "recall": quality.recall, "f1": quality.f1, "f3": quality.f3}
    missed = (
        f"it finds {quality.n_both:,} of {quality.n_relevant:,} that the file includes (recall {quality.recall:.2f}"
    )
    return Done(step="query", told=(told, f"{missed}, precision {quality.precision or 0:.2f})"), numbers=numbers)


def _labels(library: Library, column: str) -> list[bool]:
    """Decisions in the file of the records, where all of them have one."""
    cells = [record.other.get(column, "") for record in library.records.values()]
    return [said(cell, column) for cell in cells] if all(cells) else []


def rank_step(work: ReviewWork) -> Done:
    """Order the candidates by nearness to the question."""
    library = work.candidates
    encoder = encoder_named(work.keys.encoder)
    ranked = rank(library, work.table.question, encoder=encoder)
    rows = [
        {"rank": k, "record": id, "score": f"{score:.6f}", "title": library[id].title}
        for k, (id, score) in enumerate(ranked, start=1)
    ]
    _write(work, "rank", names.RANKED, table_text(("rank", "record", "score", "title"), rows))
    by = "words" if encoder == NONE else "words and sentence vectors"
    told = f"{len(ranked):,} records by {by}; first: {library[ranked[0][0]].title}"
    return Done(step="rank", told=(told,), numbers={"ranked": len(ranked)})


def screen_step(work: ReviewWork) -> Done:
    """Have the candidates screened, or go on with it."""
    study = work.screening()
    folder = _run(work, names.SCREENING, "screen")
    run = collect(study.design, study.cast, folder, watch=work.watch)
    if not run.is_complete:
        raise Waiting(f"{folder}: {run.state}; run the same command again to go on")
    table = decisions_of(run)
    _write(work, "screen", names.DECISIONS, table.write_csv())
    counts = {name: int((table["decision"] == name).sum()) for name in ("include", "exclude")}
    told = f"{table.height:,} of {len(work.candidates):,} read; {counts['include']:,} included"
    if lost := table.height - sum(counts.values()):
        told += f"; {lost:,} without a decision, which are in nothing that follows"
    return Done(
        step="screen", told=(told, *reached(run).told), numbers={**counts, "read": table.height, "run": str(run.path)}
    )


def screening_of(work: ReviewWork) -> Run | None:
    """The screening that the step last carried out; None where it never was, or its folder is gone."""
    held = work.project.record().get("screen")
    path = held and work.project.path(f"{names.SCREENING}-{fingerprint(held['inputs'])[:8]}")
    return Run(path) if path and path.is_dir() else None


def extract_step(work: ReviewWork) -> Done:
    """Fill the form from what is included."""
    library, found = work.included(), extraction_of(work)
    _write(work, "extract", names.EVIDENCE, found.table.write_csv())
    _write(work, "extract", names.MATRIX, matrix(found.table, library, found.fields).write_csv())
    n = len(library) * len(found.fields) * len(found.extractors)
    told = f"{len(found.cells):,} of {n:,} cells have a value with its words; {len(found.dropped):,} values dropped"
    agreed = found.agreement() if len(found.extractors) > 1 else {}
    more = [f"{field}: the same in {same:.0%} of the records" for field, (same, _) in agreed.items()]
    return Done(step="extract", told=(told, *more), numbers={"cells": len(found.cells), "dropped": len(found.dropped)})


def extraction_of(work: ReviewWork) -> Extraction:
    """What was taken from the included; whoever was asked is not asked again."""
    folder = work.project.study.parent
    engines = {name: address_beside(address, folder) for name, address in work.table.extractors.items()}
    form = folder / work.table.form if (folder / work.table.form).is_file() else work.table.form
    return extract(work.included(), engines=engines, form=form, folder=_run(work, "extraction", "extract"))


def synthesise_step(work: ReviewWork) -> Done:
    """Sum up what is included, and write the review down."""
    library, found, flow = work.included(), synthesis_of(work), flow_in(work)
    _write(work, "synthesise", names.SYNTHESIS, synthesis_csv(found))
    page = f"{markdown(found)}\n## Flow of records\n\n![Flow of records]({names.FIGURE})\n\n```\n{in_words(flow)}```\n"
    page += f"\n## Whether enough was read\n\n{_enough(work)}\n"
    _write(work, "synthesise", names.PAGE, f"{page}\n## Evidence\n\n{_matrix(work)}")
    for name in names.REFERENCES:
        _write(work, "synthesise", name, WRITERS[Path(name).suffix](library))
    _write(work, "synthesise", names.FLOW, json.dumps(flow, indent=1, ensure_ascii=False) + "\n")
    _write(work, "synthesise", names.FIGURE, drawn(flow))
    return Done(
        step="synthesise",
        told=(f"{len(found.sentences)} sentences stand, {len(found.removed)} are removed", *found.told),
        numbers={"sentences": len(found.sentences), "removed": len(found.removed), "flow": flow},
    )


def synthesis_of(work: ReviewWork) -> Synthesis:
    """The sentences that sum up what is included; whoever was asked is not asked again."""
    table, folder = work.table, work.project.study.parent
    writer, judge = (address_beside(name, folder) if name else None for name in (table.writer, table.judge))
    home = _run(work, "writing", "synthesise")
    return synthesise(work.included(), table.question, engine=writer, judge=judge, n=table.sentences, folder=home)


def flow_in(work: ReviewWork) -> Flow:
    """Records at every stage, counted from the files of the review."""
    found = len(work.candidates) if work.table.query.narrows else None
    counts, left_out = work.counts(), work.left_out()
    # Who edits the table of records may take some out, or add some.
    if (by_hand := len(work.library) - counts["left"]) > 0:
        counts = {f"{names.RECORDS}, by hand": by_hand} | counts
        counts |= {name: counts[name] + by_hand for name in ("records", "left")}
    elif by_hand:
        left_out[f"{names.RECORDS}, by hand"] = -by_hand
    return flow_of(counts, left_out=left_out, found=found, decisions=work.decisions())


def _enough(work: ReviewWork) -> str:
    """What is known of recall, for the page."""
    if (run := screening_of(work)) is None:
        return "The run of the screening is not here any more, so nothing is known of recall."
    told = list(reached(run).told)
    if names.DECISIONS in work.standings()["screen"].edited:
        told.append(f"{names.DECISIONS} was edited since: this is about the decisions before that.")
    return "\n\n".join(told)


def _matrix(work: ReviewWork) -> str:
    """Papers by fields as a Markdown table."""
    rows = rows_in(work.needed(names.MATRIX, "extract"), ("record",))
    if not rows:
        return "No field of the form was filled.\n"
    columns = [name for name in rows[0] if name != "record"]
    lines = [columns, ["---"] * len(columns), *([row[name] for name in columns] for row in rows)]
    return "".join(
        f"| {' | '.join(' '.join(c.split()).replace('|', chr(92) + '|') for c in line)} |\n" for line in lines
    )


def _run(work: ReviewWork, name: str, step: Step) -> Path:
    """Folder of a step's run: another where what it is made of changed, so that no answers are mixed."""
    return work.project.path(f"{name}-{fingerprint(work.inputs(step))[:8]}")


def _write(work: ReviewWork, step: Step, name: str, text: str) -> None:
    work.project.write(step, name, text, again=work.again)


_DOING: Mapping[Step, Callable[[ReviewWork], Done]] = {
    "records": records_step,
    "query": query_step,
    "rank": rank_step,
    "screen": screen_step,
    "extract": extract_step,
    "synthesise": synthesise_step,
}
