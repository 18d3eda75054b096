"""Agents that think: profile, memory, reflection, tools and a theory, as the turns of a world.

A world asks `Minds.turns` who is asked now and gives the answers to `Minds.advance`, until that says that everybody has
decided; what each does is `Minds.action`. Between two calls all there is lies in the state.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
from pydantic import Field

from proband.errors import DesignError
from proband.files import Table, checked
from proband.instruments.items import Item
from proband.seeds import uniforms_for
from proband.societies.agents.experiences import experiences, lived, lived_through
from proband.societies.agents.importance import IMPORTANCE, hear_importance, importance_asks, is_importance, perceive
from proband.societies.agents.memory import UNKNOWN, Recalling, recall, told_of
from proband.societies.agents.profile import Profiles
from proband.societies.agents.reflection import reflection
from proband.societies.agents.relevance import ByVectors
from proband.societies.agents.theory import ACT, THEORIES, Course, Mind, Said, Scene, Stage, Theory, possible
from proband.societies.agents.tools import tool_stages, tools_of
from proband.societies.state import State
from proband.societies.world import Ask, Heard
from proband.subjects.personas import PersonaFormat
from proband.subjects.populations import Population
from proband.training.lived import LIVED

Part = Literal["profile", "memory", "reflection", "plan", "theory", "tools", "weights"]
PARTS: tuple[Part, ...] = get_args(Part)
MINDS = "minds"  # key of `State.values`
SceneOf = Callable[[State, int], Scene | None]
"""What the agent at a position of the table has before it; None if it is not asked now."""


class MindKeys(Table):
    """How agents think."""

    parts: list[Part] = Field(default=list(PARTS), description="what they have; an arm that names fewer lacks the rest")
    theory: str = Field(default="", description="one of `proband list theories`; by default actions are asked at once")
    settings: dict[str, Any] = Field(default={}, description="keys of the theory")
    recall: int = Field(default=5, ge=0, description="how many memories stand before a question")
    hours: float = Field(default=1.0, gt=0, description="that a round takes; by which memories fade")
    relevance: str = Field(default="", description="a model here that gives vectors, e.g. minilm; without one, words")
    importance: float | Literal["ask"] = Field(
        default="ask", description="of what is remembered, from 1 to 10; asked once for each text, or one number"
    )
    reflect_above: float = Field(default=150.0, gt=0, description="sum of importance above which agents reflect")
    format: PersonaFormat = Field(default="first", description="in which form agents are told who they are")
    background: str = Field(default="", description="the world as it stands, told to everybody")
    tools: list[str] = Field(default=[], description="calculator, calendar, or names of `files`")
    files: dict[str, str] = Field(default={}, description="tools of your own: a CSV table, or texts to search")
    calls: int = Field(default=2, ge=1, description="of tools in a round, at most")
    answerer: str = Field(default="", description="which engine says how important things are")
    train_after: list[int] = Field(
        default=[], description="rounds after which agents are trained on what they lived through; from then on the "
        "engine `lived` answers for them"
    )  # fmt: skip


class Minds:
    """How the agents of a world think.

    Parameters
    ----------
    keys : MindKeys
        Their settings.
    seed : int
        Root of draws, that of the world.
    people : Population or None
        Who they are, by number.
    folder : Path
        Where paths in the settings start.
    where : str
        File of the settings, for messages.
    theory : Theory or None
        In place of the one that the settings name, for trying out one that is on no shelf.
    rounds : int or None
        Of the world, where it knows them; then training after its end is refused.

    Raises
    ------
    DesignError
        If a theory, tool or model is unknown, or settings are none of the theory's.
    """

    def __init__(
        self,
        keys: MindKeys,
        *,
        seed: int,
        people: Population | None = None,
        folder: Path = Path(),
        where: str = "study",
        theory: Theory | None = None,
        rounds: int | None = None,
    ) -> None:
        self.keys, self.seed = keys, seed
        self.has = frozenset(keys.parts)
        if keys.importance != "ask" and not 1 <= keys.importance <= 10:
            raise DesignError(f'{where}: importance is {keys.importance}; give a number from 1 to 10, or "ask"')
        if late := [after for after in keys.train_after if after < 1 or (rounds is not None and after >= rounds)]:
            raise DesignError(
                f"{where}: train_after has round {late[0]}, and there are {rounds or 'rounds from 1'}; train after one "
                "that others follow"
            )
        self.recalling = Recalling(
            most=keys.recall, hours=keys.hours, relevance=ByVectors(keys.relevance) if keys.relevance else None
        )
        self._course, self._theory_text = self._theory(where, theory)
        stages = [*reflection(keys.reflect_above, self.recalling, self._importance)] if "memory" in self.has else []
        if keys.tools:
            stages += tool_stages(tools_of(keys.tools, keys.files, folder), keys.calls)
        stages += self._course.stages
        self.stages = tuple(stage for stage in stages if stage.part in self.has)
        if ACT.name not in {stage.name for stage in self.stages}:
            self.stages = (*self.stages, ACT)
        self._places = {stage.name: place for place, stage in enumerate(self.stages)}
        self.profiles = Profiles(people if "profile" in self.has else None, keys.format, keys.background)

    def _theory(self, where: str, theory: Theory | None) -> tuple[Course, str]:
        if "theory" not in self.has or (theory is None and not self.keys.theory):
            return Course(stages=(ACT,)), ""
        theory = theory or THEORIES.load(self.keys.theory)
        settings = checked(theory.keys, self.keys.settings, where, error=DesignError, at=f"theory {theory.name}")
        return theory.make(settings), theory.text

    @property
    def _importance(self) -> float | None:
        if not self.has & {"memory", "reflection"}:
            return UNKNOWN  # nobody will look at it
        return None if self.keys.importance == "ask" else float(self.keys.importance)

    def roles(self) -> tuple[str, ...]:
        """Engines that answer, beside those that scenes name."""
        trains = self.keys.train_after and "weights" in self.has
        rates = [self.keys.answerer] if self._importance is None else []
        return tuple(dict.fromkeys([*rates, *([LIVED] if trains else [])]))

    def items(self, actions: Sequence[str] = ()) -> tuple[Item, ...]:
        """Everything that may be asked; `actions` is what can be done in general."""
        asked = [IMPORTANCE] if self._importance is None else []
        for stage in self.stages:
            is_open = stage.options is possible and len(actions) > 1
            asked.append(_with_options(stage.item, tuple(actions)) if is_open else stage.item)
        return tuple(asked)

    def perceive(self, state: State, agent: int, text: str, *, event: int = -1, kind: str = "seen") -> None:
        """Have an agent remember something; see `importance.perceive`."""
        perceive(state, agent, text, event=event, kind=kind, importance=self._importance)

    def system(self, state: State, k: int) -> str:
        """What stands before everything that the agent at a position is asked."""
        names = state.agents.get("name")
        return self.profiles.text(int(state.numbers[k]), "" if names is None else str(names[k]), self._theory_text)

    def turns(self, state: State, scene_of: SceneOf) -> list[Ask]:
        """Who is asked what now: first how important things are, then everybody the next question on its way."""
        if asks := importance_asks(state, answerer=self.keys.answerer):
            return asks
        asks = []
        for k, scene, mind in self._undecided(state, scene_of):
            if mind.get("round") != state.round:
                # Begun on a copy: asking does not change the state, `advance` does.
                mind = copy.deepcopy(mind)
                self._begin(scene, mind)
            if (place := self._next(scene, mind, mind["stage"])) < len(self.stages):
                stage = self.stages[place]
                options = stage.options(scene, mind) if stage.options else stage.item.options
                if stage.options is None or len(options) > 1:
                    asks.append(self._ask(scene, mind, stage, options, k))
        return asks

    def advance(self, state: State, heard: Sequence[Heard], scene_of: SceneOf) -> bool:
        """Take in what was answered; tells whether everybody who is asked now has decided, or is absent."""
        if any(is_importance(one) for one in heard):
            hear_importance(state, heard)
            return False
        answers = {one.ask.agent: one for one in heard}
        is_over = True
        minds = state.values.setdefault(MINDS, {})
        # All scenes before the first answer is heard: everybody has the same state before it, as when it was asked.
        for _, scene, mind in list(self._undecided(state, scene_of)):
            mind = minds.setdefault(str(scene.number), mind)
            if mind.get("round") != state.round:
                self._begin(scene, mind)
            mind["stage"] = self._next(scene, mind, mind["stage"])
            one = answers.get(scene.number)
            if one is not None and not one.is_valid:
                mind["absent"], mind["stage"] = True, len(self.stages)
            elif one is not None:
                self._hear(scene, mind, _said(one))
            self._go_on(scene, mind)
            is_over &= mind["stage"] >= len(self.stages)
        # A conclusion may wait for its importance: it is asked before the round ends, and not in the next one.
        return is_over and not importance_asks(state)

    def action(self, state: State, number: int) -> str | None:
        """What an agent does in this round; None if it is absent, was not asked, or has nothing it can do."""
        mind = self.mind(state, number)
        return str(mind["action"]) if mind.get("round") == state.round and mind.get("action") else None

    def mind(self, state: State, number: int) -> Mind:
        """What an agent has in mind."""
        return cast(Mind, state.values.setdefault(MINDS, {}).setdefault(str(int(number)), {}))

    def again(self, state: State, number: int) -> None:
        """Let an agent that has decided think once more in this round."""
        self.mind(state, number).pop("round", None)

    def _undecided(self, state: State, scene_of: SceneOf):  # type: ignore[no-untyped-def]
        minds = state.values.get(MINDS, {})
        for k, number in enumerate(state.numbers.tolist()):
            mind = minds.get(str(number), {})
            if mind.get("round") == state.round and mind["stage"] >= len(self.stages):
                continue
            if (scene := scene_of(state, k)) is not None:
                yield k, replace(scene, uniform=self._uniform(state, number)), mind

    def _uniform(self, state: State, number: int) -> Callable[[str], float]:
        def draw(name: str) -> float:
            place = ("society", state.society, state.round, "mind", name)
            return float(uniforms_for(self.seed, *place, numbers=np.array([number]))[0])

        return draw

    def _begin(self, scene: Scene, mind: Mind) -> None:
        mind.update(round=scene.state.round, stage=0, action="", absent=False, results=[])
        self._course.start(scene, mind)

    def _next(self, scene: Scene, mind: Mind, place: int) -> int:
        """The first stage from a place on that is asked."""
        while place < len(self.stages) and not self.stages[place].when(scene, mind):
            place += 1
        return place

    def _hear(self, scene: Scene, mind: Mind, said: Said) -> None:
        place = mind["stage"]
        to = self.stages[place].hear(scene, mind, said)
        if mind["action"]:
            self._course.end(scene, mind)
            mind["stage"] = len(self.stages)
        else:
            mind["stage"] = self._places[to] if to else place + 1

    def _go_on(self, scene: Scene, mind: Mind) -> None:
        """On to the next stage that has to be asked; where there is only one option, it is heard at once."""
        while (place := self._next(scene, mind, mind["stage"])) < len(self.stages):
            mind["stage"], stage = place, self.stages[place]
            options = stage.options(scene, mind) if stage.options else None
            if options is None or len(options) > 1:
                return
            if options:
                self._hear(scene, mind, Said(options[0], options=options, probs=(1.0,)))
            else:
                mind["stage"] = place + 1
        mind["stage"] = place

    def _ask(self, scene: Scene, mind: Mind, stage: Stage, options: tuple[str, ...], k: int) -> Ask:
        item = _with_options(stage.item, options)
        rest = (*scene.facts, *((name, str(value)) for name, value in stage.facts(scene, mind).items()))
        if stage.cell:
            if not scene.familiar or not scene.archetype:
                raise DesignError(
                    f"stage {stage.name!r} is asked by cell, and the world gives agent "
                    f"{scene.number} no familiar situation or no archetype; give both in its scene"
                )
            words = "\n".join(f"{name}: {level}" for name, level in scene.familiar)
            return Ask(
                agent=scene.number, item=item, told=words, system=self.keys.background, cell=scene.familiar,
                archetype=scene.archetype, facts=(*scene.familiar, *rest), answerer=scene.answerer,
            )  # fmt: skip
        system, answerer = self.system(scene.state, k), scene.answerer
        trained = [after for after in self.keys.train_after if after < scene.state.round and "weights" in self.has]
        if trained and (life := _life(scene, max(trained), system)):
            rest, answerer = (*rest, life), LIVED
        return Ask(
            agent=scene.number, item=item, told=self._told(scene, mind, stage), system=system,
            facts=(("number", str(scene.number)), *rest), answerer=answerer,
        )  # fmt: skip

    def _told(self, scene: Scene, mind: Mind, stage: Stage) -> str:
        own = stage.told(scene, mind)
        if stage.alone:
            return own
        has_memory = "memory" in self.has and self.keys.recall
        query = scene.query or scene.situation
        memories = recall(scene.state, scene.number, query, how=self.recalling) if has_memory else ()
        results = "\n".join(["You looked up:", *(f"- {line}" for line in mind["results"])] if mind["results"] else [])
        return "\n\n".join(part for part in (told_of(memories), scene.situation, results, own) if part)


def _life(scene: Scene, until: int, system: str) -> tuple[str, str] | None:
    """What an agent is trained on; None for one that has lived through nothing yet, which its base answers for."""
    if not lived_through(scene.state, scene.number, until):
        return None
    return lived(experiences(scene.state, scene.number, until=until, system=system))


@lru_cache(4096)
def _with_options(item: Item, options: tuple[str, ...]) -> Item:
    return item if options == item.options else replace(item, options=options)


def _said(heard: Heard) -> Said:
    item, answer = heard.ask.item, heard.response.answer
    if item.form in ("choice", "scale"):
        k = cast(int, answer)
        return Said(item.options[k], item.points[k], item.options, heard.response.probs)
    return Said(str(answer).strip(), float(answer) if isinstance(answer, int | float) else 0.0)
