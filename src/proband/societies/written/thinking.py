"""Turns in which agents decide by a theory, with memories, reflection and tools: `agents.minds` in a written world."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from proband.errors import DesignError
from proband.instruments.items import Item
from proband.societies.agents.minds import MINDS, MindKeys, Minds
from proband.societies.agents.theory import Scene
from proband.societies.state import State
from proband.societies.world import Ask, Heard
from proband.societies.written import effects
from proband.societies.written.expressions import holds, values_of
from proband.societies.written.parts import Turn
from proband.societies.written.seeing import Words

if TYPE_CHECKING:
    from proband.societies.written.world import Written


class Thinking(Minds):
    """The minds of one turn; what they do sets its variable."""

    def __init__(self, world: "Written", turn: Turn, keys: MindKeys, where: str) -> None:
        try:
            super().__init__(keys, seed=world.seed, folder=Path(world.parts.folder), where=where)
        except DesignError as error:
            raise DesignError(f"{where}: {error}" if not str(error).startswith(where) else str(error)) from None
        self.world, self.turn = world, turn

    def asked(self) -> tuple[Item, ...]:
        """Everything that may be asked on the way."""
        return self.items(self.turn.item.options)

    def system(self, state: State, k: int) -> str:
        """Who the agent is, as in every turn, and what the theory says of how it decides."""
        told = self.world._who_is(k, state, Words(self.world.parts, self.world.people_of, state, self.world.seed))
        return "\n\n".join(filter(None, (told, self._theory_text)))

    def begin(self, state: State) -> None:
        """Let agents who have decided something else in this round decide anew."""
        for number in state.values.get(MINDS, {}):
            self.again(state, int(number))

    def ask(self, state: State) -> Sequence[Ask]:
        """Who is asked what now."""
        return self.turns(state, self._scenes(state))

    def hear(self, state: State, heard: Sequence[Heard]) -> bool:
        """Take in answers; when everybody has decided, the variable is set, and it is over."""
        effects.count(state, heard)
        if not self.advance(state, heard, self._scenes(state)):
            return False
        values = np.full(len(state), np.nan)
        for k, number in enumerate(state.numbers.tolist()):
            action = self.action(state, number) if str(number) in state.values.get(MINDS, {}) else None
            if action is not None:
                values[k] = effects.value_of(
                    self.world, self.turn, self.turn.item, self.turn.item.options.index(action)
                )
                effects.remember(self.world.parts, state, np.array([k]), -1, f"{self.turn.item.text} {action}")
        if self.turn.sets:
            effects.put(self.world, self.turn.sets, values, state)
        return True

    def _scenes(self, state: State):  # type: ignore[no-untyped-def]
        """What agents have before them; the same in the whole turn, since nothing changes before all have decided."""
        world, turn = self.world, self.turn
        columns = world._columns(state, "who", turn.item.id)
        words = Words(world.parts, world.people_of, state, world.seed)
        who = holds(turn.who, columns, len(state))
        features = {name: values_of(made, columns, len(state)) for name, made in turn.features.items()}
        archetypes = world.people_of.archetypes(state.agents["row"])

        def scene(state: State, k: int) -> Scene | None:
            item = effects.open_to(world.parts, turn, k, columns) if who[k] else None
            if item is None:
                return None
            told, facts = words.told(k, turn)[0], words.facts(k, turn)
            own = [*world.parts.agent, *(["place"] if world.parts.places else [])]
            familiar = tuple(sorted((name, value) for name, value in facts if name in own))
            return Scene(
                state=state, number=int(state.numbers[k]), situation="\n\n".join(filter(None, (told, turn.item.text))),
                options=item.options, query=told, others=words.others(k),
                features={name: float(values[k]) for name, values in features.items()},
                familiar=familiar or (("turn", turn.item.id),),
                archetype=world.people_of.archetype_names[archetypes[k]], facts=facts,
                answerer=world.people_of.engine(int(state.agents["row"][k])),
            )  # fmt: skip

        return scene
