"""The flow of records through a review, counted from what happened: as text, and as the diagram of PRISMA."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

Flow = Mapping[str, int | Mapping[str, int]]

_INK, _MUTED, _LINE, _BAND = "#20272e", "#59636e", "#9aa4ae", "#f4f6f8"
_WIDTH, _BOX, _SIDE, _GAP, _LEADING = 760, 380, 300, 28, 18
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif"


def flow_of(
    counts: Mapping[str, int], *, left_out: Mapping[str, int], found: int | None, decisions: Sequence[Mapping[str, str]]
) -> Flow:
    """Counts of every stage.

    Parameters
    ----------
    counts : mapping
        Of `Library.flow`: records of each file, of all, merged, left.
    left_out : mapping
        Mark -> records that were taken out for it.
    found : int or None
        How many the query found, where only these went on.
    decisions : sequence of mapping
        One a record that was read: `decision`, `criterion`, `reason`.

    Returns
    -------
    mapping
        In the order of the diagram; `reasons` has the excluded by reason. What was not read is told, not hidden.
    """
    after = counts["left"] - sum(left_out.values())
    candidates = after if found is None else found
    read = Counter(row["decision"] for row in decisions)
    why = Counter(row["reason"] or row["criterion"] or "no reason given" for row in decisions if _is_out(row))
    return {
        "sources": {name: n for name, n in counts.items() if name not in ("records", "merged", "left")},
        "records": counts["records"],
        "merged": counts["merged"],
        "left_out": dict(left_out),
        "not_found": after - candidates,
        "candidates": candidates,
        "screened": len(decisions),
        "not_read": candidates - len(decisions),
        "excluded": read["exclude"],
        "reasons": dict(why.most_common()),
        "undecided": len(decisions) - read["exclude"] - read["include"],
        "included": read["include"],
    }


def _is_out(row: Mapping[str, str]) -> bool:
    return row["decision"] == "exclude"


def _stages(flow: Flow) -> list[tuple[str, list[str], str, list[str]]]:
    """Each stage: its box and the lines in it, and what left the flow there."""

    def number(name: str) -> int:
        found = flow[name]
        return found if isinstance(found, int) else sum(found.values())

    def parts(name: str) -> list[str]:
        found = flow[name]
        return [f"{what}: {n:,}" for what, n in found.items()] if isinstance(found, Mapping) else []

    gone = [f"duplicates: {number('merged'):,}", *parts("left_out")]
    gone += [f"not found by the query: {number('not_found'):,}"] * bool(flow["not_found"])
    kept_back = [f"not read: {number('not_read'):,}"] * bool(flow["not_read"])
    kept_back += [f"undecided: {number('undecided'):,}"] * bool(flow["undecided"])
    return [
        (f"Records identified: {number('records'):,}", parts("sources"), "Taken out before screening", gone),
        (f"To be screened: {number('candidates'):,}", [], "Left", kept_back),
        (f"Screened: {number('screened'):,}", [], f"Excluded: {number('excluded'):,}", parts("reasons")),
        (f"Included: {number('included'):,}", [], "", []),
    ]


def in_words(flow: Flow) -> str:
    """The flow as lines of text."""
    told = []
    for box, lines, side, gone in _stages(flow):
        told.append(f"{box}" + (f" ({'; '.join(lines)})" if lines else ""))
        told += [f"  {side}" + (f": {'; '.join(gone)}" if gone else "")] if side and (gone or ":" in side) else []
    return "\n".join(told) + "\n"


def drawn(flow: Flow) -> str:
    """The flow as an SVG figure, whose text can be read and copied."""
    y, parts = 12, list[str]()
    middle = _BOX / 2 + 12
    for k, (box, lines, side, gone) in enumerate(_stages(flow)):
        height = _LEADING * max(1 + len(lines), bool(gone) + len(gone) or 1) + 20
        if k:
            parts.append(_arrow(middle, y - _GAP, middle, y))
        parts.append(_box(12, y, _BOX, height, [box, *lines]))
        if side and (gone or ":" in side):
            x = 12 + _BOX + 56
            parts += [_box(x, y, _SIDE, height, [side, *gone]), _arrow(12 + _BOX, y + height / 2, x, y + height / 2)]
        y += height + _GAP
    title = escape("; ".join(in_words(flow).split("\n")).strip("; "))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y - _GAP + 12}" width="{_WIDTH}" role="img" '
        f'font-family="{_FONT}" font-size="13"><title>{title}</title>'
        f'<defs><marker id="to" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{_LINE}"/></marker></defs>{"".join(parts)}</svg>\n'
    )


def _box(x: float, y: float, width: float, height: float, lines: Sequence[str]) -> str:
    bold = ' font-weight="600"'
    texts = "".join(
        f'<text x="{x + 12}" y="{y + 23 + k * _LEADING}" fill="{_MUTED if k else _INK}"'
        f"{'' if k else bold}>{escape(line if len(line) <= 46 else line[:45] + '…')}</text>"
        for k, line in enumerate(lines)
    )
    shape = f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" fill="{_BAND}" stroke="{_LINE}"/>'
    return f"<g>{shape}{texts}</g>"


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<path d="M{x} {y}L{to_x} {to_y}" stroke="{_LINE}" fill="none" marker-end="url(#to)"/>'
