"""The course of a session: who is asked what, in which order, and what the rules make of it; without a word said.

`matches` puts it into words and asks; `replay` runs it on what was answered. That the two share it is why payoffs are
never kept: they are what the rules say of the moves.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice
from typing import Literal, NamedTuple, cast

from proband.designs.games.matching import groups_in
from proband.designs.games.rules import Illegal, Outcome, Rules, Turn, Value, Words
from proband.designs.games.setting import Setting
from proband.instruments.items import Item
from proband.records import Answer, Status
from proband.seeds import uniform_for

MESSAGE = Item(id="message", text="Write a message of one or two sentences to the others.", form="text")
PREDICTION = Item(id="prediction", text="What do you predict the others will do?", form="text")
Kind = Literal["message", "prediction", "move"]
PAID = "points"  # unit of an item that is an amount of payoff, and is scaled with it
Player = tuple[int, int]  # its seat, and which of the session's players in that seat


class Ask(NamedTuple):
    """Something one player is asked."""

    kind: Kind
    player: Player
    turn: Turn
    round: int
    replicate: int  # how often this player was asked this item before in this round


class Given(NamedTuple):
    """What came back."""

    status: Status
    answer: Answer


Asking = Generator[list[Ask], Sequence[Given], None]


@dataclass(frozen=True, kw_only=True)
class Session:
    """Players who meet each other.

    Attributes
    ----------
    number : int
        By which it draws.
    arm : str
        Treatment, empty where there is one only.
    cast : tuple of str
        Role of each seat.
    length : int
        Rounds, if nothing ends it before.
    turn : int
        In which of the orders of options, and so of names, it stands.
    """

    number: int
    rules: Rules
    setting: Setting
    words: Words
    seed: int
    arm: str
    cast: tuple[str, ...]
    length: int
    turn: int

    @cached_property
    def name(self) -> str:
        """The unit of the roster."""
        return f"{'match' if self.setting.groups == 1 else 'session'}-{self.number:04d}"

    def subject(self, player: Player) -> str:
        """A player's name."""
        seat, k = player
        return f"{self.name}-{self.rules.seats[seat]}{f'-{k + 1}' if self.setting.groups > 1 else ''}"

    @property
    def players(self) -> list[Player]:
        """Everybody in it, group by group as they first stand in their seats."""
        return [(s, k) for k in range(self.setting.groups) for s in range(len(self.cast))]


class Played(NamedTuple):
    """A round of one group, over.

    Attributes
    ----------
    outcome : Outcome or None
        None where the match is over because of `broken_by`.
    moves : mapping
        (seat, item) -> the last move, as the rules were sent it.
    broken_by : str
        Seat whose move was not open, or could not be read; empty where the round was played through.
    mark : str
        ``illegal``, or the status of the answer that is none.
    why : str
        What the rules say of an illegal move.
    """

    group: int
    number: int
    players: tuple[Player, ...]
    outcome: Outcome | None
    moves: dict[tuple[str, str], Value]
    broken_by: str = ""
    mark: str = ""
    why: str = ""


Round_ = Generator[list[Ask], Sequence[Given], Played]


class Course:
    """A session as it goes on; subclasses hear of messages, predictions and rounds that are over."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.seats = session.rules.seats
        self._seat_of = {name: s for s, name in enumerate(self.seats)}
        # Only partners have a common past; rounds that a move broke have no quantities, and are left out.
        self._past: list[Outcome] = []

    def heard(self, number: int, groups: Sequence[tuple[Player, ...]], said: dict[Player, str | None]) -> None:
        """Messages were exchanged before a round."""

    def predicted(self, ask: Ask, given: Given) -> None:
        """A player said what it expects of the others."""

    def over(self, played: Played) -> None:
        """A group has played a round."""

    def run(self) -> Asking:
        """Round after round, until the last one or until a move ends it."""
        session, setting = self.session, self.session.setting
        groups = [tuple([(seat, 0) for seat in range(len(self.seats))])]
        for number in range(1, session.length + 1):
            if setting.groups > 1:
                indices = groups_in(
                    setting.matching, seats=len(self.seats), groups=setting.groups, round=number, seed=session.seed,
                    session=session.number,
                )  # fmt: skip
                groups = [tuple(enumerate(group)) for group in indices]
            for k in range(setting.chat):
                yield from self._chat(number, groups, k)
            if len(groups) == 1:
                results = [(yield from self._round(0, number, groups[0]))]
            else:
                results = yield from _together([self._round(k, number, group) for k, group in enumerate(groups)])
            is_over = False
            for played in results:
                self.over(played)
                if played.outcome is None:
                    is_over = True
                elif setting.groups == 1 and not played.broken_by:
                    self._past.append(played.outcome)
            if is_over:
                return

    def _chat(self, number: int, groups: Sequence[tuple[Player, ...]], replicate: int) -> Asking:
        """Every player writes to the others of its group, all at the same time."""
        everybody = [player for group in groups for player in group]
        turns = [Turn(seat=self.seats[seat], item=MESSAGE) for seat, _ in everybody]
        given = yield [
            Ask("message", player, turn, number, replicate) for player, turn in zip(everybody, turns, strict=True)
        ]
        # Who writes nothing that can be read has said nothing.
        said = {p: str(g.answer) if g.status == "valid" else None for p, g in zip(everybody, given, strict=True)}
        self.heard(number, groups, said)

    def _round(self, group: int, number: int, players: tuple[Player, ...]) -> Round_:
        """One round of one group."""
        session, predicts = self.session, self.session.setting.think == "predict"
        scale = session.setting.scale
        asked: dict[tuple[str, str], int] = {}
        moves: dict[tuple[str, str], Value] = {}
        broken: tuple[str, str, str] | None = None
        steps = session.rules.play(
            session.words,
            self._past,
            lambda *place: uniform_for(session.seed, "chance", session.number, group, number, *place),
        )
        try:
            turns = next(steps)
            while broken is None:
                open_ = (turns,) if isinstance(turns, Turn) else tuple(turns)
                if predicts:
                    yield from self._predict(open_, number, players, asked)
                given = yield [self._ask("move", turn, turn.item, number, players, asked) for turn in open_]
                sent: dict[str, Value] = {}
                for turn, (status, answer) in zip(open_, given, strict=True):
                    if status != "valid":
                        broken = broken or (turn.seat, status, "")
                        continue
                    value = unscaled(turn.item, answer, scale)
                    sent[turn.seat] = moves[turn.seat, turn.item.id] = value
                if broken is None:
                    turns = steps.send(sent)
        except StopIteration as end:
            return Played(group=group, number=number, players=players, outcome=end.value, moves=moves)
        except Illegal as found:
            broken = found.seat, "illegal", str(found)
        steps.close()
        seat, mark, why = broken
        return Played(
            group=group, number=number, players=players, moves=moves, broken_by=seat, mark=mark, why=why,
            # Nobody can play on with somebody who is not there.
            outcome=self._forfeit() if session.setting.illegal == "forfeit" and mark != "left" else None,
        )  # fmt: skip

    def _ask(
        self, kind: Kind, turn: Turn, item: Item, number: int, players: tuple[Player, ...],
        asked: dict[tuple[str, str], int],
    ) -> Ask:  # fmt: skip
        key = (turn.seat, item.id)
        replicate = asked.get(key, 0)
        asked[key] = replicate + 1
        return Ask(kind, players[self._seat_of[turn.seat]], turn, number, replicate)

    def _predict(
        self, open_: Sequence[Turn], number: int, players: tuple[Player, ...], asked: dict[tuple[str, str], int]
    ) -> Asking:
        """Before they move, players say what the others will do who move at the same time."""
        asks = []
        for turn in open_:
            other = next((other for other in open_ if other.seat != turn.seat), None)
            item = prediction_of(None if other is None else other.item)
            asks.append(self._ask("prediction", replace(turn, item=item), item, number, players, asked))
        given = yield asks
        for ask, answer in zip(asks, given, strict=True):
            self.predicted(ask, answer)

    def _forfeit(self) -> Outcome:
        """A round that counts for nothing."""
        told = "The round does not count, because somebody made no move that is open."
        return Outcome(payoffs=dict.fromkeys(self.seats, 0.0), told=dict.fromkeys(self.seats, told))


def _together(rounds: Sequence[Round_]) -> Generator[list[Ask], Sequence[Given], list[Played]]:
    """The rounds of several groups side by side: each step asks all that is open."""
    results: dict[int, Played] = {}
    open_: list[tuple[int, list[Ask]]] = []
    waiting: list[tuple[int, Sequence[Given] | None]] = [(k, None) for k in range(len(rounds))]
    while waiting:
        open_ = []
        for k, given in waiting:
            try:
                open_.append((k, next(rounds[k]) if given is None else rounds[k].send(given)))
            except StopIteration as end:
                results[k] = end.value
        if not open_:
            break
        answers = iter((yield [ask for _, asks in open_ for ask in asks]))
        waiting = [(k, list(islice(answers, len(asks)))) for k, asks in open_]
    return [results[k] for k in range(len(rounds))]


@lru_cache(256)
def prediction_of(item: Item | None) -> Item:
    """What a player is asked of another's move, in the terms of that move."""
    if item is None:
        return PREDICTION
    text = (
        "What do you predict the other will choose?" if item.options else "What do you predict the other will answer?"
    )
    return replace(item, id=f"{PREDICTION.id}-{item.id}", text=text, stem="")


def unscaled(item: Item, answer: Answer, scale: float) -> Value:
    """An answer in the numbers that the rules count in."""
    value = cast(Value, answer)
    if item.form not in ("number", "allocation") or isinstance(value, str):
        return value
    by = scale if item.unit == PAID else 1.0
    if isinstance(value, tuple):
        return tuple(round(part / by, 9) for part in value)
    # A whole number, which may be stored without its decimals, is the same number.
    return float(value) if by == 1 else round(value / by, 9)
