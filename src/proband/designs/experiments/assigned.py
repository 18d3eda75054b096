"""Surveys whose factors are assigned: who is in which arm, asked under which conditions, in which order."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from proband.designs.assignment import assign, assign_clusters, check_balance, deal, latin_rows
from proband.designs.experiments.material import STIMULUS, VERSION, WORDING, Stimuli
from proband.designs.survey.survey import Survey
from proband.errors import DesignError
from proband.subjects.personas import code_text

Levels = Mapping[str, str]  # factor -> level


@dataclass(frozen=True, kw_only=True)
class AssignedSurvey(Survey):
    """The part of an `Experiment` that is drawn, or given by the data; see there for its attributes."""

    block_by: str = ""
    cluster_by: str = ""
    assigned_by: Mapping[str, str] = field(default_factory=dict)
    within: tuple[str, ...] = ()
    stimuli: Stimuli | None = None

    @property
    def unit(self) -> str:  # type: ignore[override]
        """What is independent: a cluster where clusters are assigned, else a subject."""
        return "cluster" if self.cluster_by else "subject"

    @property
    def between(self) -> tuple[str, ...]:
        """Factors of which every subject gets one level."""
        return tuple(name for name in self.factors if name not in self.within)

    @cached_property
    def arms(self) -> Mapping[str, Levels]:
        """Combinations of levels that subjects are assigned to, by name: the level, or all where there are several."""
        return {", ".join(levels.values()): levels for levels in self._combined(self.between)}

    @cached_property
    def cells(self) -> tuple[Levels, ...]:
        """Combinations of levels under each of which every subject is asked; one that is empty where nothing is."""
        return tuple(self._combined(self.within))

    def _combined(self, names: Sequence[str]) -> Iterator[dict[str, str]]:
        combinations = itertools.product(*(self.factors[name] for name in names))
        return (dict(zip(names, levels, strict=True)) for levels in combinations)

    @cached_property
    def assignment(self) -> Mapping[str, str]:
        """Subject -> arm, made before anything is asked."""
        ids, arms, factor = [subject.id for subject in self.subjects], tuple(self.arms), "&".join(self.between)
        if not self.between:
            return dict.fromkeys(ids, "")
        if self.assigned_by:
            return self._given()
        if self.clusters is None:
            return assign(ids, arms, self.seed, factor=factor, blocks=self.blocks)
        return assign_clusters(self.clusters, arms, self.seed, factor=factor, blocks=self.blocks)

    def _given(self) -> Mapping[str, str]:
        """Subject -> arm, as the data have it."""
        if set(self.assigned_by) != set(self.between) or self.block_by or self.cluster_by:
            raise DesignError(
                f"assigned_by names {', '.join(self.assigned_by)}; it names every factor that is not within "
                f"({', '.join(self.between)}), and then nothing is drawn, in blocks or clusters"
            )
        columns = {factor: self._trait(column) or {} for factor, column in self.assigned_by.items()}
        found: dict[str, str] = {}
        for subject in self.subjects:
            levels = {factor: columns[factor].get(subject.id, "") for factor in self.between}
            for factor, level in levels.items():
                if level not in self.factors[factor]:
                    raise DesignError(
                        f"subject {subject.id!r} has {level or 'nothing'!r} in {self.assigned_by[factor]!r}, which is "
                        f"no level of {factor!r} ({', '.join(self.factors[factor])}); leave such people out with "
                        "only_where"
                    )
            found[subject.id] = ", ".join(levels.values())
        return found

    @cached_property
    def blocks(self) -> Mapping[str, str] | None:
        """Subject -> block, or None."""
        return self._trait(self.block_by)

    @cached_property
    def clusters(self) -> Mapping[str, str] | None:
        """Subject -> cluster, or None."""
        found = self._trait(self.cluster_by)
        if found is not None and (lacking := [subject.id for subject in self.subjects if subject.id not in found]):
            raise DesignError(f"subject {lacking[0]!r} has no {self.cluster_by!r} and so no cluster; leave it out")
        return found

    def _trait(self, column: str) -> Mapping[str, str] | None:
        return {id: code_text(code) for id, code in self.subjects.column(column).items()} if column else None

    def _check_assignment(self) -> None:
        """Refuse an assignment that cannot balance: one in which an arm, a wording or a stimulus has nobody."""
        units = self.clusters or {subject.id: subject.id for subject in self.subjects}
        n, unit = len(set(units.values())), self.unit
        if len(self.arms) > n:
            raise DesignError(f"{len(self.arms)} arms for {n} {unit}s; ask more, or vary less")
        if empty := [arm for arm in self.arms if arm not in self.assignment.values()]:
            raise DesignError(f"nobody is in the arm {empty[0]!r}; take its level out, or ask others")
        arm_of = {units[subject]: arm for subject, arm in self.assignment.items()}
        if self.blocks is not None and self.between:
            in_block = {units[subject]: f"block {self.blocks[subject]!r}" for subject in self.assignment}
            check_balance(arm_of, tuple(self.arms), in_block, f"{unit}s")
        arms = {subject: f"arm {arm!r}" if arm else "all" for subject, arm in self.assignment.items()}
        for name in (VERSION, WORDING):
            check_balance(self._assigned(name), self.materials.get(name, ("",)), arms, "subjects")
        if self.stimuli:
            seats = {f"{s} {k}": arm for s, arm in arms.items() for k in range(self.stimuli.per_subject)}
            check_balance(dict.fromkeys(seats, ""), self.materials[STIMULUS], seats, "seats for a stimulus")
            if not self.stimuli.crossed and self.stimuli.per_subject % len(self.cells):
                raise DesignError(
                    f"{self.stimuli.per_subject} stimuli of a subject cannot be divided among {len(self.cells)} levels "
                    f"of {', '.join(self.within)}; make per_subject a multiple of them, or set crossed = true"
                )

    def _assigned(self, material: str) -> Mapping[str, str]:
        """Subject -> version or wording, in equal numbers within every arm."""
        levels, ids = self.materials.get(material, ("",)), list(self.assignment)
        if len(levels) < 2:
            return dict.fromkeys(ids, levels[0])
        return assign(ids, levels, self.seed, factor=material, blocks=self.assignment)

    @cached_property
    def _material(self) -> Mapping[str, Levels]:
        """Subject -> version and wording."""
        named = {name: self._assigned(name) for name in (VERSION, WORDING) if name in self.materials}
        return {subject: {name: of[subject] for name, of in named.items()} for subject in self.assignment}

    @cached_property
    def _hands(self) -> Mapping[str, Sequence[str]]:
        """Subject -> its stimuli."""
        found: dict[str, Sequence[str]] = {}
        if self.stimuli:
            k, cells = self.stimuli.per_subject, 1 if self.stimuli.crossed else len(self.cells)
            for arm in self.arms:
                ids = [subject for subject, given in self.assignment.items() if given == arm]
                found |= deal(ids, tuple(self.stimuli.texts), k=k, cells=cells, seed=self.seed, place=arm)
        return found

    @cached_property
    def _rows(self) -> Mapping[str, tuple[int, ...]]:
        """Subject -> order of the within-subject conditions, where one conversation goes through them."""
        n, ids = len(self.cells), list(self.assignment)
        if n < 2 or self.presentation != "sequential":
            return dict.fromkeys(ids, tuple(range(n)))
        rows = {" ".join(map(str, row)): row for row in latin_rows(n)}
        drawn = assign(ids, tuple(rows), self.seed, factor="latin square", blocks=self.assignment)
        return {subject: rows[row] for subject, row in drawn.items()}

    def occasions(self, subject: str) -> list[Levels]:
        """The conditions under which a subject is asked, in their order: level of everything that varies."""
        fixed = {**self.arms[self.assignment[subject]], **self._material[subject]}
        if self.stimuli is None:
            rounds = [[{**fixed, **cell} for cell in self.cells]]
        elif self.stimuli.crossed:
            rounds = [[{**fixed, **cell, STIMULUS: one} for cell in self.cells] for one in self._hands[subject]]
        else:
            n, hand = len(self.cells), self._hands[subject]
            places = [{**fixed, **self.cells[t % n], STIMULUS: one} for t, one in enumerate(hand)]
            rounds = [places[start : start + n] for start in range(0, len(places), n)]
        ordered = [conditions[k] for conditions in rounds for k in self._rows[subject]]
        return [{**conditions, **way} for conditions in ordered for way in self.ways]

    @property
    def n_occasions(self) -> int:
        """How often a subject is given the instrument."""
        if self.stimuli is None:
            return len(self.cells) * len(self.ways)
        return self.stimuli.per_subject * (len(self.cells) if self.stimuli.crossed else 1) * len(self.ways)

    @cached_property
    def ways(self) -> tuple[Levels, ...]:
        """Combinations of those settings that have several levels; one that is empty where none has."""
        known = {*self.factors, *self.materials}
        names = [name for name in self.varied if name not in known]
        found = dict.fromkeys(tuple((name, levels[name]) for name in names) for levels in self.conditions)
        return tuple(dict(way) for way in found)
