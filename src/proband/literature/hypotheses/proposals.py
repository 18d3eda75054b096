"""What a reply to a request for a hypothesis comes to, and all proposals of a run."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proband.errors import DesignError
from proband.literature.hypotheses.record import Hypothesis, Strategy
from proband.literature.spans import Span
from proband.records import Response
from proband.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What came of one proposal.

    Attributes
    ----------
    subject : str
        `STRATEGY-NUMBER`, as in the run.
    hypothesis : Hypothesis or None
        None where the reply was no hypothesis.
    why : str
        What it lacks, where it is none.
    """

    subject: str
    hypothesis: Hypothesis | None
    why: str = ""


def proposal_in(
    response: Response, strategy: Strategy, *, spans: Sequence[Span] = (), seen: Sequence[str] = (), beside: str = ""
) -> Proposal:
    """The hypothesis in a reply, or what it lacks; passages are named by the numbers they were shown under."""
    subject = response.place.subject
    if response.status != "valid":
        return Proposal(subject=subject, hypothesis=None, why=f"the reply is {response.status}")
    held: dict[str, Any] = {name: value or "" for name, value in json.loads(str(response.answer)).items()}
    if not held["direction"]:
        return Proposal(subject=subject, hypothesis=None, why="no direction")
    numbers = dict.fromkeys(str(held.get(name, "")) for name in ("source", "source_2"))
    cited = tuple(spans[int(k) - 1] for k in numbers if k.isdecimal())
    try:
        hypothesis = Hypothesis(
            independent=held["independent"], dependent=held["dependent"], direction=held["direction"],
            falsifier=held["falsifier"], mechanism=held["mechanism"], population=held["population"],
            moderators=(held["moderator"],) if held["moderator"] else (), test=held["test"], spans=cited,
            strategy=strategy, proposer=response.engine, seen=tuple(seen), beside=beside,
        )  # fmt: skip
    except DesignError:
        lacks = [name for name in ("independent", "dependent", "falsifier") if not held[name].strip(" .-")]
        return Proposal(subject=subject, hypothesis=None, why=f"no {' and no '.join(lacks) or 'words'}")
    return Proposal(subject=subject, hypothesis=hypothesis)


def proposals_in(run: Run) -> list[Proposal]:
    """What every proposal of a run has come to by now; before a less likely one stands the likely one."""
    design = run.manifest["design"] or {}
    spans = [Span(**span) for span in design.get("spans") or ()]
    seen = seen_by(spans, (design.get("rows") or {}).get("file", ""))
    steps: dict[str, list[Response]] = {}
    for response in run.responses().values():
        if response.place.item == "hypothesis":
            steps.setdefault(response.place.subject, []).append(response)
    found = []
    for subject in (subject for subject in run.roster.units if subject in steps):
        responses = sorted(steps[subject], key=lambda response: response.place.round)
        strategy = strategy_of(subject)
        beside = ""
        if strategy == "less_likely":
            likely = proposal_in(responses[0], "plain", spans=spans, seen=seen)
            found.append(likely)
            beside = likely.hypothesis.id if likely.hypothesis else ""
            responses = responses[1:]
        if responses:
            found.append(proposal_in(responses[-1], strategy, spans=spans, seen=seen, beside=beside))
    return found


def seen_by(spans: Sequence[Span], file: str) -> tuple[str, ...]:
    """What a proposer has seen, in words."""
    records = ", ".join(dict.fromkeys(span.record for span in spans))
    told = [f"passages of {records}"] if spans else []
    return (*told, *([f"A: rows of {file}, outcome and texts"] if file else []))


def strategy_of(subject: str) -> Strategy:
    """The strategy of a proposal, by its subject."""
    return subject.rpartition("-")[0]  # type: ignore[return-value]
