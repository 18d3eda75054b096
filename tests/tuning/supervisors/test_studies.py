"""Whole studies of supervisors and objectives on a small random model: that they are carried out, kept and resumed."""

import pytest

from proband.analyses.supervision import supervision_sections
from proband.runs.stages import Listener
from proband.tuning.alignment import align
from proband.tuning.study_file import checked
from tests.models.local.small_models import save_checkpoint
from tests.tuning.test_alignment import interrupted, study

pytest.importorskip("trl", reason="training needs the extra [train]")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("base"), max_position_embeddings=2000)


def supervised(base, **tables):
    given = study(base, learning_rate=1e-2)
    given["evaluation"] = {name: value for name, value in given["evaluation"].items() if "step" not in name}
    return given | {"sets": {"prompt": "zero-shot-cloze", **tables.pop("sets", {})}} | tables


def own(base, **changes):
    return supervised(
        base,
        probe={"use": "probe-cloze", "threshold": 0.1, "draws": 1, "shots": 1},
        supervisor={"labels": "own", "use": ["confident", "self-play"], "rounds": 2, "least_change": 0.0}
        | {"least_entropy": 0.0, "size": 6}
        | changes,
    )


def test_a_model_trained_on_another_ones_labels_is_set_against_one_trained_on_the_key(base, tmp_path):
    weak = save_checkpoint(tmp_path / "weak", max_position_embeddings=2000, num_hidden_layers=1)
    table = {"labels": f"model:hf:{weak}", "use": ["all", "soft"], "size": 6}
    done = align(checked(supervised(base, supervisor=table), "study"), tmp_path / "into")
    assert {one.arm for one in done.evaluation.trained} == {"ceiling", "weak-all", "weak-soft"}
    labels = done.sets["weak-all-geography"].provenance["labels"]
    assert (labels["how"], labels["questions"]) == ("all", 6)
    assert labels["weights"] == done.evaluation.beliefs["weak", "zero-shot-cloze"].weights != done.probe.weights
    found = done.findings.supervision.gaps
    assert {(one.arm, one.questions) for one in found} >= {("weak-all", "all"), ("weak-soft", "it did not")}
    assert any("Performance gap recovered" in section.heading for section in supervision_sections(done.findings))


@pytest.fixture(scope="module")
def rounds(base, tmp_path_factory):
    return align(checked(own(base), "study"), tmp_path_factory.mktemp("rounds"))


def test_rounds_of_own_labels_go_on_from_one_another_and_are_told(rounds):
    done = rounds
    second = done.checkpoints["confident-2-geography-s1"]
    assert second.base == done.checkpoints["confident-1-geography-s1"].address
    assert done.checkpoints["self-play-1-geography-s1"].recipe["objective"] == "preference"
    rows = {(one.labels, one.number): one for one in done.findings.supervision.rounds}
    assert list(rows) == [(way, number) for way in ("confident", "self-play") for number in (0, 1, 2)]
    assert rows["confident", 0].questions is None
    assert rows["confident", 2].questions == 6
    assert rows["self-play", 1].right == 1.0
    assert rows["confident", 2].confidence.value != rows["confident", 0].confidence.value
    assert [section.name for section in supervision_sections(done.findings)] == ["rounds", "rounds-tests"]


def test_a_way_that_has_stopped_is_told_once_and_trains_no_further(base, tmp_path):
    said: list[str] = []
    file = own(base, use=["confident"], least_change=1.0, rounds=3)
    done = align(checked(file, "study"), tmp_path, listener=Listener(say=said.append))
    assert [line for line in said if ": stopped" in line] == list(done.findings.supervision.notes)
    assert [one.number for one in done.findings.supervision.rounds] == [0, 1]


def test_objectives_on_one_set_are_told_side_by_side(base, tmp_path):
    objectives = {
        "full": {},
        "adapter": {"adapter": {"rank": 2}},
        "held": {"objective": "kl", "beta": 1.0},
        "pairs": {"objective": "preference"},
        "rewarded": {"objective": "expected-reward"},
    }
    file = supervised(base, sets={"arms": ["incompatible"], "size": 3}, objectives=objectives)
    done = align(checked(file, "study"), tmp_path / "into")
    assert len({one.hash for one in done.sets.values()}) == 1
    assert {one.recipe.get("objective", "likelihood") for one in done.checkpoints.values()} == {
        "likelihood",
        "kl",
        "preference",
        "expected-reward",
    }
    rows = {one.name: one for one in done.findings.supervision.objectives}
    assert list(rows) == list(objectives)
    assert all(-1 <= one.learned.value <= 1 and one.kl.value > 0 and one.seconds > 0 for one in rows.values())


def test_a_study_that_was_stopped_in_a_round_gives_what_it_gives_whole(base, rounds, tmp_path):
    interrupted(own(base), tmp_path, "", "round-2")
    assert list(tmp_path.glob("round-1-*"))
    assert list(tmp_path.glob("checkpoints/confident-2-*"))
    assert not list(tmp_path.glob("evaluation-*"))
    again = align(checked(own(base), "study"), tmp_path)
    assert [c.weights for c in again.checkpoints.values()] == [c.weights for c in rounds.checkpoints.values()]
    assert again.findings.as_dict()["supervision"] == rounds.findings.as_dict()["supervision"]
