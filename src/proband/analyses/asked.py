"""What a run's subjects, and people, answered: one item under one condition, joined by subject."""

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import polars as pl

from proband.analyses.answers import option_shares, substantive
from proband.analyses.sampling import Sample
from proband.instruments.items import Item
from proband.instruments.pipes import PIPE
from proband.records import STATUSES
from proband.runs.run import Run
from proband.store.tables import factor_column


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One item under one condition: the level of every factor that varies.

    `part` has the run's responses, `people` people's valid answers to the item, or None where the run has no people.
    `weights` are of subjects, empty where all count alike; `units` those of the run's subjects; `sample` is how they
    were drawn; `texts` says what every
    level of every factor becomes in a wording, and `materials` in which other words the item is asked.
    """

    item: Item
    condition: Mapping[str, str]
    part: pl.DataFrame
    people: pl.DataFrame | None
    weights: Mapping[Hashable, float]
    units: Mapping[str, str]
    sample: Sample
    texts: Mapping[str, Mapping[str, str]]
    materials: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def _words(self) -> tuple[str, str, Mapping[str, Mapping[str, str]]]:
        """Lead-in, wording and texts of the levels, in the version and wording of this condition."""
        stem, text, texts = self.item.stem, self.item.text, self.texts
        for name, known in self.materials.items():
            level = self.condition.get(name, "")
            if known["role"] == "isomorph" and level == "isomorph":
                stem, text = known["stems"].get(self.item.id, stem), known["items"].get(self.item.id, text)
                texts = {**texts, **known["factors"]}
            elif known["role"] == "paraphrase" and level.isdigit() and int(level) > 1:
                text = (known["texts"].get(self.item.id) or [text] * int(level))[int(level) - 2]
        return stem, text, texts

    @property
    def question(self) -> str:
        """What was asked, under this condition, in quotes; what an earlier answer stood for is named."""

        def filled(found: re.Match[str]) -> str:
            what, name = found.groups()
            for shown, known in self.materials.items():
                if what == known["role"] == "stimulus":
                    columns = known["texts"].get(self.condition.get(shown, ""), {})
                    return str(columns.get(name, f"[{name} of the {what}]"))
            if what != "factor":
                return f"[answer to {name}]" if what == "answer" else f"[{name} of the {what}]"
            levels = texts.get(name, {})
            any_of = " | ".join(levels.values()) or name
            return levels.get(self.condition.get(name, ""), any_of if len(levels) == 1 else f"[{any_of}]")

        stem, text, texts = self._words
        wording = f"{stem} {text}".strip()
        return f"“{PIPE.sub(filled, wording)}”"

    @property
    def title(self) -> str:
        """Item and condition, e.g. ``vote (persona = first)``."""
        condition = ", ".join(f"{factor} = {level}" for factor, level in self.condition.items())
        return f"{self.item.id} ({condition})" if condition else self.item.id

    @property
    def name(self) -> str:
        """Item and levels, as part of a name."""
        return "-".join([self.item.id, *self.condition.values()])

    @property
    def keys(self) -> dict[str, str]:
        """What marks its rows in a table."""
        return {"item": self.item.id, **self.condition}

    @cached_property
    def dispositions(self) -> dict[str, int]:
        """Count of each status among the responses."""
        counts = dict(self.part["status"].value_counts().iter_rows())
        return {status: counts[status] for status in STATUSES if status in counts}

    @property
    def kept(self) -> tuple[int, ...]:
        """Indices of the options that are no "don't know"."""
        return substantive(self.item)

    @property
    def options(self) -> tuple[str, ...]:
        """Their texts, in the order of shares."""
        return tuple(self.item.options[k] for k in self.kept)

    @cached_property
    def model(self) -> dict[Hashable, Sequence[float]]:
        """Every subject's shares over the options kept, replicates averaged.

        Engines that give probabilities contribute them; from others the valid answers count. Subjects without
        either are absent.
        """
        return {str(s): tuple(row.tolist()) for (s,), row in option_shares(self.item, self.part).items()}

    @cached_property
    def given(self) -> dict[Hashable, int]:
        """People's answers as indices among the options kept."""
        if self.people is None or self.item.form not in ("choice", "scale"):
            return {}
        index = {k: place for place, k in enumerate(self.kept)}
        return {str(s): index[int(a)] for s, a in self.people.select("subject", "answer").iter_rows()}

    @cached_property
    def ours(self) -> dict[Hashable, int]:
        """Answers of the people whom the run asked about."""
        asked = set(self.part["subject"])
        return {s: a for s, a in self.given.items() if s in asked}

    @property
    def held_out(self) -> dict[Hashable, int]:
        """Answers of everybody else: what is known of people without the run."""
        return {s: a for s, a in self.given.items() if s not in self.ours}

    @property
    def is_compared(self) -> bool:
        """Whether both sides have answers of the same 2 subjects at least."""
        return len(self.ours.keys() & self.model.keys()) >= 2

    @property
    def has_shared_units(self) -> bool:
        """Whether subjects belong to larger units, such as matches, so that they are not independent."""
        return any(self.units.get(str(s), s) != s for s in self.part["subject"].unique())

    @property
    def positions(self) -> list[float] | None:
        """Where ordered options stand, rising as distances need them; None where the key does not order them."""
        if self.item.form != "scale":
            return None
        points = [self.item.points[k] for k in self.kept]
        for direction in (1, -1):  # a distance is the same from either end
            placed = [direction * point for point in points]
            if all(a < b for a, b in pairwise(placed)):
                return placed
        return None


def asked_of(run: Run) -> list[Asked]:
    """Every item under every condition, in the order of the instrument and the design.

    Subjects of weight 0 stand for nobody and are left out on both sides.
    """
    return _asked_of(run, sum(run.dispositions().values()))


@lru_cache(maxsize=1)  # several analyses look at one run; the count tells when an unfinished one has grown
def _asked_of(run: Run, n_responses: int) -> list[Asked]:
    everybody: dict[Hashable, float] = {}
    for side in (run.people, run):
        everybody.update(side.weights if side else {})
    weightless = [subject for subject, weight in everybody.items() if weight == 0]
    table = run.table().filter(~pl.col("subject").is_in(weightless))
    valid = pl.col("status") == "valid"
    answers = None if run.people is None else run.people.table().filter(~pl.col("subject").is_in(weightless), valid)
    # Of stimuli and paraphrases there are many, and each answer is one to all of them: they are averaged.
    materials = (run.manifest.get("design") or {}).get("materials") or {}
    many = {name for name, known in materials.items() if known["role"] in ("stimulus", "paraphrase")}
    levels = {name: known for name, known in run.levels.items() if name not in many}
    sample = Sample(run.roster, everybody)
    found = [
        Asked(
            item=run.items[str(part["item"][0])],
            condition={name: part[factor_column(name)][0] for name in levels},
            part=part,
            people=None if answers is None else answers.filter(pl.col("item") == part["item"][0]),
            weights=everybody,
            units=run.roster.units,
            sample=sample,
            texts=(run.manifest.get("design") or {}).get("factors") or {},
            materials=materials,
        )
        for part in table.partition_by("item", *map(factor_column, levels), maintain_order=True)
    ]
    order = {id: k for k, id in enumerate(run.items)}
    places = {name: {level: k for k, level in enumerate(known)} for name, known in levels.items()}
    return sorted(found, key=lambda a: (order[a.item.id], *(places[n][level] for n, level in a.condition.items())))
