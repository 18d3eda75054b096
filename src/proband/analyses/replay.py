"""A society seen round by round: its grid, or its network, as a figure with a slider."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.analyses.answers import tabled
from proband.analyses.lived import Lived, label, needing, spaced
from proband.analyses.lives import lives, packed
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section
from proband.runs.run import Run

MOST_NODES = 1000
_MOST_CELLS = 250_000
_MOST_STILL = 10_000  # marks of the picture that stands where no script runs
_MOST_TIES = 6000  # drawn at once
_MOST_BYTES = 4_000_000  # of all frames before they are packed; a page stays below 10 MB
_MOST_FRAMES, _MOST_NETWORKS, _MOST_ARMS = 200, 30, 4
_LEVELS = 8  # from which on a column is a number, told by a scale
_STEPS = 64  # of such a scale
_NOBODY = 255
_SIDE = 1000  # a network's places run from 0 to here
_TABLED = 16
_EVER = 1 << 30  # no round is that late

_ONE = "A society is one way that chance went; what holds over societies stands at the curves."

Bytes = NDArray[np.uint8]


class Shown:
    """What a replay shows: agents of the first society, with one column as their colour."""

    def __init__(self, lived: Lived) -> None:
        self.lived = lived
        schema = lived.states.scan("agents").collect_schema()
        self.is_grid = all(name in schema and schema[name].is_integer() for name in ("x", "y"))
        names = ["x", "y"] if self.is_grid else []
        own = (pl.col("society") == 0) & pl.col("arm").is_in(lived.arms[:_MOST_ARMS])
        rows = lived.states.scan("agents").filter(own)
        ends = rows.select(pl.col("round").max()).collect().item()
        self.rounds = list(range(int(ends or 0) + 1))
        columns = list(lived.columns)
        changes = rows.group_by("arm", "number").agg(pl.col(columns).n_unique())
        changing = changes.select(pl.col(columns).max()).collect()
        moving = [name for name in columns if (changing[name].item() or 0) > 1]
        self.column = next(iter(columns if self.is_grid and not moving else moving), "")
        self.moves = bool(moving)
        self._rows, self._names = rows, names

    def frames(self, rounds: Sequence[int], numbers: Sequence[int] | None = None) -> pl.DataFrame:
        """Rows of agents in some rounds, by number if not of all."""
        values = [pl.col(self.column).cast(pl.Float64).fill_nan(None).alias("value")] if self.column else []
        rows = self._rows.filter(pl.col("round").is_in(list(rounds)))
        if numbers is not None:
            rows = rows.filter(pl.col("number").is_in(list(numbers)))
        return rows.select("arm", "round", "number", *self._names, *values).collect()


def _can_be_seen(lived: Lived) -> bool:
    return bool(lived.columns) and bool(Shown(lived).column)


def sections(run: Run) -> Sequence[Section]:
    """The first society, with all its arms."""
    lived = Lived(run)
    shown = Shown(lived)
    made = _grid(shown) if shown.is_grid else _network(shown)
    if made is None:
        return []
    options, points, sample = made
    options |= lives(lived, lived.arms[:_MOST_ARMS], options["nodes"])
    names = options["levels"] or [f"{options['low']:g}", f"{options['high']:g}"]
    caption = f"Society 1: {shown.column}{'' if options['levels'] else f', from {names[0]} to {names[-1]}'}"
    return [
        Section(
            name="replay",
            heading="One society, round by round",
            sentences=(f"Society 1 of {lived.n}, {sample}; its colours tell {shown.column}.",),
            table=_counted(shown, options),
            figure=Figure(form="replay", rows=tuple(points), caption=caption, options=options),
            notes=(_ONE, *_of_lives(options)),
        )
    ]


def _of_lives(options: Mapping[str, Any]) -> tuple[str, ...]:
    n, of = options["n_lives"], options["n_asked"]
    if n < of:
        return (f"What was said to agents is here for {n:,} of the {of:,} who were asked; `proband view` has all.",)
    return ()


def _scale(values: pl.Series, lived: Lived, column: str) -> dict[str, Any]:
    """What colours say: levels by name, or the ends of a scale."""
    found = sorted(values.drop_nulls().unique())
    if len(found) < _LEVELS:
        names = [lived.told(column, value) for value in found]
        return {"levels": names, "values": found, "low": 0.0, "high": 0.0}
    return {"levels": [], "values": [], "low": float(found[0]), "high": float(found[-1])}


def _coded(values: pl.Series, scale: Mapping[str, Any]) -> Bytes:
    """A byte for each value: its level, or its place on the scale; 255 for none."""
    numbers = values.to_numpy().astype(float)
    if scale["levels"]:
        codes = np.searchsorted(scale["values"], numbers)
    else:
        span = scale["high"] - scale["low"] or 1.0
        codes = np.round((np.nan_to_num(numbers) - scale["low"]) / span * (_STEPS - 1)).clip(0, _STEPS - 1)
    return np.where(np.isnan(numbers), _NOBODY, codes).astype(np.uint8)


def _kept_rounds(shown: Shown, size: int) -> list[int]:
    ways = min(len(shown.lived.arms), _MOST_ARMS)
    return spaced(shown.rounds, max(2, min(_MOST_FRAMES, _MOST_BYTES // max(size * ways, 1))))


Made = tuple[dict[str, Any], list[Mapping[str, object]], str]


def _grid(shown: Shown) -> Made | None:
    ends = shown._rows.select(pl.col("x").max(), pl.col("y").max()).collect().row(0)
    width, height = (int(end) + 1 for end in ends)
    if width * height > _MOST_CELLS:
        return None
    rounds = _kept_rounds(shown, width * height)
    rows = shown.frames(rounds)
    scale = _scale(rows["value"], shown.lived, shown.column)
    rows = rows.with_columns(pl.Series("code", _coded(rows["value"], scale)))
    ways = list[dict[str, Any]]()
    for arm in shown.lived.arms[:_MOST_ARMS]:
        there = rows.filter(pl.col("arm") == arm)
        own = sorted(there["round"].unique())
        frames = np.full((len(own), height, width), _NOBODY, np.uint8)
        at = np.searchsorted(own, there["round"].to_numpy())
        frames[at, there["y"].to_numpy(), there["x"].to_numpy()] = there["code"].to_numpy()
        ways.append({**_way(shown.lived, arm), "rounds": own, "frames": packed(frames), "ties": []})
    last = rows.filter(pl.col("arm") == "").filter(pl.col("round") == pl.col("round").max())
    told = f"{last.height:,} agents on a grid of {width} x {height}"
    step = max(1, math.ceil(math.sqrt(width * height / _MOST_STILL)))
    last = last.filter(pl.col("x") % step == 0, pl.col("y") % step == 0)
    points = _points(last, scale, last["x"].to_list(), last["y"].to_list())
    numbers = sorted(rows["number"].unique()) if shown.lived.run.items else []
    nodes = spaced(numbers, MOST_NODES)
    options = {
        "is_grid": True, "width": width, "height": height, "step": step, "nodes": nodes, "ways": ways, **scale,
    }  # fmt: skip
    return options, points, told


def _points(
    last: pl.DataFrame, scale: Mapping[str, Any], xs: Sequence[int], ys: Sequence[int]
) -> list[Mapping[str, object]]:
    """The last frame as marks: what is seen where no script runs."""
    codes = last["code"].to_list()
    names = scale["levels"]
    return [
        {"x": x, "y": y, "series": names[code] if names else code}
        for x, y, code in zip(xs, ys, codes, strict=True)
        if code != _NOBODY
    ]


def _network(shown: Shown) -> Made | None:
    lived = shown.lived
    own = (pl.col("society") == 0) & pl.col("arm").is_in(lived.arms[:_MOST_ARMS])
    edges = lived.states.scan("edges").filter(own)
    first = edges.select("network").head(1).collect()["network"]
    edges = edges.filter(pl.col("network") == first[0]) if len(first) else edges
    ties = edges.select("arm", "round", pl.min_horizontal("source", "target").alias("low"),
                        pl.max_horizontal("source", "target").alias("high")).unique().collect()  # fmt: skip
    numbers = sorted(shown._rows.select(pl.col("number").unique()).collect()["number"])
    nodes = _drawn(ties, numbers)
    rounds = _kept_rounds(shown, len(nodes))
    rows = shown.frames(rounds, nodes)
    scale = _scale(rows["value"], lived, shown.column)
    rows = rows.with_columns(pl.Series("code", _coded(rows["value"], scale)))
    place = {number: k for k, number in enumerate(nodes)}
    ties = ties.filter(pl.col("low").is_in(nodes), pl.col("high").is_in(nodes)).sort("arm", "round", "low", "high")
    pairs = ties.select("low", "high").unique().sort("low", "high").iter_rows()
    at = layout(len(nodes), [(place[a], place[b]) for a, b in pairs])
    ways = list[dict[str, Any]]()
    for arm in lived.arms[:_MOST_ARMS]:
        there = rows.filter(pl.col("arm") == arm)
        kept = sorted(there["round"].unique())
        frames = np.full((len(kept), len(nodes)), _NOBODY, np.uint8)
        who = [place[number] for number in there["number"].to_list()]
        frames[np.searchsorted(kept, there["round"].to_numpy()), who] = there["code"].to_numpy()
        changes = ties.filter(pl.col("arm") == arm)
        changed = [
            {"round": int(round), "pairs": packed(_pairs(changes.filter(pl.col("round") == round), place))}
            for round in spaced(changes["round"].to_list(), _MOST_NETWORKS)
        ]
        ways.append({**_way(lived, arm), "rounds": kept, "frames": packed(frames), "ties": changed})
    last = rows.filter(pl.col("arm") == "").filter(pl.col("round") == pl.col("round").max())
    where = [at[place[number]] for number in last["number"].to_list()]
    points = _points(last, scale, [int(x) for x, _ in where], [int(y) for _, y in where])
    options = {
        "is_grid": False, "width": _SIDE, "height": _SIDE, "ways": ways, "nodes": nodes, "places": at.tolist(), **scale,
    }  # fmt: skip
    n = len(numbers)
    who_is_shown = f"{n:,} agents" if n == len(nodes) else f"{len(nodes):,} of {n:,} agents, near each other"
    return options, points, f"{who_is_shown} {'and their ties' if ties.height else 'in rows, by number'}"


def _way(lived: Lived, arm: str) -> dict[str, Any]:
    """An arm, and under which arms its past was asked: each with the first round that is no longer its own."""
    past, name, end = [[arm, _EVER]], arm, _EVER
    while name:
        parent, start = lived.fork(name)
        if start == 1:  # it has a beginning of its own
            break
        end, name = min(end, start), parent
        past.append([parent, end])
    return {"name": label(arm), "arm": arm, "past": past}


def _pairs(ties: pl.DataFrame, place: Mapping[int, int]) -> NDArray[np.uint16]:
    pairs = [(place[a], place[b]) for a, b in ties.select("low", "high").iter_rows()]
    step = max(1, -(-len(pairs) // _MOST_TIES))
    return np.array(pairs[::step], "<u2").reshape(-1, 2)


def _drawn(ties: pl.DataFrame, numbers: Sequence[int]) -> list[int]:
    """Everybody; of many, those who are nearest to the first agent along the ties."""
    if len(numbers) <= MOST_NODES:
        return list(numbers)
    beside: dict[int, list[int]] = {}
    for a, b in ties.filter(pl.col("round") == 0).select("low", "high").sort("low", "high").iter_rows():
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    found: dict[int, None] = {}
    for start in numbers:
        going = [start]
        while going and len(found) < MOST_NODES:
            after: dict[int, None] = {}
            for k in going:
                if k not in found and len(found) < MOST_NODES:
                    found[k] = None
                    after |= dict.fromkeys(other for other in beside.get(k, ()) if other not in found)
            going = list(after)
        if len(found) >= MOST_NODES:
            break
    return sorted(found)


def layout(n: int, ties: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Places of nodes in a square, the same for the same ties: springs along ties (Fruchterman & Reingold 1991).

    Without ties nodes stand in rows.
    """
    if not ties:
        side = math.ceil(math.sqrt(n))
        return np.array([divmod(k, side)[::-1] for k in range(n)], np.int64).reshape(-1, 2) * _SIDE // max(side - 1, 1)
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from(ties)
    springs = nx.spring_layout(graph, seed=1, iterations=60)
    at = np.array([springs[k] for k in range(n)])
    low, high = at.min(axis=0), at.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    return np.asarray(np.round((at - low) / span * _SIDE), np.int64)


def _counted(shown: Shown, options: Mapping[str, Any]) -> Any:
    """How many agents have each level, or the mean, by round."""
    rounds = spaced(shown.rounds, _TABLED) if shown.moves else shown.rounds[-1:]
    rows = shown.frames(rounds).filter(pl.col("arm") == "")
    levels = options["levels"]
    table: list[tuple[Cell, ...]] = []
    for (round,), part in rows.sort("round").group_by("round", maintain_order=True):
        values = part["value"].drop_nulls()
        counts = [int((values == value).sum()) for value in options["values"]]
        mean = values.mean()
        table.append((int(round), *(counts if levels else [float(mean) if mean is not None else None])))  # type: ignore[arg-type]
    forms: dict[str, CellForm] = {"round": "count"}
    forms |= dict.fromkeys(levels, "count") if levels else {f"mean {shown.column}": "number"}
    return tabled(forms, table, f"Agents of society 1 by {shown.column}", is_folded=True)


ANALYSIS = Analysis(
    name="replay",
    about="one society round by round with a slider, and the life of each agent with its prompts",
    needs=needing(_can_be_seen, "nothing kept of its agents is a number that changes"),
    sections=sections,
    is_quiet=True,
)
