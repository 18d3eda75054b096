"""Answers drawn at random, with which a society is played before anybody is asked, to see what it will ask."""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from proband.models.scripted import anything
from proband.records import Answer, Response, Trial
from proband.seeds import uniform_for
from proband.societies.life import Life

_SAMPLE = 3_000  # trials that are looked at, the same number in every round


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What one society, with all its arms, asked when it was played with answers drawn at random.

    Attributes
    ----------
    counts : mapping of int to int
        Trials by round; surveys inside the world count to the round they follow.
    sample : mapping of int to sequence of Trial
        Some of them, the longest of each round among them.
    """

    counts: Mapping[int, int]
    sample: Mapping[int, Sequence[Trial]]


def rehearse(life: Life, rounds: int) -> Rehearsal:
    """Play one society."""
    counts: dict[int, int] = {}
    sample: dict[int, list[Trial]] = {}
    longest: dict[int, int] = {}
    room = max(8, _SAMPLE // max(1, rounds))
    open_ = deque((life.round, trial) for trial in life.start())
    while open_:
        now, trial = open_.popleft()
        round = int(dict(trial.place.condition).get("wave", trial.place.round or now))
        counts[round] = counts.get(round, 0) + 1
        kept, length = sample.setdefault(round, []), sum(len(message.text) for message in trial.request.messages)
        if len(kept) < room:
            kept.append(trial)
        elif length > longest[round]:
            kept[-1] = trial
        longest[round] = max(length, longest.get(round, 0))
        answer = answer_anything(trial)
        if trial.reply.form == "text":  # of a length that prompts which repeat it may have
            answer = replace(answer, answer=" ".join(["word"] * max(1, trial.request.max_tokens // 2)))
        found = life.advance(answer)
        open_ += [(life.round, later) for later in found]
    return Rehearsal(counts=counts, sample=sample)


def answer_anything(trial: Trial, seed: int = 0) -> Response:
    """A valid response that the reply of a trial allows, drawn by place."""
    reply, n = trial.reply, len(trial.reply.options)
    probs: tuple[float, ...] | None = None
    answer: Answer
    if reply.form in ("choice", "scale"):
        open_ = [k for k in range(n) if k not in reply.dont_know] or list(range(n))
        answer = open_[int(uniform_for(seed, "rehearsal", trial.id) * len(open_))]
        probs = tuple([1 / len(open_) if k in open_ else 0.0 for k in range(n)])
    elif reply.form == "number" and not math.isfinite((reply.upper or math.inf) - (reply.lower or 0.0)):
        answer = float(int(uniform_for(seed, "rehearsal", trial.id) * 100) + (reply.lower or 0.0))
    else:
        answer = anything(trial, seed)
    return Response(
        place=trial.place, request=trial.request.hash, status="valid", rule=reply.rule, answer=answer, probs=probs,
        engine="rehearsal",
    )  # fmt: skip
