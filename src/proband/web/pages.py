"""Pages: a template and the object that it shows, as HTML, or the object alone as JSON.

A page's endpoint gathers plain values and hands them to `page`; the address with ``.json`` at its end gives the same
values. Templates of the room and of its parts lie in folders that `environment` is given.
"""

import dataclasses
import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

ROOM = Path(__file__).parent
TEMPLATES, STATIC = ROOM / "templates", ROOM / "static"
TWIN = ".json"
Endpoint = Callable[[Request], Response | Awaitable[Response]]


@cache
def environment(*folders: Path) -> jinja2.Environment:
    """Templates of these folders and of the room; every value is escaped, and one that is not there is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["address"] = address
    filters: dict[str, Callable[..., object]] = {"count": lambda number: f"{number:,}", "words": words}
    made.filters |= filters
    return made


def page(
    request: Request, template: str, shown: Any, *, folders: Sequence[Path] = (), status: int = 200, **around: Any
) -> Response:
    """What a template shows of an object, or the object itself where the address ends in ``.json``.

    Parameters
    ----------
    request : Request
        What was asked for.
    template : str
        Name of a template, which extends ``base.html``.
    shown : object
        A mapping or a dataclass of plain values; the template's ``shown``.
    folders : sequence of Path
        Where templates are looked for before the room's own.
    status : int
        Of the answer.
    **around
        What only HTML needs, e.g. the texts of the interface in a language.
    """
    if request.url.path.endswith(TWIN):
        body = json.dumps(plain(shown), ensure_ascii=False, allow_nan=False, indent=1)
        return Response(body + "\n", status, media_type="application/json")
    html = (
        environment(*folders)
        .get_template(template)
        .render(shown=shown, here=request.url.path, form_token=getattr(request.state, "form_token", ""), **around)
    )
    return Response(html, status, media_type="text/html")


def both(path: str, endpoint: Endpoint) -> list[Route]:
    """The routes of a page and of its twin."""
    return [Route((path.rstrip("/") or "/index") + TWIN, endpoint), Route(path, endpoint)]


def static() -> Mount:
    """The stylesheet and the script."""
    return Mount("/static", StaticFiles(directory=STATIC))


def address(path: str, /, **query: object) -> str:
    """An address of this server: the path escaped, and what is not None in the query."""
    pairs = [(name, value) for name, value in query.items() if value is not None]
    return quote(path, safe="/~") + (f"?{urlencode(pairs, doseq=True)}" if pairs else "")


def plain(value: Any) -> Any:
    """A value as JSON has them; a number that is none is null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def words(name: object) -> str:
    """A name from the code as a reader says it."""
    return "don't know" if name == "dont_know" else str(name).replace("_", " ")
