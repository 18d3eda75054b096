"""Who stands on both sides, who is held out, and how people were drawn."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from proband.errors import DataError, MissingDataError
from proband.measures.arrays import Floats, Ints
from proband.measures.likeness.items.nulls import trait_matrix
from proband.measures.likeness.ladder.answers import Source, subject_column
from proband.measures.surveys.design import SurveyDesign, design_by_subject, survey_design

By = str | Sequence[str] | Mapping[Hashable, object]
Column = str | Mapping[Hashable, object]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """What `fidelity` was told of people: subgroups, weights, strata and units, as columns or mappings."""

    by: By | None = None
    weights: Column | None = None
    strata: Column | None = None
    psu: Column | None = None

    @property
    def group_columns(self) -> list[str]:
        """Columns that define subgroups."""
        if self.by is None or isinstance(self.by, Mapping):
            return []
        return [self.by] if isinstance(self.by, str) else list(self.by)

    @property
    def columns(self) -> list[str]:
        """Names of columns that describe subjects or their sampling."""
        return [c for c in (*self.group_columns, self.weights, self.strata, self.psu) if isinstance(c, str)]


@dataclass(frozen=True, eq=False, kw_only=True)
class Cast:
    """Subjects of both sides and held-out people, and everything known of them."""

    subjects: list[str]
    outside: list[str]
    weights: Floats
    outside_weights: Floats
    design: SurveyDesign | None
    groups: Mapping[str, tuple[Ints, Sequence[str]]]
    predictors: Floats | None
    n_model_only: int
    warnings: list[str] = field(default_factory=list)


def cast_of(run: Source, people: Source, survey: Sampling, conditions: Sequence[str]) -> Cast:
    """Subjects of both sides in the order of their names, with weights, design, groups and traits."""
    asked, answered = (set(side.frame["subject"].unique()) for side in (run, people))
    warnings: list[str] = []
    everybody = sorted(answered)
    known = _subject_values((people, run), survey.weights, "weights", everybody)
    if known is None and (given := people.weights or run.weights):
        known = np.array([given.get(s) for s in everybody], dtype=object)
    is_counted = np.ones(len(everybody), dtype=bool)
    w_all = np.ones(len(everybody))
    if known is not None:
        is_asked = np.array([s in asked for s in everybody])
        bare = np.array([value is None or value != value for value in known])
        if (bare & is_asked).any():
            first = everybody[int((bare & is_asked).argmax())]
            raise MissingDataError(f"{int((bare & is_asked).sum())} subjects have no weight, e.g. {first!r}; add it")
        if bare.any():
            warnings.append("held-out people have no weights and count the same; the null rows are unweighted")
            known = np.where(is_asked, known, 1.0)
        w_all = known.astype(np.float64)
        if not np.isfinite(w_all).all() or (w_all < 0).any():
            raise DataError("a weight is negative or infinite; weights are positive, or 0 for who stands for nobody")
        # A weight of 0 is how surveys mark who is outside the population: neither compared nor held out.
        is_counted = w_all > 0
    subjects = [s for s, ok in zip(everybody, is_counted, strict=True) if ok and s in asked]
    outside = [s for s, ok in zip(everybody, is_counted, strict=True) if ok and s not in asked]
    if len(subjects) < 2:
        raise DataError(
            f"{len(subjects)} subjects are in both run (e.g. {min(asked)!r}) and people (e.g. {everybody[0]!r}); "
            "use the same subject names on both sides"
        )
    weight = dict(zip(everybody, w_all.tolist(), strict=True))
    groups, lost = _groups((people, run), survey.by, subjects)
    warnings += lost
    return Cast(
        subjects=subjects,
        outside=outside,
        weights=np.array([weight[s] for s in subjects]),
        outside_weights=np.array([weight[s] for s in outside]),
        design=_design((people, run), survey, subjects, weight),
        groups=groups,
        predictors=_predictors(people, run, survey, conditions, [*subjects, *outside]),
        n_model_only=len(asked - answered),
        warnings=warnings,
    )


def _subject_values(
    sources: Sequence[Source], given: Column | None, name: str, subjects: Sequence[str]
) -> NDArray[np.object_] | None:
    if given is None:
        return None
    if isinstance(given, Mapping):
        by_name = {str(s): value for s, value in given.items()}
        return np.array([by_name.get(s) for s in subjects], dtype=object)
    found = subject_column(sources, given, subjects)
    if found is None:
        have = ", ".join(sources[0].extra) or "none"
        raise DataError(f"{name}: people have no column {given!r} (columns: {have}); name one, or give a mapping")
    return found


def _design(
    sources: Sequence[Source], survey: Sampling, subjects: Sequence[str], weight: Mapping[str, float]
) -> SurveyDesign | None:
    if survey.strata is None and survey.psu is None:
        known = next((s.drawn for s in reversed(sources) if s.drawn.keys() & {"strata", "psu"}), None)
        if known is None or any(s not in of for of in known.values() for s in subjects):
            return None
        counted: dict[str, dict[Hashable, object]] = {
            how: {s: v for s, v in of.items() if weight.get(s, 1.0) > 0} for how, of in known.items()
        }
        return design_by_subject(subjects, counted, lonely="certainty")  # refused before anybody was asked
    parts = [
        _subject_values(sources, given, name, subjects)
        for given, name in ((survey.strata, "strata"), (survey.psu, "psu"))
    ]
    return survey_design(len(subjects), *parts)


def _groups(
    sources: Sequence[Source], by: By | None, subjects: Sequence[str]
) -> tuple[dict[str, tuple[Ints, Sequence[str]]], list[str]]:
    """Codes and levels of every grouping; -1 for those without a group."""
    named: dict[str, Column] = {}
    if isinstance(by, Mapping):
        named["group"] = by
    elif by is not None:
        named = {name: name for name in ([by] if isinstance(by, str) else by)}
    found: dict[str, tuple[Ints, Sequence[str]]] = {}
    warnings = []
    for name, column in named.items():
        values = _subject_values(sources, column, "by", subjects)
        assert values is not None
        is_known = np.array([value is not None and value == value for value in values])
        if not is_known.any():
            raise DataError(f"by: nobody has a value of {name!r}; name a column that people have")
        if not is_known.all():
            warnings.append(f"{int((~is_known).sum())} subjects have no {name} and are in none of its subgroups")
        levels, codes = np.unique(np.where(is_known, values, "").astype(str), return_inverse=True)
        keep = [level for level in levels.tolist() if level in set(values[is_known].astype(str))]
        place = np.array([keep.index(level) if level in keep else -1 for level in levels.tolist()])
        found[name] = (np.where(is_known, place[codes], -1).astype(np.intp), keep)
    return found, warnings


def _predictors(
    people: Source, run: Source, survey: Sampling, conditions: Sequence[str], subjects: Sequence[str]
) -> Floats | None:
    """Traits of all people as predictors; None where none are known."""
    # Weights, strata and units describe the sampling, not the person: they would predict without saying anything.
    sampling = {c for c in (survey.weights, survey.strata, survey.psu) if isinstance(c, str)}
    names = [c for c in people.extra if c not in conditions and c not in sampling]
    names += [c for c in survey.group_columns if c not in names]
    for source in (people, run):
        names += [c for traits in source.traits.values() for c in traits if c not in names]
        names = list(dict.fromkeys(names))
    traits = {}
    for name in names:
        values = subject_column((people, run), name, subjects)
        if values is not None and any(value is not None for value in values):
            traits[name] = values
    if isinstance(survey.by, Mapping):
        by_name = {str(s): value for s, value in survey.by.items()}
        traits["group"] = np.array([by_name.get(s) for s in subjects], dtype=object)
    if not traits:
        return None
    x = trait_matrix(traits)
    return x if x.shape[1] > 1 else None


def design_text(cast: Cast) -> str:
    """The survey design in words."""
    n = len(cast.subjects)
    weighted = "weighted " if np.ptp(cast.weights) > 0 else ""
    if cast.design is None:
        return f"{weighted}independent sample of {n:,} people"
    n_strata = len(np.unique(cast.design.stratum))
    n_units = len(np.unique(cast.design.unit))
    strata = f"{n_strata:,} strata" if n_strata > 1 else "1 stratum"
    return f"{weighted}sample of {n:,} people in {n_units:,} units of {strata}"
