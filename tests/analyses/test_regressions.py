"""Adjusted effects beside the unadjusted, logits of drawn answers, and covariates that are refused at load."""

import pytest

from proband.analyses import doses, regressions
from proband.designs import Experiment
from proband.designs.studies import study_from_dict
from proband.errors import DataError, DesignError
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine
from proband.reports import findings
from proband.runs import collect
from proband.subjects import Field, Population, Subject
from tests.analyses.studies import LEVELS, OUTCOME, framed


def aged(n):
    """Ages from 20 to 59, and two towns."""
    fields = (Field(column="age", first="I am {value}.", third="They are {value}."),)
    people = (
        Subject(id=f"s{k}", traits={"age": 20 + k % 40, "town": ("x", "y", "y")[k % 3], "wave": 1}) for k in range(n)
    )
    return Population(name="aged", subjects=tuple(people), fields=fields)


def older_is_kinder(trial):
    """Support rises with age, and by frame."""
    age = 20 + int(trial.place.subject[1:]) % 40
    yes = 0.1 + 0.7 * (age - 20) / 40 + 0.15 * (dict(trial.place.condition)["frame"] == "gain")
    return (0.9 - yes, 0.1, yes) if yes < 0.9 else (0.0, 1 - yes, yes)


def test_an_adjusted_effect_stands_beside_the_unadjusted_and_is_more_precise(tmp_path):
    study = framed(aged(200), covariates=("age", "town"))
    run = collect(study, ScriptedEngine(older_is_kinder, seed=3), tmp_path)
    (section,) = regressions.sections(run)
    name, level, plain, adjusted, ratio, _ = section.table.rows[0]
    assert (name, level) == ("support", "gain")
    assert ratio < 0.3
    assert adjusted.baselines["unadjusted"] == pytest.approx(plain.value)
    assert plain.interval[0] < 0.3 < plain.interval[1]
    assert adjusted.value == pytest.approx(0.3, abs=0.05)  # .15 from no to yes, two points apart
    assert "adjusted for age, town" in section.sentences[0]
    assert [s.name for s in findings(run).sections if "frame" in s.name][:2] == ["effects-frame", "adjusted-frame"]


def test_drawn_answers_are_told_on_log_odds(tmp_path):
    run = collect(framed(aged(240), answer_by="written"), ScriptedEngine(older_is_kinder, seed=3), tmp_path)
    (section,) = regressions.sections(run)
    assert section.name == "choices-frame"
    item, level, model, odds, effect, _ = section.table.rows[0]
    assert (item, level, model) == ("support", "gain", "ordered logit")
    assert odds.value > 0
    assert effect.interval[0] < 0.3 < effect.interval[1]


def test_answers_that_arms_share_none_of_say_why_there_are_no_odds(tmp_path):
    item = Item(id="save", text="{factor:frame}?", form="choice", options=("yes", "no"))
    study = Experiment(
        instrument=Instrument(id="i", title="I", items=(item,)), factors={"frame": LEVELS}, subjects=aged(40), seed=1,
        answer_by="written",
    )  # fmt: skip
    split = ScriptedEngine(lambda trial: (1.0, 0.0) if dict(trial.place.condition)["frame"] == "gain" else (0.0, 1.0))
    (section,) = regressions.sections(collect(study, split, tmp_path))
    assert "separation" in section.table.rows[0][3].warnings[0]
    assert any("separation" in warning for warning in section.warnings)


def test_a_run_with_neither_says_what_it_lacks(people, tmp_path):
    run = collect(framed(people(20)), ScriptedEngine(lambda trial: (0.2, 0.3, 0.5)), tmp_path)
    assert "no covariates were named" in regressions.needs(run)


@pytest.mark.parametrize(
    ("covariates", "error", "said"),
    [
        (("aged",), DataError, "has no column 'aged'; did you mean age"),
        (("wave",), DesignError, "'wave' is the same for all subjects and explains nothing; take it out"),
        (("town", "support"), DesignError, "'support' is what item 'support' asks: answered after the treatment"),
    ],
)
def test_a_covariate_that_cannot_be_one_is_refused_before_anybody_is_asked(covariates, error, said):
    with pytest.raises(error, match=said):
        framed(aged(40), covariates=covariates)


def test_a_covariate_that_some_lack_is_refused_with_the_way_out():
    subjects = (*aged(20).subjects, Subject(id="s20", traits={"age": 30, "wave": 1}))
    with pytest.raises(DesignError, match="'town' is missing for 1 of 21 subjects, the first is 's20'; leave them out"):
        framed(Population(name="p", subjects=subjects), covariates=("town",))


def test_a_study_file_names_covariates():
    data = {
        "seed": 1, "engine": "scripted:uniform", "population": {"use": "anes-1996", "sample": 20},
        "instrument": {"id": "i", "items": [{"id": "a", "text": "{factor:f}", "form": "scale", "options": ["n", "y"]}]},
        "experiment": {"covariates": ["age"], "factors": {"f": {"x": "X?", "y": "Y?"}}},
    }  # fmt: skip
    design = study_from_dict(data).design
    assert design.describe()["covariates"] == ["age"]
    assert all("age" in member.traits for member in design.roster())
    del data["experiment"]["covariates"]
    assert "covariates" not in study_from_dict(data).design.describe()


def test_doses_that_do_not_lie_on_a_line_are_told(people, tmp_path):
    levels = {"little": "1", "some": "5", "much": "9"}
    study = Experiment(
        instrument=Instrument(id="i", title="I", items=(OUTCOME,)), factors={"frame": levels}, subjects=people(600),
        seed=2, doses={"frame": {"little": 1, "some": 5, "much": 9}}, answer_by="written",
    )  # fmt: skip

    def bent(trial):
        yes = {"little": 0.2, "some": 0.7, "much": 0.3}[dict(trial.place.condition)["frame"]]
        return (0.9 - yes, 0.1, yes)

    (section,) = doses.sections(collect(study, ScriptedEngine(bent, seed=2), tmp_path))
    assert section.table.columns[-1].name == "p, a line is enough"
    assert section.table.rows[0][-1] < 0.001
