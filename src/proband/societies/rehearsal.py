"""Answers drawn at random, with which a society is played before anybody is asked, to see what it will ask."""

import math

from proband.models.scripted import anything
from proband.records import Answer, Response, Trial
from proband.seeds import uniform_for


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
