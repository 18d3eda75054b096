"""Contexts: the ways in which a battery is asked, as factors of a survey.

The texts stand before an item, so that all items of a context begin alike and an engine reads that beginning once.
A changed word here is a changed treatment: the golden file in ``tests/prompts`` shows it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from proband.errors import DesignError, meant
from proband.instruments.items import Instrument, Item
from proband.instruments.pipes import pipes_in

Levels = Sequence[str] | Mapping[str, str]

SETTINGS = ("order", "labels", "answer_by")  # of every survey
ROLES: Mapping[str, str] = {
    "none": "",
    "assistant": "You are an AI assistant. Answer as the assistant that you are.",
    "impersonated": "Imagine that you are a person like others. Answer as that person.",
}
# Before what the instrument says itself; a battery that has wordings of its own gives them in its contexts.
WORDINGS: Mapping[str, str] = {
    "published": "",
    "polite": "Thank you for taking part. Please read what follows and give your answer.",
    "plain": "Read this and answer it.",
}
TEXTS: Mapping[str, Mapping[str, str]] = {"role": ROLES, "wording": WORDINGS}
USUAL: Mapping[str, Levels] = {"order": ("as_written", "reversed"), "wording": tuple(WORDINGS), "role": tuple(ROLES)}
_QUICK = {"order": 2, "wording": 2}  # levels of these that a quick portrait takes; of any other factor the first
PUBLISHED = "published"


def crossed(own: Mapping[str, Levels], asked: Mapping[str, Sequence[str]], *, is_quick: bool) -> dict[str, Levels]:
    """Factor -> levels that are asked: the usual ones, then the battery's, then those asked for.

    A treatment keeps all its levels in a quick portrait.

    Raises
    ------
    DesignError
        For a factor or level that is not there.
    """
    known = {**USUAL, **own}
    found = dict(known)
    if is_quick:
        found |= {name: _first(known[name], _QUICK.get(name, 1)) for name in known if name not in treatments(own)}
    for name, levels in asked.items():
        if name == "language":
            raise DesignError('contexts: a run is in one language; set language = "de" beside `use`, and make one each')
        if name not in known and name not in SETTINGS:
            there = (*known, *SETTINGS)
            raise DesignError(f"contexts: no factor {name!r}{meant(name, there)}; there are {', '.join(there)}")
        given = own.get(name)
        texts = given if isinstance(given, Mapping) else TEXTS.get(name, {})
        if strange := [level for level in levels if texts and level not in texts]:
            raise DesignError(
                f"contexts.{name}: no level {strange[0]!r}{meant(strange[0], texts)}; there are {', '.join(texts)}"
            )
        found[name] = {level: given[level] for level in levels} if isinstance(given, Mapping) else levels
    return found


def treatments(own: Mapping[str, Levels]) -> list[str]:
    """Factors that a battery brings with their texts: what they move is what it asks about, and no instability."""
    return [name for name, levels in own.items() if isinstance(levels, Mapping) and name not in TEXTS]


def texts_of(name: str, levels: Levels, preamble: str) -> dict[str, str]:
    """Level -> what stands before an item, a line of its own; the instrument's preamble ends every wording."""
    if not isinstance(levels, Mapping) and name not in TEXTS:
        raise DesignError(
            f"contexts: factor {name!r} has levels and no texts; give each level its words, level -> text"
        )
    texts = dict(levels) if isinstance(levels, Mapping) else {level: TEXTS[name][level] for level in levels}
    if name == "wording" and not isinstance(levels, Mapping):
        texts = {level: "\n\n".join(filter(None, (text, preamble))) for level, text in texts.items()}
    return {level: f"{text}\n\n" if text else "" for level, text in texts.items()}


def led_in(instrument: Instrument, factors: Mapping[str, Mapping[str, str]]) -> Instrument:
    """The instrument with what varies piped in before every item that does not pipe it in itself."""

    def told(item: Item) -> Item:
        own = {name for kind, name in pipes_in(item.stem + item.text) if kind == "factor"}
        before = "".join(f"{{factor:{name}}}" for name in factors if name not in own)
        # Texts end with a blank line of their own, since any of them may be empty; so does a stem that is shown.
        if item.stem:
            return replace(item, stem=before + item.stem)
        return replace(item, text=before + item.text)

    return replace(instrument, items=tuple(map(told, instrument.items)), preamble="")


def _first(levels: Levels, n: int) -> Levels:
    kept = list(levels)[:n]
    return {level: levels[level] for level in kept} if isinstance(levels, Mapping) else tuple(kept)
