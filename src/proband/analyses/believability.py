"""Whose lives are more believable: transcripts of agents, compared two by two by an engine or by people, arm by arm."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from proband.analyses.answers import measured, tabled, told
from proband.analyses.lived import REPLICATES, label
from proband.analyses.pairs import judgements
from proband.analyses.section import Analysis, Cell, CellForm, Section
from proband.errors import DataError
from proband.estimates import Estimate, Target
from proband.measures import PairScale, bradley_terry, weighted_mean
from proband.runs.run import Run
from proband.seeds import rng_for

_DRAWS = REPLICATES // 5
_PEOPLE = "people"


def sections(run: Run) -> Sequence[Section]:
    """Arms on one scale, by every judge and by people; and how often a judge and people say the same."""
    rows: list[tuple[Cell, ...]] = []
    theirs = _compared(run, _of_people(run))
    shared: list[tuple[str, Estimate]] = []
    for judged in judgements(run):
        frame = _compared(run, judged.rows.select("first", "second", "won", "tied"))
        rows += _rows(judged.judge, frame, "model")
        if theirs.height:
            both = _agreeing(judged.pairs, _of_people(run))
            shared.append((judged.judge, both))
    rows += _rows(_PEOPLE, theirs, "human") if theirs.height else []
    forms: dict[str, CellForm] = {"judge": "text", "arm": "text", "log odds": "number", "chosen": "share"}
    base = label(_arms(theirs if not rows else _compared(run, judgements(run)[0].rows))[0])
    said = [f"{judge}: {arm} less {base} {told(off)} log odds." for judge, arm, off, *_ in rows
            if isinstance(off, Estimate)]  # fmt: skip
    said += [
        f"{judge} and people choose the same of {told(same)} of the pairs that both saw." for judge, same in shared
    ]
    return [
        Section(
            name="believability", heading="Believability, arm by arm", sentences=tuple(said),
            table=tabled({**forms, "comparisons": "count"}, rows, f"Chosen against {base}", side="model"),
            notes=(
                "Transcripts of one society are not independent: limits are percentiles of draws of societies.",
                "An engine says what it finds believable; only people say what people do.",
            ),
            methods=(
                "Arms were set on one scale by a Bradley-Terry model of comparisons between transcripts of different "
                "arms, with an advantage of standing first and Firth's penalty.",
            ),
        )
    ]  # fmt: skip


def _of_people(run: Run) -> pl.DataFrame:
    """What people said of pairs, from the file of the study."""
    rows = [
        (first, second, float(share == 1), float(share == 0.5))
        for first, second, share in run.manifest["design"].get("experts") or ()
    ]
    return pl.DataFrame(rows, schema={"first": str, "second": str, "won": float, "tied": float}, orient="row")


def _compared(run: Run, rows: pl.DataFrame) -> pl.DataFrame:
    """Comparisons between transcripts of different arms, with the arms and societies of both."""
    traits = run.roster.traits
    known: Mapping[str, tuple[str, str]] = {
        who: (str(own.get("arm") or ""), str(own.get("society", who))) for who, own in traits.items()
    }
    frame = rows.with_columns(
        pl.col(side).replace_strict({who: pair[k] for who, pair in known.items()}, default="").alias(f"{name} {side}")
        for k, name in enumerate(("arm", "society"))
        for side in ("first", "second")
    )
    return frame.filter(pl.col("arm first") != pl.col("arm second"))


def _arms(frame: pl.DataFrame) -> list[str]:
    """The arm where nothing is changed first, or else the first by name."""
    names = sorted({*frame["arm first"], *frame["arm second"]})
    return sorted(names, key=lambda name: label(name) != label(""))


def scaled(frame: pl.DataFrame, weights: Sequence[float] | None = None, target: Target = "model") -> PairScale:
    """The scale of arms by some comparisons."""
    first, second = (frame[f"arm {side}"].to_list() for side in ("first", "second"))
    is_shown = target == "model"  # people's file does not say what stood first
    tied = frame["tied"].to_list()
    return bradley_terry(
        first, second, frame["won"].to_list(), tied=tied, weights=weights, position=is_shown, target=target
    )


def _rows(judge: str, frame: pl.DataFrame, target: Target) -> list[tuple[Cell, ...]]:
    if not frame.height:
        return []
    arms = _arms(frame)
    return [(judge, label(arm), *_against(frame, arm, arms[0], target)) for arm in arms[1:]]


def _against(frame: pl.DataFrame, arm: str, base: str, target: Target) -> tuple[Cell, ...]:
    what = f"{label(arm)} less {label(base)}: log odds of being chosen"
    direct = frame.filter(pl.col("arm first").is_in([arm, base]), pl.col("arm second").is_in([arm, base]))
    half = direct["won"] + direct["tied"] / 2
    chosen = pl.select(pl.when(direct["arm first"] == arm).then(half).otherwise(1 - half)).to_series().mean()
    off = measured(lambda: _difference(frame, arm, base, target, what), what, target)
    return off, float(chosen) if chosen is not None else None, direct.height  # type: ignore[arg-type]


def _difference(frame: pl.DataFrame, arm: str, base: str, target: Target, what: str) -> Estimate:
    """How much higher an arm stands; a society drawn twice counts its transcripts twice."""
    value = scaled(frame, target=target).difference(arm, base).value
    names = sorted({*frame["society first"], *frame["society second"]})
    if len(names) < 2:
        raise DataError("transcripts of one society; how societies differ by chance is not known")
    at = [np.searchsorted(names, frame[f"society {side}"].to_list()) for side in ("first", "second")]
    rng, draws = rng_for(0, "believability", what), list[float]()
    for _ in range(_DRAWS):
        times = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
        weights = (times[at[0]] * times[at[1]]).astype(float)
        there = weights > 0
        try:
            found = scaled(frame.filter(there), weights[there].tolist(), target)
            draws.append(found.difference(arm, base).value)
        except DataError:  # of the societies drawn, arms were not compared
            continue
    if len(draws) < _DRAWS / 2:
        raise DataError("too few societies whose transcripts were compared with each other")
    low, high = np.quantile(draws, (0.025, 0.975)).tolist()
    return Estimate(value=value, interval=(low, high), interval_method="percentile bootstrap of societies",
                    se=float(np.std(draws)), estimand=what, target=target, n_units=frame.height,
                    n_clusters=len(names))  # fmt: skip


def _agreeing(pairs: pl.DataFrame, people: pl.DataFrame) -> Estimate:
    """Share of pairs of which a judge and people choose the same."""
    what = "share of pairs of which judge and people choose the same"
    low = people["first"] < people["second"]
    half = people["won"] + people["tied"] / 2
    theirs = people.select(
        pl.min_horizontal("first", "second").alias("one"), pl.max_horizontal("first", "second").alias("other"),
        pl.select(pl.when(low).then(half).otherwise(1 - half)).to_series().alias("people"),
    ).group_by("one", "other", maintain_order=True).mean()  # fmt: skip
    both = pairs.join(theirs, on=["one", "other"], maintain_order="left").filter(pl.col("people") != 0.5)
    same = ((both["share"] - 0.5).sign() == (both["people"] - 0.5).sign()).cast(pl.Float64)
    return measured(lambda: weighted_mean(same.to_list(), estimand=what), what, "human")


def needs(run: Run) -> str | None:
    """Transcripts of several arms that were compared."""
    if run.kind != "pairs" or not any("arm" in own for own in run.roster.traits.values()):
        return "believability is of transcripts with a column `arm`, compared in a study of kind [pairs]"
    if not any(_compared(run, judged.rows).height for judged in judgements(run)):
        return "no transcripts of different arms were compared yet"
    return None


ANALYSIS = Analysis(
    name="believability",
    about="whose lives are more believable: transcripts of societies compared by an engine or people, arm by arm",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
