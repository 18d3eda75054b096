"""Groups: what they tell each other and find together, and whether they go further than alone."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

import polars as pl

from proband.analyses.answers import answers, cautions, measured, option_shares, percent, tabled, told
from proband.analyses.batteries import of_battery, setting_of
from proband.analyses.section import Analysis, Figure, Section, marks
from proband.batteries.battery import BATTERIES
from proband.batteries.sociology.division_of_labour import REST, TASKS
from proband.batteries.sociology.division_of_labour import needs as needed
from proband.batteries.sociology.hidden_profile import MEMBERS, N_COMMON, is_full
from proband.batteries.sociology.polarisation import MIDDLE
from proband.batteries.task import Task, number_of
from proband.estimates import Estimate
from proband.measures import clustered_mean
from proband.runs.run import Run

Told = Sequence[tuple[str, float]]  # group, number


def needs(run: Run) -> str | None:
    """A run of a battery of groups."""
    battery = str((run.manifest.get("design") or {}).get("battery"))
    return of_battery(run, battery) if battery in _TOLD else f"this is no run of the batteries {', '.join(_TOLD)}"


def sections(run: Run) -> Sequence[Section]:
    """What is told of that battery."""
    return [_TOLD[run.manifest["design"]["battery"]](run)]


def _hidden(run: Run) -> Section:
    chosen = {
        "alone, each knows a part": [(g, p[1]) for g, r, p in _shares(run, "choose-") if not _full(g) and r == 1],
        "after the discussion": [(g, p[1]) for g, r, p in _shares(run, "choose-") if not _full(g) and r == 2],
        "each knows everything": [(g, p[1]) for g, r, p in _shares(run, "choose-") if _full(g)],
    }
    own = [(g, sum(p[N_COMMON:])) for g, _, p in _shares(run, "tell-")]
    hidden = {
        role: [(g, p[1]) for g, r, p in _shares(run, "choose-", role) if not _full(g) and r == 2]
        for role in _roles(run)
    }
    shares = {
        name: _mean(found, f"share of the better option, {name}", is_share=True) for name, found in chosen.items()
    }
    shares["told: what nobody else knows"] = _mean(own, "share of what is told that is its teller's own", is_share=True)
    for role, found in hidden.items():
        told_own = [(g, sum(p[N_COMMON:])) for g, _, p in _shares(run, "tell-", role)]
        shares[f"after the discussion, {role}"] = _mean(found, f"share of the better option, {role}", is_share=True)
        shares[f"told: what nobody else knows, {role}"] = _mean(told_own, f"share of its own, {role}", is_share=True)
    full = shares["each knows everything"]
    low = (full.interval or (full.value,) * 2)[0]
    return Section(
        name="groups",
        heading="What a group finds",
        chapter="Groups",
        sentences=(
            *(f"Share of the better option, {name}: {percent(shares[name])}." for name in chosen),
            f"Of what is told, {percent(shares['told: what nobody else knows'])} is known to its teller alone; a third "
            "of what there is to tell is.",
            *(("Even who knows everything does not choose it reliably, so nothing is hidden.",) * (low < 0.5)),
        ),
        table=tabled(
            {"what": "text", "share": "share", "groups": "count"},
            [(name, share, share.n_clusters or share.n_units) for name, share in shares.items()],
            "Choices and tellings of groups", side="model",
        ),
        figure=Figure(form="intervals", rows=marks(shares, "model"), caption="Choices and tellings of groups"),
        notes=(
            f"Groups of {MEMBERS} are the units; shares are of probabilities, or of answers. Intervals are over groups "
            "about these stories, which are few, and not over other stories.",
        ),
        warnings=cautions(shares.items()),
    )  # fmt: skip


def _moved(run: Run) -> Section:
    table = _judged(run)
    means = table.group_by("group", "round", maintain_order=True).agg(pl.mean("score"))
    last = int(table["round"].max() or 1)  # type: ignore[arg-type]
    alone, end = (dict(means.filter(pl.col("round") == r)["group", "score"].iter_rows()) for r in (1, last))
    lean = [(g, abs(alone[g] - MIDDLE)) for g in alone]
    # Towards the side of the lean; a group that leans nowhere has no side.
    moved = [
        (g, (end[g] - alone[g]) * (1 if alone[g] > MIDDLE else -1)) for g in alone if g in end and alone[g] != MIDDLE
    ]
    drawn = (
        answers(run)
        .filter(pl.col("status") == "valid")
        .group_by("subject", "round", maintain_order=True)
        .agg(pl.col("answer").std())
    )
    spread = {
        r: [(g, x) for g, x in drawn.filter(pl.col("round") == r)["subject", "answer"].iter_rows() if x is not None]
        for r in (1, last)
    }
    found = {
        "lean alone": _mean(lean, "distance of the group's mean from the middle, alone"),
        "move towards the lean": _mean(moved, "move of the group's mean towards the side of its lean"),
        "spread alone": _mean(spread[1], "standard deviation of drawn judgements in a group, alone"),
        "spread at the end": _mean(spread[last], "standard deviation of drawn judgements in a group, at the end"),
    }
    for role in _roles(run):
        own = _judged(run, role)
        for when, r in (("alone", 1), ("at the end", last)):
            said = list(own.filter(pl.col("round") == r)["group", "score"].iter_rows())
            found[f"{role}, {when}"] = _mean(said, f"mean judgement of {role}, {when}")
    return Section(
        name="groups",
        heading="Whether a group goes further",
        chapter="Groups",
        sentences=(
            f"Alone groups lean {told(found['lean alone'])} points to a side, and then move "
            f"{told(found['move towards the lean'])} points further to it.",
            f"The spread within groups is {told(found['spread alone'])} alone and "
            f"{told(found['spread at the end'])} at the end.",
        ),
        table=tabled(
            {"what": "text", "points": "number", "groups": "count"},
            [(name, one, one.n_clusters or one.n_units) for name, one in found.items()],
            "Judgements from 1 to 7", side="model",
        ),
        notes=(
            "Groups are the units. Leans and moves are of means of probabilities, spreads of the answers drawn. "
            "Intervals are over groups about these dilemmas, which are few, and not over others.",
        ),
        warnings=cautions(found.items()),
    )  # fmt: skip


def _divided(run: Run) -> Section:
    found: dict[str, Estimate] = {}
    for role in ("", *_roles(run)):
        needed_more, stays, rests = _labour(run, role)
        by = f", {role}" if role else ""
        for name, told_, is_share in (
            ("works at what is lacking more", needed_more, True), ("specialisation", stays, False),
            ("rests", rests, True),
        ):  # fmt: skip
            found[f"{name}{by}"] = _mean(told_, f"{name}{by}", is_share=is_share)
    more = found["works at what is lacking more"]
    return Section(
        name="groups",
        heading="Whether a group divides its labour",
        chapter="Groups",
        sentences=(
            f"Of those who work, {percent(more)} work at what is lacking more; by chance a half would.",
            f"Specialisation is {told(found['specialisation'])}: 0 where tasks are changed at random, 1 where each of "
            "two tasks has its own people.",
        ),
        table=tabled(
            {"what": "text", "value": "number", "groups": "count"},
            [(name, one, one.n_clusters or one.n_units) for name, one in found.items()],
            "What groups do", side="model",
        ),
        notes=(
            "Groups are the units, and what was chosen is read, not probabilities, for needs follow from it. "
            "Specialisation is the share of a member's steps from work to work that stay with the task, by the sum "
            "of squared shares of tasks in the group, less 1.",
        ),
        warnings=cautions(found.items()),
    )  # fmt: skip


def _labour(run: Run, role: str) -> tuple[Told, Told, Told]:
    """By group: whether those who work are where it lacks more, how far members stay with a task, whether they rest."""
    more, stays, rests = list[tuple[str, float]](), list[tuple[str, float]](), list[tuple[str, float]]()
    sits = _sitting(run)
    for group, days in _days(run).items():
        seats = [k for k in range(len(days[0])) if not role or sits(group, k) == role]
        for day, taken in enumerate(days):
            lack = needed(days[:day])
            working = [taken[k] for k in seats if taken[k] != REST]
            rests += [(group, float(taken[k] == REST)) for k in seats]
            if len(set(lack)) > 1:
                more += [(group, float(lack[task] == max(lack))) for task in working]
        steps = [(a[k], b[k]) for a, b in itertools.pairwise(days) for k in seats if REST not in (a[k], b[k])]
        worked = [task for taken in days for task in taken if task != REST]
        if steps:
            by_chance = sum((worked.count(task) / len(worked)) ** 2 for task in range(len(TASKS)))
            stays.append((group, sum(a == b for a, b in steps) / len(steps) / by_chance - 1))
    return more, stays, rests


def _days(run: Run) -> Mapping[str, Sequence[Sequence[int]]]:
    """What everybody of a group took, day by day, as far as all gave an answer."""
    valid = answers(run).filter(pl.col("status") == "valid").sort("subject", "round", "item")
    found: dict[str, list[list[int]]] = {}
    n = valid["item"].n_unique()
    for (group, _), day in valid.group_by("subject", "round", maintain_order=True):
        if day.height == n:
            found.setdefault(str(group), []).append(day["answer"].to_list())
    return found


def _judged(run: Run, role: str = "") -> pl.DataFrame:
    score = [(g, r, sum((k + 1) * x for k, x in enumerate(p))) for g, r, p in _shares(run, "judge-", role)]
    return pl.DataFrame(score, schema=["group", "round", "score"], orient="row")


def _full(group: str) -> bool:
    return is_full(number_of(group))


def _roles(run: Run) -> Sequence[str]:
    """Engines that sit together, where there are several."""
    found: Sequence[str] = run.manifest["design"].get("members", ())
    return found


def _sitting(run: Run) -> Callable[[str, int], str]:
    """Role of the engine in a seat of a group."""
    make = BATTERIES.load(run.manifest["design"]["battery"]).design
    task = make(setting_of(run)) if make else None
    return lambda group, seat: task.answerer(number_of(group), seat) if isinstance(task, Task) else ""


def _shares(run: Run, begins: str, role: str = "") -> Iterable[tuple[str, int, Sequence[float]]]:
    """Group, round and shares of options, of every member, or of those of an engine, and of items that begin so."""
    sits = _sitting(run)
    for (item,), part in answers(run).group_by("item", maintain_order=True):
        if str(item).startswith(begins):
            seat = int(str(item).rpartition("-")[2]) - 1
            for (group, round), shares in option_shares(run.items[str(item)], part, ("subject", "round")).items():
                if not role or sits(str(group), seat) == role:
                    yield str(group), int(round), shares.tolist()  # type: ignore[call-overload]


def _mean(found: Told, what: str, *, is_share: bool = False) -> Estimate:
    return measured(
        lambda: clustered_mean([x for _, x in found], [group for group, _ in found], is_share=is_share), what
    )


_TOLD: Mapping[str, Callable[[Run], Section]] = {
    "hidden-profile": _hidden,
    "polarisation": _moved,
    "division-of-labour": _divided,
}

ANALYSIS = Analysis(
    name="groups",
    about="hidden profiles: what groups tell and find; polarisation: whether they go further than alone; labour: how "
    "they divide it",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
