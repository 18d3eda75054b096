from proband.analyses import components
from proband.models.scripted import ScriptedEngine, always, uniform
from proband.runs import collect
from tests.analyses.test_stability import ran, rows, trait


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
