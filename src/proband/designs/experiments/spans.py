"""Texts of conditions compared word by word: they differ in the manipulated span, and nowhere else.

A span is marked by double brackets, ``The flu kills [[400 of 600 people]].`` Marks are taken out before anybody sees
the text.
"""

import re
from collections.abc import Mapping
from difflib import SequenceMatcher

from proband.errors import DesignError

_MARK = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_TOKEN = re.compile(r"\[\[\]\]|\w+|[^\w\s]|\n+")
_SPAN = "[[]]"  # what stands for a span when texts are compared
_AROUND = 4  # words shown on either side of a difference


def marked(text: str) -> str:
    """A text as a span, all of it where nothing in it is marked."""
    return text if _MARK.search(text) else f"[[{text}]]"


def unmarked(text: str) -> str:
    """A text as it is shown."""
    return _MARK.sub(r"\1", text)


def spans_in(text: str) -> tuple[str, ...]:
    """What is marked, in its order."""
    return tuple(_MARK.findall(text))


def differences(texts: Mapping[str, str]) -> tuple[str, ...]:
    """Where marked texts differ outside their spans, each in a sentence with the words around it.

    Words, signs and paragraphs are compared with those of the first text; spaces are not. An article that follows the
    manipulated word (a nurse, an engineer) belongs into the span.

    Parameters
    ----------
    texts : mapping
        Condition -> text, its manipulated spans marked.

    Returns
    -------
    tuple of str
        Empty where the texts differ in their spans only.

    Examples
    --------
    >>> differences({"loss": "A rare flu kills [[400]].", "gain": "A flu kills [[200]]."})
    ("'gain' differs from 'loss' outside the span: '(nothing)' instead of 'rare' in: A flu kills [[]] .",)
    """
    (first, reference), *others = texts.items()
    before, found = _outside(reference), []
    for name, text in others:
        after = _outside(text)
        if after == before:
            continue
        for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if tag == "equal":
                continue
            around = " ".join(after[max(0, c - _AROUND) : d + _AROUND]).replace("\n", "¶")
            was, now = (" ".join(part).replace("\n", "¶") or "(nothing)" for part in (before[a:b], after[c:d]))
            found.append(f"{name!r} differs from {first!r} outside the span: {now!r} instead of {was!r} in: {around}")
    return tuple(found)


def check_spans(texts: Mapping[str, str], where: str) -> None:
    """Refuse conditions whose marked texts differ where they should not, and show the first places.

    Raises
    ------
    DesignError
        If they do.
    """
    if found := differences(texts):
        more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
        raise DesignError(
            f"{where}: {'; '.join(found[:3])}{more}; make the texts alike there, or take the words into the span, "
            "[[marked so]]"
        )


def _outside(text: str) -> list[str]:
    return _TOKEN.findall(_MARK.sub(_SPAN, text))
