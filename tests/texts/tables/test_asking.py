"""Questions to tables on the common loop: planted answers, writers of known error rate, and what is refused."""

import shutil
from pathlib import Path

import pytest

from proband import findings
from proband.analyses.tables import needs, sections
from proband.designs.studies import Study, load_study, study_from_dict
from proband.errors import DataError, DesignError
from proband.models.scripted import ScriptedEngine
from proband.runs import carry_out
from proband.seeds import uniform_for
from proband.texts.tables.answers import answers_of
from proband.texts.tables.asking import Question, statement_of
from proband.texts.tables.tables import read_sheet

pytest.importorskip("duckdb")
EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def folder(tmp_path):
    for name in ("stops.csv", "tables.toml"):
        shutil.copy(EXAMPLES / name, tmp_path)
    return tmp_path


def asked(folder, rule, **engine):
    found = load_study(folder / "tables.toml")
    return carry_out(Study(found.design, ScriptedEngine(rule, seed=1, **engine)), folder / "run")


def right(trial):
    return dict(trial.facts)["reference"]


def wrong_in(share):
    """A writer that misreads so many of the questions it is asked, each in its own way."""

    def rule(trial):
        at = uniform_for(5, "wrong", trial.id)
        return f"SELECT {int(1e6 * at)}, 'x'" if at < share else right(trial)

    return rule


def told(run, name):
    return next(section for section in sections(run) if section.name == name)


def test_findings_speak_of_writers_and_miss_no_people(folder):
    found = findings(asked(folder, right))
    assert "1 writer of queries" in found.lead[0]
    assert not [warning for warning in found.warnings if "no human answers" in warning]


def test_a_writer_that_is_right_gives_the_planted_answers_with_the_intervals_of_measures(folder):
    run = asked(folder, right)
    assert needs(run) is None
    found = {answer.question.id: answer for answer in answers_of(run)}
    assert all(answer.is_certain and answer.is_right(answer.result) for answer in found.values())
    assert found["latest-stop"].result.rows == (("Hospital", 6.2),)
    assert sorted(found["stops-by-district"].result.rows) == [("centre", 2), ("north", 3), ("south", 3)]
    rain = [3.9, 4.6, 3.6, 4.1, 5.4, 6.2, 5.4, 6.1]
    assert found["rainy-delay"].estimate.value == pytest.approx(sum(rain) / 8)
    assert found["rainy-delay"].estimate.n_units == 8
    assert found["rainy-delay"].estimate.interval is not None
    assert found["late-share"].estimate.value == pytest.approx(9 / 24)
    dry = [1.5, 1.1, 2.2, 2.2, 3.5, 2.4, 2.1, 2.6, 3.3, 3.5, 5.3, 2.2, 4.1, 3.5, 5.3, 2.7]
    assert found["rain-or-dry"].estimate.value == pytest.approx(sum(rain) / 8 - sum(dry) / 16)
    assert told(run, "tables").sentences[-1] == "5 of 5 answers are certain, 0 uncertain."


def test_a_writer_of_known_error_rate_is_told_with_it(folder):
    run = asked(folder, wrong_in(0.2))
    wrong = sum(uniform_for(5, "wrong", trial) < 0.2 for trial in run.table()["trial"])
    share = told(run, "tables-right").table.rows[0][3]
    assert share.value == pytest.approx(1 - wrong / 45)
    assert share.interval[0] < 0.8 < share.interval[1]


def test_a_writer_that_is_wrong_half_the_time_is_uncertain_and_not_wrong(folder):
    answers = answers_of(asked(folder, wrong_in(0.6)))
    assert not all(answer.is_certain for answer in answers)
    assert all(answer.is_right(answer.result) for answer in answers if answer.is_certain)


def test_a_writer_that_misreads_every_wording_alike_is_certain_and_wrong_and_counted_so(folder):
    run = asked(folder, lambda trial: "SELECT 'Harbour', 9")
    row = told(run, "tables-right").table.rows[0]
    # The rows do not fit the statistics, so those are uncertain.
    assert row[4:] == (2, 0, 2)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("DROP TABLE stops", "refused"),
        ("The query is SELECT delay FROM stops", "failed"),
        ("SELECT delay FROM stops; SELECT 1", "refused"),
        ("SELECT * FROM read_csv('stops.csv')", "refused"),
        ("SELECT nothing FROM stops", "failed"),
    ],
)
def test_statements_that_are_not_run_are_counted_and_are_no_answers(folder, reply, kind):
    run = asked(folder, lambda trial: reply)
    assert all(answer.result is None and not answer.is_certain for answer in answers_of(run))
    section = told(run, "tables-not-run")
    row = dict(zip([column.name for column in section.table.columns], section.table.rows[0], strict=True))
    assert row[kind] == 45


def test_replies_that_failed_are_no_answers(folder):
    run = asked(folder, right, fail=1.0)
    assert all(attempt.result.why == "no reply: failed" for a in answers_of(run) for attempt in a.attempts)


def test_that_nothing_is_found_is_no_certain_answer(folder):
    run = asked(folder, lambda trial: "SELECT stop, delay FROM stops WHERE stop = 'Atlantis'")
    assert not any(answer.is_certain for answer in answers_of(run))


@pytest.mark.parametrize(
    ("id", "sql", "why"),
    [
        ("rainy-delay", "SELECT avg(delay) FROM stops", "gives 1 rows"),
        ("rainy-delay", "SELECT stop, delay FROM stops", "gives 2 columns; mean needs 1"),
        ("rainy-delay", "SELECT stop FROM stops", "no finite numbers"),
        ("late-share", "SELECT delay FROM stops", "other numbers than 0 and 1"),
        ("rain-or-dry", "SELECT delay, district FROM stops", "the groups centre, north, south"),
        ("rain-or-dry", "SELECT delay, 'rain' FROM stops", "the groups rain"),
        ("rainy-delay", "SELECT delay / 0 FROM stops", "no finite numbers"),
    ],
)
def test_rows_that_a_statistic_cannot_be_computed_from_are_said(folder, id, sql, why):
    answers = {a.question.id: a for a in answers_of(asked(folder, lambda trial: sql))}
    assert why in answers[id].attempts[0].result.why
    assert not answers[id].is_certain


def test_rows_with_a_gap_are_left_out_and_counted(folder):
    sql = "SELECT CASE WHEN delay > 5 THEN NULL ELSE delay END FROM stops"
    answers = {a.question.id: a for a in answers_of(asked(folder, lambda trial: sql))}
    assert (answers["rainy-delay"].estimate.n_missing, answers["rainy-delay"].estimate.n_units) == (6, 18)


def test_a_correlation_is_that_of_measures(folder):
    asking = {"id": "r", "statistic": "correlation", "wordings": ["How do they go together?", "Are they correlated?"]}
    data = {"seed": 1, "tables": {"files": {"stops": str(folder / "stops.csv")}, "questions": [asking]}}
    found = study_from_dict(data, engine="scripted:uniform")
    sql = "SELECT delay, CASE weather WHEN 'rain' THEN 1 ELSE 0 END FROM stops"
    run = carry_out(Study(found.design, ScriptedEngine(lambda trial: sql)), folder / "run")
    (answer,) = answers_of(run)
    assert answer.is_certain
    assert 0 < answer.estimate.interval[0] < answer.estimate.value < 1


def test_a_table_that_was_changed_since_is_not_measured_on(folder):
    run = asked(folder, right)
    stops = folder / "stops.csv"
    kept = stops.read_text()
    stops.write_text(kept.replace("Mill Lane", "Mill Road"))
    assert "holds something else" in needs(run)
    stops.unlink()
    assert "is not there" in needs(run)
    (run.path / "stops.csv").write_text(kept)
    assert needs(run) is None


def test_a_statement_is_what_stands_in_a_fence_or_the_whole_reply():
    assert statement_of("Here:\n```sql\nSELECT 1\n```\nDone.") == "SELECT 1"
    assert statement_of('{"sql": "SELECT 1"}') == "SELECT 1"
    assert statement_of("```\nSELECT 1\n```\n```\nSELECT 2\n```").count("SELECT") == 2
    assert statement_of(" SELECT 1\n") == "SELECT 1"
    assert statement_of('{"sql": "SEL') == '{"sql": "SEL'


def test_days_are_days_in_sql_and_what_is_no_day_stays_a_text(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("day,odd,n\n2026-03-02,2026-02-31,1\n2026-03-03,2026-02-01,2\n")
    assert list(map(str, read_sheet(path).schema.values())) == ["Date", "String", "Int64"]


WRONG = {
    "one wording": ({"wordings": ["How many?"]}, "two or more"),
    "one wording twice": ({"wordings": ["How many?", "how  many?"]}, "two or more"),
    "groups without a difference": ({"groups": ["a", "b"]}, "statistic difference"),
    "a reference that is no SELECT": ({"reference": "DROP TABLE stops"}, "its reference is not run"),
    "a reference that reads a file": ({"reference": "SELECT * FROM 'stops.csv'"}, "its reference is not run"),
    "a statistic that is none": ({"statistic": "variance"}, "statistic"),
}


@pytest.mark.parametrize("what", WRONG)
def test_questions_that_mean_nothing_are_refused_before_anything_is_asked(folder, what):
    keys, said = WRONG[what]
    question = {"id": "q", "wordings": ["How many?", "What number?"]} | keys
    data = {"seed": 1, "tables": {"files": {"stops": str(folder / "stops.csv")}, "questions": [question]}}
    with pytest.raises(DesignError, match=said):
        study_from_dict(data)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no table"),
        ({"stops": "nowhere.csv"}, "nowhere.csv"),
        ({"Two words": "stops.csv"}, "plain name"),
        ({"stops": "twice.csv"}, "SQL knows no case"),
    ],
)
def test_tables_that_cannot_be_asked_are_refused(folder, files, said):
    (folder / "twice.csv").write_text("stop,Stop\na,b\n")
    question = {"id": "q", "wordings": ["How many?", "What number?"]}
    paths = {name: str(folder / file) for name, file in files.items()}
    with pytest.raises((DesignError, DataError), match=said):
        study_from_dict({"seed": 1, "tables": {"files": paths, "questions": [question]}})


def test_without_duckdb_a_study_is_refused_with_the_way_out(folder, monkeypatch):
    monkeypatch.setattr("proband.texts.tables.sandbox.find_spec", lambda name: None)
    with pytest.raises(DesignError, match=r"proband\[tables\]"):
        load_study(folder / "tables.toml")


def test_a_question_shows_its_words_and_no_reference(folder):
    trial = load_study(folder / "tables.toml").design.trials({})[0]
    sent = "\n".join(message.text for message in trial.request.messages)
    assert "At which stop was a bus latest" in sent
    assert "CREATE TABLE stops" in sent
    assert "ORDER BY delay DESC" not in sent
    assert Question(id="q", wordings=("a", "b")).statistic == ""


def test_replies_are_held_to_a_select_where_that_is_asked_for(folder):
    path = folder / "tables.toml"
    path.write_text(path.read_text().replace("replicates = 3", "held = true\nreplicates = 3"))
    assert '"pattern":"^SELECT ' in load_study(path).design.trials({})[0].request.schema
