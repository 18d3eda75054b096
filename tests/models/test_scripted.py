"""The scripted engine has exactly the distribution that it states."""

import math
import time
from collections import Counter
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import EngineError
from proband.models.engine import BaseEngine
from proband.models.scripted import RULES, ScriptedEngine, first, normal, scripted_engine, stated
from proband.records import Message, Place, Reply, Request, Trial

WRITTEN = Request(messages=(Message("user", "Which?"),), max_tokens=5)


def choice(subject="s1", order=(0, 1, 2), *, method="option_text", dont_know=(), facts=()):
    options = tuple(f"option {k}" for k in order)
    scored = Request(messages=WRITTEN.messages, continuations=options)
    return Trial(
        place=Place(subject=subject, item="vote"),
        request=WRITTEN if method == "written" else scored,
        reply=Reply(form="choice", method=method, options=options, order=order, dont_know=dont_know),
        facts=facts,
    )


def other(form, subject="s1", **fields):
    n = len(fields.get("options", ()))
    reply = Reply(form=form, method="written", order=tuple(range(n)), **fields)
    return Trial(place=Place(subject=subject, item="much"), request=WRITTEN, reply=reply)


def shares(engine, n=20_000, **fields):
    """Share of every (answer, status) over many subjects."""
    trials = [choice(f"s{k}", method="written", **fields) for k in range(n)]
    counts = Counter(completion.given for _, completion in engine.answer(trials))
    return {outcome: count / n for outcome, count in counts.items()}


def only(engine, trial):
    [(_, completion)] = engine.answer([trial])
    return completion


def test_it_is_an_engine():
    assert isinstance(scripted_engine("uniform"), BaseEngine)


def test_the_truth_follows_the_formula():
    engine = ScriptedEngine(stated({"vote": (0.6, 0.3, 0.1)}), position_bias=0.2, noise=0.5, dont_know=0.1)
    p, u = np.array([0.6, 0.3, 0.1]), np.array([0.5, 0.5, 0.0])
    q = 0.8 * (0.5 * p + 0.5 * u) + 0.2 * np.array([0, 1, 0])
    expected = 0.9 * q + 0.1 * np.array([0, 0, 1])
    truth = engine.truth(choice(order=(1, 0, 2), dont_know=(2,)))
    assert truth == pytest.approx(tuple(expected))


@given(
    st.lists(st.floats(0.01, 1), min_size=2, max_size=7),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.randoms(use_true_random=False),
)
def test_scored_replies_are_the_truth_in_the_order_shown(weights, noise, bias, unsure, random):
    order = list(range(len(weights)))
    random.shuffle(order)
    p = [w / sum(weights) for w in weights]
    engine = ScriptedEngine(lambda trial: p, noise=noise, position_bias=bias, dont_know=unsure)
    trial = choice(order=tuple(order), dont_know=(0,))
    probs = np.exp(only(engine, trial).log_probs)
    truth = engine.truth(trial)
    assert math.isclose(sum(truth), 1, abs_tol=1e-9)
    assert probs == pytest.approx([truth[k] for k in order])


def test_drawn_replies_have_the_shares_of_the_truth():
    engine = ScriptedEngine(stated({"vote": (0.5, 0.3, 0.2)}), seed=3, position_bias=0.1, refuse=0.25, dont_know=0.2)
    found = shares(engine, order=(2, 1, 0), dont_know=(1,))
    truth = engine.truth(choice(order=(2, 1, 0), dont_know=(1,)))
    expected = {
        (0, "valid"): 0.75 * truth[0],
        (2, "valid"): 0.75 * truth[2],
        (None, "dont_know"): 0.75 * truth[1],
        (None, "refused"): 0.25,
    }
    assert found == pytest.approx(expected, abs=4 * math.sqrt(0.25 / 20_000))


def test_refusals_and_failures_come_by_place_whatever_the_method():
    engine = ScriptedEngine(first(), refuse=0.3, fail=0.2)

    def fates(method):
        trials = [choice(f"s{k}", method=method) for k in range(2000)]
        return [(c.error, c.given == (None, "refused")) for _, c in engine.answer(trials)]

    assert fates("written") == fates("option_text")
    failed = sum(error is not None for error, _ in fates("written")) / 2000
    refused = sum(is_refused for _, is_refused in fates("written")) / 2000
    assert failed == pytest.approx(0.2, abs=0.04)
    assert refused == pytest.approx(0.8 * 0.3, abs=0.04)


def test_an_answer_depends_on_its_place_and_seed_only():
    trials = [choice(f"s{k}", method="written") for k in range(50)]
    engine = scripted_engine("uniform", seed=1)
    forward = {trial.id: completion for trial, completion in engine.answer(trials)}
    backward = {trial.id: completion for trial, completion in engine.answer(trials[::-1])}
    other_seed = {trial.id: c for trial, c in scripted_engine("uniform", seed=2).answer(trials)}
    assert forward == backward != other_seed


def test_spatial_prefers_the_nearest_option_and_knows_its_formula():
    engine = scripted_engine("spatial", fact="ideology", low="1", high="7", width="0.5")
    truth = engine.truth(choice(facts=(("ideology", "7"),)))
    weights = [math.exp(-(((k / 2 - 1.0) / 0.5) ** 2) / 2) for k in range(3)]
    assert truth == pytest.approx([w / sum(weights) for w in weights])
    assert engine.truth(choice()) == pytest.approx((1 / 3,) * 3)
    assert engine.truth(choice(facts=(("ideology", "1"),), dont_know=(1,)))[1] == 0


def test_a_fact_that_is_no_number_is_named():
    with pytest.raises(EngineError, match="fact 'ideology' is 'left'"):
        scripted_engine("spatial").truth(choice(facts=(("ideology", "left"),)))


def test_first_takes_what_is_shown_first_and_always_what_is_written():
    shown_last_first = choice(order=(2, 1, 0), method="written")
    assert only(scripted_engine("first"), shown_last_first).given == (2, "valid")
    assert only(scripted_engine("always", option="1"), shown_last_first).given == (1, "valid")


def test_normal_is_a_normal_cut_at_the_bounds():
    engine = ScriptedEngine(normal(50, sd=20), seed=1)
    trials = [other("number", f"s{k}", lower=40.0, upper=100.0) for k in range(5000)]
    drawn = np.array([completion.given[0] for _, completion in engine.answer(trials)])
    assert (drawn.min() >= 40, drawn.max() <= 100) == (True, True)
    full = NormalDist(50, 20)
    below = (full.cdf(60) - full.cdf(40)) / (full.cdf(100) - full.cdf(40))
    assert np.mean(drawn < 60) == pytest.approx(below, abs=0.03)


def test_a_normal_far_from_the_bounds_is_refused():
    with pytest.raises(EngineError, match="all but never"):
        ScriptedEngine(normal(0, sd=1)).check([other("number", lower=50.0, upper=60.0)])


@pytest.mark.parametrize("form", ["multiple", "ranking", "allocation", "number", "text"])
def test_uniform_answers_every_form_within_its_rules(form):
    fields = {"options": ("a", "b", "c")} if form in ("multiple", "ranking", "allocation") else {}
    fields |= {"total": 100.0} if form == "allocation" else {}
    fields |= {"lower": 1.0, "upper": 5.0} if form == "number" else {}
    answer, status = only(scripted_engine("uniform"), other(form, **fields)).given
    assert status == "valid"
    if form == "multiple":
        assert set(answer) <= {0, 1, 2}
    elif form == "ranking":
        assert sorted(answer) == [0, 1, 2]
    elif form == "allocation":
        assert math.isclose(sum(answer), 100)
    elif form == "number":
        assert 1 <= answer <= 5


def test_noise_replaces_numbers_by_uniform_ones():
    engine = ScriptedEngine(lambda trial: 3.0, noise=0.4)
    trials = [other("number", f"s{k}", lower=0.0, upper=10.0) for k in range(3000)]
    kept = np.mean([completion.given == (3.0, "valid") for _, completion in engine.answer(trials)])
    assert kept == pytest.approx(0.6, abs=0.04)


def test_stated_reads_a_file_and_names_an_item_that_is_missing(tmp_path):
    (tmp_path / "d.toml").write_text("vote = [0.2, 0.3, 0.5]\n")
    engine = scripted_engine("stated", file=str(tmp_path / "d.toml"))
    assert engine.truth(choice()) == pytest.approx((0.2, 0.3, 0.5))
    with pytest.raises(EngineError, match="no distribution for item 'much'; it has vote"):
        engine.check([choice(), other("number")])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda trial: (0.5, 0.6, 0.1), "3 probabilities that sum to 1"),
        (lambda trial: (0.5, 0.5), "for 3 options"),
        (lambda trial: (1.5, -0.5, 0.0), "3 probabilities"),
        (lambda trial: 3, "index from 0 to 2"),
        (lambda trial: "yes", "the rule gave 'yes'"),
    ],
)
def test_a_rule_that_gives_no_distribution_is_refused_before_the_run(rule, message):
    with pytest.raises(EngineError, match=message):
        ScriptedEngine(rule).check([choice()])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("spacial", {}, "did you mean 'spatial'"),
        ("uniform", {"refuze": "0.1"}, "did you mean 'refuse'"),
        ("uniform", {"refuse": "often"}, "not a number"),
        ("uniform", {"noise": "1.5"}, "not a probability"),
        ("uniform", {"seed": "1.5"}, "whole number"),
        ("stated", {}, "file=dist.toml"),
        ("stated", {"file": "/none.toml"}, "no such file of distributions"),
        ("normal", {"sd": "0"}, "sd 0.0 must be above 0"),
    ],
)
def test_wrong_options_are_named(name, options, message):
    with pytest.raises(EngineError, match=message):
        scripted_engine(name, **options)


@pytest.mark.parametrize("name", RULES)
def test_every_named_rule_is_documented(name):
    assert len(RULES.load(name).__doc__) > 20


def test_fingerprint_cost_and_render_say_what_ran():
    engine = scripted_engine("first", seed="4", refuse="0.1")
    assert engine.fingerprint()["address"] == "scripted:first?seed=4&refuse=0.1"
    assert engine.cost([choice()]).price == 0
    assert "[continuation]\noption 2" in engine.render(choice())


def test_it_answers_thousands_a_second():
    trials = [choice(f"s{k}", method="written") for k in range(5000)]
    began = time.process_time()
    assert sum(1 for _ in scripted_engine("uniform", noise="0.1").answer(trials)) == 5000
    assert time.process_time() - began < 2


def test_knowing_is_right_about_its_share_and_as_sure_of_the_rest():
    from proband.designs.quiz.prompts import PROMPTS
    from proband.designs.quiz.quiz import Quiz
    from proband.instruments.banks.bank import Bank, Question

    questions = tuple(
        Question(id=f"q{k}", text=f"Which is {k}?", choices=("a", "b", "c", "d"), answer=k % 4, domain="d")
        for k in range(400)
    )
    quiz = Quiz(bank=Bank(name="b", questions=questions), prompts=(PROMPTS["zero-shot"],))
    engine = scripted_engine("knowing", share="0.7", confidence="0.9")
    right = 0
    for trial, completion in engine.answer(quiz.trials({})):
        probs = np.exp(completion.log_probs)
        assert max(probs) == pytest.approx(0.9)
        right += trial.reply.order[int(np.argmax(probs))] == int(dict(trial.facts)["answer"])
    assert 0.6 < right / 400 < 0.8
