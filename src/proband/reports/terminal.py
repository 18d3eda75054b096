"""Findings on a terminal: tables that fit its width, and rows one below the other where they do not."""

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from proband.analyses.section import Column, Section, Table
from proband.reports.cells import cell_text
from proband.reports.findings import Findings

_LEAST = 16  # characters that a text column is narrowed to before rows are stacked
_GAP = 2  # characters between columns
_ITEMS = "shares-"
_MOST_ITEMS = 12


def terminal(found: Findings, width: int = 80, *, is_whole: bool = False) -> RenderableType:
    """Findings for `rich` to print, no line wider than `width`; what may be claimed comes last, so it is read.

    Of many items only the first are shown, unless `is_whole`; the page and JSON have all.
    """
    return Group(*_parts(found, width, is_whole))


def _parts(found: Findings, width: int, is_whole: bool) -> Iterator[RenderableType]:
    yield from (Text(sentence, style="bold") for sentence in found.lead)
    for chapter, sections in found.chapters.items():
        if sections[0].chapter:
            yield Text(f"\n{chapter}", style="bold underline")
        items = [section.name for section in sections if section.name.startswith(_ITEMS)]
        left = set() if is_whole else set(items[_MOST_ITEMS:])
        for section in sections:
            if section.name not in left:
                yield from _section(section, width, is_whole)
        if left:
            yield Text(f"\n{len(left)} more items: proband measure {found.source} --only shares", style="bold")
    yield Text("")
    for name, reason in found.left_out.items():
        yield Text(f"not shown: {name} ({reason})", style="dim")
    yield from (Text(f"warning: {warning}", style="yellow") for warning in found.warnings)
    yield from (Text(paragraph, style="italic") for paragraph in (*found.claims, found.limits) if paragraph)


def _section(section: Section, width: int, is_whole: bool) -> Iterator[RenderableType]:
    yield Text(f"\n{section.heading}", style="bold")
    is_on_demand = section.table is not None and section.table.is_folded
    if section.table is not None and is_on_demand and not (is_whole or section.sentences or section.figure):
        yield Text(f"{len(section.table.rows)} rows stand in the report, and in --json and --csv", style="dim")
        return
    yield from (Text(sentence) for sentence in section.sentences)
    if section.table is not None and section.table.rows:
        yield _table(section.table, width)
    elif section.figure is not None:
        yield Text(f"figure in the report: {section.figure.caption}", style="dim")
    yield from (Text(note, style="dim") for note in section.notes)
    yield from (Text(f"warning: {warning}", style="yellow") for warning in section.warnings)


def _table(data: Table, width: int) -> RenderableType:
    cells = [[cell_text(cell, column) for cell, column in zip(row, data.columns, strict=True)] for row in data.rows]
    widest = [
        max(cell_len(text) for text in (column.name, *(row[k] for row in cells)))
        for k, column in enumerate(data.columns)
    ]
    texts = [k for k, column in enumerate(data.columns) if column.form == "text"]
    least = sum(min(widest[k], _LEAST) if k in texts else widest[k] for k in range(len(widest)))
    fits = least + _GAP * (len(widest) - 1) + 2 <= width
    return _grid(data.columns, cells) if fits else _stacked(data.columns, cells)


def _grid(columns: tuple[Column, ...], cells: list[list[str]]) -> Grid:
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False, padding=(0, 1))
    for column in columns:
        is_text = column.form == "text"
        grid.add_column(Text(column.name), justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text)
    for row in cells:
        grid.add_row(*map(Text, row))
    return grid


def _stacked(columns: tuple[Column, ...], cells: list[list[str]]) -> RenderableType:
    """Each row as a paragraph: what it is about, its first number with the interval, and the others beside it."""
    lines: list[RenderableType] = []
    texts = [k for k, column in enumerate(columns) if column.form == "text"] or [0]
    for row in cells:
        lines.append(Text(", ".join(row[k] for k in texts if row[k])))
        told = [f"{columns[k].name} {row[k]}" for k in range(len(row)) if k not in texts and row[k]]
        # A number and its interval stay on one line.
        beside = Text("; ".join(part.replace(" ", "\u00a0") for part in told), style="cyan")
        lines.append(Padding(beside, (0, 0, 0, 2)))
    return Group(*lines)
