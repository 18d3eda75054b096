"""What is known in societies: who knows of an event, by round; what is known falsely; how dense ties are; cascades."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

import polars as pl

from proband.analyses.answers import percent, tabled
from proband.analyses.lived import UNITS, Lived, few, label, needing, over_societies, spaced
from proband.analyses.section import Analysis, Cell, CellForm, Figure, Section, limits
from proband.analyses.society_audit import states_of
from proband.runs.run import Run
from proband.societies.agents.knowledge import TOLD, false_knowledge, of_what_was_told, origin, tells_of
from proband.societies.scenario import SCENARIOS
from proband.societies.state import State

_CHAPTER = "What is known, and by whom"
_MOST_EVENTS = 8
_OWN = {TOLD, "insight", "absent", "check", "held-out", "plan", "seen", "tool"}  # of which nobody else hears as such
_LONGEST = 90  # characters of an event in a table
_MOST_TOLD = 200  # tellings that are drawn


def sections(run: Run) -> Sequence[Section]:
    """Diffusion, false memories, cascades and density, as far as there is anything of each."""
    lived = Lived(run)
    found: list[Section] = []
    states = {arm: states_of(lived, arm) for arm in lived.arms}
    if any(len(state.memories) for state in states[""]):
        found += [*_spread(lived, states), _false(lived, states)]
    return [*found, *_cascades(states[""]), *_density(lived)]


def _memories(state: State) -> Iterator[tuple[int, int, int]]:
    """Round, agent and the event that a memory leads back to."""
    origins: dict[int, int] = {}
    for round, agent, event in zip(
        *(state.memories.column(name) for name in ("round", "agent", "event")), strict=True
    ):  # fmt: skip
        number = cast(int, event)
        if number not in origins:
            origins[number] = origin(state, number) if number >= 0 else -1
        if origins[number] >= 0:
            yield cast(int, round), cast(int, agent), origins[number]


def first_known(state: State) -> Mapping[int, Mapping[int, int]]:
    """Of every event the agents who have a memory of it, and the round in which each knew first."""
    found: dict[int, dict[int, int]] = {}
    for round, agent, event in _memories(state):
        known = found.setdefault(event, {})
        known[agent] = min(round, known.get(agent, round))
    return found


def _spread(lived: Lived, states: Mapping[str, Sequence[State]]) -> list[Section]:
    """The events that most know of; events of the same words are one in all societies."""
    heard = {arm: [_by_words(state) for state in of] for arm, of in states.items()}
    counts = Counter[str]()
    for known in heard[""]:
        counts.update({words: len(knowing) for words, knowing in known.items()})
    n = _n_agents(lived)
    words = [text for text, known in counts.most_common(_MOST_EVENTS) if known > lived.n]
    if not words or not n:
        return []
    rows: list[tuple[Cell, ...]] = []
    points: list[dict[str, Any]] = []
    said = []
    for text in words:
        for arm, of_arm in heard.items():
            rounds = spaced(range(1, int(lived.design["rounds"]) + 1), 30)
            shares = {}
            for round in rounds:
                each = [sum(at <= round for at in one.get(text, {}).values()) / n for one in of_arm]
                shares[round] = over_societies(each, f"share of agents who know: {text}", is_share=True)
            rows.append((_short(text), label(arm), shares[rounds[0]], shares[rounds[-1]]))
            if not arm:
                points += [{"x": k, "series": _short(text, 40), **limits(s, "y")} for k, s in shares.items()]
                said.append(f"“{_short(text)}”: {percent(shares[rounds[-1]])} of agents know of it at the end.")
    forms: dict[str, CellForm] = {"event": "text", "arm": "text", "after round 1": "share", "at the end": "share"}
    return [
        Section(
            name="diffusion", heading="How far events are known", chapter=_CHAPTER, sentences=tuple(said[:4]),
            table=tabled(forms, rows, "Share of agents who have a memory of an event, seen or told", side="model"),
            figure=Figure(form="lines", rows=tuple(points[: 4 * 30]), caption="Who knows, by round",
                          options={"x_title": "round", "y_title": "share of agents", "y_format": "%", "is_band": True}),
            notes=(UNITS, "Who has no memory of an event cannot know of it, whatever is said."), warnings=few(lived.n),
        )
    ]  # fmt: skip


def _by_words(state: State) -> Mapping[str, Mapping[int, int]]:
    found: dict[str, dict[int, int]] = {}
    for event, known in first_known(state).items():
        row = state.events[event]
        if row["kind"] in _OWN or not row["text"]:
            continue
        own = found.setdefault(str(row["text"]), {})
        for agent, round in known.items():
            own[agent] = min(round, own.get(agent, round))
    return found


def _n_agents(lived: Lived) -> int:
    if "agents" in lived.measures.columns:
        return int(lived.measures["agents"].max() or 0)  # type: ignore[arg-type]
    # Archetypes and who decides what comes of words stand in the roster as well, and are no agents.
    return max(sum(member.subject.partition(".")[2].isdigit() for member in lived.run.roster) // lived.n, 1)


def _short(text: str, most: int = _LONGEST) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _false(lived: Lived, states: Mapping[str, Sequence[State]]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    reasons = Counter[str]()
    scenario = str(lived.design.get("scenario") or "")
    agrees = SCENARIOS.load(scenario).agrees if scenario in SCENARIOS else tells_of
    for arm, of in states.items():
        each, told = [], []
        for state in of:
            false = false_knowledge(state, agrees)
            reasons.update(false["why"].to_list() if not arm else [])
            each.append(false.height / len(state.memories) if len(state.memories) else None)
            told.append(of_what_was_told(state, false))
        rows.append(
            (label(arm), sum(len(state.memories) for state in of), over_societies(each, "share false", is_share=True),
             over_societies(told, "share false of what was told", is_share=True))
        )  # fmt: skip
    first = rows[0][2]
    forms: dict[str, CellForm] = {"arm": "text", "memories": "count", "false": "share", "of what was told": "share"}
    why = "; ".join(f"{n:,} {reason}" for reason, n in reasons.most_common())
    return Section(
        name="false-memories", heading="What is known falsely", chapter=_CHAPTER,
        sentences=(f"False are {percent(first)} of memories.{f' Of these: {why}.' if why else ''}",),  # type: ignore[arg-type]
        table=tabled(forms, rows, "Memories that are of nothing, or say something else than what happened",
                     side="model"),
        notes=(
            "A memory agrees with its event if it has its words, whatever it says beside: a true one in other words "
            "counts as false."
            if agrees is tells_of
            else f"Whether a memory agrees with its event is told by the rule of the scenario {scenario!r}.",
        ),
    )  # fmt: skip


def _cascades(states: Sequence[State]) -> list[Section]:
    """Trees of who told whom of what: size, depth, breadth."""
    told_on = [tellings(state) for state in states]
    trees = [
        (state.society, *tree) for state, own in zip(states, told_on, strict=True) for tree in trees_of(state, own)
    ]
    if not trees:
        return []
    trees.sort(key=lambda tree: -tree[2])
    forms: dict[str, CellForm] = {"society": "count", "event": "text"}
    forms |= {"tellings": "count", "depth": "count", "breadth": "count"}
    sizes = {
        name: over_societies([_mean(trees, state.society, k) for state in states], f"mean {name}")
        for k, name in ((2, "tellings"), (3, "depth"), (4, "breadth"))
    }
    rows: list[tuple[Cell, ...]] = [
        (society + 1, _short(text), size, depth, breadth) for society, text, size, depth, breadth in trees[:30]
    ]
    told = ", ".join(f"{name} {found.value:.2f}" for name, found in sizes.items())
    n = f"{len(trees):,} {'events were' if len(trees) > 1 else 'event was'}"
    return [
        Section(
            name="cascades", heading="Who told whom", chapter=_CHAPTER,
            sentences=(f"{n} told on; on average over societies: {told}.",),
            table=tabled(forms, rows, "The largest cascades", is_folded=len(rows) > 10),
            figure=_tree(states, told_on),
            notes=("A telling hangs under the one by which its teller first heard of the same event.",),
        )
    ]  # fmt: skip


def _mean(trees: Sequence[Sequence[Any]], society: int, k: int) -> float | None:
    own = [tree[k] for tree in trees if tree[0] == society]
    return sum(own) / len(own) if own else None


class Telling(NamedTuple):
    """A telling in the tree of its event."""

    round: int
    agent: int
    target: int
    parent: int  # by which its teller heard of the event first, as a position in the tree; -1 for none
    depth: int


Tellings = Mapping[int, Sequence[Telling]]  # by the number of the event that they are of


def tellings(state: State) -> Tellings:
    """Of every event that was told on, by number, its tellings in the order in which they happened."""
    heard: dict[tuple[int, int], int] = {}  # event and agent: the telling by which it heard of it first
    found: dict[int, list[Telling]] = {}
    columns = [state.events.column(name) for name in ("round", "kind", "agent", "target")]
    for number, (round, kind, agent, target) in enumerate(zip(*columns, strict=True)):
        if kind != TOLD or (first := origin(state, number)) < 0:
            continue
        own = found.setdefault(first, [])
        parent = heard.get((first, cast(int, agent)), -1)
        heard.setdefault((first, cast(int, target)), len(own))
        depth = 1 + (own[parent].depth if parent >= 0 else 0)
        own.append(Telling(cast(int, round), cast(int, agent), cast(int, target), parent, depth))
    return found


def trees_of(state: State, told_on: Tellings) -> list[tuple[str, int, int, int]]:
    """Of every event that was told on: its words, tellings, and the depth and breadth of their tree."""
    depths = {first: Counter(one.depth for one in own) for first, own in told_on.items()}
    return [
        (str(state.events[first]["text"]), sum(by.values()), max(by), max(by.values())) for first, by in depths.items()
    ]


def _tree(states: Sequence[State], told_on: Sequence[Tellings]) -> Figure:
    """The largest cascade as a tree: left who knew of it first, right who was told of it last."""
    # The first of several that are the largest.
    n, k, event = max((len(own), -k, -first) for k, of in enumerate(told_on) for first, own in of.items())
    state = states[-k]
    own, source = told_on[-k][-event][:_MOST_TOLD], state.events[-event]
    after: dict[int, list[int]] = {}
    for k, one in enumerate(own):
        after.setdefault(one.parent, []).append(k)
    rows: dict[int, float] = {}
    n_ends, waiting = 0, [-1]
    while waiting:  # who was told stands in the middle of those whom it told
        k = waiting[-1]
        if missing := [child for child in after.get(k, ()) if child not in rows]:
            waiting.append(missing[0])
            continue
        below = [rows[child] for child in after.get(k, ())]
        rows[waiting.pop()] = sum(below) / len(below) if below else float(n_ends)
        n_ends += not below
    who = [("" if source["agent"] == -1 else str(source["agent"]), source["round"], -1, -1)]
    who += [(str(one.target), one.round, k, one.parent) for k, one in enumerate(own)]
    at = {k: {"x": round, "y": rows[k]} for _, round, k, _ in who}
    points = [
        {**at[k], "from_x": at[parent]["x"], "from_y": at[parent]["y"], "label": name} for name, _, k, parent in who
    ]
    some = "" if len(own) == n else f"; the first {len(own)} of {n:,} tellings"
    caption = f"Who told whom of “{_short(str(source['text']), 60)}” in society {state.society + 1}, by round{some}"
    return Figure(form="tree", rows=tuple(points), caption=caption, options={"x_title": "round"})


def _density(lived: Lived) -> list[Section]:
    """Ties that go either way among all there could be, where they change."""
    edges = lived.states.scan("edges").filter(pl.col("arm").is_in(lived.arms)).collect()
    n = _n_agents(lived)
    if n < 2 or edges.is_empty() or edges["round"].n_unique() < 2:
        return []
    low, high = pl.min_horizontal("source", "target"), pl.max_horizontal("source", "target")
    pairs = edges.select("society", "arm", "network", "round", low.alias("low"), high.alias("high")).unique()
    density = pairs.group_by("society", "arm", "network", "round", maintain_order=True).len()
    rows: list[tuple[Cell, ...]] = []
    for name, arm in sorted(density.select("network", "arm").unique().iter_rows()):
        part = density.filter(pl.col("network") == name, pl.col("arm") == arm).sort("round")
        ends = []
        for take in ("first", "last"):
            at = part.group_by("society", maintain_order=True).agg(getattr(pl.col("len"), take)())["len"].to_list()
            ends.append(
                over_societies([2 * count / (n * (n - 1)) for count in at], f"density of {name}", is_share=True)
            )
        rows.append((name, label(arm), *ends))
    forms: dict[str, CellForm] = {"network": "text", "arm": "text", "at first": "share", "at the end": "share"}
    said = f"{rows[0][0]}: density {percent(rows[0][2])} at first, {percent(rows[0][3])} at the end."  # type: ignore[arg-type]
    return [
        Section(name="density", heading="How dense ties are", chapter=_CHAPTER, sentences=(said,),
                table=tabled(forms, rows, "Ties among all pairs of agents", side="model"), notes=(UNITS,))
    ]  # fmt: skip


def _has_any(lived: Lived) -> bool:
    scan = lived.states.scan
    told = scan("events").filter(pl.col("kind") == TOLD)
    changed = scan("edges").filter(pl.col("round") > 0)
    return any(frame.head(1).collect().height for frame in (scan("memories"), told, changed))


ANALYSIS = Analysis(
    name="diffusion",
    about="who knows of events by round, what is known falsely, cascades of telling, density of ties",
    needs=needing(_has_any, "its agents remember nothing, tell nobody, and ties do not change"),
    sections=sections,
    is_quiet=True,
)
