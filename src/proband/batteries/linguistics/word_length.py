"""Word length and predictability: whether the short form is taken where a word says little new."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Figure, Setting
from proband.batteries.reading import LEADS, Quantity, Reading, Sentence, reading

_MAHOWALD = (
    "Mahowald, Fedorenko, Piantadosi and Gibson (2013), Cognition 126, 313-318. doi:10.1016/j.cognition.2012.09.010"
)
# Short form, long form, a text in which the word is expected, and one in which it is not.
PAIRS = (
    ("math", "mathematics", "Susan was hopeless at algebra, so at school she dreaded",
     "Susan talked for a long time about why she dreaded"),
    ("phone", "telephone", "It rang and rang, but nobody picked up the", "On the table behind the door there was a"),
    ("photo", "photograph", "Smile, said the aunt with the camera, I want to take a", "In the old box we found a"),
    ("bike", "bicycle", "He pumped up both tyres, oiled the chain and got on his",
     "All that the boy wanted for his birthday was a"),
    ("fridge", "refrigerator", "Keep the milk and the butter cold in the", "The first thing that she noticed was the"),
    ("exam", "examination", "The students had studied for weeks, and today they would sit the",
     "Nobody in the room wanted to speak about the"),
    ("lab", "laboratory", "The chemist put on a white coat and went into the", "He spent the whole afternoon in the"),
    ("gym", "gymnasium", "To lift weights and run on the treadmill, she went to the",
     "They agreed to meet in front of the"),
    ("ad", "advertisement", "To sell the old car, they put in the newspaper an", "What made him laugh was an"),
    ("rhino", "rhinoceros", "Grey, heavy, with a horn on its nose, out of the bush came a",
     "In the picture on the wall you could see a"),
    ("hippo", "hippopotamus", "Wallowing in the river with its huge mouth open was a", "The child drew a"),
    ("limo", "limousine", "The film star was driven to the premiere in a long black", "Behind the house stood a"),
    ("plane", "airplane", "At the airport they went through the gate and boarded the", "From far away we heard the"),
    ("champ", "champion", "After the last round the referee raised the arm of the new", "Nobody there recognised the"),
    ("intro", "introduction", "The first pages of a book, before chapter one, are the", "What she liked best was the"),
    ("quake", "earthquake", "The ground shook and the walls cracked in the terrible", "They still talk about the"),
)  # fmt: skip


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What being expected does for the short form."""
    return [
        Contrast(
            name="short form, expected less unexpected",
            weights={"expected": 1, "neutral": -1},
            people=Figure(mean=0.11, source=_MAHOWALD),
        )
    ]


def design(setting: Setting) -> Reading:
    """The pairs; they are fixed."""
    people = {"expected": 0.67, "neutral": 0.56}
    return reading(
        BATTERY,
        setting,
        tuple(
            Sentence(
                id=short,
                texts={
                    f"{context}-{size}": f"{words}| {form}|"
                    for context, words in (("expected", expected), ("neutral", neutral))
                    for size, form in (("short", short), ("long", long))
                },
            )
            for short, long, expected, neutral in PAIRS[: 8 if setting.is_quick else None]
        ),
        tuple(
            Quantity(
                id=context, name=f"Short form where the word is {told}", of=f"{context}-short",
                against=f"{context}-long", unit="share", people=Figure(mean=people[context], source=_MAHOWALD),
            )
            for context, told in (("expected", "expected"), ("neutral", "not expected"))
        ),
    )  # fmt: skip


BATTERY = Battery(
    name="word-length",
    title="Word length and predictability",
    about="whether 'math' is taken rather than 'mathematics' where the word is expected anyway",
    discipline="linguistics",
    source=_MAHOWALD,
    licence="sentences of our own; that a word has a short form is a fact",
    page=(
        "Short and long form mean the same, and people take the short one more often where the word tells little new "
        "(67 % against 56 %). Here the probability of the one is set against that of the other, in a text that leads "
        "up to the word and in one that does not. The chat models tried by Cai et al. (2024) showed no such "
        "difference. Sixteen pairs are few; the interval says so."
    ),
    design=design,
    contexts={"lead": tuple(LEADS)},
    contrasts=contrasts,
    analyses=("reading",),
    needs="continuations",
)
