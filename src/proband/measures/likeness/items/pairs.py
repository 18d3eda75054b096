"""People and a model joined by subject: their shares and the sampling noise of the gap between them."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from proband.errors import DataError
from proband.measures.arrays import Floats, Ints
from proband.measures.shares import design_weights, option_indices, option_probabilities
from proband.measures.surveys.design import SurveyDesign, design_by_subject, simple_random_sample
from proband.weighting import kish_n_eff

# Two imagined people who answer uniformly keep the variance of rarely taken options from vanishing in small
# samples (as Agresti & Coull's four do for one share); docs/methods/coverage.md shows what that buys.
_IMAGINED_PEOPLE = 2.0


@dataclass(frozen=True, eq=False)
class PairedAnswers:
    """One answer and one row of probabilities per subject, in one order."""

    answers: Ints  # (n_subjects,): people's answers as 0-based option indices
    probs: Floats  # (n_subjects, n_options): the model's probabilities for the same subjects
    weights: Floats  # (n_subjects,): design weights, positive
    n_people_only: int = 0  # subjects left out because the other side lacks them
    n_model_only: int = 0
    design: SurveyDesign | None = None  # strata and sampling units of the subjects; None for a simple random sample

    @property
    def n(self) -> int:
        """Subjects."""
        return len(self.answers)

    @property
    def sampling(self) -> SurveyDesign:
        """Design and weights in one."""
        return replace(self.design or simple_random_sample(self.n), weights=self.weights)

    @property
    def n_options(self) -> int:
        """Options of the item."""
        return int(self.probs.shape[1])

    @cached_property
    def n_eff(self) -> float:
        """Effective number of subjects: Kish's, or n over the mean design effect of people's shares."""
        kish = kish_n_eff(self.weights)
        if self.design is None or self.n < 2:
            return kish
        shares = self.human
        simple = float((shares * (1 - shares)).sum()) / (self.n - 1)
        spread = (np.eye(self.n_options)[self.answers] - shares) * (self.weights / self.weights.sum())[:, None]
        found = float(np.trace(self.design.total_covariance(spread)))
        # Where everybody answers alike there is no variance to compare, and weights are all that is known.
        return max(self.n * simple / found, 1.0) if min(simple, found) > 1e-15 else kish

    @cached_property
    def df(self) -> float:
        """Degrees of freedom of a variance: effective subjects less 1, or units less strata; at least 1."""
        own = max(kish_n_eff(self.weights) - 1, 1.0)
        return own if self.design is None else min(own, float(self.design.df))

    @cached_property
    def human(self) -> Floats:
        """People's shares, shape (n_options,)."""
        shares: Floats = np.bincount(self.answers, self.weights, self.n_options) / self.weights.sum()
        return shares

    @cached_property
    def model(self) -> Floats:
        """Mean probabilities of the model over the same people, shape (n_options,)."""
        means: Floats = self.weights @ self.probs / self.weights.sum()
        return means

    @property
    def own(self) -> Floats:
        """Probability the model gave to each subject's own answer, shape (n_subjects,)."""
        return self.probs[np.arange(self.n), self.answers]

    def mean_covariance(self, values: Floats, imagined: Floats) -> Floats:
        """Covariance of the weighted mean of `values` over subjects.

        `values` (n_subjects, d): something known of every subject. `imagined` (n_options, d): what it would be for
        somebody average who took each option. Result: shape (d, d): linearised (so weights may be related to values)
        with n - 1 in the denominator, and widened by two imagined people who answer uniformly. With a design, by
        totals of its units within strata.
        """
        centre = self.weights @ values / self.weights.sum()
        influence = (values - centre) * (self.weights / self.weights.sum())[:, None]
        if self.design is None:
            per_person = self.n_eff * self.n / (self.n - 1) * influence.T @ influence
        else:
            per_person = self.n_eff * self.design.total_covariance(influence)
        apart = imagined - centre
        rare = apart.T @ apart / self.n_options
        pooled = (self.n_eff - 1) * per_person + _IMAGINED_PEOPLE * rare
        covariance: Floats = pooled / (self.n_eff + _IMAGINED_PEOPLE - 1) / self.n_eff
        return covariance

    @cached_property
    def gap_covariance(self) -> Floats:
        """Covariance of human minus model shares, shape (n_options, n_options)."""
        gaps = np.eye(self.n_options)[self.answers] - self.probs
        return self.mean_covariance(gaps, np.eye(self.n_options) - self.model)


def pair_by_subject(
    people: Mapping[Hashable, int],
    model: Mapping[Hashable, Sequence[float]],
    n_options: int,
    *,
    weights: Mapping[Hashable, float] | None = None,
    drawn: Mapping[str, Mapping[Hashable, object]] | None = None,
) -> PairedAnswers:
    """Join people's answers and a model's probabilities by subject, in the order of the subjects' names.

    `people`: 0-based option index of every person who answered. `model`: probabilities of all options. `n_options`:
    options of the item. `weights`: a design weight for every person who answered, 0 for nobody, who is left out.
    `drawn`: strata, psu and fpc of everybody who was drawn, also of who did not answer. Raises DataError if there
    are no people, nobody is on both sides, or a weight, answer or row is wrong. Raises MissingDataError if an answer,
    probability or weight is missing.
    """
    if not people:
        raise DataError("no human answers: a claim about people needs them; give people's answers by subject")
    counted = {s for s in people if weights is None or weights.get(s) != 0}
    both = sorted(counted & model.keys(), key=repr)
    if not both:
        raise DataError(
            f"no subject is in both people (e.g. {next(iter(people))!r}) and model "
            f"(e.g. {next(iter(model), None)!r}); use the same subject names on both sides"
        )
    if weights is not None and (bare := [s for s in both if s not in weights]):
        raise DataError(f"{len(bare)} subjects have no weight, e.g. {bare[0]!r}; give all of them one, or none")
    if uneven := next((s for s in both if len(model[s]) != n_options), None):
        raise DataError(f"subject {uneven!r} has {len(model[uneven])} probabilities for {n_options} options")
    return PairedAnswers(
        answers=option_indices([people[s] for s in both], n_options),
        probs=option_probabilities([model[s] for s in both], n_options),
        weights=design_weights(None if weights is None else [weights[s] for s in both], len(both)),
        n_people_only=len(people) - len(both),
        n_model_only=len(model) - len(both),
        design=design_by_subject(both, drawn or {}),
    )
