"""The page on games names every game that comes with Proband, what each reports, and the words a story can replace."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from proband.designs.games.game import GAMES
from proband.designs.games.rules import Rules
from proband.shelves import HOUSE
from tests.docs.test_pages import DOCS

PAGE = (DOCS / "reference" / "games.md").read_text(encoding="utf-8")
NAMES = [name for name in GAMES if GAMES.package(name) == HOUSE]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names_a_game_with_everything_it_reports(name):
    rows = [line for line in PAGE.splitlines() if line.startswith("|") and f"`{name}`" in line]
    assert rows
    module = import_module(f"proband.designs.games.{name.replace('-', '_')}")
    own = [
        c
        for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, Rules) and c.__module__ == module.__name__
    ]
    for quantity in own[-1].quantities if own else ():
        assert f"`{quantity.name}`" in rows[0], quantity.name


def test_words_that_a_story_can_replace_stand_in_the_games_that_say_them():
    rows = re.findall(r'^\| (`[\w`, -]+`) \| (".+") \|$', PAGE, re.M)
    assert len(rows) > 8
    for games, words in rows:
        for game in re.findall(r"`([\w-]+)`", games):
            source = import_module(f"proband.designs.games.{game.replace('-', '_')}").__file__
            text = Path(source).read_text(encoding="utf-8")
            if game == "ordinal":  # whose words are those of `normal-form`
                continue
            assert all(word in text for word in re.findall(r'"([^"]+)"', words)), game
