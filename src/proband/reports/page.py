"""The report of a run: one HTML file that opens offline, and its JSON twin."""

import base64
import hashlib
import itertools
import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
import vl_convert
from markupsafe import Markup

from proband.errors import StoreError
from proband.records import STATUSES
from proband.reports.comparison import Comparison, ItemComparison, compare
from proband.reports.figures import (
    CONFIG,
    DARK,
    LIGHT,
    VEGA_LITE,
    distance_ladder,
    means_figure,
    overview_figure,
    shares_figure,
    specification,
)
from proband.reports.methods import (
    claims_paragraphs,
    methods_paragraph,
    population_name,
    summary_sentence,
)
from proband.reports.tables import (
    FLOOR,
    FURTHER_NULLS,
    NULL_NAMES,
    condition_text,
    decimal,
    disposition_rows,
    item_rows,
    ladder_lines,
    percent,
)
from proband.runs.run import Run

_TEMPLATES = Path(__file__).parent / "templates"
_N_EXAMPLES = 10  # answers listed of items that have neither shares nor a mean


def write_report(run: Run, path: str | Path | None = None, *, by: Sequence[str] | None = None) -> Path:
    """Write the report of a run, and its JSON twin beside it.

    Parameters
    ----------
    run : Run
        Finished or not; an unfinished run is reported as far as it is, under a banner.
    path : path, optional
        The HTML file; default ``report.html`` in the run directory. The twin has the same name and ends in
        ``.json``.
    by : sequence of str, optional
        Traits whose levels are subgroups; default those with few levels.

    Returns
    -------
    pathlib.Path
        The HTML file. It loads nothing from anywhere: scripts, styles and data are inside.

    Raises
    ------
    StoreError
        If the name does not end in ``.html``, or the files cannot be written.
    """
    target = run.path / "report.html" if path is None else Path(path)
    if target.suffix != ".html":
        raise StoreError(f"{target}: a report is a page with a JSON twin; end its name in .html")
    comparison = compare(run, by=by)
    twin = json.dumps(comparison.as_dict(), indent=2, ensure_ascii=False) + "\n"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for file, text in ((target.with_suffix(".json"), twin), (target, page(run, comparison))):
            part = file.with_name(file.name + ".part")
            part.write_text(text, encoding="utf-8")
            part.replace(file)
    except OSError as error:
        raise StoreError(f"{target}: cannot be written ({error.strerror}); choose another file") from None
    return target


def page(run: Run, comparison: Comparison) -> str:
    """The report as HTML text."""
    compared = [found for found in comparison.items if found.fidelity]
    license_, limits = claims_paragraphs(run, comparison)
    return (
        environment()
        .get_template("report.html")
        .render(
            run=run,
            comparison=comparison,
            manifest=run.manifest,
            manifest_text=json.dumps(run.manifest, indent=2, ensure_ascii=False, sort_keys=True),
            design=run.manifest.get("design") or {},
            engines=run.manifest.get("engine") or {},
            population=population_name(run.manifest),
            summary=summary_sentence(run, comparison),
            methods=methods_paragraph(run, comparison),
            claims={"license": license_, "limits": limits},
            example=_example_request(run),
            dispositions=_dispositions(comparison),
            statuses=STATUSES,
            items=_items(comparison),
            overview=overview_figure(comparison) if compared else None,
            compared=compared,
            ladder=comparison.ladder,
            ladder_lines=ladder_lines(comparison),
            all_nulls={**NULL_NAMES, **FURTHER_NULLS},
            nulls=NULL_NAMES,
            floor=FLOOR,
            **look(),
        )
    )


def environment() -> jinja2.Environment:
    """Where the templates of report pages are found, and the filters that they use."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[[Any], object]] = {
        "percent": lambda share: _in_a_cell(percent(share)),
        "decimal": lambda number: _in_a_cell(decimal(number)),
        "condition": condition_text,
        "specification": _inert_json,
        "words": _words,
    }
    made.filters |= filters
    return made


def look() -> dict[str, Any]:
    """Colours, style and scripts of a report page, with the hashes by which its policy allows the scripts."""
    charts = _charts_script()
    return {
        "palettes": {"light": LIGHT, "dark": DARK},
        "style": Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),
        "scripts": [Markup(_bundle()), Markup(charts)],
        "script_hashes": [_csp_hash(_bundle()), _csp_hash(charts)],
    }


def write_page(target: Path, html: str, twin: str) -> Path:
    """Write a page and, beside it, its JSON twin of the same name; neither is ever there by half.

    Raises
    ------
    StoreError
        If the name does not end in ``.html``, or the files cannot be written.
    """
    if target.suffix != ".html":
        raise _no_page(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for file, text in ((target.with_suffix(".json"), twin), (target, html)):
            part = file.with_name(file.name + ".part")
            part.write_text(text, encoding="utf-8")
            part.replace(file)
    except OSError as error:
        raise StoreError(f"{target}: cannot be written ({error.strerror}); choose another file") from None
    return target


def _no_page(target: Path) -> StoreError:
    return StoreError(f"{target}: a report is a page with a JSON twin; end its name in .html")


def _items(comparison: Comparison) -> list[dict[str, Any]]:
    """Every item with its conditions: figures, rows and warnings, ready to be shown."""
    sections = []
    for _, group in itertools.groupby(comparison.items, key=lambda found: found.item.id):
        parts = list(group)
        sections.append({"item": parts[0].item, "parts": [_part(comparison.run, found) for found in parts]})
    return sections


def _part(run: Run, found: ItemComparison) -> dict[str, Any]:
    """One item under one condition."""
    has_numbers = found.model_mean is not None or found.human_mean is not None
    figure = shares_figure(found) if found.model_shares else means_figure(found) if has_numbers else None
    fidelity = found.fidelity
    return {
        "found": found,
        "figure": figure,
        "rows": [row for row in item_rows(found) if row.kind in ("share", "mean")],
        "ladder": distance_ladder(found) if fidelity else None,
        "warnings": _warnings(found),
        "examples": [] if figure else _first_answers(run, found),
    }


def _warnings(found: ItemComparison) -> list[str]:
    """What a reader must know about an item, each once."""
    estimates = [*found.model_shares, found.model_mean, found.human_mean]
    said = [warning for estimate in estimates if estimate for warning in estimate.warnings]
    if found.fidelity:
        said = [*found.fidelity.warnings, *said]
    return list(dict.fromkeys(said))


def _first_answers(run: Run, found: ItemComparison) -> list[tuple[str, str]]:
    """Subject and answer of the first valid responses to an item that has no shares."""
    table = run.table().filter(pl.col("item") == found.item.id, pl.col("status") == "valid")
    for factor, level in found.condition.items():
        table = table.filter(pl.col(factor) == level)
    rows = table.head(_N_EXAMPLES).select("subject", "label", "value", "parts").iter_rows()
    return [(subject, _answer_text(found, label, value, parts)) for subject, label, value, parts in rows]


def _answer_text(
    found: ItemComparison, label: str | None, value: float | None, parts: Sequence[float] | None
) -> str:
    options = found.item.options
    if parts is None:
        return label if label is not None else f"{value:g}"
    if found.item.form == "allocation":
        return "; ".join(f"{option}: {part:g}" for option, part in zip(options, parts, strict=True))
    between = " > " if found.item.form == "ranking" else "; "
    return between.join(options[int(part)] for part in parts) or "none"


def _dispositions(comparison: Comparison) -> list[dict[str, Any]]:
    """Rows of the table of dispositions; people last, where there are people."""
    rows = [
        {"title": title, "counts": counts, "total": sum(counts.values()), "is_people": False}
        for title, counts in disposition_rows(comparison)
    ]
    people = comparison.run.people
    if people is not None:
        found = people.dispositions()
        counts = {status: found.get(status, 0) for status in STATUSES}
        total = sum(counts.values())
        rows.append({"title": "people, all items", "counts": counts, "total": total, "is_people": True})
    return rows


def _example_request(run: Run) -> dict[str, Any] | None:
    """What the first subject was sent, exactly; None where nothing is stored."""
    with run.directory.reader() as journal:
        first = next(iter(journal), None)
        response = None if first is None else journal[first]
        body = None if response is None else journal.body_of(response.request)
    if response is None or not body:
        return None
    sent = json.loads(body)
    return {
        "subject": response.place.subject,
        "item": response.place.item,
        "messages": [{"role": role, "text": text} for role, text in sent["messages"]],
        "continuations": sent.get("continuations", ()),
    }


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    return _closed(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE))


def _charts_script() -> str:
    """The script that draws the figures, with their look."""
    look = {"config": CONFIG, "light": dict(LIGHT), "dark": dict(DARK)}
    script = (_TEMPLATES / "charts.js").read_text(encoding="utf-8")
    return _closed(script.replace("__LOOK__", json.dumps(look, sort_keys=True)))


def _closed(script: str) -> str:
    """A script that cannot end its own element early."""
    return script.replace("</script", "<\\/script")


def _csp_hash(script: str) -> str:
    """The hash that allows exactly this script; whatever else would run, the browser refuses."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _words(name: str) -> str:
    """A name from the code as a reader says it."""
    return "don't know" if name == "dont_know" else name.replace("_", " ")


def _in_a_cell(text: str) -> str:
    """A number and its interval as a table shows them: a narrow one may break before the interval only."""
    return text.replace(" ", "\u00a0").replace("\u00a0[", " [")


def _inert_json(chart: Any) -> Markup:
    """A chart's specification as JSON that no reader of HTML can take for anything else."""
    text = json.dumps(specification(chart), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
