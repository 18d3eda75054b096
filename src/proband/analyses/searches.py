"""What a search found: the query, its words, its quality on labelled records, and how much that varies."""

from collections.abc import Mapping, Sequence

from proband.analyses.answers import tabled
from proband.analyses.section import Cell, CellForm, Section
from proband.literature.queries.dialects import DIALECTS
from proband.literature.queries.drafting import Draft
from proband.literature.queries.index import Index
from proband.literature.queries.quality import LEVELS, Key, Stage, spread
from proband.literature.queries.query import Query
from proband.literature.queries.seeds import FromSeeds
from proband.measures import Retrieval, average_precision, recall_at

_CHAPTER = "The search"


def query_sections(index: Index, query: Query, dialects: Sequence[str] = DIALECTS) -> list[Section]:
    """The query, what each of its terms finds, and how data bases write it."""
    n = len(index.search(query))
    counts: list[tuple[Cell, ...]] = [(term, found) for term, found in index.counts(query).items()]
    forms: dict[str, CellForm] = {"term": "text", "records": "count"}
    terms = Section(
        name="query",
        heading="Query",
        chapter=_CHAPTER,
        sentences=(str(query), f"It finds {n:,} of {len(index.records):,} records."),
        table=tabled(forms, counts, "What each term finds by itself", is_folded=len(counts) > 12),
        warnings=index.remarks(query),
        lead=f"The query finds {n:,} of {len(index.records):,} records.",
    )
    return [terms, *(_dialect(query, name) for name in dialects)]


def _dialect(query: Query, name: str) -> Section:
    written = query.written_for(name)
    return Section(
        name=f"query-{name}", heading=f"For {name}", chapter=_CHAPTER, sentences=(written.text,), notes=written.unsaid
    )


def seed_section(made: FromSeeds, n_seeds: int) -> Section:
    """The terms that tell the known papers from the rest."""
    rows: list[tuple[Cell, ...]] = [(str(t.term), t.n_seeds, t.n_records, t.z) for t in made.terms[:20]]
    forms: dict[str, CellForm] = {"term": "text", "seed papers": "count", "records": "count", "z": "number"}
    lost = f" It misses {len(made.missed)} of them: {', '.join(made.missed)}." if made.missed else ""
    return Section(
        name="seeds",
        heading="What tells the seed papers from the rest",
        chapter=_CHAPTER,
        sentences=(f"The query was made by rules from {n_seeds} seed papers.{lost}",),
        table=tabled(forms, rows, "Log odds against the other records, in standard errors", digits=1),
        notes=("What the query does on its own seed papers says nothing of how it does on others.",),
    )


def quality_section(measured: Mapping[str, Retrieval], n_unlabelled: int) -> Section:
    """Precision, recall and F of queries."""
    rows: list[tuple[Cell, ...]] = [
        (name, of.n_found, of.precision, of.recall, of.f1, of.f3) for name, of in measured.items()
    ]
    first = next(iter(measured.values()))
    left = f" {n_unlabelled:,} records without label are left out." if n_unlabelled else ""
    return Section(
        name="search-quality",
        heading="Quality on the labelled records",
        chapter=_CHAPTER,
        sentences=(f"{first.n_relevant:,} records are relevant.{left}",),
        table=tabled({"query": "text", "found": "count", **_forms()}, rows, "F3 counts recall nine times"),
    )


def draft_sections(
    drafts: Sequence[Draft], engines: Mapping[str, str], found: Mapping[Key, int], measured: Mapping[Key, Retrieval]
) -> list[Section]:
    """What was written by whom, how much it finds, and, where records are labelled, how far its quality lies apart."""
    unread = [draft for draft in drafts if draft.query is None]
    rows: list[tuple[Cell, ...]] = []
    for draft in drafts:
        of = measured.get(key_of(draft))
        who = f"{engines[draft.writer]}: " if len(engines) > 1 else ""
        rules = ", joined by rules" if draft.by == "rules" else ""
        name = f"{who}{draft.way}, wording {draft.wording}, run {draft.run}{rules}"
        values = (of.precision, of.recall, of.f1, of.f3) if of else (None,) * 4
        rows.append((name, found.get(key_of(draft)), *(values if measured else ())))
    forms: dict[str, CellForm] = {"draft": "text", "found": "count", **(_forms() if measured else {})}
    written = Section(
        name="drafts",
        heading="Queries that were written",
        chapter=_CHAPTER,
        sentences=(f"{len(drafts) - len(unread)} of {len(drafts)} drafts could be read.",),
        table=tabled(forms, rows, "One row a draft", is_folded=len(rows) > 12),
        notes=tuple(dict.fromkeys(f"{draft.way}: {draft.why}" for draft in unread))[:5],
        warnings=("a draft that could not be read is in no mean and no range",) if unread else (),
    )
    return [written, *_variation(measured)]


def _variation(measured: Mapping[Key, Retrieval]) -> list[Section]:
    columns = {
        name: {key: value for key, of in measured.items() if (value := getattr(of, name.lower())) is not None}
        for name in _forms()
    }
    if len(measured) < 2 or not all(columns.values()):
        return []
    apart = {name: spread(values) for name, values in columns.items()}
    rows: list[tuple[Cell, ...]] = [
        (told, *(measure(list(values.values())) for values in columns.values()))
        for told, measure in (("lowest", min), ("mean", lambda x: sum(x) / len(x)), ("highest", max))
    ]
    rows += [
        (f"between {level}", *(apart[name].get(level) for name in columns))
        for level in LEVELS
        if any(level in of for of in apart.values())
    ]
    low, high = min(columns["recall"].values()), max(columns["recall"].values())
    return [
        Section(
            name="search-variation",
            heading="How far the queries lie apart",
            chapter=_CHAPTER,
            sentences=(
                f"Recall lies between {low:.0%} and {high:.0%} for one question, over {len(measured)} queries.",
            ),
            table=tabled({"": "text", **_forms()}, rows, "Range over all queries, and the mean range at each level"),
            notes=("Between runs: of one wording; between wordings: of the means over their runs; and so on upwards.",),
            lead=f"Recall varies from {low:.0%} to {high:.0%} between queries for the same question.",
        )
    ]


def recovery_section(stages: Sequence[Stage], order: Sequence[str], labels: Mapping[str, bool]) -> Section:
    """What ranking and citations win back."""
    rows: list[tuple[Cell, ...]] = [(stage.name, stage.n_read, stage.n_relevant, stage.recall) for stage in stages]
    forms: dict[str, CellForm] = {"read": "text", "records": "count", "relevant": "count", "recall": "share"}
    said: tuple[str, ...] = ()
    if order:
        ranked = [labels[id] for id in order if id in labels]
        said = (
            f"By rank alone: average precision {average_precision(ranked):.3f}, recall {recall_at(ranked):.0%} in the "
            f"first 10 % and {recall_at(ranked, share=0.25):.0%} in the first 25 %.",
        )
    return Section(
        name="search-recovery",
        heading="What is won back",
        chapter=_CHAPTER,
        sentences=said,
        table=tabled(forms, rows, "Each row reads what the rows above it read, and more"),
    )


def key_of(draft: Draft) -> Key:
    """Where a draft stands among the others."""
    return draft.writer, draft.way, draft.wording, draft.run


def _forms() -> dict[str, CellForm]:
    return {"precision": "share", "recall": "share", "F1": "number", "F3": "number"}
