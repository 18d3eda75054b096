"""What a model finds probable without the question: the prior that a belief is to be set against.

Some options are more probable than others whatever is asked, by their words or by where they stand. A model of random
weights, probed by option texts, so "knows" more than a few answers, and knows them as surely tomorrow.
"""

from dataclasses import dataclass, replace

from proband.designs.quiz.quiz import Quiz
from proband.errors import DataError
from proband.instruments.banks.bank import Bank
from proband.tuning.probing.beliefs import Beliefs

BLANK = "N/A"  # a text without content, as Zhao et al. have it


def prior_quiz(quiz: Quiz) -> Quiz:
    """The same options behind the same worked questions, with `BLANK` where the question stands; one draw is enough.

    References
    ----------
    Zhao et al. (2021), Calibrate Before Use: Improving Few-Shot Performance of Language Models. arXiv:2102.09690
    Holtzman et al. (2021), Surface Form Competition. arXiv:2104.08315
    """
    bank = replace(
        quiz.bank,
        name=f"{quiz.bank.name} without the questions",
        questions=tuple(replace(question, text=BLANK) for question in quiz.bank),
    )
    prompts = tuple(replace(prompt, draws=1) for prompt in quiz.prompts)
    return replace(quiz, bank=bank, prompts=prompts, title=f"{quiz.name}, without the questions")


def with_prior(beliefs: Beliefs, prior: Beliefs) -> Beliefs:
    """Beliefs with what the same model finds probable without the question; questions that lack it have none.

    Raises
    ------
    DataError
        If both are of different weights.
    """
    if beliefs.weights != prior.weights:
        raise DataError(
            f"the beliefs are those of weights {beliefs.weights!r} and the prior of {prior.weights!r}; use one model"
        )
    found = {
        id: replace(held, prior=prior[id].probs) if id in prior.beliefs else held
        for id, held in beliefs.beliefs.items()
    }
    return replace(beliefs, beliefs=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownByPrior:
    """Questions that count as known, and those that would without having been read."""

    known: int
    by_prior: int
    of: int

    def __str__(self) -> str:
        return (
            f"{self.known:,} of {self.of:,} questions count as known; without the question {self.by_prior:,} would, "
            "by their options alone"
        )


def known_by_prior(bank: Bank, beliefs: Beliefs, *, threshold: float = 0.5) -> KnownByPrior | None:
    """How many known questions a model has that never sees one; None where no prior was asked.

    Examples
    --------
    >>> known_by_prior(bank, beliefs)  # doctest: +SKIP
    KnownByPrior(known=13, by_prior=11, of=40)
    """
    priors = {id: held.prior for id, held in beliefs.beliefs.items() if held.prior is not None and id in bank.by_id}
    if not priors:
        return None
    return KnownByPrior(
        known=sum(beliefs[id].pick == bank[id].answer and beliefs[id].confidence > threshold for id in priors),
        by_prior=sum(int(p.argmax()) == bank[id].answer and float(p.max()) > threshold for id, p in priors.items()),
        of=len(priors),
    )
