import numpy as np
import pytest

from proband.analyses import correction
from proband.analyses.labels import labelled
from proband.analyses.sampling import Sample
from proband.designs import PeopleSurvey, Survey, people_engine
from proband.designs.survey.people import Known
from proband.instruments import Instrument, Item
from proband.measures import Regressors, ppi_logit, ppi_mean, survey_mean
from proband.models.scripted import ScriptedEngine, stated, uniform
from proband.runs import collect
from proband.seeds import uniform_for
from proband.subjects import Field, Population, Subject

OPTIONS = ("no", "yes")
PARTIES = ("Ada", "Bob", "Cleo")


def inclined(subject):
    """Of every subject, the probability of a yes."""
    return 0.1 + 0.8 * uniform_for(1, "inclined", subject)


def vote(subject):
    return int(3 * uniform_for(2, "vote", subject))


def items():
    return (
        Item(id="tax", text="A higher tax?", form="choice", options=OPTIONS, values=(0, 1)),
        Item(id="party", text="Which party?", form="choice", options=PARTIES, values=(0, 1, 2)),
        Item(id="warm", text="How warm?", form="scale", options=("cold", "so-so", "warm"), values=(0, 1, 2)),
    )


VISITS = Item(id="visits", text="How many visits?", form="number", lower=0, upper=40)


def visits(subject):
    """How often somebody went, 5 on average."""
    return int(10 * inclined(subject))


def counting(trial):
    return max(visits(trial.place.subject) + int(3 * uniform_for(4, trial.place.subject)) - 1, 0)


def studied(folder, n=300, labelled=100, engine=None, asked=None, known=None, drawn=None, **settings):
    """A study in which the first `labelled` subjects have human answers; `drawn(k)` says how the k-th was drawn."""

    def person(k):
        id = f"s{k}"
        yes = int(uniform_for(3, "answer", id) < inclined(id))
        answers = {"tax": yes, "party": vote(id), "warm": yes * 2, "visits": visits(id)} if k < labelled else {}
        return Subject(id=id, traits={"age": 20 + k % 50, **answers}, **(drawn(k) if drawn else {}))

    people = Population(
        name="p",
        subjects=tuple(person(k) for k in range(n)),
        fields=(Field(column="age", first="I am {value}.", third="They are {value}."),),
    )
    survey = Survey(
        instrument=Instrument(id="i", title="I", items=asked or items()),
        subjects=people,
        seed=1,
        persona="none",
        **settings,
    )
    answering = people_engine(people, survey.instrument)
    collect(PeopleSurvey(survey=survey, engine=answering, known=known or Known()), answering, folder / "people")
    return collect(survey, engine or ScriptedEngine(predicting, seed=1), folder)


def predicting(trial):
    """Predictions that know how inclined somebody is, but say yes too often."""
    subject = trial.place.subject
    if trial.place.item == "party":
        return tuple(0.7 if k == vote(subject) else 0.15 for k in range(3))
    p = min(inclined(subject) + 0.2, 1.0)
    return (1 - p, p) if trial.place.item == "tax" else (1 - p, 0, p)


def named(run):
    return {section.name: section for section in correction.sections(run)}


def rows(section):
    names = [column.name for column in section.table.columns]
    return {row[0]: dict(zip(names, row, strict=True)) for row in section.table.rows}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return studied(tmp_path_factory.mktemp("study"))


def test_predictions_that_are_wrong_by_a_constant_are_corrected(run):
    found = rows(named(run)["correction"])
    no = found["tax: no"]
    truth = np.mean([1 - inclined(f"s{k}") for k in range(300)])
    assert (no["people"], no["others"]) == (100, 200)
    assert no["corrected"].interval[0] < truth < no["corrected"].interval[1]
    assert no["model only"].interval[1] < truth
    assert no["worth"] > 100
    assert set(found) == {"tax: no", "party: Ada", "party: Bob", "party: Cleo", "warm"}


def test_the_correction_is_that_of_the_measure(run):
    (one, *_) = labelled(run)
    expected = ppi_mean(one.y, one.f, one.u)
    assert rows(named(run)["correction"])["tax: no"]["corrected"].value == pytest.approx(expected.value)


def test_shares_are_corrected_by_the_models_errors_too(run):
    found = rows(named(run)["correction"])
    truth = np.mean([vote(f"s{k}") == 0 for k in range(100, 300)])
    assert found["party: Ada"]["by the model's errors"].value == pytest.approx(truth)
    assert found["warm"]["by the model's errors"] is None
    low, high = found["tax: no"]["by the model's errors"].interval
    assert low < np.mean([1 - inclined(f"s{k}") for k in range(100, 300)]) < high


def test_errors_of_the_model_count_as_people_were_drawn(run, tmp_path):
    def where(k):
        return {"stratum": f"s{k % 2}", "psu": f"v{k // 10}", "weight": 20.0 if k % 5 == 0 else 1.0}

    there = studied(tmp_path, drawn=where)
    plain, found = (rows(named(one)["correction"])["tax: no"]["by the model's errors"] for one in (run, there))
    (one, *_) = labelled(there)
    design = Sample(there.roster, {}).of(one.others)
    assert found.baselines["uncorrected"] == pytest.approx(survey_mean(one.u > 0.5, design).value)
    assert np.ptp(found.interval) > np.ptp(plain.interval)  # unequal weights cost precision
    assert found.n_units == plain.n_units == 200


def test_errors_of_the_model_among_people_of_the_same_units_are_no_independent_sample(tmp_path):
    there = studied(tmp_path, drawn=lambda k: {"psu": f"v{k % 20}"})
    found = rows(named(there)["correction"])
    assert found["tax: no"]["by the model's errors"] is None
    assert found["tax: no"]["corrected"].interval is not None


def test_probabilities_are_compared_with_what_came_true(run):
    section = named(run)["correction-calibration"]
    assert rows(section)["tax"]["calibration error"].value > 0.1
    assert {mark["series"] for mark in section.figure.rows} == {"tax", "party", "warm"}


def test_what_more_answers_would_buy_is_told(run):
    section = named(run)["correction-more"]
    row = rows(section)["tax: no"]
    assert row["people, with more"] == 200
    assert row["worth"] < row["worth, with more"]
    assert any("of 100 more people to ask" in sentence for sentence in section.sentences)


def test_an_interval_that_one_may_look_at_meanwhile_is_longer(run):
    row = rows(named(run)["correction-more"])["tax: no"]
    assert np.ptp(row["if one looks meanwhile"].interval) > np.ptp(
        rows(named(run)["correction"])["tax: no"]["corrected"].interval
    )


def test_answers_are_regressed_on_what_is_known_of_everybody(run):
    found = [
        dict(zip([c.name for c in named(run)["correction-traits"].table.columns], row, strict=True))
        for row in named(run)["correction-traits"].table.rows
    ]
    assert {(row["outcome"], row["trait"], row["regression"]) for row in found} >= {
        ("tax: no", "age", "logit"),
        ("warm", "age", "linear"),
    }
    (one, *_) = labelled(run)
    known, others = ([run.traits[s]["age"] for s in side] for side in (one.known, one.others))
    x = Regressors(labelled={"age": known}, unlabelled={"age": others})
    assert found[0]["corrected"].value == pytest.approx(ppi_logit(one.y, one.f, one.u, regressors=x)["age"].value)


def test_a_price_of_answers_tells_what_less_error_costs(tmp_path):
    run = studied(tmp_path, known=Known(price=4.0))
    said = " ".join(named(run)["correction-more"].sentences)
    assert "a quarter less error takes about" in said
    assert "dollars) with the predictions" in said


def test_numbers_have_a_corrected_median_and_counts_a_regression_of_their_own(tmp_path):
    run = studied(tmp_path, engine=ScriptedEngine(counting, seed=1), asked=(VISITS,), answer_by="written")
    found = rows(named(run)["correction"])
    low, high = found["visits, median"]["corrected"].interval
    assert low <= 5 <= high
    assert found["visits, median"]["worth"] > 0
    (row,) = named(run)["correction-traits"].table.rows
    assert row[:3] == ("visits", "age", "counts")


def test_it_says_what_it_takes_for_granted(run):
    assert "at random" in named(run)["correction"].warnings[0]


def test_predictions_that_do_not_vary_buy_nothing_and_say_so(tmp_path):
    run = studied(tmp_path, n=60, labelled=30, engine=ScriptedEngine(uniform()))
    section = named(run)["correction"]
    assert rows(section)["tax: no"]["worth"] == pytest.approx(30)
    assert "buys nothing" in " ".join(section.warnings)


def test_written_answers_have_no_calibration_and_are_corrected_all_the_same(tmp_path):
    engine = ScriptedEngine(
        stated({"tax": [0.5, 0.5], "party": [0.2, 0.3, 0.5], "warm": [1, 0, 0]}), seed=2, refuse=0.1
    )
    found = named(studied(tmp_path, n=60, labelled=30, engine=engine, answer_by="written"))
    assert "correction-calibration" not in found
    assert all(np.isfinite(row["corrected"].value) for row in rows(found["correction"]).values())


@pytest.mark.parametrize(("labelled", "reason"), [(60, "nearly all"), (5, "fewer than 10")])
def test_where_there_is_nothing_to_correct_the_reason_is_given(tmp_path, labelled, reason):
    assert reason in correction.needs(studied(tmp_path, n=60, labelled=labelled))
