"""Codes put together: orders, repeats and windows averaged, prior corrected, equal votes none."""

import math

import pytest

from proband import collect
from proband.analyses.codes import ANALYSIS
from proband.designs import Survey
from proband.errors import DesignError
from proband.instruments import load_instrument
from proband.models.engine import BaseEngine
from proband.models.scripted import ScriptedEngine, always, first
from proband.records import Completion
from proband.subjects import load_population
from proband.subjects.corpora import LongTexts
from proband.texts.coders import Coder
from proband.texts.codes import codes_of
from tests.texts.letters import codebook, coding


class Stated(BaseEngine):
    """Gives stated probabilities of the options as written, as a rule has them for a trial."""

    address = "scripted:stated"
    abilities = frozenset({"given", "score"})

    def __init__(self, rule):
        self.rule = rule

    def answer(self, trials):
        for trial in trials:
            probs = self.rule(trial)
            if probs is None:
                yield trial, Completion(error="down")
            else:
                logs = tuple(math.log(probs[k]) for k in trial.reply.order)
                yield trial, Completion(log_probs=logs, token_counts=(1,) * len(logs))


def of(run, **settings):
    return {row["document"]: row for row in codes_of(run, **settings).iter_rows(named=True) if row["item"] == "tone"}


def tones(name="coder", **settings):
    return Coder(name=name, questions=("tone",), **settings)


def test_orders_are_averaged(tmp_path):
    def rule(trial):
        return (0.6, 0.3, 0.1) if trial.reply.order[0] == 0 else (0.2, 0.7, 0.1)

    run = collect(coding(tmp_path, tones()), {"coder": Stated(rule)}, tmp_path / "run")
    row = of(run)["l0"]
    assert row["code"] == "Bad"
    assert row["probs"] == pytest.approx([0.4, 0.5, 0.1])
    assert (row["n"], row["orders_agree"], row["why"]) == (2, False, None)


def test_who_takes_what_is_shown_first_gives_no_code(tmp_path):
    run = collect(coding(tmp_path, tones()), {"coder": ScriptedEngine(first(), seed=1)}, tmp_path / "run")
    row = of(run)["l1"]
    assert (row["code"], row["why"], row["orders_agree"]) == (None, "tie", False)


def test_prior_correction_takes_off_what_is_said_of_any_document(tmp_path):
    def rule(trial):
        tilt = 1.5 if trial.place.subject == "l2" else 1.0
        weights = [8.0, 1.0 * tilt, 1.0]
        return [w / sum(weights) for w in weights]

    run = collect(coding(tmp_path, tones(), prior_correction=True), {"coder": Stated(rule)}, tmp_path / "run")
    assert run.manifest["design"]["prior_correction"] is True
    assert {row["code"] for row in of(run, prior_correction=False).values()} == {"Good"}
    assert of(run)["l2"]["code"] == "Bad"
    # By hand: 6 documents, the log weight of one is up by log 1.5 and the mean by a sixth of that.
    raised, mean = math.log(1.5), math.log(1.5) / 6
    expected = math.exp(raised - mean) / (1 + math.exp(raised - mean) + 1)
    assert of(run)["l2"]["probs"][1] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("combine", "code", "probs"),
    [
        ("mean", "Good", [(0.9 + 0.3 + 0.3) / 3, (0.05 + 0.4 + 0.4) / 3, (0.05 + 0.3 + 0.3) / 3]),
        ("majority", "Bad", [1 / 3, 2 / 3, 0.0]),
        ("any", "Good", [0.9 / 1.6, 0.4 / 1.6, 0.3 / 1.6]),
    ],
)
def test_windows_are_combined_by_the_stated_rule(tmp_path, combine, code, probs):
    def rule(trial):
        return (0.9, 0.05, 0.05) if "one" in dict(trial.facts)["document"] else (0.3, 0.4, 0.3)

    design = coding(
        tmp_path,
        tones(),
        texts=("one two. three four. five six.", "short"),
        long=LongTexts(long="windows", most=12, combine=combine),
    )
    row = of(collect(design, {"coder": Stated(rule)}, tmp_path / "run"))["l0"]
    assert (row["code"], row["n"], row["orders_agree"]) == (code, 6, True)
    assert row["probs"] == pytest.approx(probs)


def test_a_failed_answer_is_no_code_and_says_so(tmp_path):
    def rule(trial):
        return None if trial.place.subject == "l0" or (trial.place.subject == "l1" and trial.reply.order[0]) else (
            0.5, 0.3, 0.2)  # fmt: skip

    run = collect(coding(tmp_path, tones()), {"coder": Stated(rule)}, tmp_path / "run")
    assert (of(run)["l0"]["code"], of(run)["l0"]["why"], of(run)["l0"]["n"]) == (None, "failed", 0)
    assert (of(run)["l1"]["n"], of(run)["l1"]["orders_agree"]) == (1, None)


def test_a_question_that_does_not_apply_has_no_code(tmp_path):
    engine = ScriptedEngine(lambda trial: 1 if trial.reply.form != "multiple" else (0, 1), seed=1)
    rows = codes_of(collect(coding(tmp_path), {"coder": engine}, tmp_path / "run"))
    given = {row["item"]: (row["code"], row["why"]) for row in rows.iter_rows(named=True)}
    assert given == {"tone": ("Bad", None), "topic": ("Parks; Roads", None), "loud": ("1", None)}
    rows = codes_of(collect(coding(tmp_path), {"coder": ScriptedEngine(_never(0), seed=1)}, tmp_path / "other"))
    assert set(rows.filter(item="loud")["why"]) == {"skipped"}


def _never(answer):
    return lambda trial: answer if trial.reply.form != "multiple" else (1,)


def test_cannot_tell_is_a_code_and_channel_gives_it_no_probability(tmp_path):
    coders = (tones("asked"), tones("weighed", answer_by="channel"))
    design = coding(tmp_path, *coders, codebook=codebook(cannot_tell=True))
    engines = {"asked": ScriptedEngine(always(3), seed=1), "weighed": Stated(lambda trial: (0.2, 0.5, 0.3))}
    rows = {row["coder"]: row for row in codes_of(collect(design, engines, tmp_path / "run")).iter_rows(named=True)}
    assert rows["asked"]["code"] == "Cannot tell"
    assert rows["weighed"]["code"] == "Bad"
    assert rows["weighed"]["probs"] == pytest.approx([0.2, 0.5, 0.3, 0.0])


def test_what_is_told_warns_that_shares_are_uncorrected_and_that_order_decides(tmp_path):
    run = collect(coding(tmp_path, tones()), {"coder": ScriptedEngine(first(), seed=1)}, tmp_path / "run")
    told = {section.name: section for section in ANALYSIS.sections(run)}
    assert "do not report them" in told["codes-tone"].warnings[0]
    [row] = told["codes-orders"].table.rows
    assert row[3] == 0.0
    assert "depends on the order" in told["codes-orders"].warnings[0]
    assert told["codes-missing"].table.rows == (("tone", "coder", 6, 0, 6),)


def test_a_survey_has_no_codes(tmp_path):
    survey = Survey(
        instrument=load_instrument("anes-1996").subset(("vote",)),
        subjects=load_population("anes-1996").sample(3, 1),
        seed=1,
    )
    run = collect(survey, ScriptedEngine(always(0), seed=1), tmp_path / "run")
    assert ANALYSIS.needs(run) == "this run coded no documents"
    with pytest.raises(DesignError, match="kind 'survey' has no codes"):
        codes_of(run)
