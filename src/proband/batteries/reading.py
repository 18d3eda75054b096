"""Reading: sentences of which words are marked, and how much a model is surprised by them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import product
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np

from proband.batteries.asked import noted
from proband.batteries.battery import Battery, Contrast, Figure, Setting
from proband.designs.design import Design
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.models.engine import Ability
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.roster import Member, Roster
from proband.seeds import place_digest

T = TypeVar("T")
Unit = Literal["bits", "log odds", "share"]
# What stands before every sentence: it says nothing of it, so what moves with it is unsteadiness.
LEADS: Mapping[str, str] = {
    "none": "",
    "story": "Here is a sentence from a story.\n\n",
    "page": "She turned the page and read on.\n\n",
}


def drawn(rng: np.random.Generator, n: int, *words: Sequence[T]) -> list[tuple[T, ...]]:
    """So many different combinations, one of each list; `DesignError` where there are not so many."""
    every = list(product(*words))
    if n > len(every):
        raise DesignError(f"n is {n}, and the generator gives {len(every)} different sentences; ask for fewer")
    return [every[int(k)] for k in rng.permutation(len(every))[:n]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What is read of one item.

    Attributes
    ----------
    texts : mapping of str to str
        Cell -> text with the region that is measured between bars, with the space before it:
        ``"While Ann dressed the baby| spat| up."`` With several regions the cells are ``CELL.1``, ``CELL.2``, ... What
        stands behind the last region is never read.
    """

    id: str
    texts: Mapping[str, str]

    def cells(self) -> Iterator[tuple[str, str, str]]:
        """Name, text before, and region of every cell."""
        for name, text in self.texts.items():
            parts = text.split("|")
            if len(parts) < 3 or len(parts) % 2 == 0:
                raise DesignError(
                    f"sentence {self.id!r}, {name}: {text!r} has {len(parts) - 1} bars; put one before and one behind "
                    "every region"
                )
            n = len(parts) // 2
            for k in range(n):
                before, region = "".join(parts[: 2 * k + 1]), parts[2 * k + 1]
                if not before.strip() or not region.strip():
                    raise DesignError(
                        f"sentence {self.id!r}, {name}: a region, or what stands before it, is empty in {text!r}"
                    )
                # Behind a letter, a region without its space would be the end of a word.
                if re.match(r"\w", region) and re.search(r"\w$", before):
                    raise DesignError(f"sentence {self.id!r}, {name}: put the space before {region!r} inside the bars")
                yield name if n == 1 else f"{name}.{k + 1}", before, region


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What is told of every sentence that has its cells; a scale of the battery.

    Attributes
    ----------
    of, against : str
        Cells. Without `against` the surprisal of `of` in bits; with it, the log odds of `of` in nats, or its share of
        the probability of both.
    people : Figure or None
        People's, in the same unit.
    """

    id: str
    name: str
    of: str
    against: str = ""
    unit: Unit = "bits"
    people: Figure | None = None

    def __post_init__(self) -> None:
        if (self.unit == "bits") != (not self.against):
            raise DesignError(f"quantity {self.id!r}: a surprisal in bits has no cell it is against, others have one")


@dataclass(frozen=True, kw_only=True)
class Reading(Design):
    """Every marked region of every sentence, behind every lead; an engine gives its log-probability.

    A place's subject is ``model``, its item the sentence, its condition the factors lead and cell. The text goes as it
    stands, without a chat template, so that the surprisal is that of a plain pass over it: the sum of the negative
    log-probabilities of the region's tokens given all that stands before.

    Attributes
    ----------
    battery : str
        Name of the battery it belongs to.
    quantities, contrasts : tuple
        What is told of it.
    leads : tuple of str
        Levels of the context, out of `LEADS`.
    noted : mapping
        What a run keeps of its battery.

    Raises
    ------
    DesignError
        If a sentence has no region, or a quantity names a cell that no sentence has.
    """

    kind: ClassVar[str] = "battery"
    unit: ClassVar[str] = "sentence"
    is_about_people: ClassVar[bool] = False
    needs: ClassVar[frozenset[Ability]] = frozenset({"score"})

    battery: str
    sentences: tuple[Sentence, ...]
    quantities: tuple[Quantity, ...]
    contrasts: tuple[Contrast, ...] = ()
    leads: tuple[str, ...] = ("none",)
    seed: int = 1
    title: str = ""
    noted: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        place_digest(self.seed)
        if strange := [lead for lead in self.leads if lead not in LEADS]:
            raise DesignError(f"reading: no lead {strange[0]!r}; there are {', '.join(LEADS)}")
        ids = [sentence.id for sentence in self.sentences]
        if twice := {id for id in ids if ids.count(id) > 1}:
            raise DesignError(f"reading: sentence {min(twice)!r} is there twice; rename one")
        known = {cell for sentence in self.sentences for cell, _, _ in sentence.cells()}
        for quantity in self.quantities:
            for cell in filter(None, (quantity.of, quantity.against)):
                if cell not in known:
                    raise DesignError(f"quantity {quantity.id!r}: no sentence has a cell {cell!r}")
        scales = {quantity.id: quantity.unit for quantity in self.quantities}
        for contrast in self.contrasts:
            if strange := [name for name in contrast.weights if name not in scales]:
                raise DesignError(f"contrast {contrast.name!r}: no quantity {strange[0]!r}")
            if len({scales[name] for name in contrast.weights}) > 1:
                raise DesignError(f"contrast {contrast.name!r} adds quantities of different units")

    @property
    def name(self) -> str:
        """Title of the study, or the battery's name."""
        return self.title or self.battery

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """The sentences, by id; the wording shown is that of the first cell."""
        return {
            sentence.id: Item(
                id=sentence.id,
                text=next(iter(sentence.texts.values())).replace("|", ""),
                form="text",
                shows_braces=True,
            )
            for sentence in self.sentences
        }

    @cached_property
    def _trials(self) -> list[Trial]:
        return [
            Trial(
                place=Place(subject="model", item=sentence.id, condition=(("cell", cell), ("lead", lead))),
                request=Request(
                    messages=(Message("user", LEADS[lead] + before),), continuations=(region,), is_raw=True
                ),
                reply=Reply(form="choice", method="option_text", options=(region,), order=(0,), decide="mode"),
            )
            for lead in self.leads
            for sentence in self.sentences
            for cell, before, region in sentence.cells()
        ]

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Every region behind every lead."""
        return self._trials

    def roster(self) -> Roster:
        """The model, alone; what is sampled are the sentences."""
        return Roster([Member(subject="model")])

    def n_units(self) -> int:
        """The sentences."""
        return len(self.sentences)

    def describe(self) -> Mapping[str, object]:
        """Everything that defines it: the texts, what is told of them and people's figures."""
        return {
            "design": "reading",
            "title": self.name,
            "battery": self.battery,
            **self.noted,
            "sentences": {sentence.id: dict(sentence.texts) for sentence in self.sentences},
            "quantities": [asdict(quantity) for quantity in self.quantities],
            "contrasts": [{**asdict(contrast), "weights": dict(contrast.weights)} for contrast in self.contrasts],
            "leads": {lead: LEADS[lead] for lead in self.leads},
            "varied": ["cell", "lead"],
            "settings": {
                "cell": list(dict.fromkeys(trial.place.condition[0][1] for trial in self._trials)),
                "lead": list(self.leads),
            },
            "seed": self.seed,
        }


def reading(
    battery: Battery, setting: Setting, sentences: Sequence[Sentence], quantities: Sequence[Quantity]
) -> Reading:
    """The design of a battery of reading; two leads in a quick portrait, else all, or those that are asked for."""
    return Reading(
        battery=battery.name,
        title=battery.title,
        sentences=tuple(sentences),
        quantities=tuple(quantities),
        contrasts=tuple(battery.contrasts(setting)) if battery.contrasts else (),
        leads=tuple(setting.contexts.get("lead", tuple(LEADS)[: 2 if setting.is_quick else None])),
        seed=setting.seed,
        noted=noted(battery, setting),
    )
