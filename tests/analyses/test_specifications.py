from proband.analyses import specifications
from proband.designs import Survey
from proband.instruments import Instrument
from proband.models.scripted import ScriptedEngine
from proband.runs import collect
from tests.analyses.studies import LEVELS, OUTCOME, framed

PERSONAS = ("first", "third", "none")


def asked(subjects, rule, into, **settings):
    """Everybody under both frames and three persona formats, with two orders."""
    outcome = Instrument(id="support", title="Support", items=(OUTCOME,))
    survey = Survey(
        instrument=outcome, factors={"frame": LEVELS}, subjects=subjects, seed=5, persona=PERSONAS,
        order=("as_written", "reversed"), answer_by="written", **settings,
    )  # fmt: skip
    return collect(survey, ScriptedEngine(rule, seed=2), into)


def by_persona(trial):
    """The frame works in the first person and without a persona, and the other way round in the third."""
    at = dict(trial.place.condition)
    shift = {"first": 0.3, "none": 0.2, "third": -0.1}[at["persona"]] * (at["frame"] == "gain")
    return (0.4 - shift, 0.2, 0.4 + shift)


def test_every_way_to_ask_has_its_effect_and_all_have_one_test(people, tmp_path):
    (section,) = specifications.sections(asked(people(150), by_persona, tmp_path))
    assert len(section.table.rows) == 6
    effects = {row[:2]: row[2] for row in section.table.rows}
    for (order, persona), planted in {("as_written", "first"): 0.6, ("reversed", "third"): -0.2}.items():
        found = effects.get((order, persona)) or effects[persona, order]
        assert found.interval[0] < planted < found.interval[1]
    assert "Under 6 ways to ask" in section.sentences[0]
    assert "joint p = 0.00" in section.sentences[0]
    assert "66.7 % of them have the sign of the median" in section.sentences[1]
    values = [row["value"] for row in section.figure.rows]
    assert values == sorted(values)


def test_an_effect_of_nothing_is_not_found(people, tmp_path):
    (section,) = specifications.sections(asked(people(40), lambda trial: (0.4, 0.2, 0.4), tmp_path))
    p = float(section.sentences[0].split("joint p = ")[1].split(")")[0])
    assert p > 0.05


def test_an_experiment_compares_subjects_under_every_way_to_ask(people, tmp_path):
    def rule(trial):
        shift = 0.3 * (dict(trial.place.condition)["frame"] == "gain")
        return (0.4 - shift, 0.2, 0.4 + shift)

    design = framed(people(200), persona=("first", "none"), order=("as_written", "reversed"), answer_by="written")
    run = collect(design, ScriptedEngine(rule, seed=2), tmp_path)
    (section,) = specifications.sections(run)
    assert len(section.table.rows) == 4
    for row in section.table.rows:
        assert row[2].interval[0] < 0.6 < row[2].interval[1]
        assert row[2].interval_method.startswith("t, Neyman")


def test_one_way_to_ask_is_no_curve(people, tmp_path):
    run = collect(framed(people(12)), ScriptedEngine(lambda trial: (0.4, 0.2, 0.4), seed=1), tmp_path)
    assert "several ways to ask" in specifications.needs(run)
