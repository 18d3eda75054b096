"""Answers of a run arranged so that levels of one factor can be compared within or between subjects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from proband.errors import DataError
from proband.measures.arrays import Bools, Floats, Ints
from proband.measures.columns import column, column_names, table_of
from proband.records import TABLE_COLUMNS


@dataclass(frozen=True, eq=False)
class AnswerRows:
    """Valid answers of a run, one row each, in the order of the table."""

    # who answered what; `unit` holds the round, so that answers of different rounds are never paired
    subject: tuple[Any, ...]
    item: tuple[Any, ...]
    unit: tuple[Any, ...]
    answer: tuple[Any, ...]  # option index, text or number
    value: tuple[float | None, ...]  # scale points, or None
    probs: tuple[Any, ...]  # probabilities of the options as written, and their indices in the order shown, or None
    shown: tuple[Any, ...]
    factors: Mapping[str, tuple[Any, ...]]  # level of every varied factor
    statuses: Mapping[str, Mapping[str, Mapping[str, int]]]  # over all rows, valid or not
    n_rows: int  # all rows


@dataclass(frozen=True, eq=False)
class ItemCells:
    """One item's answers by subject and level."""

    subjects: tuple[Any, ...]  # subjects with an answer in the comparison
    # (n_subjects, n_levels, n_options): mean distribution of a subject's answers under a level; rows of zeros where
    # `present` is false
    means: Floats
    # (n_subjects,): chance that two of a subject's answers under different levels, all else equal, differ; NaN
    # between subjects
    flips: Floats
    values: Floats  # (n_subjects, n_levels): mean scale points, NaN where there are none
    present: Bools  # (n_subjects, n_levels): whether the subject answered under the level
    # chance that two answers under the *same* level differ: from replicates, else from probabilities; NaN without
    redraw: float
    is_within: bool  # whether subjects are compared with themselves
    n_left_out: int  # subjects without an answer under every level, left out of a comparison within subjects


def answer_rows(run: object, factors: Sequence[str] | None) -> AnswerRows:
    """Read a run's table; `factors` defaults to every column beyond those that all runs have."""
    table = table_of(run)
    names = column_names(table)
    for needed in ("subject", "item"):
        if needed not in names:
            raise DataError(f"the table has no column {needed!r}; give a run's table, one row a response")
    if not {"answer", "label", "value"} & set(names):
        raise DataError("the table has none of the columns answer, label and value; give a run's table")
    n = len(column(table, "item"))

    def read(name: str) -> list[Any]:
        return column(table, name) if name in names else [None] * n

    wanted = [name for name in names if name not in TABLE_COLUMNS] if factors is None else list(factors)
    levels = {name: column(table, name) for name in wanted}
    varied = {name: rows for name, rows in levels.items() if len({v for v in rows if v is not None}) > 1}
    if factors is not None and (flat := [name for name in wanted if name not in varied]):
        raise DataError(f"factor {flat[0]!r} has one level in this run; nothing was varied")
    answers = [
        next((v for v in row if v is not None), None)
        for row in zip(_indices(read("answer")), read("label"), read("value"), strict=True)
    ]
    status = read("status") if "status" in names else ["valid" if a is not None else "missing" for a in answers]
    kept = [k for k in range(n) if status[k] == "valid" and answers[k] is not None]
    rounds = read("round")

    def take(rows: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(rows[k] for k in kept)

    return AnswerRows(
        subject=take(read("subject")),
        item=take(read("item")),
        unit=take(rounds),
        answer=take(answers),
        value=take(read("value")),
        probs=take(read("probs")),
        shown=take(read("shown")),
        factors={name: take(rows) for name, rows in varied.items()},
        statuses={name: _tally(rows, status) for name, rows in varied.items()},
        n_rows=n,
    )


def _indices(answers: list[Any]) -> list[Any]:
    """Option indices as whole numbers; a pandas column with gaps holds them as 1.0."""
    return [int(a) if isinstance(a, float) and a.is_integer() else a for a in answers]


def _tally(levels: Sequence[Any], statuses: Sequence[Any]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for level, status in zip(levels, statuses, strict=True):
        if level is not None:
            of_level = counts.setdefault(str(level), {})
            of_level[str(status)] = of_level.get(str(status), 0) + 1
    return {level: dict(sorted(counts[level].items())) for level in sorted(counts)}


def item_cells(rows: AnswerRows, members: Sequence[int], factor: str, levels: Sequence[Any]) -> ItemCells:
    """One item's rows arranged by subject and level of a factor.

    A unit is a subject in one round under one combination of the *other* factors. Where a subject met several levels
    in a unit, only units with all levels count, so that a comparison holds everything else constant.
    """
    vectors, taken = _vectors(rows, members)
    met = [(position, k) for position, k in enumerate(members) if rows.factors[factor][k] is not None]
    positions = np.array([position for position, _ in met], dtype=np.intp)
    unit, subject_of_unit, everybody = _coded([k for _, k in met], rows, factor)
    place = {level: j for j, level in enumerate(levels)}
    level = np.array([place[rows.factors[factor][k]] for _, k in met], dtype=np.intp)
    shape = (len(subject_of_unit), len(levels))
    points = np.array([np.nan if (v := rows.value[k]) is None else v for _, k in met], dtype=np.float64)
    at = (unit, level)
    counts = _sums(at, np.ones((len(met), 1)), shape)[:, :, 0]
    chosen = _sums(at, taken[positions], shape)
    drawn = _sums(at, vectors[positions], shape)
    scored = _sums(at, points[:, None], shape)[:, :, 0]
    is_complete: Bools = np.all(counts > 0, axis=1)
    is_within = 2 * int(is_complete.sum()) >= shape[0]
    kept = is_complete if is_within else np.ones(shape[0], dtype=np.bool_)
    subject = subject_of_unit[kept]
    here = np.unique(subject)
    size = np.maximum(counts[kept], 1.0)
    by_subject = _Averages(subject=np.searchsorted(here, subject), n=len(here), present=counts[kept] > 0)
    return ItemCells(
        subjects=tuple(everybody[s] for s in here),
        means=by_subject.of(drawn[kept] / size[:, :, None]),
        flips=by_subject.flips(chosen[kept] / size[:, :, None]) if is_within else np.full(len(here), np.nan),
        values=by_subject.of((scored[kept] / size)[:, :, None], empty=np.nan)[:, :, 0],
        present=by_subject.counts > 0,
        redraw=_redraw(counts[kept], chosen[kept], vectors if vectors is not taken else None),
        is_within=is_within,
        n_left_out=len(everybody) - len(here),
    )


def _coded(members: Sequence[int], rows: AnswerRows, factor: str) -> tuple[Ints, Ints, list[Any]]:
    """Unit of every row, subject of every unit, and the subjects."""
    others = [rows.factors[f] for f in rows.factors if f != factor]
    keys = [(rows.subject[k], rows.unit[k], *(levels[k] for levels in others)) for k in members]
    units = {key: j for j, key in enumerate(dict.fromkeys(keys))}
    subjects = sorted({key[0] for key in units}, key=repr)
    number = {subject: j for j, subject in enumerate(subjects)}
    unit = np.array([units[key] for key in keys], dtype=np.intp)
    return unit, np.array([number[key[0]] for key in units], dtype=np.intp), subjects


@dataclass(frozen=True, eq=False)
class _Averages:
    """Averages over the units of each subject, level by level."""

    subject: Ints
    n: int
    present: Bools

    @property
    def counts(self) -> Floats:
        totals = np.zeros((self.n, self.present.shape[1]))
        np.add.at(totals, self.subject, self.present.astype(np.float64))
        return totals

    def of(self, cells: Floats, *, empty: float = 0.0) -> Floats:
        totals = np.zeros((self.n, *cells.shape[1:]))
        np.add.at(totals, self.subject, np.where(self.present[:, :, None], cells, 0.0))
        counts = self.counts[:, :, None]
        return np.where(counts > 0, totals / np.maximum(counts, 1.0), empty)

    def flips(self, answers: Floats) -> Floats:
        """Mean over units of the chance that answers under two levels differ."""
        pairs = combinations(range(answers.shape[1]), 2)
        same = np.mean([(answers[:, a] * answers[:, b]).sum(axis=1) for a, b in pairs], axis=0)
        units = np.bincount(self.subject, minlength=self.n)
        rates: Floats = np.bincount(self.subject, 1 - same, self.n) / units
        return np.clip(rates, 0.0, 1.0)  # rounding only


def _sums(at: tuple[Ints, Ints], values: Floats, shape: tuple[int, int]) -> Floats:
    totals = np.zeros((*shape, values.shape[1]))
    np.add.at(totals, at, values)
    return totals


def _redraw(counts: Floats, chosen: Floats, probs: Floats | None) -> float:
    """Chance that two answers to the same thing differ: between replicates, else by the probabilities."""
    repeated = counts > 1
    if not repeated.any():
        return float("nan") if probs is None else float(np.mean(1 - (probs**2).sum(axis=1)))
    m = counts[repeated]
    return float(np.mean(1 - ((chosen[repeated] ** 2).sum(axis=1) - m) / (m * (m - 1))))


def _vectors(rows: AnswerRows, members: Sequence[int]) -> tuple[Floats, Floats]:
    """Distribution of every row and the answer it gave as a one-hot row; one array where there are no probabilities."""
    probs = [rows.probs[k] for k in members]
    if (
        all(p is not None for p in probs)
        and len({len(p) for p in probs}) == 1
        and all(isinstance(rows.answer[k], int) for k in members)
    ):
        distributions = np.array([list(p) for p in probs], dtype=np.float64)
        size = distributions.shape[1]
        return distributions, np.eye(size)[[rows.answer[k] for k in members]]
    kinds = {kind: j for j, kind in enumerate(sorted({rows.answer[k] for k in members}, key=repr))}
    taken = np.eye(len(kinds))[[kinds[rows.answer[k]] for k in members]]
    return taken, taken
