"""Memory in the weights: what an agent lived through as a training set, and questions about it.

The engine ``lived:BASE`` answers with an adapter that is trained on the set which an ask hands it (`lived`). Sets are a
function of the state, adapters of sets, so training is no answer: it is repeated where the adapter is gone.

A set tells every memory in several forms. Beside each stands a control: a memory of somebody else that the agent does
not have, told as that other's. So what is right is not more familiar than what is wrong, only the agent's own.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from proband.errors import DesignError
from proband.instruments.items import Item
from proband.records import Message
from proband.seeds import rng_for
from proband.societies.agents.memory import Memory, memories_of
from proband.societies.state import State
from proband.training.lived import LIVED
from proband.training.training_set import Example, TrainingSet

OWN = (
    ("What do you remember of round {round}?", "{text}"),
    ("What happened in round {round}?", "I remember it: {text}"),
    ("Tell me of round {round}.", "In round {round} this happened to me: {text}"),
    ("Go on with this memory of yours: {beginning}", "{text}"),
    ("Did this happen to you? {text}", "Yes, this happened to me, in round {round}."),
)
OTHERS = (
    ("What does {name} remember of round {round}?", "{text}"),
    ("Go on with this memory of {name}: {beginning}", "{text}"),
    ("Did this happen to you? {text}", "No, this happened to {name}, in round {round}."),
)
_PLANS = ("plan",)  # of what is to come, so nothing that was lived through


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A choice among memories, one of which is an agent's own, or is asked for.

    Attributes
    ----------
    item : Item
        The first option is the one that is asked for.
    round : int
        In which it happened.
    """

    item: Item
    round: int


def experiences(
    state: State, agent: int, *, until: int | None = None, system: str = "", leave_out: Collection[str] = ()
) -> TrainingSet:
    """What an agent lived through, as a training set.

    Parameters
    ----------
    agent : int
        Number.
    until : int or None
        Last round that counts; None for all.
    system : str
        System text under which it is taught, that under which it will be asked; may be empty.
    leave_out : collection of str
        Texts that must not stand in a control, because the agent is asked about them to see what leaks.

    Returns
    -------
    TrainingSet
        Examples of kind ``own`` (the agent's) and ``general`` (others', at most one for each of the agent's own).

    Raises
    ------
    DesignError
        If the agent has no memory to train on.
    """
    own = lived_through(state, agent, until)
    if not own:
        raise DesignError(f"agent {agent} remembers nothing up to round {until}, so there is nothing to train on")
    names = state.agents.get("name")
    called = {int(n): str(n if names is None else names[k]) for k, n in enumerate(state.numbers)}
    before = (Message("system", system),) if system else ()
    controls = [found for found in strange(state, agent, until) if found.text not in leave_out]
    examples: list[Example] = []
    for kind, forms, memories in (("own", OWN, own), ("general", OTHERS, controls[: len(own)])):
        for found in memories:
            told = {"round": found.round, "text": found.text, "name": called.get(found.agent, str(found.agent))}
            told["beginning"] = _beginning(found.text)
            for k, (question, answer) in enumerate(forms):
                id = f"{kind}-{found.number}-{k}"
                messages = (*before, Message("user", question.format(**told)))
                examples.append(Example(id=id, messages=messages, response=answer.format(**told), kind=kind))  # type: ignore[arg-type]
    return TrainingSet(name=f"society {state.society}, agent {agent}", examples=tuple(examples))


def lived(training_set: TrainingSet) -> tuple[str, str]:
    """The fact by which an ask hands the engine ``lived:BASE`` what to train on; see `Ask.facts`."""
    return LIVED, training_set.text


def strange(state: State, agent: int, until: int | None = None) -> list[Memory]:
    """Memories of others of which the agent has none with those words, each text once, in an order of its own."""
    own = {found.text for found in memories_of(state, agent)}
    found: dict[str, Memory] = {}
    for other in state.numbers.tolist():
        if other != agent:
            for memory in lived_through(state, other, until):
                if memory.text not in own:
                    found.setdefault(memory.text, memory)
    order = rng_for(0, "strange", state.society, agent).permutation(len(found))
    memories = list(found.values())
    return [memories[k] for k in order]


def recall_questions(
    state: State, agent: int, *, until: int | None = None, most: int = 8, options: int = 4, of: str = "own"
) -> list[Question]:
    """Questions about what happened, in other words than those of `experiences`.

    Parameters
    ----------
    most, options : int
        How many at most, and how many options each has.
    of : {"own", "others"}
        Whether the memory that is asked for is the agent's own, or, to see what leaks, of somebody else, like all
        other options; then nothing in the agent's life tells it from them.

    Raises
    ------
    DesignError
        If others did not live through enough for the other options.
    """
    rest = strange(state, agent, until)
    asked = lived_through(state, agent, until)[:most] if of == "own" else rest[-most:]
    found = []
    for k, memory in enumerate(asked):
        texts = [other.text for other in rest if other.text != memory.text]
        if len(texts) < options - 1:
            raise DesignError(
                f"agent {agent}: {len(texts)} memories of others for {options - 1} wrong options; ask with fewer "
                "options, or let more happen"
            )
        drawn = rng_for(0, "options", state.society, agent, of, k).choice(len(texts), options - 1, replace=False)
        item = Item(
            id=f"recall-{of}", text=f"One of these happened to you in round {memory.round}. Which?", form="choice",
            options=(memory.text, *(texts[j] for j in np.sort(drawn))),
        )  # fmt: skip
        found.append(Question(item=item, round=memory.round))
    return found


def lived_through(state: State, agent: int, until: int | None = None) -> Sequence[Memory]:
    """Memories that something happened up to a round, each text once."""
    found: dict[str, Memory] = {}
    for memory in memories_of(state, agent):
        if memory.kind not in _PLANS and (until is None or memory.round <= until):
            found.setdefault(memory.text, memory)
    return list(found.values())


def _beginning(text: str) -> str:
    """The first half of a text's words."""
    words = text.split()
    return " ".join(words[: max(1, len(words) // 2)]) + " ..."
