"""A person at this terminal, asked one question after another."""

import sys
from collections.abc import Callable, Iterator, Sequence

from proband.errors import EngineError
from proband.models.engine import Ability, BaseEngine, Cost
from proband.records import Completion, Trial

_RULE = "─" * 60


class TerminalEngine(BaseEngine):
    """Writes what is asked to stderr, and reads a line of stdin; replies are read by the rules for written ones.

    An empty line asks again, and so does one that is no answer. The end of the input (Ctrl-D) leaves the run as it is:
    every answer before is stored, and the same command goes on with the next question.

    Parameters
    ----------
    unread : callable
        Given a trial and what was typed, why that is no answer and what would be one; empty where it is an answer.
    """

    abilities: frozenset[Ability] = frozenset({"given"})
    lane = "terminal"

    def __init__(self, unread: Callable[[Trial, str], str]) -> None:
        self.address = "terminal"
        self._unread = unread
        self._told: set[tuple[str, str]] = set()  # what was told to whom before its first question

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Put each trial to the person, and wait."""
        for trial in trials:
            self._say(trial)
            yield trial, Completion(text=self._line(trial))

    def cost(self, trials: Sequence[Trial]) -> Cost:
        """As long as it takes; free."""
        return Cost(price=0.0)

    def _say(self, trial: Trial) -> None:
        card, options = trial.card, trial.reply.options
        if card is None:
            *earlier, last = [message.text for message in trial.request.messages]
            about, before, words = "\n\n".join(earlier), "", last
        else:
            about, before, words = card.about, card.before, card.words
        key = (trial.place.subject, about)
        parts = [] if key in self._told or not about else [about]
        self._told.add(key)
        shown = [_RULE, *parts, before, words]
        # What a card does not list has to be seen all the same.
        shown += [f"({' | '.join(options)})"] if options and not all(option in words for option in options) else []
        sys.stderr.write("\n\n".join(part for part in shown if part) + "\n")

    def _line(self, trial: Trial) -> str:
        while True:
            sys.stderr.write("> ")
            sys.stderr.flush()
            try:
                said = input().strip()
            except EOFError:
                raise EngineError(
                    f"the input ended at {trial.id}; what was answered is kept: run the same command again to go on"
                ) from None
            if said and not (why := self._unread(trial, said)):
                return said
            if said:
                sys.stderr.write(f"{why}\n")
