"""What engines proposed: every hypothesis by its strategy, how many replies were none, and how far they spread."""

from collections import Counter
from collections.abc import Sequence

from proband.addresses import open_engine
from proband.analyses.answers import tabled
from proband.analyses.section import Analysis, Cell, Section
from proband.literature.hypotheses.likeness import Embed, Merge, diversity, merged, nearest
from proband.literature.hypotheses.proposals import proposals_in
from proband.literature.hypotheses.record import Hypothesis
from proband.runs.run import Run
from proband.subjects.corpora import Corpus


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
    why = Counter(proposal.why for proposal in proposals if proposal.hypothesis is None)
    lacking = "; ".join(f"{reason}: {count}" for reason, count in why.most_common())
    rows: list[tuple[Cell, ...]] = [
        (h.says, h.strategy, h.proposer, h.falsifier, ", ".join(span.record for span in h.spans)) for h in kept
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
        spread_section(made, embed, "words"),
    ]  # fmt: skip


def spread_section(hypotheses: Sequence[Hypothesis], embed: Embed, encoder: str) -> Section:
    """How many each strategy gave, how many pairs of variables, and how far they are apart."""
    rows: list[tuple[Cell, ...]] = [
        (strategy, found.n, found.pairs, found.distance) for strategy, found in diversity(hypotheses, embed).items()
    ]
    return Section(
        name="proposals-strategies",
        heading="Strategies beside each other",
        chapter="Proposals",
        table=tabled(
            {"strategy": "text", "hypotheses": "count", "pairs of variables": "count", "mean distance": "number"},
            rows, f"Mean distance: 1 less the cosine of vectors by {encoder}, over all pairs", digits=2,
        ),
    )  # fmt: skip


def looked_sections(
    hypotheses: Sequence[Hypothesis], merges: Sequence[Merge], corpus: Corpus | None, embed: Embed, encoder: str
) -> list[Section]:
    """What a file of hypotheses holds: those that say the same, what a corpus says that is nearest, their spread."""
    doubles: list[tuple[Cell, ...]] = [(m.gone.says, m.kept.says, m.gone.id, m.kept.id, m.score) for m in merges]
    found = [
        Section(
            name="doubles",
            heading="Those that say the same",
            sentences=(f"{len(hypotheses)} hypotheses say something of their own; {len(merges)} repeat one of them.",),
            table=tabled(
                {"repeated": "text", "kept": "text", "its id": "text", "kept id": "text", "alike": "number"}, doubles,
                f"The smaller cosine of the two variables, vectors by {encoder}", digits=2,
            ) if doubles else None,
        ),
        spread_section(hypotheses, embed, encoder),
    ]  # fmt: skip
    if corpus is None:
        return found
    said = nearest(hypotheses, corpus, embed)
    near: list[tuple[Cell, ...]] = [
        (hypothesis.says, span.text, span.record, score)
        for hypothesis in hypotheses for span, score in said[hypothesis.id]
    ]  # fmt: skip
    return [
        *found,
        Section(
            name="novelty",
            heading="What the corpus says that is nearest",
            table=tabled({"hypothesis": "text", "sentence": "text", "record": "text", "alike": "number"}, near,
                         f"Cosine of vectors by {encoder}", digits=2),
            warnings=("Read the sentences: a number does not know whether something is new.",),
        ),
    ]  # fmt: skip


ANALYSIS = Analysis(
    name="proposals",
    about="hypotheses that engines proposed, by strategy, those that say the same once",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
