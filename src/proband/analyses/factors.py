"""Structure of an instrument's scales in a model beside people: factor models, invariance, and items that differ."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from proband.analyses.answers import cautions, listed, measured, tabled
from proband.analyses.scales import instrument_of, keyed_answers, sides
from proband.analyses.section import Analysis, Cell, Section, Side
from proband.errors import DataError, DesignError
from proband.estimates import Estimate, Target
from proband.instruments import Scale
from proband.measures import (
    Ability,
    DifferentialFunctioning,
    FactorModel,
    GradedModel,
    Invariance,
    confirmatory_factors,
    cronbach_alpha,
    differential_functioning,
    exploratory_factors,
    factor_congruence,
    graded_response,
    likelihood_ratio_dif,
    measurement_invariance,
    omega_hierarchical,
    parallel_analysis,
    tucker_phi,
    weighted_mean,
)
from proband.runs.run import Run

_FEWEST = 100  # subjects with all answers; below, no factor model is worth its numbers
_FEWEST_GRADES = 5
_FEWEST_CALIBRATED = 200  # people, below whom items have no stable slopes
_MISFIT = -1.645  # of l_z, which 5 of 100 are below where answers fit
_LEAST_ALPHA = 0.5
_MOST_NAMED = 5
_MOST_RESPONSE_ITEMS = 20
_TARGET: dict[Side, Target] = {"model": "model", "people": "human"}
_NOTES = (
    "One answer an item of the subjects who answered all of them, each counted once; reverse-keyed items are flipped.",
    "Factors are the instrument's scales, by maximum likelihood with the Satorra-Bentler correction, or by weighted "
    "ordinal correlations where an item has fewer than five different answers. By rules of thumb "
    "CFI from .95 and RMSEA and SRMR up to .06 and .08 are called good; few instruments of personality come near: "
    "compare with people rather than with the rule.",
)
_Found = TypeVar("_Found")


@dataclass(frozen=True, kw_only=True)
class _Answers:
    """Keyed answers of one side under one condition, of those who gave all; items in the order of scales."""

    side: Side
    label: str
    keyed: NDArray[np.float64]


def _scales(run: Run) -> tuple[Scale, ...]:
    """Those of at least 2 items that share none with one before."""
    instrument, taken, found = instrument_of(run), set[str](), list[Scale]()
    for scale in instrument.scales if instrument else ():
        if len(scale.items) > 1 and not taken & set(scale.items):
            found.append(scale)
            taken |= set(scale.items)
    return tuple(found) if any(len(scale.items) > 2 for scale in found) else ()


def _answered(run: Run) -> list[_Answers]:
    instrument, found = instrument_of(run), list[_Answers]()
    for side, levels, part in sides(run):
        subjects = part["subject"].unique(maintain_order=True).to_list()
        if instrument is None or len(subjects) < _FEWEST:
            continue
        keyed = np.hstack([keyed_answers(instrument, scale, part, subjects) for scale in _scales(run)])
        keyed = keyed[~np.isnan(keyed).any(axis=1)]
        found.append(_Answers(side=side, label=", ".join((side, *levels)), keyed=keyed))
    return [answers for answers in found if len(answers.keyed) >= max(_FEWEST, 2 * answers.keyed.shape[1])]


def needs(run: Run) -> str | None:
    """A scale of several items, and enough subjects who answered them all."""
    if not run.dispositions():
        return "nothing was answered yet"
    if not _scales(run):
        return "this run did not ask an instrument with a scale of 3 items or more"
    if not any(answers.side == "model" for answers in _answered(run)):
        return f"factors need {_FEWEST} subjects, and twice as many as items, who answered every item of the scales"
    return None


def sections(run: Run) -> Sequence[Section]:
    """How the scales fit each side; then invariance and items that differ, for each condition beside people."""
    scales, answered = _scales(run), _answered(run)
    people = next((answers for answers in answered if answers.side == "people"), None)
    found = [_structure(scales, answered, people)]
    for answers in answered if people is not None else ():
        if answers.side == "model" and people is not None:
            found += [make(scales, answers, people) for make in (_invariance, _bias, _places)]
    return found


def _columns(scales: Sequence[Scale]) -> tuple[dict[str, list[int]], tuple[str, ...]]:
    """Columns of each scale, and names of the items."""
    at, columns = 0, dict[str, list[int]]()
    for scale in scales:
        columns[scale.name] = list(range(at, at + len(scale.items)))
        at += len(scale.items)
    return columns, tuple(item for scale in scales for item in scale.items)


def _fitted(answers: _Answers, scales: Sequence[Scale]) -> FactorModel:
    """The factor model of the scales; of answers with fewer than five grades by ordinal correlations."""
    columns, items = _columns(scales)
    grades = min(len(np.unique(column)) for column in answers.keyed.T)
    estimator: Literal["ml", "dwls"] = "ml" if grades >= _FEWEST_GRADES else "dwls"
    return confirmatory_factors(
        answers.keyed, columns, items=items, estimator=estimator, target=_TARGET[answers.side]
    )  # fmt: skip


def _tried(measure: Callable[[], _Found], label: str, said: list[str]) -> _Found | None:
    """What a measure gives; where it refuses, its reason is said."""
    try:
        return measure()
    except (DataError, DesignError) as error:
        said.append(f"{label}: {error}")
        return None


def _structure(scales: Sequence[Scale], answered: Sequence[_Answers], people: _Answers | None) -> Section:
    said, rows, sentences = list[str](), list[tuple[Cell, ...]](), list[str]()
    estimates = list[tuple[str, Estimate]]()
    models = dict[str, FactorModel | None]()
    for answers in answered:
        x, label, target = answers.keyed, answers.label, _TARGET[answers.side]

        model = models[label] = _tried(lambda a=answers: _fitted(a, scales), label, said)  # type: ignore[misc]
        number = _tried(lambda x=x: parallel_analysis(x, n_draws=100), label, said)  # type: ignore[misc]
        general = (
            measured(
                lambda x=x, t=target: omega_hierarchical(x, n_factors=len(scales), target=t).omega_h,  # type: ignore[misc]
                "omega-h",
                target,
            )
            if len(scales) > 2
            else None
        )
        estimates += [(label, general)] if general is not None else []
        alike = _alike(x, people, len(scales)) if answers.side == "model" else None
        fit_cells: tuple[Cell, ...] = (None,) * 4
        if model is not None:
            said += [f"{label}: {warning}" for warning in model.warnings]
            fit_of = model.fit
            fit_cells = (fit_of.robust_cfi, fit_of.robust_rmsea, fit_of.srmr, fit_of.robust_p)
            sentences.append(
                f"The structure of {len(scales)} scales fits the answers of {label} with CFI {fit_of.robust_cfi:.2f}, "
                f"RMSEA {fit_of.robust_rmsea.value:.3f} and SRMR {fit_of.srmr:.3f}."
            )
        if number is not None and not number.n_factors:
            sentences.append(f"The answers of {label} hang together no more than shuffled ones: there is no factor.")
        rows.append((label, len(x), *fit_cells, number.n_factors if number else None, alike, general))
    phis = _phis(scales, models, answered, people)
    if phis:
        low = min(phis, key=lambda of: of[1])
        sentences.append(f"Loadings of {low[0]} are least like people's: Tucker's congruence is {low[1]:.2f}.")
    return Section(
        name="factors",
        heading="Structure of the scales",
        chapter="Factors",
        sentences=tuple(sentences) or ("The factor model of the scales has no estimates here.",),
        table=tabled(
            {
                "who": "text", "n": "count", "CFI": "number", "RMSEA": "number", "SRMR": "number", "p": "p",
                "factors found": "count", "congruence with people": "number", "omega-h": "number",
            },
            rows,
            f"Fit of {len(scales)} correlated factors; factors found by parallel analysis; least congruence of "
            "explored factors with people's; share of the total that is one general factor",
        ),
        notes=_NOTES,
        warnings=(*said, *cautions(estimates)),
    )  # fmt: skip


def _alike(x: NDArray[np.float64], people: _Answers | None, n_factors: int) -> float | None:
    """Congruence of the explored factor that is least like people's, both turned freely."""
    if people is None:
        return None
    tables = [_tried(lambda y=y: exploratory_factors(y, n_factors), "", []) for y in (x, people.keyed)]  # type: ignore[misc]
    loadings = [table.loadings for table in tables if table is not None]
    if len(loadings) < 2:
        return None
    return min(found.value for found in factor_congruence(*loadings).rotated)


def _phis(
    scales: Sequence[Scale],
    models: Mapping[str, FactorModel | None],
    answered: Sequence[_Answers],
    people: _Answers | None,
) -> list[tuple[str, float]]:
    """Congruence of each scale's loadings with people's."""
    own = None if people is None else models.get(people.label)
    if own is None:
        return []
    found = list[tuple[str, float]]()
    for answers in answered:
        if answers.side == "model" and (model := models[answers.label]) is not None:
            for scale in scales:
                a, b = ([one.value for one in of.loadings[scale.name].values()] for of in (model, own))
                found.append((f"{scale.name}, {answers.label}", tucker_phi(a, b).value))
    return found


def _invariance(scales: Sequence[Scale], model: _Answers, people: _Answers) -> Section:
    columns, items = _columns(scales)
    said = list[str]()
    groups = {"people": people.keyed, "model": model.keyed}
    found: Invariance | None = _tried(
        lambda: measurement_invariance(groups, columns, items=items), model.label, said
    )  # fmt: skip
    rows, sentences, means = list[tuple[Cell, ...]](), list[str](), list[str]()
    for step in found.steps if found else ():
        worst = ", ".join(name for name, _ in step.unequal[:3]) if not step.holds else ""
        for one, name in ((step, step.name), (step.partial, f"partial {step.name}")):
            if one is not None:
                rows.append((
                    name, one.fit.robust_cfi, one.cfi_change, one.fit.robust_rmsea, one.rmsea_change, one.chi2_change,
                    one.p_value, "yes" if one.holds else "no", worst if one is step else f"free: {listed(step.freed)}",
                ))  # fmt: skip
    if found is not None:
        said += found.warnings
        sentences.append(f"Invariance that holds between people and {model.label}: {found.reached}.")
        if found.mean_differences:
            means = [f"{scale} {estimate}" for (scale, _), estimate in found.mean_differences.items()]
            sentences.append(f"Factor means less people's, in people's SD: {listed(means)}.")
        else:
            sentences.append(
                "Intercepts or loadings are not equal, not even in part: a difference of scale means is no difference "
                "in what the scale measures."
            )
    return Section(
        name=f"invariance-{model.label}",
        heading=f"Do the scales measure the same: people and {model.label}",
        chapter="Factors",
        sentences=tuple(sentences) or ("The model of both groups has no estimates here.",),
        table=tabled(
            {
                "step": "text", "CFI": "number", "change of CFI": "number", "RMSEA": "number",
                "change of RMSEA": "number", "chi squared of change": "number", "p": "p", "holds": "text",
                "items": "text",
            },
            rows,
            "Configural: same items on same factors; metric: equal loadings; scalar: equal intercepts",
        ),
        notes=(
            "A step holds where robust CFI falls by less than .010; the first, where CFI is .90 and RMSEA .08 or "
            "better. Items are freed by score tests while two a scale stay equal. "
            "Groups are taken as independent, which is cautious where both answer as the same subjects.",
        ),
        warnings=tuple(said),
        claims=() if found is None or found.mean_differences else (
            f"Do not compare scale means of {model.label} with people's: invariance does not reach intercepts.",
        ),
    )  # fmt: skip


def _bias(scales: Sequence[Scale], model: _Answers, people: _Answers) -> Section:
    columns, items = _columns(scales)
    said, rows, flagged, tested = list[str](), list[tuple[Cell, ...]](), list[str](), 0
    both = np.vstack([people.keyed, model.keyed])
    groups = ["people"] * len(people.keyed) + ["model"] * len(model.keyed)
    for name, at in columns.items():
        if len(at) < 3:
            continue
        alphas = {side.side: measured(lambda x=side.keyed[:, at]: cronbach_alpha(x), name) for side in (people, model)}  # type: ignore[misc]
        if weak := [side for side, alpha in alphas.items() if not alpha.value >= _LEAST_ALPHA]:
            said.append(
                f"{name}: alpha of {listed(weak)} is below {_LEAST_ALPHA}, so standing on it is more error than truth, "
                "and no item can be told to be biased"
            )
            continue
        found: DifferentialFunctioning | None = _tried(
            lambda at=at: differential_functioning(both[:, at], groups, items=[items[j] for j in at]),  # type: ignore[misc]
            name, said,
        )  # fmt: skip
        if found is None:
            continue
        said += [f"{name}: {warning}" for warning in found.warnings]
        ratios = _by_response_model(found, both[:, at], groups, name, said)
        for item in found.items:
            tested += 1
            flagged += [item.item] if item.is_flagged else []
            rows.append((
                item.item, name, item.log_odds, item.p_uniform, item.p_nonuniform, item.p_adjusted, item.r2_change,
                item.size if item.p_adjusted <= 0.05 else "", ratios.get(item.item),
            ))  # fmt: skip
    most = f" and {len(flagged) - _MOST_NAMED} more" if len(flagged) > _MOST_NAMED else ""
    told = f": {listed(flagged[:_MOST_NAMED])}{most}" if flagged else ""
    return Section(
        name=f"item-bias-{model.label}",
        heading=f"Items answered differently at equal standing: people and {model.label}",
        chapter="Factors",
        sentences=(
            f"{len(flagged)} of {tested} items are flagged{told}."
            if tested
            else "No scale holds together enough to tell biased items.",
        ),
        table=tabled(
            {
                "item": "text", "scale": "text", "log odds, model": ("number", "model"), "p, uniform": "p",
                "p, other slope": "p", "p, adjusted": "p", "R squared": "number", "size": "text",
                "p, response model": "p",
            },
            rows,
            "Log odds of a higher keyed answer from the model, among those who stand alike on the scale",
            is_folded=len(rows) > 30,
        ),
        notes=(
            "Ordered logits on the mean of the scale's unflagged items and the item itself; Benjamini-Hochberg within "
            "scales; flagged where Nagelkerke's R squared grows by .035 or more (Jodoin & Gierl 2001). Where one is "
            "flagged, a graded response model of both groups is asked about its scale too, by likelihood ratios.",
        ),
        warnings=(*said, *cautions((row[0], row[2]) for row in rows if isinstance(row[2], Estimate))),  # type: ignore[misc]
    )  # fmt: skip


def _by_response_model(
    found: DifferentialFunctioning, both: NDArray[np.float64], groups: Sequence[str], name: str, said: list[str]
) -> dict[str, float]:
    """Adjusted p values of likelihood ratios, for a scale in which an item is flagged; it takes seconds."""
    if not any(item.is_flagged for item in found.items) or len(found.items) > _MOST_RESPONSE_ITEMS:
        return {}
    names = [item.item for item in found.items]
    tested = _tried(lambda: likelihood_ratio_dif(both, groups, items=names), name, said)
    return {} if tested is None else {item.item: item.p_adjusted for item in tested.items}


def _places(scales: Sequence[Scale], model: _Answers, people: _Answers) -> Section:
    """Where the model's subjects stand on items as people answer them, and whether their answers fit these at all."""
    columns, items = _columns(scales)
    said, rows, misfits = list[str](), list[tuple[Cell, ...]](), list[tuple[str, float, float]]()
    if len(people.keyed) < _FEWEST_CALIBRATED:
        said.append(f"{len(people.keyed)} people: below {_FEWEST_CALIBRATED} their items have no stable slopes")
    for name, at in columns.items():
        if len(at) < 3 or len(people.keyed) < _FEWEST_CALIBRATED:
            continue

        def placed(at: list[int] = at) -> tuple[GradedModel, Ability, Ability]:
            graded = graded_response(people.keyed[:, at], items=[items[j] for j in at], target="human")
            return graded, graded.ability(people.keyed[:, at]), graded.ability(model.keyed[:, at])

        found = _tried(placed, name, said)
        if found is not None:
            graded, own, others = found
            said += [f"{name}: {warning}" for warning in graded.warnings]
            slopes = graded.slope_estimates
            odd = [float((of.person_fit < _MISFIT).mean()) for of in (own, others)]
            stands = weighted_mean(others.theta, estimand=f"mean place on {name}, in SDs of people", is_share=False)
            rows.append((
                name, min(slopes, key=lambda of: of.value), max(slopes, key=lambda of: of.value), stands,
                float(others.theta.std(ddof=1)), float(own.theta.std(ddof=1)), odd[1], odd[0],
            ))  # fmt: skip
            misfits.append((name, odd[0], odd[1]))
    worst = max(misfits, key=lambda of: of[2] - of[1], default=None)
    return Section(
        name=f"places-{model.label}",
        heading=f"Where {model.label} stands on items as people answer them",
        chapter="Factors",
        sentences=("No scale could be fitted to people's answers.",) if worst is None else (
            f"On {worst[0]}, {100 * worst[2]:.0f} % of {model.label}'s subjects answer in a way that does not fit "
            f"people's items, against {100 * worst[1]:.0f} % of people.",
        ),
        table=tabled(
            {
                "scale": "text", "lowest slope": ("number", "people"), "highest slope": ("number", "people"),
                "mean, model": ("number", "model"), "SD, model": ("number", "model"),
                "SD, people": ("number", "people"),
                "misfitting, model": ("share", "model"), "misfitting, people": ("share", "people"),
            },
            rows,
            "Graded response models of people's answers; places of the model's subjects on them, in SDs of people",
            digits=2,
        ),
        notes=(
            "Items are fitted to people alone, because a model's subjects are few different answers in many copies. "
            f"Places are expected a posteriori, drawn to people's mean; misfit is l_z below {_MISFIT}, which "
            "about 5 of 100 people show. Where many misfit, the scale does not measure the model.",
        ),
        warnings=tuple(said),
    )  # fmt: skip


ANALYSIS = Analysis(
    name="factors",
    about="structure of an instrument's scales: factor models, invariance and item bias beside people",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
