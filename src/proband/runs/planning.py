"""What a study will take and what it can find, before anything is sent."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from proband.designs.conjoint import Conjoint
from proband.designs.design import Design, Stage
from proband.designs.process import unfold
from proband.designs.studies import Engines, Study
from proband.errors import DesignError
from proband.measures import smallest_detectable_effect
from proband.measures.shares import wilson_interval
from proband.models.engine import Cost
from proband.models.local.capacity import readable
from proband.notebook import html_table
from proband.records import Response, Trial
from proband.runs.casting import Cast
from proband.runs.simulating import CLUSTER, STIMULI, SUBJECT, Power, powers
from proband.seeds import rng_for

EXACT = 3_000  # designs up to this size are counted whole
MOST_LISTED = 100_000  # units of an adaptive design whose roster is made for a plan
BLOCKS, BLOCK = (10, 50)  # larger ones by blocks of consecutive trials, which share prefixes as the real batches do
PREVIEWED = 20_000  # trials of a design that depends on answers are looked at, and not made beyond
# Bytes on the disk, as journals of surveys and games were measured: of a row beside its values, of a request's hash
# and its text among many, of a row of the table; pages that are not full; characters of a token of a reply.
ROW_BYTES, BODY_BYTES, TABLE_BYTES, SPREAD, TOKEN_CHARS = 71, 70, 24, 1.3, 4
SCATTERED = 2_000  # and by single trials drawn at random, to see how often the same request comes back


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCost:
    """What a part of a design in time takes, as a plan tells it; `longest` is the longest of its prompts, in tokens."""

    name: str
    trials: int
    prompt_tokens: int
    completion_tokens: int
    longest: int
    seconds: float | None
    dollars: float | None

    @property
    def in_words(self) -> str:
        """As a plan prints it."""
        told = [f"{self.trials:,} trials", f"{self.prompt_tokens + self.completion_tokens:,} tokens"]
        told += [f"longest prompt {self.longest:,}", "time unknown" if self.seconds is None else duration(self.seconds)]
        return ", ".join([*told, "price unknown" if self.dollars is None else f"${self.dollars:.2f}"])


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Plan:
    """What carrying out a study would take, and what it could find.

    Attributes
    ----------
    kind, name, engine : str
        Of the study: its kind and title, and who answers.
    trials : int
        Trials of the whole design; an upper bound where skipping depends on answers.
    distinct_requests : int
        Requests that differ; the others are asked once and shared.
    prompt_tokens, unique_tokens, completion_tokens : int
        `unique_tokens` counts a shared beginning once, where the engine shares it.
    seconds, dollars : float or None
        None where unknown.
    disk_bytes : int
        What the run takes on the disk, about.
    units : int
        Independent units: subjects, matches, questions.
    unit : str
        What one is called.
    contrast : str
        What is compared: ``between arms``, ``model with people``, or ``within subjects, over persona``; empty where
        nothing is.
    arms : mapping
        Units in each group of a comparison of groups.
    smallest_detectable_effect : float or None
        With power .80 at alpha .05 (two-sided): between the two smallest groups in standard deviations; within units
        in standard deviations of their differences.
    half_width : float or None
        Where nothing is compared: half the 95 % interval of a share of one half, over all units.
    is_exact : bool
        False where the numbers come from a sample of the trials.
    notes : tuple of str
        How to read them.
    hypotheses : tuple of Power
        How likely each hypothesis is found, on every unit that it can be tested over.
    stages : tuple of StageCost
        Parts in time, of a design whose prompts grow.
    """

    kind: str
    name: str
    engine: str
    trials: int
    distinct_requests: int
    prompt_tokens: int
    unique_tokens: int
    completion_tokens: int
    seconds: float | None
    dollars: float | None
    units: int
    unit: str
    contrast: str = ""
    arms: Mapping[str, int] = field(default_factory=dict)
    smallest_detectable_effect: float | None = None
    half_width: float | None = None
    is_exact: bool
    notes: tuple[str, ...] = ()
    hypotheses: tuple[Power, ...] = ()
    disk_bytes: int = 0
    stages: tuple[StageCost, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self)

    def rows(self) -> list[tuple[str, str]]:
        """The plan in words, row by row."""
        about = "" if self.is_exact else "about "
        tokens = (
            f"{about}{self.prompt_tokens:,} in prompts, {self.unique_tokens:,} to compute after sharing, "
            f"{self.completion_tokens:,} in replies"
        )
        rows = [
            ("engine", self.engine),
            ("trials", f"{self.trials:,} ({about}{self.distinct_requests:,} distinct requests)"),
            ("tokens", tokens),
            ("time", "unknown" if self.seconds is None else f"about {duration(self.seconds)}"),
            ("price", "unknown" if self.dollars is None else f"${self.dollars:.2f}"),
            ("disk", f"about {readable(self.disk_bytes)}"),
            *((stage.name, stage.in_words) for stage in self.stages),
            ("units", f"{self.units:,} independent {plural(self.unit, self.units)}"),
        ]
        if self.smallest_detectable_effect is not None:
            arms = ", ".join(f"{name} {n:,}" for name, n in self.arms.items())
            in_sd = "SD" if self.arms else "SD of the difference"
            effect = f"smallest detectable effect {self.smallest_detectable_effect:.2f} {in_sd}, {self.contrast}"
            rows.append(("power", effect + (f" ({arms})" if arms else "")))
        rows += [("hypothesis", found.in_words) for found in self.hypotheses]
        if self.half_width is not None:
            rows.append(("precision", f"a share to within {100 * self.half_width:.1f} percentage points"))
        return rows

    def __repr__(self) -> str:
        rows = "".join(f"\n  {name:<9}  {text}" for name, text in self.rows())
        return f"Plan of the {self.kind or 'design'} {self.name!r}{rows}"

    def _repr_html_(self) -> str:
        return html_table([*self.rows(), *(("note", note) for note in self.notes)], ("plan", self.name))


def plan(study: Study | Design, engine: Engines | None = None, *, simulate: bool = False) -> Plan:
    """What a study will take and what it could find; no trial is sent.

    A design of more than 3,000 trials is sampled, in blocks of consecutive trials.

    Parameters
    ----------
    study : Study or Design
        What would be asked.
    engine : str, BaseEngine or mapping, optional
        Who would answer a design; a study says so itself.
    simulate : bool
        Whether the power of hypotheses is also found by simulating this very design on scripted people.

    Returns
    -------
    Plan
        Counts, time, price and power.

    Raises
    ------
    DesignError
        If a role has no engine.
    EngineError
        If an engine cannot do what is asked, e.g. a prompt is longer than its context. Of a large design the trials
        that are sampled are checked, and the longest of 2,000 drawn at random; `collect` checks them all. Nothing is
        sent to a server: what it can do is found out when the run begins.
    """
    study = _study(study, engine)
    design = study.design
    size = _size(design)
    available, stages = _available(design, size), design.stages()
    blocks, is_whole = ([list(stage.sample) for stage in stages], False) if stages else _blocks(available, size)
    sample = [trial for block in blocks for trial in block]
    ratio = size / len(sample) if sample else 0.0
    ratios = [stage.size / len(stage.sample) for stage in stages] or [ratio] * len(blocks)
    scattered = [] if is_whole else _scattered(available, design.seed)
    longest = sorted(scattered, key=lambda trial: sum(len(message.text) for message in trial.request.messages))[-BLOCK:]
    with Cast(study.cast) as cast:
        for name, part in _by_answerer([*sample, *longest]).items():
            # A server would have to be asked, and a plan needs no key and no network.
            if not cast.engine(name).is_remote:
                design.check_engine(cast.engine(name), part)
        costs = [
            (by, cast.engine(name).cost(part))
            for by, block in zip(ratios, blocks, strict=True)
            for name, asked in _by_answerer(block).items()
            for part in _together(design, asked)
        ]
        told = tuple(_stage_cost(stage, cast) for stage in stages)
    is_counted = all(cost.is_exact for _, cost in costs)
    distinct = len({trial.request.hash for trial in sample}) if is_whole else _distinct(scattered, size)
    replies = round(_sum(costs, "completion_tokens") or 0)
    return Plan(
        kind=study.kind,
        name=study.name,
        engine=study.answered_by,
        trials=size,
        distinct_requests=distinct,
        prompt_tokens=round(_sum(costs, "prompt_tokens") or 0),
        unique_tokens=round(_sum(costs, "unique_tokens") or 0),
        completion_tokens=replies,
        seconds=_sum(costs, "seconds"),
        dollars=_sum(costs, "price"),
        **_power(study),
        stages=told,
        hypotheses=tuple(powers(design, study.promises.hypotheses, simulate=simulate)),
        is_exact=is_whole and is_counted,
        notes=_notes(study, n_available=len(available), is_whole=is_whole, is_counted=is_counted),
        disk_bytes=round(
            ratio * sum(_row_bytes(trial, study.answered_by) for trial in sample)
            + SPREAD * TOKEN_CHARS * replies
            + BODY_BYTES * distinct
        ),
    )


def show(
    study: Study | Design,
    engine: Engines | None = None,
    place: str = "",
    *,
    answered: Mapping[str, Response] | None = None,
) -> str:
    """The exact text an engine would receive for the trial at a place; nothing is sent.

    Parameters
    ----------
    study : Study or Design
        What has the trial.
    engine : str, BaseEngine or mapping, optional
        Who would answer a design; a study says so itself.
    place : str
        Id of the place, or the beginning of one: the first trial that begins so is shown.
    answered : mapping, optional
        ``run.responses()`` of a run of this design: trials that depend on earlier answers are shown as they are
        asked after those. Without it they are shown without what came before.
    """
    study = _study(study, engine)
    design = study.design
    for trial in design.preview() if answered is None else design.trials(answered):
        if trial.id.startswith(place):
            with Cast(study.cast) as cast:
                return cast.engine(trial.answerer).render(trial)
    first = next(iter(design.preview()), None)
    if not design.items:
        raise DesignError(f"{study.name}: nobody is asked, rules alone decide; so there is nothing to show")
    example = "the design has no trials" if first is None else f"places look like {first.id!r}"
    raise DesignError(f"no trial begins with {place!r}; {example}")


def duration(seconds: float) -> str:
    """Seconds as a reader says them."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def plural(noun: str, n: int) -> str:
    """A noun behind a number."""
    if n == 1:
        return noun
    if noun.endswith("ty"):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("ch", "s")) else f"{noun}s"


def _sum(costs: Sequence[tuple[float, Cost]], name: str) -> float | None:
    """A total over parts, each by what it stands for; None where a part's is not known."""
    values = [(by, getattr(cost, name)) for by, cost in costs]
    return None if any(value is None for _, value in values) else sum(by * value for by, value in values)


def _together(design: Design, trials: Sequence[Trial]) -> list[list[Trial]]:
    """Trials that can be answered at the same time: of an adaptive design one of each subject, round by round.

    What is told later begins as what was told before, and is computed again all the same.
    """
    if not design.is_adaptive:
        return [list(trials)]
    steps: dict[tuple[int, int], list[Trial]] = {}
    asked = Counter[tuple[str, int]]()
    for trial in trials:
        whose = trial.place.subject, trial.place.round
        steps.setdefault((trial.place.round, asked[whose]), []).append(trial)
        asked[whose] += 1
    return list(steps.values())


def _stage_cost(stage: Stage, cast: Cast) -> StageCost:
    ratio = stage.size / len(stage.sample)
    costs = [(ratio, cast.engine(name).cost(part)) for name, part in _by_answerer(stage.sample).items()]
    longest = max(stage.sample, key=lambda trial: sum(len(message.text) for message in trial.request.messages))
    return StageCost(
        name=stage.name, trials=stage.size, prompt_tokens=round(_sum(costs, "prompt_tokens") or 0),
        completion_tokens=round(_sum(costs, "completion_tokens") or 0),
        longest=cast.engine(longest.answerer).cost([longest]).prompt_tokens, seconds=_sum(costs, "seconds"),
        dollars=_sum(costs, "price"),
    )  # fmt: skip


def _study(study: Study | Design, engine: Engines | None) -> Study:
    if isinstance(study, Study):
        return study if engine is None else Study(study.design, engine, people=study.people)
    if engine is None:
        raise DesignError(f"{study.name}: no engine to plan with; name one, e.g. engine='smollm2'")
    return Study(study, engine)


def _size(design: Design) -> int:
    """Trials of a design; refuses numbers that nobody can have meant."""
    try:
        size = design.size()
    except OverflowError:
        size = sys.maxsize + 1
    if size > sys.maxsize:
        raise DesignError(
            f"{design.name}: more than {sys.maxsize:.0e} trials; lower what multiplies them: replicates, matches, "
            "rounds, draws or the levels of factors"
        )
    return size


def _available(design: Design, size: int) -> Sequence[Trial]:
    """The trials that can be looked at; of a large design whose trials follow from answers, those that come first."""
    if size <= PREVIEWED or not design.is_adaptive or type(design).preview is not Design.preview:
        return design.foreseen()
    return list(islice(unfold(islice(design.processes(), PREVIEWED), {}), PREVIEWED))


def _row_bytes(trial: Trial, engine: str) -> float:
    """Bytes that a response takes in the journal and in the table, without what is written in it."""
    n = trial.request.n_scored
    values = len(trial.id) + len(trial.reply.rule) + len(engine) + 16 * n + 6 * len(trial.reply.options)
    return SPREAD * (ROW_BYTES + values) + TABLE_BYTES


def _blocks(trials: Sequence[Trial], size: int) -> tuple[list[list[Trial]], bool]:
    """The trials to count: all of a small design, evenly spaced blocks of a large one."""
    n = len(trials)
    if n <= EXACT:
        return [list(trials)], n == size
    starts = [round(k * (n - BLOCK) / (BLOCKS - 1)) for k in range(BLOCKS)]
    return [list(trials[start : start + BLOCK]) for start in starts], False


def _by_answerer(trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    parts: dict[str, list[Trial]] = {}
    for trial in trials:
        parts.setdefault(trial.answerer, []).append(trial)
    return parts


def _scattered(trials: Sequence[Trial], seed: int) -> list[Trial]:
    """Trials drawn at random, each at most once."""
    n = len(trials)
    places = rng_for(seed, "plan").choice(n, size=min(n, SCATTERED), replace=False)
    return [trials[int(place)] for place in sorted(places)]


def _distinct(sample: Sequence[Trial], size: int) -> int:
    """Distinct requests among `size` trials, by how many of a random sample were seen once and twice.

    The estimator of Chao (1984), Scand. J. Statist. 11, 265-270, a lower bound on average.
    """
    seen = Counter(trial.request.hash for trial in sample)
    times = Counter(seen.values())
    once, twice = times[1], times[2]
    if once == len(sample):
        return size
    return min(size, round(len(seen) + once * (once - 1) / (2 * (twice + 1))))


def _power(study: Study) -> dict[str, Any]:
    """What is compared, and the smallest effect or the precision that so many independent units buy."""
    design = study.design
    units = design.n_units()
    found: dict[str, Any] = {"units": units, "unit": design.unit}
    if not design.is_about_people:
        return found
    # A design whose units come out of their own processes assigns nobody, and its roster may be too long to make.
    arms = {} if design.is_adaptive and units > MOST_LISTED else dict(design.roster().arms)
    if isinstance(design, Conjoint):
        name, levels = max(design.attributes.items(), key=lambda attribute: len(attribute[1]))
        n = len(design.subjects) * design.tasks * design.profiles_per_task // len(levels)
        found |= {"contrast": f"between profiles by {name}", "arms": {"one level": n, "another": n}}
    elif len(arms) > 1:
        found |= {"contrast": "between arms", "arms": arms}
    elif study.people is not None:
        answered = len(set(study.people.roster().units) & set(design.roster().units))
        found |= {"contrast": "model with people", "arms": {"model": units, "people": answered}}
    elif design.within:
        found |= {"contrast": f"within {plural(design.unit, 2)}, over {', '.join(design.within)}"}
    groups = sorted(found.get("arms", {}).values())[:2] or [units]
    if "contrast" not in found:
        low, high = wilson_interval(0.5, units) if units else (0.0, 1.0)
        found["half_width"] = (high - low) / 2
    elif groups[0] >= 2:
        found["smallest_detectable_effect"] = float(smallest_detectable_effect(*groups))
    return found


def _notes(study: Study, *, n_available: int, is_whole: bool, is_counted: bool) -> tuple[str, ...]:
    design = study.design
    notes = list(design.notes())
    if not design.items:
        return (*notes, "Nobody is asked: rules alone decide, so there are no calls.")
    if design.is_adaptive and not design.stages():
        notes.append(
            "Later trials depend on earlier answers: their number is an upper bound, and prompts grow on the way."
        )
    if isinstance(design, Conjoint):
        notes.append("Profiles count as independent of each other; how alike a subject's choices are is not known yet.")
    if any(hypothesis.factor for hypothesis in study.promises.hypotheses):
        notes.append(
            f"Power of hypotheses is for answers spread evenly over the options, {SUBJECT:.0%} of whose variance is "
            f"the subject's, {CLUSTER:.0%} the cluster's and {STIMULI:.0%} the stimulus's, where there are any."
        )
    if not is_whole and n_available > EXACT and not design.stages():
        notes.append(f"Estimated from {BLOCKS} blocks of {BLOCK} trials.")
    if not is_counted:
        notes.append("Tokens are estimated from characters.")
    if not design.is_about_people:
        return tuple(notes)
    notes.append(
        f"Power and precision count independent {plural(design.unit, 2)}. Asking a model more often does not add "
        "information about people."
    )
    return tuple(notes)
