"""Whether a model follows a majority that is plainly wrong, in one prompt."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Figure, Setting
from proband.batteries.material import amount
from proband.instruments.items import Instrument, Item, Scale
from proband.seeds import rng_for

_SOURCE = "Asch (1956), Psychological Monographs 70 (9, whole no. 416), https://doi.org/10.1037/h0093718"
_LINES = ("line A", "line B", "line C")
_SAYS = ("Anna", "Boris", "Clara", "David", "Elena", "Felix")
PEOPLE = Figure(mean=0.368, n=123, source=f"{_SOURCE}; critical trials of 123 people")


def instrument(setting: Setting) -> Instrument:
    """Lines of lengths drawn at random, alone, after six who all say the same wrong one, and where one of six does not.

    The score is 1 for the line that the majority names, and 0 for the others.
    """
    n = amount(setting, 9, 3)
    items, scales = [], dict[str, dict[str, int]]()
    for case in range(1, n + 1):
        rng = rng_for(setting.seed, "conformity", case)
        lengths = rng.choice(range(4, 30), 3, replace=False)  # three different ones, so one line is right
        # In turn, so that a liking for a letter is no conformity.
        right, wrong = case % 3, (case + 1 + (case - 1) // 3 % 2) % 3
        shown = ", ".join(f"{line} is {cm} cm long" for line, cm in zip(_LINES, lengths, strict=True))
        task = f"One line is {lengths[right]} cm long. Of three others, {shown}."
        dissenter = int(rng.integers(len(_SAYS)))
        codes = tuple(float(k == wrong) for k in range(3))
        for company in ("alone", "unanimous", "dissenter"):
            said = [
                f"{who} says {_LINES[right if company == 'dissenter' and k == dissenter else wrong]}."
                for k, who in enumerate(_SAYS)
            ]
            told = "" if company == "alone" else f" Six people answer before you. {' '.join(said)}"
            text = f"{task}{told} Which of the three is as long as the first line?"
            id_ = f"lines-{case:02d}-{company}"
            items.append(Item(id=id_, text=text, form="choice", options=_LINES, codes=codes))
            scales.setdefault(company, {})[id_] = 1
    people: dict[str, float | str] = {"mean": PEOPLE.mean, "n": 123, "source": PEOPLE.source}
    return Instrument(
        id="conformity",
        title="Lines after a majority",
        items=tuple(items),
        scales=tuple(
            Scale(id=id_, name=f"names the wrong line, {id_}", items=keyed, human=people if id_ == "unanimous" else {})
            for id_, keyed in scales.items()
        ),
        source=_SOURCE,
        licence="CC0",
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What the majority does, and what is left of it where one dissents."""
    return [
        Contrast(name="unanimous less alone", weights={"unanimous": 1, "alone": -1}),
        Contrast(name="dissenter less unanimous", weights={"dissenter": 1, "unanimous": -1}),
    ]


BATTERY = Battery(
    name="conformity",
    title="Following a majority that is wrong",
    about="which of three lines is as long, alone, after six who are wrong, and where one of them is right",
    discipline="sociology",
    source=_SOURCE,
    licence="Own wording, CC0",
    page="Lengths are drawn anew and told in centimetres; a scale is the share of answers that name the line which the "
    "majority names wrongly. People do so in 36.8 % of answers after a unanimous majority, hardly ever alone, and much "
    "less often where one other person names the right line. A model that cannot tell which numbers are equal answers "
    "at random alone too: read unanimous less alone. In a prompt the confederates' answers are also text that is "
    "copied; where conformity stays the same with a dissenter, copying is the likelier reading.",
    instrument=instrument,
    contrasts=contrasts,
    contexts={"wording": ("published", "plain"), "role": ("none", "impersonated")},
    is_generated=True,
)
