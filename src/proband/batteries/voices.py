"""Answers as itself and as people of groups, beside what these groups answered in a survey."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from proband.instruments.items import Item, Scale
from proband.subjects import Population

ITSELF = "itself"
Code = int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People of the survey: how a model is asked to answer as one, and by which codes of which column they are it."""

    lead: str
    column: str = ""
    codes: tuple[Code, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Voices:
    """A survey, and the groups of it that a model is asked to answer as.

    Attributes
    ----------
    people : callable
        Respondents, by the path of a file of the user's, which is empty where the data ship.
    asked : callable
        Items with options in the survey's order; `Item.data_column` and `Item.data_values` say where answers are.
    placed : tuple of str
        Items whose mean is the scale of a voice.
    groups : mapping of str to Group
        The first is the model itself, beside everybody.
    """

    people: Callable[[str], Population]
    asked: Callable[[], Sequence[Item]]
    placed: tuple[str, ...]
    groups: Mapping[str, Group]

    def members(self, name: str, file: str = "") -> frozenset[str]:
        """Who of the survey is in a group; everybody where it is the model itself."""
        group, people = self.groups[name], self.people(file)
        if not group.column:
            return frozenset(subject.id for subject in people)
        return frozenset(id_ for id_, code in people.column(group.column).items() if code in group.codes)

    def shares(self, item: Item, group: str, file: str = "") -> Sequence[float]:
        """Weighted shares of the options of an item among the people of a group, in the order written."""
        people, found = self.people(file), dict.fromkeys(item.data_values, 0.0)
        given = people.column(item.data_column)
        for id_ in self.members(group, file):
            if given.get(id_) in found:
                found[given[id_]] += people[id_].weight
        return [weight / sum(found.values()) for weight in found.values()]

    def norm(self, group: str, file: str = "") -> dict[str, float | str]:
        """Mean and SD over people of the items of the scale, on average of these."""
        people = self.people(file)
        items = [item for item in self.asked() if item.id in self.placed]
        points = [dict(zip(item.data_values, item.points, strict=True)) for item in items]
        columns = [people.column(item.data_column) for item in items]
        there = [id_ for id_ in sorted(self.members(group, file)) if all(id_ in column for column in columns)]
        scores = [[float(of[column[id_]]) for of, column in zip(points, columns, strict=True)] for id_ in there]
        means, weights = np.array(scores).mean(axis=1), np.array([people[id_].weight for id_ in there])
        mean, n = float(np.average(means, weights=weights)), len(means)
        sd = float(np.sqrt(np.average((means - mean) ** 2, weights=weights) * n / (n - 1)))
        return {"mean": mean, "sd": sd, "n": n, "source": f"{people.source}; own computation, {n} people"}

    def items(self) -> tuple[Item, ...]:
        """Every item in every voice."""
        return tuple(
            replace(item, id=f"{item.id}-{name}", stem=" ".join(filter(None, (group.lead, item.stem))), about=())
            for name, group in self.groups.items()
            for item in self.asked()
        )

    def scales(self, what: str, file: str = "") -> tuple[Scale, ...]:
        """The scale of every voice, with its group's norm."""
        return tuple(
            Scale(
                id=name,
                name=f"{what}, {name}",
                items={f"{item}-{name}": 1 for item in self.placed},
                human=self.norm(name, file),
            )
            for name in self.groups
        )
