"""Noisy channel: whether an implausible sentence is read as what was probably meant."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.material import amount
from proband.batteries.reading import LEADS, Quantity, Reading, Sentence, drawn, reading
from proband.seeds import rng_for

_SOURCE = (
    "Gibson, Bergen and Piantadosi (2013), Proceedings of the National Academy of Sciences 110, 8051-8056. "
    "doi:10.1073/pnas.1216438110"
)
_GIVERS = ("uncle", "mother", "neighbour", "teacher", "captain", "grandfather", "queen", "coach")
_TAKERS = ("daughter", "nephew", "boy", "guest", "child", "pupil", "girl", "visitor")
_THINGS = ("candle", "apple", "pencil", "ball", "spoon", "flower", "key", "hat")
_VERBS = ("gave", "handed", "passed", "tossed")


def _sentence(id: str, verb: str, giver: str, taker: str, thing: str) -> Sentence:
    said = {
        "do-odd": f"The {giver} {verb} the {thing} the {taker}.",
        "po-odd": f"The {giver} {verb} the {taker} to the {thing}.",
        "do-plain": f"The {giver} {verb} the {taker} the {thing}.",
        "po-plain": f"The {giver} {verb} the {thing} to the {taker}.",
    }
    return Sentence(
        id=id,
        texts={
            f"{kind}-{answer.lower()}": f"{words}\nQuestion: Did the {taker} receive something?\nAnswer:| {answer}|"
            for kind, words in said.items()
            for answer in ("Yes", "No")
        },
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """A word that may have been lost (to) is put back more readily than one is taken out."""
    return [
        Contrast(name="a lost word is put back more than an added one out", weights={"do-odd": 1, "po-odd": -1}),
        Contrast(name="plain less odd sentences: what the wording itself does",
                 weights={"do-plain": 0.5, "po-plain": 0.5, "do-odd": -0.5, "po-odd": -0.5}),
    ]  # fmt: skip


def design(setting: Setting) -> Reading:
    """Generated sentences in four forms."""
    n = amount(setting, 24, 8)
    found = drawn(rng_for(setting.seed, "noisy-channel"), n, _VERBS, _GIVERS, _TAKERS, _THINGS)
    names = {
        "do-odd": "gave the candle the girl (to lost)", "po-odd": "gave the girl to the candle (to added)",
        "do-plain": "gave the girl the candle", "po-plain": "gave the candle to the girl",
    }  # fmt: skip
    return reading(
        BATTERY,
        setting,
        [_sentence(f"giving-{k:02}", *words) for k, words in enumerate(found, start=1)],
        tuple(
            Quantity(id=kind, name=f"Person taken to receive something: {name}", of=f"{kind}-yes", against=f"{kind}-no",
                     unit="share") for kind, name in names.items()
        ),
    )  # fmt: skip


BATTERY = Battery(
    name="noisy-channel",
    title="Noisy channel",
    about="whether implausible sentences are read as what was probably meant, and more so where a word was lost",
    discipline="linguistics",
    source=_SOURCE,
    licence="sentences generated from words of our own",
    page=(
        "*The uncle gave the candle the girl* says that the candle received the girl. People often read it as if a "
        "*to* had been lost, and do so less where a word would have to be taken out (*gave the girl to the candle*), "
        "because losing a word is the likelier accident. A yes to whether the girl received something is the reading "
        "that was probably meant. The plain sentences show what the model does where nothing is wrong: with a yes to "
        "everything, it reads nothing. Published figures depend on how many sentences of a list are odd, so none "
        "stands here."
    ),
    design=design,
    contexts={"lead": tuple(LEADS)},
    contrasts=contrasts,
    analyses=("reading",),
    needs="continuations",
    is_generated=True,
)
