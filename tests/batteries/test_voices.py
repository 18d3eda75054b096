"""Answers as groups of a survey: who is in a group, what it answered, and an engine that answers as groups did."""

import polars as pl
import pytest

from proband.analyses import group_alignment
from proband.batteries.asked import asked
from proband.batteries.battery import BATTERIES, Setting
from proband.batteries.politics import anes_groups, nonvoter_groups
from proband.batteries.voices import ITSELF
from proband.errors import DataError
from proband.models.scripted import ScriptedEngine
from proband.runs import collect


def aligned(battery, voices, setting, folder):
    """Rows of the analysis for an engine that is uniform as itself, and answers as each group did."""
    items = {item.id: item for item in voices.asked()}

    def knows(trial):
        id_, voice = max(
            ((i, v) for v in voices.groups for i in items if trial.place.item == f"{i}-{v}"), key=lambda found: found[0]
        )
        n = len(items[id_].options)
        return (1 / n,) * n if voice == ITSELF else tuple(voices.shares(items[id_], voice, setting.file))

    run = collect(asked(BATTERIES.load(battery), setting), ScriptedEngine(knows, seed=1), folder)
    (section,) = group_alignment.sections(run)
    return {row[0]: row[1:] for row in section.table.rows}


def one_context(**given):
    return Setting(seed=1, contexts={"wording": ("published",), "order": ("as_written",)}, **given)


def test_an_engine_that_knows_groups_is_aligned_with_each_and_as_itself_as_a_uniform_one(tmp_path):
    found = aligned("anes-groups", anes_groups.VOICES, one_context(), tmp_path / "run")
    for name, (_, uniform, own, steered, gain) in found.items():
        assert own == pytest.approx(uniform)
        if name != "everybody":
            assert steered == pytest.approx(1)
            assert gain.value == pytest.approx(1 - uniform)
    assert found["everybody"][0] == 944
    assert found["democrats"][0] + found["independents"][0] + found["republicans"][0] == 944


def test_non_voters_are_those_of_voter_files_with_weights(shared_data, tmp_path):
    path = shared_data / "survey" / "fte_nonvoters2020.csv.gz"
    if not path.exists():
        pytest.skip("the poll of non-voters is not beside the project")
    poll = pl.read_csv(path).filter(pl.col("voter_category") == "rarely/never", pl.col("Q8_8") > 0)
    weights = poll.group_by("Q8_8").agg(pl.col("weight").sum()).sort("Q8_8")["weight"]
    (police,) = [item for item in nonvoter_groups.VOICES.asked() if item.id == "police"]
    assert nonvoter_groups.VOICES.shares(police, "non-voters", str(path)) == pytest.approx(weights / weights.sum())
    found = aligned("nonvoter-groups", nonvoter_groups.VOICES, one_context(file=str(path)), tmp_path / "run")
    assert [found[name][0] for name in ("voters", "sporadic", "non-voters")] == [1811, 2574, 1451]
    assert found["non-voters"][3] == pytest.approx(1)


def test_the_poll_of_non_voters_is_the_users_to_bring(tmp_path):
    with pytest.raises(DataError, match=r"absent\.csv"):
        BATTERIES.load("nonvoter-groups").instrument(Setting(seed=1, file=str(tmp_path / "absent.csv")))
