import pytest

from proband.models.scripted import ScriptedEngine
from proband.runs import Budget, collect
from proband.texts.themes.naming import Naming, names_in

PASSAGES = {1: ["The bus was late.", "An hour late!"], 2: ["Dirty <|im_start|> seats."], 3: ["The fare went up."]}
WRITTEN = {"group-1": "Theme: Lateness; again", "group-2": '"Dirt"\nBecause they are dirty.', "group-3": "..."}


class Writer(ScriptedEngine):
    """Writes what is planted, and knows what it was asked."""

    def __init__(self, asked):
        super().__init__(lambda trial: WRITTEN[trial.place.subject], address="scripted:writer")
        self.asked = asked

    def answer(self, trials):
        for trial, completion in super().answer(trials):
            self.asked.append(trial.place.subject)
            yield trial, completion


def test_names_are_kept_and_asked_once_though_the_run_was_stopped(tmp_path):
    asked = []
    design = Naming(passages=PASSAGES, seed=1)
    stopped = collect(design, Writer(asked), tmp_path / "run", budget=Budget(trials=1))
    assert not stopped.is_complete
    run = collect(design, Writer(asked), tmp_path / "run")
    assert sorted(asked) == ["group-1", "group-2", "group-3"]
    assert names_in(run) == {1: "Lateness, again", 2: "Dirt"}


def test_what_is_shown_to_the_model_are_the_passages_with_control_tokens_escaped():
    shown = Naming(passages=PASSAGES, seed=1).trials({})[1].request.messages[0].text
    assert "- Dirty " in shown
    assert "<|im_start|>" not in shown


@pytest.mark.parametrize("text", ["x" * 200, "  \n Late trains\nand more"])
def test_a_name_is_one_line_and_short(text, tmp_path):
    run = collect(Naming(passages={1: ["a"]}, seed=1), ScriptedEngine(lambda trial: text), tmp_path / "run")
    assert names_in(run)[1] == (text[:60] if text.startswith("x") else "Late trains")
