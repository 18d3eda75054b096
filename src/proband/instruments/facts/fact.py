"""A fact as a question: its right answer, what else would be right, and other things of the same kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact, asked in one way.

    Attributes
    ----------
    key : str
        Unique within its topic.
    near, others : sequence of str
        Wrong answers of the same kind: drawn from `near` (the same region, the same script, ...) while they last, then
        from `others`. Both may hold right ones: see `also_right`.
    also_right : frozenset of str
        Other names of the answer, and other right answers; never offered as wrong.
    """

    key: str
    question: str
    answer: str
    statement: str
    near: Sequence[str] = ()
    others: Sequence[str]
    also_right: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Facts of one kind within a domain, in a fixed order, with package, version and terms of their source.

    A fact that could be asked both ways stands once, so that a test never asks what was trained.
    """

    domain: str
    name: str
    facts: tuple[Fact, ...]
    source: str
    licence: str


def topics_of(domain: str, facts: Mapping[str, Iterable[Fact]], *, source: str, licence: str) -> list[Topic]:
    """Topics of a domain that come from one source, by name."""
    return [
        Topic(domain=domain, name=name, facts=tuple(found), source=source, licence=licence)
        for name, found in facts.items()
    ]
