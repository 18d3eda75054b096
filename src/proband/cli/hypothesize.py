"""``proband hypothesize``: from findings to hypotheses that are tested elsewhere, and to studies of them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from proband.analyses.held import held_sections
from proband.cli.talk import emit, out, talk
from proband.errors import DesignError
from proband.literature.hypotheses.steps import find_by_surface, open_and_test, terms_of
from proband.reports import write_findings
from proband.reports.findings import Findings
from proband.reports.terminal import terminal

HypothesesArgument = Annotated[Path, typer.Argument(help="File of hypotheses, .toml or .jsonl.", metavar="HYPOTHESES")]
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
    into: Annotated[Path, typer.Option(help="File of hypotheses to write.")] = Path("hypotheses.toml"),
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
    if into.exists():
        raise DesignError(f"{into} is there already; take another --into, or remove it with its lock")
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
def open_b(hypotheses: HypothesesArgument, json: JsonOption = False) -> None:
    """Open B, once, and test what was locked there.

    Example: `proband hypothesize test hypotheses.toml`
    """
    outcome = open_and_test(hypotheses)
    found = Findings(title=f"Hypotheses on {Path(outcome.terms.data).name}", sections=tuple(held_sections(outcome)))
    _tell(found, hypotheses.with_name(f"{hypotheses.stem}.html"), as_json=json)


def _tell(found: Findings, page: Path, *, as_json: bool) -> None:
    path = write_findings(found, page)
    if as_json:
        emit({**found.as_dict(), "report": str(path)})
    else:
        out.print(terminal(found, out.width, is_whole=True))
    talk.print(f"report: {path}", soft_wrap=True, markup=False)
