"""`proband view`, as it is typed."""

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from http.cookiejar import CookieJar

import pytest

from proband.runs import Run, collect
from proband.web.guarding import OneTimeDoor
from proband.web.serving import one_time, served
from proband.web.viewer.application import COOKIE, viewer
from tests.web.conftest import survey


def entering(link: str) -> urllib.request.OpenerDirector:
    """Somebody who opens the link, and keeps the cookie."""
    somebody = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    somebody.open(link).close()
    return somebody


@pytest.mark.slow  # starts a Python of its own
def test_the_verb_prints_a_link_serves_and_ends_by_ctrl_c(runs):
    command = [sys.executable, "-m", "proband", "view", str(runs / "other"), "--no-open", "--port", "0"]
    environment = {**os.environ, "COLUMNS": "300"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        try:
            link = server.stderr.readline().strip()
            somebody = entering(link)
            address = link.partition("/?")[0]
            with somebody.open(f"{address}/runs/other") as page:
                assert "other" in page.read().decode()
        finally:
            server.send_signal(signal.SIGINT)
        assert server.stderr.read() == "Ctrl-C ends it.\n"
    assert server.returncode == 0


def test_news_of_a_run_come_while_it_goes_on(runs, tmp_path):
    shutil.copytree(runs / "broken off", tmp_path / "runs" / "going on")
    door = OneTimeDoor(COOKIE)
    with served(viewer(tmp_path / "runs", door)) as address:
        somebody = entering(one_time(door.key)(address))
        with somebody.open(f"{address}/runs/going%20on/news", timeout=120) as news:
            assert news.readline() == b"retry: 3000\n"
            collect(survey(40), "scripted:uniform", tmp_path / "runs" / "going on")
            told = [line for line in iter(news.readline, b"") if line.startswith(b"data")]
        assert told[-1] == b"data: over\n"
        assert Run(tmp_path / "runs" / "going on").is_complete
        with somebody.open(f"{address}/runs/going%20on") as page:
            assert b"data-news" not in page.read()
