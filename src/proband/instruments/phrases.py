"""The plain form of a written reply, and the phrases that state, decline or deny an answer."""

import re
import unicodedata

from proband.instruments.patterns import patterns

_PLAIN_MARKS = str.maketrans(
    {
        **dict.fromkeys("‘’‛′´", "'"),
        **dict.fromkeys("“”„«»″", '"'),
        **dict.fromkeys("‐‑‒–—−", "-"),
        "٫": ".",
        "٬": ",",
        "،": ",",
        "。": ". ",
        "、": ",",
    }
)
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)|\A.*</think(?:ing)?>", re.S | re.I)
_TOKEN = re.compile(r"<\|[^|>]*\|>|</?s>")
_BOXED = re.compile(r"\\boxed\s*\{(?:\\text\s*\{)?([^{}]*)\}+")
_EMPHASIS = re.compile(r"\*+|`+|(?<!\w)_+|_+(?!\w)|^[ \t]*(?:#+|>+)[ \t]*", re.M)
# A model that does not stop goes on to write the next question and answers that too.
_NEXT_TURN = re.compile(r"\S\s*\n\s*(?:question|user|human|q)\s*\d*\s*:", re.I)
_CONTRACTIONS = (
    (re.compile(r"\bcan't\b|\bcan not\b|\bcant\b", re.I), "cannot"),
    (re.compile(r"\bwon't\b", re.I), "will not"),
    (re.compile(r"\b(do|does|did)nt\b", re.I), r"\1 not"),
    (re.compile(r"n't\b", re.I), " not"),
    (re.compile(r"\b(I)'m\b", re.I), r"\1 am"),
    (re.compile(r"\b(I)'d\b", re.I), r"\1 would"),
    (re.compile(r"\b(I)'ll\b", re.I), r"\1 will"),
    (re.compile(r"\b(it|that|there)'s\b", re.I), r"\1 is"),
)

STATEMENT, OPINION, FILLER, RETRACTION = patterns("statement", "opinion", "filler", "retraction")
_ARTIFICIAL, _DECLINED, _IGNORANT = patterns("artificial", "declined", "ignorant")


def fold(text: str) -> str:
    """One comparable form: NFKC, ASCII digits, straight quotes and hyphens, no emphasis, no contractions."""
    text = unicodedata.normalize("NFKC", text)
    if not text.isascii():
        text = text.translate(_PLAIN_MARKS)
        text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    text = _EMPHASIS.sub("", text)
    for contraction, words in _CONTRACTIONS:
        text = contraction.sub(words, text)
    return text


def without_thought(text: str) -> str:
    """The reply proper: reasoning in ``<think>`` tags, special tokens and invented next turns cut off."""
    text = _TOKEN.sub("", _THOUGHT.sub("", text)).strip()
    following = _NEXT_TURN.search(text)
    return text[: following.start() + 1] if following else text


def plain(text: str) -> str:
    """The reply proper in its comparable form, a boxed result written as an answer statement."""
    return fold(_BOXED.sub(r"\nAnswer: \1", without_thought(text))).strip()


def declines(text: str) -> bool:
    """Whether a plain text says that no answer will be given."""
    return _DECLINED.search(text) is not None


def speaks_as_machine(text: str) -> bool:
    """Whether a plain text answers as a language model instead of as the subject."""
    return _ARTIFICIAL.search(text) is not None


def pleads_ignorance(text: str) -> bool:
    """Whether a plain text says that the answer is not known."""
    return _IGNORANT.search(text) is not None
