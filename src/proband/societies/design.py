"""A society as a design: any world, so many times over, under so many arms, on the loop of all studies."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from proband.designs.design import Design, Stage
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.records import Place, Response, Trial
from proband.roster import Member, Roster
from proband.societies.asking import OUTSIDE, Asking
from proband.societies.keeping import Keeper, is_kept
from proband.societies.life import Arm, Life, Watcher, Wave, in_order, replay
from proband.societies.rehearsal import Rehearsal, rehearse
from proband.societies.world import World
from proband.store.journal import Journal


@dataclass(frozen=True, kw_only=True)
class Society(Design):
    """Societies of one world; each is an independent unit, and all advance together.

    Attributes
    ----------
    world : World
        How a society goes where nothing is changed.
    seed : int
        Root of all randomness.
    societies : int
        How many.
    arms : tuple of Arm
        Ways in which each society goes on from some round, beside the one where nothing is changed.
    waves : tuple of Wave
        Surveys inside the world.
    asking : Asking
        How everybody is asked.
    scenario : str
        Name by which the world is found again; empty for one that is on no shelf.
    settings : mapping
        Of the scenario, as plain values, for the manifest.
    made_of : mapping
        The study file, where it was made of one: ``study``, ``folder``, ``sample``.
    noted : mapping
        What a run keeps beside, e.g. of which battery it is.
    """

    kind: ClassVar[str] = "society"
    unit: ClassVar[str] = "society"

    world: World
    seed: int
    societies: int = 1
    arms: tuple[Arm, ...] = ()
    waves: tuple[Wave, ...] = ()
    asking: Asking
    title: str = ""
    scenario: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    made_of: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    noted: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.societies < 1:
            raise DesignError(f"societies is {self.societies}; there must be at least 1")
        names = [arm.name for arm in self.arms]
        if "" in names or len(set(names)) < len(names):
            raise DesignError("arms need names, each its own; the one where nothing is changed has none")
        for arm in self.arms:
            if not 1 <= arm.from_round <= self.world.rounds:
                raise DesignError(
                    f"arm {arm.name!r} begins in round {arm.from_round}, and there are {self.world.rounds}; let it "
                    "fork at one of them"
                )
        for wave in self.waves:
            if not 0 <= wave.after <= self.world.rounds:
                raise DesignError(
                    f"a survey after round {wave.after}, and there are {self.world.rounds} (0: before all)"
                )
        self._turn_apart()
        in_order(self.by_arm)

    def _turn_apart(self) -> None:
        """Refuse items of one id that are two: a turn and an item of a survey, e.g."""
        turns = {item.id for item in self.world.items}
        for wave in self.waves:
            if both := sorted(turns & {item.id for item in wave.items}):
                raise DesignError(
                    f"{both[0]!r} is a turn of the world and an item of a survey inside it; give one another id, for "
                    "an answer that changes the world is not one that must not"
                )

    @property
    def name(self) -> str:
        """Title of the study, or the name of the scenario."""
        return self.title or self.scenario.replace("-", " ") or "society"

    @cached_property
    def by_arm(self) -> Mapping[str, Arm]:
        """Every arm by name, the one where nothing is changed first, under the empty name."""
        return {"": Arm(name="", world=self.world), **{arm.name: arm for arm in self.arms}}

    @property
    def items(self) -> Mapping[str, Item]:
        """Everything that may be asked, in the world and about it."""
        asked = [item for arm in self.by_arm.values() for item in arm.world.items]
        return {item.id: item for item in [*asked, *(item for wave in self.waves for item in wave.items)]}

    def lives(self, watcher: Watcher | None = None) -> Iterator[Life]:
        """The societies, each from its beginning."""
        arms = [self.by_arm[name] for name in in_order(self.by_arm)]
        return (Life(number, arms, self.asking, self.waves, watcher) for number in range(self.societies))

    def processes(self) -> Iterator[Life]:
        """The societies."""
        return self.lives()

    def process_units(self) -> Iterator[str]:
        """The societies, by name."""
        return map(_unit, range(self.societies))

    def replay(self, answered: Mapping[str, Response], watcher: Watcher) -> None:
        """Go through all societies as far as some answers take them, with somebody looking on."""
        lives = replace(self, waves=()).lives(watcher)  # what a survey inside the world found is no part of it
        if isinstance(answered, Journal):
            replay(lives, lambda places: {id: found for id, (found, _) in answered.answers(places).items()})
        else:
            replay(lives, lambda places: {place.id: answered[place.id] for place in places if place.id in answered})

    def treatment(self) -> str:
        """Digest of everything that decides what happens, the code of worlds and of this room among it."""
        worlds = [arm.world for arm in self.by_arm.values()]
        parts = {part for world in worlds for part in type(world).__mro__[:-1]}
        files = {_file_of(part) for part in parts} | {str(path) for path in Path(__file__).parent.rglob("*.py")}
        nowhere = [_code_of(part) for part in sorted(parts, key=lambda part: part.__qualname__) if not _file_of(part)]
        told = [
            *(np.__version__, self.describe(), self.made_of, self.asking, self.waves),
            *([*map(_settings_of, worlds)], nowhere),
        ]
        whole = blake2b(repr(told).encode(), digest_size=16)
        for path in sorted(files - {""}):
            whole.update(Path(path).read_bytes())
        return whole.hexdigest()

    def keep(self, answered: Mapping[str, Response], folder: Path, *, anew: bool) -> None:
        """Write the tables of what happened, where there is something new or they are not there."""
        if anew or not is_kept(folder):
            keeper = Keeper()
            self.replay(answered, keeper)
            keeper.write(folder)

    @property
    def source(self) -> Mapping[str, object]:
        """The study file that it was made of."""
        return self.made_of

    @cached_property
    def rehearsed(self) -> Rehearsal:
        """One society, all its arms together, played with answers drawn at random."""
        if not self.items:
            return Rehearsal(counts={}, sample={})
        return rehearse(next(iter(replace(self, societies=1).lives())), self.world.rounds)

    def size(self) -> int:
        """Everything asked, if all societies ask as much as one that was rehearsed."""
        return self.societies * sum(self.rehearsed.counts.values())

    def preview(self) -> Sequence[Trial]:
        """Some of what one society asks when it is rehearsed, round by round."""
        return [trial for round in sorted(self.rehearsed.sample) for trial in self.rehearsed.sample[round]]

    def stages(self) -> Sequence[Stage]:
        """Early, middle and late rounds: later prompts are longer where agents remember."""
        counts, rounds = self.rehearsed.counts, sorted(self.rehearsed.counts)
        parts = [list(part) for part in np.array_split(rounds, min(3, len(rounds)))] if rounds else []
        return [
            Stage(
                name=f"round {part[0]}" if part[0] == part[-1] else f"rounds {part[0]}-{part[-1]}",
                size=self.societies * sum(counts[round] for round in part),
                sample=[trial for round in part for trial in self.rehearsed.sample[round]],
            )
            for part in parts
        ]

    def notes(self) -> tuple[str, ...]:
        """How the numbers were found."""
        return ("One society was played with answers drawn at random; others ask more or less.",) if self.items else ()

    def n_units(self) -> int:
        """Societies, whoever is asked in them."""
        return self.societies

    @property
    def within(self) -> tuple[str, ...]:
        """Arms are compared within societies, which go through all of them."""
        return ("arm",) if self.arms else ()

    def roster(self) -> Roster:
        """Everybody who may be asked: the society is the unit, because what one does depends on the others in it."""
        members: list[Member] = []
        # Those of arms too: where rules decide and an arm asks, or where an arm begins with other people.
        worlds = [arm.world for arm in self.by_arm.values() if arm.world.items or not arm.name]
        for number in range(self.societies):
            unit, found = _unit(number), dict[str, Member]()
            for world in worlds:
                state = world.begin(number)
                people = [(str(person.agent), person.role, person.traits or {}) for person in world.people(state)]
                for name, role, traits in [*people, *((name, "", {}) for name in world.archetypes(state))]:
                    subject = f"{number}.{name}"
                    found.setdefault(subject, Member(subject=subject, unit=unit, role=role, traits=traits))
            members += found.values()
            if self.items and any(arm.world.outside for arm in self.by_arm.values()):
                members.append(Member(subject=f"{number}.{OUTSIDE}", unit=unit, role=OUTSIDE))
        return Roster(members)

    def roles(self) -> tuple[str, ...]:
        """The engines that are needed, by role, as the worlds name them."""
        return tuple(dict.fromkeys(role for arm in self.by_arm.values() for role in arm.world.roles())) or ("",)

    def describe(self) -> Mapping[str, object]:
        """Everything that defines it, as plain values."""
        return {
            **self.noted,
            "design": self.kind, "title": self.name, "seed": self.seed, "societies": self.societies,
            "scenario": self.scenario, "keys": dict(self.settings), "rounds": self.world.rounds,
            "arms": {arm.name: {"from_round": arm.from_round, "parent": arm.parent} for arm in self.arms},
        }  # fmt: skip

    def place_of_round(self, place: Place) -> int:
        """The round that a place belongs to; of a survey inside the world, the one after which it was put."""
        return int(dict(place.condition).get("wave", place.round))


def _unit(number: int) -> str:
    return f"society {number + 1}"


def _settings_of(world: World) -> list[tuple[str, str]]:
    """What a world was made with, without what it has computed since."""
    own = {name: value for name, value in vars(world).items() if not _is_computed(type(world), name)}
    return sorted(
        (name, repr(value.tolist() if isinstance(value, np.ndarray) else value)) for name, value in own.items()
    )


def _file_of(kind: type) -> str:
    """The file that a class is written in; empty for one of a console or a notebook."""
    try:
        path = inspect.getsourcefile(kind) or ""
    except (TypeError, OSError):
        return ""
    return path if Path(path).is_file() else ""


def _code_of(kind: type) -> list[tuple[str, bytes, str]]:
    """What the methods of such a class do."""
    found = [(name, getattr(part, "fget", part)) for name, part in sorted(vars(kind).items())]
    codes = [(name, getattr(part, "__code__", None)) for name, part in found]
    # Constants may hold code of their own, which is called by its address; names and plain values tell enough apart.
    return [
        (name, code.co_code, repr([value for value in code.co_consts if not inspect.iscode(value)] + [*code.co_names]))
        for name, code in codes
        if code is not None
    ]


def _is_computed(kind: type, name: str) -> bool:
    return isinstance(inspect.getattr_static(kind, name, None), cached_property)
