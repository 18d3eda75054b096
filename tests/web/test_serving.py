"""Serving on loopback: real sockets, a free port each time."""

import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from starlette.applications import Starlette

from proband.errors import ProbandError, StoreError
from proband.web.guarding import Guard, OneTimeDoor
from proband.web.needed import refuse_without_extra
from proband.web.pages import STATIC, static
from proband.web.serving import listener, serve, served

APP = Guard(Starlette(routes=[static()]), doors=(OneTimeDoor("proband_test"),))


def test_pages_are_served_on_loopback_and_gone_afterwards():
    with served(APP) as address:
        style = urllib.request.urlopen(f"{address}/static/style.css")
        assert style.headers["content-type"].startswith("text/css")
        assert "server" not in style.headers
        assert style.headers["cache-control"] == "no-store"
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address)


def test_a_port_in_use_is_named():
    with served(APP) as address, pytest.raises(StoreError, match=f"port {address.rpartition(':')[2]} is in use"):
        serve(APP, str, port=int(address.rpartition(":")[2]), opens=False)


def test_the_usual_port_gives_way_to_a_free_one():
    with listener(None) as first, listener(None) as second:
        assert first.getsockname()[1] != second.getsockname()[1]


@pytest.mark.parametrize("port", [-1, 99_999])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(StoreError, match="cannot be opened"):
        listener(port)


def test_the_link_is_told_the_browser_opened_and_ctrl_c_ends_it():
    code = """
import _thread, webbrowser
from proband.web.serving import one_time, serve

def open_(where):
    print("opened", where)
    _thread.interrupt_main()  # what Ctrl-C does

webbrowser.open = open_
serve(None, one_time(lambda: "abc"), port=0)
print("ended")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    link, _, opened, ended = done.stdout.splitlines()
    assert link.startswith("http://127.0.0.1:")
    assert link.endswith("/?key=abc")
    assert (opened, ended, done.stderr) == (f"opened {link}", "ended", "")


def test_what_is_not_installed_is_named_with_the_way_out(monkeypatch):
    monkeypatch.setattr("proband.web.needed.find_spec", lambda name: None)
    with pytest.raises(ProbandError, match=r'starlette and uvicorn: pip install "proband\[web\]"'):
        refuse_without_extra()


def test_static_files_are_few_and_small():
    sizes = {path.name: path.stat().st_size for path in STATIC.iterdir()}
    assert set(sizes) == {"style.css", "script.js"}
    assert sizes["script.js"] <= 10_000
    assert sum(sizes.values()) <= 100_000


def test_the_style_has_the_colours_of_the_report():
    from proband.reports.figures import DARK, LIGHT

    style = (STATIC / "style.css").read_text()
    light, dark = style.split("@media (prefers-color-scheme: dark)")[:2]
    for palette, part in ((LIGHT, light), (DARK, dark)):
        assert all(f"--{name}: {colour};" in part for name, colour in palette.items())


def test_sockets_are_on_loopback_only():
    with listener(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
        assert listening.family is socket.AF_INET
