"""What actors will agree on, forecast from every elicitation, and how far the elicitations are apart."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from proband.analyses.answers import tabled
from proband.analyses.section import Analysis, Cell, Figure, Section
from proband.errors import DataError
from proband.measures import Bargain, bargain
from proband.runs.run import Run
from proband.texts.bargaining import QUANTITIES

CHAPTER = "Bargain"
_GIVEN = "the table"


def needs(run: Run) -> str | None:
    """A run about a bargain in which something was answered."""
    if run.kind != "bargaining":
        return "bargains are forecast in studies of kind [bargaining]"
    return None if run.dispositions() else "nothing was answered yet"


def sections(run: Run) -> Sequence[Section]:
    """The forecasts and their spread; the actors; and how the first complete elicitation goes on."""
    design = run.manifest["design"]
    table = run.table().filter(pl.col("status") == "valid")
    forecasts: dict[str, Bargain] = {}
    known = {actor: told for actor, told in design["actors"].items() if told}
    left: list[str] = []
    if known:
        forecasts[_GIVEN] = _forecast(known, design["n_rounds"])
    for wording in run.levels["wording"]:
        for k in range(design["replicates"]):
            label = wording if design["replicates"] == 1 else f"{wording} {k + 1}"
            part = table.filter(pl.col("wording") == wording, pl.col("replicate") == k)
            told: dict[str, dict[str, float]] = {}
            for actor, item, value in part.select("subject", "item", "value").iter_rows():
                told.setdefault(actor, {})[item] = value / (100 if item == "salience" else 1)
            if lost := [a for a in design["actors"] if len(told.get(a, {})) < len(QUANTITIES)]:
                left.append(f"{label}: no number for {', '.join(lost[:4])}{' and others' * (len(lost) > 4)}")
                continue
            try:
                forecasts[label] = _forecast({actor: told[actor] for actor in design["actors"]}, design["n_rounds"])
            except DataError as error:
                left.append(f"{label}: {error}")
    return [_forecasts(design, forecasts, left), _actors(design, table), *_course(forecasts)]


def _forecast(told: Mapping[str, Mapping[str, float]], n_rounds: int) -> Bargain:
    columns = [[known[name] for known in told.values()] for name in QUANTITIES]
    return bargain(list(told), columns[0], columns[1], columns[2], n_rounds=n_rounds)


def _forecasts(design: Mapping[str, str], forecasts: Mapping[str, Bargain], left: Sequence[str]) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (label, b.median, b.mean, b.forecast, b.rounds[-1].mean, len(b.rounds) - 1) for label, b in forecasts.items()
    ]
    own = [b.forecast for label, b in forecasts.items() if label != _GIVEN]
    sentences = [f"Issue: {design['issue']}"]
    if len(own) > 1:
        sentences.append(
            f"Over {len(own)} elicitations the forecast goes from {min(own):.2f} to {max(own):.2f} (median "
            f"{np.median(own):.2f}): what the engine was asked, and not the world, makes this difference."
        )
    warnings = [f"Not forecast, {reason}" for reason in left]
    cutoff, decided = design.get("cutoff"), design.get("decided")
    if not cutoff:
        warnings.append(
            'The cut-off of the engine is not stated (cutoff = "2024-06-30"): the outcome may be in what it was '
            "trained on."
        )
    elif decided and decided <= cutoff:
        warnings.append(f"Decided on {decided}, before the engine's cut-off on {cutoff}: this is recall, no forecast.")
    else:
        sentences.append(f"The engine knows nothing after {cutoff}.")
    forms = {"elicitation": "text", "median": "number", "mean": "number", "forecast": "number"}
    forms |= {"mean after": "number", "rounds": "count"}
    return Section(
        name="bargaining-forecasts",
        heading="What they will agree on",
        chapter=CHAPTER,
        sentences=tuple(sentences),
        table=tabled(forms, rows, "Weighted median and mean at the beginning; and after bargaining", digits=2),  # type: ignore[arg-type]
        figure=Figure(
            form="intervals",
            rows=tuple({"label": label, "side": "model", "value": b.forecast, "low": None, "high": None}
                       for label, b in forecasts.items()),
            caption="Forecast by elicitation",
        ) if forecasts else None,
        notes=("Rounds differ among implementations of this model; the beginning is the same in all.",),
        warnings=tuple(warnings),
        methods=("The bargain was forecast by an expected-utility model after Scholz, Calbert and Smith (2011).",),
    )  # fmt: skip


def _actors(design: Mapping[str, Mapping[str, Mapping[str, float]]], table: pl.DataFrame) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for actor, known in design["actors"].items():
        for name in QUANTITIES:
            values = table.filter(pl.col("subject") == actor, pl.col("item") == name)["value"].drop_nulls()
            part = values / 100 if name == "salience" else values
            ends: tuple[Cell, ...] = (part.mean(), part.min(), part.max()) if len(part) else (None, None, None)  # type: ignore[assignment]
            rows.append((actor, name, *ends, known.get(name)))
    forms = ("actor", "quantity", "mean", "lowest", "highest")
    return Section(
        name="bargaining-actors",
        heading="What was said of the actors",
        chapter=CHAPTER,
        table=tabled(
            {name: "number" if name not in ("actor", "quantity") else "text" for name in (*forms, _GIVEN)},
            rows,
            "Over all elicitations; of influence only relations count",
            digits=2,
        ),
    )


def _course(forecasts: Mapping[str, Bargain]) -> list[Section]:
    """Who moves where in one forecast; of several, the first."""
    if not forecasts:
        return []
    label, found = next(iter(forecasts.items()))
    rows: list[tuple[Cell, ...]] = [
        (str(k), move.actor, move.offer, move.towards, move.start, move.end)
        for k, round_ in enumerate(found.rounds)
        for move in round_.moves
    ]
    forms = {"round": "text", "actor": "text", "offer": "text", "towards": "text", "from": "number", "to": "number"}
    return [
        Section(
            name="bargaining-course",
            heading=f"How it goes on from {label}",
            chapter=CHAPTER,
            sentences=("Nobody moves.",) * (not rows),
            table=tabled(forms, rows, "Moves by round", is_folded=True) if rows else None,  # type: ignore[arg-type]
        )
    ]


ANALYSIS = Analysis(
    name="bargaining",
    about="what actors will agree on, by elicitation, and how far the elicitations are apart",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
