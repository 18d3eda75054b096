"""Findings as the report shows them, inside a frame that can do nothing but draw."""

import re
import threading
from collections import OrderedDict
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from proband.reports.findings import Findings, findings
from proband.reports.page import page
from proband.web.viewer.asking import folder_of, held_run
from proband.web.viewer.held import news_of

_HASHES = re.compile(r"'sha256-[A-Za-z0-9+/]{43}='")
_MOST_KEPT = 4
_kept: OrderedDict[tuple[str, tuple[int, ...]], str] = OrderedDict()
_lock = threading.Lock()


def run_findings(request: Request) -> Response:
    """Findings of a run: its written report where that is of this state, or else made now."""
    held = held_run(request)
    written = held.path / "report.html"
    manifest = held.run.directory.manifest_path
    if held.is_over and written.is_file() and written.stat().st_mtime_ns >= manifest.stat().st_mtime_ns:
        return _answer(written.read_text(encoding="utf-8", errors="replace"))
    key = (str(held.path.resolve()), news_of(held.path))
    with _lock:
        html = _kept.get(key)
    if html is None:
        html = page(findings(held.run))
        with _lock:
            _kept[key] = html
            while len(_kept) > _MOST_KEPT:
                _kept.popitem(last=False)
    return _answer(html)


def study_findings(request: Request) -> Response:
    """The written page of a study of interventions."""
    found = folder_of(request).studies.get(request.path_params["study"])
    if found is None or not Path(found.report).is_file():
        raise HTTPException(404, "There is no page of findings here.")
    return _answer(found.report.read_text(encoding="utf-8", errors="replace"))


def framed(found: Findings) -> Response:
    """Findings as a page for a frame."""
    return _answer(page(found))


def _answer(html: str) -> Response:
    """A report page with a policy of its own: only the scripts that it names by their hash run, in no origin at all."""
    allowed = " ".join(_HASHES.findall(html[:4096])) or "'none'"
    policy = (
        f"sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src {allowed}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    return Response(html, media_type="text/html", headers={"content-security-policy": policy})
