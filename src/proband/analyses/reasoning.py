"""How players think in games made to show it: levels of reasoning, conditional cooperation, consistent budgets."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import percent, tabled, told
from proband.analyses.plays import UNITS, Plays, by_unit, mean_of, plays, reason
from proband.analyses.section import Analysis, Cell, Figure, Section, limits
from proband.designs.games.beauty_contest import BeautyContest
from proband.designs.games.budget import Budget
from proband.designs.games.eleven_twenty import MOST, ElevenTwenty
from proband.designs.games.public_goods import PublicGoods
from proband.designs.games.rules import Rules
from proband.estimates import Estimate
from proband.measures import bronars_power, garp
from proband.measures.behaviour.levels import CONDITIONAL_TYPES, conditional_type, reasoning_levels
from proband.references import reference
from proband.runs.run import Run
from proband.seeds import rng_for

_CHAPTER = "Reasoning"
_DEEPEST = 4
_POWER = (20, 200)  # on the budgets of how many players, with how many random choosers each


def needs(run: Run) -> str | None:
    """A game that shows how players think."""
    if why := reason(run):
        return why
    found = plays(run)
    if found.rounds.is_empty():
        return "no round of this game was played through"
    if isinstance(found.design.rules, BeautyContest | ElevenTwenty | PublicGoods | Budget):
        return None
    return "this game is not one that shows levels of reasoning, conditional cooperation or consistent budgets"


def sections(run: Run) -> Sequence[Section]:
    """What the game is made to show."""
    found = plays(run)
    rules = found.design.rules
    if isinstance(rules, BeautyContest | ElevenTwenty):
        return [_levels(found)]
    if isinstance(rules, Budget):
        return [_budgets(found)]
    return _types(found)


def _level(rules: Rules, moves: pl.Series) -> NDArray[np.intp]:
    if isinstance(rules, BeautyContest):
        return reasoning_levels(moves.to_numpy(), start=rules.top / 2, factor=rules.fraction, most=_DEEPEST)
    # An option's index counts from the lowest request; who asks for the highest does not undercut anybody.
    assert isinstance(rules, ElevenTwenty)
    steps = len(rules.items[0].options) - 1 - moves.to_numpy()
    levels: NDArray[np.intp] = np.minimum(steps, _DEEPEST).astype(np.intp)
    return levels


def _levels(found: Plays) -> Section:
    """Shares of players at each level in the first round."""
    is_contest = isinstance(found.design.rules, BeautyContest)
    column = "move_number" if is_contest else "move_request"
    rows: list[tuple[Cell, ...]] = []
    marks, said = [], []
    for arm in found.arms:
        first = found.players.filter(pl.col("arm") == arm, pl.col("round") == 1, pl.col(column).is_not_null())
        first = first.with_columns(pl.Series("level", _level(found.rules(arm), first[column])))
        for level in range(_DEEPEST + 1):
            name = f"{level}" if level < _DEEPEST else f"{level} and more"
            share = _share(first, pl.col("level") == level, f"share of players at level {name}")
            rows.append((*found.at(arm), name, share))
            marks.append({"label": f"{found.said(arm)}level {name}", "side": "model", **limits(share)})
        mean = by_unit(first, "level")["level"].to_list()
        said.append(f"{found.said(arm)}The mean level in round 1 is {told(mean_of(mean, 'mean level of reasoning'))}.")
    how = (
        "Level 0 names the middle of the range, level k the fraction times what level k - 1 names; a number belongs to "
        "the level it is nearest to on the scale of logarithms."
        if is_contest
        else f"Level 0 asks for {MOST}, level k for {MOST} - k: one less than level k - 1."
    )
    forms = found.columns
    return Section(
        name="reasoning-levels",
        heading="Levels of reasoning",
        chapter=_CHAPTER,
        sentences=tuple(said),
        table=tabled(forms | {"level": "text", "players": "share"}, rows, "Levels in round 1", side="model"),
        figure=Figure(form="intervals", rows=tuple(marks), caption="Players by level of reasoning in round 1"),
        notes=(how, f"{_DEEPEST} and more includes whoever plays the equilibrium.", UNITS),
    )


def _share(part: pl.DataFrame, what: pl.Expr, name: str) -> Estimate:
    """Share of rows for which something holds, units alike."""
    means = by_unit(part.with_columns(what.cast(pl.Float64).alias("holds")), "holds")
    return mean_of(means["holds"].to_list(), name, is_share=True)


def _types(found: Plays) -> list[Section]:
    """Types of conditional cooperators by their tables in the first round, and the mean table."""
    rows: list[tuple[Cell, ...]] = []
    points, said = [], []
    for arm in found.arms:
        rules = found.rules(arm)
        assert isinstance(rules, PublicGoods)
        columns = [f"move_if-{k}" for k in range(1, rules.conditional + 1)]
        first = found.players.filter(pl.col("arm") == arm, pl.col("round") == 1)
        first = first.drop_nulls(columns) if columns else first.clear()
        if first.is_empty():
            continue
        tables = first.select(columns).to_numpy()
        first = first.with_columns(pl.Series("type", [conditional_type(row, rules.averages) for row in tables]))
        for average, column in zip(rules.averages, columns, strict=True):
            mean = mean_of(by_unit(first, column)[column].to_list(), f"contribution if others give {average:g}")
            points.append({"x": average, "y": mean.value, "series": f"{found.said(arm)}stated", **limits(mean)})
        shares = {
            name: _share(first, pl.col("type") == name, f"share of players who are {name}")
            for name in CONDITIONAL_TYPES
        }
        rows += [(*found.at(arm), name, share, _of_people(name)) for name, share in shares.items()]
        said.append(f"{found.said(arm)}{percent(shares['conditional'])} of players are conditional cooperators.")
    if not rows:
        return []
    forms = found.columns
    forms |= {"type": "text", "players": "share"}
    human = reference("public-goods", "type conditional")
    return [
        Section(
            name="reasoning-conditional",
            heading="Conditional cooperation",
            chapter=_CHAPTER,
            sentences=tuple(said),
            table=tabled(
                {**forms, "people": ("share", "people")}, rows, "Types by what is stated in round 1", side="model"
            ),
            figure=Figure(form="lines", rows=tuple(points), caption="Stated contribution by the average of the others"),
            notes=(
                "Types: conditional rises with the others (correlation of at least .5), free riders give nothing, "
                "unconditional the same amount, hump-shaped rises and falls again (Fischbacher et al. 2001).",
                UNITS,
                *((f"People: {human.source}.",) if human else ()),
            ),
        )
    ]


def _of_people(name: str) -> float | None:
    human = reference("public-goods", f"type {name}")
    return human.value if human else None


def _budgets(found: Plays) -> Section:
    """Whether a player's choices agree with one ranking of all bundles, and what random choices would do."""
    rows: list[tuple[Cell, ...]] = []
    said, warnings = [], list[str]()
    for arm in found.arms:
        rules, part = found.rules(arm), found.players.filter(pl.col("arm") == arm, pl.col("payoff").is_not_null())
        assert isinstance(rules, Budget)
        passed, critical, prices, n = list[float](), list[float](), [], 0
        for _, own in part.group_by("subject", maintain_order=True):
            rates = own.select("rate A", "rate B").to_numpy()
            given = own["move_tokens"].to_numpy()
            bundles = np.column_stack([given, rules.tokens - given]) * rates
            n = max(n, own.height)
            test = garp(1 / rates, bundles)
            passed.append(float(test.is_garp))
            critical.append(test.ccei)
            prices.append(1 / rates)
        powers = [
            bronars_power(p, n_draws=_POWER[1], rng=rng_for(0, "bronars", k)).value
            for k, p in enumerate(prices[: _POWER[0]])
        ]
        power = float(np.mean(powers))
        passes = mean_of(passed, "share of players without a contradiction (GARP)", is_share=True)
        ccei = mean_of(critical, "mean critical cost efficiency", is_share=True)
        rows.append((*found.at(arm), len(passed), n, passes, 1 - power, ccei))
        said.append(
            f"{found.said(arm)}{percent(passes)} of players make no contradictory choice in up to {n} budgets; of "
            f"random choosers {100 * (1 - power):.1f} % would. The mean CCEI is {told(ccei, 3)}."
        )
        if power < 0.5:
            warnings.append(
                f"{found.said(arm)}random choices would mostly pass: the budgets hardly cross; play more rounds"
            )
    forms = found.columns
    forms |= {
        "players": "count",
        "budgets": "count",
        "consistent": "share",
        "random choosers": "share",
        "CCEI": "number",
    }
    return Section(
        name="reasoning-budgets",
        heading="Consistency of choices",
        chapter=_CHAPTER,
        sentences=tuple(said),
        table=tabled(forms, rows, "Choices from budgets (GARP, CCEI)", side="model"),
        notes=(
            "Choices are consistent if one ranking of all bundles could have led to them (GARP). The CCEI is the share "
            "of every budget at which contradictions vanish; 1 is none.",
            f"Random choosers are drawn on the budgets of up to {_POWER[0]} of the players (Bronars 1987).",
        ),
        warnings=tuple(warnings),
    )


ANALYSIS = Analysis(
    name="reasoning",
    about="levels of reasoning, types of conditional cooperators, consistency of choices from budgets",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
