"""How well somebody has interviewed: what was asked of the guide, how, and what a scripted witness gave away."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proband.interviews.course import Course, Turn
from proband.interviews.turns import TurnKind
from proband.interviews.witness import OPENERS

_OPEN: tuple[TurnKind, ...] = ("open", "cued")
_FEW_OPEN = 0.5
_MOST_QUOTED = 3
# What to say instead of a turn that was not a good one.
_INSTEAD: Mapping[TurnKind, str] = {
    "leading": "what you say is taken over: ask what happened, and name nothing that was not said",
    "stacked": "only the last question is heard: ask one thing, and wait",
    "option_posing": "an offered answer is easily taken: ask what, how or who, and offer none",
}


@dataclass(frozen=True, kw_only=True)
class Score:
    """An interview in numbers.

    Attributes
    ----------
    asked, n_questions : int
        Questions of the guide that were asked, of all.
    kinds : mapping
        Turns of the interviewer by kind.
    open_share : float or None
        Of the turns that ask something, those that are open or cued; None where nothing was asked.
    repeated, repeated_answers : int
        Turns of the interviewer, and answers, that say what an earlier one said.
    taking_up : int
        Turns that have words of the interviewee.
    found, n_facts : int
        Facts that a scripted witness told, of all; 0 of 0 without one.
    planted : int
        Things that are not so and that the witness agreed to, each counted once.
    """

    asked: int
    n_questions: int
    kinds: Mapping[TurnKind, int]
    open_share: float | None
    repeated: int
    repeated_answers: int
    taking_up: int
    found: int
    n_facts: int
    planted: int


def score_of(course: Course) -> Score:
    """An interview in numbers, as far as it has come."""
    kinds = Counter(turn.turned.kind for turn in course.turns)
    asking = len(course.turns) - kinds["social"]
    return Score(
        asked=len(course.asked),
        n_questions=len(course.guide.questions),
        kinds=kinds,
        open_share=sum(kinds[kind] for kind in _OPEN) / asking if asking else None,
        repeated=sum(turn.is_repeated for turn in course.turns),
        repeated_answers=sum(said.is_repeated for said in course.said),
        taking_up=sum(turn.takes_up for turn in course.turns),
        found=len(course.facts),
        n_facts=0 if course.witness is None else len(course.witness.facts),
        planted=len(course.planted),
    )


def advice(course: Course) -> list[str]:
    """What to do otherwise next time, with the interviewer's own turns."""
    score, told = score_of(course), []
    for kind, instead in _INSTEAD.items():
        if own := [turn for turn in course.turns if turn.turned.kind == kind]:
            told.append(f"{len(own)} {kind.replace('_', '-')} ({_quoted(own)}): {instead}.")
    if score.open_share is not None and score.open_share < _FEW_OPEN:
        told.append(
            f"{score.open_share:.0%} of what you asked was an invitation: begin with “Tell me ...” and come back to "
            "details at the end."
        )
    if score.repeated:
        told.append(f"{score.repeated} of your turns repeated an earlier one: take up a word of the answer instead.")
    if course.left:
        told.append(f"Not asked: {' '.join(f'“{question}”' for question in course.left[:_MOST_QUOTED])}")
    if course.witness is not None:
        for opener, how in OPENERS.items():
            shut = [f for f in course.witness.facts if f.opens == opener and f.name not in course.facts]
            if shut:
                words = sorted({word for fact in shut for word in fact.words[:2]})
                of = f" ({', '.join(f'“{word}”' for word in words[:_MOST_QUOTED])})" if words else ""
                n = "1 fact was" if len(shut) == 1 else f"{len(shut)} facts were"
                told.append(f"{n} still to be had by {how}{of}.")
    return told


def _quoted(turns: Sequence[Turn]) -> str:
    return "; ".join(f"{turn.number}: “{turn.text}”" for turn in turns[:_MOST_QUOTED])
