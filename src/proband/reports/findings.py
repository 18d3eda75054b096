"""Findings: everything told of a run, from the analyses its kind wants, in one form for every face."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from proband.analyses.section import ANALYSES, Analysis, Cell, Section, Table
from proband.designs.kind import KINDS, told_of
from proband.errors import DesignError, ProbandError
from proband.estimates import Estimate
from proband.reports.appendix import appendix_of
from proband.reports.methods import claims_of, facts_of, lead_of, limits_of, methods_of
from proband.runs.run import Run
from proband.runs.side_by_side import SideBySide

COMPLETE = "complete"
# What is told of a run whose kind is not known: what any answers to items have.
GENERAL = ("shares", "fidelity", "response-style", "dispositions")
_COLUMNS = {
    "section": pl.String,
    "row": pl.String,
    "column": pl.String,
    "estimand": pl.String,
    "target": pl.String,
    **dict.fromkeys(("value", "low", "high", "level", "se"), pl.Float64),
    **dict.fromkeys(("n_units", "n_clusters", "n_missing"), pl.Int64),
    "p_value": pl.Float64,
    "interval_method": pl.String,
    "warnings": pl.String,
}


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a run says, and what may be said because of it.

    Attributes
    ----------
    title : str
        Of the study.
    state : str
        ``complete``, or why it is not, e.g. ``unfinished: 6 responses so far``.
    lead : tuple of str
        The findings in a few sentences.
    facts : mapping of str to str
        Who was asked what by which engine, when; in the order told.
    sections : tuple of Section
        In the order told; neighbours of one chapter stand together.
    claims : tuple of str
        What may and what may not be said, a paragraph each.
    methods : str
        A paragraph for a paper.
    warnings : tuple of str
        What a reader must know before using any number.
    left_out : mapping of str to str
        Analyses that are not shown, and why.
    appendix : mapping of str to str
        Texts by heading, shown on demand: the manifest, an example of a request.
    is_plan_last : bool
        Whether a page tells `facts` below the sections, where what was found is a matrix that belongs on top.
    limits : str
        Whom the numbers are about, in a sentence that nobody should miss.
    source : str
        Name of the run directory; empty where there is none.

    Examples
    --------
    >>> findings(Run("runs/anes1996")).table()  # doctest: +SKIP
    """

    title: str
    sections: tuple[Section, ...]
    state: str = COMPLETE
    lead: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    claims: tuple[str, ...] = ()
    methods: str = ""
    warnings: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    appendix: Mapping[str, str] = field(default_factory=dict)
    is_plan_last: bool = False
    limits: str = ""
    source: str = ""

    def __repr__(self) -> str:
        told = [f"  {section.name}: {section.heading}" for section in self.sections]
        return "\n".join([f"Findings: {self.title} ({self.state})", *(f"  {text}" for text in self.lead), *told])

    def _repr_html_(self) -> str:
        from proband.reports.page import fragment  # the page is made of findings, so it cannot stand below them

        return fragment(self)

    @property
    def chapters(self) -> Mapping[str, tuple[Section, ...]]:
        """Sections by chapter, in the order of their first section; those without one by their own heading."""
        found: dict[str, tuple[Section, ...]] = {}
        for section in self.sections:
            name = section.chapter or section.heading
            found[name] = (*found.get(name, ()), section)
        return found

    def section(self, name: str) -> Section:
        """The section of a name.

        Raises
        ------
        DesignError
            If there is none; those there are, are named.
        """
        for section in self.sections:
            if section.name == name:
                return section
        raise DesignError(f"no section {name!r}; there are {', '.join(s.name for s in self.sections)}")

    def table(self) -> pl.DataFrame:
        """Every estimate in a row of its own, tidy.

        Returns
        -------
        polars.DataFrame
            Columns section; one for every key of a section, e.g. item and factors (``key_NAME`` where the name is
            taken); row and column, as the tables have them; estimand, target, value, low, high, level, se,
            n_units, n_clusters, n_missing, p_value, interval_method, warnings. What is undefined is null.
        """
        keys = list(dict.fromkeys(key for section in self.sections for key in section.keys))
        named = {key: f"key_{key}" if key in _COLUMNS else key for key in keys}
        rows = [
            {
                "section": section.name,
                **{named[key]: level for key, level in section.keys.items()},
                "row": label,
                "column": column,
                **_tidy(cell),
            }
            for section in self.sections
            if section.table is not None
            for label, column, cell in _estimates(section.table)
        ]
        first, *rest = _COLUMNS.items()
        schema = dict([first, *((name, pl.String) for name in named.values()), *rest])
        return pl.DataFrame(rows, schema=schema)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "title": self.title,
            "run": self.source,
            "state": self.state,
            "is_complete": self.state == COMPLETE,
            "lead": list(self.lead),
            "limits": self.limits,
            "facts": dict(self.facts),
            "warnings": list(self.warnings),
            "sections": [_section_dict(section) for section in self.sections],
            "not_shown": dict(self.left_out),
            "methods": self.methods,
            "claims": list(self.claims),
        }


def findings(run: Run, *, only: Sequence[str] | None = None, by: Sequence[str] | None = None) -> Findings:
    """Look at a run in every way its kind wants.

    Parameters
    ----------
    run : Run
        Of any kind; an unfinished run is told as far as it is, with a warning. Of `SideBySide` runs that is told which
        compares engines.
    only : sequence of str, optional
        Analyses to tell of instead, e.g. ``["fidelity"]``; see ``proband list analyses``.
    by : sequence of str, optional
        Traits whose levels are subgroups; default those with at most 7 levels.

    Returns
    -------
    Findings
        With the reason for every analysis that needs more than this run has.

    Raises
    ------
    DesignError
        If the answers are people's, a trait is not known, or an analysis asked for looks at one run only.
    ProbandError
        If `only` names an analysis that does not exist.
    """
    if (run.manifest.get("design") or {}).get("design") == "people":
        raise DesignError(f"{run.path}: these are people's answers; measure the run they stand beside")
    still = run if isinstance(run, SideBySide) else _Still(run.path)
    wanted, warnings = _wanted(still)
    if isinstance(run, SideBySide):
        wanted = _over_engines(wanted if only is None else only, is_asked=only is not None)
    divided = _known_traits(still, by)
    sections: list[Section] = []
    left_out: dict[str, str] = {}
    divides: dict[str, str | None] = {}  # analyses that traits make a difference to, and why one is left out
    for name in dict.fromkeys(wanted if only is None else only):
        if only is None and name not in ANALYSES:
            left_out[name] = "this analysis is not installed"
            continue
        try:
            analysis = ANALYSES.load(name)
            reason = analysis.needs(still)
            if analysis.divided is not None:
                divides[name] = reason
            told = () if reason else _told(analysis, still, divided)
        except (ProbandError, ArithmeticError) as error:
            if only is not None:
                raise
            # What one analysis stumbles over must not hide what the others have to say.
            told, reason = (), f"it failed: {error}"
            warnings = (*warnings, f"the analysis {name!r} failed and is left out: {error}")
        sections += told
        if not told and not (analysis.is_quiet and only is None):
            left_out[name] = reason or "nothing that it looks at varies in this run"
    if divided is not None and None not in divides.values():
        why = "; ".join(f"{name}: {reason}" for name, reason in divides.items())
        raise DesignError(f"{run.path}: nothing that is shown is divided by {', '.join(divided)}{why and f' ({why})'}")
    state = _state(still)
    if state != COMPLETE:
        warnings = (f"the run is {state}; go on with it before you use these numbers", *warnings)
    personas = ((still.manifest.get("design") or {}).get("settings") or {}).get("persona")
    # Elsewhere nobody would take answers for people's; the claims say so too.
    if still.people is None and not told_of(still.kind).is_of_models and personas != ["none"]:
        warnings = (*warnings, "no human answers in this run: nothing here is about people")
    return Findings(
        title=str(still.manifest.get("name") or run.path.name),
        state=state,
        lead=lead_of(still, sections),
        facts=facts_of(still),
        sections=tuple(sections),
        claims=claims_of(still, sections),
        methods=methods_of(still, sections),
        warnings=warnings,
        left_out=left_out,
        appendix=appendix_of(still),
        limits=limits_of(still, sections),
        source=run.path.name,
    )


class _Still(Run):
    """A run as it is now: every analysis sees the same answers, read once."""

    def table(self) -> pl.DataFrame:
        return self._table

    @cached_property
    def _table(self) -> pl.DataFrame:
        return super().table()

    @property
    def people(self) -> Run | None:
        return self._people

    @cached_property
    def _people(self) -> Run | None:
        found = super().people
        return None if found is None else _Still(found.path)


def _wanted(run: Run) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Analyses that the run's kind wants, and what to know where the kind is not there."""
    kind = run.kind
    try:
        # A battery names further ones that its field uses.
        return (*KINDS.load(kind).analyses, *(run.manifest.get("design") or {}).get("analyses", ())), ()
    except DesignError as error:
        why = str(error) if kind in KINDS else f"the kind of study {kind!r} is not installed here"
    return GENERAL, (
        f"{why}. So it is not known how its answers depend on each other: do not trust these intervals. Install the "
        "package that has this kind; `proband export` works without",
    )


def _over_engines(wanted: Sequence[str], *, is_asked: bool) -> tuple[str, ...]:
    """Of some analyses those that may look at several runs; who asks for another is told."""
    found = tuple(name for name in wanted if name in ANALYSES and ANALYSES.load(name).is_over_engines)
    if not found or (is_asked and len(found) < len(wanted)):
        one = next(name for name in (*wanted, "all") if name not in found)
        able = [name for name in ANALYSES if ANALYSES.load(name).is_over_engines]
        raise DesignError(f"analysis {one!r} looks at one run; several are compared by {', '.join(able)}")
    return found


def _told(analysis: Analysis, run: Run, by: tuple[str, ...] | None) -> Sequence[Section]:
    if by is not None and analysis.divided is not None:
        return analysis.divided(run, by)
    return analysis.sections(run)


def _known_traits(run: Run, by: Sequence[str] | None) -> tuple[str, ...] | None:
    """Traits to divide people by, checked; None where the analysis chooses."""
    if by is None:
        return None
    known = {column: None for found in (run.people or run).traits.values() for column in found}
    for column in by:
        if column not in known:
            there = f"there are {', '.join(known)}" if known else "this run keeps no traits"
            raise DesignError(f"no trait {column!r} to divide people by; {there}")
    return tuple(by)


def _state(run: Run) -> str:
    if run.is_complete:
        return COMPLETE
    state = f"{run.state}: {sum(run.dispositions().values()):,} responses so far"
    return "; ".join([state, *(f"{place} cannot go on: {why}" for place, why in list(run.stalled.items())[:1])])


def _estimates(table: Table) -> Iterator[tuple[str, str, Estimate]]:
    """Label of the row, name of the column, and the estimate, for every estimate of a table."""
    for row in table.rows:
        texts = [cell for cell, column in zip(row, table.columns, strict=True) if column.form == "text"]
        label = ", ".join(str(text) for text in (texts or row[:1]) if text not in ("", None))
        for cell, column in zip(row, table.columns, strict=True):
            if isinstance(cell, Estimate) and column.form != "p":
                yield label, column.name, cell


def _tidy(found: Estimate) -> dict[str, Any]:
    low, high = found.interval or (None, None)
    return {
        "estimand": found.estimand,
        "target": found.target,
        "value": found.as_dict()["value"],
        "low": low,
        "high": high,
        "level": found.level,
        "se": found.se,
        "n_units": found.n_units,
        "n_clusters": found.n_clusters,
        "n_missing": found.n_missing,
        "p_value": found.p_value,
        "interval_method": found.interval_method,
        "warnings": "; ".join(found.warnings),
    }


def _section_dict(section: Section) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "name": section.name,
        "heading": section.heading,
        "chapter": section.chapter,
        "keys": dict(section.keys),
        "sentences": list(section.sentences),
    }
    if section.table is not None:
        plain["table"] = {
            "caption": section.table.caption,
            "columns": [
                {"name": column.name, "form": column.form, "side": column.side} for column in section.table.columns
            ],
            "rows": [[_plain(cell) for cell in row] for row in section.table.rows],
        }
    if section.figure is not None:
        figure = section.figure
        plain["figure"] = {"form": figure.form, "caption": figure.caption, "rows": [dict(row) for row in figure.rows]}
    return plain | {"notes": list(section.notes), "warnings": list(section.warnings)}


def _plain(cell: Cell) -> Any:
    if isinstance(cell, Estimate):
        plain = cell.as_dict()
        baselines = {name: value if math.isfinite(value) else None for name, value in cell.baselines.items()}
        limits = None if cell.interval is None else [_plain(limit) for limit in cell.interval]
        return plain | {"baselines": baselines, "interval": limits}
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell
