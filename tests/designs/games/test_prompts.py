"""Golden prompts of every game: one round of one match, every turn as it is put.

Rewrite them with ``PROBAND_GOLDEN=write python -m pytest tests/designs/games/test_prompts.py``.
"""

import pytest

from proband.designs.games.game import GAMES
from proband.designs.studies import study_from_dict
from proband.records import Response, Trial
from tests.designs.survey.test_prompts import as_text, assert_golden

# Keys that show all of a game's words; every other game is shown as it is.
KEYS = {
    "public-goods": {"size": 3, "pays": 0.5, "punishment": True, "conditional": 2},
    "beauty-contest": {"size": 3},
    "double-auction": {"values": [90.0, 40.0], "costs": [20.0, 60.0], "passes": 1},
    "common-pool": {"size": 3},
    "minimum-effort": {"size": 3},
    "cascade": {"size": 3},
    "sealed-bid": {"size": 2},
    "trust": {"rounds": 2, "scale": 0.5, "unit": "$"},
}
MINE = sorted(
    {"bargaining", "budget", "centipede", "dictator", "eleven-twenty", "gift-exchange", "travellers-dilemma"}
    | {"volunteers-dilemma"} | set(KEYS)
)  # fmt: skip


def answered(trial: Trial) -> Response:
    """The last option as written, half of what may be given, or a few words."""
    form, n = trial.reply.form, len(trial.reply.options)
    half = ((trial.reply.lower or 0) + (trial.reply.upper or 0)) / 2
    answer = n - 1 if n else "Shall we share it?" if form == "text" else half
    return Response(place=trial.place, request="r", status="valid", answer=answer)


@pytest.mark.parametrize("name", MINE)
def test_prompts_of_a_game_are_the_golden_ones(name):
    keys = {"use": name, "matches": 1, "players": "model", **KEYS.get(name, {})}
    study = study_from_dict({"seed": 1, "engine": {"model": "scripted:uniform"}, "game": keys})
    (steps,) = study.design.processes()
    put: list[Trial] = []
    try:
        trials = next(steps)
        while True:
            put += trials
            trials = steps.send({trial: answered(trial) for trial in trials})
    except StopIteration:
        assert_golden(f"game-{name}", "\n\n".join(as_text(trial) for trial in put) + "\n")


def test_every_game_of_the_house_has_its_golden_prompts():
    assert set(MINE) <= set(GAMES)
