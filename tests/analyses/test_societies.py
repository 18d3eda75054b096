"""Analyses of societies: numbers by hand, effects that were planted, and people beside."""

import base64
import io
import json
import re
import zlib
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from proband.analyses import (
    absences,
    believability,
    cells,
    diffusion,
    forks,
    heterogeneity,
    society_audit,
    trajectories,
    transitions,
)
from proband.analyses.lived import Lived, bootstrapped
from proband.analyses.lives import lives, transcripts
from proband.designs.studies import Study, study_from_dict
from proband.errors import DataError, DesignError
from proband.models.scripted import ScriptedEngine
from proband.reports import findings
from proband.reports.terminal import terminal
from proband.runs import carry_out
from proband.societies.agents.knowledge import tell
from proband.societies.state import State
from proband.societies.states import States

OPTIONS = ["against", "neither", "for"]
SOCIETY = {
    "title": "A bypass",
    "seed": 1,
    "engine": "scripted:uniform",
    "society": {"societies": 6, "agents": 20, "rounds": 4},
    "network": {"kind": "small-world", "degree": 4, "rewire": 0.1},
    "variable": [{"name": "stand", "options": OPTIONS, "start": {"draw": dict.fromkeys(OPTIONS, 1)}}],
    "turn": [{"item": "stand", "text": "Where do you stand on the bypass?", "sees": ["own", "neighbours"]}],
}
LEAFLET = {"name": "leaflet", "from_round": 3, "message": "It costs nothing.", "to": "number < 20", "lasts": 3}


def leaning(trial):
    """A public that stays where it is, goes where its neighbours are, and believes leaflets."""
    words = " ".join(message.text for message in trial.request.messages)
    near = float(dict(trial.facts).get("near_mean_stand", 1.0)) / 2
    shares = np.full(3, 0.1)
    shares[OPTIONS.index(dict(trial.facts).get("stand", "neither"))] += 0.2
    shares += 0.3 * np.array([1 - near, 0, near])
    shares[2] += 2.0 * ("costs nothing" in words) + 0.2
    return shares / shares.sum()


def lived(tmp_path, answer=leaning, **tables):
    study = study_from_dict({**SOCIETY, **tables})
    return carry_out(Study(study.design, {"": ScriptedEngine(answer, seed=1)}), tmp_path / "run")


@pytest.fixture(scope="module")
def forked(tmp_path_factory):
    return lived(tmp_path_factory.mktemp("societies"), arm=[LEAFLET])


def only(sections, name):
    return next(section for section in sections if section.name == name)


def test_a_curve_is_the_mean_over_societies_and_an_arm_begins_where_it_leaves(forked):
    section = only(trajectories.ANALYSIS.sections(forked), "trajectory-stand:-for")
    rows = forked.states().with_columns(pl.col("stand") == 2).filter(pl.col("round") == 4)
    means = rows.group_by("arm").agg(pl.col("stand").mean())
    last = {arm: value for arm, round, value in section.table.rows if round == 4}
    assert last["leaflet"].value == pytest.approx(means.filter(pl.col("arm") == "leaflet")["stand"].item())
    assert last["unchanged"].value == pytest.approx(means.filter(pl.col("arm") == "")["stand"].item())
    assert [round for arm, round, _ in section.table.rows if arm == "leaflet"] == [2, 3, 4]


def test_a_planted_policy_is_found_and_paired_by_society(forked):
    section = only(forks.ANALYSIS.sections(forked), "fork-leaflet")
    row = next(row for row in section.table.rows if row[0] == "stand: for")
    assert row[1].interval[0] > 0
    assert row[1].n_units == 6
    by_round = only(forks.ANALYSIS.sections(forked), "fork-leaflet-stand:-for").table.rows
    assert by_round[0][1].value == 0


def test_transitions_count_pairs_of_rounds_by_hand():
    rows = pl.DataFrame(
        {"society": [0] * 4, "number": [0, 0, 1, 1], "round": [1, 2, 1, 3], "act": [0.0, 1.0, 1.0, 1.0]}
    )
    counts = transitions.following(rows, "act", "act", [0.0, 1.0])
    assert counts[0.0][0].tolist() == [0, 1]
    assert list(counts) == [0.0]  # agent 1 was not there in round 2


def test_transitions_are_named_by_options(forked):
    (section,) = transitions.ANALYSIS.sections(forked)
    assert [column.name for column in section.table.columns][-3:] == OPTIONS
    for _, situation, _, *shares in section.table.rows:
        assert situation in OPTIONS
        assert sum(share.value for share in shares) == pytest.approx(1)
        assert all(0 <= limit <= 1 for share in shares for limit in share.interval or ())


def test_the_distance_of_agents_who_do_the_same_is_none():
    same = [np.array([3.0, 1.0]), np.array([1.0, 3.0])] * 3
    assert transitions.distance(same, same, "act").value == 0
    other = [np.array([0.0, 1.0]), np.array([0.0, 2.0])] * 3
    found = transitions.distance(same, other, "act")
    assert found.value == pytest.approx(0.5)
    assert found.interval[0] <= 0.5 <= found.interval[1]


def test_a_standard_deviation_over_societies_has_the_interval_by_chi_squared():
    found = heterogeneity.spread([1.0, 2.0, 3.0], "of three")
    assert found.value == 1
    assert found.interval == pytest.approx((0.5207, 6.2847), abs=1e-3)


def test_people_stand_beside_agents_in_every_view(tmp_path):
    rng = np.random.default_rng(1)
    rows = [
        (session, arm, number, round, int(rng.choice(3, p=[0.7, 0.2, 0.1])))
        for session in range(6)
        for arm in ("", "leaflet")
        for number in range(5)
        for round in (1, 2, 3, 4)
    ]
    frame = pl.DataFrame(rows, schema=["society", "arm", "number", "round", "stand"], orient="row")
    frame.with_columns(pl.col("society") + 6 * (pl.col("arm") == "")).write_csv(tmp_path / "people.csv")
    society = {**SOCIETY["society"], "people": str(tmp_path / "people.csv")}
    run = lived(tmp_path, society=society, arm=[LEAFLET])
    curve = only(trajectories.ANALYSIS.sections(run), "trajectory-people-stand")
    assert curve.table.rows[-1][2].value == pytest.approx(
        frame.filter(pl.col("arm") == "", pl.col("round") == 4)["stand"].mean()
    )
    assert "people" in {row[1] for row in heterogeneity.ANALYSIS.sections(run)[0].table.rows}
    assert any("from people" in said for said in transitions.ANALYSIS.sections(run)[0].sentences)
    beside = only(forks.ANALYSIS.sections(run), "fork-people-leaflet").table.rows[0]
    assert beside[3].value == pytest.approx(beside[1].value - beside[2].value)
    assert beside[3].interval[0] > 0  # agents believe the leaflet, people do not
    assert "6 societies or sessions: limits by drawing them anew are too short" in curve_warnings(run)
    (tmp_path / "people.csv").unlink()
    assert "people.csv is not there any more" in str(curve_warnings(run))


def curve_warnings(run):
    return [said for section in trajectories.ANALYSIS.sections(run) for said in section.warnings]


def test_of_three_sessions_there_is_a_value_and_no_interval():
    sides = [np.arange(9.0).reshape(3, 3), np.ones((12, 3))]
    found = bootstrapped(lambda one, other: float(one.mean() - other.mean()), sides, "a difference")
    assert (found.value, found.interval) == (3.0, None)
    assert "3 societies or sessions" in found.warnings[0]


def test_people_of_an_arm_that_is_not_there_are_refused_by_name(tmp_path):
    (tmp_path / "people.csv").write_text("society,arm,number,round,stand\n1,leafet,0,1,2\n")
    society = {**SOCIETY["society"], "people": str(tmp_path / "people.csv")}
    with pytest.raises(DesignError, match=r"'leafet' .did you mean 'leaflet'"):
        study_from_dict({**SOCIETY, "society": society, "arm": [LEAFLET]})


def test_the_error_of_cells_shrinks_with_their_levels(tmp_path):
    errors = {}
    for levels in (2, 9):
        scale = {"ask": "cells", "levels": {"near": levels}, "check_agents": 8}
        run = lived(tmp_path / str(levels), scale=scale, society={"societies": 4, "agents": 60, "rounds": 3})
        (section,) = cells.ANALYSIS.sections(run)
        item, _, compared, error, *_ = section.table.rows[0]
        assert (item, compared) == ("stand", 4 * 3 * 8)
        events = run.events().filter(pl.col("kind") == "check")
        assert error.value == pytest.approx(events["value"].mean())
        assert error.n_clusters == 4
        assert 0 <= error.interval[0] < error.interval[1] <= 1
        errors[levels] = error.value
    assert errors[9] < errors[2] / 2


def test_a_small_society_asked_both_ways_tells_what_cells_cost(tmp_path):
    scale = {"ask": "cells", "levels": {"near": 2}, "paired": 20}
    run = lived(tmp_path, scale=scale, society={"societies": 4, "agents": 40, "rounds": 3})
    (section,) = cells.ANALYSIS.sections(run)
    for name, one, other, off in section.table.rows:
        assert name.startswith("stand: ")
        assert off.value == pytest.approx(one.value - other.value)


def test_cells_whose_error_was_not_measured_say_so(tmp_path):
    run = lived(
        tmp_path, scale={"ask": "cells", "levels": {"near": 3}}, society={"societies": 2, "agents": 20, "rounds": 2}
    )
    (section,) = cells.ANALYSIS.sections(run)
    assert "was not measured" in section.warnings[0]


def test_absences_are_counted_by_round_and_reason(tmp_path):
    study = study_from_dict({**SOCIETY, "engine": "scripted:uniform?refuse=0.3"})
    run = carry_out(study, tmp_path / "run")
    (section,) = absences.ANALYSIS.sections(run)
    assert sum(row[2] for row in section.table.rows) == run.dispositions()["refused"]


def test_who_is_told_is_not_wrong_because_the_speaker_is_named(tmp_path):
    turns = [
        {"item": "say", "text": "What do you say?", "who": "number < 3", "sees": ["own"]},
        {**SOCIETY["turn"][0], "sees": ["own", "memory:2"]},
    ]
    study = study_from_dict({**SOCIETY, "turn": turns, "society": {"societies": 2, "agents": 8, "rounds": 3}})
    run = carry_out(study, tmp_path / "run")
    false = only(diffusion.ANALYSIS.sections(run), "false-memories").table.rows[0]
    assert false[1] > 0
    assert false[2].value == 0
    life = json.loads(zlib.decompress(base64.b64decode(lives(Lived(run), [""], [2, 5])["lives"])))
    kept = States(run).memories().filter(pl.col("society") == 0, pl.col("agent").is_in([2, 5]))
    assert [(at, agent, life["words"][k]) for at, agent, _, k in life["memories"][""]] == [
        *kept.sort("number").select("round", "agent", "text").iter_rows()
    ]


def test_a_cascade_is_a_tree_in_which_tellings_hang_under_the_first_that_was_heard():
    state = State(society=0, agents={"number": np.arange(5)})
    fire = state.happened("fire", 0, text="The barn is on fire.")
    for round, pairs in enumerate([[(0, 1)], [(1, 2), (0, 3)], [(2, 3), (3, 4)]], start=2):
        state.round = round
        for agent, target in pairs:
            known = next((k for k in range(1, len(state.events)) if state.events[k]["target"] == agent), fire)
            tell(state, agent, target, "Fire!", about=known)
    told = diffusion.tellings(state)
    assert [one.parent for one in told[fire]] == [-1, 0, -1, 1, 2]
    assert diffusion.trees_of(state, told) == [("The barn is on fire.", 5, 3, 2)]
    (cascades,) = diffusion._cascades([state])
    assert cascades.sentences == (
        "1 event was told on; on average over societies: tellings 5.00, depth 3.00, breadth 2.00.",
    )
    rows = cascades.figure.rows
    assert [(row["from_x"], row["x"], row["label"]) for row in rows] == [
        (1, 1, "0"), (1, 2, "1"), (2, 3, "2"), (1, 3, "3"), (3, 4, "3"), (3, 4, "4")
    ]  # fmt: skip
    assert [row["y"] for row in rows] == [0.5, 0, 0, 1, 0, 1]


def test_an_audit_counts_turns_that_show_others(forked):
    rows = {row[0]: row for row in society_audit.ANALYSIS.sections(forked)[0].table.rows}
    assert rows["realism"][2] == 0
    assert rows["interaction"][3] == sum(forked.dispositions().values())


def test_a_terminal_shows_every_table_in_80_columns(forked):
    console = Console(width=80, file=io.StringIO())
    console.print(terminal(findings(forked), 80, is_whole=True))
    lines = console.file.getvalue().splitlines()
    assert "Arms" in lines
    assert max(map(len, lines)) <= 80


def judged(tmp_path, run, answer, **tables):
    transcripts(run, most=4).write_csv(tmp_path / "lives.csv")
    table = {
        "question": "Which of the two is more like a real person?", "file": str(tmp_path / "lives.csv"),
        "text": "text", "by": ["text"], "comparisons": 8, **tables,
    }  # fmt: skip
    study = study_from_dict({"title": "Lives", "seed": 1, "engine": "scripted:uniform", "pairs": table})
    return carry_out(Study(study.design, {"judge": ScriptedEngine(answer, seed=1)}), tmp_path / "judged")


def test_lives_are_told_for_the_rounds_that_all_arms_have(forked):
    frame = transcripts(forked, most=4)
    assert frame.group_by("arm").len()["len"].to_list() == [24, 24]
    assert not any(re.search("Round [12]", text) for text in frame["text"])
    assert all("Round 3. Where do you stand on the bypass?" in text for text in frame["text"])


def test_a_judge_who_likes_the_leaflet_sets_its_arm_higher(forked, tmp_path):
    lives = transcripts(forked, most=4)
    arm = dict(lives.select("name", "arm").iter_rows())

    def likes(trial):
        told = dict(trial.facts)
        ahead = 1.5 * ((arm[told["first"]] == "leaflet") - (arm[told["second"]] == "leaflet"))
        first = 1 / (1 + np.exp(-ahead - 0.3))
        return first, 1 - first

    names = sorted(arm)
    pairs = [(a, b) for a, b in pairwise(names) if arm[a] != arm[b]]
    verdicts = "".join(f"{a},{b},{a if arm[a] == 'unchanged' else b}\n" for a, b in pairs)
    (tmp_path / "people.csv").write_text(f"first,second,verdict\n{verdicts}")
    run = judged(tmp_path, forked, likes, experts=str(tmp_path / "people.csv"))
    (section,) = believability.ANALYSIS.sections(run)
    by_judge, by_people = section.table.rows
    assert by_judge[:2] == ("judge", "leaflet")
    assert by_judge[2].value == pytest.approx(1.5, abs=0.25)
    assert by_people[0] == "people"
    assert by_people[2].value < 0
    assert any("choose the same of 0.00" in said for said in section.sentences)


def test_rules_leave_no_transcripts(tmp_path):
    run = carry_out(
        study_from_dict({"seed": 1, "engine": "scripted:uniform", "society": {"use": "voter", "societies": 2}}),
        tmp_path / "run",
    )
    with pytest.raises(DataError, match="no agent was asked itself"):
        transcripts(run)


def test_a_report_of_rules_names_no_engine_that_answered(tmp_path):
    study = study_from_dict({"seed": 1, "engine": "scripted:uniform", "society": {"use": "voter", "societies": 2}})
    found = findings(carry_out(study, tmp_path / "run"))
    assert found.facts["Engine"] == "none: rules alone decided"
    assert found.methods.startswith("Nobody was asked")
    assert "scripted" not in found.methods
