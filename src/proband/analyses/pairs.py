"""Objects that were compared two by two: their scale, what position did, and how near a reference and experts it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from proband.analyses.answers import cautions, measured, tabled, told
from proband.analyses.section import Analysis, Cell, Figure, Section, marks
from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures import PairScale, bradley_terry, corrected_bradley_terry, retest, weighted_mean
from proband.runs.run import Run
from proband.texts.pairs import verdict_of

CHAPTER = "Comparisons"
_ALL = "all judges"
_SHOWN = 40  # objects that a page shows at once
_HARDLY = 0.5  # reliability below which a scale is mostly error
_RECALL = (
    "Objects were shown by name: the scale tells what the engine has read of the names, not what it can judge. Show "
    'texts without their names beside: by = ["name", "text"].'
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """What one judge, or all of them, said of objects shown in one way."""

    judge: str
    by: str
    rows: pl.DataFrame  # one an answer: first, second, won, tied, pair
    n_asked: int

    @property
    def label(self) -> str:
        """How tables name it."""
        return f"{self.judge}, by {self.by}"

    @cached_property
    def scale(self) -> PairScale:
        """Each pair counts once, however often it was asked; its answers are one cluster."""
        weights = self.rows.select(1 / pl.len().over("pair")).to_series().to_numpy()
        return bradley_terry(
            self.rows["first"].to_list(), self.rows["second"].to_list(), self.rows["won"].to_numpy(),
            tied=self.rows["tied"].to_numpy(), weights=weights, cluster=self.rows["pair"].to_list(), position=True,
        )  # fmt: skip

    @cached_property
    def pairs(self) -> pl.DataFrame:
        """One row a pair: share of the object that comes first in the alphabet, ties half; positions averaged."""
        low = pl.col("first") < pl.col("second")
        half = pl.col("won") + pl.col("tied") / 2
        return (
            self.rows.with_columns(share=pl.when(low).then(half).otherwise(1 - half))
            .with_columns(
                one=pl.min_horizontal("first", "second"), other=pl.max_horizontal("first", "second"), at_first=low
            )
            .group_by("pair", "one", "other", maintain_order=True)
            .agg(
                share=pl.col("share").mean(),
                when_first=pl.col("share").filter(pl.col("at_first")).mean(),
                when_second=pl.col("share").filter(~pl.col("at_first")).mean(),
            )
        )

    def reliability(self) -> float:
        """Share of the variance of the values that is not error."""
        scale = self.scale
        spread = float(scale.values.var(ddof=1))
        return max(0.0, 1 - float(np.diag(scale.covariance).mean()) / spread) if spread > 0 else 0.0


def needs(run: Run) -> str | None:
    """A run of comparisons of which some were answered."""
    if run.kind != "pairs":
        return "objects are scaled where they were compared two by two, in a study of kind [pairs]"
    return None if any(len(judged.rows) for judged in judgements(run)) else "no comparison was answered yet"


def judgements(run: Run) -> list[Judged]:
    """Answers by judge and way of showing; and of all judges together, where there are several."""
    table = run.table()
    rows = []
    for subject, against, judge, position, by, answer, probs in table.select(
        "subject", "against", "judge", "position", "by", "answer", "probs"
    ).iter_rows():
        found = verdict_of(answer, probs)
        first, second = (subject, against) if position == "first" else (against, subject)
        won, tied = found or (None, None)
        rows.append((judge, by, first, second, won, tied, " | ".join(sorted((first, second)))))
    names = ("judge", "by", "first", "second", "won", "tied", "pair")
    schema = {name: pl.Float64 if name in ("won", "tied") else pl.String for name in names}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    found_ = []
    for by in run.levels["by"]:
        judges = run.levels["judge"]
        for judge in (*judges, *((_ALL,) if len(judges) > 1 else ())):
            part = frame.filter(pl.col("by") == by, (pl.col("judge") == judge) | (judge == _ALL))
            found_.append(Judged(judge=judge, by=by, rows=part.drop_nulls("won"), n_asked=part.height))
    return found_


def sections(run: Run) -> Sequence[Section]:
    """Every scale; what position and ties came to; how near the reference; and the scale that experts correct."""
    design = run.manifest["design"]
    found: list[Section] = []
    scaled: list[Judged] = []
    for judged in judgements(run):
        try:
            _ = judged.scale
        except DataError as error:
            found.append(
                Section(
                    name=f"pairs-{judged.judge}-{judged.by}".replace(" ", "-"), heading=f"Scale: {judged.label}",
                    chapter=CHAPTER, warnings=(f"There is no scale: {error}",),
                )
            )  # fmt: skip
            continue
        scaled.append(judged)
        found.append(_scale(judged, design["question"], _reference(run)))
    if scaled:
        found.append(_judges(run, scaled))
    if design.get("experts"):
        found += [_corrected(judged, design["experts"], _reference(run)) for judged in scaled]
    return found


def _reference(run: Run) -> Mapping[str, float]:
    name = run.manifest["design"].get("reference")
    traits = run.roster.traits
    return {who: float(known[name]) for who, known in traits.items() if name in known} if name else {}


def near_reference(values: Mapping[str, float], reference: Mapping[str, float]) -> Estimate | None:
    """Correlation over the objects of which both are known."""
    both = [name for name in values if name in reference]
    return retest([values[name] for name in both], [reference[name] for name in both]).correlation


def _scale(judged: Judged, question: str, reference: Mapping[str, float]) -> Section:
    scale = judged.scale
    order = sorted(scale.names, key=lambda name: (-float(scale[name]), name))
    wins = {name: judged.pairs.filter((pl.col("one") == name) | (pl.col("other") == name)) for name in order}
    rows: list[tuple[Cell, ...]] = []
    for name in order:
        part = wins[name]
        own = part.select(pl.when(pl.col("one") == name).then("share").otherwise(1 - pl.col("share"))).to_series()
        rows.append((name, scale[name], own.mean(), part.height, *((reference.get(name),) if reference else ())))  # type: ignore[arg-type]
    reliability = judged.reliability()
    forms = {"object": "text", "value": "number", "chosen": "share", "pairs": "count"}
    forms |= {"reference": "number"} if reference else {}
    warnings: tuple[str, ...] = ()
    if reliability < _HARDLY:
        warnings = (f"{reliability:.0%} of the spread of the values is more than error: {judged.label} hardly tells "
                    "these objects apart.",)  # fmt: skip
    return Section(
        name=f"pairs-{judged.judge}-{judged.by}".replace(" ", "-"),
        heading=f"Scale: {judged.label}",
        chapter=CHAPTER,
        sentences=(
            f"“{question}” {order[0]} stands highest, {order[-1]} lowest; they are "
            f"{told(scale.difference(order[0], order[-1]))} apart in log odds. {reliability:.0%} of the spread is no "
            "error.",
        ),
        table=tabled(forms, rows, "Log odds of being chosen, against the mean of all", is_folded=len(order) > _SHOWN),  # type: ignore[arg-type]
        figure=Figure(
            form="intervals", rows=marks({name: scale[name] for name in order[:_SHOWN]}, "model"),
            caption=f"Values of the {min(_SHOWN, len(order))} highest objects",
        ),
        keys={"judge": judged.judge, "by": judged.by},
        warnings=(*warnings, *((_RECALL,) if judged.by == "name" else ())),
        methods=(
            "Objects were set on a scale by a Bradley-Terry model with Davidson's ties, an advantage of standing first "
            "and Firth's penalty; errors are a sandwich over pairs.",
        ),
    )  # fmt: skip


def _judges(run: Run, scaled: Sequence[Judged]) -> Section:
    """Position, ties, agreement of positions, reference: a row for each judge and way of showing."""
    reference = _reference(run)
    rows: list[tuple[Cell, ...]] = []
    near: list[tuple[str, Estimate]] = []
    for judged in scaled:
        scale = judged.scale
        both = judged.pairs.drop_nulls(["when_first", "when_second"])
        same = both.select(((pl.col("when_first") - 0.5).sign() == (pl.col("when_second") - 0.5).sign()).cast(int))
        cells: list[Cell] = [judged.judge, judged.by, judged.rows.height, judged.n_asked - judged.rows.height]
        agreed = measured(lambda s=same: weighted_mean(s.to_series().to_list()), "same object in both positions")  # type: ignore[misc]
        cells += [scale.position, agreed, scale.ties]
        if reference:
            values = {name: float(scale[name]) for name in scale.names}
            r = near_reference(values, reference)
            cells.append(r)
            near += [(judged.label, r)] if r is not None else []
        rows.append(tuple(cells))
    name = run.manifest["design"].get("reference")
    forms = {"judge": "text", "shown by": "text", "answers": "count", "none": "count", "standing first": "number"}
    forms |= {"same in both": "share", "ties": "number"} | ({f"r with {name}": "number"} if reference else {})
    return Section(
        name="pairs-judges",
        heading="What the scales rest on",
        chapter=CHAPTER,
        sentences=tuple(f"{label}: the scale correlates {told(r)} with {name}." for label, r in near),
        table=tabled(forms, rows, "Log odds that standing first adds; pairs with one winner in both positions"),  # type: ignore[arg-type]
        notes=("Every object is connected with every other by comparisons; each pair was shown both ways.",),
        warnings=cautions(near),
    )


def _corrected(judged: Judged, experts: Sequence[Sequence[object]], reference: Mapping[str, float]) -> Section:
    """The scale that the experts' comparisons correct, beside the model's own."""
    said: dict[str, list[float]] = {}
    for first, second, share in experts:
        one, other = sorted((str(first), str(second)))
        said.setdefault(f"{one} | {other}", []).append(float(share) if one == first else 1 - float(share))  # type: ignore[arg-type]
    pairs = judged.pairs
    theirs = [float(np.mean(said[pair])) if pair in said else np.nan for pair in pairs["pair"]]
    name = f"pairs-corrected-{judged.judge}-{judged.by}".replace(" ", "-")
    heading = f"Scale corrected by experts: {judged.label}"
    left = len(said.keys() - set(pairs["pair"]))
    outside = (f"{left} pairs that experts compared were not given to the judge, and are left out.",) * (left > 0)
    try:
        fixed = corrected_bradley_terry(
            pairs["one"].to_list(), pairs["other"].to_list(), pairs["share"].to_numpy(), theirs
        )
    except DataError as error:
        return Section(name=name, heading=heading, chapter=CHAPTER, warnings=(f"Not corrected: {error}", *outside))
    order = sorted(fixed.names, key=lambda each: (-float(fixed[each]), each))
    rows = tuple((each, fixed[each], judged.scale[each]) for each in order)
    sentences = [f"{fixed.n} of {pairs.height} pairs were judged by experts as well."]
    if reference and (r := near_reference({each: float(fixed[each]) for each in order}, reference)):
        sentences.append(f"The corrected scale correlates {told(r)} with the reference.")
    return Section(
        name=name,
        heading=heading,
        chapter=CHAPTER,
        sentences=tuple(sentences),
        table=tabled({"object": "text", "corrected": "number", "uncorrected": ("number", "model")}, rows, "Log odds"),
        keys={"judge": judged.judge, "by": judged.by},
        notes=("The correction assumes that the experts' pairs were drawn at random from those that the judge got.",),
        warnings=outside,
    )


ANALYSIS = Analysis(
    name="pairs",
    about="objects compared two by two: their scale, position, ties, a reference, and correction by experts",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
