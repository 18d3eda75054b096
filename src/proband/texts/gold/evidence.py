"""What claims are computed from: the columns of the corpus, people's codes and a coder's, joined by document."""

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.errors import DesignError, meant
from proband.texts.gold.claims import Claim, Term
from proband.texts.gold.correcting import Gold, Threefold, Variable, corrected_mean, corrected_regression
from proband.texts.gold.tables import Question

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
MOST_GROUPS = 12


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All documents of a corpus with what is known of each.

    Attributes
    ----------
    documents : sequence of str
        Ids, in the order of `columns`.
    columns : polars.DataFrame
        Columns of the corpus, a row a document.
    units : sequence of str
        Unit of each document.
    questions : mapping of str to Question
        Of the codebook.
    gold : mapping of str to mapping
        Item -> document -> people's code, of those that may be used.
    probability : mapping of str to float
        Of every document that could be used to be drawn and to come into a part that is used.
    asked : mapping of str to str
        Documents that people were given and that could be used, whether or not there is gold of them, and the stratum
        each was drawn from: those with gold stand for those of their stratum without.
    codes : mapping of str to mapping
        Item -> document -> the coder's code and, where it gives them, the probability of each code.
    share : float
        With which a document comes into a part that is used; without gold it has none.
    """

    documents: Sequence[str]
    columns: pl.DataFrame
    units: Sequence[str]
    questions: Mapping[str, Question]
    gold: Mapping[str, Mapping[str, str]]
    probability: Mapping[str, float]
    asked: Mapping[str, str]
    codes: Mapping[str, Mapping[str, tuple[str, Mapping[str, float]]]]
    share: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found about a claim.

    Attributes
    ----------
    claim : Claim
        What was claimed.
    numbers : mapping of str to Threefold
        By what each number is.
    courses : frozenset of str
        Labels of those that are points of a course, for a figure.
    n_without_gold : int
        Documents that people were given and that have no gold, or none that is a number where it must be.
    n_left_out : int
        Documents left out: a column is empty.
    n_uncoded : int
        Documents the coder gave no code.
    """

    claim: Claim
    numbers: Mapping[str, Threefold]
    courses: frozenset[str] = field(default_factory=frozenset)
    n_without_gold: int = 0
    n_left_out: int = 0
    n_uncoded: int = 0


def examine(claim: Claim, evidence: Evidence, *, level: float = 0.95) -> Finding:
    """Every number of a claim by people's codes, by the coder's, and by both.

    Raises
    ------
    DesignError
        If a group that is named is not there, or a column holds no numbers where it must.
    """
    terms = [claim.outcome, *claim.regressors]
    coded = [term for term in terms if term.is_coded]
    known = np.array([_has_gold(d, coded, evidence) for d in evidence.documents])
    kept = np.ones(len(known), dtype=bool)
    for column in [term.name for term in terms if not term.is_coded] + [c for c in (claim.by, claim.over) if c]:
        kept &= _is_told(evidence.columns[column])
    rates, without = _answered(evidence, known)
    pi = np.array(
        [evidence.probability.get(d, 1.0) * rates.get(evidence.asked.get(d, ""), 1.0) for d in evidence.documents]
    )
    gold = Gold(known=known, probability=pi, units=evidence.units).of(kept)
    variables = {str(term): _variable(term, evidence, kept) for term in terms if term.is_coded}
    uncoded = sum(int(np.isnan(np.asarray(v.coded)).sum()) for v in variables.values())
    left = int((~kept).sum())
    numbers, courses = _numbers(claim, evidence, kept, variables, gold, level)
    return Finding(
        claim=claim, numbers=numbers, courses=courses, n_without_gold=without, n_left_out=left, n_uncoded=uncoded
    )


def _is_told(column: pl.Series) -> Bools:
    """Whether each cell holds something: blank texts and numbers that are none do not."""
    if column.dtype.is_float():
        return column.is_finite().fill_null(False).to_numpy()
    return (column.cast(pl.String).str.strip_chars() != "").fill_null(False).to_numpy()


def _answered(evidence: Evidence, known: Bools) -> tuple[dict[str, float], int]:
    """Share of what people were given of each stratum that has gold; and how many documents have none.

    Documents without gold stay in the corpus, as documents that were not drawn do. To leave them out would leave out
    most where most were drawn, and those with gold would stand for too few.
    """
    given, got, without = defaultdict[str, float](float), defaultdict[str, float](float), 0
    for document, has_gold in zip(evidence.documents, known, strict=True):
        if document in evidence.asked:
            stratum = evidence.asked[document]
            # Without any gold a document has no part, so only a share of these would have been used.
            given[stratum] += 1 if document in evidence.probability else evidence.share
            got[stratum] += int(has_gold)
            without += not has_gold
    return {stratum: got[stratum] / size for stratum, size in given.items() if size}, without


def _numbers(
    claim: Claim, evidence: Evidence, kept: Bools, variables: Mapping[str, Variable], gold: Gold, level: float
) -> tuple[dict[str, Threefold], frozenset[str]]:
    if claim.form == "regression":
        outcome = variables.get(str(claim.outcome))
        columns = {} if outcome else _regressors(claim.outcome, evidence, kept)
        if outcome is None and len(columns) != 1:
            raise DesignError(f"claim {claim.name!r}: the outcome {claim.outcome} holds no numbers")
        regressors: dict[str, Variable] = {}
        for term in claim.regressors:
            regressors |= {str(term): variables[str(term)]} if term.is_coded else _regressors(term, evidence, kept)
        outcome = outcome or next(iter(columns.values()))
        return corrected_regression(outcome, regressors, gold, level=level), frozenset()
    outcome = variables[str(claim.outcome)]
    if claim.form == "share":
        return {"all": corrected_mean(outcome, gold, level=level)}, frozenset()
    if claim.form == "difference":
        values = evidence.columns[claim.by].cast(pl.String).to_list()
        groups = np.array([value for value, is_kept in zip(values, kept, strict=True) if is_kept])
        names = _groups(claim, sorted(set(groups)))
        numbers = {
            name: corrected_mean(_part(outcome, groups == name), gold.of(groups == name), level=level) for name in names
        }
        dummies = {f"{name} less {names[0]}": Variable(values=(groups == name) * 1.0) for name in names[1:]}
        differences = corrected_regression(outcome, dummies, gold, level=level)
        return numbers | {name: differences[name] for name in dummies}, frozenset()
    times = numbers_in(evidence.columns[claim.over], claim.over)[kept]
    periods = np.floor(times) if len(set(times)) > MOST_GROUPS else times
    course = {}
    for period in sorted(set(periods)):
        at = periods == period
        course[f"{period:g}"] = corrected_mean(_part(outcome, at), gold.of(at), level=level)
    slope = corrected_regression(outcome, {claim.over: Variable(values=times)}, gold, level=level)[claim.over]
    return {**course, f"per unit of {claim.over}": slope}, frozenset(course)


def _has_gold(document: str, terms: Sequence[Term], evidence: Evidence) -> bool:
    """Whether people's code of every term may be used, and is a number where it must be."""
    if document not in evidence.probability:
        return False
    codes = [evidence.gold.get(term.name, {}).get(document) for term in terms]
    return all(
        code is not None and _value(code, term, evidence) is not None for code, term in zip(codes, terms, strict=True)
    )


def _groups(claim: Claim, names: Sequence[str]) -> list[str]:
    """Groups, the one that the others are compared with first."""
    if not 2 <= len(names) <= MOST_GROUPS:
        raise DesignError(f"claim {claim.name!r}: {claim.by!r} has {len(names)} groups; between 2 and {MOST_GROUPS} "
                          "are compared: merge them in the corpus, or use `over`")  # fmt: skip
    first = claim.against or names[0]
    if first not in names:
        raise DesignError(f"claim {claim.name!r}: no group {first!r} in {claim.by!r}{meant(first, names)}; there are "
                          f"{', '.join(names)}")  # fmt: skip
    return [first, *(name for name in names if name != first)]


def _part(variable: Variable, kept: Bools) -> Variable:
    """A coded variable of some documents."""
    return Variable(
        values=np.asarray(variable.values)[kept],
        guess=np.asarray(variable.guess)[kept],
        coded=np.asarray(variable.coded)[kept],
    )


def _variable(term: Term, evidence: Evidence, kept: Bools) -> Variable:
    """People's codes, the coder's probabilities and its codes as numbers, NaN where there is none."""
    documents = [d for d, is_kept in zip(evidence.documents, kept, strict=True) if is_kept]
    gold, codes = evidence.gold.get(term.name, {}), evidence.codes.get(term.name, {})
    truth, guess, coded = (np.full(len(documents), np.nan) for _ in range(3))
    for k, document in enumerate(documents):
        truth[k] = _number_of(gold.get(document), term, evidence)
        code, probs = codes.get(document, (None, {}))
        coded[k] = _number_of(code, term, evidence)
        guess[k] = _expected(probs, term, evidence) if probs else coded[k]
    return Variable(values=truth, guess=guess, coded=coded)


def _number_of(code: str | None, term: Term, evidence: Evidence) -> float:
    value = _value(code, term, evidence) if code else None
    return float("nan") if value is None else value


def _value(code: str, term: Term, evidence: Evidence) -> float | None:
    """A code as the number that a term makes of it; None where it has none."""
    question = evidence.questions[term.name]
    if term.code:
        return float(term.code in code.split("; ") if question.is_multiple else term.code == code)
    return question.value(code)


def _expected(probs: Mapping[str, float], term: Term, evidence: Evidence) -> float:
    if term.code:
        return float(probs.get(term.code, 0.0))
    points = evidence.questions[term.name].points
    known = sum(p for code, p in probs.items() if code in points)
    return sum(points[code] * p for code, p in probs.items() if code in points) / known if known else float("nan")


def _regressors(term: Term, evidence: Evidence, kept: Bools) -> dict[str, Variable]:
    """A column as a regressor: numbers as they are, texts as 0/1 columns against the first."""
    column = evidence.columns[term.name]
    try:
        return {term.name: Variable(values=numbers_in(column, term.name)[kept])}
    except DesignError:
        values = np.array([v for v, k in zip(column.cast(pl.String).to_list(), kept, strict=True) if k])
        names = sorted(set(values))
        if not 2 <= len(names) <= MOST_GROUPS:
            raise DesignError(
                f"{term.name!r} has {len(names)} levels; a regressor of texts has between 2 and {MOST_GROUPS}"
            ) from None
        return {f"{term.name}={name}": Variable(values=(values == name) * 1.0) for name in names[1:]}


def numbers_in(column: pl.Series, name: str) -> Floats:
    """A column as numbers, dates as years with their fraction, NaN where it is empty.

    Raises
    ------
    DesignError
        If something in it is neither; it is named.
    """
    if column.dtype.is_numeric():
        return column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return np.array([_number(value, name) for value in column.to_list()])


def _number(value: object, name: str) -> float:
    text = str(value if value is not None else "").strip()
    if not text:
        return float("nan")
    try:
        if math.isfinite(number := float(text)):
            return number
    except ValueError:
        pass
    try:
        day = value if isinstance(value, dt.date) else dt.date.fromisoformat(text[:10])
    except ValueError:
        raise DesignError(f"{name!r} holds {text[:40]!r}, neither a number nor a date such as 2024-05-31") from None
    start = dt.date(day.year, 1, 1)
    return day.year + (dt.date(day.year, day.month, day.day) - start).days / 365.25
