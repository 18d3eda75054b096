"""What a model knows of an experiment: asked in a fresh conversation what it is about, and to complete it verbatim."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proband.designs.survey.cards import Writing
from proband.designs.survey.sheets import Sheet
from proband.designs.survey.wording import pipe
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.records import Message, Place, Reply, Request, Trial
from proband.seeds import seed_for

ABOUT, USUAL, COMPLETION, CONTROL = (f"awareness-{what}" for what in ("about", "usual", "completion", "control"))
_MAX_TOKENS = 192
_SHOWN = "Here is something that was shown to people in a study:\n\n{shown}\n\n"
_WORDS = {
    ABOUT: _SHOWN
    + "What do you think this study is about, and what do the researchers expect to find? If you know the "
    "study, or one like it, name it.",
    USUAL: _SHOWN + "What do most people answer?",
    COMPLETION: "This text breaks off. Continue it word for word, exactly as it was printed:\n\n{half}",
    CONTROL: "This text breaks off. Continue it word for word, exactly as it was printed:\n\n{half}",
}
# Written for this purpose, and for nothing else: whoever continues it word for word has guessed.
_UNSEEN = (
    "On the second shelf of the workshop stood eleven grey jars, and the smallest of them had to be turned twice "
    "before its lid gave way. Marit kept buttons in it that fitted no coat she owned, and told guests they were seeds."
)


@dataclass(frozen=True, kw_only=True)
class Awareness:
    """Questions asked when all else was, in conversations of their own.

    Attributes
    ----------
    words : tuple of str
        Whoever uses one of them has named the hypothesis or the study: ``Kahneman``, ``framing``.
    subjects : int
        How many are asked in every arm: the first ones in the roster.
    control : str
        A text that cannot have been read before, completed beside the study's own.
    """

    words: Sequence[str]
    subjects: int = 10
    control: str = _UNSEEN

    def __post_init__(self) -> None:
        if not [word for word in self.words if word.strip()]:
            raise DesignError(
                'awareness: no words that name the hypothesis or the study; give some, e.g. words = ["framing"]'
            )
        if self.subjects < 1 or len(self.control.split()) < 4:
            raise DesignError("awareness: ask at least one subject an arm, and give a control of four words or more")

    def trials(self, sheet: Sheet, item: Item) -> Iterator[Trial]:
        """What a subject is asked afterwards about one item of its sheet."""
        asked = sheet.trial(item)
        if asked is None:
            return
        shown, whole = asked.request.messages[-1].text, text_of(sheet, item)
        for id, words in _WORDS.items():
            half = halves(self.control if id == CONTROL else whole)[0]
            text = words.format(shown=shown, half=half)
            yield _written(asked, id, text, sheet.asked.writing, sheet.asked.seed)

    def describe(self, item: Item, rest: Mapping[str, str]) -> dict[str, Any]:
        """Plain values for the manifest; `rest` has the second half of the text by the condition in a place's id."""
        return {
            "words": list(self.words),
            "subjects": self.subjects,
            "item": item.id,
            "roles": {ABOUT: "about", USUAL: "usual", COMPLETION: "completion", CONTROL: "control"},
            "rest": dict(rest),
            "control": halves(self.control)[1],
        }


def items() -> tuple[Item, ...]:
    """The items that are asked afterwards."""
    return tuple(Item(id=id, text=words, form="text") for id, words in _WORDS.items())


def text_of(sheet: Sheet, item: Item) -> str:
    """Lead-in and wording of an item as a sheet has them, without options and instructions."""
    parts = [pipe(part, sheet._look_up) for part in (item.stem, item.text)]
    return "\n\n".join(part for part in parts if part)


def halves(text: str) -> tuple[str, str]:
    """A text up to the middle of its words, and from there on."""
    words = text.split()
    middle = (len(words) + 1) // 2
    return " ".join(words[:middle]), " ".join(words[middle:])


def _written(asked: Trial, id: str, text: str, writing: Writing, seed: int) -> Trial:
    """A question in a conversation of its own, by the subject and under the condition of what it is about."""
    place = Place(subject=asked.place.subject, item=id, condition=asked.place.condition)
    request = Request(
        messages=(Message("user", text),),
        max_tokens=_MAX_TOKENS,
        temperature=writing.temperature,
        top_p=writing.top_p,
        seed=seed_for(seed, "write", place.id) if writing.temperature > 0 else None,
    )
    reply = Reply(form="text", method="written", seed=seed_for(seed, "decide", place.id))
    return Trial(place=place, request=request, reply=reply, facts=asked.facts)
