"""Implicit causality: who is taken for the cause by the verb alone."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.reading import LEADS, Quantity, Reading, Sentence, reading
from proband.seeds import rng_for

_SOURCE = (
    "Garvey and Caramazza (1974), Linguistic Inquiry 5, 459-464; Hartshorne, O'Donnell and Tenenbaum (2015), Language, "
    "Cognition and Neuroscience 30, 716-734. doi:10.1080/23273798.2015.1008524"
)
# The subject is the stimulus of what is felt, or the one who feels it.
VERBS = {
    "stimulus": (
        *("frightened", "amused", "bored", "annoyed", "impressed", "surprised", "disappointed", "confused"),
        *("charmed", "irritated", "fascinated", "angered"),
    ),
    "experiencer": (
        *("admired", "feared", "hated", "loved", "envied", "pitied", "trusted", "respected", "disliked", "missed"),
        *("resented", "adored"),
    ),
}
_WOMEN = ("Anna", "Julia", "Maria", "Sarah", "Emma", "Laura", "Helen", "Alice", "Karen", "Ruth", "Diane", "Susan")
_MEN = ("Peter", "David", "Paul", "Mark", "John", "Robert", "Daniel", "Simon", "Carl", "Henry", "Eric", "Thomas")


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """How much likelier the subject is named the cause with one kind of verb; both orders of the sexes together."""
    half = 0.5
    return [
        Contrast(
            name="subject as the cause, stimulus less experiencer verbs",
            weights={"stimulus-she": half, "stimulus-he": half, "experiencer-she": -half, "experiencer-he": -half},
        )
    ]


def design(setting: Setting) -> Reading:
    """Every verb with a woman as its subject and with a man; the names are drawn."""
    n = 8 if setting.is_quick else 12
    sentences = []
    for kind, verbs in VERBS.items():
        for verb in verbs[:n]:
            rng = rng_for(setting.seed, "implicit-causality", verb)
            she, he = str(rng.choice(_WOMEN)), str(rng.choice(_MEN))
            texts: dict[str, str] = {}
            for subject, words in (("she", f"{she} {verb} {he} because"), ("he", f"{he} {verb} {she} because")):
                texts |= {f"{kind}-{subject}-{word}": f"{words}| {word}|" for word in ("she", "he")}
            sentences.append(Sentence(id=verb, texts=texts))
    quantities = tuple(
        Quantity(
            id=f"{kind}-{subject}", name=f"{kind} verbs, subject a {word}: subject taken as the cause",
            of=f"{kind}-{subject}-{subject}", against=f"{kind}-{subject}-{other}", unit="share",
        )
        for kind in VERBS
        for subject, other, word in (("she", "he", "woman"), ("he", "she", "man"))
    )  # fmt: skip
    return reading(BATTERY, setting, tuple(sentences), quantities)


BATTERY = Battery(
    name="implicit-causality",
    title="Implicit causality",
    about="who is taken for the cause after 'Anna frightened Paul because ...' and 'Anna admired Paul because ...'",
    discipline="linguistics",
    source=_SOURCE,
    licence="sentences of our own; that a verb belongs to a class is a fact",
    page=(
        "After *Anna frightened Paul because* people go on with her, after *Anna admired Paul because* with him. The "
        "probability of *she* is set against that of *he*, with a woman and with a man as the subject, so that a "
        "liking for one pronoun drops out. People differ much between these two classes of verbs; published "
        "figures depend on the verbs and the task, so none stands here. The names are drawn."
    ),
    design=design,
    contexts={"lead": tuple(LEADS)},
    contrasts=contrasts,
    analyses=("reading",),
    needs="continuations",
)
