"""Societies as a kind: what stands under ``[society]``, and the tables beside it."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field, StrictInt

from proband import files
from proband.designs.kind import Kind, Shared, Told
from proband.designs.kinds.survey import WritingTable
from proband.designs.survey.cards import Writing
from proband.errors import DesignError, meant
from proband.instruments import load_instrument
from proband.records import Method
from proband.societies.asking import Asking
from proband.societies.design import Society
from proband.societies.life import Arm, Wave
from proband.societies.people import read_people
from proband.societies.scenario import SCENARIOS, Scenario
from proband.societies.world import World
from proband.societies.written.scenario import WRITTEN
from proband.societies.written.tables import BESIDE

MOST_SURVEYED = 200_000  # questions of one survey inside one society


class ArmTable(files.OpenTable):
    """Another way that societies go; its further keys are those of the scenario, with other values."""

    name: str = Field(description="how it is called in tables and findings")
    from_round: StrictInt = Field(default=1, description="first round that differs; all before it is shared")
    parent: str = Field(default="", description="the arm that it leaves; by default the one where nothing is changed")


class WaveTable(files.Table):
    """A survey inside the world: what is answered there changes nothing in it."""

    use: str = Field(description="an id of `proband list instruments`, or the path of a file")
    only: list[str] = Field(default=[], description="ids of the items to ask")
    at: list[StrictInt] = Field(description="after which rounds; 0 is before the first")
    agents: list[StrictInt] | None = Field(default=None, description="numbers of the agents asked; all by default")


class SocietyTable(files.OpenTable):
    """Which scenario, how many societies, and how agents are asked; its further keys are those of the scenario."""

    use: str = Field(
        default="", examples=['use = "schelling"'],
        description="which scenario; one of `proband list scenarios`. Without it, the tables beside describe a world",
    )  # fmt: skip
    societies: StrictInt = Field(default=10, description="how many; each is an independent unit")
    answer_by: Method = Field(default="option_text", description="how a choice is answered; numbers are written")
    decide: Literal["draw", "mode"] = Field(
        default="draw", description="how one answer is taken from probabilities: by place, or the most probable option"
    )
    order: str = Field(default="counterbalanced", description="of options, as in a survey")
    writing: WritingTable = Field(default=WritingTable(), description="sampling of written replies")
    arm: list[ArmTable] = Field(default=[], description="`[[arm]]`: other ways that every society goes")
    survey: list[WaveTable] = Field(default=[], description="`[[survey]]`: surveys inside the world")
    people: str = Field(
        default="",
        description="a CSV of people in such societies, to compare with: society, round, number, columns that are kept "
        "of agents, and `arm` where they are of several",
    )
    hypothesis: list[str] = Field(
        default=[], description="words that name what is expected; findings count the prompts that have them"
    )


def _make(shared: Shared, table: SocietyTable) -> Society:
    scenario = SCENARIOS.load(table.use) if table.use else WRITTEN
    if shared.population is not None and not scenario.takes_people:
        raise DesignError(
            f"{shared.where}: the agents of {table.use!r} are nobody in particular; take [population] out"
        )
    own = table.rest
    world = _world(scenario, shared, own, "society" if table.use else "")
    n_agents = len(world.begin(0))  # refuses what cannot be, before anybody is asked
    waves = _waves(shared, table.survey)
    _refuse_census(shared, waves, n_agents)
    arms = tuple(_arm(scenario, shared, own, arm, world) for arm in [*table.arm, *_paired(table)])
    asking = Asking(
        seed=shared.seed, answer_by=table.answer_by, decide=table.decide, order=table.order,
        writing=Writing(**table.writing.model_dump()),
    )  # fmt: skip
    return Society(
        world=world, seed=shared.seed, societies=table.societies, arms=arms, waves=waves,
        asking=asking, title=shared.title, scenario=table.use,
        settings={**own, "arms": {arm.name: arm.rest for arm in table.arm}, **_beside(shared, table)},
        made_of={"study": dict(shared.data), "folder": str(shared.folder.resolve()), "sample": shared.sample},
    )  # fmt: skip


def _refuse_census(shared: Shared, waves: tuple[Wave, ...], n_agents: int) -> None:
    """Refuse surveys that put so many questions to everybody that nobody would wait for the answers."""
    for wave in waves:
        n = n_agents * len(wave.items)
        if wave.agents is None and n > MOST_SURVEYED:
            raise DesignError(
                f"{shared.where}: [[survey]] after round {wave.after} puts {len(wave.items)} items to all {n_agents:,} "
                f"agents, {n:,} questions in each society, more than {MOST_SURVEYED:,}; name some with `agents`, e.g. "
                "agents = [0, 1, 2], or take fewer items with `only`"
            )


def _beside(shared: Shared, table: SocietyTable) -> dict[str, Any]:
    """What findings compare with; no world hears of it."""
    path = shared.folder / table.people
    if table.people:
        found = read_people(path)  # refuses what cannot be compared with, before anybody is asked
        arms = ["", *(arm.name for arm in table.arm)]
        if strange := sorted(set(found["arm"].unique()) - set(arms)):
            raise DesignError(
                f"{path}: people of arm {strange[0]!r}{meant(strange[0], arms)}; the study has {arms[1:]}"
            )
    told = {"people": str(path.resolve()) if table.people else "", "hypothesis": table.hypothesis}
    return {name: value for name, value in told.items() if value}


def _paired(table: SocietyTable) -> list[ArmTable]:
    """A small society that is asked both ways, where `[scale]` wants one: its difference is the error of cells."""
    scale = table.rest.get("scale", {})
    size = scale.get("paired", 0) if isinstance(scale, Mapping) else 0
    ways = {"cells": "cells of", "agents": "one by one of"} if size else {}
    return [
        ArmTable.model_validate({"name": f"{told} {size}", "agents": size, "scale": {"ask": way}})
        for way, told in ways.items()
    ]


def _world(scenario: Scenario, shared: Shared, keys: Mapping[str, Any], at: str) -> World:
    table: BaseModel = files.checked(scenario.keys, keys, shared.where, error=DesignError, at=at)
    world = scenario.make(shared, table)
    world.seed = shared.seed
    return world


def _arm(scenario: Scenario, shared: Shared, own: Mapping[str, Any], table: ArmTable, world: World) -> Arm:
    changed, at = table.rest, f"arm {table.name}"
    if not changed:
        raise DesignError(f"{shared.where}: [[arm]] {table.name!r} changes nothing; give a key of the scenario a value")
    for key in changed:
        if key in world.fixed and table.from_round > 1:
            raise DesignError(
                f"{shared.where}: [[arm]] {table.name!r} changes {key!r} in round {table.from_round}, and societies "
                "begin by it; let the arm begin in round 1, or change something else"
            )
    found = _world(scenario, shared, scenario.changed(own, changed, table.name, table.from_round), at)
    return Arm(name=table.name, from_round=table.from_round, parent=table.parent, world=found)


def _waves(shared: Shared, tables: list[WaveTable]) -> tuple[Wave, ...]:
    waves = []
    for table in tables:
        beside = shared.folder / table.use
        instrument = load_instrument(beside if files.is_file(beside) else table.use)
        if table.only:
            instrument = instrument.subset(tuple(table.only))
        agents = None if table.agents is None else tuple(table.agents)
        waves += [Wave(after=round, items=instrument.items, agents=agents) for round in table.at]
    return tuple(waves)


KIND = Kind(
    name="society",
    about="agents who live together: worlds by rules, by engines, or both, with arms that fork",
    keys=SocietyTable,
    make=_make,
    analyses=(
        "replay",
        "trajectories",
        "forks",
        "transitions",
        "heterogeneity",
        "diffusion",
        "cells",
        "absences",
        "society-audit",
        "dispositions",
        "deviations",
    ),
    needs=frozenset(),
    takes=frozenset({"population", "ethics"}),
    told=Told(subject="agent", unit="society", units="societies", is_of_models=True),
    beside=("arm", "survey", *BESIDE),
)
