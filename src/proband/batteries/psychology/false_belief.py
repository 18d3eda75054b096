"""False belief: bundles of eight stories, all of which must be right, and alterations that make the belief true."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.generated import answers, choice
from proband.batteries.material import OWN, amount, drawn, rows, scale
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.seeds import rng_for

_CONTENTS = rows(
    """
tin | biscuits | buttons
jar | sugar | salt
box | crayons | screws
bag | beans | pebbles
drum | paint | water
bottle | vinegar | ink
crate | apples | bricks
tube | glue | cream
"""
)
_TRANSFER = rows(
    """
keys | drawer | basket
book | chest | cupboard
flute | trunk | sack
scissors | box | bowl
letter | folder | envelope
ball | bucket | crate
map | case | desk
watch | pouch | tin
"""
)
_PEOPLE = ("Noor", "Sam", "Tom", "Ida", "Kofi", "Lena", "Ravi", "Elsa")
# What somebody knows of a label that is wrong: only in the first do they believe it.
BELIEFS = {
    "contents": {
        "unseen": "{who} has never seen it before and has not looked inside.",
        "looked": "{who} has opened it before and looked inside.",
        "told": "A friend whom {who} trusts has said what is really inside.",
        "honest": "",  # the label is right
    },
    "transfer": {
        "away": "{who} goes out for a walk and sees nothing of what happens then.",
        "watched": "{who} stays in the room and watches what happens then.",
        "told": "{who} goes out for a walk, and on the way back hears from {other} what happened then.",
        "unmoved": "",  # nothing is moved
    },
}
# Small changes after which the belief is true although the story sounds the same, after Ullman.
ALTERATIONS = {
    "contents": {
        "clear": "It is of clear glass, and {who} sees what is inside.",
        "filled": "It was {who} who filled it and stuck the label on, for fun.",
    },
    "transfer": {
        "clear": "{who} goes out for a walk; both places are of clear glass, and from the door {who} sees into them.",
        "returned": "{who} goes out for a walk but comes back early and sees what happens then.",
    },
}


def _story(task: str, version: str, knows: str, names: Sequence[str], words: Sequence[str]) -> tuple[str, str, str]:
    """A story with its question, the right answer and the wrong one."""
    what, one, two = words
    who, other = names
    if one == two:
        raise DesignError(f"story of the {what}: {one!r} is both places or contents, so that both answers are right")
    said = knows.format(who=who, other=other)
    if task == "contents":
        inside = one if version == "honest" else two
        other_one = two if inside == one else one
        text = (
            f"A {what} on the table is full of {inside}; it holds no {other_one}. The label on it says “{one}”. "
            f"{who} stands before it and reads the label. {said} What does {who} think is in the {what}?"
        )
        believes = one if version in ("unseen", "honest") else two
    else:
        text = f"{who} puts the {what} into the {one} while {other} looks on. {said} "
        if version == "unmoved":
            text += f"{who} goes out for a walk. {other} looks into the {one} and leaves everything as it is. "
        else:
            text += f"{other} takes the {what} out of the {one} and puts it into the {two}. "
        text += f"Afterwards {who} wants the {what}. Where does {who} look first?"
        one, two = f"in the {one}", f"in the {two}"
        believes = one if version in ("away", "unmoved") else two
    return " ".join(text.split()), believes, two if believes == one else one


def bundle(task: str, number: int, words: Sequence[str], setting: Setting) -> tuple[list[Item], list[Item]]:
    """Eight stories (a false belief and three true ones, each also the other way round), and four alterations."""
    rng = rng_for(setting.seed, "false-belief", task, number)
    names = [_PEOPLE[k] for k in rng.permutation(len(_PEOPLE))[:2]]
    what, one, two = words
    found: tuple[list[Item], list[Item]] = [], []
    for items, versions in zip(found, (BELIEFS[task], ALTERATIONS[task]), strict=True):
        for version, knows in versions.items():
            for turn, told in (("", (what, one, two)), ("-reversed", (what, two, one))):
                text, right, wrong = _story(task, version, knows, names, told)
                id = f"{task}-{number:02d}-{version}{turn}"
                items.append(choice(id, text, answers(right, wrong), rng))
    return found


def instrument(setting: Setting) -> Instrument:
    """Bundles of both tasks, and their alterations."""
    n = amount(setting, 2, 1)
    stories, altered = list[Item](), list[Item]()
    for task, pool in (("contents", _CONTENTS), ("transfer", _TRANSFER)):
        for k, words in enumerate(drawn(pool, n, rng_for(setting.seed, "false-belief", task), "stories"), 1):
            whole, changed = bundle(task, k, words, setting)
            stories += whole
            altered += changed
    is_false = [item for item in stories if "-unseen" in item.id or "-away" in item.id]
    return Instrument(
        id="false-belief",
        title="False belief",
        items=(*stories, *altered),
        scales=(
            scale("false-belief", "right where the belief is false", is_false),
            scale("true-belief", "right where it is true", [item for item in stories if item not in is_false]),
            scale("altered", "right after an alteration", altered),
        ),
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What it costs that a belief is false, and what a small change does to it."""
    return (
        Contrast(name="true minus false belief", weights={"true-belief": 1.0, "false-belief": -1.0}),
        Contrast(
            name="altered minus false belief",
            weights={"altered": 1.0, "false-belief": -1.0},
            isomorph_of="stories that everybody has read",
        ),
    )


BATTERY = Battery(
    name="false-belief",
    title="False belief",
    about="what somebody thinks who has not seen it: bundles of eight stories, and alterations",
    discipline="psychology",
    source="Wimmer & Perner (1983), Cognition 13, 103-128, https://doi.org/10.1016/0010-0277(83)90004-5; bundles as in "
    "Kosinski (2024), PNAS 121(45), https://doi.org/10.1073/pnas.2405460121; alterations as in Ullman (2023), "
    "https://doi.org/10.48550/arXiv.2302.08399",
    licence=OWN,
    page="A tin says one thing and holds another, or a thing is moved while somebody is away: what does the person "
    "think? Eight stories make a bundle, one false belief and three true ones, each also with both things changing "
    "roles; a bundle counts only if all eight are right, because four answers of eight are right by always naming "
    "the label. The alterations sound like the story of the false belief and are none. No figure of people is known "
    "for these stories; no age is given to a model.",
    instrument=instrument,
    contrasts=contrasts,
    contexts={"role": ("none",)},
    analyses=("bundles",),
    is_generated=True,
)
