"""``proband themes``: themes found in texts, edited in a file, told with the passages that have them."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from proband.addresses import open_engine
from proband.analyses.answers import tabled
from proband.analyses.section import CellForm, Section
from proband.analyses.themes import theme_sections
from proband.cli.choosing import refuse_unread
from proband.cli.studying import stopped
from proband.cli.talk import emit, out, progress, talk
from proband.errors import DesignError
from proband.reports import write_findings
from proband.reports.findings import Findings
from proband.reports.terminal import terminal
from proband.runs import collect
from proband.subjects.corpora import Corpus, read_corpus
from proband.texts.themes.drafts import Draft, coded, passages_path, read_draft, typical, write_draft
from proband.texts.themes.induction import Groups, grouped
from proband.texts.themes.naming import Naming, names_in
from proband.texts.themes.passages import Passage, passages_of
from proband.texts.themes.wording import characteristic_words

ENCODER = "minilm"
_WORDS = "their commonest words"


def themes(
    corpus: Annotated[Path, typer.Argument(help="Documents: a table with one a row, or a folder of texts.")],
    into: Annotated[
        Path, typer.Option(help="Codebook file to draft; one that is there is read as it was edited.")
    ] = Path("themes.toml"),
    id: Annotated[str, typer.Option(help="Column of ids.")] = "",
    text: Annotated[str, typer.Option(help="Column of the words; else one called text, body or the like.")] = "",
    unit: Annotated[str, typer.Option(help="Column of what is independent: author, source.")] = "",
    encoder: Annotated[
        str | None, typer.Option(help="What makes the vectors: minilm, smollm2, words, a server. Default: minilm.")
    ] = None,
    passage: Annotated[
        Literal["sentence", "document"] | None, typer.Option(help="What is grouped. Default: sentence.")
    ] = None,
    k: Annotated[
        int | None, typer.Option("--k", help="Number of themes; default: the most stable beyond chance.")
    ] = None,
    engine: Annotated[str | None, typer.Option(help="A model that names the themes; default: their words do.")] = None,
    seed: Annotated[int, typer.Option(help="Of all draws.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="Everything on stdout as JSON.")] = False,
) -> None:
    """Find themes in texts, draft a codebook of them, and tell them as the file was edited.

    Example: `proband themes letters.csv --id id --encoder words --into themes.toml`
    """
    documents = read_corpus(corpus, id=id, text=text, unit=unit)
    found: list[Section] = []
    if into.exists():
        refuse_unread(
            f"{into} is there, perhaps edited; name another file with --into to draft anew",
            encoder=encoder, passage=passage, k=k, engine=engine,
        )  # fmt: skip
    else:
        with stopped():
            found = [_drafted(documents, into, encoder or ENCODER, passage or "sentence", k, engine, seed)]
        talk.print(f"draft: {into}, passages: {passages_path(into)}", soft_wrap=True, markup=False)
    draft = read_draft(into, documents)
    told = Findings(
        title=f"Themes of {documents.name}",
        sections=(*found, *theme_sections(coded(draft, documents), "draft", "Themes")),
        warnings=_about(draft),
    )
    report = write_findings(told, into.with_suffix(".html"))
    if json:
        emit({**told.as_dict(), "draft": str(into), "report": str(report)})
    else:
        out.print(terminal(told, out.width, is_whole=True))
    talk.print(f"report: {report}", soft_wrap=True, markup=False)


def _drafted(
    corpus: Corpus, into: Path, encoder: str, unit: Literal["sentence", "document"], k: int | None, engine: str | None,
    seed: int,
) -> Section:  # fmt: skip
    """Write the draft, and tell how the number of themes was found."""
    if into.suffix.lower() != ".toml":
        raise DesignError(f"--into {into}: a codebook's file ends in .toml; name it {into.with_suffix('.toml').name}")
    passages = passages_of(corpus, unit)
    opened = open_engine(encoder)
    try:
        talk.print(f"{len(passages):,} passages of {len(corpus):,} documents, vectors by {encoder}", markup=False)
        vectors = opened.embed([passage.text for passage in passages])
    finally:
        opened.close()
    talk.print("grouping: how many themes are stable?", markup=False)
    groups = grouped(vectors, [corpus.unit_of(passage.document) for passage in passages], k=k, seed=seed)
    names = _names(corpus, into, passages, groups, engine, seed)
    write_draft(into, corpus, passages, groups, names, encoder=encoder)
    rows = [(str(found.k), found.stability, found.chance, found.gain) for found in groups.tried]
    forms: dict[str, CellForm] = {"themes": "text", **dict.fromkeys(("alike", "without groups", "gain"), "number")}
    return Section(
        name="stability",
        heading="How many themes",
        chapter="The draft",
        sentences=(f"{groups.k} groups of {len(passages):,} passages of {len(corpus):,} documents, by {encoder}.",),
        table=tabled(forms, rows, "Adjusted Rand index of the groups from two draws of 80 % of the units", digits=2),
        notes=(
            "The number with the largest gain is taken. It is one reading of the texts by one encoder, no finding.",
        ),
        warnings=groups.warnings,
    )


def _names(
    corpus: Corpus, into: Path, passages: list[Passage], groups: Groups, engine: str | None, seed: int
) -> dict[int, tuple[str, str]]:
    """A name for every group and who gave it: a model where one is asked, the words of its passages where none is."""
    words = characteristic_words([passage.text for passage in passages], groups.of.tolist())
    names = {g: (", ".join(words[g]) or f"group {g}", _WORDS) for g in range(1, groups.k + 1)}
    if engine is None:
        return names
    units = {id: corpus.unit_of(id) for id in corpus.ids}
    shown = {
        g: [passages[p].text for p in typical(passages, groups.similarity[:, g - 1], np.flatnonzero(groups.of == g),
                                               units, 8)]
        for g in names
    }  # fmt: skip
    with progress() as watch:
        run = collect(Naming(passages=shown, seed=seed), engine, Path("runs") / f"themes-{into.stem}", watch=watch)
    return names | {g: (name, engine) for g, name in names_in(run).items()}


def _about(draft: Draft) -> tuple[str, ...]:
    """What became of the groups of the draft."""
    merged = [f"{label} (groups {', '.join(map(str, of))})" for label, of in draft.groups.items() if len(of) > 1]
    told = [
        "themes found by grouping are frequent by construction, for a rare one has no group of its own: saturation "
        "comes early, and tells of these themes only"
    ]
    told += [f"merged: {'; '.join(merged)}"] * bool(merged)
    if draft.dropped:
        lost = int(np.isin(draft.of, draft.dropped).sum())
        told.append(f"dropped: groups {', '.join(map(str, draft.dropped))}, with {lost:,} passages")
    return tuple(told)
