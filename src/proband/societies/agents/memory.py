"""Memory in the prompt: what an agent remembers, and which of it comes to mind now.

The score is that of Park et al. (2023, doi:10.1145/3586183.3606763): recency, importance and relevance, each scaled to
0-1 over the agent's memories and added up. One thing differs: there, recency counts from when a memory was last
recalled; here from when it was made, because recalling is reading, and a state does not change by being read.
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import cast
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from proband.societies.agents.ranking import Ranking, Vocabulary
from proband.societies.agents.relevance import Relevance
from proband.societies.state import Rows, State

Floats = NDArray[np.float64]
WAITING = "unweighed"  # key of `State.values`: agent, event, text, kind and round of what is no memory yet
UNKNOWN = math.nan  # importance of what nobody could say it of; it then adds nothing to a score


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One memory.

    Attributes
    ----------
    number : int
        Its row in ``State.memories``.
    event : int
        Number of the event that it is of; -1 for none.
    """

    number: int
    round: int
    agent: int
    event: int
    text: str
    importance: float
    kind: str


@dataclass(frozen=True, kw_only=True)
class Recalling:
    """Which memories come to mind.

    Attributes
    ----------
    most : int
        How many at most; texts that are the same count once.
    decay : float
        By which recency falls in an hour.
    hours : float
        That a round takes.
    weights : tuple of float
        Of recency, importance and relevance.
    relevance : Relevance or None
        What says how near texts are to a query; None for BM25 over their words.
    """

    most: int = 5
    decay: float = 0.995
    hours: float = 1.0
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    relevance: Relevance | None = None


class _Own:
    """The memories of one agent, in the order in which they were made."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.numbers: list[int] = []
        self.rounds: list[int] = []
        self.importance: list[float] = []
        self.texts: list[str] = []
        self.kinds: list[str] = []
        self.ranking = Ranking(vocabulary=vocabulary)


class _Index:
    """Whose memories stand in which rows. Rows are only added to, so it is never wrong, only behind."""

    def __init__(self) -> None:
        self.n_seen = 0
        self.vocabulary = Vocabulary()
        self.of_agent: dict[int, _Own] = {}
        self.importance: dict[str, float] = {}

    def read_on(self, rows: Rows) -> None:
        for k in range(self.n_seen, len(rows)):
            row = rows[k]
            agent, text, importance = cast(int, row["agent"]), str(row["text"]), float(row["importance"])
            own = self.of_agent.get(agent)
            if own is None:
                own = self.of_agent[agent] = _Own(self.vocabulary)
            own.numbers.append(k)
            own.rounds.append(cast(int, row["round"]))
            own.importance.append(importance)
            own.texts.append(text)
            own.kinds.append(str(row["kind"]))
            own.ranking.add(text)
            self.importance[text] = importance
        self.n_seen = len(rows)


_INDICES: WeakKeyDictionary[Rows, _Index] = WeakKeyDictionary()  # beside the state, no part of it


def _index(rows: Rows) -> _Index:
    index = _INDICES.get(rows)
    if index is None:
        index = _INDICES[rows] = _Index()
    if index.n_seen < len(rows):
        index.read_on(rows)
    return index


def remember(
    state: State,
    agent: int,
    text: str,
    *,
    event: int = -1,
    importance: float = 5.0,
    kind: str = "seen",
    round: int | None = None,
) -> int:
    """Give an agent, by number, a memory; gives the memory's number.

    Parameters
    ----------
    text : str
        What it remembers, in its own words or the event's.
    event : int
        Number of the event that this is a memory of, as `State.happened` gave it; -1 for none.
    importance : float
        From 1 to 10; `UNKNOWN` if it could not be had.
    kind : str
        ``seen``, ``heard``, ``did``, ``insight``, ``plan``, or any other word.
    round : int or None
        When; None for now.
    """
    return state.memories.add(
        round=state.round if round is None else round, agent=int(agent), event=int(event), text=text,
        importance=float(importance), kind=kind,
    )  # fmt: skip


def memory(state: State, number: int) -> Memory:
    """The memory of a number."""
    row = state.memories[number]
    return Memory(number=number, **row)  # type: ignore[arg-type]


def memories_of(state: State, agent: int) -> list[Memory]:
    """All memories of an agent, oldest first."""
    own = _index(state.memories).of_agent.get(int(agent))
    return [memory(state, k) for k in own.numbers] if own else []


def known_importance(state: State, text: str) -> float | None:
    """How important a text was when it was remembered before, by anybody; None where it never was."""
    return _index(state.memories).importance.get(text)


def importance_since(state: State, agent: int, after: int) -> float:
    """Sum of the importance of what an agent remembers after the memory of some number, insights left out."""
    own = _index(state.memories).of_agent.get(int(agent))
    if own is None:
        return 0.0
    total = 0.0
    for k in range(len(own.numbers) - 1, -1, -1):
        if own.numbers[k] <= after:
            break
        if own.kinds[k] != "insight" and not math.isnan(own.importance[k]):
            total += own.importance[k]
    return total


def recall(
    state: State,
    agent: int,
    query: str,
    k: int | None = None,
    *,
    how: Recalling = Recalling(),
    kinds: Collection[str] | None = None,
) -> list[Memory]:
    """What comes to an agent's mind, most fitting first; of equal texts the later one.

    Parameters
    ----------
    agent : int
        Number.
    query : str
        What it has before it: the situation, a question.
    k : int or None
        How many at most; None for what `how` says.
    kinds : collection of str or None
        Only memories of these kinds.
    """
    own, most = _index(state.memories).of_agent.get(int(agent)), how.most if k is None else k
    if own is None or most < 1:
        return []
    ages = state.round - np.array(own.rounds)
    near = how.relevance.scores(query, own.texts) if how.relevance else own.ranking.scores(query)
    recency, importance, relevance = how.weights
    scores = (
        recency * _scaled(how.decay ** (ages * how.hours))
        + importance * _scaled(np.array(own.importance))
        + relevance * _scaled(near)
    )
    found: dict[str, int] = {}
    # Of equal scores the later memory first: the order must not depend on how numpy sorts.
    for place in (len(scores) - 1 - np.argsort(-scores[::-1], kind="stable")).tolist():
        if kinds is None or own.kinds[place] in kinds:
            found.setdefault(own.texts[place], own.numbers[place])
            if len(found) == most:
                break
    return [memory(state, number) for number in found.values()]


def recent(state: State, agent: int, k: int) -> list[Memory]:
    """The last `k` memories of an agent, oldest first."""
    own = _index(state.memories).of_agent.get(int(agent))
    return [memory(state, number) for number in own.numbers[-k:]] if own and k > 0 else []


def told_of(memories: Iterable[Memory], intro: str = "You remember:") -> str:
    """Memories as they stand in a prompt, oldest first; empty for none."""
    # A memory is one line, however it was written.
    texts = ["; ".join(found.text.splitlines()) for found in sorted(memories, key=lambda found: found.number)]
    return "\n".join([intro, *(f"- {text}" for text in texts)]) if texts else ""


def _scaled(values: Floats) -> Floats:
    """From 0, the least, to 1, the most; what is not known counts as the least."""
    low, high = values.min(), values.max()
    if math.isnan(low):
        is_known = ~np.isnan(values)
        values = np.where(is_known, values, values[is_known].min() if is_known.any() else 0.0)
        low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros(len(values))
