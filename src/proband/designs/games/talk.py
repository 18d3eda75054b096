"""A session put into words: what its players are told and asked, and what they answered."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import cast

from proband.designs.games.asking import Arm
from proband.designs.games.course import Ask, Course, Given, Played, Player, Session
from proband.designs.process import Stalled, Steps
from proband.records import Message, Place, Trial
from proband.subjects.personas import Subject, code_text


class Talk(Course):
    """The course of a session, with what every player has heard so far; each round adds one line to it."""

    def __init__(self, arm: Arm, session: Session, people: Mapping[Player, Subject]) -> None:
        super().__init__(session)
        self.arm = arm
        players, setting = session.players, session.setting
        self._subjects = {player: session.subject(player) for player in players}
        self._systems = {p: arm.system(session.turn, self.seats[p[0]], people.get(p)) for p in players}
        traits = {p: tuple((name, code_text(code)) for name, code in sorted(people[p].traits.items())) for p in people}
        last = None if setting.history == "all" else setting.history
        self._last: dict[Player, deque[str]] | None = None if last is None else {p: deque(maxlen=last) for p in players}
        self._says_round = setting.is_repeated
        is_told = setting.is_repeated and setting.continues is None
        known: tuple[tuple[str, str], ...] = (("rounds", str(session.length)),) if is_told else ()
        known += (("treatment", session.arm),) if session.arm else ()
        self._known = {p: (("seat", self.seats[p[0]]), *known, *traits.get(p, ())) for p in players}
        self._has_numbers = any(item.form == "number" for item in session.rules.items)
        self._history = dict.fromkeys(players, "")
        self._heard = dict.fromkeys(players, "")
        self._put: dict[Player, Message] = {}  # the question of a prediction, until it is answered
        self._guess: dict[Player, tuple[Message, Message]] = {}
        self._last_numbers: dict[tuple[Player, str], tuple[tuple[str, str], ...]] = {}
        self._moves: dict[Player, str] = dict.fromkeys(players, "")
        self._others: dict[Player, str] = dict.fromkeys(players, "")

    def steps(self) -> Steps:
        """The session as a process."""
        course = self.run()
        try:
            asks = next(course)
            while True:
                trials = [self._trial(ask) for ask in asks]
                answers = yield trials
                given = []
                for trial in trials:
                    response = answers[trial]
                    if response.status == "failed":
                        raise Stalled(f"{trial.id}: the call for this move failed, so the match cannot go on")
                    given.append(Given(response.status, response.answer))
                asks = course.send(given)
        except StopIteration:
            return

    def _trial(self, ask: Ask) -> Trial:
        player, turn, arm = ask.player, ask.turn, self.arm
        shown = arm.shown(turn.item, self.session.turn)
        place = Place(subject=self._subjects[player], item=turn.item.id, round=ask.round, replicate=ask.replicate)
        guess = self._guess.pop(player, None) if ask.kind == "move" else None
        if guess is None:
            before = "\n\n".join([part for part in (self._history[player], self._now(ask)) if part])
            message = Message("user", f"{before}\n\n{shown.text}" if before else shown.text)
            messages: tuple[Message, ...] = (self._systems[player], message)
            if ask.kind == "prediction":
                self._put[player] = message
        else:
            before = f"You predicted: {guess[1].text}"
            messages = (self._systems[player], *guess, Message("user", f"Given what you predict:\n\n{shown.text}"))
        return Trial(
            place=place,
            request=shown.request(messages, place),
            reply=shown.reply(place),
            answerer=self.session.cast[player[0]],
            facts=self._facts(ask),
            card=shown.told(before, self._systems[player].text),
        )

    def _now(self, ask: Ask) -> str:
        """Which round it is, what was said before it, and what the rules tell this player for its turn."""
        number = f"Round {ask.round}." if self._says_round else ""
        return "\n".join([part for part in (number, self._heard[ask.player], ask.turn.told) if part])

    def _facts(self, ask: Ask) -> tuple[tuple[str, str], ...]:
        """What scripted players may read: seat, treatment, round, what the turn says, past moves of one digit each."""
        player = ask.player
        facts = (*self._known[player], ("round", str(ask.round)), *ask.turn.facts)
        if self._moves[player]:
            facts += (("own_moves", self._moves[player]), ("other_moves", self._others[player]))
        return facts + self._last_numbers.get((player, ask.turn.item.id), ()) if self._has_numbers else facts

    def heard(self, number: int, groups: Sequence[tuple[Player, ...]], said: Mapping[Player, str | None]) -> None:
        """Everybody reads what the others of its group wrote."""
        for group in groups:
            for player in group:
                lines = [f"You wrote: {said[player] or '(nothing)'}"]
                for other in group:
                    if other != player:
                        lines.append(f"{self.seats[other[0]].capitalize()} wrote: {said[other] or '(nothing)'}")
                self._heard[player] = "\n".join([part for part in (self._heard[player], *lines) if part])

    def predicted(self, ask: Ask, given: Given) -> None:
        """What a player predicts stands before its move, as something it has said."""
        if given.status != "valid":
            return
        item, answer = ask.turn.item, given.answer
        said = (
            self.session.words.move(item.options[answer]) if item.options and isinstance(answer, int) else str(answer)
        )
        self._guess[ask.player] = self._put.pop(ask.player), Message("assistant", said)

    def over(self, played: Played) -> None:
        """A round becomes a line of what its players were told."""
        outcome = played.outcome
        if outcome is None:
            return
        information, words = self.session.setting.information, self.session.words
        digits = self._digits(played)
        if self._has_numbers:
            self._numbers(played)
        for player in played.players:
            seat = self.seats[player[0]]
            self._heard[player] = ""
            if digits:
                self._moves[player] += digits[player[0]]
                self._others[player] += digits[1 - player[0]]
            if information == "none":
                continue
            told = outcome.told.get(seat, "") if information == "full" else ""
            line = f"Round {played.number}: {told or f'you got {words.points(outcome.payoffs[seat])}.'}"
            if self._last is None:
                self._history[player] += f"\n{line}" if self._history[player] else line
            else:
                self._last[player].append(line)
                self._history[player] = "\n".join(self._last[player])

    def _numbers(self, played: Played) -> None:
        """What each player said last, and the others on average, where all named a number on the same item."""
        named = {(seat, id): move for (seat, id), move in played.moves.items() if isinstance(move, float)}
        for player in played.players if len(named) > 1 else ():
            seat = self.seats[player[0]]
            for (_, id), move in [pair for pair in named.items() if pair[0][0] == seat]:
                others = [other for (by, asked), other in named.items() if asked == id and by != seat]
                if others:
                    last = (("own_last", move), ("others_last", sum(others) / len(others)))
                    self._last_numbers[player, id] = tuple([(name, f"{x * self._scale(id):.10g}") for name, x in last])

    def _scale(self, id: str) -> float:
        return self.session.setting.scale if id in self.arm.paid else 1.0

    def _digits(self, played: Played) -> list[str]:
        """Of a round in which two players chose once each among a few options, the digit of each one's choice."""
        moves = played.moves
        if len(self.seats) != 2 or len(moves) != 2:
            return []
        found = {seat: _DIGITS.get(move) if type(move) is int else None for (seat, _), move in moves.items()}
        digits = [found.get(seat) for seat in self.seats]
        return [] if None in digits else cast(list[str], digits)


_DIGITS: Mapping[object, str] = {k: str(k) for k in range(10)}
