"""What was answered: shares of options or means of numbers, item by item, beside people's where there are some."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from proband.analyses.answers import tabled, unanswered
from proband.analyses.asked import Asked, asked_of
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section, Side, Table, marks
from proband.estimates import Estimate, Target
from proband.measures import missing_bounds, share_estimates, weighted_mean
from proband.measures.likeness.items.pairs import pair_by_subject
from proband.runs.run import Run

CHAPTER = "Answers"
SIDES: tuple[Side, ...] = ("model", "people")
_ALL = 0.9995  # probability on the options from which on they were all there was
_WORST = "Worst-case bounds if every missing response had been an answer (sampling error not included)."
_N_EXAMPLES = 10  # answers listed of items that have neither shares nor a mean

Sides = Mapping[str, Mapping[str, Estimate]]  # people and model: label -> estimate


def sections(run: Run) -> list[Section]:
    """Each item under each condition, and bounds where answers are missing."""
    asked = asked_of(run)
    found = [(one, estimates_of(one)) for one in asked]
    said = (*_methods([sides for _, sides in found]), *(asked[0].sample.methods if asked else ()))
    told = [_item(one, sides, said) for one, sides in found]
    return [*told, *_bounds(asked)]


def estimates_of(asked: Asked) -> Sides:
    """Shares or means of each side that has them, by option."""
    if asked.item.form == "number":
        return _means(asked)
    if not asked.model:
        return {}
    n = len(asked.kept)
    if asked.is_compared and not asked.has_shared_units:
        pairs = pair_by_subject(asked.ours, asked.model, n)
        drawn = asked.sample.of(sorted(asked.ours.keys() & asked.model.keys(), key=repr))
        people = share_estimates(pairs.answers, n, target="human", design=drawn)
        model = share_estimates(pairs.probs, n, target="model", design=drawn)
        named = {"people": people, "model": model}
        return {side: dict(zip(asked.options, found, strict=True)) for side, found in named.items()}
    rows = np.array(list(asked.model.values()))
    model = share_estimates(rows, n, target="model", design=asked.sample.of(asked.model))
    return {"model": dict(zip(asked.options, model, strict=True))}


def _means(asked: Asked) -> Sides:
    """Means of a number over the same subjects on each side."""
    frames: dict[str, tuple[pl.DataFrame, Target]] = {
        "model": (asked.part.filter(pl.col("status") == "valid"), "model")
    }
    if asked.people is not None:
        asked_of_model = asked.part["subject"].unique().to_list()
        frames["people"] = (asked.people.filter(pl.col("subject").is_in(asked_of_model)), "human")
    unit = f", {asked.item.unit}" if asked.item.unit else ""
    found = {}
    for side, (answers, target) in frames.items():
        means = answers.group_by("subject", maintain_order=True).agg(pl.col("value").mean())
        if means.height > 1:
            subjects = means["subject"].to_list()
            estimand, drawn = f"mean of {asked.item.id}{unit}", asked.sample.of(subjects)
            y = means["value"].to_numpy()
            mean = weighted_mean(y, design=drawn, target=target, estimand=estimand, is_share=False)
            found[side] = {f"mean{unit}": mean}
    return found


def _item(asked: Asked, sides: Sides, methods: tuple[str, ...]) -> Section:
    question = asked.question
    section = Section(
        name=f"shares-{asked.name}", heading=asked.title, chapter=CHAPTER, sentences=(question,), keys=asked.keys
    )
    if not sides:
        table = _first_answers(asked)
        return replace(section, table=table, sentences=(question, *(() if table else ("No valid answer.",))))
    form: CellForm = "number" if asked.item.form == "number" else "share"
    shown: list[Side] = [side for side in SIDES if side in sides]
    labels = list(next(iter(sides.values())))
    every = [estimate for side in shown for estimate in sides[side].values()]
    return replace(
        section,
        table=tabled(
            {"answer": "text", **{side: (form, side) for side in shown}},
            ((label, *(sides[side].get(label) for side in shown)) for label in labels),
            is_folded=True,
        ),
        figure=Figure(
            form="bars" if form == "share" else "intervals",
            rows=tuple(row for side in reversed(shown) for row in marks(sides[side], side)),
            caption=f"{'Shares' if form == 'share' else 'Means'} of {' and '.join(shown)}, with 95 % intervals.",
            options={"x_title": "share of answers" if form == "share" else labels[0]},
        ),
        notes=_notes(asked, sides),
        warnings=tuple(dict.fromkeys(warning for estimate in every for warning in estimate.warnings)),
        methods=methods,
    )


def _notes(asked: Asked, sides: Sides) -> tuple[str, ...]:
    notes = []
    for side, found in sides.items():
        first = next(iter(found.values()))
        units = f" in {first.n_clusters:,} units" if first.n_clusters else ""
        notes.append(f"{side.capitalize()}: n = {first.n_units:,}{units}; {first.interval_method}.")
    mass = asked.part["mass"].mean() if asked.model else None
    if isinstance(mass, float) and mass < _ALL:
        notes.append(
            f"The engine put a probability of {mass:.3g} on these options together, on average, before they were made "
            "to sum to 1."
        )
    return (" ".join(notes),)


def _methods(found: Sequence[Sides]) -> tuple[str, ...]:
    """Which intervals, each once, without the numbers that differ from item to item."""
    kinds: dict[str, dict[str, None]] = {}
    for sides in found:
        for side, by_label in sides.items():
            for label, estimate in by_label.items():
                whose = "the model" if side == "model" else "people"
                what = f"{'means' if label.startswith('mean') else 'shares'} of {whose}"
                method = re.sub(r",? \d+ df| = [\d.]+", "", estimate.interval_method)
                kinds.setdefault(what, {})[method] = None
    named = "; ".join(f"for {what}, {' or '.join(methods)}" for what, methods in kinds.items())
    return (f"Intervals are at 95 %: {named}.",) if named else ()


def _bounds(asked: Sequence[Asked]) -> list[Section]:
    """Bounds of the shares of drawn answers; nothing where every response is one."""
    rows: list[tuple[Cell, ...]] = []
    for one in asked:
        n_missing = one.part.filter(pl.col("status") != "valid").height
        if not n_missing or not one.model:
            continue
        taken = dict(one.part.filter(pl.col("status") == "valid")["answer"].value_counts().iter_rows())
        counts: dict[object, float] = {one.item.options[k]: float(taken.get(k, 0)) for k in one.kept}
        bounds = missing_bounds(counts, n_missing, target="model")
        rows += [(f"{one.title}: {text}", n_missing, bound) for text, bound in zip(one.options, bounds, strict=True)]
    if not rows:
        return []
    return [
        Section(
            name="bounds",
            heading="If every missing response had been an answer",
            sentences=(_WORST,),
            table=tabled(
                {"answer": "text", "missing": "count", "share [bounds]": ("share", "model")}, rows, is_folded=True
            ),
        )
    ]


def _first_answers(asked: Asked) -> Table | None:
    """Subject and answer of the first valid responses to an item that has no shares; None where there are none."""
    valid = asked.part.filter(pl.col("status") == "valid")
    rows = valid.head(_N_EXAMPLES).select("subject", "label", "value", "parts").iter_rows()
    cells = tuple((str(subject), _answer_text(asked, label, value, parts)) for subject, label, value, parts in rows)
    if not cells:
        return None
    which = f"The first {len(cells)} of {valid.height:,}" if valid.height > len(cells) else f"All {len(cells)}"
    return tabled({"subject": "text", "answer": ("text", "model")}, cells, f"{which} valid answers.")


def _answer_text(asked: Asked, label: str | None, value: float | None, parts: Sequence[float] | None) -> str:
    options = asked.item.options
    if parts is None:
        return label if label is not None else f"{value:g}"
    if asked.item.form == "allocation":
        return "; ".join(f"{option}: {part:g}" for option, part in zip(options, parts, strict=True))
    between = " > " if asked.item.form == "ranking" else "; "
    return between.join(options[int(part)] for part in parts) or "none"


ANALYSIS = Analysis(
    name="shares",
    about="shares of options or means of numbers, item by item, beside people's",
    needs=unanswered,
    sections=sections,
)
