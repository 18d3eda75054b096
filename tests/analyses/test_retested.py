"""People who were asked twice: accuracy beside their own consistency, and columns that cannot be second answers."""

import pytest

from proband.analyses import retested
from proband.designs import Survey
from proband.designs.studies import Study, people_survey
from proband.errors import DesignError
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine
from proband.runs import Run, carry_out
from proband.subjects import Population, Subject

OPTIONS = ("no", "unsure", "yes")
ITEMS = tuple(Item(id=i, text=f"{i}?", form="scale", options=OPTIONS, values=(0, 1, 2)) for i in ("trust", "like"))


def answers(k):
    """First answers of everybody by thirds; a fifth change theirs; the model misses every fourth."""
    first = {"trust": k % 3, "like": (k // 3) % 3}
    second = {f"{i}2": (code + (k % 5 == 0)) % 3 for i, code in first.items()}
    return {**first, **second}


def survey(n=60, **settings):
    subjects = tuple(Subject(id=f"s{k}", traits=answers(k)) for k in range(n))
    people = Population(name="twice", subjects=subjects)
    return Survey(
        instrument=Instrument(id="i", title="I", items=ITEMS), subjects=people, seed=1, persona="none", **settings
    )


def model(trial):
    k = int(trial.place.subject[1:])
    code = (answers(k)[trial.place.item] + (k % 4 == 0)) % 3
    return tuple(0.8 if option == code else 0.1 for option in range(3))


def run_of(into, again=None):
    study = survey()
    people = people_survey(study, study.subjects, again=again or {"trust": "trust2", "like": "like2"})
    return carry_out(Study(study, ScriptedEngine(model), people=people), into)


def test_accuracy_is_told_beside_how_well_people_repeat_themselves(tmp_path):
    run = run_of(tmp_path)
    (section,) = retested.sections(run)
    rows = {row[0]: row[1:] for row in section.table.rows}
    assert list(rows) == ["trust", "like", "all items"]
    accuracy, again, commonest, ratio, of_persons, beyond = rows["all items"]
    assert (accuracy.value, again.value) == pytest.approx((0.75, 0.8))
    assert ratio.value == pytest.approx(0.75 / 0.8)
    assert of_persons.n_missing == 12
    assert beyond.value == pytest.approx((0.75 - commonest) / (0.8 - commonest))
    assert rows["trust"][4] is None
    assert "0.94" in section.sentences[0]


def test_second_answers_are_kept_apart_from_the_first(tmp_path):
    run = run_of(tmp_path, again={"like": "like2"})
    assert run.people.table().height == 120
    assert run.people.people.table().height == 60
    assert isinstance(run.people.people, Run)
    assert [row[0] for row in retested.sections(run)[0].table.rows] == ["like"]


def test_without_a_second_occasion_it_says_how_to_name_one(tmp_path):
    study = survey()
    run = carry_out(Study(study, ScriptedEngine(model), people=people_survey(study, study.subjects)), tmp_path)
    assert "names columns with second answers as `again`" in retested.needs(run)


@pytest.mark.parametrize(
    ("again", "said"),
    [
        ({"trst": "trust2"}, r"no item 'trst' .did you mean 'trust'"),
        ({"trust": "trust3"}, "column 'trust3' of item 'trust' is not in the data"),
        ({"trust": "trust"}, "holds the first answers; name that of the second"),
    ],
)
def test_what_cannot_be_second_answers_is_refused_at_load(again, said):
    study = survey()
    with pytest.raises(DesignError, match=said):
        people_survey(study, study.subjects, again=again)
