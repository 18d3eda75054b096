"""Societies: agents who live together, as worlds that are pure functions of their answers."""

from proband.societies.states import States

__all__ = ["States"]
