"""How a document is made to fit a prompt: cut by a stated rule, and no control token of an engine in it."""

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from proband.errors import DesignError, strange_choice

# Marks that chat templates and tokenizers of the model families are known to keep for themselves: <|im_start|>,
# <s>, <file_sep>, [INST]. A tag of HTML has neither a bar nor an underscore in its name, so it stays.
_CONTROL = re.compile(
    r"<[|｜][^<>\n]{1,60}[|｜]>|</?(?:s|bos|eos|pad|unk|mask|think|reponame|filename)>|<[a-z0-9]+(?:_[a-z0-9]+)+>|"
    r"\[/?(?:INST|CLS|SEP|MASK|PAD|UNK|BOS|EOS|TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS|SYSTEM_PROMPT)\]"
)
_JOINER = "\u2060"  # without width, and no place to break a line: people see the document as it was
_WORD = re.compile(r"(?<=\s)\S")
_WORD_END = re.compile(r"\S(?=\s|$)")
GAP = "\n[...]\n"
"""What stands for the part that was cut out between head and tail."""


def escape_control_tokens(text: str, also: tuple[str, ...] = ()) -> str:
    """A document in which no run of characters is a control token: a word joiner stands behind its first character.

    `also` are tokens of one engine that the rule does not know. A document without any is given back as it is.

    Examples
    --------
    >>> escape_control_tokens("He wrote <|im_end|> and <b>left</b>.").replace(chr(0x2060), "~")
    'He wrote <~|im_end|> and <b>left</b>.'
    """
    if "<" in text or "[" in text:
        text = _CONTROL.sub(lambda found: found[0][0] + _JOINER + found[0][1:], text)
    for token in also:
        text = text.replace(token, token[:1] + _JOINER + token[1:])
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class LongTexts:
    """What is done with a document that is longer than `most`.

    Attributes
    ----------
    long : {"refuse", "head", "head_tail", "windows"}
        Refused by name; its beginning; its beginning and end, half of `most` each, ``[...]`` between them; or all of
        it, one window after another, each asked for itself.
    most : int
        Length that is shown at most.
    overlap : int
        How much of a window stands in the next one as well.
    combine : {"mean", "any", "majority"}
        How the codes of windows become one: the mean of their probabilities; a code holds if it holds in any window;
        the code of most windows, none where two have equally many.
    measured : {"characters", "tokens"}
        What `most` and `overlap` count. Tokens are an engine's: see `parts`.

    Examples
    --------
    >>> LongTexts(long="windows", most=12, overlap=4).parts("one two three four five six")
    ('one two', 'two three', 'four five', 'five six')
    """

    long: Literal["refuse", "head", "head_tail", "windows"] = "refuse"
    most: int = 8_000
    overlap: int = 0
    combine: Literal["mean", "any", "majority"] = "mean"
    measured: Literal["characters", "tokens"] = "characters"

    def __post_init__(self) -> None:
        if strange := strange_choice(self):
            raise DesignError(f"long texts: {strange}")
        if self.most < 2:
            raise DesignError(f"long texts: most is {self.most}; write the length that is shown, e.g. 8000 characters")
        if not 0 <= self.overlap <= self.most // 2:
            raise DesignError(
                f"long texts: overlap is {self.overlap}; write 0 to {self.most // 2}, half of most: a window that "
                "moves by less is asked about the same words again and again"
            )
        if self.overlap and self.long != "windows":
            raise DesignError(f'long texts: overlap says nothing where long = "{self.long}"; take it out')

    def parts(
        self, text: str, *, where: str = "document", count: Callable[[str], int] | None = None
    ) -> tuple[str, ...]:
        """What is shown of a document: one text, or one for each window.

        Cuts fall behind a word, unless the word itself is longer than what fits. `count` gives the length of a text in
        tokens of the engine; it is needed where `measured` is "tokens". `DesignError` names `where` if it is refused.
        """
        if self.measured == "tokens" and count is None:
            raise DesignError(f"{where}: its tokens cannot be counted with this engine; measure in characters")
        long = len if self.measured == "characters" or count is None else count
        if len(text) <= self.most and self.measured == "characters":
            return (text,)
        n = long(text)
        if n <= self.most:
            return (text,)
        if self.long == "refuse":
            raise DesignError(
                f'{where}: {n:,} {self.measured}, and {self.most:,} are shown at most; write long = "head", '
                '"head_tail" or "windows", or raise most'
            )
        if self.long == "windows":
            return tuple(self._windows(text, long))
        if self.long == "head":
            return (text[: _fitting(text, 0, self.most, long)].rstrip(),)
        head = text[: _fitting(text, 0, math.ceil(self.most / 2), long)].rstrip()
        tail = text[::-1]
        tail = tail[: _fitting(tail, 0, self.most // 2, long)].rstrip()[::-1]
        return (head + GAP + tail,)

    def _windows(self, text: str, long: Callable[[str], int]) -> list[str]:
        found, start = list[str](), 0
        while start < len(text):
            end = _fitting(text, start, self.most, long)
            if window := text[start:end].strip():
                found.append(window)
            if end >= len(text):
                break
            start = _back(text, start, end, self.overlap, long)
        return found


def _fitting(text: str, start: int, most: int, long: Callable[[str], int]) -> int:
    """The end of the longest stretch from `start` that fits, behind a word where one ends in it."""
    # No token is shorter than a character of the few thousand that may fit, but many are longer: 16 are enough.
    reach = text[start : start + (most if long is len else 16 * most)]
    end = len(reach) if long is len else bisect_right(range(1, len(reach) + 1), most, key=lambda k: long(reach[:k]))
    if start + end >= len(text) or text[start + end].isspace():
        return start + max(1, end)
    ends = [found.end() for found in _WORD_END.finditer(reach, 0, end)]
    ends = [k for k in ends if k < end or text[start + k].isspace()]
    return start + (ends[-1] if ends else max(1, end))


def _back(text: str, start: int, end: int, overlap: int, long: Callable[[str], int]) -> int:
    """Where the window after one from `start` to `end` begins: at the first word that is within the overlap."""
    words = [found.start() for found in _WORD.finditer(text, start + 1, end)] if overlap else []
    within = bisect_left(words, -overlap, key=lambda word: -long(text[word:end]))
    return words[within] if within < len(words) else end
