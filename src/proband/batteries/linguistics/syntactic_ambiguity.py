"""Syntactic ambiguity: whether what was said before decides what a phrase belongs to."""

from collections.abc import Sequence
from typing import Any

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.material import amount
from proband.batteries.reading import LEADS, Quantity, Reading, Sentence, drawn, reading
from proband.seeds import rng_for

_SOURCE = (
    "Altmann and Steedman (1988), Cognition 30, 191-238. doi:10.1016/0010-0277(88)90020-0; Cai et al. (2024), CMCL, "
    "37-56. https://aclanthology.org/2024.cmcl-1.4"
)
# Either of the two may have the thing, and it may be used to do what is done.
_EVENTS = (
    ("shot", "with the rifle", "rifle"),
    ("hit", "with the umbrella", "umbrella"),
    ("watched", "with the binoculars", "binoculars"),
    ("tickled", "with the feather", "feather"),
    ("attacked", "with the knife", "knife"),
    ("poked", "with the stick", "stick"),
    ("filmed", "with the camera", "camera"),
    ("frightened", "with the mask", "mask"),
)
_AGENTS = ("hunter", "guard", "sailor", "officer", "farmer", "detective")
_OTHERS = ("poacher", "thief", "tourist", "smuggler", "stranger", "clown")


def _sentence(id: str, event: tuple[str, str, str], agent: str, other: str) -> Sentence:
    verb, phrase, thing = event
    texts: dict[str, str] = {}
    for context, before in (("one", f"a {agent} and a {other}"), ("two", f"a {agent} and two {other}s")):
        words = f"There were {before} in the street. The {agent} {verb} the {other} {phrase}."
        asked = f"{words}\nQuestion: Who had the {thing}?\nAnswer: the"
        texts |= {f"{context}-agent": f"{asked}| {agent}|", f"{context}-other": f"{asked}| {other}|"}
    return Sentence(id=id, texts=texts)


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """With two of them, the phrase tells which one is meant."""
    return [Contrast(name="phrase told of the other, two of them less one", weights={"two": 1, "one": -1})]


def design(setting: Setting) -> Reading:
    """Generated scenes."""
    n = amount(setting, 24, 8)
    found: list[Any] = drawn(rng_for(setting.seed, "syntactic-ambiguity"), n, _EVENTS, _AGENTS, _OTHERS)
    return reading(
        BATTERY,
        setting,
        [_sentence(f"scene-{k:02}", *words) for k, words in enumerate(found, start=1)],
        tuple(
            Quantity(id=context, name=f"Phrase told of the other: {context} of them in the scene",
                     of=f"{context}-other", against=f"{context}-agent", unit="share") for context in ("one", "two")
        ),
    )  # fmt: skip


BATTERY = Battery(
    name="syntactic-ambiguity",
    title="Syntactic ambiguity",
    about="whether 'shot the poacher with the rifle' is read by how many poachers there are",
    discipline="linguistics",
    source=_SOURCE,
    licence="sentences generated from words of our own",
    page=(
        "*The hunter shot the poacher with the rifle* leaves open who had the rifle. Where the scene has two poachers, "
        "the phrase is needed to say which one, and people then tell it of the poacher more often. The larger chat "
        "models of 2023 did not use this context (Cai et al. 2024), so a difference of zero is what to expect of a "
        "model. Below zero it may say no more than that *poachers* in the plural makes *poacher* less likely. People's "
        "size of the effect depends on the sentences; none stands here."
    ),
    design=design,
    contexts={"lead": tuple(LEADS)},
    contrasts=contrasts,
    analyses=("reading",),
    needs="continuations",
    is_generated=True,
)
