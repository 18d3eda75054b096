"""Scores of items and scales: codes, reverse keys, missing rules."""

import math
from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
import numpy.typing as npt

from proband.errors import DataError, InstrumentError
from proband.instruments.items import Instrument, Item, Scale

Answers = Mapping[str, int | float | None]


def score_items(instrument: Instrument, answers: Answers) -> dict[str, float | None]:
    """Score of every item in scale points, before keying.

    Parameters
    ----------
    instrument : Instrument
        Its `codes` say what each option is worth.
    answers : mapping of str to int, float or None
        Item id -> index into the options as written, or a number for items of form "number". None, or an id
        that is not there, is a missing answer.

    Returns
    -------
    dict of str to float or None
        One entry an item that can be scored (choice, scale, number); None where the answer is missing or
        "don't know".

    Raises
    ------
    DataError
        If an answer is to an unknown item, or is no index of its options.
    """
    known = {item.id for item in instrument.items}
    for id_ in answers:
        if id_ not in known:
            raise DataError(
                f"answer to {id_!r}, which is no item of instrument {instrument.id!r}; check the id"
            )
    scored = (item for item in instrument.items if item.form in ("choice", "scale", "number"))
    return {item.id: _score(item, answers.get(item.id)) for item in scored}


def score_scales(instrument: Instrument, answers: Answers) -> dict[str, float | None]:
    """Score of every scale for one subject.

    Parameters
    ----------
    instrument : Instrument
        Its scales hold the key and the missing rule.
    answers : mapping of str to int, float or None
        As for `score_items`.

    Returns
    -------
    dict of str to float or None
        Scale id -> mean, or sum prorated to the scale's length, of the keyed scores; None where fewer than
        `min_valid` of its items were answered. A reverse-keyed score is the smallest plus the largest point
        of its item minus the score.

    Raises
    ------
    DataError
        As for `score_items`.
    InstrumentError
        If a scale holds an item that has no score.

    Examples
    --------
    >>> from proband.instruments import load_instrument
    >>> mini = load_instrument("mini-ipip")
    >>> score_scales(mini, {"E1": 4, "E2": 0, "E7": 4, "E4": 0})["E"]
    5.0
    """
    scores = score_items(instrument, answers)
    return {scale.id: _score_scale(instrument, scale, scores) for scale in instrument.scales}


def scale_matrix(instrument: Instrument, scale: Scale | str, codes: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Keyed scores of one scale for many subjects.

    Parameters
    ----------
    instrument : Instrument
        The instrument the scale belongs to.
    scale : Scale or str
        The scale, or its id.
    codes : array_like, shape (n_subjects, n_items)
        Indices into the options as written (numbers, for items of form "number"), one column an item in the
        order of ``scale.items``; NaN where missing.

    Returns
    -------
    numpy.ndarray, shape (n_subjects, n_items)
        Scores in scale points, reverse-keyed items already flipped; NaN where missing or "don't know".

    Raises
    ------
    DataError
        If the shape does not fit the scale, or a code is no index of its item's options.
    """
    chosen = _scale_of(instrument, scale) if isinstance(scale, str) else scale
    given = np.asarray(codes, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != len(chosen.items):
        expected = f"(n_subjects, {len(chosen.items)})"
        raise DataError(
            f"scale {chosen.id!r}: answers have shape {given.shape}, expected {expected}, one column "
            f"for each of {', '.join(chosen.items)}"
        )
    columns = [
        _keyed_column(instrument[id_], sign, given[:, k], chosen.id)
        for k, (id_, sign) in enumerate(chosen.items.items())
    ]
    return np.column_stack(columns)


def _score(item: Item, answer: int | float | None) -> float | None:
    if answer is None:
        return None
    if isinstance(answer, bool) or not isinstance(answer, Real) or math.isnan(answer):
        raise DataError(
            f"item {item.id!r}: answer {answer!r} is not a number; write None where it is missing"
        )
    if item.form == "number":
        return float(answer)
    if not isinstance(answer, Integral) or not 0 <= answer < len(item.options):
        raise DataError(
            f"item {item.id!r}: answer {answer!r} is no index of its {len(item.options)} options (0 to "
            f"{len(item.options) - 1}); answers are indices as written, not codes of a data file"
        )
    return None if answer in item.dont_know else item.points[int(answer)]


def _score_scale(instrument: Instrument, scale: Scale, scores: Mapping[str, float | None]) -> float | None:
    keyed = []
    for id_, sign in scale.items.items():
        low, high = _range(instrument[id_], sign, scale.id)
        score = scores[id_]
        if score is not None:
            keyed.append(score if sign == 1 else low + high - score)
    # The small allowance keeps 4 of 5 items from missing a share of 0.8 by rounding.
    if not keyed or len(keyed) < scale.min_valid * len(scale.items) - 1e-9:
        return None
    mean = math.fsum(keyed) / len(keyed)
    return mean if scale.rule == "mean" else mean * len(scale.items)


def _keyed_column(
    item: Item, sign: int, column: npt.NDArray[np.float64], scale: str
) -> npt.NDArray[np.float64]:
    low, high = _range(item, sign, scale)
    scores = column.copy()
    if item.form != "number":
        present = ~np.isnan(column)
        found = column[present]
        wrong = found[(found < 0) | (found >= len(item.options)) | (found != np.floor(found))]
        if wrong.size:
            raise DataError(
                f"item {item.id!r}: {wrong[0]:g} is no index of its {len(item.options)} options (0 to "
                f"{len(item.options) - 1}); turn the codes of a data file into indices first"
            )
        points = np.array([np.nan if k in item.dont_know else p for k, p in enumerate(item.points)])
        scores[present] = points[found.astype(np.intp)]
    return scores if sign == 1 else low + high - scores


def _range(item: Item, sign: int, scale: str) -> tuple[float, float]:
    """Smallest and largest score of an item, "don't know" aside; (0, 0) where nothing is flipped."""
    if item.form in ("choice", "scale"):
        points = [p for k, p in enumerate(item.points) if k not in item.dont_know]
        return min(points), max(points)
    if item.form != "number":
        raise InstrumentError(
            f"scale {scale!r}: item {item.id!r} of form {item.form!r} has no score; take it out"
        )
    if sign == -1 and (item.lower is None or item.upper is None):
        raise InstrumentError(
            f"scale {scale!r}: item {item.id!r} is reverse-keyed, so it needs `lower` and `upper`"
        )
    return (item.lower or 0.0, item.upper or 0.0) if sign == -1 else (0.0, 0.0)


def _scale_of(instrument: Instrument, id_: str) -> Scale:
    for scale in instrument.scales:
        if scale.id == id_:
            return scale
    names = ", ".join(scale.id for scale in instrument.scales) or "none"
    raise InstrumentError(f"instrument {instrument.id!r} has no scale {id_!r}; it has {names}")
