"""Two runs beside each other, joined by place."""

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any

import polars as pl
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from proband.analyses.two_runs import compared
from proband.reports.findings import Findings
from proband.web.pages import address
from proband.web.viewer.asking import folder_of, held_run
from proband.web.viewer.framing import framed
from proband.web.viewer.held import SIZE, Held
from proband.web.viewer.lists import answer_text, shown
from proband.web.viewer.single import turns_of

_GIVEN = ("status", "answer", "value", "label", "parts")
_COLUMNS = ("trial", "subject", "item", "request", *_GIVEN)
_NAMED = 5  # places that only one of them has
_MOST_WORDS = 20_000  # of two requests whose differences are marked


def comparison(request: Request) -> Response:
    """What two runs share, where they differ, and what only one of them has."""
    names = [request.query_params.get(name, "") for name in ("first", "second")]
    if not all(names):
        listed = [name for name in folder_of(request).runs if not name.endswith("~people")]
        return shown(request, "choose.html", {"runs": listed, "first": names[0] or None})
    one, other = (held_run(request, name) for name in names)
    joined = _joined(one, other)
    there, here = pl.col("status_second").is_not_null(), pl.col("status").is_not_null()
    both = there & here
    differs = both & ~pl.all_horizontal(pl.col(n).eq_missing(pl.col(f"{n}_second")) for n in _GIVEN)
    after = request.query_params.get("after", "")
    # Together, so that the two tables are read and joined once.
    counted, changed, *only = pl.collect_all(
        [
            joined.select(
                both.sum().alias("both"),
                (here & ~there).sum().alias("only_first"),
                (there & ~here).sum().alias("only_second"),
                differs.sum().alias("differs"),
                (both & (pl.col("request") != pl.col("request_second"))).sum().alias("asked_differently"),
            ),
            joined.filter(differs, pl.col("trial") > after).sort("trial").head(SIZE + 1),
            *(
                joined.filter(side).select("trial").sort("trial").head(_NAMED)
                for side in (here & ~there, there & ~here)
            ),
        ]
    )
    rows = changed.to_dicts()
    later = rows[SIZE - 1]["trial"] if len(rows) > SIZE else None
    return shown(
        request,
        "compare.html",
        {
            "first": one.name,
            "second": other.name,
            **counted.to_dicts()[0],
            "only": {name: part["trial"].to_list() for name, part in zip(("first", "second"), only, strict=True)},
            "rows": [
                {
                    "place": row["trial"],
                    "item": row["item"],
                    "first": answer_text(row) or row["status"],
                    "second": answer_text(_second(row)) or row["status_second"],
                    "is_asked_alike": row["request"] == row["request_second"],
                }
                for row in rows[:SIZE]
            ],
            "later": later and address("/compare", first=one.name, second=other.name, after=later),
        },
    )


def _joined(one: Held, other: Held) -> pl.LazyFrame:
    """Rows of both by place, the second's columns with ``_second`` behind."""
    first, second = (held.lazy().select(_COLUMNS) for held in (one, other))
    return first.join(second, on="trial", how="full", coalesce=True, suffix="_second", maintain_order="none")


def _second(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[f"{name}_second"] for name in _GIVEN}


def comparison_findings(request: Request) -> Response:
    """Agreement and paired differences of two runs, as the report shows such things."""
    one, other = (held_run(request, request.query_params.get(name, "")) for name in ("first", "second"))
    found = Findings(title=f"{one.name} and {other.name}", sections=compared(one.run, other.run))
    return framed(found)


def pair(request: Request) -> Response:
    """One place in two runs: the words that differ in what was sent, and both answers."""
    place = request.query_params.get("place", "")
    sides: list[dict[str, Any]] = []
    for which in ("first", "second"):
        held = held_run(request, request.query_params.get(which, ""))
        found = held.rows_at([place]).to_dicts()
        if not found:
            raise HTTPException(404, f"There is no response at {place!r} in {held.name}.")
        body = held.journal.body_of(found[0]["request"])
        turns = turns_of(json.loads(body or "{}"))
        sides.append(
            {
                "run": held.name,
                "answer": answer_text(found[0]),
                "status": found[0]["status"],
                "reply": found[0]["text"],
                "sent": "\n\n".join(f"[{turn['role']}]\n{turn['text']}" for turn in turns),
            }
        )
    marked = list(differences(sides[0]["sent"], sides[1]["sent"]))
    return shown(request, "pair.html", {"place": place, "sides": sides, "marked": marked})


def differences(one: str, other: str) -> Iterator[tuple[str, str]]:
    """Two texts as one, word by word: what is the ``same``, only in the first (``gone``), only in the second (``new``).

    Examples
    --------
    >>> list(differences("a fair coin", "a loaded coin"))
    [('same', 'a '), ('gone', 'fair'), ('new', 'loaded'), ('same', ' coin')]
    """
    first, second = (re.findall(r"\s+|\w+|[^\w\s]", text) for text in (one, other))
    if len(first) + len(second) > _MOST_WORDS:
        yield from (("gone", one), ("new", other)) if one != other else (("same", one),)
        return
    for kind, a, b, c, d in difflib.SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if kind == "equal":
            yield "same", "".join(first[a:b])
            continue
        if a < b:
            yield "gone", "".join(first[a:b])
        if c < d:
            yield "new", "".join(second[c:d])
