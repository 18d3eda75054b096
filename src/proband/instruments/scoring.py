"""Scores of items and scales: codes, reverse keys, missing rules."""

import math
from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
import numpy.typing as npt

from proband.errors import DataError, InstrumentError
from proband.instruments.items import Instrument, Item, Scale, score_range

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
            raise DataError(f"answer to {id_!r}, which is no item of instrument {instrument.id!r}; check the id")
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
    found = {}
    for scale in instrument.scales:
        row = np.array([[scores.get(id_) for id_ in scale.items]], dtype=np.float64)
        score = float(scale_scores(scale, keyed_scores(instrument, scale, row))[0])
        found[scale.id] = None if math.isnan(score) else score
    return found


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
    _check_columns(chosen, given)
    columns = [_points(instrument[id_], given[:, k]) for k, id_ in enumerate(chosen.items)]
    return keyed_scores(instrument, chosen, np.column_stack(columns))


def keyed_scores(instrument: Instrument, scale: Scale, scores: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Scores in scale points, drawn or expected, with those of reverse-keyed items flipped.

    Parameters
    ----------
    instrument : Instrument
        The instrument the scale belongs to.
    scale : Scale
        Its key.
    scores : array_like, shape (n_subjects, n_items)
        Scale points before keying, one column an item in the order of ``scale.items``; NaN where missing.

    Returns
    -------
    numpy.ndarray, shape (n_subjects, n_items)
    """
    given = np.asarray(scores, dtype=np.float64)
    _check_columns(scale, given)
    keyed = given.copy()
    for k, (id_, sign) in enumerate(scale.items.items()):
        low, high = score_range(instrument[id_], sign, scale.id)
        if sign == -1:
            keyed[:, k] = low + high - given[:, k]
    return keyed


def scale_scores(scale: Scale, keyed: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Score of every subject, shape (n_subjects,), by the rule of `score_scales`; NaN where too little was answered."""
    n_valid = (~np.isnan(keyed)).sum(axis=1)
    # The small allowance keeps 4 of 5 items from missing a share of 0.8 by rounding.
    enough = n_valid >= max(scale.min_valid * len(scale.items) - 1e-9, 1)
    means = np.where(enough, np.nansum(keyed, axis=1) / np.maximum(n_valid, 1), np.nan)
    return means if scale.rule == "mean" else means * len(scale.items)


def _check_columns(scale: Scale, given: npt.NDArray[np.float64]) -> None:
    if given.ndim != 2 or given.shape[1] != len(scale.items):
        raise DataError(
            f"scale {scale.id!r}: answers have shape {given.shape}, expected (n_subjects, {len(scale.items)}), one "
            f"column for each of {', '.join(scale.items)}"
        )


def _score(item: Item, answer: int | float | None) -> float | None:
    if answer is None:
        return None
    if isinstance(answer, bool) or not isinstance(answer, Real) or math.isnan(answer):
        raise DataError(f"item {item.id!r}: answer {answer!r} is not a number; write None where it is missing")
    if item.form == "number":
        return float(answer)
    if not isinstance(answer, Integral) or not 0 <= answer < len(item.options):
        raise DataError(
            f"item {item.id!r}: answer {answer!r} is no index of its {len(item.options)} options (0 to "
            f"{len(item.options) - 1}); answers are indices as written, not codes of a data file"
        )
    return None if answer in item.dont_know else item.points[int(answer)]


def _points(item: Item, column: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scale points of indices into an item's options; numbers as they are."""
    if item.form == "number" or not item.options:
        return column
    scores, present = column.copy(), ~np.isnan(column)
    found = column[present]
    wrong = found[(found < 0) | (found >= len(item.options)) | (found != np.floor(found))]
    if wrong.size:
        raise DataError(
            f"item {item.id!r}: {wrong[0]:g} is no index of its {len(item.options)} options (0 to "
            f"{len(item.options) - 1}); turn the codes of a data file into indices first"
        )
    points = np.array([np.nan if k in item.dont_know else p for k, p in enumerate(item.points)])
    scores[present] = points[found.astype(np.intp)]
    return scores


def _scale_of(instrument: Instrument, id_: str) -> Scale:
    scales = {scale.id: scale for scale in instrument.scales}
    if id_ not in scales:
        names = ", ".join(scales) or "none"
        raise InstrumentError(f"instrument {instrument.id!r} has no scale {id_!r}; it has {names}")
    return scales[id_]
