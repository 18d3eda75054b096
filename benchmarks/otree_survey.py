"""The survey of `benchmarks.seat` in oTree 6: run by the Python of an environment of its own, it prints pages a second.

    python -m venv /tmp/otree && /tmp/otree/bin/pip install 'otree>=6,<7'
    python -m benchmarks.seat --otree /tmp/otree/bin/python

Standard library only, because oTree pins everything around it. Not imported by anything.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

PORT = 8123
SETTINGS = """
from os import environ
SESSION_CONFIGS = [dict(name='load', app_sequence=['load'], num_demo_participants=1)]
SESSION_CONFIG_DEFAULTS = dict(real_world_currency_per_point=1.0, participation_fee=0.0, doc='')
LANGUAGE_CODE = 'en'
REAL_WORLD_CURRENCY_CODE = 'USD'
USE_POINTS = True
PARTICIPANT_FIELDS = []
SESSION_FIELDS = []
ADMIN_USERNAME = 'admin'
ADMIN_PASSWORD = environ.get('OTREE_ADMIN_PASSWORD')
DEMO_PAGE_INTRO_HTML = ''
SECRET_KEY = 'benchmark'
"""
APP = """
from otree.api import *
class C(BaseConstants):
    NAME_IN_URL = 'load'
    PLAYERS_PER_GROUP = None
    NUM_ROUNDS = {pages}
class Subsession(BaseSubsession):
    pass
class Group(BaseGroup):
    pass
class Player(BasePlayer):
    answer = models.StringField(choices=['Yes', 'No', 'Unsure'], label='A statement.', widget=widgets.RadioSelect)
class Question(Page):
    form_model = 'player'
    form_fields = ['answer']
page_sequence = [Question]
"""
PAGE = "{{ block title }}Question{{ endblock }}{{ block content }}{{ formfields }}{{ next_button }}{{ endblock }}"


def main() -> None:
    people, pages = int(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "settings.py").write_text(SETTINGS)
        for name in ("load", "_static", "_templates"):
            (root / name).mkdir()
        (root / "load" / "__init__.py").write_text(APP.format(pages=pages))
        (root / "load" / "Question.html").write_text(PAGE)
        otree = str(Path(sys.executable).with_name("otree"))
        found = f"{Path(otree).parent}{os.pathsep}{os.environ['PATH']}"  # its server starts itself again by name
        environment = {
            **os.environ,
            "PATH": found,
            "OTREE_PRODUCTION": "1",
            "OTREE_REST_KEY": "key",
            "OTREE_ADMIN_PASSWORD": "x",
        }
        subprocess.run([otree, "resetdb", "--noinput"], cwd=root, env=environment, check=True, capture_output=True)
        server = subprocess.Popen(
            [otree, "prodserver", str(PORT)], cwd=root, env=environment, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            measure(people, pages)
        finally:
            server.terminate()
            server.wait()


def measure(people: int, pages: int) -> None:
    link = urlsplit(session(people)).path
    starts = [visit("GET", link) for _ in range(people)]
    waited: list[float] = []

    def take(path: str, text: str) -> None:
        for _ in range(pages):
            hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text))
            began = time.monotonic()
            path, text = visit("POST", path, urlencode({**hidden, "answer": "Yes"}))
            waited.append(time.monotonic() - began)

    threads = [threading.Thread(target=take, args=start) for start in starts]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    waited.sort()
    p50, p95 = (1000 * waited[int(len(waited) * share)] for share in (0.5, 0.95))
    print(f"oTree: {people} people: {len(waited) / took:.0f} pages/s, p50 {p50:.0f} ms, p95 {p95:.0f} ms")


def session(people: int) -> str:
    body = json.dumps({"session_config_name": "load", "num_participants": people})
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
            headers = {"otree-rest-key": "key", "Content-Type": "application/json"}
            connection.request("POST", "/api/sessions", body, headers)
            answer = connection.getresponse()
            found = json.loads(answer.read())
            return str(found["session_wide_url"])
        except (OSError, ValueError):
            time.sleep(0.2)
    raise SystemExit("oTree's server did not start")


def visit(method: str, path: str, body: str | None = None) -> tuple[str, str]:
    """The page that is reached, and its address."""
    for _ in range(6):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=300)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status not in (301, 302, 303, 307):
            return path, text
        path, method, body = urlsplit(str(answer.getheader("location"))).path, "GET", None
    raise SystemExit("oTree redirects in circles")


if __name__ == "__main__":
    main()
