"""Best replies and learning: what moves gave away, and whether players take up what pays."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import cautions, percent, tabled, told
from proband.analyses.plays import UNITS, Plays, plays, reason
from proband.analyses.section import Analysis, Cell, CellForm, Section
from proband.designs.games.rules import Illegal, Rules, Turn
from proband.designs.games.words import MatchWords
from proband.errors import DataError, DesignError
from proband.measures import best_replies, fit_learning
from proband.measures.behaviour.learning import LearningFit, Model
from proband.runs.run import Run

_CHAPTER = "Play"
_MOST_PLAYERS = 500  # to whom models of learning are fitted
_LEAST_ROUNDS = 3
_MODELS: Mapping[Model, str] = {"roth-erev": "Roth and Erev", "ewa": "EWA"}


class _Chance(Exception):
    """Rules asked for a draw."""


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """Moves of one role under one treatment, with what every move would have paid, given what the others did.

    - `options`: as the rules call them.
    - `chosen` (n_decisions,), `payoffs` (n_decisions, n_options): decisions by subject, and by round within.
    - `units`, `subjects`, `rounds`: of every decision.
    """

    label: str
    options: tuple[str, ...]
    chosen: NDArray[np.intp]
    payoffs: NDArray[np.float64]
    units: Sequence[str]
    subjects: Sequence[str]
    rounds: Sequence[int]


def needs(run: Run) -> str | None:
    """Rounds in which all choose once, at the same time, among a few options, and nothing is left to chance."""
    if why := reason(run):
        return why
    found = plays(run)
    if found.rounds.is_empty():
        return "no round of this game was played through"
    if any(_turns(found.rules(arm)) for arm in found.arms):
        return None
    return "players of this game do not all choose once among a few options at the same time"


def sections(run: Run) -> Sequence[Section]:
    """Best replies of every role, and models of learning where there are rounds enough."""
    found = plays(run)
    decided = list(chain.from_iterable(_decisions(found, arm) for arm in found.arms))
    return [*_replies(decided), *_learning(decided)]


def _turns(rules: Rules) -> Sequence[Turn] | None:
    """The turns of a round in which all choose at the same time; None where a round is anything else."""

    def no_draw(*place: object) -> float:
        raise _Chance

    try:
        steps = rules.play(MatchWords(), (), no_draw)
        first = next(steps)
        turns = (first,) if isinstance(first, Turn) else tuple(first)
        if (
            len(turns) < 2
            or {turn.seat for turn in turns} != set(rules.seats)
            or not all(t.item.options for t in turns)
        ):
            return None
        steps.send({turn.seat: 0 for turn in turns})
    except StopIteration:
        return turns
    except (_Chance, Illegal):
        return None
    return None


def _decisions(found: Plays, arm: str) -> list[Decisions]:
    """Of every role under a treatment."""
    rules = found.rules(arm)
    turns = _turns(rules)
    if turns is None:
        return []
    column = {turn.seat: f"move_{turn.item.id}" for turn in turns}
    options = {turn.seat: turn.item.options for turn in turns}
    known: dict[tuple[int, ...], Mapping[str, float]] = {}

    def pays(moves: tuple[int, ...]) -> Mapping[str, float]:
        if moves not in known:
            steps = rules.play(MatchWords(), (), lambda *place: 0.5)
            next(steps)
            try:
                steps.send(dict(zip(column, moves, strict=True)))
            except StopIteration as end:
                known[moves] = end.value.payoffs
        return known[moves]

    rows: dict[tuple[str, tuple[str, ...]], list[tuple[str, int, str, int, list[float]]]] = {}
    over = found.players.filter(pl.col("arm") == arm, pl.col("payoff").is_not_null(), ~pl.col("forfeited"))
    for (_, number), part in over.group_by("match", "round", maintain_order=True):
        played = {row["seat"]: row for row in part.iter_rows(named=True)}
        if any(played[seat][column[seat]] is None for seat in column):
            continue
        moves = [int(played[seat][column[seat]]) for seat in column]
        for k, seat in enumerate(column):
            row = played[seat]
            would = [pays((*moves[:k], j, *moves[k + 1 :]))[seat] for j in range(len(options[seat]))]
            kept = rows.setdefault((row["who"], options[seat]), [])
            kept.append((row["subject"], int(str(number)), row["unit"], moves[k], would))
    made = []
    for (who, names), listed in rows.items():
        listed.sort(key=lambda row: row[:2])
        subjects, rounds, units, chosen, payoffs = zip(*listed, strict=True)
        made.append(
            Decisions(
                label=f"{found.said(arm)}{who}", options=names, chosen=np.array(chosen), payoffs=np.array(payoffs),
                units=units, subjects=subjects, rounds=rounds,
            )
        )  # fmt: skip
    return made


def _replies(decided: Sequence[Decisions]) -> list[Section]:
    """How often moves are best replies, what they give away, and what the best fixed move would have paid more."""
    rows: list[tuple[Cell, ...]] = []
    said, doubtful = [], []
    for d in decided:
        found = best_replies(d.chosen, d.payoffs, d.units)
        random = found.best.baselines["moves at random"]
        rows.append(
            (d.label, len(d.chosen), found.best, random, found.lost, d.options[found.best_move], found.exploitable)
        )
        said.append(
            f"{d.label}: {percent(found.best)} of moves are best replies to what the others did (at random "
            f"{100 * random:.1f} %); always {d.options[found.best_move]!r} would pay {told(found.exploitable)} more "
            "a round."
        )
        doubtful += [(d.label, found.best), (d.label, found.exploitable)]
    forms: dict[str, CellForm] = {"role": "text", "moves": "count", "best replies": "share", "at random": "share"}
    forms |= {"lost a move": "number", "best fixed move": "text", "it pays more": "number"}
    return [
        Section(
            name="replies",
            heading="Best replies",
            chapter=_CHAPTER,
            sentences=tuple(said[:4]),
            table=tabled(forms, rows, "Moves against the best there were", side="model"),
            notes=(
                "Best is what pays most given what the others did in that round, which nobody knew beforehand.",
                "The best fixed move is found in all other units and judged in this one; below 0, moves did better "
                "than any fixed one. Over all roles it adds up to their distance from equilibrium.",
                UNITS.partition(":")[0] + ".",
            ),
            warnings=cautions(doubtful),
        )
    ]


def _learning(decided: Sequence[Decisions]) -> list[Section]:
    """Models of learning, fitted to each role."""
    rows: list[tuple[Cell, ...]] = []
    said, warnings, n_left = [], [], 0
    for d in decided:
        choices, payoffs, units = _histories(d)
        if not len(choices):
            continue
        n_left += max(len(choices) - _MOST_PLAYERS, 0)
        for model in get_args(Model):
            try:
                fit = fit_learning(choices[:_MOST_PLAYERS], payoffs[:_MOST_PLAYERS], units[:_MOST_PLAYERS], model=model)
            except (DataError, DesignError) as error:
                warnings.append(f"{d.label}, {_MODELS[model]}: {error}")
                continue
            rows += [(d.label, _MODELS[model], name, value, value.estimand) for name, value in fit.parameters.items()]
            said.append(_in_words(d.label, fit))
            warnings += [f"{d.label}, {_MODELS[model]}: {warning}" for warning in fit.warnings]
    if not rows:
        return []
    forms: dict[str, CellForm] = {"role": "text", "model": "text", "parameter": "text", "value": "number"}
    return [
        Section(
            name="learning",
            heading="Learning",
            chapter=_CHAPTER,
            sentences=tuple(said[:6]),
            table=tabled(forms | {"what it is": "text"}, rows, "Models of learning", side="model"),
            notes=(
                "A model is given what every move would have paid in past rounds. Better and worse are by BIC, against "
                "fixed shares of the moves.",
                "One set of parameters stands for all players of a role: where they differ, reinforcement looks "
                "stronger than it is (Wilcox 2006).",
                *((f"{n_left} players beyond the first {_MOST_PLAYERS} of a role were left out.",) * (n_left > 0)),
            ),
            warnings=tuple(dict.fromkeys(warnings)),
        )
    ]


def _in_words(label: str, fit: LearningFit) -> str:
    each, fixed = (100 * math.exp(total / fit.n_choices) for total in (fit.log_likelihood, fit.frequencies))
    how = "better" if fit.learns else "no better"
    return (
        f"{label}: {_MODELS[fit.model]} describes moves {how} than fixed shares do; it gives the move made a "
        f"probability of {each:.1f} %, fixed shares {fixed:.1f} %."
    )


def _histories(d: Decisions) -> tuple[NDArray[np.intp], NDArray[np.float64], list[str]]:
    """Moves by player and round, -1 after the last; those who played their rounds without a gap."""
    first: dict[str, list[int]] = {}
    for k, subject in enumerate(d.subjects):
        first.setdefault(subject, []).append(k)
    kept = [
        rows
        for rows in first.values()
        if len(rows) >= _LEAST_ROUNDS and [d.rounds[k] for k in rows] == list(range(1, len(rows) + 1))
    ]
    length = max((len(rows) for rows in kept), default=0)
    choices = np.full((len(kept), length), -1, dtype=np.intp)
    payoffs = np.zeros((len(kept), length, len(d.options)))
    for i, rows in enumerate(kept):
        choices[i, : len(rows)], payoffs[i, : len(rows)] = d.chosen[rows], d.payoffs[rows]
    return choices, payoffs, [d.units[rows[0]] for rows in kept]


ANALYSIS = Analysis(
    name="replies",
    about="best replies to what the others did, what a best fixed move would pay more, and models of learning",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
