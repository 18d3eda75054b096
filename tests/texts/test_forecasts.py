"""Bargains and scenarios asked of an engine; and explanations rated without knowing who wrote them."""

import dataclasses

import pytest

from proband.errors import DataError, DesignError
from proband.instruments.codebooks import Code, Codebook
from proband.instruments.items import Item
from proband.models.scripted import ScriptedEngine, uniform
from proband.reports import findings
from proband.runs import collect
from proband.subjects.corpora import read_corpus
from proband.texts.bargaining import Actor, Bargaining
from proband.texts.design import Coding
from proband.texts.scenarios import Scenarios

KNOWN = {"A": (0.0, 1.0, 1.0), "B": (4.0, 0.5, 1.0), "C": (10.0, 1.0, 2.0)}


def bargaining(**settings):
    names = ("position", "salience", "influence")
    actors = tuple(Actor(name=name, known=dict(zip(names, known, strict=True))) for name, known in KNOWN.items())
    given = {"issue": "How many?", "actors": actors, "lower": 0, "upper": 10, "low": "none", "high": "all"}
    return Bargaining(**given | settings)


def knowing(trial):
    position, salience, influence = KNOWN[trial.place.subject]
    shift = dict(trial.place.condition)["wording"] == "other"
    return {"position": position - shift * min(position, 1), "salience": 100 * salience, "influence": influence}[
        trial.place.item
    ]


def sections_of(run):
    return {section.name: section for section in findings(run).sections}


def warnings_of(told):
    return " ".join(warning for section in told.values() for warning in section.warnings)


def test_an_engine_that_knows_the_table_forecasts_what_the_table_does(tmp_path):
    made = bargaining(wordings={"plain": "", "other": "Think."}, cutoff="2020-01-01", decided="2021-01-01")
    told = sections_of(collect(made, ScriptedEngine(knowing), tmp_path / "run"))
    rows = {row[0]: row for row in told["bargaining-forecasts"].table.rows}
    assert rows["plain"][1:] == rows["the table"][1:]
    assert rows["other"][2] < rows["plain"][2]
    assert "Over 2 elicitations the forecast goes from" in " ".join(told["bargaining-forecasts"].sentences)
    assert "cut-off" not in warnings_of(told)


def test_an_elicitation_with_a_number_missing_is_no_forecast(tmp_path):
    told = sections_of(collect(bargaining(), ScriptedEngine(knowing, fail=0.3, seed=2), tmp_path / "run"))
    assert [row[0] for row in told["bargaining-forecasts"].table.rows] == ["the table"]
    assert "Not forecast, plain: no number for" in warnings_of(told)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({}, "cut-off of the engine is not stated"), ({"cutoff": "2024-01-01", "decided": "1984-06-28"}, "recall")],
)
def test_what_may_be_recall_is_said(tmp_path, settings, said):
    told = sections_of(collect(bargaining(**settings), ScriptedEngine(knowing), tmp_path / "run"))
    assert said in warnings_of(told)


def test_a_bargain_that_means_nothing_is_refused():
    with pytest.raises(DesignError, match=r"bargaining.cutoff is 'May'; write a day"):
        bargaining(cutoff="May")
    known = {"position": 1.0, "salience": 80.0, "influence": 1.0}
    both = (Actor(name="A", known=known), Actor(name="B", known=known))
    with pytest.raises(DataError, match=r"actor 'A': salience is 80"):
        bargaining(actors=both)
    with pytest.raises(DesignError, match="1 actors; give at least 2"):
        bargaining(actors=(Actor(name="A"),))


def fitting(trial):
    told = dict(trial.facts)
    return 4 if {told["first"], told["second"]} in ({"a1", "b1"}, {"a2", "b2"}) else 0


def test_scenarios_are_what_holds_together(tmp_path):
    made = Scenarios(question="In 2040.", factors={"a": ("a1", "a2"), "b": ("b1", "b2")}, answer_by="written")
    told = sections_of(collect(made, ScriptedEngine(fitting, seed=1), tmp_path / "run"))
    assert [row[1:4] for row in told["scenarios"].table.rows] == [("a1", "b1", 2.0), ("a2", "b2", 2.0)]
    with pytest.raises(DesignError, match=r"development 'a1' is there twice"):
        dataclasses.replace(made, factors={"a": ("a1", "a2"), "b": ("a1", "b2")})


def test_raters_never_see_who_wrote_and_ratings_are_told_by_writer(tmp_path):
    rows = [f'e{k},p{k // 2},{("hand", "engine")[k % 2]},"Text {k}."' for k in range(12)]
    (tmp_path / "e.csv").write_text("id,post,writer,text\n" + "\n".join(rows), encoding="utf-8")
    levels = ("Not clear", "Clear")
    item = Item(id="clarity", text="How clear?", form="scale", options=levels, codes=(1.0, 2.0))
    codes = tuple(Code(label=label, definition=f"It is {label.lower()}.") for label in levels)
    book = Codebook(id="b", title="B", items=(item,), codes={"clarity": codes})
    made = Coding(codebook=book, corpus=read_corpus(tmp_path / "e.csv", id="id", unit="post"), seed=1)
    sent = " ".join(message.text for trial in made.trials({}) for message in trial.request.messages)
    assert "hand" not in sent
    assert "engine" not in sent

    def rate(trial):
        return (0.1, 0.9) if int(trial.place.subject[1:]) % 2 == 0 else (0.8, 0.2)

    section = sections_of(collect(made, {"coder": ScriptedEngine(rate)}, tmp_path / "run"))["writers"]
    by = {row[2]: row[4].value for row in section.table.rows}
    assert by == {"engine": 1.0, "hand": 2.0}
    plain = collect(made, {"coder": ScriptedEngine(uniform())}, tmp_path / "ties")
    assert "writers" in sections_of(plain)
