"""Garden paths: 24 pairs of sentences of our own, and fresh ones from a generator."""

from collections.abc import Sequence
from typing import Any

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.material import amount, people
from proband.batteries.reading import LEADS, Quantity, Reading, Sentence, drawn, reading
from proband.seeds import rng_for

_CHRISTIANSON = (
    "Christianson, Hollingworth, Halliwell and Ferreira (2001), Cognitive Psychology 42, 368-407. "
    "doi:10.1006/cogp.2001.0752"
)
# Shares of "yes" to whether the first reading was true, after sentences with and without the ambiguity.
_FIGURES = {
    f"{kind}-{form}": f"{verb}, {told} (2001)"
    for kind, verb in (("ot", "optional"), ("rat", "reflexive"))
    for form, told in (("ambiguous", "garden path"), ("comma", "comma"))
}
# Who, verb in the past, plain verb, what it seems to act on, what that did, and the rest.
_Row = tuple[str, str, str, str, str, str]
# Verbs that may have an object or none; without a comma the noun behind them is first taken for it.
OPTIONAL: tuple[_Row, ...] = (
    ("Nora", "painted", "paint", "the boat", "sank", "in the harbour"),
    ("Felix", "hunted", "hunt", "the deer", "ran", "into the woods"),
    ("the cook", "stirred", "stir", "the soup", "boiled", "over"),
    ("the pupil", "read", "read", "the letter", "fell", "off the desk"),
    ("Irene", "baked", "bake", "the bread", "was", "stolen from the window"),
    ("the choir", "sang", "sing", "the hymn", "was", "drowned out by the storm"),
    ("the farmer", "ploughed", "plough", "the field", "lay", "in the sun"),
    ("Oscar", "drove", "drive", "the car", "rolled", "into a ditch"),
    ("the nurse", "wrote", "write", "the report", "was", "taken from the drawer"),
    ("the actress", "practised", "practise", "the play", "was", "cancelled by the theatre"),
    ("Martha", "knitted", "knit", "the scarf", "slid", "to the floor"),
    ("the guests", "ate", "eat", "the pudding", "caught", "fire in the kitchen"),
)
# Verbs that without an object are done to oneself.
REFLEXIVE: tuple[_Row, ...] = (
    ("Paula", "dressed", "dress", "the child", "threw", "the shoes away"),
    ("the clown", "undressed", "undress", "the boy", "laughed", "out loud"),
    ("Victor", "bathed", "bathe", "the dog", "barked", "at the door"),
    ("the miner", "washed", "wash", "the donkey", "walked", "back to the stable"),
    ("the barber", "shaved", "shave", "the customer", "fell", "asleep in the chair"),
    ("the cat", "scratched", "scratch", "the kitten", "climbed", "up the curtain"),
    ("Simon", "hid", "hide", "the puppy", "was", "found under the stairs"),
    ("the groom", "groomed", "groom", "the horse", "jumped", "over the fence"),
    ("the aunt", "changed", "change", "the baby", "cried", "in the next room"),
    ("Greta", "stretched", "stretch", "the rope", "came", "off the hook"),
    ("the swimmer", "dried", "dry", "the towels", "blew", "across the beach"),
    ("Hugo", "warmed up", "warm up", "the engine", "stalled", "in the cold"),
)
_NAMES = ("Alma", "Bruno", "Clara", "Dirk", "Edith", "Frank", "Hanna", "Jakob", "Lena", "Moritz", "Olga", "Rosa")
# Of the generator: what a verb may act on, each with something that it may do by itself.
_ACTED: dict[str, tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...]] = {
    "ot": (
        ("cooked", "cook", (("the rice", "burned", "to the pot"), ("the stew", "spilled", "onto the stove"))),
        ("cleaned", "clean", (("the lamp", "fell", "from the shelf"), ("the mirror", "broke", "into pieces"))),
        ("typed", "type", (("the message", "vanished", "from the screen"), ("the page", "blew", "out of the window"))),
        ("filmed", "film", (("the bear", "swam", "across the river"), ("the dancer", "slipped", "on the stage"))),
        ("followed", "follow", (("the van", "turned", "into a side street"), ("the spy", "got", "on a train"))),
        ("drew", "draw", (("the bird", "flew", "off the branch"), ("the model", "sneezed", "and moved"))),
    ),
    "rat": (
        ("dressed", "dress", (("the twins", "ran", "down the stairs"), ("the patient", "slept", "in the next bed"))),
        ("washed", "wash", (("the goat", "ate", "the soap"), ("the cup", "rolled", "into the sink"))),
        ("bathed", "bathe", (("the toddler", "slept", "next door"), ("the parrot", "sang", "in its cage"))),
        ("shaved", "shave", (("the sheep", "stood", "in the rain"), ("the old man", "read", "the newspaper"))),
        ("hid", "hide", (("the money", "was", "counted by the thief"), ("the rabbit", "hopped", "over the grass"))),
        ("undressed", "undress", (("the doll", "fell", "off the bed"), ("the girl", "waited", "outside"))),
    ),
}  # fmt: skip


def sentence(id: str, kind: str, row: _Row) -> Sentence:
    """The four cells of a pair: the verb that puts it right, and a question about it, without and with a comma."""
    who, past, plain, what, verb, rest = row
    texts = {}
    for form, comma in (("ambiguous", ""), ("comma", ",")):
        opening = f"While {who} {past}{comma} {what}"
        question = f"{opening} {verb} {rest}.\nQuestion: Did {who} {plain} {what}?\nAnswer:"
        texts[f"{kind}-{form}"] = f"{opening}| {verb}| {rest}."
        texts |= {f"{kind}-{form}-{answer.lower()}": f"{question}| {answer}|" for answer in ("Yes", "No")}
    return Sentence(id=id, texts=texts)


def generated(kind: str, n: int, seed: int) -> list[Sentence]:
    """Fresh pairs, none of them twice; at most 144 of a kind."""
    events: list[Any] = [(past, plain, *done) for past, plain, acted in _ACTED[kind] for done in acted]
    found: list[Any] = drawn(rng_for(seed, "garden-path", kind), n, [(name,) for name in _NAMES], events)
    return [sentence(f"fresh-{kind}-{k:02}", kind, (*name, *event)) for k, (name, event) in enumerate(found, start=1)]


def _sentences(setting: Setting) -> Sequence[Sentence]:
    own = {"ot": OPTIONAL, "rat": REFLEXIVE}
    n = amount(setting, 12, 4)
    return [
        made
        for kind, rows in own.items()
        for made in (
            *(sentence(f"{kind}-{k:02}", kind, row) for k, row in enumerate(rows, start=1)),
            *generated(kind, n, setting.seed),
        )
    ]


def _quantities() -> tuple[Quantity, ...]:
    verbs = {"ot": "verb with or without object", "rat": "reflexive verb"}
    cells = [(kind, form) for kind in verbs for form in ("ambiguous", "comma")]
    return (
        *(Quantity(id=f"{k}-{f}", name=f"Surprisal where it is put right: {verbs[k]}, {f}", of=f"{k}-{f}")
          for k, f in cells),
        *(Quantity(id=f"{k}-{f}-misread", name=f"First reading held true: {verbs[k]}, {f}", of=f"{k}-{f}-yes",
                   against=f"{k}-{f}-no", unit="share",
                   people=people("garden-path", _FIGURES[f"{k}-{f}"])) for k, f in cells),
    )  # fmt: skip


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What the missing comma costs, in bits and in wrong readings."""
    return [
        made
        for kind, name in (("ot", "verb with or without object"), ("rat", "reflexive verb"))
        for made in (
            Contrast(name=f"garden path, {name}", weights={f"{kind}-ambiguous": 1, f"{kind}-comma": -1}),
            Contrast(
                name=f"misreading, {name}",
                weights={f"{kind}-ambiguous-misread": 1, f"{kind}-comma-misread": -1},
                people=people("garden-path", _FIGURES[f"{kind}-ambiguous"], less=_FIGURES[f"{kind}-comma"]),
            ),
        )
    ]


def design(setting: Setting) -> Reading:
    """The pairs of a setting."""
    return reading(BATTERY, setting, _sentences(setting), _quantities())


BATTERY = Battery(
    name="garden-path",
    title="Garden paths",
    about="surprisal at the verb that puts a first reading right, and whether that reading is still held true",
    discipline="linguistics",
    source=_CHRISTIANSON,
    licence="sentences of our own, free to use; the design is Christianson's",
    page=(
        "In *While Nora painted the boat sank* the boat is first taken for what was painted; the verb behind it says "
        "otherwise. With a comma nobody is misled, so the difference in surprisal at that verb is the garden path. "
        "People slow down there, and often keep the first reading: asked whether Nora painted the boat, they say yes. "
        "The two kinds of verb differ: who dresses, without more, dresses themselves. A model's share of yes also "
        "holds its liking for the word yes, which is why the contrast, not the share, is to be compared. Surprisal is "
        "known to find the effect and to be too small for its size in people (van Schijndel and Linzen 2021, "
        "doi:10.1111/cogs.12988)."
    ),
    design=design,
    contexts={"lead": tuple(LEADS)},
    contrasts=contrasts,
    analyses=("reading",),
    needs="continuations",
    is_generated=True,
)
