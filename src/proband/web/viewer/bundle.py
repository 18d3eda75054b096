"""A static copy of the viewer's pages, for colleagues: files that open without a server."""

import asyncio
import hashlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp

from proband.errors import StoreError
from proband.web.pages import STATIC
from proband.web.viewer.application import application
from proband.web.viewer.folder import Folder

MOST_PAGES = 5_000
# Our templates alone write attributes; in what they show, quotation marks are escaped.
_LINK = re.compile(r'\b(href|src)="(/[^"]*)"')
# People's answers stand beside each trial; their run has as many pages again, and mostly more.
_LEFT = re.compile(r"/static/|/runs/[^/?]*~people|/compare(?!.*second=)|[^?]*(/news|/export\.\w+)(\?|$)")


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What was written: how many pages, and what a reader should know."""

    n_pages: int
    remarks: tuple[str, ...]


def write_bundle(root: str | Path, into: str | Path, *, most: int = MOST_PAGES) -> Bundle:
    """Write the pages of a folder as files that link to each other.

    Parameters
    ----------
    root : path
        A run, or a folder of runs.
    into : path
        Where; a folder that is not there yet, or empty.
    most : int
        Pages at most: first the runs, then their lists, then single trials.

    Returns
    -------
    Bundle
        How many pages it has, and how many were left out.

    Raises
    ------
    StoreError
        If the folder is not empty or cannot be written.
    """
    target, app = Path(into), application(Folder(root), is_still=True)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StoreError(f"{target}: is there already; give --bundle a new folder")
    pages, left = _collected(app, most)
    names = {address: _name(address) for address in pages}
    try:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copytree(STATIC, target / "static")
        for address, html in pages.items():
            (target / names[address]).write_text(_LINK.sub(lambda m: _relative(m, names), html), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{target}: cannot be written ({error}); choose another folder") from None
    remarks = (f"{left:,} pages are left out; the copy ends after {most:,}",) if left else ()
    return Bundle(n_pages=len(pages), remarks=remarks)


def _collected(app: ASGIApp, most: int) -> tuple[dict[str, str], int]:
    """Pages by address, those near the list of runs first, and how many that are linked to are not among them."""
    pages: dict[str, str] = {}
    known, waiting = {"/"}, ["/"]
    while waiting and len(pages) < most:
        address = waiting.pop(0)
        html = asyncio.run(asked(app, address))
        pages[address] = html
        if not urlsplit(address).path.endswith("/findings"):
            for link in _links(html):
                if link not in known:
                    known.add(link)
                    waiting.append(link)
    return pages, len(waiting)


def _links(html: str) -> Iterator[str]:
    for _, written in _LINK.findall(html):
        link = unescape(written).partition("#")[0]
        if not _LEFT.match(link):
            yield link


async def asked(app: ASGIApp, address: str) -> str:
    """The page at an address, asked for within this process."""
    parts = urlsplit(address)
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(b"host", b"127.0.0.1")],
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "http_version": "1.1",
        "root_path": "",
        "state": {},
    }
    body = bytearray()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        body.extend(message.get("body", b""))

    await app(scope, receive, send)
    return body.decode("utf-8")


def _name(address: str) -> str:
    """Name of the file of a page; flat, so that links from everywhere are alike."""
    if address == "/":
        return "index.html"
    words = re.sub(r"[^a-zA-Z0-9]+", "-", unquote(address)).strip("-")[:60]
    return f"{words}-{hashlib.blake2b(address.encode(), digest_size=6).hexdigest()}.html"


def _relative(match: re.Match[str], names: dict[str, str]) -> str:
    attribute, written = match.groups()
    link, hash, anchor = unescape(written).partition("#")
    if link.startswith("/static/"):
        return f'{attribute}="{escape(written[1:])}"'
    return f'{attribute}="{escape(names[link] + hash + anchor)}"' if link in names else "data-left-out"
