"""What single agents lived through, for a replay: what they were asked, in which words, and what happened to them."""

import base64
import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.lived import UNCHANGED, Lived
from proband.errors import DataError
from proband.runs.run import Run
from proband.seeds import rng_for

MOST_WORDS = 4_000_000  # characters of all lives before they are packed
_LONGEST = 4000  # characters of one prompt
_MOST_EVENTS = 4000  # of an arm; as many memories
_AT_ONCE = 20  # agents whose prompts are read together
_UNSEEN = ("check", "held-out")  # kinds of events that only measure


def packed(data: NDArray[Any] | bytes) -> str:
    """Bytes as text: deflated, in base 64."""
    raw = data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()
    return base64.b64encode(zlib.compress(raw, 9)).decode()


def lives(lived: Lived, arms: Sequence[str], nodes: Sequence[int]) -> dict[str, Any]:
    """Lives of some agents of the first society, packed, and how many of them fit.

    Words that occur often, e.g. a profile, stand once, in a list; everything else names them by number.
    """
    words: dict[str, int] = {}

    def number_of(text: str) -> int:
        return words.setdefault(text, len(words))

    events = {arm: list(_events(lived, arm, number_of)) for arm in arms}
    memories = {arm: list(_memories(lived, arm, nodes, number_of)) for arm in arms}
    asked = _asked(lived)
    own: dict[int, list[list[Any]]] = {}
    with lived.run.directory.reader() as journal:
        for some in _batched([node for node in _far_apart(nodes) if node in asked]):
            if sum(map(len, words)) > MOST_WORDS:
                break
            bodies = journal.bodies({request for node in some for *_, request, _ in asked[node]})
            for node in some:
                own[node] = [
                    [round, arm, number_of(item), number_of(_read(bodies.get(request))), number_of(answer)]
                    for round, arm, item, request, answer in asked[node]
                ]
    told = {"words": list(words), "events": events, "memories": memories, "asked": own}
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return {
        "lives": packed(text.encode()) if own or any(events.values()) else "",
        "n_lives": len(own), "n_asked": len(asked.keys() & set(nodes)),
    }  # fmt: skip


def _far_apart(nodes: Sequence[int]) -> list[int]:
    """In an order in which the first few are spread over all (van der Corput's)."""
    return [nodes[k] for k in sorted(range(len(nodes)), key=lambda k: int(f"{k:032b}"[::-1], 2))]


def _batched(nodes: Sequence[int]) -> Iterable[Sequence[int]]:
    return (nodes[k : k + _AT_ONCE] for k in range(0, len(nodes), _AT_ONCE))


def _read(body: str | None) -> str:
    """Messages of a request, as a reader sees them."""
    sent = json.loads(body or '{"messages": []}')
    return "\n\n".join(f"[{role}]\n{text}" for role, text in sent["messages"])[:_LONGEST]


def _events(lived: Lived, arm: str, number_of: Callable[[str], int]) -> Iterable[list[Any]]:
    """Round, kind, agent, target, words, place of what happened; of very many, what was only seen is left out first."""
    rows = (
        lived.states.scan("events")
        .filter(pl.col("society") == 0, pl.col("arm") == arm, ~pl.col("kind").is_in(_UNSEEN))
        .sort("number").collect()
    )  # fmt: skip
    if rows.height > _MOST_EVENTS:
        rows = rows.filter(pl.col("kind") != "seen")
    columns = ("round", "kind", "agent", "target", "text", "place")
    for round, kind, agent, target, text, place in rows.head(_MOST_EVENTS).select(columns).iter_rows():
        yield [round, number_of(kind), agent, target, number_of((text or "")[:_LONGEST]), number_of(place or "")]


def _memories(lived: Lived, arm: str, nodes: Sequence[int], number_of: Callable[[str], int]) -> Iterable[list[Any]]:
    """Round, agent, kind and words of what agents came to remember; of very many the first."""
    own = pl.col("society") == 0, pl.col("arm") == arm, pl.col("agent").is_in(list(nodes))
    rows = lived.states.scan("memories").filter(*own).sort("number").head(_MOST_EVENTS)
    for round, agent, kind, text in rows.select("round", "agent", "kind", "text").collect().iter_rows():
        yield [round, agent, number_of(kind), number_of(text[:_LONGEST])]


def _asked(lived: Lived, society: int = 0, *, waves: bool = True) -> Mapping[int, list[tuple[int, str, str, str, str]]]:
    """By agent: round, arm, item, request and answer of everything that it was asked."""
    found: dict[int, list[tuple[int, str, str, str, str]]] = {}
    table = lived.run.table()
    if not table.height:
        return found
    parts = pl.col("parts").cast(pl.List(pl.String)).list.join(", ")
    wave = pl.col("wave") if "wave" in table.columns else pl.lit(None, pl.String)
    if "regime" in table.columns:  # a cell is asked, and nobody in particular
        table = table.filter(pl.col("regime").is_null())
    if not waves:
        table = table.filter(wave.is_null())
    rows = table.filter(pl.col("subject").str.starts_with(f"{society}.")).select(
        pl.col("subject").str.split(".").list.get(1).cast(pl.Int64, strict=False).alias("agent"),
        pl.coalesce(wave.cast(pl.Int64), "round").alias("at"),
        pl.col("arm").fill_null(""),
        "item", "request",
        pl.when(pl.col("status") == "valid").then(
            pl.coalesce("label", "text", pl.col("value").cast(pl.String), parts, pl.lit(""))
        )
        .otherwise("status").alias("answer"),
    )  # fmt: skip
    for agent, at, arm, item, request, answer in rows.drop_nulls("agent").sort("agent", "at").iter_rows():
        found.setdefault(agent, []).append((at, arm, item, request, answer))
    return found


def transcripts(run: Run, *, most: int = 20) -> pl.DataFrame:
    """Lives of agents to be compared two by two, e.g. for how believable they are.

    Parameters
    ----------
    run : Run
        Of societies in which agents were asked themselves.
    most : int
        Agents of every society, the same in all arms and spread over all numbers.

    Returns
    -------
    polars.DataFrame
        A row for each agent and arm, over the rounds in which all arms are there: ``name``, which says nothing of it,
        ``arm``, ``society``, ``number`` and ``text``: what it was asked and what it said, by round.

    Raises
    ------
    DataError
        If nobody was asked itself.
    """
    lived = Lived(run)
    start = max((lived.fork(arm)[1] for arm in lived.arms[1:]), default=1)
    rows = []
    for society in range(lived.n):
        asked = _asked(lived, society, waves=False)
        for number in sorted(_far_apart(sorted(asked))[:most]):
            for arm in lived.arms:
                own = [one for one in asked[number] if one[0] >= start and one[1] == arm and one[2] in run.items]
                lines = [f"Round {at}. {run.items[item].text} {answer}" for at, _, item, _, answer in own]
                if lines:
                    rows.append((arm, society, number, "\n".join(lines)))
    if not rows:
        raise DataError(f"{run.path}: no agent was asked itself, so there are no transcripts")
    schema = {"arm": pl.String, "society": pl.Int64, "number": pl.Int64, "text": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("arm").replace("", UNCHANGED))
    # In an order that says nothing of arms: by a number that is drawn.
    order = rng_for(0, "transcripts", lived.n).permutation(frame.height)
    names = pl.Series("name", [f"life-{k + 1:04d}" for k in order])
    return frame.select(names, pl.all()).sort("name")
