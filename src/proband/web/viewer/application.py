"""The viewer as an application: its addresses, its guard, and news of what goes on."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from proband.errors import ProbandError
from proband.web.guarding import POLICY, Guard, OneTimeDoor
from proband.web.pages import both, static
from proband.web.viewer import comparing, framing, lists, single
from proband.web.viewer.asking import held_run
from proband.web.viewer.folder import Folder
from proband.web.viewer.held import news_of

COOKIE = "proband_view"
FRAMING = f"{POLICY}; frame-src 'self'"  # of pages that have a report in a frame
_LOOK_S = 1.0  # between two looks at a run's folder
_log = logging.getLogger("proband")

Asked = Callable[[Request], Response]


def viewer(root: str | Path, door: OneTimeDoor) -> Guard:
    """The viewer of a folder, behind its guard.

    Raises
    ------
    StoreError
        If the folder is not there.
    """
    return Guard(application(Folder(root)), doors=(door,))


def application(folder: Folder, *, is_still: bool = False) -> Starlette:
    """The pages alone; `is_still` for a copy that is written down once, where nothing can be asked for."""
    routes = [
        *both("/", lists.runs),
        *both("/compare", _with_frame(comparing.comparison)),
        *both("/compare/place", comparing.pair),
        Route("/compare/findings", comparing.comparison_findings),
        *both("/runs/{run}", _with_frame(lists.run)),
        *both("/runs/{run}/trials", lists.trials),
        Route("/runs/{run}/export.{ending}", lists.export),
        *both("/runs/{run}/trial", single.trial),
        *both("/runs/{run}/subjects", lists.subjects),
        *both("/runs/{run}/subject", single.subject),
        *both("/runs/{run}/unit", single.unit),
        *both("/runs/{run}/instrument", single.instrument),
        Route("/runs/{run}/findings", framing.run_findings),
        Route("/runs/{run}/news", news),
        *both("/studies/{study}", _with_frame(single.study)),
        Route("/studies/{study}/findings", framing.study_findings),
        static(),
    ]
    handlers = {ProbandError: _refused, HTTPException: _missing, 500: _broken}
    app = Starlette(routes=routes, exception_handlers=handlers)  # type: ignore[arg-type]
    app.state.folder, app.state.is_still = folder, is_still
    return app


def _with_frame(endpoint: Asked) -> Asked:
    def answer(request: Request) -> Response:
        response = endpoint(request)
        response.headers["content-security-policy"] = FRAMING
        return response

    return answer


async def news(request: Request) -> Response:
    """Server-sent events: that a run has something new, and at last that it is over."""
    held = await asyncio.to_thread(held_run, request)

    async def tell() -> AsyncIterator[str]:
        known, is_over = held.token, held.is_over
        yield "retry: 3000\n\n"
        while not is_over and not await request.is_disconnected():
            now = news_of(held.path)
            if now != known:
                known, is_over = now, held.run.directory.manifest_path.exists()
                yield f"data: {'over' if is_over else 'more'}\n\n"
            else:
                await asyncio.sleep(_LOOK_S)
        yield "data: over\n\n"

    return StreamingResponse(tell(), media_type="text/event-stream")


def _refused(request: Request, error: ProbandError) -> Response:
    return _told(request, str(error), 400)


def _missing(request: Request, error: HTTPException) -> Response:
    why = "There is no such page." if error.detail == "Not Found" else error.detail
    return _told(request, why, error.status_code)


def _broken(request: Request, error: Exception) -> Response:
    _log.error("the page %s failed", request.url.path, exc_info=error)
    return _told(request, "This page could not be made, which is a fault of Proband; its terminal says more.", 500)


def _told(request: Request, why: str, status: int) -> Response:
    return lists.shown(request, "refused.html", {"why": why, "status": status}, status=status)
