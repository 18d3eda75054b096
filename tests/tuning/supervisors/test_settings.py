"""What a study file may say of supervisors and objectives, and what is refused before anything is asked."""

import pytest

from proband.errors import DesignError
from proband.tuning.alignment import alignment_of
from proband.tuning.study_file import checked
from proband.tuning.supervisors.settings import sizes_of

LABELS = {"labels": "model:hf:weak", "use": ["all"]}


def study(**tables):
    return {"title": "T", "seed": 1, "base": "toy", "sets": {"prompt": "toy-evaluation"}} | tables


def material(tmp_path, **tables):
    return alignment_of(checked(study(**tables), "study"), tmp_path).material


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ({"labels": "model:smollm2", "use": ["all", "soft"]}, ["ceiling", "weak-all", "weak-soft"]),
        ({"labels": "own", "use": ["ranking"], "rounds": 2}, ["ranking-1", "ranking-2"]),
    ],
)
def test_ways_of_labelling_stand_in_the_place_of_arms(tmp_path, table, names):
    assert [arm.name for arm in material(tmp_path, supervisor=table).arms] == names


def test_objectives_stand_in_the_place_of_the_one_arm_and_need_alternatives(tmp_path):
    found = material(tmp_path, sets={"arms": ["incompatible"]}, objectives={"full": {}, "pairs": {"beta": 0.5}})
    assert [(arm.name, arm.questions) for arm in found.arms] == [("full", "unknown"), ("pairs", "unknown")]
    assert found.construction["alternatives"]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"supervisor": {"labels": "weak"}}, "labels is 'weak'; give 'own', or 'model:ADDRESS'"),
        ({"supervisor": LABELS | {"use": ["ranking"]}}, "use has no 'ranking'; .* can be used as all, confident, soft"),
        ({"supervisor": {"labels": "own"}}, "use is missing; .* confident, ranking, self-play"),
        ({"supervisor": LABELS | {"rounds": 0}}, "rounds 0 and size None must be at least 1"),
        ({"supervisor": LABELS | {"threshold": 1.5}}, r"threshold is 1\.5"),
        ({"supervisor": LABELS, "objectives": {"full": {}}}, "two studies"),
        ({"supervisor": LABELS, "sets": {"controls": True}}, "labels stand in the place of arms"),
        ({"objectives": {"full": {}}}, r"compared on one set, and sets\.arms are \["),
        (
            {"objectives": {"odd": {"objective": "dpo"}}, "sets": {"arms": ["incompatible"]}},
            r"objectives\.odd: recipe: .*'dpo'",
        ),
        (
            {"supervisor": {"labels": "own", "use": ["ranking"]}, "training": {"use": "memory"}},
            "every round trains the model of the round before",
        ),
        ({"supervisor": LABELS | {"labels": "model:toy?depth=3"}}, "depth=3 is no size of a toy model"),
        ({"supervisor": LABELS | {"labels": "model:toy"}, "base": "smollm2"}, "this study has no world"),
        (
            {"supervisor": {"labels": "own", "use": ["ranking"]}, "evaluation": {"steps": [0, 1]}},
            "told by round, not by step",
        ),
        (
            {
                "objectives": {"brief": {"steps": 4}},
                "sets": {"arms": ["incompatible"]},
                "evaluation": {"steps": [0, 8]},
            },
            "names step 8, and training has 4",
        ),
        (
            {"objectives": {"full": {}}, "sets": {"arms": ["incompatible"]}, "keep": "adapters"},
            "training changes all weights",
        ),
        ({"training": {"objective": "kl"}, "sets": {"general": "some.jsonl"}}, "nothing to be set against"),
        ({"probe": {"use": "toy-probe", "prior": False}, "sets": {"gain": 0.2}}, "gain is over a prior"),
    ],
)
def test_what_contradicts_itself_is_refused_before_anything_is_asked(tmp_path, tables, message):
    with pytest.raises(DesignError, match=message):
        material(tmp_path, **tables).check()


def test_one_base_is_asked_for_and_objectives_have_something_to_compare(tmp_path):
    assert sizes_of("hidden=32&feed_forward=96").hidden == 32
    assert material(tmp_path, training={"objective": "kl"}).construction["alternatives"]
    two = study(supervisor=LABELS, bases=["toy", {"name": "other", "base": "toy"}])
    del two["base"]
    with pytest.raises(DesignError, match="has one base"):
        alignment_of(checked(two, "study"), tmp_path).material.check()
