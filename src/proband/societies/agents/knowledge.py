"""What agents can know, and what of it is false, computed from the events that their memories name.

Words travel as events of the kind ``told``, whose value is the number of the event that they tell of (`tell`). So every
memory leads back to something that happened, or to nothing.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from proband.societies.agents.memory import WAITING, Memory, memory
from proband.societies.agents.ranking import words_of
from proband.societies.state import State

if TYPE_CHECKING:
    import polars as pl

TOLD, INSIGHT = "told", "insight"
_BECAUSE = re.compile(r" \(because of memories ([\d, ]+)\)$")


def tell(state: State, agent: int, target: int, text: str, *, about: int = -1, place: str = "") -> int:
    """Have one agent tell another something of an event (-1: of none); gives the number of the event of telling."""
    return state.happened(TOLD, agent, target=target, text=text, place=place, value=about)


def concluded(state: State, agent: int, text: str, because: list[int]) -> int:
    """Have it happen that an agent concludes something from memories of its own, by number; gives the event's number.

    What remembers that event, as of the kind ``insight``, stands on those memories; see `stands_on`.
    """
    stands = f"{text} (because of memories {', '.join(map(str, because))})" if because else text
    return state.happened(INSIGHT, agent, text=stands)


def stands_on(state: State, found: Memory) -> list[int]:
    """Numbers of the memories that an insight stands on; none for a memory that is no insight, or that names none."""
    if found.kind != INSIGHT or found.event < 0:
        return []
    named = _BECAUSE.search(str(state.events[found.event]["text"]))
    return [int(number) for number in named[1].split(",")] if named else []


def origin(state: State, event: int) -> int:
    """The event that an event of telling tells of, from mouth to mouth back to the first; -1 where there is none."""
    seen = set()
    while event >= 0 and event not in seen and state.events[event]["kind"] == TOLD:
        seen.add(event)
        event = int(cast(float, state.events[event]["value"]))
    return -1 if event in seen else event


def knowers(state: State, event: int) -> frozenset[int]:
    """Agents who have a memory of an event, seen or told; whoever else claims to know of it, cannot."""
    events = list(zip(state.memories.column("agent"), state.memories.column("event"), strict=True))
    events += [(row[0], row[1]) for row in state.values.get(WAITING, ())]
    origins: dict[int, int] = {}
    found = set()
    for agent, source in events:
        source = cast(int, source)
        if source not in origins:
            origins[source] = origin(state, source)
        if event in (source, origins[source]):
            found.add(cast(int, agent))
    return frozenset(found)


def tells_of(text: str, truth: str) -> bool:
    """Whether a memory has the words of what happened, whatever it says beside, e.g. of whom they are heard."""
    found, words = words_of(text), words_of(truth)
    return any(found[k : k + len(words)] == words for k in range(len(found) - len(words) + 1))


def false_knowledge(state: State, agrees: Callable[[str, str], bool] = tells_of) -> "pl.DataFrame":
    """Memories that are of nothing, or say something else than what happened.

    Parameters
    ----------
    agrees : callable
        Whether a memory's text agrees with that of the event it comes from; by default if it has its words.
        Memories of events without words agree with them.

    Returns
    -------
    polars.DataFrame
        One row a false memory: ``agent``, ``memory``, ``round``, ``text``, ``event`` that it names, ``origin``,
        ``truth`` (the origin's words), and ``why``: ``of nothing`` (it names no event, and is not of what the agent
        did, or was told of none), ``other words``, or ``stands on`` (an insight from false memories).
    """
    import polars as pl

    false: dict[int, str] = {}
    rows = []
    for number in range(len(state.memories)):
        found = memory(state, number)
        first = origin(state, found.event)
        truth = str(state.events[first]["text"]) if first >= 0 else ""
        if found.kind == INSIGHT:
            why = "stands on" if any(base in false for base in stands_on(state, found)) else ""
        elif found.kind == "plan":  # of what is to come
            why = ""
        elif first < 0:
            why = "" if found.event < 0 and found.kind == "did" else "of nothing"
        else:
            why = "other words" if truth and not agrees(found.text, truth) else ""
        if why:
            false[number] = why
            rows.append((found.agent, number, found.round, found.text, found.event, first, truth, why))
    columns = {"agent": pl.Int64, "memory": pl.Int64, "round": pl.Int64, "text": pl.String, "event": pl.Int64}
    return pl.DataFrame(
        rows, schema={**columns, "origin": pl.Int64, "truth": pl.String, "why": pl.String}, orient="row"
    )


def of_what_was_told(state: State, false: "pl.DataFrame") -> float | None:
    """Share of the memories of tellings that are false (from `false_knowledge`); None where nothing was told."""
    kinds = state.events.column("kind")
    told = sum(event >= 0 and kinds[event] == TOLD for event in cast(list[int], state.memories.column("event")))
    wrong = false.filter(false["why"] != "stands on")["event"].to_list()
    return sum(event >= 0 and kinds[event] == TOLD for event in wrong) / told if told else None
