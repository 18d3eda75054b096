"""Back-tests: whether scores of texts foretell a series, on either side of the engine's cut-off, and what it costs."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from proband.analyses.answers import cautions, measured, tabled, told
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section, limits
from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures import series_regression, shuffled_dates, weighted_mean
from proband.runs.run import Run
from proband.texts.backtest import BackTest, Part, back_test_of, parts_of
from proband.texts.held_files import found_again

_CHAPTER = "Back-test"
_SIDES = {True: "after the cut-off", False: "up to the cut-off"}
_SEEN = (
    "Texts up to the cut-off may be among what the engine was made of, with what came after them: what it scores there "
    "is no forecast. These rows say how much it may remember, and are never pooled with the others."
)
_ASSUMED = (
    "That scores foretold a series says nothing of why, and nothing of later years; whoever tried many questions, "
    "coders or horizons has found something by chance: lock the plan before."
)


def needs(run: Run) -> str | None:
    """A back-test in the study, and its series as it was."""
    test = back_test_of(run) if run.kind == "coding" else None
    if test is None:
        return "the study names no series to test its codes on; see [coding.backtest]"
    if not run.dispositions():
        return "nothing was coded yet"
    try:
        found_again(run, test.note)
    except DataError as error:
        return str(error)
    return None


def sections(run: Run) -> Sequence[Section]:
    """Slopes with and without what the series says of itself, the placebo, signs, and a rule after costs."""
    test = back_test_of(run)
    if test is None:
        return []
    parts = parts_of(run, test)
    return [_slopes(parts, test), _signs(parts), *([_rule(parts, test)] if test.costs is not None else [])]


def _unit(test: BackTest) -> str:
    return " in percent" if test.change == "log" else ""


def _named(part: Part) -> tuple[str, str]:
    return part.coder, _SIDES[part.is_after]


def _slopes(parts: Sequence[Part], test: BackTest) -> Section:
    rows: list[tuple[Cell, ...]] = []
    sentences, doubts, marks = [], list[tuple[str, Estimate]](), []
    for part in parts:
        own = {"own change before": part.before}
        slope = _slope(part, {"score": part.score}, test)
        given = _slope(part, {"score": part.score, **own}, test)
        alone = _slope(part, own, test)
        placebo = measured(
            partial(shuffled_dates, part.outcome, part.score, rotates=test.horizon > 1, n_draws=test.draws),
            "placebo",
            "data",
        )
        rows.append((*_named(part), part.n_texts, len(part.days), slope, given, alone,
                     *(placebo.baselines.values() or (None, None)), placebo.p_value))  # fmt: skip
        name = ", ".join(_named(part))
        doubts.append((name, slope))
        if slope.interval is not None:
            sentences.append(
                f"{name}: a score higher by 1 goes with a change higher by {told(slope, 3)}{_unit(test)}, over "
                f"{len(part.days)} days; {told(given, 3)} with the series' own last change held constant. Of the "
                f"placebos {placebo.p_value:.1%} are as far from 0."
            )
            marks.append({"label": name, "side": "", **limits(slope)})
    forms: dict[str, CellForm] = {
        "coder": "text", "texts are": "text", "texts": "count", "days": "count", "slope on the score": "number",
        "with own last change": "number", "own last change alone": "number", "placebo, 2.5 %": "number",
        "placebo, 97.5 %": "number", "placebo p": "p",
    }  # fmt: skip
    lost = [
        f"{', '.join(_named(part))}: {part.n_unscored} texts have no score, {part.n_unmatched} no value soon enough "
        "after them or far enough before the end; left out."
        for part in parts
        if part.n_unscored or part.n_unmatched
    ]
    after = [part for part in parts if part.is_after]
    none_after = ("No text is later than the engine's cut-off: nothing here is a forecast.",) if not after else ()
    return Section(
        name="backtest",
        heading="Whether texts foretell the series",
        chapter=_CHAPTER,
        sentences=tuple(sentences),
        table=tabled(forms, rows, f"Change over {test.horizon} rows{_unit(test)}, by the score of the texts before"),
        figure=Figure(form="intervals", rows=tuple(marks), caption="Slope on the score, with 95 % intervals",
                      options={"zero": 0}) if marks else None,
        notes=(
            f"A text counts for the first value from {test.lag} days after it, within {test.within} days; texts of one "
            "value are averaged. Its change begins at that value, so nothing in it was there before the text.",
            "Own last change alone is the baseline without texts.",
            *lost,
        ),
        warnings=(*none_after, *((_SEEN,) if len(after) < len(parts) else ()), *cautions(doubts)),
        claims=(_ASSUMED,),
        methods=("Slopes have the errors of Newey & West (1987); the placebo shuffles the dates of the scores.",),
    )  # fmt: skip


def _slope(part: Part, columns: Mapping[str, NDArray[np.float64]], test: BackTest) -> Estimate:
    """Slope on the first of the columns; changes over several rows overlap, so their errors are correlated."""
    usual = int(1.3 * len(part.days) ** 0.5)
    lags = max(usual, min(2 * test.horizon, len(part.days) - 1)) if len(part.days) else None
    first = next(iter(columns))
    return measured(lambda: series_regression(part.outcome, columns, lags=lags)[first], f"slope on {first}", "data")


def _signs(parts: Sequence[Part]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for part in parts:
        has = (part.score != 0) & (part.outcome != 0)
        same, up = (np.sign(part.score) == np.sign(part.outcome))[has], (part.outcome > 0)[has]
        right, rise = (
            measured(partial(weighted_mean, y.astype(float), is_share=True, target="data", estimand=what), what, "data")
            for y, what in ((same, "days whose sign is right"), (up, "days that rise"))
        )
        often = float(max(up.mean(), 1 - up.mean())) if has.any() else None
        rows.append((*_named(part), int(has.sum()), right, rise, often))
    forms: dict[str, CellForm] = {
        "coder": "text", "texts are": "text", "days": "count", "sign is right": "share", "days that rise": "share",
        "always the commoner": "share",
    }  # fmt: skip
    return Section(
        name="backtest-signs",
        heading="Whether the sign is right",
        chapter=_CHAPTER,
        table=tabled(forms, rows, "Days on which score and change have one sign"),
        notes=(
            "Days without a score or a change other than 0 are left out. Always the commoner is what one would reach "
            "who knew beforehand which way the series moves more often, and read nothing. Days are taken as "
            "independent.",
        ),
    )


def _rule(parts: Sequence[Part], test: BackTest) -> Section:
    """A rule that holds one unit by the sign of the score until the next row, and nothing where there is no text."""
    rows: list[tuple[Cell, ...]] = []
    sentences = []
    for part in parts:
        turnover = np.abs(np.diff(part.held, prepend=0.0))
        gross = part.held * part.moves
        net = gross - turnover * (test.costs or 0.0) / 100  # basis points, of changes in percent
        before, after, holding = (
            measured(lambda y=y: series_regression(y, {})["(mean)"], "mean of a row", "data")  # type: ignore[misc]
            for y in (gross, net, part.moves)
        )
        mean = float(turnover.mean()) if len(turnover) else None
        rows.append((*_named(part), len(part.moves), before, mean, after, holding))
        if after.interval is not None:
            sentences.append(f"{', '.join(_named(part))}: {told(after, 3)} percent a row after costs, "
                             f"{told(holding, 3)} by holding throughout.")  # fmt: skip
    forms: dict[str, CellForm] = {
        "coder": "text", "texts are": "text", "rows": "count", "before costs": "number", "turnover": "number",
        "after costs": "number", "held throughout": "number",
    }  # fmt: skip
    table = tabled(forms, rows, f"Mean change of a row in percent, at {test.costs:g} basis points for each unit traded")
    return Section(
        name="backtest-rule",
        heading="A rule that follows the sign",
        chapter=_CHAPTER,
        sentences=tuple(sentences),
        table=table,
        notes=(
            "One unit is held from the first value after a text to the next, bought or sold by the sign of the score; "
            "selling what one does not have is free here, and every order is filled at the value of the series.",
        ),
    )


ANALYSIS = Analysis(
    name="backtest",
    about="whether scores of dated texts foretell a series, apart before and after the engine's cut-off",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
