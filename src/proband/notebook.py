"""How objects show themselves in a notebook: small tables of escaped text without a style of their own, and a bar."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

_PAUSE_S = 0.2  # between two looks of a bar


def html_table(rows: Iterable[Sequence[object]], header: Sequence[object] = ()) -> str:
    """Rows of plain values as an HTML table."""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in header)
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align: left">{escape(str(cell))}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def progress_bar() -> Callable[[Any], None] | None:
    """A bar below the cell that runs, fed with what is ``done`` of a ``total``; None outside a notebook."""
    # Only a kernel has imported IPython already; to import it here would make it a dependency.
    ipython = sys.modules.get("IPython")
    if ipython is None or not hasattr(ipython.get_ipython(), "kernel"):
        return None
    html = ipython.display.HTML
    shown = ipython.display.display(html(""), display_id=True)
    told_at = [0.0]

    def watch(tally: Any) -> None:
        if tally.done >= tally.total or time.monotonic() - told_at[0] >= _PAUSE_S:
            told_at[0] = time.monotonic()
            bar = f'<progress value="{tally.done}" max="{max(tally.total, 1)}"></progress>'
            shown.update(html(f"{bar} {tally.done:,} of {tally.total:,} trials"))

    return watch
