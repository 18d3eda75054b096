"""What came of a game: its quantities by treatment and round, curves, payoffs, people's numbers, and early ends."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from proband.analyses.answers import cautions, measured, percent, tabled, told
from proband.analyses.plays import UNITS, Plays, by_unit, mean_of, plays, reason
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section, limits
from proband.designs.games.rules import Quantity
from proband.estimates import Estimate
from proband.measures import adjust_p, difference_in_means
from proband.references import Reference, references
from proband.runs.run import Run

_CHAPTER = "Game"
_MOST_SENTENCES = 6
_BINS = 10


def sections(run: Run) -> Sequence[Section]:
    """Quantities, treatments, rounds, curves, payoffs, people's numbers, and early ends, as far as there are any."""
    found = plays(run)
    # Figures of people go by the name of the game.
    people = [row for row in references() if row.study == found.design.game]
    curves = [_curve(found, q, people) for q in found.quantities if q.by and found.rounds[q.by].count()]
    return [
        *_quantities(found, {row.quantity: row for row in people}),
        *_treatments(found),
        *_rounds(found),
        *curves,
        *_payoffs(found),
        *_figures_of_people(people),
        *_ends(found),
    ]


def _in_words(estimate: Estimate, quantity: Quantity) -> str:
    return percent(estimate) if quantity.form == "share" else told(estimate)


def _means(part: pl.DataFrame, quantity: Quantity) -> Estimate:
    """Mean of a quantity over units."""
    values = by_unit(part, quantity.name)[quantity.name].to_list()
    return mean_of(values, quantity.about, is_share=quantity.form == "share")


def _of_arm(found: Plays, arm: str) -> pl.DataFrame:
    return found.rounds.filter(pl.col("arm") == arm)


def _change(part: pl.DataFrame, quantity: Quantity) -> Estimate:
    """Slope of a quantity over rounds, one a unit, averaged."""
    slopes = []
    for _, own in part.filter(pl.col(quantity.name).is_not_null()).group_by("unit", maintain_order=True):
        if own["round"].n_unique() > 1:
            slopes.append(float(np.polyfit(own["round"].to_numpy(), own[quantity.name].to_numpy(), 1)[0]))
    return mean_of(slopes, f"change a round of {quantity.about}")


def _quantities(found: Plays, people: Mapping[str, Reference]) -> list[Section]:
    """One row a quantity and treatment: over all rounds, in the first, per round, in equilibrium, of people."""
    if not found.quantities:
        return []
    last = max(found.rounds["round"].to_list())
    forms: dict[str, CellForm] = {"quantity": "text", **found.columns, "mean": "number"}
    forms |= {"in round 1": "number", "change a round": "number"} if last > 1 else {}
    rows: list[tuple[Cell, ...]] = []
    said, marks, means = [], list[Mapping[str, object]](), list[tuple[str, Estimate]]()
    for q in found.quantities:
        theirs = people.get(q.name)
        for arm in [arm for arm in found.arms if q.name in found.best(arm)]:
            part, label = _of_arm(found, arm), f"{found.said(arm)}{q.name}"
            mean = _means(part, q)
            more = (_means(part.filter(pl.col("round") == 1), q), _change(part, q)) if last > 1 else ()
            best = found.best(arm)[q.name]
            rows.append((q.name, *found.at(arm), mean, *more, best, theirs.value if theirs else None))
            means.append((label, mean))
            beside = f"; people {_plainly(theirs.value, q)}" if theirs else ""
            said.append(f"{label}, {q.about}: {_in_words(mean, q)}{beside}.")
            if q.form == "share":
                marks.append({"label": label, "side": "model", **limits(mean)})
                marks += [{"label": label, "side": "people", **_interval_of(theirs)}] if theirs else []
    n, played = found.players["unit"].n_unique(), "one round" if last == 1 else f"up to {last} rounds"
    untold = [q for q in found.quantities if not any(f"{q.name}, {q.about}" in line for line in said[:_MOST_SENTENCES])]
    told_of = [row for row in people.values() if row.quantity in {q.name for q in found.quantities}]
    return [
        Section(
            name="games-quantities",
            heading="What came of the game",
            chapter=_CHAPTER,
            sentences=(f"{n} {found.units} of {played} were played.", *said[:_MOST_SENTENCES]),
            table=tabled(forms | {"equilibrium": "number", "people": ("number", "people")}, rows,
                         "Quantities of the game, over all rounds", side="model"),
            figure=Figure(form="intervals", rows=tuple(marks), caption="Shares, over all rounds") if marks else None,
            notes=(UNITS, *(f"{q.name}: {q.about}." for q in untold), *_sources(told_of)),
            warnings=(*_dropped(found), *cautions(means)),
            lead=f"{said[0][0].upper()}{said[0][1:]}",
            methods=("Intervals of a game's quantities are over units of players who met each other.",),
        )
    ]  # fmt: skip


def _dropped(found: Plays) -> tuple[str, ...]:
    n = len(found.dropped)
    told = f"{found.units.capitalize()} that were dropped because somebody left, and count nowhere here: {n}."
    return (told,) * (n > 0)


def _plainly(value: float, quantity: Quantity) -> str:
    return f"{100 * value:.1f} %" if quantity.form == "share" else f"{value:g}"


def _interval_of(row: Reference) -> Mapping[str, object]:
    return {"value": row.value, "low": row.lower, "high": row.upper}


def _sources(rows: Sequence[Reference]) -> list[str]:
    """Whose figures stand beside the model's, each source once."""
    by_source: dict[str, list[str]] = {}
    for row in rows:
        by_source.setdefault(f"{row.source}{f', n = {row.n}' if row.n else ''}", []).append(row.quantity)
    return [f"People, {', '.join(names)}: {source}." for source, names in by_source.items()]


def _treatments(found: Plays) -> list[Section]:
    """Difference of each treatment from the control, in every quantity."""
    control, *others = found.arms
    effects: list[tuple[Quantity, str, Estimate]] = []
    for q in [q for q in found.quantities if all(q.name in found.best(arm) for arm in found.arms)]:
        base, *rest = [by_unit(_of_arm(found, arm), q.name)[q.name].to_list() for arm in found.arms]
        for arm, values in zip(others, rest, strict=True):
            what = f"difference of {arm} from {control} in {q.about}"
            effects.append((q, arm, measured(lambda v=values, b=base: difference_in_means(v, b), what)))  # type: ignore[misc]
    if not effects:
        return []
    tests = {k: e.p_value for k, (_, _, e) in enumerate(effects) if e.p_value is not None}
    adjusted = dict(zip(tests, adjust_p(list(tests.values()), "holm").adjusted.values(), strict=True)) if tests else {}
    marks = [{"label": f"{q.name}, {arm}", "side": "model", **limits(effect)} for q, arm, effect in effects]
    clear = [k for k, p in adjusted.items() if p < 0.05]
    said = [
        f"{effects[k][0].name} is {'higher' if effects[k][2].value > 0 else 'lower'} under {effects[k][1]} than under "
        f"{control}: {told(effects[k][2], 3)}."
        for k in clear[:_MOST_SENTENCES]
    ]
    forms: dict[str, CellForm] = {
        "quantity": "text",
        "treatment": "text",
        "effect": "number",
        "p": "p",
        "p (Holm)": "p",
    }
    rows = [(q.name, arm, e, e.p_value, adjusted.get(k)) for k, (q, arm, e) in enumerate(effects)]
    return [
        Section(
            name="games-treatments",
            heading="Effects of treatments",
            chapter=_CHAPTER,
            sentences=tuple(said) or (f"None of {len(effects)} differences from {control} is told apart from none.",),
            table=tabled(forms, rows, f"Difference of each treatment from {control}", side="model"),
            figure=Figure(
                form="intervals", rows=tuple(marks), caption=f"Difference from {control}", options={"zero": 0}
            ),
            notes=(UNITS, "Units were assigned at random. p (Holm) takes all tests of this table as one family."),
            warnings=cautions((f"{q.name}, {arm}", effect) for q, arm, effect in effects),
        )
    ]


def _rounds(found: Plays) -> list[Section]:
    """Every quantity, round by round."""
    numbers = sorted(found.rounds["round"].unique())
    if len(numbers) < 2:
        return []
    rows: list[tuple[Cell, ...]] = []
    points = []
    for q in found.quantities:
        for arm in [arm for arm in found.arms if q.name in found.best(arm)]:
            for number in numbers:
                part = _of_arm(found, arm).filter(pl.col("round") == number)
                mean = _means(part, q)
                rows.append((q.name, *found.at(arm), number, part["unit"].n_unique(), mean))
                if np.isfinite(mean.value):
                    series = f"{found.said(arm)}{q.name}"
                    points.append({"x": number, "y": mean.value, "series": series, "form": q.form, **limits(mean)})
    shown = "share" if any(point["form"] == "share" for point in points) else "number"
    lines = [{k: v for k, v in point.items() if k != "form"} for point in points if point["form"] == shown]
    caption = "Quantities by round"
    forms: dict[str, CellForm] = {"quantity": "text", **found.columns, "round": "count", "units": "count"}
    return [
        Section(
            name="games-rounds",
            heading="Round by round",
            chapter=_CHAPTER,
            table=tabled(forms | {"mean": "number"}, rows, caption, is_folded=True, side="model"),
            figure=Figure(form="lines", rows=tuple(lines), caption=caption, options={"x_title": "round"}),
            notes=(UNITS, "Later rounds are of the units that got so far."),
        )
    ]


def _curve(found: Plays, q: Quantity, people: Sequence[Reference]) -> Section:
    """A quantity by another one, e.g. acceptance by offer, in steps; beside it what people did there."""
    x = found.rounds[q.by].drop_nulls().to_numpy()
    width = 0.0
    if len(np.unique(x)) > _BINS + 1:
        width = (1.0 if x.min() >= 0 and x.max() <= 1 else float(np.ptp(x))) / _BINS
    place = (pl.col(q.by) / width).round() * width if width else pl.col(q.by)
    table = found.rounds.filter(pl.col(q.by).is_not_null(), pl.col(q.name).is_not_null()).with_columns(
        at=place.round(9)
    )
    start = f"{q.name} at "
    theirs = {float(row.quantity.removeprefix(start)): row for row in people if row.quantity.startswith(start)}
    rows: list[tuple[Cell, ...]] = []
    points: list[Mapping[str, object]] = []
    for arm in found.arms:
        for at in sorted(table["at"].unique()):
            part = table.filter(pl.col("arm") == arm, pl.col("at") == at)
            if part.height:
                mean = _means(part, q)
                human = next((row.value for spot, row in theirs.items() if abs(spot - at) < 1e-6), None)
                rows.append((*found.at(arm), at, part["unit"].n_unique(), mean, human))
                points.append({"x": at, "y": mean.value, "series": f"{found.said(arm)}{q.name}", **limits(mean)})
    points += [
        {"x": spot, "y": row.value, "series": "people", **_interval_of(row)} for spot, row in sorted(theirs.items())
    ]
    forms: dict[str, CellForm] = {**found.columns, q.by: "number"}
    forms |= {"units": "count", q.name: q.form}
    caption = f"{q.name} by {q.by}"
    return Section(
        name=f"games-{q.name}-curve".replace(" ", "-"),
        heading=f"{q.name.capitalize()} by {q.by}",
        chapter=_CHAPTER,
        sentences=(f"What is told is {q.about}, by {q.by}.",),
        table=tabled(forms | {"people": (q.form, "people")}, rows, caption, side="model"),
        figure=Figure(form="lines", rows=tuple(points), caption=caption, options={"x_title": q.by, "y_title": q.name}),
        notes=(UNITS, "Rows are of different units, so they differ by more than what the row is by.",
               *((f"{q.by} is grouped in steps of {width:.3g}.",) * (width > 0)), *_sources(list(theirs.values()))),
    )  # fmt: skip


def _payoffs(found: Plays) -> list[Section]:
    """Payoff a round by role, its share of what all get, and how much of the most there is was reached."""
    over = found.players.filter(pl.col("payoff").is_not_null()).with_columns(
        pl.col("payoff").sum().over("match", "round").alias("all")
    )
    if over.is_empty():
        return []
    roles = list(dict.fromkeys(over["who"]))
    rows: list[tuple[Cell, ...]] = []
    said = []
    for arm in found.arms:
        part, most = over.filter(pl.col("arm") == arm), found.rules(arm).highest()
        for who in roles:
            own = part.filter(pl.col("who") == who)
            if own.is_empty():
                continue
            mean = mean_of(by_unit(own, "payoff")["payoff"].to_list(), f"payoff of {who} a round")
            sums = own.group_by("unit", "match", "round", maintain_order=True).agg(
                pl.col("payoff").sum(), pl.col("all").first()
            )
            split = sums.group_by("unit", maintain_order=True).agg(pl.col("payoff").sum() / pl.col("all").sum())
            # A share of nothing, or of a loss, says nothing.
            shares = [x for x in split["payoff"].to_list() if x is not None and 0 <= x <= 1]
            share = mean_of(shares, f"share of {who} in what all get", is_share=True) if len(roles) > 1 else None
            rows.append((*found.at(arm), who, own["subject"].n_unique(), mean, share))
            said.append(f"{found.said(arm)}{who} gets {told(mean)} a round.")
        if most:
            whole = part.unique(["match", "round"], keep="first", maintain_order=True).with_columns(
                (pl.col("all") / most).alias("reached")
            )
            reached = mean_of(
                by_unit(whole, "reached")["reached"].to_list(), "payoffs of all as a share of the most", is_share=True
            )
            rows.append((*found.at(arm), "all, of the most there is", None, None, reached))
            said.append(f"{found.said(arm)}All together reach {percent(reached)} of the most there is.")
    forms = found.columns
    forms |= {"role": "text", "players": "count", "payoff a round": "number", "share": "share"}
    return [
        Section(
            name="games-payoffs",
            heading="Payoffs",
            chapter=_CHAPTER,
            sentences=tuple(said[:_MOST_SENTENCES]),
            table=tabled(forms, rows, "Payoffs by role, before any scaling", side="model"),
            notes=(UNITS, "Payoffs are computed from the moves by the rules, and counted as the rules count."),
        )
    ]


def _figures_of_people(people: Sequence[Reference]) -> list[Section]:
    """Every figure of people there is for this game."""
    if not people:
        return []
    rows = [(row.quantity, row.value, row.n, row.what) for row in people]
    forms: dict[str, CellForm] = {"figure": "text", "people": "number", "n": "count", "what it is": "text"}
    return [
        Section(
            name="games-people",
            heading="What people did in such games",
            chapter=_CHAPTER,
            table=tabled(forms, rows, "Figures of people", is_folded=True, side="people"),
            notes=(
                *_sources(people),
                "These people read other words, played for money and knew it: differences are of all that together.",
            ),
        )
    ]


def _ends(found: Plays) -> list[Section]:
    """Moves that were not open or could not be read, and what became of their matches."""
    broken = found.players.filter(pl.col("illegal") | pl.col("invalid").is_not_null())
    reached = dict(found.players.group_by("unit").agg(pl.col("round").max()).iter_rows())
    over = set(found.players.filter(pl.col("ended"))["unit"])
    going = [s.name for s in found.design.sessions if s.name not in over and reached.get(s.name, 0) < s.length]
    if broken.is_empty() and not going:
        return []
    what = pl.when(pl.col("illegal")).then(pl.lit("not open")).otherwise(pl.col("invalid"))
    counted = Counter(broken.select("who", what.alias("what")).iter_rows())
    said = [
        f"{n} moves of {who} were {kind}." if n > 1 else f"A move of {who} was {kind}."
        for (who, kind), n in counted.most_common(3)
    ]
    whys = broken.filter(pl.col("illegal"))["why"].drop_nulls().unique(maintain_order=True).head(2).to_list()
    said += [f"E.g. {why}." for why in whys]
    n = len(found.design.sessions)
    said += [f"{len(over)} of {n} {found.units} ended early because of it."] if over else []
    said += [f"{len(going)} of {n} are not played to their end yet."] if going else []
    rows = [(who, str(kind), count) for (who, kind), count in counted.most_common()]
    forms: dict[str, CellForm] = {"role": "text", "what": "text", "moves": "count"}
    return [
        Section(
            name="games-ends",
            heading="Moves that were none",
            chapter=_CHAPTER,
            sentences=tuple(said),
            table=tabled(forms, rows, "Moves that were not open or could not be read") if rows else None,
            warnings=("means by round are of the matches that got so far, which may not be like the others",),
        )
    ]


ANALYSIS = Analysis(
    name="games",
    about="quantities of a game by treatment and round, curves, payoffs, people's numbers, moves that were none",
    needs=reason,
    sections=sections,
    is_quiet=True,
)
