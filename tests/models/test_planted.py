"""Scripted people whose answers stand in a file."""

from collections import Counter

import pytest

from proband.designs.games.beauty_contest import BeautyContest
from proband.designs.games.matches import Matches
from proband.designs.games.setting import Setting
from proband.errors import EngineError
from proband.runs import collect


def contest(tmp_path, people):
    file = tmp_path / "people.toml"
    file.write_text(people, encoding="utf-8")
    design = Matches(
        rules=BeautyContest(size=10), seed=1, setting=Setting(matches=80, treatments={"rich": {"prize": 50}})
    )
    return collect(design, {"player": f"scripted:planted?file={file}"}, tmp_path / "run").table()


def test_numbers_are_drawn_with_their_shares_under_each_treatment(tmp_path):
    table = contest(tmp_path, '[number]\n"" = { values = [10, 30], shares = [0.2, 0.8] }\n"treatment=rich" = 5.0\n')
    control = table.filter(table["arm"] == "control")
    counts = Counter(control["value"])
    assert set(counts) == {10, 30}
    assert counts[30] / control.height == pytest.approx(0.8, abs=0.06)
    assert set(table.filter(table["arm"] == "rich")["value"]) == {5}


@pytest.mark.parametrize("said", ["{ values = [1, 2], shares = [0.5, 0.6] }", "{ values = [1], shares = [0.5, 0.5] }"])
def test_shares_that_fit_no_values_are_refused(tmp_path, said):
    with pytest.raises(EngineError, match=r"is no distribution; write .*shares that sum to 1"):
        contest(tmp_path, f'[number]\n"" = {said}\n')
