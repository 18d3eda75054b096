"""The claims of the paper, each with a verdict and the rule by which it was reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from proband.estimates import Estimate
from proband.files import beside
from proband.measures.knowledge.crossed import crossed_mean
from proband.tuning.analysis.accuracy import ALL_DOMAINS, Contrast
from proband.tuning.analysis.confounds import Confound
from proband.tuning.analysis.evaluation import Evaluation, Test
from proband.tuning.analysis.mixtures import Partial, best_between, mixed_domains, ratio_differences, ratios_of

Outcome = Literal["supported", "contradicted", "undecided"]
_TABLES = beside(__file__)
RULE_DIFFERENCE, RULE_BETWEEN, RULE_LARGEST, RULE_PARTIAL = (
    _TABLES["rules"][name] for name in ("difference", "between", "largest", "partial")
)
_POWER_80 = 2.8016  # sum of the normal quantiles of .975 and .80


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim of Ren et al. (2024).

    Attributes
    ----------
    published : mapping of test to str
        What the paper reports, in its words or numbers; unknown where empty.
    pair : tuple of str
        Arms whose training sets bear on it.
    """

    id: str
    text: str
    pair: tuple[str, str]
    published: Mapping[Test, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the data say about a claim on one test.

    Attributes
    ----------
    estimate : Estimate
        On which it rests; where there are several, the one that decides.
    detectable : float or None
        Difference that a study of this size would have found in 80 of 100 cases; for an undecided difference.
    confounds : tuple of str
        Checks of the training sets that were flagged for the two arms: with these, a supported difference need not
        be due to what the claim says. Empty also where no sets were given to be checked; `Findings.warnings` says so.
    """

    claim: Claim
    test: Test
    outcome: Outcome
    estimate: Estimate
    rule: str
    detectable: float | None
    confounds: tuple[str, ...]
    notes: tuple[str, ...]
    base: str = ""


CLAIMS: Sequence[Claim] = tuple(Claim(**(table | {"pair": tuple(table["pair"])})) for table in _TABLES["claims"])


def verdicts(
    evaluation: Evaluation,
    differences: Sequence[Contrast],
    partials: Sequence[Partial],
    checks: Sequence[Confound] = (),
) -> tuple[Verdict, ...]:
    """A verdict on every claim and test for which the arms were trained.

    By claim and test. Verdicts are not adjusted for being many: of n true nulls about n / 40 are called supported by
    chance.

    Parameters
    ----------
    differences : sequence of Contrast
        From `contrasts`, "standard".
    partials : sequence of Partial
        From `partials`, "standard".
    checks : sequence of Confound
        From `confounds`; flagged ones stand beside the verdicts.
    """
    found: list[Verdict] = []
    for claim in CLAIMS:
        for test in evaluation.kinds:
            verdict = _verdict(claim, test, evaluation, differences, partials)
            if verdict is not None:
                found.append(replace(verdict, confounds=_flagged(claim, checks), notes=_notes(verdict)))
    return tuple(found)


def outcome_of(estimate: Estimate) -> Outcome:
    """`RULE_DIFFERENCE` on one estimate; undecided without an interval."""
    if estimate.interval is None:
        return "undecided"
    low, high = estimate.interval
    return "supported" if low > 0 else "contradicted" if high < 0 else "undecided"


def _verdict(
    claim: Claim, test: Test, evaluation: Evaluation, differences: Sequence[Contrast], partials: Sequence[Partial]
) -> Verdict | None:
    if claim.id == "best-ratio-between":
        return _on_between(claim, test, evaluation)
    if claim.id == "divergence-largest-without-own-answers":
        return _on_divergence(claim, test, evaluation)
    if claim.id == "consistency-goes-with-accuracy":
        known = [one for one in partials if one.test == test] if mixed_domains(evaluation, test) else []
        return _on_partial(claim, known[0]) if known else None
    wanted = (*claim.pair, test, evaluation.ask, "standard")
    here = [one for one in differences if (one.arm, one.against, one.test, one.ask, one.method) == wanted]
    pooled = [one for one in here if one.domain == ALL_DOMAINS] or here
    if not pooled:
        return None
    return _made(claim, test, outcome_of(pooled[0].estimate), pooled[0].estimate, RULE_DIFFERENCE)


def _on_between(claim: Claim, test: Test, evaluation: Evaluation) -> Verdict | None:
    found = best_between(evaluation, test)
    if found is None:
        return None
    weaker = min((found.over_0, found.over_1), key=lambda one: one.interval[0] if one.interval else one.value)
    outcome: Outcome = "undecided"
    if found.is_separate and all(outcome_of(one) == "supported" for one in (found.over_0, found.over_1)):
        outcome = "supported"
    elif _all_below_an_end(evaluation, test):
        outcome = "contradicted"
    chosen = ", ".join(f"{ratio:g} in {100 * share:.0f} %" for ratio, share in found.chosen.items())
    return _made(claim, test, outcome, weaker, RULE_BETWEEN, f"ratio chosen: {chosen}")


def _all_below_an_end(evaluation: Evaluation, test: Test) -> bool:
    domains = mixed_domains(evaluation, test)
    between = [ratio for ratio in ratios_of(evaluation, domains) if 0 < ratio < 1]
    level = 1 - 0.05 / max(2 * len(between), 1)
    for end in (0.0, 1.0):
        found = [
            crossed_mean(tables, "share difference", estimand="accuracy less that at an end", level=level)
            for ratio in between
            if (tables := ratio_differences(evaluation, domains, test, (ratio, end)))
        ]
        if found and len(found) == len(between) and all(outcome_of(one) == "contradicted" for one in found):
            return True
    return False


def _on_divergence(claim: Claim, test: Test, evaluation: Evaluation) -> Verdict | None:
    domains = mixed_domains(evaluation, test)
    ratios = ratios_of(evaluation, domains)
    if len(ratios) < 2 or ratios[0] != 0.0:
        return None
    what = "KL(base || tuned) at ratio 0, less that at ratio {:g}"
    strict: list[Estimate] = []
    above = False
    for ratio in ratios[1:]:
        tables = ratio_differences(evaluation, domains, test, (0.0, ratio), of="kl")
        if not tables:
            return None
        strict.append(crossed_mean(tables, "difference", estimand=what.format(ratio)))
        careful = crossed_mean(tables, "difference", estimand=what.format(ratio), level=1 - 0.05 / (len(ratios) - 1))
        above = above or outcome_of(careful) == "contradicted"
    outcome: Outcome = "contradicted" if above else "undecided"
    if all(outcome_of(one) == "supported" for one in strict):
        outcome = "supported"
    weakest = min(strict, key=lambda one: one.interval[0] if one.interval else one.value)
    return _made(claim, test, outcome, weakest, RULE_LARGEST, f"the nearest rival: {weakest.estimand}")


def _on_partial(claim: Claim, found: Partial) -> Verdict:
    estimate, outcome = found.estimate, "undecided"
    if estimate.p_value is not None and estimate.p_value <= 0.05:
        outcome = "supported" if estimate.value > 0 else "contradicted"
    within = ", ".join(f"{name} {value:.2f}" for name, value in estimate.baselines.items())
    notes = (f"correlations {within}",) if within else ()
    return replace(_made(claim, found.test, outcome, estimate, RULE_PARTIAL, *notes), detectable=None)  # type: ignore[arg-type]


def _made(claim: Claim, test: Test, outcome: Outcome, estimate: Estimate, rule: str, *notes: str) -> Verdict:
    detectable = _POWER_80 * estimate.se if outcome == "undecided" and estimate.se is not None else None
    found: dict[str, Any] = {"claim": claim, "test": test, "outcome": outcome, "estimate": estimate, "rule": rule}
    return Verdict(**found, detectable=detectable, confounds=(), notes=notes)


def _notes(verdict: Verdict) -> tuple[str, ...]:
    return (*verdict.notes, *(w for w in verdict.estimate.warnings if "one run" in w or "no interval" in w))


def _flagged(claim: Claim, checks: Sequence[Confound]) -> tuple[str, ...]:
    here = [one for one in checks if (one.arm, one.against) == claim.pair and one.is_flagged]
    domains = {(one.base, one.domain) for one in checks if (one.arm, one.against) == claim.pair}
    return tuple(
        f"{check} (in {len([1 for one in here if one.check == check])} of {len(domains)} domains)"
        for check in dict.fromkeys(one.check for one in here)
    )
