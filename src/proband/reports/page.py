"""The page of findings: one HTML file that opens offline, and its JSON twin."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import vl_convert
from markupsafe import Markup

from proband.analyses.section import Cell, Column, Figure
from proband.errors import StoreError
from proband.reports.cells import cell_text
from proband.reports.figures import CONFIG, DARK, LIGHT, VEGA_LITE, colours, draw, png, specification, svg
from proband.reports.findings import COMPLETE, Findings, findings
from proband.runs.run import Run

_TEMPLATES = Path(__file__).parent / "templates"


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
    target = _page_name(run.path / "report.html" if path is None else Path(path))
    return write_findings(findings(run, by=by), target)


def write_findings(found: Findings, path: str | Path) -> Path:
    """Write findings as a page with its JSON twin; see `write_report`."""
    twin = json.dumps(found.as_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return write_page(Path(path), page(found), twin)


def page(found: Findings) -> str:
    """Findings as HTML text."""
    return environment().get_template("base.html").render(found=found, complete=COMPLETE, **look(_plays(found)))


def fragment(found: Findings) -> str:
    """Findings as a piece of HTML without scripts, for a notebook; figures are drawn already."""
    return environment().get_template("fragment.html").render(found=found, complete=COMPLETE)


def environment() -> jinja2.Environment:
    """Where the templates of pages are found, and the filters that they use."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., object]] = {
        "cell": _in_a_cell,
        "anchor": lambda name: re.sub(r"[^a-z0-9]+", "-", str(name).lower()).strip("-"),
        "specification": _inert_json,
        "percent": lambda share: _in_a_cell(share, Column(name="", form="share")),
        "decimal": lambda number: _in_a_cell(number, Column(name="")),
        "svg": lambda figure: Markup(svg(figure)),
        "frames": _frames,
        "picture": lambda figure: base64.b64encode(png(figure)).decode(),
    }
    made.filters |= filters
    return made


def _plays(found: Findings) -> bool:
    figures = (section.figure for sections in found.chapters.values() for section in sections)
    return any(figure is not None and figure.form == "replay" for figure in figures)


def look(plays: bool = False) -> dict[str, Any]:
    """Colours, style and scripts of a report page, with the hashes by which its policy allows the scripts."""
    player = _closed((_TEMPLATES / "replay.js").read_text(encoding="utf-8"))
    own = [_charts_script(), *([player] if plays else [])]
    return {
        "palettes": {"light": LIGHT, "dark": DARK},
        "style": Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),
        "scripts": [Markup(script) for script in (_bundle(), *own)],
        "script_hashes": [_csp_hash(script) for script in (_bundle(), *own)],
    }


def write_page(target: Path, html: str, twin: str) -> Path:
    """Write a page and, beside it, its JSON twin of the same name; neither is ever there by half.

    Raises
    ------
    StoreError
        If the name does not end in ``.html``, or the files cannot be written.
    """
    _page_name(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for file, text in ((target.with_suffix(".json"), twin), (target, html)):
            part = file.with_name(file.name + ".part")
            part.write_text(text, encoding="utf-8")
            part.replace(file)
    except OSError as error:
        raise StoreError(f"{target}: cannot be written ({error.strerror}); choose another file") from None
    return target


def _page_name(target: Path) -> Path:
    if target.suffix != ".html":
        raise StoreError(f"{target}: a report is a page with a JSON twin; end its name in .html")
    return target


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


def _in_a_cell(cell: Cell, column: Column) -> str:
    """A cell as a page shows it: a number may break before its interval only."""
    text = cell_text(cell, column)
    return text if isinstance(cell, str) else text.replace(" ", "\u00a0").replace("\u00a0[", " [")


def _frames(figure: Figure) -> Markup:
    """What a replay is played from."""
    return _inert({**figure.options, "colours": colours(figure)})


def _inert_json(figure: Any) -> Markup:
    """A figure's specification."""
    return _inert(draw(figure) if isinstance(figure, Figure) else specification(figure))


def _inert(made: Any) -> Markup:
    """JSON that no reader of HTML can take for anything else."""
    text = json.dumps(made, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
