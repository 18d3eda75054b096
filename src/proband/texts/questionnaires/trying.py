"""A questionnaire tried out on personas before people are asked: a pretest in words, and a translation there and back.

What comes of it is synthetic: it is about the engine, says so wherever it is shown, and stands for nobody's answers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from proband.designs.design import Design
from proband.designs.survey.survey import Survey
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.runs import Run
from proband.subjects.populations import Population
from proband.texts.questionnaires.reading import shown

PROBES = {
    "paraphrase": "Say in your own words what this item asks.",
    "think-aloud": "Think aloud: what goes through your mind while you look for your answer?",
    "hard": "Was anything hard to understand or to answer? Say what. If nothing was, reply: nothing.",
}
# Denials with words that name nothing: "No idea what grip means" is none of them.
_NOTHING = re.compile(
    r"\W*(?:no|nope|nothing|none|not (?:really|at all)|there was nothing)\b(?:\W+(?:nothing|problems?|"
    r"difficult(?:y|ies)|was|were|is|hard|difficult|unclear|confusing|to|understand|answer|or|and|about|with|in|particular|particularly|at|"
    r"all|really|for|me|here|this|the|item|question|statement|i|it was (?:all )?(?:clear|easy)|"
    r"everything (?:was|is) (?:clear|easy)))*\W*",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:not|no|never|none|nobody|nothing|cannot|without)\b|n't\b", re.IGNORECASE)
LEAST_ALIKE = 0.6  # below it, an item that went there and back is taken for another one
_BETWEEN = "/"  # between the id of an item and the name of a probe or part


def pretest(instrument: Instrument, subjects: Population, seed: int) -> Survey:
    """A cognitive pretest: every persona is probed on every item, in writing.

    Raises
    ------
    DesignError
        If the items are not to be shown alone.
    """
    probes = [
        Item(
            id=f"{item.id}{_BETWEEN}{name}",
            text=f"This item stands in a questionnaire:\n\n{shown(item)}\n\n{probe}",
            form="text",
            shows_braces=True,
        )
        for item in instrument.items
        for name, probe in PROBES.items()
    ]
    made = Instrument(id=f"{instrument.id}-pretest", title=f"Pretest of {instrument.title}", items=tuple(probes))
    return Survey(instrument=made, subjects=subjects, seed=seed, title=made.title, answer_by="written")


class Probed(NamedTuple):
    """What one persona said of one item; synthetic."""

    subject: str
    item: str
    probe: str
    status: str
    said: str


def probed(run: Run) -> list[Probed]:
    """Everything that was said in a pretest, by item, probe and persona."""
    found = []
    for response in run.responses().values():
        item, _, probe = response.place.item.rpartition(_BETWEEN)
        found.append(Probed(response.place.subject, item, probe, response.status, str(response.answer or "")))
    return sorted(found, key=lambda one: (one.item, list(PROBES).index(one.probe), one.subject))


def is_hard(said: str) -> bool:
    """Whether somebody named something that was hard.

    >>> is_hard("Nothing was hard."), is_hard("The word fiduciary."), is_hard("No idea what grip means.")
    (False, True, True)
    """
    return not _NOTHING.fullmatch(said)


_TRANSLATE = (
    "Translate this part of a questionnaire from {spoken} into {wanted}. Keep its meaning, and use everyday words. "
    "Reply with the translation, and nothing else.\n\n{text}"
)


@dataclass(frozen=True, kw_only=True)
class Translating(Design):
    """Texts of a questionnaire put into another language, each on its own.

    Attributes
    ----------
    texts : mapping of str to str
        By the id of the item, and the number of the option.
    spoken, wanted : str
        Languages of the texts and of their translations, by name.
    """

    kind: ClassVar[str] = ""
    unit: ClassVar[str] = "text"
    is_about_people: ClassVar[bool] = False

    texts: Mapping[str, str]
    spoken: str
    wanted: str
    seed: int = 1
    title: str = "Translation"
    items: Mapping[str, Item] = field(
        default_factory=lambda: {"translation": Item(id="translation", text="-", form="text")}
    )

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """One a text."""
        found = []
        for id, text in self.texts.items():
            asked = _TRANSLATE.format(spoken=self.spoken, wanted=self.wanted, text=text)
            request = Request(messages=(Message("user", asked),), max_tokens=16 + 4 * len(text.split()) + len(text))
            place = Place(subject=id, item="translation")
            found.append(Trial(place=place, request=request, reply=Reply(form="text", method="written")))
        return found


def texts_of(instrument: Instrument) -> dict[str, str]:
    """What is to be translated: lead-ins and texts of the items, and every wording of an option once."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    for item in instrument.items:
        parts = {f"{item.id}{_BETWEEN}stem": item.stem, item.id: item.text}
        parts |= {f"{item.id}{_BETWEEN}{k}": option for k, option in enumerate(item.options, start=1)}
        for id, text in parts.items():
            if text and text not in seen:
                seen.add(text)
                while id in found:  # an item may be called what an option of another is
                    id += "'"
                found[id] = text
    return found


def translated(run: Run) -> dict[str, str]:
    """Translations by the id of the text, those that came."""
    return {
        response.place.subject: " ".join(str(response.answer).split())
        for response in run.responses().values()
        if response.status == "valid" and response.answer
    }


class ThereAndBack(NamedTuple):
    """A text that was translated and translated back."""

    id: str
    original: str
    there: str
    back: str
    alike: float | None
    why: str


def there_and_back(texts: Mapping[str, str], there: Mapping[str, str], back: Mapping[str, str]) -> list[ThereAndBack]:
    """What came back of every text, and why it needs a look; an empty reason means that nothing speaks against it.

    Raises
    ------
    DesignError
        If nothing came back at all.
    """
    from rapidfuzz.fuzz import token_sort_ratio

    if not back:
        raise DesignError("no translation came back; ask an engine that writes the language")
    found = []
    for id, text in texts.items():
        if id not in back:
            found.append(ThereAndBack(id, text, there.get(id, ""), "", None, "no translation came"))
            continue
        alike = token_sort_ratio(text.casefold(), back[id].casefold()) / 100
        wrong = []
        if there[id].casefold() == text.casefold() and len(text.split()) > 2:
            wrong.append("it was not translated")
        if sorted(re.findall(r"\d+", text)) != sorted(re.findall(r"\d+", back[id])):
            wrong.append("its numbers changed")
        if len(_NOT.findall(text)) % 2 != len(_NOT.findall(back[id])) % 2:
            wrong.append("a negation came or went")
        if alike < LEAST_ALIKE:
            wrong.append("it came back in other words")
        found.append(ThereAndBack(id, text, there[id], back[id], alike, "; ".join(wrong)))
    return found
