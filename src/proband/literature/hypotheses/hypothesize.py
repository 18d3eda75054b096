"""Proposing as a kind: what stands under ``[hypothesize]``."""

from pathlib import Path
from typing import Any

from pydantic import Field, StrictInt

from proband.designs.kind import Kind, Shared, Told
from proband.errors import DesignError
from proband.files import Table
from proband.literature.hypotheses.bank import Keeping
from proband.literature.hypotheses.gaps import read_evidence
from proband.literature.hypotheses.proposing import Proposing
from proband.literature.hypotheses.record import Strategy
from proband.literature.hypotheses.rows import Alike
from proband.literature.hypotheses.testing import Terms
from proband.literature.spans import Span


class RowsTable(Table):
    """Rows that hypotheses are found on, and tested on."""

    file: str = Field(examples=['file = "headlines.csv"'], description="`.csv`, `.tsv`, `.jsonl` or `.parquet`")
    outcome: str = Field(examples=['outcome = "clicked"'], description="column that is to be told from the texts")
    texts: list[str] = Field(default=[], description="columns of texts; by default those with three words and more")
    id: str = Field(default="", description="column of ids")
    unit: str = Field(default="", description="column of what hangs together: author, site, day")
    alike: Alike = Field(
        default="refuse", description="rows with the same words on both sides: `refuse` them, or keep them `together`"
    )
    share: float = Field(default=0.5, description="share of the rows that are looked at (A)")
    size: StrictInt = Field(default=Keeping().size, description="hypotheses that a bank holds")
    acting: StrictInt = Field(default=Keeping().acting, description="hypotheses that are asked about each row")
    errors: StrictInt = Field(default=Keeping().errors, description="rows foretold wrongly, before new ones")
    fresh: StrictInt = Field(default=Keeping().fresh, description="how many are then proposed")
    looked: StrictInt = Field(default=60, description="rows of A that are judged")


class HypothesizeTable(Table):
    """What hypotheses are about, and how they are come by."""

    about: str = Field(examples=['about = "What makes a headline be clicked?"'], description="question or topic")
    strategies: list[Strategy] = Field(
        default=["plain"],
        description="`plain`; `less_likely`, against the likely one; `stepwise`, thoughts first; `adversarial`, with a "
        "critic; `tuned`, by an engine of that role; each is a condition",
    )
    each: StrictInt = Field(default=3, description="proposals of each strategy")
    rounds: StrictInt = Field(default=1, description="how often a critic is heard")
    passages: str = Field(
        default="", description="a table of evidence (record, field, value, start, end, quotation, page) to cite from"
    )
    rows: RowsTable | None = Field(default=None, description="rows that they are found on")
    temperature: float = Field(default=0.7, description="of written replies")
    max_tokens: StrictInt = Field(default=300, description="longest written reply")


def _make(shared: Shared, table: HypothesizeTable) -> Proposing:
    given: dict[str, Any] = table.model_dump(include={"about", "each", "rounds", "temperature", "max_tokens"})
    spans: tuple[Span, ...] = ()
    if table.passages:
        cells = read_evidence(shared.folder / table.passages)
        spans = tuple(dict.fromkeys(cell.span for cell in cells if cell.span is not None))
        if not spans:
            raise DesignError(f"{shared.where}: {table.passages} has no quotation; there is nothing to cite")
    given |= {"strategies": tuple(table.strategies), "spans": spans, "seed": shared.seed, "title": shared.title}
    if table.rows is None:
        return Proposing(**given)
    of = table.rows
    terms = Terms(data=of.file, outcome=of.outcome, texts=tuple(of.texts), id=of.id, unit=of.unit, share=of.share,
                  seed=shared.seed, alike=of.alike)  # fmt: skip
    a, _, _ = terms.sides(Path(shared.folder))
    keeping = Keeping(size=of.size, acting=of.acting, errors=of.errors, fresh=of.fresh)
    return Proposing(**given, rows=a, terms=terms, keeping=keeping, looked=of.looked)


KIND = Kind(
    name="hypothesize",
    about="hypotheses proposed by engines under several strategies, from a question, passages, or rows of a table",
    keys=HypothesizeTable,
    make=_make,
    analyses=("proposals", "dispositions", "deviations"),
    needs=frozenset(),
    takes=frozenset(),
    told=Told(
        subject="proposal", unit="proposal", units="proposals", stands="about", is_of_models=True,
        shows="what {engine} proposes when asked so",
        hides="whether any of it is so",
        limits="A proposal is no finding: it is tested on data that its proposer has not seen.",
    ),
)  # fmt: skip
