"""Groups: what they tell each other and find together, and whether they go further than alone."""

from collections.abc import Iterable, Sequence

import polars as pl

from proband.analyses.answers import answers, cautions, measured, option_shares, percent, tabled, told
from proband.analyses.batteries import of_battery, setting_of
from proband.analyses.section import Analysis, Figure, Section, marks
from proband.batteries.battery import BATTERIES
from proband.batteries.sociology.hidden_profile import MEMBERS, N_COMMON, is_full
from proband.batteries.sociology.polarisation import MIDDLE
from proband.batteries.task import Task, number_of
from proband.estimates import Estimate
from proband.measures import clustered_mean
from proband.runs.run import Run

Told = Sequence[tuple[str, float]]  # group, number


def needs(run: Run) -> str | None:
    """A run of a battery of groups."""
    why = of_battery(run, "hidden-profile")
    return why and of_battery(run, "polarisation") and f"{why}, and none of the battery 'polarisation'"


def sections(run: Run) -> Sequence[Section]:
    """What is told of that battery."""
    return [_hidden(run) if of_battery(run, "hidden-profile") is None else _moved(run)]


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
    means = table.group_by("group", "round").agg(pl.mean("score"))
    last = int(table["round"].max() or 1)  # type: ignore[arg-type]
    alone, end = (dict(means.filter(pl.col("round") == r)["group", "score"].iter_rows()) for r in (1, last))
    lean = [(g, abs(alone[g] - MIDDLE)) for g in alone]
    # Towards the side of the lean; a group that leans nowhere has no side.
    moved = [
        (g, (end[g] - alone[g]) * (1 if alone[g] > MIDDLE else -1)) for g in alone if g in end and alone[g] != MIDDLE
    ]
    drawn = answers(run).filter(pl.col("status") == "valid").group_by("subject", "round").agg(pl.col("answer").std())
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


def _judged(run: Run, role: str = "") -> pl.DataFrame:
    score = [(g, r, sum((k + 1) * x for k, x in enumerate(p))) for g, r, p in _shares(run, "judge-", role)]
    return pl.DataFrame(score, schema=["group", "round", "score"], orient="row")


def _full(group: str) -> bool:
    return is_full(number_of(group))


def _roles(run: Run) -> Sequence[str]:
    """Engines that sit together, where there are several."""
    return run.manifest["design"].get("members", ())


def _shares(run: Run, begins: str, role: str = "") -> Iterable[tuple[str, int, Sequence[float]]]:
    """Group, round and shares of options, of every member, or of those of an engine, and of items that begin so."""
    design = run.manifest["design"]
    task = BATTERIES.load(design["battery"]).design(setting_of(run)) if role else None
    for (item,), part in answers(run).group_by("item", maintain_order=True):
        if str(item).startswith(begins):
            seat = int(str(item).rpartition("-")[2]) - 1
            for (group, round), shares in option_shares(run.items[str(item)], part, ("subject", "round")).items():
                if not isinstance(task, Task) or task.answerer(number_of(str(group)), seat) == role:
                    yield str(group), int(round), shares.tolist()  # type: ignore[call-overload]


def _mean(found: Told, what: str, *, is_share: bool = False) -> Estimate:
    return measured(
        lambda: clustered_mean([x for _, x in found], [group for group, _ in found], is_share=is_share), what
    )


ANALYSIS = Analysis(
    name="groups",
    about="hidden profiles: what groups tell and find; polarisation: whether they go further than alone",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
