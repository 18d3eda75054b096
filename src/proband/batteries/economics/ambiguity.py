"""Whether a model avoids bets whose chances are not known."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Setting
from proband.instruments.items import Instrument, Item, Scale
from proband.seeds import rng_for

_COLOURS = ("red", "black", "green", "blue", "white", "yellow", "brown", "orange", "purple", "grey")
_KNOWN = {
    "low": (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4),
    "even": (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
    "high": (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98),
}
_WINS = {"low": 1, "even": 5, "high": 9}  # colours of ten that win in the urn whose mixture is not known


def instrument(setting: Setting) -> Instrument:
    """A bet on an urn of known, or on one of unknown mixture, by the known chance; the score is 1 for the unknown."""
    items, scales = [], []
    for name, chances in _KNOWN.items():
        keyed = {}
        asked = chances[:: 2 if setting.is_quick else 1] * (setting.n or 1)
        for k, chance in enumerate(asked, 1):
            rng = rng_for(setting.seed, "ambiguity", name, k)
            colours = [str(colour) for colour in rng.permutation(_COLOURS)]
            prize = int(rng.choice([10, 20, 50, 100]))
            wins = ", ".join(colours[: _WINS[name]])
            id_ = f"urn-{name}-{k}"
            text = (
                f"Urn K holds 100 balls, of which exactly {round(100 * chance)} win. Urn U holds 100 balls of ten "
                f"colours, {', '.join(sorted(colours))}, nobody knows how many of each; these win: {wins}. One ball is "
                f"drawn from the urn that you choose. If it wins, you get {prize} dollars. From which urn is it drawn?"
            )
            items.append(Item(id=id_, text=text, form="choice", options=("Urn K", "Urn U"), codes=(0, 1)))
            keyed[id_] = 1
        scales.append(Scale(id=name, name=f"takes the unknown urn, {_WINS[name]} of ten colours win", items=keyed))
    return Instrument(
        id="ambiguity", title="Urns of known and unknown mixture", items=tuple(items), scales=tuple(scales),
        licence="CC0",
    )  # fmt: skip


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """Insensitivity: people seek the unknown where winning is unlikely, and avoid it where it is likely."""
    return [Contrast(name="low less high", weights={"low": 1, "high": -1})]


BATTERY = Battery(
    name="ambiguity",
    title="Bets whose chances are not known",
    about="an urn of known mixture against one of unknown, where winning is unlikely, even and likely",
    discipline="economics",
    source="Ellsberg (1961), Quarterly Journal of Economics 75, 643-669, https://doi.org/10.2307/1884324; by "
    "chances as in Dimmock, Kouwenberg & Wakker (2016), Management Science 62, 1363-1380, "
    "https://doi.org/10.1287/mnsc.2015.2198",
    licence="Own wording, CC0",
    page="A ball is drawn from an urn of which so many balls win, or from one of ten colours in unknown numbers of "
    "which one, five or nine win. A scale is the share of choices of the unknown urn over a list of known chances; "
    "in the even list, which is symmetric around .5, a share of .5 means neither seeking nor avoiding. Most people "
    "avoid the unknown urn where chances are even, and seek it where winning is unlikely. Known chances are below "
    "that of the colours in two rows of seven of the low list and in four of the high one, so low less high is near "
    "-.29, and not 0, for somebody who neither seeks nor avoids; above that it is insensitivity to chances. A model "
    "that always names the same urn has .5 nowhere: look at the order of options first.",
    instrument=instrument,
    contrasts=contrasts,
    contexts={"wording": ("published", "plain"), "role": ("none", "impersonated")},
    is_generated=True,
)
