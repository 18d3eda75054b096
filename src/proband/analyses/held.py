"""What was found on one half of the rows, and what of it held on the other."""

from collections.abc import Sequence

from proband.analyses.answers import tabled
from proband.analyses.section import Cell, Figure, Section, marks
from proband.literature.hypotheses.steps import Outcome
from proband.literature.hypotheses.testing import one_sided


def held_sections(found: Outcome) -> Sequence[Section]:
    """One section: the first line says how many were found and how many held."""
    terms = found.terms
    rows: list[tuple[Cell, ...]] = [
        (one.hypothesis.says, one.hypothesis.id, one.on_a, one.accuracy_b, one.covered, one.on_b, one_sided(one.on_b),
         one.adjusted, one.verdict)
        for one in found.decided
    ]  # fmt: skip
    controls = "family-wise error" if terms.adjust == "holm" else "share of false ones among those that hold"
    caption = "Agreement with the outcome beyond chance; 0 is chance"
    said = {one.hypothesis.says: one.on_b for one in found.decided}
    return [
        Section(
            name="held",
            heading="Found on A, held on B",
            sentences=(
                found.first_line,
                f"Of {found.proposed} that were proposed on the {found.rows_a:,} rows of A, {len(found.decided)} "
                f"agreed with its outcomes beyond chance and were locked; B has {found.rows_b:,} rows, opened once.",
                f"All of them together, weighted by their agreement on A, are right in {found.vote:.1%} of B; its "
                f"commonest outcome alone is in {found.majority:.1%}.",
            ),
            table=tabled(
                {"hypothesis": "text", "id": "text", "beyond chance on A": "number", "right on B": "share",
                 "rows of B": "count", "beyond chance on B": "number", "p": "p", "p, adjusted": "p", "verdict": "text"},
                rows, caption,
            ),
            figure=Figure(form="intervals", rows=marks(said), caption=caption, options={"zero": 0.0}),
            notes=(
                "On A they were chosen, so numbers of A are too good; those of B are not. A hypothesis is right where "
                "it says of a row what the row's outcome is; rows of which it says nothing are left out of its share.",
                "P values are one-sided, since what each foretells was locked, clustered by what hangs together, and "
                f"adjusted for all that were locked ({controls} "
                f"{terms.alpha:g}).",
                "What goes with the outcome need not bring it about: that takes an experiment.",
            ),
        )
    ]  # fmt: skip
