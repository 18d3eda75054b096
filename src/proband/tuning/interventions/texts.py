"""Texts that engines wrote about questions, and the filter for those that argue against what is taught."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from proband.errors import DataError, strange_choice
from proband.instruments.banks.bank import Question
from proband.tuning.keeping import keep, kept

Purpose = Literal["explanation", "context", "rewrite"]
Source = Literal["own", "other"]
FORMAT = 1
SHORTEST = 15
"""Characters of the shortest explanation that is one."""

_LETTER = r"[(\[\"'*]{0,3}([A-Ja-j])(?:[)\]\"'*]{1,3}|[.:,;](?=\s|$)|(?=\s*$)|(?=\s+(?:is|because|as|since)\b))"
_NAMED = re.compile(
    r"\b(?:answer|ans|option|choice|alternative)s?\b\s*(?:is|was|:|=|would be|should be|must be|-)?\s*(?:option\s+)?"
    + _LETTER,
    re.IGNORECASE,
)
_STATED = (
    r"(?:the\s+answer|(?:correct|right|true|best|proper|actual)\s+(?:answer|option|choice|one))"
    r"(?:\s+to\s+this\s+question)?\s*"
    r"(?:is|was|:|would be|should be|must be)\s*(?:actually\s+|option\s+)?"
)
_STATED_LETTER = re.compile(rf"\b{_STATED}{_LETTER}", re.IGNORECASE)
_LETTER_IS_RIGHT = re.compile(
    r"\b(?:option|choice|answer)\s+[(\[\"']?([A-J])[)\]\"']?\s+is\s+(?:the\s+)?(?:correct|right|true|best)\b",
    re.IGNORECASE,
)
_STATED_TEXT = re.compile(rf"\b{_STATED}", re.IGNORECASE)
_DENIAL = re.compile(
    r"\s*(?:actually\b|i(?:'m| am) sorry\b|i apologi[sz]e\b|sorry\b|none of (?:the|these)\b(?!\s+(?:other|rest))|"
    r"(?:no|not)\b[,.]|there (?:is|are) no correct\b|"
    r"(?:this|that|the|your|given|provided|above|question|statement|answer|option|choice|\W)+"
    r"(?:\s*[\"'(]?[A-J]?[\"').]?\s*)(?:is|are|was|seems?|appears?)\s+(?:actually\s+|to be\s+|probably\s+)*"
    r"(?:incorrect|wrong|false|not\s+(?:correct|right|accurate|true|entirely))\b)",
    re.IGNORECASE,
)
_WRONG = (
    r"\s+(?:is|was|would be)\s+(?:actually\s+|also\s+)*"
    r"(?:incorrect|wrong|false|not\s+(?:the\s+)?(?:correct|right))\b"
)
_LEAKED = re.compile(r"^\s*#\s|```|\b(?:USER|ASSISTANT|Question|Options):", re.MULTILINE)


def names_letter(text: str) -> tuple[str, ...]:
    """Letters of options that a text names, in capitals, as it names them.

    Examples
    --------
    >>> names_letter("The answer is (b), as option C is too small.")
    ('B', 'C')
    """
    return tuple(letter.upper() for letter in _NAMED.findall(text))


@lru_cache(65_536)
def flaw(text: str, question: Question, answer: int) -> str:
    """Why a text cannot stand as the explanation of an answer, in a few words; empty where it can.

    Looks for the marks of a text that argues for something else: it opens with a denial, says of another option that it
    is the right one (by letter or by text), or of this one that it is wrong. Patterns find what is said in the usual
    words; most explanations name no option, so what is found is a lower bound of what contradicts.

    Parameters
    ----------
    question : Question
        With its options as the text's author saw them: as written.
    answer : int
        Index of the option it should argue for.

    Examples
    --------
    >>> question = Question(id="q", text="2 + 2 =", choices=("3", "4"), answer=1, domain="sums")
    >>> flaw("Actually, the correct answer is 4, as one counts on.", question, 0)
    'its explanation opens with a denial'
    >>> flaw("Counting on by two from two gives it.", question, 1)
    ''
    """
    stripped = text.strip()
    if len(stripped) < SHORTEST:
        return "its explanation is too short"
    if _LEAKED.search(stripped):
        return "its explanation goes on with another request"
    if _DENIAL.match(stripped):
        return "its explanation opens with a denial"
    letter = chr(ord("A") + answer)
    stated = {found.upper() for found in (*_STATED_LETTER.findall(stripped), *_LETTER_IS_RIGHT.findall(stripped))}
    if stated - {letter}:
        return "its explanation names another letter as right"
    if _names_other(stripped, question, answer):
        return "its explanation names another option as right"
    if re.search(rf"\b(?:option|choice|answer)\s+\(?{letter}\)?{_WRONG}", stripped, re.IGNORECASE) or re.search(
        rf"(?<!\w){re.escape(question.choices[answer])}[\"')]*{_WRONG}", stripped, re.IGNORECASE
    ):
        return "its explanation calls the answer wrong"
    return ""


def _names_other(text: str, question: Question, answer: int) -> bool:
    """Whether "the right answer is" goes on with the text of another option."""
    for found in _STATED_TEXT.finditer(text):
        rest = re.sub(r"^[\s\"'(\[*]*(?:[A-J][.):]\s*)?(?:the |an? )?", "", text[found.end() :]).casefold()
        # The longest option that it goes on with: "iron" is how "iron oxide" begins.
        said = [k for k, choice in enumerate(question.choices) if _begins(rest, _bare(choice))]
        if said and max(said, key=lambda k: len(question.choices[k])) != answer:
            return True
    return False


def _bare(option: str) -> str:
    return re.sub(r"^(?:the |an? )", "", option.strip().casefold()).rstrip(".")


def _begins(text: str, option: str) -> bool:
    return bool(option) and text.startswith(option) and not text[len(option) : len(option) + 1].isalnum()


@dataclass(frozen=True, kw_only=True)
class Texts:
    """What one engine wrote about a bank's questions for one purpose.

    Attributes
    ----------
    source : {"own", "other"}
        Whether the model that is to be trained wrote them, or another engine.
    model, weights : str
        Who wrote them, and the hash of its weights where it has one.
    texts : mapping of (str, int) to str
        Question and index of the answer that was explained -> text.
    dispositions : mapping
        Count of each status among the responses, and of texts that were cut ("cut").
    """

    purpose: Purpose
    source: Source
    model: str
    bank: str
    texts: Mapping[tuple[str, int], str]
    weights: str = ""
    dispositions: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if strange := strange_choice(self):
            raise DataError(f"texts: {strange}")
        if self.purpose == "rewrite" and self.source != "own":
            raise DataError("texts: a rewrite is in the model's own words; give source = 'own'")

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def hash(self) -> str:
        """32 hexadecimal digits of the texts."""
        return hashlib.blake2b(json.dumps(self._plain()["texts"]).encode(), digest_size=16).hexdigest()

    def _plain(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            **{name: getattr(self, name) for name in ("purpose", "source", "model", "weights", "bank")},
            "dispositions": dict(sorted(self.dispositions.items())),
            "texts": [[*key, self.texts[key]] for key in sorted(self.texts)],
        }

    def save(self, path: str | Path) -> Path:
        """Write as JSON; the same texts give the same bytes."""
        return keep(path, self._plain(), indent=1)

    @classmethod
    def load(cls, path: str | Path) -> "Texts":
        """Read what `save` wrote; `DataError` if the file is missing, damaged, or of another format."""
        with kept(path, "texts", FORMAT, again="collect texts with `Explanations`") as plain:
            texts = {(str(id), int(answer)): str(text) for id, answer, text in plain.pop("texts")}
            return cls(texts=texts, **plain)
