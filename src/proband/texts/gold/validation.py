"""How often a coder gives the code that people agreed on, with exact intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.measures import cohen_kappa
from proband.texts.gold.tables import Question

NONE = "(none)"  # the coder gave no code


@dataclass(frozen=True, kw_only=True)
class Validity:
    """A coder against gold, on one item.

    Attributes
    ----------
    accuracy : Estimate
        Share of documents with the code of the gold; no code counts as a wrong one. Exact interval.
    kappa : Estimate
        The same beyond chance.
    per_code : mapping of str to pair of Estimate
        Recall and precision of each code, exact intervals.
    confusion : tuple of tuple of int
        Documents by gold (rows) and by the coder (columns), in the order of `codes`.
    codes : tuple of str
        Of rows and columns; the last column may be `NONE`.
    """

    accuracy: Estimate
    kappa: Estimate
    per_code: Mapping[str, tuple[Estimate, Estimate]]
    confusion: tuple[tuple[int, ...], ...]
    codes: tuple[str, ...]


def validity(gold: Sequence[str], coded: Sequence[str], question: Question) -> Validity:
    """A coder's codes against gold, of the same documents in the same order.

    Parameters
    ----------
    gold, coded : sequence of str
        Codes of people, and of the coder; an empty text where it gave none.
    question : Question
        Whose codes these are.

    Raises
    ------
    DesignError
        If there are no documents.

    Examples
    --------
    >>> found = validity(["a"] * 8 + ["b"] * 4, ["a"] * 7 + ["b"] * 5, Question(id="q", codes=("a", "b")))
    >>> print(found.accuracy, found.confusion)
    0.917 [0.615, 0.998] ((7, 1), (0, 4))
    """
    if not gold:
        raise DesignError(f"no document of this part has gold of {question.id!r}, so nothing can be validated")
    answers = [code or NONE for code in coded]
    seen = {*gold, *answers}
    names = [*(question.codes if not question.is_multiple else ()), *sorted(seen - {*question.codes, NONE})]
    names = [*dict.fromkeys(names), *([NONE] if NONE in answers else [])]
    if question.is_multiple:
        names = [*sorted(seen - {NONE}), *([NONE] if NONE in answers else [])]
    at = {name: k for k, name in enumerate(names)}
    table = np.zeros((len(names), len(names)), dtype=int)
    for truth, answer in zip(gold, answers, strict=True):
        table[at[truth], at[answer]] += 1
    right = int(np.trace(table))
    per_code = {}
    for name, k in at.items():
        if name != NONE:
            per_code[name] = (
                exact_share(int(table[k, k]), int(table[k].sum()), f"recall of {name}"),
                exact_share(int(table[k, k]), int(table[:, k].sum()), f"precision of {name}"),
            )
    return Validity(
        accuracy=exact_share(right, len(gold), f"share of documents with the code of the gold, {question.id}"),
        kappa=cohen_kappa(table, target="data"),
        per_code=per_code,
        confusion=tuple(tuple(map(int, row)) for row in table),
        codes=tuple(names),
    )


def exact_share(k: int, n: int, what: str, *, level: float = 0.95) -> Estimate:
    """A share with the exact interval of Clopper & Pearson, which never covers less often than it says.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26, 404-413. doi:10.1093/biomet/26.4.404

    Examples
    --------
    >>> print(exact_share(9, 10, "accuracy"))
    0.900 [0.555, 0.997]
    """
    if n == 0:
        return Estimate(value=float("nan"), estimand=what, target="data", n_units=0, warnings=("no documents",))
    tail = (1 - level) / 2
    low = float(special.betaincinv(k, n - k + 1, tail)) if k > 0 else 0.0
    high = float(special.betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    return Estimate(
        value=k / n, interval=(low, high), level=level, interval_method="exact (Clopper & Pearson)", estimand=what,
        target="data", n_units=n,
    )  # fmt: skip
