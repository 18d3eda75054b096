"""Who takes part in a study: subjects, the independent units they belong to, roles, arms, weights, traits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from proband.errors import DesignError

Trait = int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One subject as a study's statistics see it.

    Attributes
    ----------
    subject : str
        As in places.
    unit : str
        What is independent of all others: the subject itself, a match, a society. Empty stands for the subject.
    role : str
        Part played, e.g. ``row``, ``proposer``, ``rater``; empty where there is one part only.
    arm : str
        Group the subject was assigned to; empty where nobody is assigned.
    weight : float
        Of the subject, at least 0.
    stratum, psu : str
        Stratum that it was drawn from, and sampling unit that it was drawn with; empty where there was none.
    fpc : float
        Units that the stratum has in all, or the share of them that was drawn; 0 where that is not told.
    traits : mapping
        What is known of the subject, by column.
    """

    subject: str
    unit: str = ""
    role: str = ""
    arm: str = ""
    weight: float = 1.0
    stratum: str = ""
    psu: str = ""
    fpc: float = 0.0
    traits: Mapping[str, Trait] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.subject:
            raise DesignError("roster: a subject without a name")
        if not self.weight >= 0:
            raise DesignError(f"roster: subject {self.subject!r} has weight {self.weight}; it must be at least 0")
        if not self.unit:
            object.__setattr__(self, "unit", self.subject)


class Roster(Sequence[Member]):
    """Everybody in a study, once each, in the order of the design."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = tuple(members)
        if len(self.by_subject) < len(self._members):
            raise DesignError("roster: a subject stands in it twice; every subject has one unit, role and arm")

    def __getitem__(self, key):  # type: ignore[no-untyped-def]  # an int gives a member, a slice a tuple of them
        return self._members[key]

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Roster) and self._members == other._members

    def __hash__(self) -> int:
        return hash(self._members)

    @cached_property
    def by_subject(self) -> Mapping[str, Member]:
        """Members by subject."""
        return {member.subject: member for member in self._members}

    @cached_property
    def units(self) -> Mapping[str, str]:
        """Unit of each subject."""
        return {member.subject: member.unit for member in self._members}

    @cached_property
    def weights(self) -> dict[str, float]:
        """Weight of each subject; empty where everybody counts the same."""
        weights = {member.subject: member.weight for member in self._members}
        return weights if len(set(weights.values())) > 1 else {}

    @cached_property
    def strata(self) -> dict[str, str]:
        """Stratum of each subject; empty where nobody was drawn from one."""
        return {m.subject: m.stratum for m in self._members} if any(m.stratum for m in self._members) else {}

    @cached_property
    def psu(self) -> dict[str, str]:
        """Sampling unit of each subject, itself where it has none; empty where nobody was drawn with others."""
        return {m.subject: m.psu or m.subject for m in self._members} if any(m.psu for m in self._members) else {}

    @cached_property
    def clusters(self) -> Mapping[str, str]:
        """What each subject is not independent of: its sampling unit within its stratum, or its unit."""
        own = {m.subject: f"{m.stratum}/{m.psu}" if m.psu else m.unit for m in self._members}
        return own if self.psu else self.units

    @cached_property
    def fpc(self) -> dict[str, float]:
        """Number of units of each subject's stratum, or the share drawn; empty where somebody's is not told."""
        return {m.subject: m.fpc for m in self._members} if all(m.fpc for m in self._members) else {}

    @cached_property
    def traits(self) -> Mapping[str, Mapping[str, Trait]]:
        """Traits of each subject; empty where nobody has any."""
        known = any(member.traits for member in self._members)
        return {member.subject: member.traits for member in self._members} if known else {}

    @cached_property
    def arms(self) -> Mapping[str, int]:
        """Independent units in each arm; empty where nobody is assigned."""
        units: dict[str, set[str]] = {}
        for member in self._members:
            if member.arm:
                units.setdefault(member.arm, set()).add(member.unit)
        return {arm: len(found) for arm, found in units.items()}

    @cached_property
    def n_units(self) -> int:
        """Independent units."""
        return len(set(self.units.values()))
