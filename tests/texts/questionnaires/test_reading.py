"""A second reader beside the rules: what it is sent, and how its agreement with them is told."""

from pathlib import Path

from typer.testing import CliRunner

from proband.cli.main import app
from proband.instruments import Instrument, Item
from proband.instruments.defects import KINDS
from proband.models.scripted import ScriptedEngine
from proband.texts.questionnaires.reading import reading_sentences, second_reading

GOLDEN = Path(__file__).parents[2] / "prompts" / "questionnaire-defects.txt"
WORK = Instrument(
    id="work",
    title="Work",
    items=(
        Item(id="pay", text="How happy are you with your pay and your boss?", form="scale", options=("Not", "Very")),
        Item(id="day", text="Did you work today?", form="choice", options=("Yes", "No")),
    ),
)


def test_a_reader_is_sent_the_item_with_all_defects_and_its_agreement_is_told(tmp_path):
    seen = []

    def reader(trial):
        seen.append(trial)
        return 0 if trial.place.item in ("double_barrelled", "jargon") and trial.place.subject == "pay" else 1

    run = second_reading(WORK, ScriptedEngine(reader), tmp_path / "run")
    assert {trial.place.item for trial in seen} == set(KINDS)
    agreed, alone = reading_sentences(run)
    assert "Of 26 judgements" in agreed
    assert "yes to 1 alike and no to 24; the rules alone say yes to 0, the reader alone to 1, kappa 0.65" in agreed
    assert alone == "The reader alone found pay: jargon."
    assert GOLDEN.read_text() == seen[0].request.messages[-1].text + "\n"


def test_a_reader_is_asked_of_sound_instruments_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = 'form = "scale", options = ["Not at all", "Very"]'
    item = f'{{ id = "pay", text = "How happy are you with your pay and your boss?", {options} }}'
    Path("work.toml").write_text(f'id = "work"\nitems = [{item}]\n')
    run = CliRunner().invoke(app, ["check", "work.toml", "--engine", "scripted:first"])
    assert run.exit_code == 0, run.output
    assert "The reader leaves 13 undecided" in " ".join(run.stdout.split())  # it always takes what is shown first
    Path("people.csv").write_text("id,age\n1,30\n")
    refused = CliRunner().invoke(app, ["check", "people.csv", "--engine", "scripted:first"])
    assert "people.csv: a second reader reads instruments, and this is data" in str(refused.exception)
