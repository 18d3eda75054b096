"""What a study promises before its first answer: hypotheses, families of tests, when it stops; and what it may harm."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from proband.designs.design import Design
from proband.errors import DesignError, meant

Direction = Literal["more", "less", "differs", "none"]
Adjustment = Literal["bonferroni", "holm", "bh", "by", "none"]
HARMS = ("deception", "distress")


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """One statement about one number, which a run can show to be wrong.

    Attributes
    ----------
    id : str
        How it is called.
    outcome : str
        Item, or ``ITEM: OPTION`` for the share of one option.
    factor, level, against : str
        The number is the outcome under this level less that under another; by default the first, the control. In a
        design that varies nothing they are empty, and the number is the outcome's mean or share.
    direction : {"more", "less", "differs", "none"}
        What is expected; "none": smaller in size than `smallest`, an equivalence test.
    smallest : float
        Smallest effect of interest, in scale points, the item's unit, or as a share; above 0.
    family : str
        Which tests are adjusted together.
    says : str
        The hypothesis in words.
    """

    id: str
    outcome: str
    factor: str = ""
    level: str = ""
    against: str = ""
    direction: Direction
    smallest: float
    family: str = "main"
    says: str = ""

    @property
    def item(self) -> str:
        """Item of the outcome."""
        return self.outcome.partition(": ")[0]


@dataclass(frozen=True, kw_only=True)
class Promises:
    """Everything of a lock that is not the design itself.

    Attributes
    ----------
    hypotheses : sequence of Hypothesis
        In their order; ids are unique.
    families : mapping
        Family -> how its p values are adjusted; Holm where nothing is said.
    stopping : str
        When asking stops, in words; empty: when every trial is answered.
    """

    hypotheses: Sequence[Hypothesis] = ()
    families: Mapping[str, Adjustment] = field(default_factory=dict)
    stopping: str = ""

    def completed(self, design: Design) -> "Promises":
        """The same with every control named and every family with its adjustment, checked against a design.

        Raises
        ------
        DesignError
            If a hypothesis is about an item, a factor or a level that is not there, or says nothing that can be wrong.
        """
        levels = levels_of(design)
        hypotheses = tuple(_completed(hypothesis, design, levels) for hypothesis in self.hypotheses)
        ids = [hypothesis.id for hypothesis in hypotheses]
        if twice := [id for id in ids if ids.count(id) > 1]:
            raise DesignError(f"hypothesis {twice[0]!r} is there twice; rename one")
        used = dict.fromkeys(hypothesis.family for hypothesis in hypotheses)
        for family, adjustment in self.families.items():
            if family not in used or adjustment not in get_args(Adjustment):
                raise DesignError(
                    f"family {family!r} (adjusted by {adjustment!r}): families of hypotheses are "
                    f"{', '.join(used) or 'none'}, adjustments {', '.join(get_args(Adjustment))}; correct it"
                )
        families = {family: self.families.get(family, "holm") for family in used}
        return Promises(hypotheses=hypotheses, families=families, stopping=self.stopping)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a lock; only what is promised, so that a lock without promises is what it always was."""
        told = {
            "hypotheses": {hypothesis.id: asdict(hypothesis) for hypothesis in self.hypotheses},
            "families": dict(self.families),
            "stopping": self.stopping,
        }
        return {name: value for name, value in told.items() if value}


def levels_of(design: Design) -> dict[str, tuple[str, ...]]:
    """Everything that a design varies, and its levels, the control first."""
    told: Mapping[str, Any] = design.describe()
    found: dict[str, Iterable[str]] = {
        **{name: levels for name, levels in (told.get("settings") or {}).items() if len(levels) > 1},
        **(told.get("factors") or {}),
        **(told.get("attributes") or {}),
        **{name: known["levels"] for name, known in (told.get("materials") or {}).items()},
    }
    return {name: tuple(levels) for name, levels in found.items()}


def check_ethics(harms: Sequence[str], ethics: Mapping[str, str]) -> None:
    """Refuse a study that would harm people, were they asked, and does not say how this was weighed.

    Raises
    ------
    DesignError
        If a harm is marked and nothing is said of it, or nobody approved it.
    """
    for harm in harms:
        if harm not in HARMS:
            raise DesignError(f"harms: {harm!r} is none of {', '.join(HARMS)}")
    for name in (*harms, *(("approval",) if harms else ())):
        if not ethics.get(name, "").strip():
            raise DesignError(
                f"this study is marked {' and '.join(harms)}, and [ethics] says nothing under {name!r}; it does not "
                'run before it does: [ethics] with deception = "...", distress = "...", approval = "who, when"'
            )


def _completed(found: Hypothesis, design: Design, levels: Mapping[str, Sequence[str]]) -> Hypothesis:
    where = f"hypothesis {found.id!r}"
    if found.item not in design.items:
        raise DesignError(f"{where}: no item {found.item!r}{meant(found.item, design.items)}")
    option, item = found.outcome.partition(": ")[2], design.items[found.item]
    if option and option not in item.options:
        raise DesignError(f"{where}: item {item.id!r} has no option {option!r}{meant(option, item.options)}")
    if found.direction not in get_args(Direction) or not found.smallest > 0:
        raise DesignError(
            f"{where}: direction {found.direction!r} and smallest {found.smallest}; give one of "
            f"{', '.join(get_args(Direction))}, and a smallest effect of interest above 0"
        )
    if not levels and not found.factor and not found.level:
        return found
    if found.factor not in levels:
        raise DesignError(
            f"{where}: no factor {found.factor!r}{meant(found.factor, levels)}; there are {', '.join(levels) or 'none'}"
        )
    known = levels[found.factor]
    against = found.against or known[0]
    for level in (found.level, against):
        if level not in known:
            raise DesignError(
                f"{where}: factor {found.factor!r} has no level {level!r}{meant(level, known)}; there are "
                f"{', '.join(known)}"
            )
    if found.level == against:
        raise DesignError(f"{where}: level {against!r} is compared with itself; name another in `level` or `against`")
    return Hypothesis(**{**asdict(found), "against": against})
