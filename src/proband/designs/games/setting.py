"""Everything around the rules of a game, as the study file says it: the keys that all games share."""

import re
from typing import Any, Literal

from pydantic import Field

from proband.designs.games.matching import Matching, check_matching
from proband.designs.games.rules import Rules
from proband.designs.kinds.survey import WritingTable
from proband.errors import DesignError, meant
from proband.files import Table
from proband.records import Method
from proband.subjects.personas import PersonaFormat

CONTROL = "control"


class Setting(Table):
    """Sessions, rounds, players, words, and what is told; see `docs/reference/study-file.md`."""

    matches: int = Field(
        default=20, description="how many groups of players, each a session of its own; of a round robin, how many of "
        "every pair of players; of strangers, how many sessions"
    )  # fmt: skip
    groups: int = Field(default=1, description="of strangers: how many groups make a session and are mixed anew")
    rounds: int | None = Field(
        default=None, description="rounds of every match, 1 by default; the most with `continues`"
    )
    continues: float | None = Field(
        default=None, description="probability that another round follows, instead of a known number of them"
    )
    matching: Matching = Field(
        default="partner",
        description="`partner`: the same group in every round. `stranger`: drawn anew every round. `perfect_stranger`: "
        "nobody meets twice. `round_robin`: every two of `players`",
    )
    players: dict[str, str] | list[str] | str | None = Field(
        default=None,
        description="seat -> role, a role for each seat, or one for all; a role is played by the engine of that name. "
        "By default a seat is its own role, and seats that differ by a number share one. Of a round robin, the players",
    )
    treatments: dict[str, dict[str, Any]] = Field(
        default={}, description="name -> any of these keys with other values; the control is the game as it stands"
    )
    names: str | list[str] | dict[str, str] = Field(
        default="letters",
        description="`letters`: neutral ones, counterbalanced over matches. `own`: as the game calls its moves. A list "
        "of names instead of letters, or a table: move -> name",
    )
    unit: str = Field(default="points", description="of payoffs, as players read it")
    scale: float = Field(default=1.0, description="what players read is so many times the game's payoffs")
    story: dict[str, str] = Field(default={}, description="a word or sentence of the game -> what is said instead")
    chat: int = Field(default=0, description="free messages of every player to the others before each round")
    information: Literal["full", "own", "none"] = Field(
        default="full", description="what players learn of past rounds: all that the game tells, own payoff, nothing"
    )
    history: Literal["all"] | int = Field(default="all", description="how many of the last rounds are told")
    illegal: Literal["end", "forfeit"] = Field(
        default="end",
        description="after a move that is not open, or none that can be read: the match is over (of strangers "
        "the session), or nobody gets anything in that round",
    )
    think: Literal["none", "predict"] = Field(
        default="none", description="`predict`: before a move, each player is asked what the others will do"
    )
    answer_by: Method = Field(default="option_text", description="how a choice is answered; numbers are written")
    decide: Literal["draw", "mode"] = Field(
        default="draw", description="how one answer is taken from probabilities: by place, or the most probable option"
    )
    persona: PersonaFormat = Field(default="first", description="how people of a `[population]` are described")
    personas: list[str] | None = Field(default=None, description="roles that are played as people; by default all")
    writing: WritingTable = Field(default=WritingTable(), description="sampling of written replies")

    @property
    def is_repeated(self) -> bool:
        """Whether there can be a second round."""
        return self.continues is not None or (self.rounds or 1) > 1

    def check(self, rules: Rules) -> None:
        """Refuse what cannot be carried out."""
        seats = rules.seats
        if len(set(seats)) < len(seats) or not seats:
            raise DesignError(
                f"players: the seats are {', '.join(seats) or 'none'}; every player needs a name of its own"
            )
        for name, value, least in (
            ("matches", self.matches, 1),
            ("groups", self.groups, 1),
            ("rounds", 1 if self.rounds is None else self.rounds, 1),
            ("chat", self.chat, 0),
            ("history", 1 if self.history == "all" else self.history, 1),
        ):
            if value < least:
                raise DesignError(f"{name} is {value}; it must be at least {least}")
        if self.continues is not None and not 0 < self.continues < 1:
            way_out = "rounds = 1 is a single round" if self.continues <= 0 else "rounds = N is a known end"
            raise DesignError(
                f"continues is {self.continues:g}; a random end needs a probability between 0 and 1: {way_out}"
            )
        if not self.scale > 0:
            raise DesignError(f"scale is {self.scale:g}; it must be above 0, or players read the opposite of the game")
        roles = self.cast(rules)
        if self.personas is not None and (strange := [name for name in self.personas if name not in roles]):
            raise DesignError(
                f"personas: {strange[0]!r} is no role{meant(strange[0], roles)}; there are {', '.join(roles)}"
            )
        check_matching(self.matching, seats=len(seats), groups=self.groups, rounds=1)

    def cast(self, rules: Rules) -> tuple[str, ...]:
        """The role of each seat; of a round robin, its players."""
        given, seats = self.players, rules.seats
        if self.matching == "round_robin":
            if len(seats) != 2 or not isinstance(given, list) or len(given) < 2:
                raise DesignError(
                    f'matching = "round_robin" is for games of two, and this one has {len(seats)} seats; name at least '
                    'two players, e.g. players = ["model", "tit-for-tat"]'
                )
            if twice := [name for name in given if given.count(name) > 1]:
                raise DesignError(f"players: {twice[0]!r} is there twice; give every player a name of its own")
            return tuple(given)
        if given is None:
            return tuple(re.sub(r"[ -]?\d+$", "", seat) or seat for seat in seats)
        if isinstance(given, str):
            return (given,) * len(seats)
        if isinstance(given, list):
            if len(given) != len(seats):
                raise DesignError(
                    f"players: {len(given)} roles for the {len(seats)} seats {', '.join(seats)}; give one each"
                )
            return tuple(given)
        for seat in given:
            if seat not in seats:
                raise DesignError(f"players: no seat {seat!r}{meant(seat, seats)}; there are {', '.join(seats)}")
        return tuple(given.get(seat, seat) for seat in seats)
