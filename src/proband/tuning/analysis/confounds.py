"""What two training sets differ in besides what the claim is about."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from proband.instruments.banks.bank import Bank
from proband.training.training_set import Example, TrainingSet
from proband.tuning.analysis.evaluation import PAPER_CONTRASTS, Evaluation
from proband.tuning.probing.beliefs import Beliefs

LETTERS, CONFIDENCE, TOPICS = "place of the taught answer", "confidence of the probe", "topics"
TRUTH, LENGTH, EXPLANATION = "true labels", "length of responses", "source of explanations and contexts"
QUESTIONS, SIZE, LEAK = "questions in common", "examples", "test questions trained on"
_TOLD = {
    LETTERS: "taught answers stand at other places",
    CONFIDENCE: "the probe is surer of one arm's questions",
    TOPICS: "other topics",
    TRUTH: "labels false in one arm",
    LENGTH: "responses longer in one arm",
    EXPLANATION: "explanations and contexts by other authors",
    QUESTIONS: "other questions",
    SIZE: "more examples in one arm",
    LEAK: "test questions trained on",
}
_MAX_DISTANCE = 0.1  # total variation between the sets' letters or topics
_MAX_GAP = 0.05  # of mean chance-corrected confidence, and of the share of true labels
_MAX_RATIO = 1.25  # of mean lengths, and of sizes
_UNRECORDED = "not recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confound:
    """One thing in which the sets of two arms were compared.

    Attributes
    ----------
    mine, theirs : str
        Its value on either side.
    gap : float or None
        Their distance: total variation, difference or ratio; None where values are words.
    limit : float or None
        Largest gap that is let pass.
    is_flagged : bool
        Whether the sets differ by more: the contrast may be due to this.
    rule : str
        When it is flagged, in words.
    """

    arm: str
    against: str
    domain: str
    check: str
    mine: str
    theirs: str
    gap: float | None
    limit: float | None
    is_flagged: bool
    rule: str
    base: str = ""

    @property
    def told(self) -> str:
        """What it means, in words, that the sets differ here."""
        if _UNRECORDED in (self.mine, self.theirs):
            return f"{self.check}: {_UNRECORDED}"
        return _TOLD.get(self.check, self.check)


@dataclass(frozen=True, slots=True)
class _Side:
    """Examples of one arm on one domain, general data left out."""

    examples: Sequence[Example]
    sets: Sequence[TrainingSet]


def confounds(
    evaluation: Evaluation,
    sets: Sequence[TrainingSet],
    bank: Bank,
    probe: Beliefs,
    *,
    pairs: Sequence[tuple[str, str]] = PAPER_CONTRASTS,
) -> tuple[Confound, ...]:
    """Compare the training sets behind every contrast.

    By pair and domain. A set may differ in what is the treatment itself (the labels' truth between self-aligning and
    incompatible): it is flagged like the rest, and the reader decides.

    Parameters
    ----------
    evaluation : Evaluation
        Its test questions must not have been trained on.
    sets : sequence of TrainingSet
        From `build_sets`; a set's arm is what its provenance says, else its name. Examples are told apart by domain.
    pairs : sequence of (arm, arm)
        Pairs of which one arm has no set are left out.
    """
    by_arm: dict[str, list[TrainingSet]] = {}
    for one in sets:
        by_arm.setdefault(arm_of(one), []).append(one)
    found: list[Confound] = []
    for arm, against in pairs:
        if arm not in by_arm or against not in by_arm:
            continue
        for domain in evaluation.domains:
            mine, theirs = (_side(by_arm[name], domain) for name in (arm, against))
            if mine.examples and theirs.examples:
                where = {"arm": arm, "against": against, "domain": domain}
                found += _compared(where, mine, theirs, bank, probe)
                found.append(_leak(where, evaluation, mine, theirs))
    return tuple(found)


def arm_of(one: TrainingSet) -> str:
    """Name of the arm that a set was built for."""
    arm = one.provenance.get("arm")
    return str(arm["name"]) if isinstance(arm, Mapping) and "name" in arm else one.name


def _side(sets: Sequence[TrainingSet], domain: str) -> _Side:
    here = [one for one in sets if any(example.domain == domain for example in one)]
    return _Side([e for one in here for e in one if e.question and e.domain == domain], here)


def _compared(where: Mapping[str, str], mine: _Side, theirs: _Side, bank: Bank, probe: Beliefs) -> list[Confound]:
    def place(example: Example) -> str | None:
        if example.kind == "gold":
            return chr(ord("A") + bank[example.question].answer)
        held = probe.beliefs.get(example.question)
        return chr(ord("A") + held.pick) if example.kind == "own" and held else None

    def topic(example: Example) -> str | None:
        return bank[example.question].topic or None if example.question in bank.by_id else None

    def surety(example: Example) -> float | None:
        held = probe.beliefs.get(example.question)
        return held.corrected if held else None

    def truth(example: Example) -> float | None:
        return None if example.kind in ("refusal", "general") else float(example.kind == "gold")

    return [
        *_distribution(where, LETTERS, mine, theirs, place),
        *_mean(where, CONFIDENCE, mine, theirs, surety),
        *_distribution(where, TOPICS, mine, theirs, topic),
        *_mean(where, TRUTH, mine, theirs, truth),
        _ratio(where, LENGTH, *(_mean_length(side) for side in (mine, theirs)), unit="characters"),
        _words(where, EXPLANATION, *(_explanations(side) for side in (mine, theirs))),
        _shared(where, mine, theirs),
        _ratio(where, SIZE, len(mine.examples), len(theirs.examples), unit="examples"),
    ]


def _distribution(
    where: Mapping[str, str], check: str, mine: _Side, theirs: _Side, of: Callable[[Example], str | None]
) -> list[Confound]:
    counts = [Counter(value for e in side.examples if (value := of(e))) for side in (mine, theirs)]
    sides = [[one.provenance for one in side.sets] for side in (mine, theirs)]
    is_told = all(one.get("domain") == where["domain"] and "letters" in one for side in sides for one in side)
    if check == LETTERS and is_told:  # as they were shown, and not as options are written
        counts = [sum((Counter(record["letters"]) for record in side), Counter[str]()) for side in sides]
    if not all(counts):
        return []
    shares = [{name: n / count.total() for name, n in count.items()} for count in counts]
    names = sorted({name for share in shares for name in share})
    gap = sum(abs(shares[0].get(name, 0.0) - shares[1].get(name, 0.0)) for name in names) / 2
    shown = names if len(names) <= 6 else []
    texts = [
        ", ".join(f"{name} {100 * share.get(name, 0.0):.0f} %" for name in shown) or f"{len(share)} different"
        for share in shares
    ]
    rule = f"flagged where the shares differ by more than {_MAX_DISTANCE:g} (total variation)"
    return [_confound(where, check, texts, gap, _MAX_DISTANCE, rule)]


def _mean(
    where: Mapping[str, str], check: str, mine: _Side, theirs: _Side, of: Callable[[Example], float | None]
) -> list[Confound]:
    values = [[value for e in side.examples if (value := of(e)) is not None] for side in (mine, theirs)]
    if not all(values):
        return []
    a, b = (float(np.mean(side)) for side in values)
    rule = f"flagged where the means differ by more than {_MAX_GAP:g}"
    return [_confound(where, check, [f"{a:.2f}", f"{b:.2f}"], abs(a - b), _MAX_GAP, rule)]


def _ratio(where: Mapping[str, str], check: str, mine: float, theirs: float, *, unit: str) -> Confound:
    gap = max(mine, theirs) / max(min(mine, theirs), 1e-9)
    rule = f"flagged where one is more than {_MAX_RATIO:g} times the other"
    return _confound(where, check, [f"{mine:.0f} {unit}", f"{theirs:.0f} {unit}"], gap, _MAX_RATIO, rule)


def _words(where: Mapping[str, str], check: str, mine: str, theirs: str) -> Confound:
    values: dict[str, Any] = {**where, "mine": mine, "theirs": theirs, "gap": None, "limit": None}
    is_flagged = mine != theirs or mine == _UNRECORDED
    rule = "flagged where they differ or are not recorded"
    return Confound(**values, check=check, is_flagged=is_flagged, rule=rule)


def _shared(where: Mapping[str, str], mine: _Side, theirs: _Side) -> Confound:
    a, b = ({e.question for e in side.examples} for side in (mine, theirs))
    share = len(a & b) / max(len(a | b), 1)
    rule = "flagged below 100 %: other questions may be easier, or about other things"
    return _confound(where, QUESTIONS, [f"{100 * share:.0f} %"] * 2, 1 - share, 0.0, rule)


def _leak(where: Mapping[str, str], evaluation: Evaluation, mine: _Side, theirs: _Side) -> Confound:
    tested = {id for test in evaluation.tests if test.domain == where["domain"] for id in test.questions}
    counts = [len(tested & {e.question for e in side.examples}) for side in (mine, theirs)]
    rule = "flagged where any test question was trained on (by id; near-duplicates are checked with the bank)"
    return _confound(where, LEAK, [str(count) for count in counts], float(max(counts)), 0.0, rule)


def _confound(
    where: Mapping[str, str], check: str, texts: Sequence[str], gap: float, limit: float, rule: str
) -> Confound:
    return Confound(
        **where, check=check, mine=texts[0], theirs=texts[1], gap=gap, limit=limit, is_flagged=gap > limit, rule=rule
    )


def _mean_length(side: _Side) -> float:
    return float(np.mean([len(example.response.strip()) for example in side.examples]))


def _explanations(side: _Side) -> str:
    """Who wrote the explanations and contexts of a set, as its record says."""
    found = set()
    for one in side.sets:
        texts = one.provenance.get("texts")
        if not isinstance(texts, Mapping):
            return _UNRECORDED
        explained = ", ".join(texts.get("explanations", {})) or "none"
        context = texts.get("context", "none")
        found.add(explained if context == "none" else f"{explained}; context: {context}")
    return ", ".join(sorted(found)) or _UNRECORDED
