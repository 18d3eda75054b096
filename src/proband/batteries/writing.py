"""Writing: short texts on given beginnings, for whatever is told of texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from proband.batteries.asked import noted
from proband.batteries.battery import Battery, Setting
from proband.designs.design import Design
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.models.engine import Ability
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.roster import Member, Roster
from proband.seeds import place_digest, seed_for


@dataclass(frozen=True, kw_only=True)
class Writing(Design):
    """Every beginning, so often; a model writes on from it, each time by a seed of its own.

    Attributes
    ----------
    battery : str
        Name of the battery it belongs to.
    prompts : mapping of str to str
        Item -> what is asked for.
    texts : int
        Texts of each.
    max_tokens, temperature : int, float
        Of writing.
    noted : mapping
        What a run keeps of its battery.
    """

    kind: ClassVar[str] = "battery"
    unit: ClassVar[str] = "prompt"
    is_about_people: ClassVar[bool] = False
    needs: ClassVar[frozenset[Ability]] = frozenset({"write"})

    battery: str
    prompts: Mapping[str, str]
    texts: int = 1
    max_tokens: int = 120
    temperature: float = 1.0
    seed: int = 1
    title: str = ""
    noted: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        place_digest(self.seed)
        if not self.prompts or self.texts < 1:
            raise DesignError(f"writing: {len(self.prompts)} prompts, {self.texts} texts of each; ask for one at least")

    @property
    def name(self) -> str:
        """Title of the study, or the battery's name."""
        return self.title or self.battery

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """The prompts."""
        return {id: Item(id=id, text=text, form="text") for id, text in self.prompts.items()}

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Every text."""
        return [
            Trial(
                place=(place := Place(subject="model", item=id, replicate=k)),
                request=Request(
                    messages=(Message("user", text),), max_tokens=self.max_tokens, temperature=self.temperature,
                    seed=seed_for(self.seed, place.id),
                ),
                reply=Reply(form="text", method="written"),
            )
            for id, text in self.prompts.items()
            for k in range(self.texts)
        ]  # fmt: skip

    def roster(self) -> Roster:
        """The model, alone; what is sampled are prompts."""
        return Roster([Member(subject="model")])

    def n_units(self) -> int:
        """The prompts."""
        return len(self.prompts)

    def describe(self) -> Mapping[str, object]:
        """The prompts and how texts are drawn."""
        return {
            "design": "writing",
            "title": self.name,
            "battery": self.battery,
            **self.noted,
            "writing_prompts": dict(self.prompts),
            "texts": self.texts,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "seed": self.seed,
        }


def writing(battery: Battery, setting: Setting, prompts: Mapping[str, str], texts: int) -> Writing:
    """The design of a battery of texts."""
    return Writing(
        battery=battery.name, title=battery.title, prompts=prompts, texts=texts, seed=setting.seed,
        noted=noted(battery, setting),
    )  # fmt: skip
