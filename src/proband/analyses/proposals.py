"""What engines proposed: every hypothesis by its strategy, how many replies were none, and how far they spread."""

from collections import Counter
from collections.abc import Sequence

from proband.addresses import open_engine
from proband.analyses.answers import tabled
from proband.analyses.section import Analysis, Cell, Section
from proband.literature.hypotheses.likeness import diversity, merged
from proband.literature.hypotheses.proposals import proposals_in
from proband.runs.run import Run


def needs(run: Run) -> str | None:
    """A run of proposals."""
    if run.kind != "hypothesize":
        return "hypotheses are proposed in a study of kind [hypothesize]"
    return None if run.dispositions() else "nothing was answered yet"


def sections(run: Run) -> Sequence[Section]:
    """Two sections: the hypotheses, and the strategies beside each other."""
    proposals = proposals_in(run)
    made = [proposal.hypothesis for proposal in proposals if proposal.hypothesis is not None]
    embed = open_engine("words").embed
    kept, merges = merged(made, embed)
    spread = diversity(made, embed)
    why = Counter(proposal.why for proposal in proposals if proposal.hypothesis is None)
    lacking = "; ".join(f"{reason}: {count}" for reason, count in why.most_common())
    rows: list[tuple[Cell, ...]] = [
        (h.says, h.strategy, h.proposer, h.falsifier, ", ".join(span.record for span in h.spans)) for h in kept
    ]
    by_strategy: list[tuple[Cell, ...]] = [
        (strategy, found.n, found.pairs, found.distance) for strategy, found in spread.items()
    ]
    return [
        Section(
            name="proposals",
            heading="Hypotheses that were proposed",
            chapter="Proposals",
            sentences=(
                f"{len(proposals)} were asked for, {len(made)} are hypotheses that can be wrong, {len(kept)} of them "
                f"say something of their own.",
                *([f"No hypothesis: {lacking}."] if lacking else []),
            ),
            table=tabled(dict.fromkeys(("hypothesis", "strategy", "by", "given up if", "drawn from"), "text"), rows),
            notes=tuple(f"Taken for one: {m.gone.says!r} and {m.kept.says!r} ({m.score:.2f})." for m in merges),
            warnings=("None of these was tested, and how well they read says nothing of whether they are so.",),
        ),
        Section(
            name="proposals-strategies",
            heading="Strategies beside each other",
            chapter="Proposals",
            table=tabled(
                {"strategy": "text", "hypotheses": "count", "pairs of variables": "count", "mean distance": "number"},
                by_strategy, "Mean distance: 1 less the cosine of counts of words, over all pairs", digits=2,
            ),
        ),
    ]  # fmt: skip


ANALYSIS = Analysis(
    name="proposals",
    about="hypotheses that engines proposed, by strategy, those that say the same once",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
