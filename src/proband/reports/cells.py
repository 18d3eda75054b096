"""Numbers as a reader sees them, alike on every face."""

import math

from proband.analyses.section import Cell, Column
from proband.estimates import Estimate

UNDEFINED = "undefined"


def cell_text(cell: Cell, column: Column) -> str:
    """A cell of a table; empty where there is nothing.

    Examples
    --------
    >>> cell_text(0.0004, Column(name="p", form="p"))
    '< 0.001'
    >>> cell_text(1234, Column(name="n", form="count"))
    '1,234'
    """
    if isinstance(cell, Estimate):
        return p_value(cell.p_value) if column.form == "p" else _estimate(cell, column)
    if cell is None or isinstance(cell, str):
        return cell or ""
    return p_value(cell) if column.form == "p" else _number(float(cell), column, is_count=isinstance(cell, int))


def percent(estimate: Estimate | None) -> str:
    """A share and its interval in percent, e.g. ``46.2 % [38.0, 54.6]``; empty where there is none.

    Examples
    --------
    >>> percent(Estimate(value=0.462, interval=(0.38, 0.546), estimand="share", target="model", n_units=9))
    '46.2 % [38.0, 54.6]'
    """
    return cell_text(estimate, Column(name="", form="share"))


def decimal(estimate: Estimate | None, digits: int = 3) -> str:
    """A number and its interval, e.g. ``0.120 [0.051, 0.203]``; empty where there is none."""
    return cell_text(estimate, Column(name="", digits=digits))


def points(estimate: Estimate | None) -> str:
    """A difference of shares in percentage points, e.g. ``+11.3 [+4.0, +18.1]``; empty where there is none.

    Examples
    --------
    >>> points(Estimate(value=0.113, interval=(0.04, 0.181), estimand="difference", target="model", n_units=9))
    '+11.3 [+4.0, +18.1]'
    """
    return cell_text(estimate, Column(name="", form="points"))


def p_value(p: float | None) -> str:
    """A p value; empty where there is none."""
    return "" if p is None or math.isnan(p) else "< 0.001" if p < 0.0005 else f"{p:.3f}"


def _estimate(found: Estimate, column: Column) -> str:
    text = _number(found.value, column)
    if found.interval is None or not math.isfinite(found.value):
        return text
    factor, form = _scale(column)
    return f"{text} [{', '.join(_plain(factor * limit, form) for limit in found.interval)}]"


def _number(value: float, column: Column, *, is_count: bool = False) -> str:
    if math.isnan(value):
        return UNDEFINED
    if math.isinf(value):
        return "infinite"
    if column.form == "count" or (is_count and column.form in ("text", "number")):
        return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"
    factor, form = _scale(column)
    return _plain(factor * value, form) + (" %" if column.form == "share" else "")


def _plain(value: float, form: str) -> str:
    # Rounded first: a limit of -0.0001 would stand there as -0.000.
    digits = int(form.strip("+,.f"))
    return format(round(value, digits) + 0.0, form)


def _scale(column: Column) -> tuple[float, str]:
    if column.form == "share":
        return 100, ".1f"
    if column.form == "points":
        return 100, "+.1f"
    return 1, ",.0f" if column.form == "count" else f".{column.digits}f"
