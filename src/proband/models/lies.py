"""A scripted writer that lies: sentences over spans with one planted falsehood each, of known kinds."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from proband.errors import EngineError, meant
from proband.records import Trial
from proband.seeds import rng_for

SHOWN = "shown"  # fact of a trial: the spans that a writer is shown, as JSON
_NAMES = ("Quillfeather", "Brontosky", "Ashgrove-Penn", "Vandermolen", "Ozdemirli")
_VENUES = ("Journal of Invented Results", "Annals of Plausible Psychology", "Review of Unread Studies")
_AUXILIARY = re.compile(r"\b(is|are|was|were|can|could|may|might|will|would|should|did|does|do|has|have|had)\b(?! not)")
_NEGATED = re.compile(r"\b(?:not|never) | no (?=\w)")
_OPPOSITE = {
    "increase": "decrease", "increased": "decreased", "increases": "decreases", "higher": "lower", "more": "less",
    "greater": "smaller", "improved": "worsened", "improve": "worsen", "positive": "negative", "better": "worse",
    "effective": "ineffective", "significant": "insignificant",
}  # fmt: skip
_OPPOSITE |= {other: one for one, other in _OPPOSITE.items()}
_NUMBER = re.compile(r"(?<![\w.,/[-])\d+(?:\.\d+)?(?![\w.,-]*\d)")
Spans = Sequence[Mapping[str, Any]]
"""Of each its `text`, and the `record`, its `authors` (family names), `year` and `venue`."""


def truth(spans: Spans, at: int, rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    """A true sentence on a span: its words, the same with their author, or a quotation of them."""
    span = spans[at]
    text, who = str(span["text"]), f"{span['authors'][0]} ({span['year']})" if span["authors"] and span["year"] else ""
    way = int(rng.integers(3)) if who else 0
    if way == 1:
        text = f"{who} wrote that {_lowered(text)}"
    elif way == 2:
        text = f"{who} wrote: \u201c{_part(text, rng)}\u201d."
    return text, (at + 1,)


def lie(kind: str, spans: Spans, at: int, rng: np.random.Generator) -> tuple[str, tuple[int, ...]] | None:
    """A sentence on a span with a falsehood of one kind; None where the span gives no occasion for it."""
    if kind not in LIES:
        raise EngineError(f"no lie of kind {kind!r}{meant(kind, LIES)}; there are {', '.join(LIES)}")
    return LIES[kind](spans, at, rng)


def _reference(spans: Spans, at: int, rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    text = str(spans[at]["text"])
    name, year = rng.choice(_NAMES), int(rng.integers(1975, 2025))
    ways = (
        (text, (len(spans) + int(rng.integers(1, 40)),)),
        (f"{text.rstrip('.')} [{len(spans) + int(rng.integers(1, 40))}].", (at + 1,)),
        (f"{text.rstrip('.')} ({name} et al., {year}).", (at + 1,)),
        (f"{name} and Wickham ({year}) wrote that {_lowered(text)}", (at + 1,)),
        (f"{text.rstrip('.')} (doi: 10.{int(rng.integers(1000, 9999))}/inv.{year}).", (at + 1,)),
    )
    return ways[int(rng.integers(len(ways)))]


def _quotation(spans: Spans, at: int, rng: np.random.Generator) -> tuple[str, tuple[int, ...]] | None:
    words = _part(str(spans[at]["text"]), rng).split()
    if len(words) < 5:
        return None
    inner = int(rng.integers(1, len(words) - 1))
    way = int(rng.integers(3))
    if way == 0:
        words[inner] = str(rng.choice(["undoubtedly", "purportedly", "seldom"]))
    elif way == 1:
        del words[inner]
    else:
        words.insert(inner, "entirely")
    return f"The authors wrote: \u201c{' '.join(words)}\u201d.", (at + 1,)


def _year(spans: Spans, at: int, rng: np.random.Generator) -> tuple[str, tuple[int, ...]] | None:
    span = spans[at]
    if not span["authors"] or not span["year"]:
        return None
    year = int(span["year"]) + int(rng.choice([-7, -3, -2, -1, 1, 2, 3, 5]))
    text = str(span["text"])
    if rng.random() < 0.5:
        return f"{span['authors'][0]} ({year}) wrote that {_lowered(text)}", (at + 1,)
    return f"{text.rstrip('.')} ({span['authors'][0]}, {year}).", (at + 1,)


def _author(spans: Spans, at: int, rng: np.random.Generator) -> tuple[str, tuple[int, ...]] | None:
    others = sorted({str(name) for span in spans for name in span["authors"]} - {*spans[at]["authors"]})
    if not others or not spans[at]["year"]:
        return None
    return f"{rng.choice(others)} ({spans[at]['year']}) wrote that {_lowered(str(spans[at]['text']))}", (at + 1,)


def _venue(spans: Spans, at: int, rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    others = sorted({str(s["venue"]) for s in spans if s["venue"] and s["venue"] != spans[at]["venue"]})
    venue = str(rng.choice([*_VENUES, *others]))
    return f"In a study published in {venue}, {_lowered(str(spans[at]['text']))}", (at + 1,)


def _negation(spans: Spans, at: int, rng: np.random.Generator) -> tuple[str, tuple[int, ...]] | None:
    text = str(spans[at]["text"])
    if _NEGATED.search(text):
        return _NEGATED.sub(lambda match: " " * match[0].startswith(" "), text, count=1), (at + 1,)
    turned = re.search(rf"\b({'|'.join(_OPPOSITE)})\b", text)
    if turned and rng.random() < 0.5:
        return f"{text[: turned.start()]}{_OPPOSITE[turned[1]]}{text[turned.end() :]}", (at + 1,)
    if verb := _AUXILIARY.search(text):
        return f"{text[: verb.end()]} not{text[verb.end() :]}", (at + 1,)
    return None


def _number(spans: Spans, at: int, rng: np.random.Generator) -> tuple[str, tuple[int, ...]] | None:
    text = str(spans[at]["text"])
    there = list(_NUMBER.finditer(text))
    if not there:
        return None
    number = there[int(rng.integers(len(there)))]
    decimals = len(number[0].partition(".")[2])
    value = float(number[0])
    other = (value + 10**-decimals, value * 10 + 10**-decimals, value * 2 + 10**-decimals)[int(rng.integers(3))]
    return f"{text[: number.start()]}{other:.{decimals}f}{text[number.end() :]}", (at + 1,)


def _source(spans: Spans, at: int, rng: np.random.Generator) -> tuple[str, tuple[int, ...]] | None:
    """One paper's finding with another paper's span."""
    others = [k for k, span in enumerate(spans) if span["record"] != spans[at]["record"]]
    return (str(spans[at]["text"]), (int(rng.choice(others)) + 1,)) if others else None


LIES: Mapping[str, Callable[[Spans, int, np.random.Generator], tuple[str, tuple[int, ...]] | None]] = {
    "invented reference": _reference,
    "altered quotation": _quotation,
    "wrong year": _year,
    "wrong author": _author,
    "wrong venue": _venue,
    "flipped negation": _negation,
    "wrong number": _number,
    "another's span": _source,
}
"""By kind, what tells one on a span."""


def lying(share: float = 1.0, *, sentences: float = 8, seed: float = 0) -> Callable[[Trial], str]:
    """Write sentences over spans of which a share are lies, one of each kind after the other; the others are true.

    Parameters
    ----------
    share : float
        Probability of each sentence to be a lie.
    sentences : float
        How many are written.
    seed : float
        Seed of the draws; both are whole numbers.
    """
    if not 0 <= share <= 1 or sentences != int(sentences) or seed != int(seed) or sentences < 1:
        raise EngineError(f"rule 'lying': share {share}, sentences {sentences}, seed {seed}; share is from 0 to 1, the "
                          "others are whole numbers")  # fmt: skip

    def rule(trial: Trial) -> str:
        spans = json.loads(dict(trial.facts).get(SHOWN, "null"))
        if not spans:
            raise EngineError(f"{trial.id}: rule 'lying' writes over spans, and this question shows none")
        rng = rng_for(int(seed), "lying", trial.id)
        written = []
        for k in range(int(sentences)):
            at = int(rng.integers(len(spans)))
            told = lie([*LIES][k % len(LIES)], spans, at, rng) if rng.random() < share else None
            text, cited = told or truth(spans, at, rng)
            written.append({"text": text, "spans": list(cited)})
        return json.dumps({"sentences": written}, ensure_ascii=False)

    return rule


def _lowered(text: str) -> str:
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _part(text: str, rng: np.random.Generator) -> str:
    """Some words that stand together in a text, without quotation marks of its own."""
    words = re.split(r"[\"“”]", text)[0].split()
    length = min(len(words), int(rng.integers(6, 14)))
    start = int(rng.integers(len(words) - length + 1))
    return " ".join(words[start : start + length]).rstrip(".,;:")
