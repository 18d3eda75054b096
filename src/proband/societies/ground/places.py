"""Places: where agents are, who has room and when, and so who could have seen what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proband.errors import DesignError, meant
from proband.societies.written.expressions import Formula, formula
from proband.societies.written.tables import PlaceTable

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Place:
    """One place; `ways` are the numbers of those one can go to from it."""

    name: str
    about: str
    capacity: int | None
    hours: tuple[float, ...]
    ways: tuple[int, ...]
    home: Formula | None

    def is_open(self, hour: float) -> bool:
        """Whether it is, at an hour of the day; hours may go past midnight."""
        if not self.hours:
            return True
        opens, closes = self.hours
        return opens <= hour < closes if opens <= closes else hour >= opens or hour < closes


def places_of(tables: Sequence[PlaceTable], columns: Mapping[str, bool], where: str) -> tuple[Place, ...]:
    """The places of a world, each checked.

    Raises
    ------
    DesignError
        If a way leads nowhere, or a place cannot be reached by anybody.
    """
    names = [table.name for table in tables]
    places = []
    for table in tables:
        at = f"{where}: [[place]] {table.name!r}"
        if names.count(table.name) > 1:
            raise DesignError(f"{at} is there twice; rename one")
        for way in table.ways:
            if way not in names:
                raise DesignError(f"{at}: ways lead to {way!r}, which is no place{meant(way, names)}")
        if table.hours and (len(table.hours) != 2 or not all(0 <= hour <= 24 for hour in table.hours)):
            raise DesignError(f"{at}: hours are {table.hours}; write when it opens and closes, e.g. hours = [8, 22]")
        places.append(
            Place(
                name=table.name, about=table.about, capacity=table.capacity, hours=tuple(map(float, table.hours)),
                ways=tuple(map(names.index, table.ways or names)),
                home=formula(table.home, columns, f"{at}, home") if table.home else None,
            )
        )  # fmt: skip
    _check_reached(places, where)
    return tuple(places)


def _check_reached(places: Sequence[Place], where: str) -> None:
    """Refuse a place where nobody lives, and to which no way leads from where somebody does."""
    if not places:
        return
    reached = [k for k, place in enumerate(places) if place.home is not None or k == first_home(places)]
    for k in reached:
        reached += [way for way in places[k].ways if way not in reached]
    if lost := [place.name for k, place in enumerate(places) if k not in reached]:
        raise DesignError(
            f"{where}: [[place]] {lost[0]!r}: nobody can reach it, since no way leads there; add it to the `ways` of "
            "another place, or give it a `home`"
        )


def first_home(places: Sequence[Place]) -> int:
    """Where agents live of whom nothing is said."""
    return next((k for k, place in enumerate(places) if place.home is None), 0)


def settle(
    places: Sequence[Place], now: Floats, wanted: Floats, hour: float, draws: Floats
) -> tuple[Floats, NDArray[np.int64]]:
    """Who is where after all have gone where they want, and who found no room.

    Those who are there already keep their room; the others get it in the order of their draws.

    Parameters
    ----------
    places : sequence of Place
    now, wanted : array of float, shape (n_agents,)
        Numbers of places.
    hour : float
        Of the day.
    draws : array of float, shape (n_agents,)

    Returns
    -------
    tuple
        Numbers of places; positions of agents who were turned away and stay where they were.
    """
    got = now.copy()
    away: list[int] = []
    # Room of those who leave is free only in the next round: nobody could count on it.
    for k, place in enumerate(places):
        come = np.flatnonzero((wanted == k) & (now != k))
        come = come[np.argsort(draws[come], kind="stable")]
        room = len(come) if place.capacity is None else max(0, place.capacity - int((now == k).sum()))
        room = room if place.is_open(hour) else 0
        got[come[:room]] = k
        away += come[room:].tolist()
    return got, np.array(sorted(away), np.int64)
