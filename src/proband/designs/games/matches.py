"""Matches: any game's rules played by sessions of players, thousands advancing together, each as soon as it can."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, cast

from pydantic import BaseModel, create_model

from proband.designs.assignment import assign
from proband.designs.design import Design
from proband.designs.games.asking import Arm
from proband.designs.games.course import Session
from proband.designs.games.game import Game
from proband.designs.games.matching import check_matching
from proband.designs.games.rules import Rules
from proband.designs.games.setting import CONTROL, Setting
from proband.designs.games.talk import Talk
from proband.designs.hypotheses import check_ethics
from proband.designs.kind import Shared
from proband.designs.process import Steps
from proband.errors import DesignError
from proband.files import checked
from proband.instruments.items import Item
from proband.roster import Member, Roster
from proband.seeds import rng_for, uniform_for
from proband.subjects.personas import Subject
from proband.subjects.populations import Population

MOST_SESSIONS = 100_000  # they are held in memory


@dataclass(frozen=True, kw_only=True)
class Matches(Design):
    """Any game, with everything around its rules.

    Attributes
    ----------
    rules : Rules
        The game as the control plays it.
    setting : Setting
        Sessions, rounds, players, words.
    seed : int
        Root of all randomness.
    game : str
        Name by which the game is found again; empty for one that is on no shelf.
    population : Population or None
        People as whom players play.
    harms, ethics : tuple of str, mapping
        How it would harm people, were they to play, and what is said of that; see `Survey`.
    noted : mapping
        What a run keeps beside, e.g. of which battery it is.
    """

    kind: ClassVar[str] = "game"

    rules: Rules
    setting: Setting = field(default_factory=Setting)
    seed: int
    title: str = ""
    game: str = ""
    population: Population | None = None
    harms: tuple[str, ...] = ()
    ethics: Mapping[str, str] = field(default_factory=dict)
    noted: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_ethics(self.harms, self.ethics)
        for one in self.by_arm.values():
            one.check()
        n_arms, n = len(self.by_arm), len(self.sessions)
        if n_arms > n:
            raise DesignError(f"{n} sessions for {n_arms} treatments (with the control); play more, or vary less")
        for session in self.sessions:
            setting, seats = session.setting, len(session.cast)
            check_matching(setting.matching, seats=seats, groups=setting.groups, rounds=session.length)
        if self.population is not None and len(self.population) < self._n_people:
            raise DesignError(
                f"[population]: {len(self.population)} people for the {self._n_people} players of a session, and "
                "nobody plays with themselves; take more"
            )

    @property
    def unit(self) -> str:  # type: ignore[override]  # a session of one group is a match
        """What an independent unit is called."""
        return "match" if self.setting.groups == 1 else "session"

    @property
    def name(self) -> str:
        """Title of the study, or the name of the game."""
        return self.title or (self.game or type(self.rules).__name__).replace("-", " ")

    @cached_property
    def by_arm(self) -> Mapping[str, Arm]:
        """What each treatment is played by, the control first."""
        plain = self.setting.model_copy(update={"treatments": {}})
        control = Arm(rules=self.rules, setting=plain, seed=self.seed, population=self.population)
        found = {CONTROL: control}
        for arm, keys in self.setting.treatments.items():
            at = f"game.treatments.{arm}"
            if arm == CONTROL:
                raise DesignError(f"[{at}]: the control is the game as it stands; give the treatment another name")
            found[arm] = control.changed(keys, at)
            for other, known in found.items():
                if other != arm and (known.rules, known.setting) == (found[arm].rules, found[arm].setting):
                    raise DesignError(f"[{at}] is the same game as {other!r}; change a key, or take it out")
        return found

    @cached_property
    def sessions(self) -> Sequence[Session]:
        """Everybody who meets, with the treatment, the words and the number of rounds of each."""
        arms = list(self.by_arm)
        pairs: list[tuple[str, ...] | None] = [None]
        if self.setting.matching == "round_robin":
            names = self.setting.cast(self.rules)
            pairs = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
        if (n := len(pairs) * self.setting.matches) > MOST_SESSIONS:
            raise DesignError(f"{n:,} matches; at most {MOST_SESSIONS:,} are played in a run: lower `matches`")
        # Of two who meet several times, each sits as often in one seat as in the other.
        drawn = [p[::-1] if p and k % 2 else p for p in pairs for k in range(self.setting.matches)]
        numbers = list(map(str, range(len(drawn))))
        assigned = assign(numbers, arms, self.seed, factor="treatment") if len(arms) > 1 else {}
        met = dict.fromkeys(arms, 0)
        found = []
        for number, pair in enumerate(drawn):
            name = assigned.get(str(number), CONTROL)
            arm = self.by_arm[name]
            turn = arm.first_turn + met[name]
            met[name] += 1
            found.append(
                Session(
                    number=number, rules=arm.rules, setting=arm.setting, words=arm.words(turn), turn=turn,
                    seed=self.seed, arm=name if assigned else "", length=self._length(number, arm.setting),
                    cast=pair or arm.setting.cast(arm.rules),
                )
            )  # fmt: skip
        return found

    def _length(self, number: int, setting: Setting) -> int:
        """Rounds of a session: as many as are said, or as its place draws."""
        p, most = setting.continues, setting.rounds
        if p is None:
            return most or 1
        length = 1
        while (most is None or length < most) and uniform_for(self.seed, "goes on", number, length) < p:
            length += 1
        return length

    @property
    def items(self) -> Mapping[str, Item]:
        """Everything that may be asked."""
        found: dict[str, Item] = {}
        for arm in self.by_arm.values():
            found |= {item.id: item for item in arm.items}
        return found

    def processes(self) -> Iterator[Steps]:
        """The sessions."""
        return (self._session(session) for session in self.sessions)

    def _session(self, session: Session) -> Steps:
        return Talk(self.by_arm[session.arm or CONTROL], session, self.people_of(session)).steps()

    def people_of(self, session: Session) -> Mapping[tuple[int, int], Subject]:
        """The person as whom each player plays; empty where players are nobody in particular."""
        if self.population is None:
            return {}
        only = session.setting.personas
        players = [p for p in session.players if only is None or session.cast[p[0]] in only]
        start = session.number * len(session.players)
        return {player: self._people[(start + k) % len(self._people)] for k, player in enumerate(players)}

    @cached_property
    def _people(self) -> Sequence[Subject]:
        assert self.population is not None
        order = rng_for(self.seed, "people").permutation(len(self.population))
        return [self.population[int(k)] for k in order]

    @property
    def _n_people(self) -> int:
        return max(len(session.players) for session in self.sessions)

    def size(self) -> int:
        """Everything asked, if all sessions go to their end and every round has the most turns seen in rehearsal."""
        return sum(
            session.length * session.setting.groups * self.by_arm[session.arm or CONTROL].most_turns
            for session in self.sessions
        )

    def roster(self) -> Roster:
        """Every player: the session is the unit, because what one does depends on the others in it."""
        return Roster(
            [
                Member(
                    subject=session.subject(player), unit=session.name, role=session.cast[player[0]], arm=session.arm,
                    traits={"seat": session.rules.seats[player[0]], **_traits(people.get(player))},
                )
                for session in self.sessions
                for people in [self.people_of(session)]
                for player in session.players
            ]
        )  # fmt: skip

    def roles(self) -> tuple[str, ...]:
        """Who plays, by role."""
        return tuple(dict.fromkeys(role for session in self.sessions for role in session.cast))

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the game; `replay` makes the design anew from it."""
        keys = {**self.rules.model_dump(mode="json"), **self.setting.model_dump(mode="json")}
        own = {
            "design": "matches",
            "game": self.game or type(self.rules).__qualname__,
            "title": self.name,
            "seed": self.seed,
        }
        people = {} if self.population is None else {"population": self.population.name}
        said = {"harms": list(self.harms), "ethics": dict(self.ethics)}
        return {**self.noted, **own, **people, **{name: value for name, value in said.items() if value}, **keys}


def _traits(person: Subject | None) -> dict[str, Any]:
    return {} if person is None else {"person": person.id, **person.traits}


def game_of(rules: type[Rules]) -> Game:
    """The game that some rules are, for a study file: their keys, and those that all games share.

    It is called what its module is called, and its file says ``GAME = game_of(ItsRules)``.
    """
    name = rules.__module__.rpartition(".")[2].replace("_", "-")
    if both := sorted(set(rules.model_fields) & set(Setting.model_fields)):
        raise DesignError(f"game {name!r}: its key {both[0]!r} is one that every game has; name it otherwise")

    def make(shared: Shared, table: BaseModel) -> Matches:
        given = table.model_dump(exclude_unset=True)
        own, setting = (
            checked(
                part, {k: given[k] for k in given if k in part.model_fields}, shared.where, error=DesignError, at="game"
            )
            for part in (rules, Setting)
        )
        return Matches(
            rules=cast(Rules, own), setting=cast(Setting, setting), seed=shared.seed, title=shared.title, game=name,
            population=shared.population, harms=shared.harms, ethics=shared.ethics,
        )  # fmt: skip

    keys: dict[str, Any] = {key: (info.annotation, info) for key, info in rules.model_fields.items()}
    table = create_model(rules.__name__, __base__=Setting, **keys)
    return Game(name=name, about=rules.about, keys=table, make=make, takes_people=True)
