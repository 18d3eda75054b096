"""What became of the responses: valid, refused, not read, cut off or failed, by item, arm and role."""

from collections import Counter
from collections.abc import Sequence

import polars as pl

from proband.analyses.answers import answers, tabled, unanswered
from proband.analyses.section import Analysis, Cell, CellForm, Section
from proband.errors import DesignError
from proband.measures import DispositionTest, disposition_test
from proband.records import STATUSES
from proband.runs.run import Run

_WORDS = {"dont_know": "don't know"}
_MOST_NAMED = 5


def sections(run: Run) -> Sequence[Section]:
    """Counts of every status, the test of arms, and what the run still waits for."""
    table = answers(run)
    totals = Counter(table["status"].to_list())
    n, used = table.height, [status for status in STATUSES if totals[status]]
    sentences = [f"Of {n:,} responses, {totals['valid']:,} are valid ({totals['valid'] / max(n, 1):.1%})."]
    lost = {_WORDS.get(status, status): totals[status] for status in used if status != "valid"}
    if lost:
        sentences.append("The others: " + ", ".join(f"{count:,} {word}" for word, count in lost.items()) + ".")
    test = by_arm(run)
    sentences += () if test is None else (arm_sentence(test),)
    parts = [name for name in ("arm", "role") if table[name].n_unique() > 1]
    rows: list[tuple[Cell, ...]] = []
    for part in table.partition_by("item", *parts, maintain_order=True):
        counts = Counter(part["status"].to_list())
        rows.append(
            (
                str(part["item"][0]),
                *(part[name][0] for name in parts),
                part.height,
                *(counts[status] for status in used),
                counts["valid"] / part.height,
            )
        )
    forms: dict[str, CellForm] = {
        **dict.fromkeys(("item", *parts), "text"),
        **dict.fromkeys(("responses", *(_WORDS.get(status, status) for status in used)), "count"),
        "share valid": "share",
    }
    order = {id: k for k, id in enumerate(run.items)}
    rows.sort(key=lambda row: (order.get(str(row[0]), len(order)), *(str(cell) for cell in row[1 : 1 + len(parts)])))
    return (
        Section(
            name="dispositions",
            heading="What became of the responses",
            sentences=(*sentences, *_outstanding(run)),
            table=tabled(forms, rows, "Responses by what became of them", is_folded=not lost and test is None),
            notes=("Every response counts here, replicates and rounds too; weights do not.",),
            warnings=() if run.is_complete else ("the run is not finished: more responses may come",),
        ),
    )


def by_arm(run: Run) -> DispositionTest | None:
    """Whether arms differ in what became of their responses, one outcome per independent unit; None without arms.

    A unit counts as valid where all its responses are; otherwise as what is commonest among the others.
    """
    # Arms that every unit goes through are no groups of units.
    table = answers(run).filter(pl.col("arm").is_in(list(run.roster.arms)))
    units: dict[tuple[str, str], Counter[str]] = {}
    for arm, unit, status, n in table.group_by("arm", "unit", "status").len().sort("arm", "unit", "status").iter_rows():
        units.setdefault((arm, unit), Counter())[status] += n
    counts: dict[str, Counter[str]] = {arm: Counter() for arm in run.roster.arms}
    for (arm, _), found in units.items():
        found.pop("valid", None)
        counts[arm][found.most_common(1)[0][0] if found else "valid"] += 1
    try:
        return disposition_test({arm: found for arm, found in counts.items() if found}, valid="valid")
    except DesignError:
        return None


def arm_sentence(test: DispositionTest) -> str:
    """The test of dispositions in words."""
    difference = test.difference
    if difference.p_value is None:
        return "All units of all arms ended alike, so no arm lost more answers than another."
    shares = ", ".join(f"{rates['valid']:.1%} in {arm}" for arm, rates in test.rates.items())
    verdict = (
        "Arms differ in what became of their responses, so a difference between valid answers mixes effect and loss"
        if difference.p_value < 0.05
        else "No difference between arms in what became of their responses was found"
    )
    return f"Units whose responses are all valid: {shares}. {verdict} (p = {difference.p_value:.3f})."


def _outstanding(run: Run) -> list[str]:
    """What a run waits for, where it says so."""
    told = []
    if run.stalled:
        told.append(f"The run cannot go on in {len(run.stalled)} places: {_named([*run.stalled.values()])}.")
    if waiting := list(run.open):
        told.append(f"{len(waiting)} answers are still awaited, e.g. {_named(waiting)}.")
    return told


def _named(found: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(found[:_MOST_NAMED]))


ANALYSIS = Analysis(
    name="dispositions",
    about="what became of the responses: valid, refused, not read, failed; by item, arm and role",
    needs=unanswered,
    sections=sections,
)
