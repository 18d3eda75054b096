"""What tests of seats share: small studies, and a visitor who sends forms as a browser does."""

import re
from pathlib import Path

import pytest

from proband.designs.studies import load_study
from tests.web.seat.seat_visitors import Visitor, open_room

SURVEY = """
title = "Every form"
seed = 5
engine = "scripted:uniform"
[instrument]
id = "forms"
title = "Forms"
preamble = "Please answer for yourself."
items = [
  { id = "vote", text = "Whom would you choose?", form = "choice", options = ["Ann", "Bo", "Unsure"], dont_know = [2] },
  { id = "trust", text = "Most people can be trusted.", form = "scale", options = ["Disagree", "Neither", "Agree"] },
  { id = "news", text = "Which do you read?", form = "multiple", options = ["Papers", "Magazines", "Blogs"] },
  { id = "age", text = "How old are you?", form = "number", lower = 18, upper = 99, unit = "years" },
  { id = "money", text = "Divide it.", form = "allocation", options = ["Self", "Others"], total = 10, unit = "coins" },
  { id = "rank", text = "What matters most?", form = "ranking", options = ["Health", "Wealth", "Love"] },
  { id = "why", text = "Why?", form = "text" },
]
[population]
use = "seats:4"
[survey]
order = "as_written"
persona = "none"
"""
POT = """
title = "Common pot"
seed = 3
[engine]
people = "seat"
model = "scripted:uniform"
script = "scripted:always?option=5"
[game]
use = "public-goods"
matches = 2
rounds = 2
players = { player-1 = "people", player-2 = "people", player-3 = "model", player-4 = "script" }
"""


@pytest.fixture
def study_file(tmp_path):
    """Writes a study file: the survey with every form, or another text, and what stands under [seat]."""

    def write(text: str = SURVEY, seat: str = "") -> Path:
        path = tmp_path / "study.toml"
        path.write_text(f"{text}\n[seat]\n{seat}\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def room(tmp_path, study_file):
    """Opens a study's pages, and gives what makes visitors of them."""
    opened = []

    def open_(text: str = SURVEY, seat: str = "", **options):
        path = study_file(text, seat)
        there = open_room(load_study(path), path, tmp_path / "run", **options)
        opened.append(there)
        return there.__enter__()

    yield open_
    for there in opened:
        there.__exit__(None, None, None)


@pytest.fixture
def arrived(room):
    """A visitor who has agreed, and sees the first page of the survey with every form."""
    served = room()
    visitor = Visitor(served.address)
    visitor.agree()
    return visitor


def text_of(html: str) -> str:
    """What a reader of a page sees."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
