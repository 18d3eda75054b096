"""What a questionnaire has against it as a whole: scales that change, keys of one sign, orders that carry over."""

import re
from collections import Counter
from collections.abc import Iterator

from proband.instruments.defects.defect import Defect
from proband.instruments.items import Instrument

LEAST = 4  # items of a scale from which its keys say something
_AGREEMENT = re.compile(r"\b(?:agree|accurate|true|like\s+me|applies|describes\s+me)\b", re.I)
_GENERAL = re.compile(r"\b(?:overall|in\s+general|generally|as\s+a\s+whole|all\s+in\s+all|all\s+things\s+considered|"
                      r"taking\s+everything)\b", re.I)  # fmt: skip
_RATING = re.compile(r"\b(satisfied|happy|good|important|trust|confident|concerned|interested|healthy)\b", re.I)


def whole_defects(instrument: Instrument) -> Iterator[Defect]:
    """Findings of the questionnaire, each with the item at which it shows, or with none."""
    yield from _mixed_scales(instrument)
    yield from _acquiescence(instrument)
    yield from _order_effects(instrument)


def _mixed_scales(instrument: Instrument) -> Iterator[Defect]:
    """Scales of agreement that run both ways, or have other numbers of points."""
    agreed = [item for item in instrument.items if sum(bool(_AGREEMENT.search(o)) for o in item.options) >= 2]
    if len(agreed) < 2:
        return
    usual, _ = Counter(item.options for item in agreed).most_common(1)[0]
    for item in agreed:
        if item.options != usual:
            is_turned = item.options == usual[::-1]
            why = "its scale runs the other way" if is_turned else f"{len(item.options)} options, others {len(usual)}"
            if is_turned or len(item.options) != len(usual):
                yield Defect(item.id, "mixed_scales", "", 0, 0, why, "give all items of a kind one scale")


def _acquiescence(instrument: Instrument) -> Iterator[Defect]:
    """Scales of agreement of which all items are keyed one way: who says yes to anything scores high."""
    for scale in instrument.scales:
        items = [instrument[id] for id in scale.items]
        is_agreement = all(any(_AGREEMENT.search(option) for option in item.options) for item in items)
        if len(items) >= LEAST and is_agreement and len(set(scale.items.values())) == 1:
            why = f"all {len(items)} items of {scale.name} are keyed one way: saying yes to anything gives a score"
            yield Defect("", "acquiescence", "", 0, 0, why, "word some of them the other way, or offer what differs")


def _order_effects(instrument: Instrument) -> Iterator[Defect]:
    """A general question after particular ones in the same words: the answers to these are still in mind."""
    before: dict[str, str] = {}
    for item in instrument.items:
        rated = _RATING.search(item.text) if "?" in item.text else None
        if rated is None:
            continue
        word = rated[1].lower()
        if _GENERAL.search(item.text) and word in before:
            why = f"it is general, and {before[word]!r} has just asked how {word} one is with a part of it"
            yield Defect(item.id, "order_effect", "", 0, 0, why, "ask the general item first, or vary the order")
        elif not _GENERAL.search(item.text):
            before.setdefault(word, item.id)
