"""Objects compared two by two: pairing, prompts, positions, scales, and what is refused."""

import csv
import math
from collections import Counter

import numpy as np
import pytest

from proband.analyses.pairs import judgements
from proband.designs.studies import study_from_dict
from proband.errors import DataError, DesignError
from proband.models.scripted import ScriptedEngine
from proband.reports import findings
from proband.runs import carry_out, collect
from proband.texts.pairs import Compared, Pairs, read_experts

NAMES = tuple(f"o{k}" for k in range(10))
TRUTH = {name: k / 3 for k, name in enumerate(NAMES)}


def design(**settings):
    objects = tuple(Compared(name=name, traits={"true": TRUTH[name]}) for name in NAMES)
    return Pairs(**{"question": "Which is more?", "objects": objects, "comparisons": 4, "reference": "true"} | settings)


def logistic(trial):
    told = dict(trial.facts)
    first = 1 / (1 + math.exp(TRUTH[told["second"]] - TRUTH[told["first"]]))
    return first, 1 - first


def ran(folder, made, **biases):
    return collect(made, {role: ScriptedEngine(logistic, seed=1, **biases) for role in made.judges}, folder)


def sections_of(run):
    return {section.name: section for section in findings(run).sections}


@pytest.mark.parametrize("comparisons", [2, 3, 4, 9])
def test_every_object_meets_equally_many_others(comparisons):
    pairs = design(comparisons=comparisons).balanced_pairs()
    met = {name: {b if a == name else a for a, b in pairs if name in (a, b)} for name in NAMES}
    assert {len(others) for others in met.values()} == {comparisons}
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)


def test_every_pair_is_asked_in_both_positions():
    trials = design().preview()
    shown = [(dict(trial.facts)["first"], dict(trial.facts)["second"]) for trial in trials]
    assert len(trials) == design().size() == 2 * 20
    assert {(b, a) for a, b in shown} == set(shown)


def test_a_text_is_shown_without_the_words_of_its_name():
    rose = Compared(name="Rose Mill", text="Mill by mill, Senator Rose milled on; a mill-wheel.")
    assert rose.shown("text") == "[...] by [...], Senator [...] milled on; a [...]-wheel."


def test_position_is_told_apart_from_the_objects(tmp_path):
    run = ran(tmp_path / "run", design(comparisons=9), position_bias=0.3)
    scale = judgements(run)[0].scale
    assert scale.position.interval[0] > 0.3
    assert sorted(scale.names, key=lambda name: scale[name].value) == list(NAMES)
    told = sections_of(run)
    assert told["pairs-judges"].table.rows[0][-1].value > 0.95


def test_an_adaptive_study_asks_no_pair_twice_and_finds_the_order(tmp_path):
    made = design(scheme="adaptive", comparisons=5)
    run = ran(tmp_path / "run", made)
    asked = run.table().select("subject", "against").unique().rows()
    assert len({frozenset(pair) for pair in asked}) == len(asked)
    assert 0.8 * made.n_pairs() <= len(asked) <= made.n_pairs()
    scale = judgements(run)[0].scale
    at = [scale[name].value for name in NAMES]
    assert np.corrcoef(at, list(TRUTH.values()))[0, 1] > 0.95


def test_several_judges_have_scales_of_their_own_and_one_of_all(tmp_path):
    run = ran(tmp_path / "run", design(judges=("a", "b")))
    assert [judged.judge for judged in judgements(run)] == ["a", "b", "all judges"]


def test_experts_correct_the_scale(tmp_path):
    pairs = design(comparisons=9).balanced_pairs()
    path = tmp_path / "experts.csv"
    rows = [f"{a},{b},{a if TRUTH[a] > TRUTH[b] else b}" for a, b in pairs[::2]]
    path.write_text("first,second,verdict\n" + "\n".join(rows), encoding="utf-8")
    run = ran(tmp_path / "run", design(comparisons=9, experts=read_experts(path)))
    section = sections_of(run)["pairs-corrected-judge-name"]
    assert section.table.rows[0][0] in NAMES[-3:]
    assert section.table.rows[0][1].target == "human"


def test_answers_that_leave_groups_unconnected_give_no_scale_and_say_so(tmp_path):
    run = ran(tmp_path / "run", design(comparisons=2), refuse=0.6)
    told = " ".join(warning for section in findings(run).sections for warning in section.warnings)
    assert "never compared with each other" in told


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"objects": ["a", "b", "a"]}, r"object 'a' is there twice; it would be compared with itself"),
        ({"objects": ["a", "b", "c"], "comparisons": 1}, r"fewer than 2 they fall apart"),
        ({"objects": ["a", "b", "c"], "comparisons": 5}, r"each can meet 2 to 2 others"),
        ({"objects": list("abcde"), "comparisons": 3}, r"make one of them even"),
        ({"objects": ["a", "b", "c"], "comparisons": 2, "by": ["text"]}, r"object 'a' has no text"),
        ({"objects": ["a", "b", "c"], "comparisons": 2, "reference": "kg"}, r"no column of numbers 'kg'"),
        ({"objects": ["a", "b", "c"], "file": "x.csv"}, r"give either pairs.objects"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_asked(keys, said):
    with pytest.raises(DesignError, match=said):
        study_from_dict({"seed": 1, "engine": "scripted:uniform", "pairs": {"question": "Which?", **keys}})


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("o1,o1,o1", r"experts.csv, line 2: 'o1' is compared with itself"),
        ("o1,o2,o3", r"line 2: verdict 'o3' is neither 'o1' nor 'o2' nor 'tie'"),
        ("o1,o99,o1", r"line 2: no object 'o99'"),
    ],
)
def test_verdicts_of_experts_are_refused_by_line(tmp_path, row, said):
    path = tmp_path / "experts.csv"
    path.write_text(f"first,second,verdict\n{row}\n", encoding="utf-8")
    with pytest.raises((DataError, DesignError), match=said):
        design(experts=read_experts(path))


def senators(folder, shared_data, **keys):
    """A study of the senators, their names made unique by their states."""
    path = shared_data / "text" / "senators109.csv"
    if not path.is_file():
        pytest.skip("the senators are not beside the project")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    named = Counter(row["senator"] for row in rows)
    with (folder / "senators.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("name", "conservative"))
        for row in rows:
            state = f" of {row['state']}" if named[row["senator"]] > 1 else ""
            table.writerow((row["senator"] + state, row["first_dimension"]))
    given = {"question": "Which of the two US senators is more conservative?", "file": str(folder / "senators.csv")}
    given |= {"reference": "conservative"}
    return study_from_dict({"seed": 1, "engine": "smollm2", "pairs": given | keys})


def test_a_judge_of_roll_calls_puts_senators_where_their_roll_calls_are(tmp_path, shared_data):
    made = senators(tmp_path, shared_data).design
    at = {each.name: each.traits["conservative"] for each in made.objects}

    def rule(trial):
        told = dict(trial.facts)
        first = 1 / (1 + math.exp((at[told["second"]] - at[told["first"]]) / 8))
        return first, 1 - first

    run = collect(made, {"judge": ScriptedEngine(rule)}, tmp_path / "run")
    assert sections_of(run)["pairs-judges"].table.rows[0][-1].value > 0.95


@pytest.mark.slow
def test_the_embedded_model_does_not_know_senators_by_name(tmp_path, shared_data):
    study = senators(tmp_path, shared_data, comparisons=2)
    told = sections_of(carry_out(study, tmp_path / "run"))
    row = told["pairs-judges"].table.rows[0]
    assert abs(row[-1].value) < 0.5
    assert row[4].interval[0] > 0.5  # it takes what stands first
    assert any("what the engine has read of the names" in warning for warning in told["pairs-judge-name"].warnings)
