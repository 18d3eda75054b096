"""Who was absent from societies, because an answer was refused, not understood, or cut off."""

from collections.abc import Sequence

import polars as pl

from proband.analyses.answers import tabled
from proband.analyses.lived import Lived, label, needing
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section
from proband.runs.run import Run
from proband.societies.life import ABSENT

_MANY = 0.05  # share of turns from which on a society is not what it was made to be


def sections(run: Run) -> Sequence[Section]:
    """Absences by round, arm and reason."""
    lived = Lived(run)
    events = _events(lived)
    counts = events.group_by("arm", "round", "text").len().sort("round")
    reasons = counts.group_by("text").agg(pl.col("len").sum()).sort("len", descending=True)["text"].to_list()
    rows: list[tuple[Cell, ...]] = []
    for arm in lived.arms:
        for round in sorted(counts.filter(pl.col("arm") == arm)["round"].unique()):
            part = dict(counts.filter(pl.col("arm") == arm, pl.col("round") == round).select("text", "len").iter_rows())
            rows.append((label(arm), round, *(part.get(reason, 0) for reason in reasons)))
    table = run.table()
    n_turns = max(table.height, 1)
    lost = sum(count for status, count in run.dispositions().items() if status != "valid")
    sums = counts.group_by("arm", "round").agg(pl.col("len").sum()).sort("round")
    points = [{"x": round, "y": n, "series": label(arm)} for arm, round, n in sums.iter_rows() if arm in lived.arms]
    forms: dict[str, CellForm] = {"arm": "text", "round": "count", **dict.fromkeys(reasons, "count")}
    warnings = (
        (f"{lost / n_turns:.0%} of answers were not valid: societies in which so many are absent are other societies",)
        if lost > _MANY * n_turns
        else ()
    )
    return [
        Section(
            name="absences", heading="Who was absent",
            sentences=(
                f"{lost:,} of {n_turns:,} answers were not valid; who gave them was absent in that turn, and no rule "
                "stood in.",
            ),
            table=tabled(forms, rows, "Absences by arm and round", is_folded=len(rows) > 20),
            figure=Figure(form="lines", rows=tuple(points), caption="Absent agents by round, all societies together",
                          options={"x_title": "round", "y_title": "absences"}),
            notes=("What lies before a fork is counted in every arm that shares it. An absent cell is one absence.",),
            warnings=warnings,
        )
    ]  # fmt: skip


def _events(lived: Lived) -> pl.DataFrame:
    of_arms = pl.col("arm").is_in(lived.arms)
    return lived.states.scan("events").filter(pl.col("kind") == ABSENT, of_arms).collect()


ANALYSIS = Analysis(
    name="absences",
    about="who was absent from societies by round and arm, and why",
    needs=needing(lambda lived: not _events(lived).is_empty(), "nobody was absent in any turn"),
    sections=sections,
    is_quiet=True,
)
