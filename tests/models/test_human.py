"""People in a spreadsheet: nothing is lost, asked twice or taken for an answer to another question."""

import csv
import os
import threading
import time
from dataclasses import replace

import pytest

from proband.errors import EngineError
from proband.instruments import read
from proband.models.human import HumanEngine


@pytest.fixture
def trials(survey):
    return list(replace(survey, answer_by="written").trials({}))[:4]


def opened(folder):
    with (folder / "open.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(folder, *lines, end="\n"):
    (folder / "answers.csv").write_text("\n".join(["place,answer", *lines]) + end, encoding="utf-8")


def settled(folder):
    """The file as it is some time after it was written."""
    old = time.time() - 60
    os.utime(folder / "answers.csv", (old, old))


def test_what_is_handed_over_stands_in_a_file_word_for_word(tmp_path, trials):
    assert list(HumanEngine(tmp_path / "coders").answer(trials)) == []
    rows = opened(tmp_path / "coders")
    assert [row["place"] for row in rows] == [trial.id for trial in trials]
    first, asked = rows[0], trials[0]
    assert (first["subject"], first["item"], first["answer"]) == (asked.place.subject, asked.place.item, "")
    assert first["question"] == asked.request.messages[-1].text
    assert first["told"] == asked.request.messages[0].text
    assert first["options"] == "A. Ada | B. Bob | C. Cleo"


def test_an_answer_is_read_by_the_rules_for_written_replies(tmp_path, trials):
    engine = HumanEngine(tmp_path)
    list(engine.answer(trials))
    write(tmp_path, f"{trials[0].id},I would vote for Bob.", f"{trials[2].id},no answer from me")
    answered = {trial.id: read(completion, trial, engine.address) for trial, completion in engine.answer(trials)}
    assert answered.keys() == {trials[0].id, trials[2].id}
    assert (answered[trials[0].id].answer, answered[trials[0].id].text) == (1, "I would vote for Bob.")
    assert answered[trials[2].id].status != "valid"
    assert [row["place"] for row in opened(tmp_path)] == [trials[1].id, trials[3].id]


def test_a_copy_of_the_open_questions_with_answers_filled_in_will_do(tmp_path, trials):
    engine = HumanEngine(tmp_path)
    list(engine.answer(trials))
    rows = opened(tmp_path)
    rows[1]["answer"] = "Agree"
    with (tmp_path / "answers.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    assert [(trial.id, completion.text) for trial, completion in engine.answer(trials)] == [(trials[1].id, "Agree")]


def test_handing_over_again_also_after_a_restart_changes_nothing(tmp_path, trials):
    list(HumanEngine(tmp_path).answer(trials))
    before = {name: (tmp_path / name).read_bytes() for name in ("open.csv", "asked.csv")}
    again = HumanEngine(tmp_path)
    list(again.answer(trials[2:]))
    list(again.answer(trials[:2]))
    assert {row["place"] for row in opened(tmp_path)} == {trial.id for trial in trials}
    assert (tmp_path / "asked.csv").read_bytes() == before["asked.csv"]
    write(tmp_path, f"{trials[0].id},Ada")
    assert [trial.id for trial, _ in HumanEngine(tmp_path).answer(trials)] == [trials[0].id]


def test_a_line_that_is_being_written_waits_until_it_is_whole(tmp_path, trials):
    engine = HumanEngine(tmp_path)
    list(engine.answer(trials))
    write(tmp_path, f"{trials[0].id},Bob", f"{trials[1].id},Dis", end="")
    assert [trial.id for trial, _ in engine.answer(trials)] == [trials[0].id]
    write(tmp_path, f"{trials[0].id},Bob", f'{trials[1].id},"Disagree', end="\n")
    assert [trial.id for trial, _ in engine.answer(trials)] == [trials[0].id]
    write(tmp_path, f"{trials[0].id},Bob", f"{trials[1].id},Disagree", end="")
    settled(tmp_path)
    assert [completion.text for _, completion in engine.answer(trials)] == ["Bob", "Disagree"]


def test_a_line_of_the_memory_that_was_cut_off_is_written_anew(tmp_path, trials):
    list(HumanEngine(tmp_path).answer(trials))
    whole = (tmp_path / "asked.csv").read_bytes()
    (tmp_path / "asked.csv").write_bytes(whole[:-20])
    engine = HumanEngine(tmp_path)
    list(engine.answer(trials))
    write(tmp_path, *(f"{trial.id},Ada" for trial in trials))
    assert len(list(engine.answer(trials))) == 4


def test_answers_to_places_that_were_never_asked_are_named_once(tmp_path, trials, caplog):
    engine = HumanEngine(tmp_path)
    list(engine.answer(trials))
    write(tmp_path, "s0/voet//0/0,Ada", f"{trials[0].id},Ada")
    assert len(list(engine.answer(trials))) == 1
    list(engine.answer(trials))
    [said] = [record.getMessage() for record in caplog.records]
    assert "1 answers are to places that were never asked, e.g. 's0/voet//0/0'" in said


def test_a_question_that_was_put_in_other_words_is_refused(tmp_path, trials):
    engine = HumanEngine(tmp_path)
    list(engine.answer(trials))
    edited = replace(trials[0], request=replace(trials[0].request, max_tokens=99))
    with pytest.raises(EngineError, match=r"item 'vote': .* was put to people in other words before"):
        engine.check([edited])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"place;reply\ns0/vote//0/0;Ada\n", "has the columns place, reply; it needs place and answer"),
        ("place,answer\ns0/vote//0/0,Zoë\n".encode("latin-1"), "line 2: byte 28 is not UTF-8; save it as CSV in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_way_out(tmp_path, trials, text, said):
    engine = HumanEngine(tmp_path)
    list(engine.answer(trials))
    (tmp_path / "answers.csv").write_bytes(text)
    with pytest.raises(EngineError, match=said):
        list(engine.answer(trials))


def test_news_waits_for_an_answer_to_what_is_open(tmp_path, trials):
    engine = HumanEngine(tmp_path)
    list(engine.answer(trials))
    assert not engine.news(0.01)
    threading.Timer(0.05, write, [tmp_path, f"{trials[3].id},Agree"]).start()
    assert engine.news(30)
    assert [trial.id for trial, _ in engine.answer(trials)] == [trials[3].id]
    assert not engine.news(0.01)  # an answer that was taken is no news


def test_no_cell_is_taken_for_a_formula(tmp_path, trials):
    asked = trials[0].request
    said = replace(asked, messages=(*asked.messages[:-1], replace(asked.messages[-1], text="=1+1")))
    list(HumanEngine(tmp_path).answer([replace(trials[0], request=said)]))
    assert opened(tmp_path)[0]["question"] == " =1+1"
