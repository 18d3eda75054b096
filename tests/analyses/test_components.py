from proband.analyses import components
from proband.designs import Survey
from proband.instruments import Instrument, Item
from proband.models.scripted import ScriptedEngine, always, uniform
from proband.runs import SideBySide, collect
from tests.analyses.test_stability import ran, rows, trait
from tests.conftest import made_up

ANSWERS = ("no", "rather no", "rather yes", "yes")


def test_a_run_with_gaps_has_its_variance_taken_apart_and_the_wordings_told(people, tmp_path):
    run = ran(people, tmp_path, ScriptedEngine(trait, refuse=0.1))
    assert components.needs(run) is None
    (section,) = components.sections(run)
    found = {row["source"]: row for row in rows(section)}
    assert found["subject"]["share"] > 0.7
    assert found["subject x wording"]["levels"] == 90
    low, high = found["subject"]["variance"].interval
    assert low < found["subject"]["variance"].value < high
    assert any("levels of wording (a subject met 3)" in sentence for sentence in section.sentences)
    assert "mixed model" in section.notes[0]


def test_where_every_cell_was_met_the_analysis_of_stability_does(people, tmp_path):
    assert "stability" in components.needs(ran(people, tmp_path, ScriptedEngine(trait), n=12))


def test_answers_that_are_all_alike_give_a_reason_and_no_number(people, tmp_path):
    run = ran(people, tmp_path, ScriptedEngine(always(2), refuse=0.2), n=12)
    (section,) = components.sections(run)
    assert section.table is None
    assert "all the same" in section.sentences[0]


def test_without_conditions_or_repeats_it_is_passed_over(survey, tmp_path):
    assert "nothing varies" in components.needs(collect(survey, ScriptedEngine(uniform()), tmp_path))


def test_engines_are_what_is_measured_where_there_are_few_subjects(tmp_path):
    items = tuple(Item(id=f"q{k}", text=f"Is {k} so?", form="scale", options=ANSWERS) for k in range(8))
    design = Survey(
        instrument=Instrument(id="eight", title="Eight", items=items), subjects=made_up(1), seed=3, persona="none",
        order=("as_written", "reversed"), answer_by="written",
    )  # fmt: skip

    def engine(k):
        """Likes everything by its own, and some items more."""

        def rule(trial):
            fond = 0.1 + 0.17 * k + 0.02 * int(trial.place.item[1:])
            return ((1 - fond) / 2, (1 - fond) / 2, fond / 2, fond / 2)

        return ScriptedEngine(rule, seed=k)

    runs = [collect(design, engine(k), tmp_path / f"e{k}") for k in range(5)]
    assert "1 subjects" in components.needs(runs[0]) or "every subject" in components.needs(runs[0])
    assert "2 engines: variance over engines needs 3" in components.needs(SideBySide(runs[:2]))
    both = SideBySide(runs)
    assert components.needs(both) is None
    (section,) = components.sections(both)
    found = {row["source"]: row for row in rows(section)}
    assert found["engine"]["levels"] == 5
    _, high = found["engine"]["variance"].interval
    assert high > 4 * found["engine"]["variance"].value > 0  # little is known of a variance over five
    assert {"item", "order", "engine x item"} <= set(found)
    assert "5 engines: hardly anything is known of a variance over so few" in section.warnings[0]
    assert any("(an engine met 2)" in sentence for sentence in section.sentences)


def test_a_variance_over_few_subjects_says_how_little_it_knows(people, tmp_path):
    run = ran(people, tmp_path, ScriptedEngine(trait, refuse=0.1), n=12)
    assert components.needs(run) is None
    (section,) = components.sections(run)
    assert "12 subjects: hardly anything is known" in section.warnings[0]
