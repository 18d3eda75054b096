"""What was locked before the first answer, and what came of it: hypothesis by hypothesis, family by family."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from proband.analyses.answers import Factor, answers, cautions, factors, measured, told
from proband.analyses.effects import effect_of, outcomes
from proband.analyses.section import Analysis, Cell, Column, Figure, Section, Table, limits
from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures import adjust_p, clustered_mean, equivalence
from proband.runs.locking import lock_of
from proband.runs.run import Run

_ALPHA = 0.05


def needs(run: Run) -> str | None:
    """A lock with hypotheses."""
    lock = lock_of(run)
    if lock is None:
        return "no plan was locked for this run; `proband lock STUDY.toml` makes one"
    if not lock.get("hypotheses"):
        return "the locked plan has no hypotheses; [[hypotheses]] in the study file states them"
    return None if run.dispositions() else "nothing was answered yet"


def sections(run: Run) -> Sequence[Section]:
    """One section: every hypothesis with its number, its adjusted p, and what follows."""
    lock: Mapping[str, Any] = lock_of(run) or {}
    locked: Mapping[str, Mapping[str, Any]] = lock["hypotheses"]
    found = {id: measured(lambda said=said: _number(run, said), said["outcome"]) for id, said in locked.items()}  # type: ignore[misc]
    raw = {id: p for id, said in locked.items() if (p := _p_value(found[id], said)) is not None}
    adjusted = _adjusted(raw, locked, lock.get("families") or {})
    verdicts = {id: _verdict(found[id], said, adjusted.get(id)) for id, said in locked.items()}
    rows: list[tuple[Cell, ...]] = [
        (id, _in_words(said), found[id], raw.get(id), adjusted.get(id), said["smallest"], verdicts[id])
        for id, said in locked.items()
    ]
    columns = (
        Column(name="hypothesis", form="text"),
        Column(name="says", form="text"),
        Column(name="estimate", side="model"),
        Column(name="p", form="p"),
        Column(name="p, adjusted", form="p"),
        Column(name="smallest of interest"),
        Column(name="verdict", form="text"),
    )
    families = ", ".join(
        f"{family} ({'not adjusted' if how == 'none' else how}, {sum(s['family'] == family for s in locked.values())})"
        for family, how in (lock.get("families") or {}).items()
    )
    caption = "Locked hypotheses and what came of them"
    return [
        Section(
            name="hypotheses",
            heading="Hypotheses, as they were locked",
            chapter="Hypotheses",
            sentences=tuple(f"{id}: {verdicts[id]} ({told(found[id], 3)})." for id in locked),
            table=Table(columns=columns, rows=tuple(rows), caption=caption),
            figure=Figure(
                form="intervals",
                rows=tuple({"label": id, "side": "model", **limits(number)} for id, number in found.items()),
                caption=caption,
            ),
            notes=(
                f"Locked on {lock['made']}, hash {lock['hash']}; families: {families}.",
                "A hypothesis of a direction has a two-sided p value, and is supported only in that direction. One of "
                "no effect is tested by two one-sided tests against its smallest effect of interest.",
            ),
            warnings=cautions(found.items()),
        )
    ]


def _number(run: Run, said: Mapping[str, Any]) -> Estimate:
    """The difference, or the mean, that a hypothesis is about."""
    outcome = next((o for o in outcomes(run) if o.name == said["outcome"] or o.item.id == said["outcome"]), None)
    mirrored = False
    if outcome is None:
        # The second of two options mirrors the first, and stands under its name.
        item = said["outcome"].partition(": ")[0]
        outcome = next((o for o in outcomes(run) if o.item.id == item), None)
        mirrored = True
    if outcome is None:
        raise DataError(f"no outcome {said['outcome']!r} in this run")
    if not said["factor"]:
        scores = outcome.scores(answers(run), "subject")
        units = [run.roster.clusters.get(s, s) for s in scores]
        found = clustered_mean(list(scores.values()), units, is_share=outcome.is_share)
        return _turned(found, 1.0) if mirrored else found
    factor = next((f for f in factors(run) if f.name == said["factor"]), None)
    factor = factor or Factor(said["factor"], said["factor"], (said["against"], said["level"]))
    if factor.column not in answers(run).columns:
        raise DataError(f"{said['factor']!r} did not vary in this run")
    effect = effect_of(run, factor, said["level"], said["against"], outcome)
    if effect is None:
        raise DataError(f"nobody answered under both {said['level']} and {said['against']}")
    return _turned(effect, 0.0) if mirrored else effect


def _turned(found: Estimate, total: float) -> Estimate:
    """The other of two shares, or its effect."""
    low, high = found.interval or (None, None)
    turned = None if low is None or high is None else (total - high, total - low)
    statistic = None if found.statistic is None else -found.statistic
    return replace(found, value=total - found.value, interval=turned, statistic=statistic)


def _p_value(found: Estimate, said: Mapping[str, Any]) -> float | None:
    if said["direction"] != "none":
        return found.p_value
    try:
        return equivalence(found, said["smallest"]).p_value
    except DesignError:
        return None


def _adjusted(
    raw: Mapping[str, float], locked: Mapping[str, Mapping[str, Any]], families: Mapping[str, str]
) -> dict[str, float]:
    found: dict[str, float] = {}
    for family, how in families.items():
        tests = {id: p for id, p in raw.items() if locked[id]["family"] == family}
        if not tests:
            continue
        if how == "none":
            found |= tests
        else:
            values = adjust_p(list(tests.values()), how).adjusted.values()  # type: ignore[arg-type]
            found |= dict(zip(tests, values, strict=True))
    return found


def _verdict(found: Estimate, said: Mapping[str, Any], p: float | None) -> str:
    if math.isnan(found.value):
        return "cannot be told"
    direction, smallest = said["direction"], said["smallest"]
    if p is None:  # one unit, or answers that are all alike: there is no test, and so no verdict
        return "cannot be told"
    if direction == "none":
        return "supported: smaller than what matters" if p < _ALPHA else "not supported"
    if p >= _ALPHA:
        return "not supported"
    if direction != "differs" and (found.value > 0) != (direction == "more"):
        return "contradicted: the other way round"
    return "supported" if abs(found.value) >= smallest else "supported, though smaller than what matters"


def _in_words(said: Mapping[str, Any]) -> str:
    if said["says"]:
        return str(said["says"])
    words = {"more": "more", "less": "less", "differs": "another", "none": "no different"}[said["direction"]]
    where = f" under {said['level']} than under {said['against']}" if said["factor"] else ""
    return f"{words} {said['outcome']}{where}"


ANALYSIS = Analysis(
    name="hypotheses",
    about="locked hypotheses, with p values adjusted in their families, and what follows for each",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
