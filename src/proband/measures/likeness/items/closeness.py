"""How close a model's answers to one item are to people's: shares (marginal) and persons (individual)."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.measures.arrays import Floats
from proband.measures.likeness.items.gaps import distance_interval, noise_floor, ordered_contrasts
from proband.measures.likeness.items.individual import agreement_estimates, score_estimates
from proband.measures.likeness.items.nulls import NullRows, distance_of, null_rows
from proband.measures.likeness.items.pairs import PairedAnswers, pair_by_subject
from proband.measures.shares import share_estimates
from proband.seeds import rng_for

_FEW_PEOPLE = 30


@dataclass(frozen=True, kw_only=True)
class FidelitySettings:
    """How `item_fidelity` estimates.

    - `weights` (mapping of subject to float or None): people's design weights; they weight the model's rows of the
      same subjects too, and held-out people where all of them are named.
    - `strata`, `psu`, `fpc` (mapping of subject to label, or number): how people were drawn; see `survey_design`.
    - `level`: confidence level.
    - `n_draws`: noise draws behind the interval of a distance.
    - `n_splits`: random halves behind the null rows where no held-out people are given.
    - `min_people`: below this (effective) number no interval is given.
    - `rng`: source of draws and splits; None takes the place "item_fidelity" of seed 0, so equal data give equal
      results.
    """

    weights: Mapping[Hashable, float] | None = None
    strata: Mapping[Hashable, object] | None = None
    psu: Mapping[Hashable, object] | None = None
    fpc: Mapping[Hashable, object] | None = None
    level: float = 0.95
    n_draws: int = 4000
    n_splits: int = 50
    min_people: int = 10
    rng: np.random.Generator | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise DesignError(f"level {self.level} is not between 0 and 1")
        if self.n_draws < 100 or self.n_splits < 1 or self.min_people < 2:
            raise DesignError("n_draws must be at least 100, n_splits at least 1 and min_people at least 2")


@dataclass(frozen=True, kw_only=True)
class ItemFidelity:
    """What `item_fidelity` found on one item.

    - `human_shares`, `model_shares`: share of every option among the same subjects.
    - `total_variation`: distance of the two, with `baselines` uniform, majority, marginal_only and noise_floor.
    - `wasserstein`: the same for the normalised Wasserstein-1 distance, where options have positions.
    - `relative`: (uniform - d) / (uniform - noise floor) of the total variation: 1 is as good as sampling lets
      anybody be, 0 as bad as uniform answers. Undefined unless uniform answers are at twice the noise floor or
      beyond.
    - `agreement`: mean probability the model gives to a person's own answer, with the null rows of the same.
    - `agreement_gain`: agreement beyond what knowing only the people's shares gives; at or below 0 the personas tell
      the model nothing about the person.
    - `brier`, `log_score`: proper scores of the model's probabilities for persons, lower is better; see
      `score_estimates`.
    - `n_people`, `n_people_only`, `n_model_only`: subjects on both sides; left out for lack of the other side.
    - `n_eff`: Kish's effective number of people.
    - `nulls`: where the majority and marginal-only rows come from.
    - `warnings`: what a reader must know before using the numbers.
    """

    human_shares: tuple[Estimate, ...]
    model_shares: tuple[Estimate, ...]
    total_variation: Estimate
    wasserstein: Estimate | None
    relative: Estimate
    agreement: Estimate
    agreement_gain: Estimate
    brier: Estimate
    log_score: Estimate
    n_people: int
    n_people_only: int
    n_model_only: int
    n_eff: float
    nulls: str
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        plain: dict[str, object] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, Estimate):
                plain[name] = value.as_dict()
            elif name.endswith("_shares"):
                plain[name] = [share.as_dict() for share in value]
            else:
                plain[name] = list(value) if isinstance(value, tuple) else value
        return plain


def item_fidelity(
    people: Mapping[Hashable, int],
    model: Mapping[Hashable, Sequence[float]],
    *,
    n_options: int,
    positions: Sequence[float] | None = None,
    held_out: Mapping[Hashable, int] | None = None,
    settings: FidelitySettings | None = None,
) -> ItemFidelity:
    """Compare a model with people on one item, at the marginal and the individual rung.

    People and model are joined by subject; inference is about the population the subjects were drawn from.
    The intervals of distances are those of `distance_interval` and hold near 0, where a bootstrap does not.

    Parameters
    ----------
    people : mapping of subject to int
        0-based option index of every person who gave a valid answer.
    model : mapping of subject to sequence of float, each of length n_options
        The model's probabilities as that subject. Answers drawn from a model go in as rows of 0 and 1; their
        drawing error then counts in the interval, but not in the noise floor.
    n_options : int
        Options of the item.
    positions : sequence of float, optional
        Strictly rising scale points of ordered options; adds the Wasserstein distance.
    held_out : mapping of subject to int, optional
        Answers of *other* people of the same population, for the majority and marginal-only rows. Without
        them half of the people predicts the other half, over and over; both halves are small,
        so the marginal-only distance is about twice the noise floor.
    settings : FidelitySettings, optional
        Weights, level, draws.

    Returns
    -------
    ItemFidelity
        Agreement rewards a model for being sure, so a model that always names the majority can beat one with
        honest probabilities: read it beside the majority row.

    Raises
    ------
    DataError, MissingDataError
        If there are no people, fewer than 2 joined subjects, held-out people who are also in `people`, or anything
        that is no answer, distribution or position; if an answer, probability or weight is missing.

    Examples
    --------
    >>> people = {f"s{i}": int(i % 10 < 6) for i in range(60)}
    >>> model = {f"s{i}": (0.5, 0.5) for i in range(60)}
    >>> found = item_fidelity(people, model, n_options=2)
    >>> print(found.total_variation, round(found.total_variation.baselines["noise_floor"], 4))
    0.100 [0.000, 0.228] 0.0502
    """
    settings = FidelitySettings() if settings is None else settings
    rng = rng_for(0, "item_fidelity") if settings.rng is None else settings.rng
    drawn = {"strata": settings.strata or {}, "psu": settings.psu or {}, "fpc": settings.fpc or {}}
    pairs = pair_by_subject(people, model, n_options, weights=settings.weights, drawn=drawn)
    if pairs.n < 2:
        raise DataError("only 1 subject is in both people and model; a comparison needs at least 2")
    if held_out is not None and (known := sorted(map(repr, people.keys() & held_out.keys()))):
        raise DataError(f"{len(known)} held-out people are also in people, e.g. {known[0]}; keep them apart")
    nulls = null_rows(pairs, held_out, n_splits=settings.n_splits, rng=rng, weights=settings.weights)
    return fidelity_of_pairs(pairs, nulls, positions=positions, settings=settings, rng=rng)


def fidelity_of_pairs(
    pairs: PairedAnswers,
    nulls: NullRows,
    *,
    positions: Sequence[float] | None,
    settings: FidelitySettings,
    rng: np.random.Generator,
) -> ItemFidelity:
    """`item_fidelity` of people and model that are joined already, with the null rows at hand."""
    n_options = pairs.n_options
    warnings = _warnings_of(pairs, settings)
    distance = partial(distance_estimate, pairs, nulls, settings=settings, rng=rng)
    tv, w1 = distance(np.eye(n_options) / 2, name="total variation distance"), None
    if positions is not None and n_options > 1:
        w1 = distance(ordered_contrasts(positions, n_options), name="normalised Wasserstein-1 distance")
    agreement, gain = agreement_estimates(pairs, nulls, level=settings.level, min_people=settings.min_people)
    brier, log_score = score_estimates(pairs, nulls, level=settings.level, min_people=settings.min_people)
    shares = partial(share_estimates, n_options=n_options, design=pairs.sampling, level=settings.level)
    return ItemFidelity(
        human_shares=shares(pairs.answers, target="human"),
        model_shares=shares(pairs.probs, target="model"),
        total_variation=tv,
        wasserstein=w1,
        relative=relative_estimate(tv),
        agreement=agreement,
        agreement_gain=gain,
        brier=brier,
        log_score=log_score,
        n_people=pairs.n,
        n_people_only=pairs.n_people_only,
        n_model_only=pairs.n_model_only,
        n_eff=pairs.n_eff,
        nulls=nulls.source,
        warnings=tuple(dict.fromkeys([*warnings, *tv.warnings, *gain.warnings, *log_score.warnings])),
    )


def distance_estimate(
    pairs: PairedAnswers,
    nulls: NullRows,
    contrasts: Floats,
    *,
    name: str,
    settings: FidelitySettings,
    rng: np.random.Generator,
) -> Estimate:
    """Distance of people's shares from the model's, with interval, null rows and noise floor."""
    value = distance_of(pairs.human, pairs.model, contrasts)
    floor = noise_floor(pairs.human, contrasts, pairs.n_eff)
    is_enough = pairs.n_eff >= settings.min_people
    warnings = []
    # A distance is positive by chance alone; only what goes beyond the floor can be the model's doing.
    if value <= floor:
        warnings.append(
            f"the {name} is within the noise floor: at n = {pairs.n_eff:.4g} a model that knew the truth "
            "would show as much"
        )
    interval = None
    if is_enough:
        interval = distance_interval(pairs, contrasts, level=settings.level, n_draws=settings.n_draws, rng=rng)
    return Estimate(
        value=value,
        interval=interval,
        level=settings.level,
        interval_method="directional delta method, within [0, 1]" if is_enough else "none: too few people",
        estimand=f"{name} between people's shares and the model's on the same subjects",
        target="human",
        n_units=pairs.n,
        n_missing=pairs.n_people_only + pairs.n_model_only,
        baselines={**nulls.distances(pairs.human, contrasts), "noise_floor": floor},
        assumptions=("subjects are an independent sample of the population",),
        warnings=tuple(warnings),
    )


def relative_estimate(tv: Estimate) -> Estimate:
    """How far a distance stands between uniform answers and the noise floor; see `ItemFidelity.relative`."""
    uniform, floor = tv.baselines["uniform"], tv.baselines["noise_floor"]
    # Nearer to 1 the ratio divides by almost nothing, and says more of the floor's own error than of the model.
    is_defined = uniform >= 2 * floor > 0
    reason = "undefined: uniform answers are about as close to these people as sampling lets anybody be"
    return Estimate(
        value=(uniform - tv.value) / (uniform - floor) if is_defined else math.nan,
        estimand="(uniform - distance) / (uniform - noise floor) of the total variation",
        target="human",
        n_units=tv.n_units,
        n_missing=tv.n_missing,
        interval_method="none: read the interval of the distance",
        warnings=() if is_defined else (reason,),
    )


def _warnings_of(pairs: PairedAnswers, settings: FidelitySettings) -> list[str]:
    warnings = []
    if pairs.n_eff < settings.min_people:
        warnings.append(
            f"no intervals: {pairs.n_eff:.4g} people (effective), at least {settings.min_people} are needed"
        )
    elif pairs.n_eff < _FEW_PEOPLE:
        warnings.append(f"few people ({pairs.n_eff:.4g} effective): intervals are wide and approximate")
    if pairs.n_people_only or pairs.n_model_only:
        warnings.append(
            f"left out: people without an answer of the model ({pairs.n_people_only}), and subjects without a human "
            f"answer ({pairs.n_model_only})"
        )
    if bool(((pairs.probs == 0) | (pairs.probs == 1)).all()):
        warnings.append("the model's rows are single answers: the noise floor leaves out their drawing error")
    return warnings
