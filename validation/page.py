"""The page that `make validate` writes: one table per family."""

import math
import re
from collections.abc import Sequence

from validation.running import Cell, Family
from validation.simulation import Scenario

INTRODUCTION = """\
# Coverage of the intervals

This page shows how often the intervals and tests of Proband do what they promise. Data were simulated, so the truth is
known. The tables give the share of samples whose interval contains the true value, or in which a test rejects. The page
is written by `make validate` (`python -m validation`). It fails if a share is further from what is promised than the
stated tolerance and four Monte Carlo standard errors. A reduced form runs with the slow tests.

A share in *italics* belongs to a sample below the size from which the method makes its promise. There the method warns,
refuses, or is known to be off, and the page shows how far off. A share in **bold** is off where it should not be. One
with a dagger (†) is outside the stated band by less than four Monte Carlo standard errors: chance, or a point or two.
Replicates in which the method refused, or gave no interval, are left out of the share and counted. Methods in italics
are not used; they are shown for comparison.
"""
_SHARE = re.compile(r"\**\d\.\d{3}†?\**")
_SECTION = re.compile(r"^## (?P<title>.+)$", re.M)


def sections(family: Family, cells: Sequence[Cell], replicates: int) -> dict[str, str]:
    """Heading, table and reading notes under each title of a family; the notes under its first."""
    titles = family.titles
    return {title: _section(family, title, cells, replicates, is_first=title == titles[0]) for title in titles}


def _section(family: Family, title: str, cells: Sequence[Cell], replicates: int, *, is_first: bool) -> str:
    rows = [row for row, scenario in enumerate(family.scenarios) if scenario.family == title]
    found = {(cell.row, cell.n): cell for cell in cells if cell.row in rows}
    sizes = sorted({n for _, n in found})
    error = math.sqrt(0.95 * 0.05 / replicates)
    head = ["method", "data", "promised", *(f"n = {n}" if k == 0 else str(n) for k, n in enumerate(sizes))]
    lines = [
        f"## {title}",
        "",
        f"{replicates:,} replicates; Monte Carlo standard error {error:.4f} at .95 and at .05.",
        "",
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
    ]
    for row in rows:
        scenario = family.scenarios[row]
        shown = [_cell(scenario, found.get((row, n)), replicates) for n in sizes]
        lines.append(f"| {scenario.method} | {scenario.data} | {_promise(scenario)} | {' | '.join(shown)} |")
    if family.reading and is_first:
        lines += ["", "Reading it:", "", family.reading]
    return "\n".join(lines) + "\n"


def _promise(scenario: Scenario) -> str:
    if not any(n >= scenario.held_from for n in scenario.sizes):
        return "none"
    if not scenario.is_conservative:
        return f"{scenario.expected:g} ± {scenario.tolerance:g}"
    if scenario.expected < 0.5:
        return f"at most {scenario.expected + scenario.tolerance:g}"
    return f"at least {scenario.expected - scenario.tolerance:g}"


def _cell(scenario: Scenario, cell: Cell | None, replicates: int) -> str:
    if cell is None:
        return ""
    if math.isnan(cell.share):
        return "refused"
    shown = _marked(scenario, cell.n, round(cell.share, 3), is_off=bool(cell.objection))
    if not cell.n_refused:
        return shown
    refused = cell.n_refused / replicates
    return f"{shown} ({'under 1' if refused < 0.01 else f'{refused * 100:.0f}'} % refused)"


def _marked(scenario: Scenario, n: int, share: float, *, is_off: bool) -> str:
    """A share as it is printed, with what is to be said of it."""
    if is_off:
        return f"**{share:.3f}**"
    if n < scenario.held_from:
        return f"*{share:.3f}*"
    excess = share - scenario.expected if scenario.expected < 0.5 else scenario.expected - share
    if not scenario.is_conservative:
        excess = abs(excess)
    return f"{share:.3f}{'†' if excess > scenario.tolerance + 1e-9 else ''}"


def reread(before: str, known: Sequence[Family]) -> str:
    """The page with notes and marks as they are now; the shares are those that were simulated."""
    told = {title: _anew(text, [f for f in known if title in f.titles]) for title, text in _sections(before).items()}
    return page({title: text for title, text in told.items() if text})


def _anew(text: str, of: Sequence[Family]) -> str:
    if not of:
        return ""
    title = text.splitlines()[0].removeprefix("## ")
    rows = {f"| {s.method} | {s.data} |": s for s in of[0].scenarios if s.family == title}
    lines, sizes = [], list[int]()
    for line in text.partition("\nReading it:")[0].rstrip().splitlines():
        if line.startswith("| method |"):
            sizes = [int(cell.split()[-1]) for cell in line.strip("| ").split(" | ")[3:]]
        scenario = next((s for start, s in rows.items() if line.startswith(start)), None)
        if scenario is None:
            lines.append(line)
            continue
        cells = [part.strip() for part in line.strip().removesuffix("|").split("|")[-len(sizes) :]]
        again = [
            _SHARE.sub(_marked(scenario, n, float(found[0]), is_off="**" in cell), cell, count=1)
            if (found := re.search(r"\d\.\d{3}", cell)) else cell
            for n, cell in zip(sizes, cells, strict=True)
        ]  # fmt: skip
        lines.append(f"| {scenario.method} | {scenario.data} | {_promise(scenario)} | {' | '.join(again)} |")
    if of[0].reading and title == of[0].titles[0]:
        lines += ["", "Reading it:", "", of[0].reading]
    return "\n".join(lines) + "\n"


def page(written: dict[str, str], before: str = "", known: Sequence[Family] = ()) -> str:
    """The whole page: new sections, and those of a page written before that are not among them.

    Of a page from before, only rows stay that a scenario of the `known` families writes.
    """
    kept = {
        title: section
        for title, text in _sections(before).items()
        if (section := _simulated(text, [s for f in known for s in f.scenarios if s.family == title]))
    }
    merged = {**kept, **written}
    return "\n".join([INTRODUCTION, *(merged[title] for title in sorted(merged))])


def _simulated(text: str, scenarios: Sequence[Scenario]) -> str:
    """A section without rows that nothing simulates any more; empty where none is left."""
    rows = tuple(f"| {scenario.method} | {scenario.data} |" for scenario in scenarios)
    lines = [line for line in text.splitlines() if not line.startswith("| ") or line.startswith(("| method |", *rows))]
    return "\n".join(lines) + "\n" if rows else ""


def _sections(text: str) -> dict[str, str]:
    """Sections of a page by their title."""
    heads = list(_SECTION.finditer(text))
    ends = [*(head.start() for head in heads), len(text)][1:]
    return {head["title"]: text[head.start() : end].rstrip() + "\n" for head, end in zip(heads, ends, strict=True)}
