"""What a design will take and what it can find, before anything is sent."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from proband.designs.design import Design
from proband.errors import DesignError
from proband.measures import smallest_detectable_effect
from proband.models.engine import BaseEngine
from proband.records import Response, Trial
from proband.runs.casting import Cast
from proband.seeds import rng_for

EXACT = 3_000  # designs up to this size are counted whole
BLOCKS, BLOCK = (
    10,
    50,
)  # larger ones by blocks of consecutive trials, which share prefixes as the real batches do
SCATTERED = 2_000  # and by single trials drawn at random, to see how often the same request comes back


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `collect` would do.

    Attributes
    ----------
    trials : int
        Trials of the whole design; an upper bound where skipping depends on answers.
    distinct_requests : int
        Requests that differ; the others are asked once and shared.
    prompt_tokens, unique_tokens, completion_tokens : int
        `unique_tokens` counts a shared beginning once, where the engine shares it.
    seconds, dollars : float or None
        None where unknown.
    smallest_detectable_effect : float or None
        In standard deviations, for the smallest two arms, with power .80 at alpha .05 (two-sided).
    is_exact : bool
        False where the numbers come from a sample of the trials.
    notes : tuple of str
        How to read them.
    """

    trials: int
    distinct_requests: int
    prompt_tokens: int
    unique_tokens: int
    completion_tokens: int
    seconds: float | None
    dollars: float | None
    arms: Mapping[str, int]
    smallest_detectable_effect: float | None
    is_exact: bool
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self)


def plan(design: Design, engine: str | BaseEngine | Mapping[str, str | BaseEngine]) -> Plan:
    """What a design will take and the smallest effect it can find; no trial is sent.

    A design of more than 3,000 trials is sampled, in blocks of consecutive trials.

    Parameters
    ----------
    design : Design
        What would be asked.
    engine : str, BaseEngine or mapping
        Who would answer; see `collect`.

    Returns
    -------
    Plan
        Counts, time, price and power.

    Raises
    ------
    EngineError
        If an engine cannot do what is asked, e.g. a prompt is longer than its context. Of a large design the trials
        that are sampled are checked, and the longest of 2,000 drawn at random; `collect` checks them all. Nothing is
        sent to a server: what it can do is found out when the run begins.
    """
    size = design.size()
    available = design.preview()
    blocks, is_whole = _blocks(available, size)
    sample = [trial for block in blocks for trial in block]
    ratio = size / len(sample) if sample else 0.0
    scattered = [] if is_whole else _scattered(available, design.seed)
    with Cast(engine) as cast:
        for name, part in _by_answerer([*sample, *sorted(scattered, key=_length)[-BLOCK:]]).items():
            # A server would have to be asked, and a plan needs no key and no network.
            if not cast.engine(name).is_remote:
                cast.engine(name).check(part)
        costs = [
            cast.engine(name).cost(part) for block in blocks for name, part in _by_answerer(block).items()
        ]
    seconds = [cost.seconds for cost in costs]
    prices = [cost.price for cost in costs]
    arms = design.roster().arms
    return Plan(
        trials=size,
        distinct_requests=len({trial.request.hash for trial in sample})
        if is_whole
        else _distinct(scattered, size),
        prompt_tokens=round(ratio * sum(cost.prompt_tokens for cost in costs)),
        unique_tokens=round(ratio * sum(cost.unique_tokens for cost in costs)),
        completion_tokens=round(ratio * sum(cost.completion_tokens for cost in costs)),
        seconds=None if None in seconds else ratio * sum(s for s in seconds if s is not None),
        dollars=None if None in prices else ratio * sum(p for p in prices if p is not None),
        arms=arms,
        smallest_detectable_effect=_effect(arms),
        is_exact=is_whole and all(cost.is_exact for cost in costs),
        notes=_notes(design, is_whole=is_whole, is_counted=all(cost.is_exact for cost in costs)),
    )


def show(
    design: Design,
    engine: str | BaseEngine | Mapping[str, str | BaseEngine],
    place: str,
    *,
    answered: Mapping[str, Response] | None = None,
) -> str:
    """The exact text an engine would receive for the trial at a place; nothing is sent.

    Parameters
    ----------
    design : Design
        The design that has the trial.
    engine : str, BaseEngine or mapping
        Who would answer.
    place : str
        Id of the place, or the beginning of one: the first trial that begins so is shown.
    answered : mapping, optional
        ``run.responses()`` of a run of this design: trials that depend on earlier answers are shown as they are
        asked after those. Without it they are shown without what came before.
    """
    for trial in design.preview() if answered is None else design.trials(answered):
        if trial.id.startswith(place):
            with Cast(engine) as cast:
                return cast.engine(trial.answerer).render(trial)
    first = next(iter(design.preview()), None)
    example = "the design has no trials" if first is None else f"places look like {first.id!r}"
    raise DesignError(f"no trial begins with {place!r}; {example}")


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


def _length(trial: Trial) -> int:
    """Characters of everything that is sent before the reply."""
    return sum(len(message.text) for message in trial.request.messages)


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


def _effect(arms: Mapping[str, int]) -> float | None:
    """Smallest detectable standardised difference between the two smallest arms."""
    smallest = sorted(arms.values())[:2]
    if len(smallest) < 2 or smallest[0] < 2:
        return None
    return float(smallest_detectable_effect(*smallest))


def _notes(design: Design, *, is_whole: bool, is_counted: bool) -> tuple[str, ...]:
    notes = []
    if design.is_adaptive:
        notes.append(
            "later trials depend on earlier answers: their number is an upper bound, their prompts grow"
        )
    if not is_whole and len(design.preview()) > EXACT:
        notes.append(f"estimated from {BLOCKS} blocks of {BLOCK} trials")
    if not is_counted:
        notes.append("tokens estimated from characters")
    notes.append(
        "the smallest detectable effect counts independent subjects, not answers: a model's answers say nothing "
        "about people without people"
    )
    return tuple(notes)
