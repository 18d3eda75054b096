"""The rules, put to a questionnaire."""

import re

from proband.instruments.defects.defect import LISTS, Asked, Defect, wording_of
from proband.instruments.defects.options import option_defects
from proband.instruments.defects.whole import whole_defects
from proband.instruments.defects.wording import wording_defects
from proband.instruments.items import Instrument

_ENGLISH = re.compile(r"en(?:g|glish)?(?![a-z])", re.I)
_COMMON = frozenset(LISTS["common"].split())
_LEAST_SHARE, _LEAST_WORDS = 0.1, 20


def defects_of(instrument: Instrument) -> list[Defect]:
    """What rules find against a questionnaire, item by item, then as a whole.

    The rules are English. An instrument in another language has none of them found, and `not_judged` says so.

    Parameters
    ----------
    instrument : Instrument
        Its items, with their options.

    Returns
    -------
    list of Defect
        In the order of the items; each a reason to look again, none a proof.

    Examples
    --------
    >>> from proband.instruments import instrument_from_dict
    >>> item = {"id": "pay", "text": "How satisfied are you with your pay and your boss?", "form": "scale"}
    >>> asked = instrument_from_dict({"id": "work", "items": [item | {"options": ["Not at all", "Very"]}]}, "work")
    >>> [(found.item, found.kind, found.words) for found in defects_of(asked)]
    [('pay', 'double_barrelled', 'pay and your boss')]
    """
    if not_judged(instrument):
        return []
    found, stems = list[Defect](), set[str]()
    for item in instrument.items:
        asked = Asked(item, with_stem=item.stem not in stems)
        stems.add(item.stem)
        found += [*wording_defects(asked), *option_defects(asked)]
    return found + list(whole_defects(instrument))


def not_judged(instrument: Instrument) -> str:
    """Why the rules say nothing of an instrument; empty where they do."""
    if not _ENGLISH.match(instrument.language):
        return f"its language is {instrument.language!r}, and the rules are English: its wording is not judged"
    wording = "\n".join(map(wording_of, instrument.items))
    letters = [letter for letter in wording if letter.isalpha()]
    if sum(letter.isascii() for letter in letters) < len(letters) / 2:
        return "most of its letters are none of English; write its `language`, and its wording is not judged"
    words = wording.casefold().split()
    common = sum(word.strip(".,?!:;()\"'") in _COMMON for word in words)
    if len(words) >= _LEAST_WORDS and common < _LEAST_SHARE * len(words):
        return (
            f"{common} of its {len(words)} words are among the commonest of English, so it seems to be in another "
            "language; write which as `language`, and its wording is not judged"
        )
    return ""
