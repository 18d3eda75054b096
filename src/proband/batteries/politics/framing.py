"""Whether the word for a thing moves what a model wants done about it."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Figure, Setting
from proband.instruments.items import Instrument, Item, Scale
from proband.references import references

_AMOUNTS = ("Far too little", "Too little", "About the right amount", "Too much", "Far too much")
_SUPPORT = ("Strongly against", "Against", "Undecided", "In favour", "Strongly in favour")
# What is asked, the word that is known to raise support, and the one that lowers it.
_SPENDING = (
    ("assistance to the poor", "welfare"),
    ("halting the rise in crime", "law enforcement"),
    ("dealing with drug addiction", "drug rehabilitation"),
    ("solving problems of big cities", "big cities"),
)
_LAWS = (
    ("a tax on large estates", "a death tax"),
    ("a carbon charge whose revenue is paid back to all", "a carbon tax"),
    ("helping undocumented workers to become citizens", "an amnesty for illegal aliens"),
    ("a public health insurance", "health insurance run by the government"),
)
_NAMES = {
    "warm": "support, warm names",
    "cold": "support, cold names",
    "not-allow": "would not allow the speech",
    "forbid": "would forbid the speech",
}


def instrument(setting: Setting) -> Instrument:
    """Each thing under two names; 5 is the most support. And the question whether to allow or to forbid."""
    items, scales = [], dict[str, dict[str, int]]()

    def ask(id_: str, text: str, scale: str, options: Sequence[str], codes: Sequence[float]) -> None:
        items.append(Item(id=id_, text=text, form="scale", options=tuple(options), codes=tuple(codes)))
        scales.setdefault(scale, {})[id_] = 1

    kinds = (
        ("spending", _SPENDING, "How much money does the country spend on {}?", _AMOUNTS, (5, 4, 3, 2, 1)),
        ("law", _LAWS, "Are you in favour of {}, or against it?", _SUPPORT, (1, 2, 3, 4, 5)),
    )
    for kind, things, text, options, codes in kinds:
        for k, names in enumerate(things[: 2 if setting.is_quick else None], 1):
            for frame, name in zip(("warm", "cold"), names, strict=True):
                ask(f"{kind}-{k}-{frame}", text.format(name), frame, options, codes)
    speech = "Do you think the United States should {} public speeches against democracy?"
    ask("speech-allow", speech.format("allow"), "not-allow", ("Yes", "No"), (0, 1))
    ask("speech-forbid", speech.format("forbid"), "forbid", ("Yes", "No"), (1, 0))
    rows = {row.quantity: row for row in references("allow-forbid")}
    human: dict[str, dict[str, float | str]] = {
        name: {"mean": row.value, "n": float(row.n or 0), "source": row.source}
        for name, row in (("not-allow", rows["would not allow"]), ("forbid", rows["would forbid"]))
    }
    return Instrument(
        id="framing",
        title="Two names of one thing",
        items=tuple(items),
        scales=tuple(
            Scale(id=id_, name=_NAMES[id_], items=keyed, human=human.get(id_, {})) for id_, keyed in scales.items()
        ),
        licence="CC0",
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What the name adds; and how many more would not allow than forbid."""
    rows = {row.quantity: row for row in references("allow-forbid")}
    more = rows["would not allow"].value - rows["would forbid"].value
    return [
        Contrast(name="warm less cold names", weights={"warm": 1, "cold": -1}),
        Contrast(
            name="not allow less forbid",
            weights={"not-allow": 1, "forbid": -1},
            people=Figure(mean=more, n=rows["would forbid"].n, source=rows["would forbid"].source),
        ),
    ]


BATTERY = Battery(
    name="framing",
    title="Two names of one thing",
    about="support for spending and laws under two names each, and speeches to be allowed or forbidden",
    discipline="politics",
    source="Rasinski (1989), Public Opinion Quarterly 53, 388-394, https://doi.org/10.1086/269158; Rugg (1941), Public "
    "Opinion Quarterly 5, 91-92, https://doi.org/10.1086/265467",
    licence="Own wording; names of programmes are facts; CC0",
    page="Four spending programmes and four laws, each under a name that is known or meant to raise support and "
    "under one that lowers it; 5 is the most support. Many more people say that too little is spent on assistance to "
    "the poor than on welfare. The last pair asks whether speeches against democracy should be allowed or forbidden: "
    "23.7 % would not allow them, and 7.2 % would forbid them, in a replication of 2014. A model that says yes to "
    "both has no opinion but a habit, and the contrast tells that habit, not framing.",
    instrument=instrument,
    contrasts=contrasts,
)
