"""Any hypothesis becomes a study file that can be carried out, with its estimand and its power."""

import pytest

from proband.designs.studies import load_study
from proband.errors import DataError, DesignError
from proband.literature.hypotheses.ratings import DIMENSIONS, write_ratings
from proband.literature.hypotheses.record import Hypothesis
from proband.literature.hypotheses.studies import Study, study_text
from proband.runs import plan

SMILE = Hypothesis(independent='smiling {at "guests"}', dependent="tips", direction="more", falsifier="No more tips.",
                   mechanism="liking\nand more", seen=("A: 10 rows",))  # fmt: skip
KINDS = ("survey", "experiment", "coding", "society", "test")


def table(folder):
    rows = "".join(
        f"{k},Waiter {k} {'smiles' if k % 2 else 'frowns'} at all,{k % 7},{'ny'[k % 2]}\n" for k in range(30)
    )
    (folder / "tips.csv").write_text(f"id,text,tips,smiles\n{rows}")
    return Study(data="tips.csv", text="text", outcome="tips", by="smiles", engine="scripted:uniform")


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_a_study_that_loads_and_says_what_is_estimated_and_how_surely(tmp_path, kind):
    path = tmp_path / f"{kind}.toml"
    path.write_text(study_text(SMILE, kind, table(tmp_path), tmp_path))
    study = load_study(path)
    assert study.kind == {"test": "tables"}.get(kind, kind)
    head = path.read_text().partition("\ntitle")[0]
    assert "# Estimand: " in head
    assert "# Power: " in head
    assert "# Given up if: No more tips." in head


def test_the_plan_of_the_experiment_has_the_power_that_was_asked_for(tmp_path):
    path = tmp_path / "e.toml"
    path.write_text(study_text(SMILE, "experiment", table(tmp_path), tmp_path))
    # 176 in each group find d = .3 with power .80 (Cohen 1988, table 2.4.1: 175).
    assert "176 and 176 subjects" in path.read_text()
    planned = plan(load_study(path))
    assert planned.hypotheses[0].formula == pytest.approx(0.8, abs=0.01)


def test_none_is_planned_as_an_equivalence(tmp_path):
    none = Hypothesis(independent="rain", dependent="tips", direction="none", falsifier="A difference.")
    text = study_text(none, "experiment", Study(power=0.9), tmp_path)
    # By hand: n = 2 (1.645 + 1.645)^2 / .3^2 = 240.5 by the normal; a t test needs a little more.
    assert "242 and 242 subjects" in text
    assert "to be below 0.3 standard deviations with probability 0.90 (two one-sided tests" in text


def test_what_cannot_be_decided_so_is_refused(tmp_path):
    with pytest.raises(DesignError, match=r"3,142 subjects are needed, and anes-1996 has 944"):
        study_text(SMILE, "survey", Study(smallest=0.1), tmp_path)
    with pytest.raises(DesignError, match="--data"):
        study_text(SMILE, "test", Study(), tmp_path)
    with pytest.raises(DataError, match=r"no column 'tip' for --outcome .did you mean 'tips'"):
        study_text(SMILE, "test", Study(data=table(tmp_path).data, outcome="tip", by="smiles"), tmp_path)
    with pytest.raises(DesignError, match="smallest 0"):
        Study(smallest=0)


def test_raters_do_not_see_where_a_hypothesis_comes_from(tmp_path):
    other = Hypothesis(independent="rain", dependent="mood", direction="less", falsifier="None.", strategy="stepwise",
                       proposer="somebody")  # fmt: skip
    write_ratings(tmp_path / "r.toml", [SMILE, other], {"judge": "scripted:uniform"})
    design = load_study(tmp_path / "r.toml").design
    assert {item.form for item in design.items.values()} == {"scale"}
    assert list(design.items) == list(DIMENSIONS)
    shown = " ".join(message.text for trial in design.trials({}) for message in trial.request.messages)
    assert "stepwise" not in shown
    assert "somebody" not in shown
    assert {str(known["writer"]) for known in design.roster().traits.values()} == {"plain", "stepwise"}
