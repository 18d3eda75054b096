"""Sections: the one form in which anything is told of a run, whatever its kind, on whatever face.

An analysis says what it needs of a run, and gives sections. A section holds sentences, at most one table of estimates,
at most one figure as data, and warnings. How that looks on a terminal, a page, in JSON or in a notebook is written
once, in `proband.reports`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from proband.errors import DesignError, ProbandError
from proband.estimates import Estimate
from proband.runs.run import Run
from proband.shelves import Shelf

Cell = Estimate | float | int | str | None
CellForm = Literal["text", "share", "points", "number", "count", "p"]
Side = Literal["", "model", "people"]
FigureForm = Literal["bars", "intervals", "ladder", "lines", "scatter", "tree", "replay", "vega"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
        As the reader sees it.
    form : {"text", "share", "points", "number", "count", "p"}
        How its cells are written: a share in percent, a difference of shares in percentage points with its sign, a
        number with `digits` decimals, a count, a p value (of an `Estimate`: the p value of its test).
    side : {"", "model", "people"}
        Whose numbers these are, where it is one of the two; coloured alike everywhere.
    """

    name: str
    form: CellForm = "number"
    digits: int = 3
    side: Side = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells; the first column names the row.

    Attributes
    ----------
    columns : tuple of Column
        At least two.
    rows : tuple of tuple
        One cell a column: an `Estimate` (shown with its interval), a number, a text, or None for nothing.
    caption : str
        What the numbers are.
    is_folded : bool
        Whether a page shows it on demand only, e.g. because the figure above says the same.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    is_folded: bool = False

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise DesignError(f"table {self.caption!r}: {len(row)} cells for {len(self.columns)} columns: {row}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure as data; `proband.reports.figures` draws it.

    Attributes
    ----------
    form : str
        "bars" (shares by option and side), "intervals" (points with limits by label and side), "ladder" (points with
        limits beside reference values and a floor), "lines" (y by x and series, with limits), "scatter" (y by x and
        series), "tree" (marks with lines to what they hang under), "replay" (agents by round, see
        `proband.analyses.replay`; rows are the last one), or "vega", then `options` is a Vega-Lite specification.
    rows : tuple of mapping
        The data, one mapping a mark; keys by form. Bars, intervals: label, side, value, low, high (`marks` makes
        them of estimates). Ladder: label, value, low, high, floor, and `references`, a mapping of name to value.
        Lines, scatter: x, y, series, and low, high or label where there are any; rows of a scatter that say
        ``is_line`` are a dashed line instead. Tree: x, y, from_x, from_y, label.
    caption : str
        What it shows, in a sentence; read to those who cannot see it.
    options : mapping
        Titles of axes, ``x_title`` and ``y_title``; number formats of d3, ``x_format`` and ``y_format``; ``zero``: a
        value at which a line is drawn; ``is_band``: limits of lines as a band, without points. For "vega" the
        specification.
    """

    form: FigureForm
    rows: tuple[Mapping[str, object], ...]
    caption: str
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One thing told of a run.

    Attributes
    ----------
    name : str
        Unique among the sections of a run, for links and tidy tables, e.g. ``shares-vote``.
    heading : str
        As the reader sees it.
    chapter : str
        Heading over neighbouring sections that belong together; empty where it stands alone.
    sentences : tuple of str
        What was found, in words.
    table, figure : Table, Figure or None
        At most one each.
    keys : mapping
        Columns that mark its rows in `Findings.table`, e.g. item and factor levels.
    notes : tuple of str
        Small print: n, methods, where reference rows come from.
    warnings : tuple of str
        What a reader must know before using its numbers.
    lead : str
        A sentence for the top of the findings; at most one section in a few has one.
    claims : tuple of str
        What may, or may not, be said because of these numbers.
    methods : tuple of str
        Sentences for the methods paragraph: which intervals, which tests. Said once, however many sections say them.
    """

    name: str
    heading: str
    chapter: str = ""
    sentences: tuple[str, ...] = ()
    table: Table | None = None
    figure: Figure | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    lead: str = ""
    claims: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


def limits(estimate: Estimate, value: str = "value") -> Mapping[str, object]:
    """Value and limits of a mark in a figure, the value under this key; without an interval the mark is a point."""
    low, high = estimate.interval or (None, None)
    return {value: estimate.as_dict()["value"], "low": low, "high": high}


def marks(estimates: Mapping[str, Estimate | None], side: str = "") -> tuple[Mapping[str, object], ...]:
    """Rows of a figure of bars or intervals: one mark an estimate, named by its label; none for nothing."""
    return tuple({"label": label, "side": side, **limits(found)} for label, found in estimates.items() if found)


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """A way to look at a run; see ``docs/how-to/add-an-analysis.md``.

    Attributes
    ----------
    name : str
        As kinds and ``proband measure --only`` name it.
    about : str
        One line for ``proband list analyses``.
    needs : callable
        The reason why a run cannot be looked at so, in words a reader understands; None where it can.
    sections : callable
        What is told of a run; weights and units always come from its roster.
    divided : callable or None
        The same with subgroups by the traits named, checked to be known; None where traits make no difference.
    is_quiet : bool
        Whether findings pass over it in silence where it cannot be made, because nobody would miss it.
    is_over_engines : bool
        Whether it may look at several runs of one study, in which the engine is a factor as any other.
    """

    name: str
    about: str
    needs: Callable[[Run], str | None]
    sections: Callable[[Run], Sequence[Section]]
    divided: Callable[[Run, tuple[str, ...]], Sequence[Section]] | None = None
    is_quiet: bool = False
    is_over_engines: bool = False


ANALYSES: Shelf[Analysis] = Shelf(
    what="analysis", group="proband.analyses", folders=("proband.analyses",), member="ANALYSIS", error=ProbandError
)
