"""A portrait: which batteries are asked, what that takes, and the runs of it, one a battery."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from proband.batteries.asked import asked, check
from proband.batteries.battery import BATTERIES, Battery, Discipline, Setting
from proband.designs.studies import Study
from proband.errors import DesignError, ProbandError, meant
from proband.models.engine import BaseEngine
from proband.runs import Budget, Plan, Run, carry_out, plan
from proband.runs.progress import Watch

DISCIPLINES: tuple[Discipline, ...] = ("psychology", "sociology", "economics", "politics", "linguistics")
SEED = 1
# What an engine must have for each need: one of these sets of abilities.
_ABLE: Mapping[str, tuple[frozenset[str], ...]] = {
    "options": (frozenset({"score"}), frozenset({"write"}), frozenset({"given"})),
    "continuations": (frozenset({"score"}),),
    "writing": (frozenset({"write"}), frozenset({"given"})),
    "moves": (frozenset({"score", "write"}), frozenset({"write"}), frozenset({"given"})),
}
_LACKS = {
    "continuations": "it needs log-probabilities of texts",
    "writing": "it needs written replies",
    "options": "it needs answers",
    "moves": "it needs moves",
}


@dataclass(frozen=True, kw_only=True)
class Sitting:
    """What a portrait asks: batteries of one engine, in one setting.

    Attributes
    ----------
    engine : BaseEngine
        Who is portrayed; opened once for all batteries.
    batteries : sequence of Battery
        In the order told.
    is_quick : bool
        Fewer items and contexts.
    seed : int
        Root of all randomness; the same in portraits that are compared.
    language : str
        BCP 47 tag.
    abilities : frozenset of str or None
        What the engine is taken to be able to do; None to look, which a server is asked for.
    """

    engine: BaseEngine
    batteries: Sequence[Battery]
    is_quick: bool = False
    seed: int = SEED
    language: str = "en"
    abilities: frozenset[str] | None = None

    def study(self, battery: Battery) -> Study:
        """The study of one battery.

        Raises
        ------
        DesignError
            If the battery cannot be asked so, or of this engine.
        """
        abilities: frozenset[str] = self.engine.abilities if self.abilities is None else self.abilities
        if not any(able <= abilities for able in _ABLE[battery.needs]):
            raise DesignError(f"{_LACKS[battery.needs]}, and {self.engine.address} gives none")
        setting = Setting(seed=self.seed, is_quick=self.is_quick, language=self.language)
        if battery.design is not None:
            check(battery, setting)
            return Study(battery.design(setting), self.engine)
        scores = bool({"score", "given"} & abilities)
        if not scores and "answer_by" not in battery.contexts:
            setting = Setting(**{**vars(setting), "contexts": {"answer_by": ("written",)}})
        both = abilities >= {"score", "write"} and battery.name in self._written
        knows = not self.is_quick and bool({"write", "given"} & abilities)
        return Study(asked(battery, setting, also_written=both, asks_awareness=knows), self.engine)

    @property
    def _written(self) -> set[str]:
        """Batteries that are answered in writing too: the first of each discipline, which tells how far that is."""
        first: dict[str, str] = {}
        for battery in self.batteries:
            if battery.needs == "options" and battery.instrument is not None and "answer_by" not in battery.contexts:
                first.setdefault(battery.discipline, battery.name)
        return set(first.values())


@dataclass(frozen=True, kw_only=True)
class Portrayed:
    """A battery that was asked, or why it could not be."""

    battery: Battery
    run: Run | None = None
    refused: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PortraitPlan:
    """What a portrait takes: a plan a battery, and what is refused."""

    plans: Mapping[str, Plan]
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def trials(self) -> int:
        """Of all batteries."""
        return sum(one.trials for one in self.plans.values())

    @property
    def seconds(self) -> float | None:
        """Of all batteries; None where one is not known."""
        known = [one.seconds for one in self.plans.values()]
        return None if None in known else sum(seconds for seconds in known if seconds is not None)

    @property
    def dollars(self) -> float | None:
        """Of all batteries; None where one is not known."""
        known = [one.dollars for one in self.plans.values()]
        return None if None in known else sum(dollars for dollars in known if dollars is not None)


def chosen(only: Sequence[str] = ()) -> list[Battery]:
    """Batteries of these names and disciplines, by discipline; all where none are named.

    Raises
    ------
    DesignError
        If a name is neither, or a battery cannot be loaded.
    """
    known = [*DISCIPLINES, *BATTERIES]
    for name in only:
        if name not in known:
            raise DesignError(
                f"no battery or discipline {name!r}{meant(name, known)}; disciplines are {', '.join(DISCIPLINES)}; "
                "`proband list batteries` has the batteries"
            )
    named = [name for name in only if name in BATTERIES]
    found = [BATTERIES.load(name) for name in ([*named] if only and len(named) == len(only) else BATTERIES)]
    kept = [one for one in found if not only or one.name in only or one.discipline in only]
    return sorted(kept, key=lambda one: (DISCIPLINES.index(one.discipline), one.name))


def planned(sitting: Sitting) -> PortraitPlan:
    """What it will take, and which batteries this engine cannot take; nobody is asked.

    A server is not asked what it can do, so it is taken to be able to do all.
    """
    if sitting.engine.is_remote:
        sitting = replace(sitting, abilities=frozenset({"score", "write"}))
    plans, refused = dict[str, Plan](), dict[str, str]()
    for battery in sitting.batteries:
        try:
            plans[battery.name] = plan(sitting.study(battery))
        except ProbandError as error:
            refused[battery.name] = str(error)
    return PortraitPlan(plans=plans, refused=refused)


def portray(
    sitting: Sitting,
    into: Path,
    *,
    budget: Budget | None = None,
    tell: Callable[[str], None] = lambda line: None,
    watch: Watch | None = None,
) -> list[Portrayed]:
    """Ask one battery after the other, each in a folder of its own; what was answered is not asked again.

    A battery that the engine cannot take is told as such, and does not stop the others.
    """
    done = []
    for number, battery in enumerate(sitting.batteries, start=1):
        tell(f"{number} of {len(sitting.batteries)}: {battery.name}")
        start = time.monotonic()
        try:
            run = carry_out(sitting.study(battery), into / battery.name, budget=budget, watch=watch)
            done.append(Portrayed(battery=battery, run=run, seconds=time.monotonic() - start))
        except ProbandError as error:
            done.append(Portrayed(battery=battery, refused=str(error)))
            tell(f"{battery.name}: {error}")
    return done


def portrait_in(folder: Path) -> list[Portrayed]:
    """The batteries whose runs lie in a folder of a portrait.

    Raises
    ------
    DesignError
        If there are none.
    """
    found = []
    for path in sorted(folder.glob("*/journal.sqlite")):
        run = Run(path.parent)
        name = str((run.manifest.get("design") or {}).get("battery", ""))
        if name in BATTERIES:
            found.append(Portrayed(battery=BATTERIES.load(name), run=run))
    if not found:
        raise DesignError(f"{folder}: no run of a battery in it; name the folder that a portrait was written into")
    return sorted(found, key=lambda one: (DISCIPLINES.index(one.battery.discipline), one.battery.name))
