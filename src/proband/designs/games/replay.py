"""What was played, from what is stored: the rules made anew from a run's manifest, and its moves put to them again."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import polars as pl

from proband.designs.games.course import Course, Given, Played, Session
from proband.designs.games.game import GAMES
from proband.designs.games.matches import Matches
from proband.designs.kind import Shared
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.records import Answer

# What a manifest says of a design beside its keys.
DESCRIBED = (
    *("design", "game", "title", "seed", "population", "harms", "ethics"),
    # Of the battery that it is played for.
    *("battery", "battery_title", "battery_source", "battery_licence", "battery_page", "battery_setting"),
    *("discipline", "aims", "is_generated", "contrasts", "analyses"),
)
_READ = ("subject", "item", "round", "replicate", "status", "answer", "value", "parts", "label")
_COLUMNS: dict[str, Any] = {
    **dict.fromkeys(("unit", "match", "treatment", "seat", "subject", "role"), pl.String),
    "round": pl.Int64,
    "payoff": pl.Float64,
    "illegal": pl.Boolean,
    "invalid": pl.String,
    "ended": pl.Boolean,
    "why": pl.String,
}
Key = tuple[str, str, int, int]  # subject, item, round, replicate


def design_from(described: Mapping[str, Any]) -> Matches:
    """The design that a manifest describes, without the people as whom its players play.

    Raises
    ------
    DesignError
        If the design is none of `Matches`, or its game is not here.
    """
    if described.get("design") != "matches":
        raise DesignError(f"the design {described.get('design')!r} is not of matches, and only these are replayed")
    game = GAMES.load(str(described["game"]))
    keys = {key: value for key, value in described.items() if key not in DESCRIBED}
    # As JSON, in which a list stands for a tuple too.
    table = game.keys.model_validate_json(json.dumps(keys))
    shared = Shared(title=str(described["title"]), seed=int(described["seed"]))
    return cast(Matches, game.make(shared, table))


def replay(design: Matches | Mapping[str, Any], table: pl.DataFrame) -> pl.DataFrame:
    """Plays of a run: one row for every round of every player.

    Parameters
    ----------
    design : Matches or mapping
        The design, or what the manifest says of it (``run.manifest["design"]``).
    table : polars.DataFrame
        ``run.table()``.

    Returns
    -------
    polars.DataFrame
        ``unit``, ``match`` (group of players; the unit itself where players stay together), ``round``, ``treatment``,
        ``seat``, ``subject``, ``role``; ``payoff`` before any scaling; one column for every quantity of the game (the
        same for all players of a round; null where it did not come about); ``move_ITEM``, the player's last answer to
        that item in that round as the rules counted it, an index or a number. A round that a move broke has ``illegal``
        (the move of this player was not open, and ``why``) or ``invalid`` (its status) with the player at fault, and
        ``ended`` with all players of the match if it ended there; payoff is then null. Rounds that are not over yet
        have no row.
    """
    found = design if isinstance(design, Matches) else design_from(design)
    given = {
        (subject, item, number, k): Given(status, _answer(found.items.get(item), *answer))
        for subject, item, number, k, status, *answer in table.select(_READ).iter_rows()
    }
    rows: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    values, moves = _names(found)
    rows |= {name: [] for name in (*values, *(f"move_{id}" for id in moves))}
    for session in found.sessions:
        _Heard(session, rows, values, moves).hear(given)
    schema = _COLUMNS | {name: pl.Float64 for name in rows if name not in _COLUMNS}
    order = ["unit", "match", "round", *(name for name in rows if name not in ("unit", "match", "round"))]
    return pl.DataFrame(rows, schema=schema, strict=False).select(order)


def _names(design: Matches) -> tuple[list[str], list[str]]:
    """Quantities of the game, and the items that are moves of it, under any treatment."""
    every = [arm.rules for arm in design.by_arm.values()]
    values = dict.fromkeys(quantity.name for rules in every for quantity in rules.reported)
    return list(values), list(dict.fromkeys(item.id for rules in every for item in rules.items))


def _answer(item: Item | None, answer: int | None, value: float | None, parts: Any, label: str | None) -> Answer:
    """An answer as it was read, from the columns of a table."""
    if parts is not None:
        is_whole = item is not None and item.form in ("multiple", "ranking")
        return tuple(int(part) for part in parts) if is_whole else tuple(parts)
    if answer is not None:
        return answer
    return label if value is None else value


class _Heard(Course):
    """A session whose answers are there: rounds become rows."""

    def __init__(
        self, session: Session, rows: dict[str, list[Any]], values: Sequence[str], moves: Sequence[str]
    ) -> None:
        super().__init__(session)
        self._rows, self._values, self._items = rows, values, moves

    def hear(self, given: Mapping[Key, Given]) -> None:
        """Go on as far as there are answers."""
        course, subject = self.run(), self.session.subject
        names = {player: subject(player) for player in self.session.players}
        try:
            asks = next(course)
            while True:
                answers = [given.get((names[a.player], a.turn.item.id, a.round, a.replicate)) for a in asks]
                known = [answer for answer in answers if answer is not None and answer.status != "failed"]
                if len(known) < len(asks):
                    return
                asks = course.send(known)
        except StopIteration:
            return

    def over(self, played: Played) -> None:
        """A row for every player."""
        session, rows, outcome = self.session, self._rows, played.outcome
        match = session.name if session.setting.groups == 1 else f"{session.name}-{played.group + 1}"
        for player in played.players:
            seat = self.seats[player[0]]
            is_at_fault = seat == played.broken_by
            row: dict[str, Any] = {
                "unit": session.name,
                "match": match,
                "treatment": session.arm or None,
                "seat": seat,
                "subject": session.subject(player),
                "role": session.cast[player[0]],
                "round": played.number,
                "payoff": None if outcome is None else float(outcome.payoffs[seat]),
                "illegal": is_at_fault and played.mark == "illegal",
                "invalid": played.mark if is_at_fault and played.mark != "illegal" else None,
                "ended": outcome is None,
                "why": played.why if is_at_fault and played.why else None,
            }
            for name, column in rows.items():
                if name in row:
                    column.append(row[name])
            for name in self._values:
                rows[name].append(None if outcome is None else outcome.values.get(name))
            for id in self._items:
                move = played.moves.get((seat, id))
                rows[f"move_{id}"].append(float(move) if isinstance(move, int | float) else None)
