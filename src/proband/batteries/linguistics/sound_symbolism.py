"""Sound symbolism: made-up names that sound round or spiky, and which shape they are taken for."""

from collections.abc import Iterator, Sequence

from proband.batteries.battery import Battery, Contrast, Figure, Setting
from proband.batteries.material import amount
from proband.batteries.reading import LEADS, Quantity, Reading, Sentence, reading
from proband.seeds import rng_for

_CWIEK = (
    "Ćwiek et al. (2022), Philosophical Transactions of the Royal Society B 377, 20200390. doi:10.1098/rstb.2020.0390 "
    "(917 speakers of 25 languages)"
)
PUBLISHED = {"round": ("maluma", "bouba"), "spiky": ("takete", "kiki")}
_SOUNDS = {"round": ("blmnwg", "aou"), "spiky": ("tkpz", "ie")}
_KNOWN = frozenset({"banana", "panama", "mama", "tiki"})


def _names(kind: str, n: int, seed: int) -> Iterator[str]:
    """Fresh names of three syllables of the sounds that people hear so; none is there twice."""
    consonants, vowels = _SOUNDS[kind]
    rng = rng_for(seed, "sound-symbolism", kind)
    seen = set(PUBLISHED[kind]) | _KNOWN
    while n:
        name = "".join(rng.choice([*consonants]) + rng.choice([*vowels]) for _ in range(3))
        if name not in seen:
            seen.add(name)
            n -= 1
            yield name


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """How much more often a round name is taken for the round shape; people match 72 %, so .72 less .28."""
    return [
        Contrast(
            name="round names taken as round more than spiky ones",
            weights={"round": 1, "spiky": -1},
            people=Figure(mean=0.44, n=917, source=_CWIEK),
        ),
        Contrast(name="the same, round named last", weights={"round-last": 1, "spiky-last": -1}),
    ]


def design(setting: Setting) -> Reading:
    """Published and fresh names."""
    n = amount(setting, 20, 6)
    orders = {"first": ("round", "spiky"), "last": ("spiky", "round")}
    sentences = []
    for kind, published in PUBLISHED.items():
        for k, name in enumerate((*published, *_names(kind, n, setting.seed)), start=1):
            texts: dict[str, str] = {}
            for order, (one, two) in orders.items():
                words = f"Of two drawings, one has a {one} shape and one a {two} shape. The one called {name} is the"
                texts |= {f"{kind}-{cell}-{order}": f"{words}| {cell}| one." for cell in ("round", "spiky")}
            sentences.append(Sentence(id=f"{kind}-{k:02}", texts=texts))
    quantities = tuple(
        Quantity(
            id=kind if order == "first" else f"{kind}-last",
            name=f"{kind} names taken as round, round named {order}",
            of=f"{kind}-round-{order}", against=f"{kind}-spiky-{order}", unit="share",
        )
        for kind in PUBLISHED
        for order in ("first", "last")
    )  # fmt: skip
    return reading(BATTERY, setting, tuple(sentences), quantities)


BATTERY = Battery(
    name="sound-symbolism",
    title="Sound symbolism",
    about="whether made-up names that sound round (maluma) or spiky (takete) are taken for such shapes",
    discipline="linguistics",
    source=f"Köhler (1929), Gestalt psychology; {_CWIEK}",
    licence="sentences of our own; names made up by us but for four published ones, which are facts",
    page=(
        "A name is given, and the probability of *round* is set against that of *spiky*. Fresh names have three "
        "syllables of b, l, m, n, w, g with a, o, u, or of t, k, p, z with i, e. A model may like one of the two words "
        "whatever the name, so only the difference between names counts. The published names are in every textbook: "
        "if they alone work, it is what was read of them."
    ),
    design=design,
    contexts={"lead": tuple(LEADS)},
    contrasts=contrasts,
    analyses=("reading",),
    needs="continuations",
    is_generated=True,
)
