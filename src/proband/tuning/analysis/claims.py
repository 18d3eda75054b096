"""The claims of the paper, each with a verdict and the rule by which it was reached."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from scipy import special

from proband.estimates import Estimate
from proband.files import beside
from proband.measures.knowledge.crossed import Scale, Table, crossed_mean
from proband.measures.meta.pooling import random_effects
from proband.tuning.analysis.accuracy import ALL_DOMAINS, Contrast
from proband.tuning.analysis.confounds import Confound
from proband.tuning.analysis.evaluation import Evaluation, Test
from proband.tuning.analysis.mixtures import Best, Partial, best_between, mixed_domains, ratio_differences, ratios_of
from proband.tuning.analysis.noise import Steepness

Outcome = Literal["supported", "contradicted", "undecided"]
_TABLES = beside(__file__)
RULE_DIFFERENCE, RULE_BETWEEN, RULE_LARGEST, RULE_STEEPER = (
    _TABLES["rules"][name] for name in ("difference", "between", "largest", "steeper")
)
_LEVEL, _POWER = 0.975, 0.80
_CAREFUL = 0.02  # two-sided p, so that noise alone is called supported in at most 2.5 % of studies with room to spare


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim of Ren et al. (2024).

    Attributes
    ----------
    published : mapping of test to str
        What the paper reports, in its words or numbers; unknown where empty.
    pair : tuple of str
        Arms whose training sets bear on it.
    unit : {"points", "nats"}
        Of the estimate: percentage points of accuracy, or nats.
    """

    id: str
    text: str
    pair: tuple[str, str]
    unit: Literal["points", "nats"]
    published: Mapping[Test, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the data say about a claim on one test.

    Attributes
    ----------
    estimate : Estimate
        On which it rests; where there are several, the one that decides.
    detectable : float or None
        Difference that studies with this error and these degrees of freedom find in 80 of 100 cases; for an
        undecided difference.
    by_stratum : mapping of str to Estimate
        The same in every domain, or base and domain, by itself; where there are several.
    heterogeneity : Estimate or None
        Cochran's Q of these, and the test that all are alike; where questions are shared it is careful.
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
    by_stratum: Mapping[str, Estimate] = field(default_factory=dict)
    heterogeneity: Estimate | None = None
    base: str = ""


CLAIMS: Sequence[Claim] = tuple(
    Claim(**({"unit": "points", "published": {}} | table | {"pair": tuple(table["pair"])}))
    for table in _TABLES["claims"]
)


def verdicts(
    evaluation: Evaluation,
    differences: Sequence[Contrast],
    steeper: Sequence[Steepness],
    checks: Sequence[Confound] = (),
    *,
    published: Sequence[Partial] = (),
) -> tuple[Verdict, ...]:
    """A verdict on every claim and test for which the arms were trained.

    By claim and test. Verdicts are not adjusted for being many: of n true nulls about n / 40 are called supported by
    chance.

    Parameters
    ----------
    differences : sequence of Contrast
        From `contrasts`, "standard".
    steeper : sequence of Steepness
        From `Noise.steepness`.
    checks : sequence of Confound
        From `confounds`; flagged ones stand beside the verdicts.
    published : sequence of Partial
        From `partials`, "ren2024": told beside the claim on consistency, which it cannot bear.
    """
    alone = {domain: evaluation.only(domain) for domain in evaluation.domains} if len(evaluation.domains) > 1 else {}
    found: list[Verdict] = []
    for claim in CLAIMS:
        for test in evaluation.kinds:
            verdict = _verdict(claim, test, evaluation, differences, steeper)
            if verdict is None:
                continue
            parts = {domain: _verdict(claim, test, one, differences, steeper) for domain, one in alone.items()}
            by_stratum = {domain: part.estimate for domain, part in parts.items() if part is not None}
            found.append(
                replace(
                    verdict,
                    confounds=_flagged(claim, checks),
                    notes=_notes(verdict, published),
                    by_stratum=by_stratum,
                    heterogeneity=_heterogeneity(by_stratum),
                )
            )
    return tuple(found)


def _heterogeneity(by_stratum: Mapping[str, Estimate]) -> Estimate | None:
    known = {name: one for name, one in by_stratum.items() if one.se}
    return random_effects(known).heterogeneity if len(known) > 1 else None


def outcome_of(estimate: Estimate) -> Outcome:
    """`RULE_DIFFERENCE` on one estimate; undecided without an interval."""
    if estimate.interval is None:
        return "undecided"
    low, high = estimate.interval
    return "supported" if low > 0 else "contradicted" if high < 0 else "undecided"


def outcome_against_noise(estimate: Estimate) -> Outcome:
    """`RULE_STEEPER` on one estimate; undecided without a test."""
    if estimate.p_value is None or estimate.p_value > _CAREFUL:
        return "undecided"
    return "supported" if estimate.value > 0 else "contradicted"


def _verdict(
    claim: Claim, test: Test, evaluation: Evaluation, differences: Sequence[Contrast], steeper: Sequence[Steepness]
) -> Verdict | None:
    if claim.id == "best-ratio-between":
        return _on_between(claim, test, evaluation, "accuracy")
    if claim.id == "divergence-smallest-between":
        return _on_between(claim, test, evaluation, "kl")
    if claim.id == "divergence-largest-without-own-answers":
        return _on_divergence(claim, test, evaluation)
    if claim.id == "entropy-lower-with-own-answers":
        tables = ratio_differences(evaluation, _both_ends(evaluation, test), test, (0.0, 1.0), of="entropy")
        what = "entropy at ratio 0 less that at ratio 1"
        return _made(claim, test, crossed_mean(tables, "difference", estimand=what)) if tables else None
    whole = ALL_DOMAINS if len(evaluation.domains) > 1 else evaluation.domains[0]
    if claim.id == "accuracy-beyond-noise":
        known = {one.domain: one.estimate for one in steeper if one.test == test}
        found = known.get(whole) or (next(iter(known.values()), None) if whole == ALL_DOMAINS else None)
        if found is None:
            return None
        made = _made(claim, test, found, rule=RULE_STEEPER, outcome=outcome_against_noise(found))
        return replace(made, detectable=made.detectable and detectable(found, limit=1 - _CAREFUL / 2))
    wanted = (*claim.pair, test, evaluation.ask, "standard")
    here = [one for one in differences if (one.arm, one.against, one.test, one.ask, one.method) == wanted]
    pooled = [one for one in here if one.domain == whole] or (here if whole == ALL_DOMAINS else [])
    return _made(claim, test, pooled[0].estimate) if pooled else None


def _both_ends(evaluation: Evaluation, test: Test) -> list[str]:
    return [one for one in mixed_domains(evaluation, test) if {0.0, 1.0} <= set(evaluation.mixtures(one))]


def _on_between(claim: Claim, test: Test, evaluation: Evaluation, of: Best) -> Verdict | None:
    found = best_between(evaluation, test, of)
    if found is None:
        return None
    weaker = min((found.over_0, found.over_1), key=lambda one: one.interval[0] if one.interval else one.value)
    outcome: Outcome = "undecided"
    if found.is_separate and all(outcome_of(one) == "supported" for one in (found.over_0, found.over_1)):
        outcome = "supported"
    elif _all_below_an_end(evaluation, test, of):
        outcome = "contradicted"
    chosen = ", ".join(f"{ratio:g} in {100 * share:.0f} %" for ratio, share in found.chosen.items())
    return _made(claim, test, weaker, f"ratio chosen: {chosen}", rule=RULE_BETWEEN, outcome=outcome)


def _all_below_an_end(evaluation: Evaluation, test: Test, of: Best) -> bool:
    """Whether every ratio between is worse than one and the same end."""
    scale: Scale = "share difference" if of == "accuracy" else "difference"
    domains = mixed_domains(evaluation, test)
    between = [ratio for ratio in ratios_of(evaluation, domains) if 0 < ratio < 1]
    level = 1 - 0.05 / max(2 * len(between), 1)
    for end in (0.0, 1.0):
        found = [
            crossed_mean(tables, scale, estimand=f"{of} against an end", level=level)
            for ratio in between
            if (tables := _against(evaluation, domains, test, (ratio, end), of))
        ]
        if found and len(found) == len(between) and all(outcome_of(one) == "contradicted" for one in found):
            return True
    return False


def _against(
    evaluation: Evaluation, domains: Sequence[str], test: Test, ratios: tuple[float, float], of: Best
) -> list[Table]:
    """One ratio less another, so that more is better."""
    if of == "accuracy":
        return ratio_differences(evaluation, domains, test, ratios)
    return ratio_differences(evaluation, domains, test, ratios[::-1], of="kl")


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
    told = f"the nearest rival: {weakest.estimand}"
    return _made(claim, test, weakest, told, rule=RULE_LARGEST, outcome=outcome)


def _made(
    claim: Claim,
    test: Test,
    estimate: Estimate,
    *notes: str,
    rule: str = RULE_DIFFERENCE,
    outcome: Outcome | None = None,
) -> Verdict:
    outcome = outcome_of(estimate) if outcome is None else outcome
    found: dict[str, Any] = {"claim": claim, "test": test, "outcome": outcome, "estimate": estimate, "rule": rule}
    return Verdict(
        **found, detectable=detectable(estimate) if outcome == "undecided" else None, confounds=(), notes=notes
    )


def detectable(estimate: Estimate, *, limit: float = _LEVEL) -> float | None:
    """Difference that studies with an estimate's error and degrees of freedom find in 80 of 100 cases.

    The noncentrality under which t exceeds its 97.5 % quantile (or that of `limit`) that often; with few degrees of
    freedom it is several times what the normal distribution would say. None without a standard error.
    """
    if not estimate.se or estimate.df is None:
        return None
    least = special.stdtrit(estimate.df, limit)
    return float(special.nctdtrinc(estimate.df, 1 - _POWER, least)) * estimate.se


def _notes(verdict: Verdict, published: Sequence[Partial]) -> tuple[str, ...]:
    known = [
        f"the published partial correlation ({one.method}): {one.estimate.value:.2f}; noise alone gives high ones too"
        for one in published
        if one.test == verdict.test and verdict.claim.id == "accuracy-beyond-noise" and one.estimate.n_units > 3
    ]
    return (*verdict.notes, *known, *(w for w in verdict.estimate.warnings if "one run" in w or "no interval" in w))


def _flagged(claim: Claim, checks: Sequence[Confound]) -> tuple[str, ...]:
    """What differs between the sets of a claim's arms, in words, and in how many domains where not in all."""
    here = [one for one in checks if (one.arm, one.against) == claim.pair and one.is_flagged]
    domains = {(one.base, one.domain) for one in checks if (one.arm, one.against) == claim.pair}
    counts = Counter(one.told for one in here)
    return tuple(
        told if n == len(domains) else f"{told} (in {n} of {len(domains)} domains)" for told, n in counts.items()
    )
