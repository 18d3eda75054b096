"""A person at the terminal is asked one thing after another, and goes on where the input ended."""

import io
from dataclasses import replace

import pytest

from proband import Study, carry_out
from proband.addresses import open_engine
from proband.designs.studies import load_study
from proband.errors import EngineError
from proband.interviews.transcripts import courses
from proband.reports import findings
from proband.runs import Run
from tests.interviews.scripts import by_line, training
from tests.models.test_contract import TRIALS
from tests.web.seat.test_coders import CODING, DOCUMENTS


def typed(monkeypatch, *lines):
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_an_empty_line_asks_again_and_what_is_asked_stands_on_stderr(monkeypatch, capsys):
    typed(monkeypatch, "", "  ", " tea ", "coffee", "tea")
    answers = [completion.text for _, completion in open_engine("terminal").answer(TRIALS)]
    assert answers == ["tea", "coffee", "tea"]
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Tea or coffee?" in shown.err
    assert "(tea | coffee)" in shown.err


def test_a_line_that_is_no_answer_asks_again_and_a_refusal_is_one(monkeypatch, capsys):
    labelled = replace(TRIALS[0].reply, method="label", labels=("1", "2"))
    typed(monkeypatch, "water", "3", "2", "I would rather not say.")
    trials = [replace(TRIALS[0], reply=labelled), TRIALS[1]]
    answers = [completion.text for _, completion in open_engine("terminal").answer(trials)]
    assert answers == ["2", "I would rather not say."]
    told = capsys.readouterr().err
    assert "'water' is read as no answer. 1. tea | 2. coffee\n> " in told
    assert "'3' is read as no answer." in told


def test_an_interview_goes_on_where_the_input_ended(monkeypatch, tmp_path, capsys):
    def carried():
        return carry_out(Study(training(), {"interviewer": "terminal", "interviewee": by_line()}), tmp_path / "run")

    typed(monkeypatch, "Hello.", "What happened?")
    with pytest.raises(EngineError, match=r"the input ended at .*/question//3/0; what was answered is kept"):
        carried()
    assert len(Run(tmp_path / "run").responses()) == 4
    typed(monkeypatch, "What then?", "END")
    (course,) = courses(carried()).values()
    assert [turn.text for turn in course.turns] == ["Hello.", "What happened?", "What then?"]
    assert list(course.facts) == ["bag"]
    told = capsys.readouterr().err
    assert told.count("You interview one person.") == 2  # once a sitting, not once a turn
    assert "[Your last turn was open" in told


def test_coders_at_the_terminal_are_people_and_asked_once(monkeypatch, tmp_path):
    (tmp_path / "letters.csv").write_text(DOCUMENTS)
    (tmp_path / "study.toml").write_text(CODING.replace('"seat"', '"terminal"'))
    typed(monkeypatch, *["Good", "Bad", "Bad"] * 2)
    run = carry_out(load_study(tmp_path / "study.toml"), tmp_path / "run")
    assert run.is_complete
    sections = {section.name: section for section in findings(run, only=["coder-agreement"]).sections}
    assert sections["coder-agreement-people"].warnings[0].startswith("rule on tone: ")  # it alone is tested
