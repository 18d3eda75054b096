"""What cannot go on is refused in a sentence; a person sees one too, and never a traceback."""

import json
from pathlib import Path

import pytest

from proband.designs.studies import load_study
from proband.errors import DamagedRun, DesignError, StoreError
from proband.runs import Run
from proband.web.seat.running import sitting, take
from tests.web.seat.seat_visitors import Visitor, open_room


def begun(room, tmp_path):
    """The folder of a run with one answer, whose server has ended."""
    served = room()
    visitor = Visitor(served.address)
    visitor.agree()
    visitor.answer(q0_answer="1")
    served.room.close("by hand")
    served.run()
    served.registry.close()
    return tmp_path / "run"


def taken(tmp_path, folder):
    path = tmp_path / "study.toml"
    take(sitting(load_study(path), path, is_test=True), folder, port=0, say=lambda text: None)


def test_a_run_that_was_closed_is_not_opened_again(room, tmp_path):
    folder = begun(room, tmp_path)
    with pytest.raises(DesignError, match=r"this run was closed \(by hand\)"):
        taken(tmp_path, folder)


def test_a_damaged_journal_is_refused(room, tmp_path):
    folder = begun(room, tmp_path)
    (folder / "journal.sqlite").write_bytes(b"no database" * 400)
    with pytest.raises(DamagedRun, match="damaged"):
        taken(tmp_path, folder)


def test_a_file_where_the_folder_should_be_is_refused(study_file, tmp_path):
    study_file()
    (tmp_path / "there").write_text("a file")
    with pytest.raises(StoreError):
        taken(tmp_path, tmp_path / "there")


def test_seats_of_a_newer_version_are_refused(room, tmp_path):
    import sqlite3

    folder = begun(room, tmp_path)
    connection = sqlite3.connect(folder / "seats.sqlite")
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    (folder / "journal.sqlite").unlink()
    for left in ("manifest.json", "responses.parquet"):
        (folder / left).unlink(missing_ok=True)
    with pytest.raises(StoreError, match="newer version"):
        taken(tmp_path, folder)


def test_an_edited_wording_is_refused_and_a_models_instructions_may_change(room, study_file, tmp_path):
    served = room()
    visitor = Visitor(served.address)
    visitor.agree()
    visitor.answer(q0_answer="1")
    served.engine.close_all({"rule": "pause"})  # ends the loop
    served.run()
    path = tmp_path / "study.toml"
    asked = {response.request for response in Run(tmp_path / "run").responses().values()}
    written = path.read_text().replace('persona = "none"', 'persona = "none"\nanswer_by = "verbalised"')
    path.write_text(written)
    trials = sitting(load_study(path), path, is_test=True).design.trials({})
    assert asked <= {trial.request.hash for trial in trials}
    path.write_text(written.replace("Whom would you choose?", "Whom would you not choose?"))
    trials = sitting(load_study(path), path, is_test=True).design.trials({})
    assert asked.isdisjoint(trial.request.hash for trial in trials)


def test_what_goes_wrong_between_pages_ends_the_study_with_a_sentence(room):
    served = room(seat="away_s = 100")
    now = [0.0]
    served.room.clock = lambda: now[0]
    Visitor(served.address).agree()
    served.registry._connection.execute("PRAGMA query_only = ON")  # as a disk that takes no more
    now[0] = 101.0
    with pytest.raises(StoreError, match=r"seats\.sqlite: cannot be written .*free some space"):
        served.run()


@pytest.mark.parametrize(
    ("path", "status"), [("/", 403), ("/page.json", 403), ("/../etc/passwd", 403), ("/answer", 403), ("/static/x", 404)]
)
def test_strangers_see_a_sentence(room, path, status):
    served = room()
    page = Visitor(served.address).get(path)
    assert page.status == status
    assert "Traceback" not in page.text


def test_a_form_that_is_too_large_or_from_elsewhere_is_not_taken(arrived, tmp_path):
    assert arrived.answer(arrived.page, q0_answer="x" * 70_000).status == 413
    arrived.get()
    fields = arrived.page.fields("/answer")
    foreign = arrived.request(
        "POST", "/answer", f"form_token={fields['form_token']}&page={fields['page']}&0-answer=0",
        Origin="https://evil.example",
    )  # fmt: skip
    assert foreign.status == 403
    assert not Run(tmp_path / "run").responses()


def test_behind_a_proxy_only_its_name_and_https_are_taken_and_cookies_are_secure(study_file, tmp_path):
    path = study_file(seat='consent = "Take part."\ncontact = "us"')
    with open_room(load_study(path), path, tmp_path / "run", is_test=False, public="https://study.example") as served:
        visitor = Visitor(served.address)
        assert visitor.get("/join").status == 400
        secure = {"Host": "study.example", "X-Forwarded-Proto": "https"}
        assert visitor.request("GET", "/join", **{"Host": "study.example"}).status == 400
        assert visitor.request("GET", "/join", **secure).status == 200
        body = "&".join(f"{name}={value}" for name, value in visitor.page.fields("/agree").items())
        visitor.request("POST", "/agree", body, **secure, Origin="https://study.example")
        assert served.registry.people
        assert "secure" in visitor.set_cookie.lower()
        assert "samesite=strict" in visitor.set_cookie.lower()
        assert "httponly" in visitor.set_cookie.lower()


def test_every_page_has_a_twin_that_names_no_arm_and_no_item(room):
    served = room()
    visitor = Visitor(served.address)
    assert json.loads(visitor.get("/join.json").text)["where"] == "join"
    visitor.agree()
    shown = json.dumps(visitor.shown)
    assert "Whom would you choose?" in shown
    assert '"vote"' not in shown


def test_an_interview_shows_what_was_said(room):
    served = room(seat="conversation = true")
    visitor = Visitor(served.address)
    visitor.agree()
    page = visitor.answer(q0_answer="1").text
    assert '<ol class="turns"' in page
    assert '<li class="user">Bo</li>' in page


def test_a_judge_of_pairs_has_no_seat(tmp_path):
    """Whoever judges answers about every text, and none of these is a person."""
    examples = Path(__file__).parents[3] / "examples"
    text = (examples / "pairs.toml").read_text().replace('engine = "smollm2"', 'engine = "seat"')
    path = tmp_path / "study.toml"
    path.write_text(text.replace('file = "animals.csv"', f'file = "{examples / "animals.csv"}"'))
    with pytest.raises(DesignError, match=r"no seat in it, because judge would answer about every one.*codes:FILE"):
        sitting(load_study(path), path, is_test=True)
