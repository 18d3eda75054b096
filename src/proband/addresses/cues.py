"""``cues``: what papers report, found by the words that usually say it."""

from proband.addresses.opening import Scheme
from proband.models.engine import BaseEngine


def _open(rest: str) -> BaseEngine:
    from proband.models.cues import CuesEngine

    return CuesEngine()


SCHEME = Scheme(
    pattern="cues",
    about="takes from papers what they report (n, design, effect, limits, funding) by cue words; no model",
    open=_open,
)
