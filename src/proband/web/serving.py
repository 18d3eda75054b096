"""A server of pages in this process: on loopback, opened by a link that works once, ended by Ctrl-C."""

import contextlib
import errno
import socket
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import uvicorn
from starlette.types import ASGIApp

from proband.errors import ProbandError, StoreError
from proband.web.guarding import KEY

LOOPBACK = "127.0.0.1"
_FIRST = 7370  # the port that is tried first, so that a bookmark may hold from one day to the next
_GRACE_S = 1  # streams that are still open when the server ends are cut after so long


def serve(
    app: ASGIApp,
    link: Callable[[str], str],
    *,
    port: int | None = None,
    is_public: bool = False,
    opens: bool = True,
    say: Callable[[str], object] = print,
) -> None:
    """Serve pages until Ctrl-C.

    Parameters
    ----------
    app : ASGI application
        The pages, behind their `Guard`.
    link : callable
        Given the address of the server, the link by which the person at this machine comes in; see `one_time`.
    port : int, optional
        Default 7370, or a free one where that is taken.
    is_public : bool
        Whether a proxy on this machine stands before it, whose word for the client and the scheme is taken.
    opens : bool
        Whether the browser is opened at the link.
    say : callable
        Told the link and how to stop.

    Raises
    ------
    StoreError
        If the port is in use or not allowed; it is named.
    """
    listening = listener(port)
    address = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
    where = link(address)
    server = _server(app, is_public=is_public)
    say(f"{where}\nCtrl-C ends it.")
    if opens:
        # A browser that starts first would find nobody; one that blocks must not keep the server waiting.
        threading.Thread(target=_open_when_up, args=(server, where), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        server.run([listening])


@contextmanager
def served(app: ASGIApp, *, port: int | None = 0, is_public: bool = False) -> Iterator[str]:
    """Serve pages from a thread; gives the address. For tests, bots, and commands that do more than serve."""
    listening = listener(port)
    server = _server(app, is_public=is_public)
    thread = threading.Thread(target=server.run, args=([listening],), name="proband-web")
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise ProbandError("the server of pages did not start")
            time.sleep(0.005)
        yield f"http://{LOOPBACK}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def one_time(key: Callable[[], str], path: str = "/") -> Callable[[str], str]:
    """A link that works once, from what gives keys."""
    return lambda address: f"{address}{path}?{urlencode({KEY: key()})}"


def listener(port: int | None) -> socket.socket:
    """A socket on loopback at this port; None for the usual one or else a free one, 0 for a free one."""
    for number in [_FIRST, 0] if port is None else [port]:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((LOOPBACK, number))
            listening.listen(2048)  # so that a second server that binds the same port is told so
        except (OSError, OverflowError) as error:
            listening.close()
            code = getattr(error, "errno", None)
            if port is None and number and code == errno.EADDRINUSE:
                continue
            why = "is in use" if code == errno.EADDRINUSE else f"cannot be opened ({error})"
            raise StoreError(
                f"port {number} {why}; choose another with --port, or leave --port out for a free one"
            ) from None
        return listening
    raise StoreError("no port is free")


def _server(app: ASGIApp, *, is_public: bool) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,  # addresses hold keys
        server_header=False,
        proxy_headers=is_public,
        forwarded_allow_ips=LOOPBACK if is_public else "",
        timeout_graceful_shutdown=_GRACE_S,
    )
    return uvicorn.Server(config)


def _open_when_up(server: uvicorn.Server, where: str) -> None:
    while not server.started and not server.should_exit:
        time.sleep(0.02)
    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(where)
