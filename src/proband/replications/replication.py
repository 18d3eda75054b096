"""A replication: which of a study's findings are its effects, what people's are, and when it counts as passed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import Field

from proband.designs.catalogue import folder_of
from proband.designs.games.matches import Matches
from proband.designs.studies import Study, load_study
from proband.designs.survey.itself import as_itself
from proband.designs.survey.survey import Survey
from proband.errors import DesignError, meant
from proband.estimates import Estimate
from proband.files import Table, checked, parsed
from proband.measures import equivalence
from proband.references import Reference, reference
from proband.reports import Findings, findings
from proband.runs import Run

Verdict = Literal["pass", "miss", "open"]
SCRIPTED = "scripted"
PLAYED = "model"  # the role of who is studied, where others are scripted partners


class TermTable(Table):
    """One of several numbers that make up an effect."""

    section: str = ""
    row: str = ""
    column: str = ""
    weight: float = 1.0


class EffectTable(Table):
    """An effect: where it stands in the findings, and what counts as finding it."""

    name: str
    section: str
    row: str
    column: str = "effect"
    terms: list[TermTable] = []  # instead of one number, a weighted sum of several
    independent: bool = False  # whether these are of different subjects, e.g. of two arms
    constant: float = 0.0
    arm: Literal["published", "isomorph", "placebo"] = "published"
    of: str = ""  # of a difference between fresh words and the published ones: the effect that is to be the same
    human: list[str] = Field(default=[], max_length=2)  # study and quantity in references.toml
    human_minus: list[str] = Field(default=[], max_length=2)
    passes: Literal["sign", "null", "near"]
    sign: Literal[1, -1] = 1
    margin: float | None = None  # of `null` and `near`, in the unit of the effect
    planted: float  # what `people.toml` makes it


class ReplicationFile(Table):
    """``replication.toml``, as written."""

    finding: str = Field(min_length=1)
    source: str = Field(min_length=1)
    deviations: list[str] = []
    analyses: list[str] = []  # that effects are read from; without any all that its kind of study wants
    effects: list[EffectTable] = Field(min_length=1)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """An effect as it came out.

    Attributes
    ----------
    name, arm : str
        Which it is; published, isomorph or placebo.
    model, human : Estimate or None
        The engine's, from its findings; people's, from the references.
    of : str
        Of a difference between fresh words and the published ones, the published effect.
    planted : float
        What scripted people are made to show.
    verdict : {"pass", "miss", "open"}
        By the rule stated beforehand; open where the interval allows both.
    rule, source : str
        That rule in words; where people's number is from.
    """

    name: str
    arm: str
    of: str
    model: Estimate
    human: Estimate | None
    planted: float
    verdict: Verdict
    rule: str
    source: str


@dataclass(frozen=True)
class Replication:
    """A study of the shelf.

    Attributes
    ----------
    name : str
        Of its folder.
    """

    name: str

    @property
    def folder(self) -> Path:
        """Where it stands."""
        return folder_of(self.name)

    @cached_property
    def file(self) -> ReplicationFile:
        """Its effects, sources and deviations."""
        path = self.folder / "replication.toml"
        data = parsed(path.read_text(encoding="utf-8"), path, error=DesignError)
        found = checked(ReplicationFile, data, path, error=DesignError)
        for effect in found.effects:
            _check(effect, [other.name for other in found.effects if other is not effect], path)
        return found

    def study(
        self, engine: str | Mapping[str, str] | None = None, *, sample: int | None = None, drawn: bool = False
    ) -> Study:
        """The study with an engine; ``"scripted"`` are people made to show the published effects.

        Where the study names engines by role, an address is that of the role ``model``, and the others stay as they
        are. With `drawn` options are answered in words, one draw each, and not by their probabilities. Of games
        without a population `sample` is the number of matches, of a model as itself that of draws.
        """
        study = load_study(self.folder / "study.toml")
        design = study.design
        if sample is not None and isinstance(design, Matches) and design.population is None:
            study = replace(
                study, design=replace(design, setting=design.setting.model_copy(update={"matches": sample}))
            )
        elif sample is not None and isinstance(design, Survey) and design.who == "itself":
            study = replace(study, design=replace(design, **as_itself(sample)))
        elif sample is not None:
            study = load_study(self.folder / "study.toml", sample=sample)
        if engine == SCRIPTED:
            people = self.folder / "people.toml"
            engine = f"scripted:planted?file={people}" if people.exists() else None
        if isinstance(study.engine, Mapping):
            given = {PLAYED: engine} if isinstance(engine, str) else engine or {}
            study = replace(study, engine={**study.engine, **given})
        elif engine is not None:
            study = replace(study, engine=engine)
        if drawn and isinstance(study.design, Survey):
            return replace(study, design=replace(study.design, answer_by="written"))
        return study

    def findings(self, run: Run) -> Findings:
        """What is told of a run of it, as far as its effects need that."""
        return findings(run, only=self.file.analyses or None)

    def effects(self, found: Findings) -> Sequence[Effect]:
        """The effects in what was told of a run of it."""
        table = found.table()
        return [effect_in(table, effect, self.name) for effect in self.file.effects]


def _check(effect: EffectTable, others: Sequence[str], path: Path) -> None:
    if effect.of and effect.of not in others:
        raise DesignError(
            f"{path}: effect {effect.name!r} is of {effect.of!r}, which is none{meant(effect.of, others)}; "
            f"there are {'; '.join(others)}"
        )
    if effect.passes in ("null", "near") and not (effect.margin and effect.margin > 0):
        raise DesignError(f"{path}: effect {effect.name!r} passes as {effect.passes}, and margin is {effect.margin}")
    if effect.passes == "near" and not effect.human:
        raise DesignError(f"{path}: effect {effect.name!r} is to be near people's, and names no figure of theirs")
    for named in (effect.human, effect.human_minus):
        if named and reference(*named) is None:
            raise DesignError(f"{path}: effect {effect.name!r}: no figure {', '.join(named)} in references.toml")


def effect_in(table: pl.DataFrame, effect: EffectTable, name: str) -> Effect:
    """An effect of the study of this name, from its findings as a table."""
    terms = effect.terms or [TermTable()]
    parts = [
        _cell(table, term.section or effect.section, term.row or effect.row, term.column or effect.column, name)
        for term in terms
    ]
    if len(parts) == 1 and not effect.terms:
        model = parts[0]
    else:
        value = effect.constant + sum(term.weight * part.value for term, part in zip(terms, parts, strict=True))
        model = _with_error(
            value,
            [abs(term.weight) * part.se for term, part in zip(terms, parts, strict=True) if part.se is not None],
            f"{effect.name}, from {len(parts)} numbers",
            [part.n_units for part in parts],
            is_independent=effect.independent,
        )
    human, source = _human(effect)
    verdict, rule = _verdict(effect, model, human)
    return Effect(
        name=effect.name, arm=effect.arm, of=effect.of, model=model, human=human, planted=effect.planted,
        verdict=verdict, rule=rule, source=source,
    )  # fmt: skip


def _cell(table: pl.DataFrame, section: str, row: str, column: str, name: str) -> Estimate:
    found = table.filter(pl.col("section") == section, pl.col("row") == row, pl.col("column") == column)
    if found.is_empty():
        there = table.filter(pl.col("section") == section)
        if there.is_empty():
            known = list(dict.fromkeys(table["section"]))
            said = f"no section {section!r}{meant(section, known)}; there are {', '.join(known)}"
        else:
            rows = list(dict.fromkeys(there["row"]))
            said = f"section {section!r} has no {column!r} of {row!r}{meant(row, rows)}; rows: {'; '.join(rows[:12])}"
        return Estimate(value=math.nan, estimand=row, target="model", n_units=0, warnings=(f"{name}: {said}",))
    one = found.row(0, named=True)
    value = math.nan if one["value"] is None else one["value"]
    interval = None if one["low"] is None else (one["low"], one["high"])
    return Estimate(
        value=value, estimand=one["estimand"], target="model", n_units=one["n_units"], se=one["se"], interval=interval,
        interval_method=one["interval_method"], p_value=one["p_value"],
        warnings=tuple(filter(None, [one["warnings"]])) or (("undefined",) if math.isnan(value) else ()),
    )  # fmt: skip


def _with_error(
    value: float, errors: Sequence[float], about: str, units: Sequence[int], *, is_independent: bool
) -> Estimate:
    n = sum(units) if is_independent else max(units)
    if math.isnan(value):
        return Estimate(value=value, estimand=about, target="model", n_units=n, warnings=("a part is undefined",))
    # How numbers of the same subjects go together their tables do not say: the sum of their errors is the most that the
    # error of the whole can be.
    whole = math.sqrt(sum(e**2 for e in errors)) if is_independent else sum(errors)
    se = whole if len(errors) == len(units) else None
    interval = None if not se else (value - 1.96 * se, value + 1.96 * se)
    return Estimate(
        value=value, estimand=about, target="model", n_units=n, se=se, interval=interval,
        interval_method="normal" if is_independent else "normal, with the largest error that there can be",
    )  # fmt: skip


def _human(effect: EffectTable) -> tuple[Estimate | None, str]:
    rows = [reference(*named) for named in (effect.human, effect.human_minus) if named]
    known = [row for row in rows if row is not None]
    if not known:
        return None, ""
    value = known[0].value - (known[1].value if len(known) > 1 else 0.0)
    first = known[0]
    interval = (first.lower, first.upper) if first.lower is not None and first.upper is not None else None
    about = " minus ".join(row.what for row in known)
    found = Estimate(
        value=value, estimand=about, target="human", n_units=first.n or 0,
        interval=interval if len(known) == 1 else None,
        interval_method="as published" if interval else "none: not published with the figure",
    )  # fmt: skip
    return found, "; ".join(dict.fromkeys(_cited(row) for row in known))


def _cited(row: Reference) -> str:
    return row.source + (f" (n = {row.n:,})" if row.n else "")


def _tells(model: Estimate) -> bool:
    """Whether there is a value, and more than one unit that it is of."""
    return not math.isnan(model.value) and model.n_units > 1


def _verdict(effect: EffectTable, model: Estimate, human: Estimate | None) -> tuple[Verdict, str]:
    if effect.passes == "sign":
        rule = f"its interval lies {'above' if effect.sign > 0 else 'below'} 0"
        if not _tells(model):
            return "open", rule
        # Answers that are all alike have no interval: what the engine does is then known as it stands.
        low, high = model.interval or (model.value, model.value)
        if low > 0 or high < 0:
            return ("pass" if (low > 0) == (effect.sign > 0) else "miss"), rule
        return ("miss" if low == high == 0 else "open"), rule
    centre = human.value if effect.passes == "near" and human is not None else 0.0
    rule = f"it is within {effect.margin:g} of {'people' if effect.passes == 'near' else '0'}, by two one-sided tests"
    if not _tells(model):
        return "open", rule
    if not model.se:
        if abs(model.value - centre) < (effect.margin or 0):
            return "pass", rule
        low, high = model.interval or (model.value, model.value)
        reaches = low - (effect.margin or 0) < centre < high + (effect.margin or 0)
        return ("open" if reaches else "miss"), rule
    shifted = Estimate(
        value=model.value - centre, estimand=model.estimand, target="model", n_units=model.n_units, se=model.se
    )
    found = equivalence(shifted, effect.margin or 0.0)
    if found.p_value < 0.05:
        return "pass", rule
    beyond = abs(shifted.value) - 1.96 * model.se > (effect.margin or 0)
    return ("miss" if beyond else "open"), rule


def replications(names: Sequence[str]) -> list[Replication]:
    """The replications of these names, each checked."""
    found = [Replication(name.removeprefix("shelf:")) for name in names]
    for replication in found:
        len(replication.file.effects)
    return found


def plain(effect: Effect) -> dict[str, Any]:
    """As JSON has it."""
    return {
        "name": effect.name, "arm": effect.arm, "model": effect.model.as_dict(),
        "human": None if effect.human is None else effect.human.as_dict(), "verdict": effect.verdict,
        "rule": effect.rule, "source": effect.source,
    }  # fmt: skip
