"""What several screeners' answers come to: one decision a record, with its reason and whose it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from proband.errors import DesignError
from proband.instruments.items import Item
from proband.models.codes import folded
from proband.records import Status

INCLUDE: Final = "include"
EXCLUDE: Final = "exclude"
Told = tuple[object, Status, Sequence[float] | None]  # answer, status, probabilities of the codes as written


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one screener says of one record: in or out, and by which criterion and code it is out."""

    is_included: bool
    criterion: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is decided of a record.

    Attributes
    ----------
    decision : {"include", "exclude"}
        As tables write it.
    criterion, reason : str
        Question and code by which it is out; empty of what is in.
    by : tuple of str
        The screeners whose verdict it is.
    is_disputed : bool
        Whether screeners differed.
    """

    decision: Literal["include", "exclude"]
    criterion: str = ""
    reason: str = ""
    by: tuple[str, ...] = ()
    is_disputed: bool = False


def excluding(items: Sequence[Item], named: Sequence[str] = ()) -> dict[str, frozenset[int]]:
    """The codes of each criterion that keep a record out, as places of its options.

    Those called "No", or that begin with "Exclude", unless others are named; "cannot tell" keeps nothing out.

    Raises
    ------
    DesignError
        If there is no criterion, or one of which no code, or every code, keeps a record out; the question is named.
    """
    if not items:
        raise DesignError("no criterion, so nothing can be decided; write a codebook with at least one question")
    known = {folded(option) for item in items for option in item.options}
    wanted = {folded(name) for name in named}
    if strange := sorted(wanted - known):
        raise DesignError(f"screening.excludes: no criterion has a code {strange[0]!r}; there are {sorted(known)}")
    found = {}
    for item in items:
        if item.form not in ("choice", "scale"):
            raise DesignError(f"criterion {item.id!r} of form {item.form!r}: give it codes, one of which is chosen")
        out = frozenset(
            k for k, option in enumerate(item.options)
            if k not in item.dont_know and (folded(option) in wanted if wanted else _keeps_out(option))
        )  # fmt: skip
        kept = [k for k in range(len(item.options)) if k not in out and k not in item.dont_know]
        if not out or not kept:
            lacks = "no code keeps a record out" if kept else "every code keeps a record out, so all are excluded"
            raise DesignError(
                f"criterion {item.id!r}: {lacks} (its codes: {', '.join(item.options)}); call one No, or begin it with "
                "Exclude, or name those that do: screening.excludes"
            )
        found[item.id] = out
    return found


def _keeps_out(option: str) -> bool:
    return folded(option) == "no" or folded(option).startswith("exclude")


def verdict_of(
    items: Sequence[Item], out: Mapping[str, frozenset[int]], given: Mapping[str, tuple[int | None, Status]]
) -> Verdict | None:
    """What answers to the criteria come to: out by the first that keeps it out; None where one has no answer.

    Who cannot tell keeps nothing out: the paper itself decides.
    """
    for item in items:
        answer, _ = given.get(item.id, (None, "failed"))
        if answer in out[item.id]:
            return Verdict(is_included=False, criterion=item.id, reason=item.options[int(answer or 0)])
    is_whole = all(given.get(item.id, (None, "failed"))[1] in ("valid", "dont_know") for item in items)
    return Verdict(is_included=True) if is_whole else None


def answer_of(told: Sequence[Told]) -> tuple[int | None, Status]:
    """One answer of those to all orders of the codes: by the mean of their probabilities, or where all say the same."""
    if lost := [status for _, status, _ in told if status not in ("valid", "dont_know")]:
        return None, lost[0]
    if len(told) > 1 and all(probs for _, _, probs in told):
        return int(np.mean([list(probs or ()) for _, _, probs in told], axis=0).argmax()), "valid"
    answers = {answer for answer, _, _ in told}
    only = answers.pop()
    return (only, "valid") if not answers and isinstance(only, int) else (None, "dont_know")


def settled(verdicts: Mapping[str, Verdict], people: Sequence[str], decider: str) -> Decision | None:
    """The decision that verdicts of screeners, and of the decider where there is one already, come to.

    People go before machines: where a person has said something, machines decide nothing. Among equals that differ the
    decider decides, and without one the record stays in. None where nobody has a verdict.
    """
    if not verdicts:
        return None
    is_disputed = len({verdict.is_included for verdict in verdicts.values()}) > 1
    persons = {name: verdict for name, verdict in verdicts.items() if name in people}
    heard = persons or dict(verdicts)
    if len({verdict.is_included for verdict in heard.values()}) > 1:
        heard = {decider: heard[decider]} if decider in heard else {k: v for k, v in heard.items() if v.is_included}
    said = next(iter(heard.values()))
    return Decision(
        decision=INCLUDE if said.is_included else EXCLUDE,
        criterion=said.criterion, reason=said.reason, by=tuple(heard), is_disputed=is_disputed,
    )  # fmt: skip


def needs_decider(verdicts: Mapping[str, Verdict], people: Sequence[str]) -> bool:
    """Whether those who count differ: people, or machines where no person has said anything."""
    heard = [v for name, v in verdicts.items() if name in people] or list(verdicts.values())
    return len({verdict.is_included for verdict in heard}) > 1
