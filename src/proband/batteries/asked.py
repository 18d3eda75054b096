"""A battery as a survey: its items in all its contexts, put to a model as itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from proband.batteries.battery import Battery, Setting
from proband.batteries.contexts import SETTINGS, crossed, led_in, texts_of, treatments
from proband.batteries.generated import kinds_of
from proband.designs.experiments.awareness import Awareness, halves, text_of
from proband.designs.experiments.awareness import items as afterwards_of
from proband.designs.survey.itself import as_itself
from proband.designs.survey.survey import Survey
from proband.errors import DesignError, meant
from proband.instruments.items import Item
from proband.records import Trial

WRITTEN = "written"
_MOST_ITEMS = 200  # generators would run out of items that differ
_MOST_GROUPS = 1000  # of designs of a battery's own: groups, matches, sentences; more is a slip of the keyboard


@dataclass(frozen=True, kw_only=True)
class BatterySurvey(Survey):
    """A survey whose factors are the contexts of a battery.

    Attributes
    ----------
    noted : mapping
        What a run keeps of its battery, see `noted`.
    also_written : bool
        Whether items are answered in writing too, in the first of all contexts.
    awareness : Awareness or None
        What is asked afterwards about the first item: what it is from, and how its text goes on.
    """

    kind: ClassVar[str] = "battery"
    is_about_people: ClassVar[bool] = False

    noted: Mapping[str, Any] = field(default_factory=dict)
    also_written: bool = False
    awareness: Awareness | None = None

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """Items by id, those that are asked afterwards included."""
        return {item.id: item for item in (*self.instrument.items, *(afterwards_of() if self.awareness else ()))}

    @cached_property
    def afterwards(self) -> Sequence[Trial]:
        """Questions about the first item, in its first context."""
        return list(self.awareness.trials(self.sheet(0), self.instrument.items[0])) if self.awareness else ()

    @cached_property
    def conditions(self) -> tuple[Mapping[str, str], ...]:
        """Every combination of levels; written answers beside probabilities are asked in the first alone."""
        found = super().conditions
        if not self.also_written:
            return found
        first = {name: level for name, level in found[0].items() if name != "answer_by"}
        return tuple(at for at in found if at["answer_by"] != WRITTEN or first.items() <= at.items())

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the survey, and what is known of its battery."""
        found = {**super().describe(), "design": self.kind, **self.noted}
        if self.awareness is None:
            return found
        sheet, item = self.sheet(0), self.instrument.items[0]
        rest = {sheet.place(item).id.split("/")[2]: halves(text_of(sheet, item))[1]}
        told = self.awareness.describe(item, rest)
        return {**found, "awareness": told, "analyses": [*self.noted["analyses"], "awareness"]}


def noted(battery: Battery, setting: Setting) -> dict[str, Any]:
    """What the manifest of a run says of its battery; designs that are no survey add it to their ``describe``."""
    return {
        "battery": battery.name,
        "discipline": battery.discipline,
        "battery_title": battery.title,
        "battery_source": battery.source,
        "battery_licence": battery.licence,
        "battery_page": battery.page,
        "battery_setting": {name: value for name, value in asdict(setting).items() if name != "members" or value},
        "treatments": treatments(battery.contexts),
        "aims": {factor: dict(levels) for factor, levels in battery.aims.items()},
        "is_generated": battery.is_generated,
        "contrasts": [asdict(contrast) for contrast in battery.contrasts(setting)] if battery.contrasts else [],
        "analyses": list(battery.analyses),
    }


def check(battery: Battery, setting: Setting) -> None:
    """Refuse what a battery cannot be asked for, before it makes any item.

    Raises
    ------
    DesignError
        If its licence forbids models, or it is not there in the language.
    """
    if battery.forbids_models:
        raise DesignError(
            f"battery {battery.name!r} may not be put to models; its licence ({battery.licence}) says: "
            f"{battery.forbids_models!r}; leave it out, or ask its authors"
        )
    if setting.language not in battery.languages:
        raise DesignError(
            f"battery {battery.name!r} has no translation into {setting.language!r}"
            f"{meant(setting.language, battery.languages)}; it is there in {', '.join(battery.languages)}: choose one "
            "of these, or add items in that language to its file"
        )
    if bool(battery.needs_file) != bool(setting.file):
        why = (
            f"it asks the words of {battery.needs_file}; name it with `file`" if battery.needs_file else "take file out"
        )
        raise DesignError(f"battery {battery.name!r}: file is {setting.file!r}; {why}")
    if setting.n is not None and (setting.n < 1 or not battery.is_generated):
        why = "its items are fixed; take n out" if setting.n >= 1 else "ask one item at least"
        raise DesignError(f"battery {battery.name!r}: n is {setting.n}; {why}")
    most, what = (_MOST_ITEMS, "items of a scale") if battery.instrument is not None else (_MOST_GROUPS, "of a cell")
    if (setting.n or 0) > most:
        raise DesignError(f"battery {battery.name!r}: n is {setting.n}; ask for at most {most} {what}")


def asked(
    battery: Battery,
    setting: Setting,
    *,
    replicates: int = 1,
    also_written: bool = False,
    asks_awareness: bool = False,
    title: str = "",
) -> BatterySurvey:
    """The survey of a battery of items.

    Parameters
    ----------
    battery : Battery
        With an instrument.
    setting : Setting
        How much of it, in which language and contexts.
    replicates : int
        Repeats of every trial; answers by probabilities are the same each time.
    also_written : bool
        Whether written answers are asked beside probabilities, see `BatterySurvey`.
    asks_awareness : bool
        Whether it is asked afterwards what this is from, where the battery has words that name it.

    Raises
    ------
    DesignError
        See `check`; if a norm of a scale has no source, or a context is not there.
    """
    check(battery, setting)
    if battery.instrument is None:
        raise DesignError(f"battery {battery.name!r} is no survey; it has a design of its own")
    instrument = battery.instrument(setting)
    for scale in instrument.scales:
        if scale.human and not str(scale.human.get("source", "")).strip():
            raise DesignError(
                f"battery {battery.name!r}: the norm of scale {scale.id!r} has no source; cite where it is from"
            )
    kinds = {f"{s.id}:{kind}" for s in instrument.scales for i in s.items for kind in kinds_of(instrument[i])}
    known = {scale.id for scale in instrument.scales} | kinds
    for contrast in battery.contrasts(setting) if battery.contrasts else ():
        if strange := [name for name in contrast.weights if name not in known]:
            raise DesignError(
                f"battery {battery.name!r}: contrast {contrast.name!r} is of the scale {strange[0]!r}"
                f"{meant(strange[0], known)}; there are {', '.join(sorted(known))}"
            )
    levels = crossed(battery.contexts, setting.contexts, is_quick=setting.is_quick)
    texts = {name: texts_of(name, of, instrument.preamble) for name, of in levels.items() if name not in SETTINGS}
    # What is the same for longest stands first; the instrument's own words stand nearest to the item.
    in_order = sorted(texts, key=lambda name: (name != "role", name == "wording"))
    factors = {name: texts[name] for name in in_order}
    settings: dict[str, Any] = {name: tuple(levels[name]) for name in SETTINGS if name in levels}
    if also_written and WRITTEN not in settings.get("answer_by", ()):
        settings["answer_by"] = (*settings.get("answer_by", ("option_text",)), WRITTEN)
    return BatterySurvey(
        instrument=led_in(instrument, factors),
        seed=setting.seed,
        title=title or battery.title,
        factors=factors,
        replicates=replicates,
        noted=noted(battery, setting),
        also_written=also_written,
        awareness=Awareness(words=battery.awareness) if asks_awareness and battery.awareness else None,
        **settings,
        **as_itself(1),
    )
