import pytest

from proband.designs.quiz.prompts import PROMPTS
from proband.designs.quiz.quiz import Quiz
from proband.instruments.banks.bank import Bank, Question
from proband.runs.stages import Listener, Stages

BANK = Bank(
    name="sums",
    questions=tuple(
        Question(id=f"q{k}", text=f"{k} + 2 =", choices=(str(k + 1), str(k + 2)), answer=1, domain="sums")
        for k in range(3)
    ),
)


def quiz(seed=1, prompt="zero-shot"):
    return Quiz(bank=BANK, prompts=(PROMPTS[prompt],), seed=seed)


@pytest.fixture
def told():
    return []


@pytest.fixture
def stages(tmp_path, told):
    return Stages(into=tmp_path, listener=Listener(say=told.append))


def test_a_finished_stage_is_kept(stages, told):
    first = stages.collected("probe", quiz(), {"": "scripted:uniform"})
    again = stages.collected("probe", quiz(), {"": "scripted:uniform"})
    assert again.path == first.path
    assert told == ["probe: 3 trials", f"probe: kept from {first.path.name}"]


def test_a_stage_with_another_input_is_done_beside_the_old_one(stages):
    runs = [
        stages.collected("probe", quiz(), {"": "scripted:uniform"}),
        stages.collected("probe", quiz(), {"": "scripted:first"}),
        stages.collected("probe", quiz(prompt="turns"), {"": "scripted:uniform"}),
        stages.collected("test", quiz(), {"": "scripted:uniform"}),
    ]
    assert len({run.path for run in runs}) == 4


def test_a_folder_has_the_name_that_version_0_1_gave_it(stages):
    found = stages.collected("probe", quiz(), {"": "scripted:uniform"})
    assert found.path.name == "probe-4624ca7904"
