"""Engines propose under strategies, cite what they were shown, and keep a bank on A; B is judged once."""

import json

import pytest

from proband.designs.studies import Study
from proband.errors import DesignError
from proband.literature.hypotheses.bank import Keeping
from proband.literature.hypotheses.proposals import proposals_in
from proband.literature.hypotheses.proposing import Judging, Proposing
from proband.literature.hypotheses.record import Hypothesis
from proband.literature.hypotheses.rows import Rows
from proband.literature.hypotheses.steps import lock_proposed, open_and_test
from proband.literature.hypotheses.testing import Terms, beyond_chance, open_b
from proband.literature.spans import Span
from proband.models.scripted import ScriptedEngine
from proband.runs import carry_out, collect
from tests.designs.survey.test_prompts import as_text, assert_golden

SPANS = tuple(Span(record=f"r{k}", start=0, end=20, text=f"Passage number {k} here.") for k in (1, 2, 3))


def record(subject, **given):
    said = {"independent": f"smile {subject}", "dependent": "tips", "direction": "more", "mechanism": "liking",
            "population": "guests", "moderator": None, "falsifier": "No more tips.", "test": "A trial."}  # fmt: skip
    return json.dumps(said | given)


def proposer(trial):
    """Proposes by place: the second plain one lacks a falsifier, the critic's are revised."""
    where = trial.place
    if where.item != "hypothesis":
        return f"{where.item} of {where.subject}"
    sources = {"source": "2", "source_2": None} if "Passages:" in trial.request.messages[-1].text else {}
    falsifier = None if where.subject == "plain-2" else "No more tips."
    return record(f"{where.subject} step {where.round}", falsifier=falsifier, **sources)


def carried(design, folder, rule=proposer):
    return carry_out(Study(design, dict.fromkeys(design.roles(), ScriptedEngine(rule, seed=1))), folder)


def test_strategies_go_through_their_steps_and_cite_only_what_was_shown(tmp_path):
    design = Proposing(about="Tips?", strategies=("plain", "less_likely", "stepwise", "adversarial"), each=2, rounds=2,
                       spans=SPANS, seed=1)  # fmt: skip
    run = carried(design, tmp_path / "run")
    assert sum(run.dispositions().values()) == design.size() == 2 * (1 + 2 + 2 + 5)
    found = proposals_in(run)
    assert [(p.subject, p.why) for p in found if p.hypothesis is None] == [("plain-2", "no falsifier")]
    made = {p.hypothesis.independent: p.hypothesis for p in found if p.hypothesis}
    assert "smile adversarial-1 step 2" in made
    assert "smile adversarial-1 step 0" not in made
    assert all(h.spans == SPANS[1:2] and h.proposer for h in made.values())
    less, likely = made["smile less_likely-1 step 1"], made["smile less_likely-1 step 0"]
    assert (less.strategy, less.beside, likely.strategy) == ("less_likely", likely.id, "plain")
    assert design.kept(run.responses())["plain"].proposals[0].hypothesis == found[0].hypothesis
    schema = json.loads(next(t for t in design.preview() if t.request.schema).request.schema)
    assert schema["properties"]["source"]["anyOf"][0] == {"enum": ["1", "2", "3"]}


def test_what_follows_on_an_answer_is_asked_in_these_words(tmp_path):
    strategies = ("less_likely", "stepwise", "adversarial")
    design = Proposing(
        about="Why do some waiters get larger tips?", strategies=strategies, each=1, spans=SPANS[:2], seed=1
    )
    run = carried(design, tmp_path / "run")
    later = [t for t in design.trials(run.responses()) if t.place.round or t.place.item != "hypothesis"]
    assert_golden("hypothesize-steps", "\n\n".join(map(as_text, later)) + "\n")


def rows(n=40):
    texts = tuple(f"Letter {k} is {'long' if k % 2 else 'short'}" for k in range(n))
    labels = tuple("yes" if k % 2 else "no" for k in range(n))
    ids = tuple(f"r{k}" for k in range(n))
    return Rows(name="letters.csv", ids=ids, labels=labels, units=ids, texts={"text": texts}, outcome="answered")


def judge(trial):
    """Reads length off the case when the statement is about length; any other statement says yes."""
    if trial.place.item != "judgement":
        about = "length" if trial.place.subject == "plain-4" else f"colour {trial.place.subject}"
        return record(about)
    asked = trial.request.messages[-1].text
    return trial.reply.options.index("yes" if "length" not in asked or "is long" in asked else "no")


def test_a_bank_on_a_wants_new_hypotheses_where_it_errs_and_b_is_judged_in_a_design_of_its_own(tmp_path):
    keeping = Keeping(size=3, acting=2, errors=5, fresh=1)
    design = Proposing(about="Which letters are answered?", each=3, rows=rows(), keeping=keeping, looked=40, seed=1)
    run = carried(design, tmp_path / "a", judge)
    kept = design.kept(run.responses())["plain"]
    # The three that it began with foretell yes always; the one that is right came where they erred.
    assert len(kept.proposals) > 3
    best = max(kept.bank.tallies, key=kept.bank.evidence)
    assert best == "plain-4"
    shown = [t.request.messages[-1].text for t in design.trials(run.responses()) if t.place.subject == "plain-4"]
    assert "foretell wrongly" in shown[0]
    hypotheses = tuple(p.hypothesis for p in kept.proposals if p.subject in ("plain-1", "plain-4"))
    other = Judging(hypotheses=hypotheses, rows=rows(20))
    told = other.told(collect(other, ScriptedEngine(judge, seed=1), tmp_path / "b").responses())
    assert beyond_chance(*told[hypotheses[1].id], rows(20).units).value == pytest.approx(0.5)
    assert beyond_chance(*told[hypotheses[0].id], rows(20).units).value == 0.0


def test_what_a_judge_found_on_a_is_locked_and_b_is_opened_for_the_same_judge(tmp_path):
    lines = [f"r{k},Letter {k} is {('short', 'long')[k % 2]},{('no', 'yes')[k % 2]}" for k in range(100)]
    (tmp_path / "letters.csv").write_text("\n".join(["id,text,answered", *lines]) + "\n")
    terms = Terms(data="letters.csv", outcome="answered", id="id", seed=4)
    a, b, _ = terms.sides(tmp_path)
    design = Proposing(about="Which letters?", each=3, rows=a, terms=terms, seed=1,
                       keeping=Keeping(size=3, acting=2, errors=5, fresh=1))  # fmt: skip
    run = carried(design, tmp_path / "a", judge)
    found = lock_proposed(tmp_path / "h.toml", tmp_path / "study.toml", design, run, "scripted:first")
    assert [h.independent for h in found.hypotheses] == ["smile length"]
    # Who is stopped after B was opened goes on under the same lock.
    opening = json.loads((tmp_path / "h.lock.json").read_text())
    open_b(tmp_path, opening, b)
    outcome = open_and_test(tmp_path / "h.toml", engine=ScriptedEngine(judge, seed=1))
    assert outcome.first_line == "Found on A: 1; held on B: 1 (Holm, 0.05)."
    assert (outcome.vote, outcome.rows_b) == (1.0, len(b))


def test_an_outcome_is_not_shown_to_who_foretells_it():
    hypothesis = Hypothesis(independent="length", dependent="answers", direction="more", falsifier="None.")
    [first, *_] = Judging(hypotheses=(hypothesis,), rows=rows(20)).trials({})
    assert_golden("hypothesize-judgement", as_text(first) + "\n")
    assert ("outcome", "no") in first.facts


def test_what_cannot_be_asked_is_refused_by_name():
    with pytest.raises(DesignError, match="no strategy 'wild'"):
        Proposing(about="Tips?", strategies=("wild",))
    with pytest.raises(DesignError, match="about is empty"):
        Proposing(about=" ")
