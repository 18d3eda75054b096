"""The ODD page of a world, from its file."""

import re

import pytest

from proband import load_study
from proband.cli.main import app
from proband.errors import DesignError
from proband.societies.written.odd import odd_page


def test_a_page_has_all_parts_and_names_what_stands_in_the_file():
    page = odd_page(load_study("scenario:village").design)
    assert re.findall(r"^## (\d) (.+)$", page, re.M) == [
        ("1", "Purpose and patterns"), ("2", "Entities, state variables and scales"),
        ("3", "Process overview and scheduling"), ("4", "Design concepts"), ("5", "Initialisation"),
        ("6", "Input data"), ("7", "Submodels"),
    ]  # fmt: skip
    for told in (
        "- **Place** mill: room for 4, open from 6 to 18.",
        "- **Stock** `coins`: whole units, held by agents, and pools miller, host; its sum is exact in every round.",
        "2. `go`: all agents, parallel",
        "3. `say`: agents with `u < 0.4`, sequential",
        "- `well`: drawn: leave it 2, dig a new one 1",
        "- Flow of `coins` from miller to agents: `2` where `place_label = 'mill'`",
        "- Event (event), in round 3: A pedlar at the inn",
        "- council decides by two-thirds on `well`",
    ):
        assert told in page


def test_arms_surveys_and_people_are_told_too():
    page = odd_page(load_study("scenario:bypass", sample=8).design)
    assert "- Arm `leaflet` leaves where nothing is changed in round 4; all before is shared." in page
    assert "- After round 8, `vote` is asked inside the world and changes nothing." in page
    assert "- `stand`: the answer to `stand`, asked before the first turn" in page


def test_the_command_line_shows_it_and_refuses_what_is_no_world_by_tables(capsys):
    app(["show", "scenario:village", "--odd"], standalone_mode=False)
    assert capsys.readouterr().out.startswith("# A village and its well: overview, design concepts, details\n")
    with pytest.raises(DesignError, match="is a scenario in code"):
        app(["show", "scenario:granovetter", "--odd"], standalone_mode=False)
    with pytest.raises(DesignError, match="no society"):
        app(["show", "examples/anes1996.toml", "--odd"], standalone_mode=False)
