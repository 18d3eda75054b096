"""``proband search``: records by a Boolean query, by a question, or by what known papers share."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from proband.addresses.opening import check_address
from proband.analyses.answers import tabled
from proband.analyses.searches import (
    draft_sections,
    key_of,
    quality_section,
    query_sections,
    recovery_section,
    seed_section,
)
from proband.analyses.section import Cell, CellForm, Section
from proband.cli.choosing import refuse_unread
from proband.cli.studying import STOPPED, stopped
from proband.cli.talk import emit, out, progress, talk
from proband.errors import DataError, DesignError
from proband.files import check_name, text_of
from proband.literature.queries.dialects import DIALECTS
from proband.literature.queries.drafting import Draft, Drafting, Way
from proband.literature.queries.index import Index
from proband.literature.queries.language import parse_query
from proband.literature.queries.quality import labels_of, quality, recovered
from proband.literature.queries.query import Query
from proband.literature.queries.ranking import rank
from proband.literature.queries.seeds import query_from_seeds
from proband.literature.records.library import Library, read_library
from proband.literature.records.writing import as_ris
from proband.literature.screening.ranker import AUTO, NONE, encoder_named
from proband.reports.findings import Findings
from proband.reports.terminal import terminal
from proband.runs import collect

_SHOWN = 10  # records on the terminal


def search(
    files: Annotated[list[Path], typer.Argument(help="Files of records: RIS, nbib, BibTeX, JSON, tables, PDF.")],
    query: Annotated[str, typer.Option(help="A Boolean query, e.g. '(nudg* OR reminder*) AND physician*'.")] = "",
    question: Annotated[
        str, typer.Option(help="A sentence: records are ranked by it, and engines write queries for it.")
    ] = "",
    seeds: Annotated[Path | None, typer.Option(help="File with ids of papers that belong, one a line.")] = None,
    engine: Annotated[
        list[str] | None, typer.Option(help="Who writes queries for the question; again for a second engine.")
    ] = None,
    way: Annotated[
        Literal["one", "guided", "both"] | None, typer.Option(help="One request, guided steps, or both (default).")
    ] = None,
    wordings: Annotated[int | None, typer.Option(help="Wordings of the request, 1 to 3. Default: 3.")] = None,
    runs: Annotated[int | None, typer.Option(help="Repeats of each wording. Default: 3.")] = None,
    labels: Annotated[
        str, typer.Option(help="What is relevant: a column of the records' file, or a table of decisions.")
    ] = "",
    encoder: Annotated[
        str | None, typer.Option(help="Of sentence vectors: minilm where installed (default), words, none.")
    ] = None,
    for_: Annotated[
        list[str] | None, typer.Option("--for", help=f"Write the query for {', '.join(DIALECTS)}; again for others.")
    ] = None,
    into: Annotated[Path | None, typer.Option(help="Folder of the engines' run. Default: runs/search.")] = None,
    out_: Annotated[
        Path | None, typer.Option("--out", help="File of what was found: .csv with ranks, or .ris.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the engines' draws. Default: 1.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Everything on stdout as JSON.")] = False,
) -> None:
    """Search records, tell what a query finds and misses, and write it for data bases.

    Example: `proband search records.ris --query "(nudg* OR default*) AND physician*" --for pubmed`
    """
    _check(query, question, seeds, engine, out_)
    if not engine:
        refuse_unread(
            "only engines that write queries read it; name one with --engine, and a --question",
            way=way, wordings=wordings, runs=runs, into=into, seed=seed,
        )  # fmt: skip
    if not question:
        refuse_unread("only a ranking reads it; give a --question", encoder=encoder)
    if not (query or seeds):
        refuse_unread("only a query is written for data bases; give --query or --seeds", **{"for": for_})
    if encoder not in (None, AUTO, NONE):
        check_address(encoder)
    parsed = parse_query(query) if query else None
    library = read_library(*files)
    relevant = labels_of(library, labels) if labels else {}
    index = Index(library)
    # All that can be refused is, before an engine is asked.
    queries, sections = _queries(parsed, seeds, for_ or (), library, index)
    names = {f"engine-{k}": address for k, address in enumerate(engine or (), 1)}
    drafts, waiting = list[Draft](), ""
    if names:
        design = Drafting(
            question=question, index=index, library_hash=library.content_hash, seed=1 if seed is None else seed,
            writers=tuple(names), ways=_ways(way or "both"),
            wordings=3 if wordings is None else wordings, runs=3 if runs is None else runs,
        )  # fmt: skip
        with stopped(), progress() as watch:
            run = collect(design, names, into or Path("runs/search"), watch=watch)
        drafts, waiting = design.drafts(run.responses()), "" if run.is_complete else run.state
    order = _ranked(library, question, encoder or AUTO, index) if question else []
    found = {name: index.search(each) for name, each in queries.items()}
    written = {key_of(draft): index.search(draft.query) for draft in drafts if draft.query is not None}
    rows = _rows(library, [*found.values(), *written.values()], order)
    if drafts:
        measured = {key: quality(ids, relevant) for key, ids in written.items() if relevant}
        sections += draft_sections(drafts, names, {key: len(ids) for key, ids in written.items()}, measured)
    if relevant and found:
        measures = {name: quality(ids, relevant) for name, ids in found.items()}
        sections.append(quality_section(measures, len(library) - len(relevant)))
    if relevant and order:
        start = next(iter(found.values()), None) or [row["record"] for row in rows if 2 * row["queries"] > len(written)]
        ranked = [id for id, _ in order]
        sections.append(recovery_section(recovered(library, start, relevant, ranked), ranked, relevant))
    told = Findings(
        title=f"Search of {library.name}",
        sections=(*sections, _records(library, rows)),
        warnings=tuple(map(str, library.remarks)),
    )
    if json:
        emit({**told.as_dict(), **_as_json(queries, drafts, names), "records": rows})
    else:
        out.print(terminal(told, out.width, is_whole=True))
    if out_ is not None:
        _save(out_, library, rows)
        talk.print(f"{len(rows):,} records: {out_}", soft_wrap=True, markup=False)
    if waiting:
        talk.print(f"the engines' run is {waiting}: run the same command again to go on", markup=False)
        raise typer.Exit(STOPPED)


def _queries(
    parsed: Query | None, seeds: Path | None, dialects: Sequence[str], library: Library, index: Index
) -> tuple[dict[str, Query], list[Section]]:
    """Queries by name, that of the command line first, and what is told of them."""
    queries = {} if parsed is None else {"query": parsed}
    sections: list[Section] = []
    if seeds is not None:
        made = query_from_seeds(index, known := _ids(seeds, library))
        queries["from seed papers"] = made.query
        sections.append(seed_section(made, len(known)))
    return queries, [
        *sections,
        *(each for query in queries.values() for each in query_sections(index, query, dialects)),
    ]


def _ranked(library: Library, question: str, encoder: str, index: Index) -> list[tuple[str, float]]:
    """Records by nearness to the question."""
    if (address := encoder_named(encoder)) != NONE:
        talk.print(f"vectors of {len(library):,} records by {address}", markup=False)
    return rank(library, question, encoder=address, index=index)


def _as_json(queries: Mapping[str, Query], drafts: Sequence[Draft], names: Mapping[str, str]) -> dict[str, Any]:
    """Queries, and what engines wrote, as text."""
    drafted = [
        {"engine": names[d.writer], "way": d.way, "wording": d.wording, "run": d.run, "by": d.by, "text": d.text,
         "query": str(d.query) if d.query else None, "why": d.why}
        for d in drafts
    ]  # fmt: skip
    return {"queries": {name: str(each) for name, each in queries.items()}, "drafts": drafted}


def _check(query: str, question: str, seeds: Path | None, engine: list[str] | None, save: Path | None) -> None:
    """Refuse what cannot be carried out before anything is read."""
    if not (query or question or seeds):
        raise DesignError("nothing to search by; give --query, --question or --seeds")
    if engine and not question:
        raise DesignError("--engine writes queries for a question; give one with --question")
    if engine and len(set(engine)) < len(engine):
        raise DesignError(f"--engine was given twice as {engine[0]}; repeats of one engine are --runs")
    if save is not None and (save.suffix.lower() not in (".csv", ".ris") or not save.parent.is_dir()):
        raise DesignError(f"--out {save}: records are written as .csv or .ris, into a folder that is there; name one")
    if save is not None:
        check_name(save, error=DesignError)


def _ways(way: str) -> tuple[Way, ...]:
    return get_args(Way) if way == "both" else tuple(one for one in get_args(Way) if one == way)


def _ids(path: Path, library: Library) -> list[str]:
    """Ids in a file, one a line, as the library has them; a DOI may stand without `doi:`."""
    lines = [line.strip() for line in text_of(path, what="file of seed papers", error=DataError).splitlines()]
    return [library.id_of(f"doi:{line.lower()}" if line.startswith("10.") else line) for line in lines if line]


def _rows(library: Library, found: Sequence[Sequence[str]], order: Sequence[tuple[str, float]]) -> list[dict[str, Any]]:
    """What was found, by rank and else in the library's order; where there is no query, everything by rank."""
    times = Counter(id for ids in found for id in ids)
    ranks = {id: (place, score) for place, (id, score) in enumerate(order, 1)}
    ids = [id for id in (ranks or library.records) if id in times or not found]
    return [
        {"record": id, "title": library.records[id].title, "year": library.records[id].year, "queries": times[id],
         "rank": ranks[id][0] if id in ranks else None, "score": ranks[id][1] if id in ranks else None}
        for id in ids
    ]  # fmt: skip


def _save(path: Path, library: Library, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what was found."""
    if path.suffix.lower() == ".ris":
        path.write_text(as_ris(library.take([row["record"] for row in rows])), encoding="utf-8")
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["record", "title", "year", "queries", "rank", "score"])
            writer.writeheader()
            writer.writerows(rows)


def _records(library: Library, rows: Sequence[Mapping[str, Any]]) -> Section:
    """The first of what was found."""
    shown: list[tuple[Cell, ...]] = [
        (r["record"], r["title"], str(r["year"] or ""), r["queries"]) for r in rows[:_SHOWN]
    ]
    forms: dict[str, CellForm] = {"record": "text", "title": "text", "year": "text", "queries": "count"}
    return Section(
        name="records",
        heading="Records",
        chapter="The search",
        sentences=(f"{len(rows):,} of {len(library):,} records; the first {len(shown)}:",),
        table=tabled(forms, shown, "Queries: how many of the queries find it"),
    )
