import pytest

from proband.errors import DesignError
from proband.texts.gold.tables import Question
from proband.texts.gold.tuning import best, numbered, read_protocol, tries_of
from proband.texts.gold.validation import NONE, validity

QUESTIONS = {"tone": Question(id="tone", codes=("yes", "no"))}
GOLD = [{"document": f"d{k}", "item": "tone", "code": "yes" if k < 10 else "no"} for k in range(20)]


def answers(p_yes, p_no):
    """A coder that gives 'yes' these probabilities where it is right to, and where not."""
    probs = {row["document"]: p_yes if row["code"] == "yes" else p_no for row in GOLD}
    return {"tone": {d: ("yes" if p > 0.5 else "no", {"yes": p, "no": 1 - p}) for d, p in probs.items()}}


def test_a_coder_that_is_biased_and_not_blind_is_found_with_a_threshold():
    tries = numbered([], [*tries_of("blind", "b", answers(0.9, 0.9), GOLD, QUESTIONS),
                          *tries_of("shy", "s", answers(0.35, 0.15), GOLD, QUESTIONS)])  # fmt: skip
    chosen = best(tries, {"blind": "b", "shy": "s"})
    assert chosen.coder == "shy"
    assert 0.15 < chosen.thresholds["tone"] <= 0.35
    assert {row["try"] for row in tries} == {"1", "2"}


def test_a_try_of_settings_that_are_gone_is_listed_and_not_chosen():
    good, bad = (
        tries_of("a", "old", answers(0.9, 0.1), GOLD, QUESTIONS),
        tries_of("b", "x", answers(0.9, 0.9), GOLD, QUESTIONS),
    )
    assert best(numbered(good, bad), {"a": "new", "b": "x"}).coder == "b"
    assert len(numbered(numbered(good, bad), good)) == len(good) + len(bad)


def test_without_need_no_threshold_is_chosen():
    tries = numbered([], tries_of("a", "s", answers(0.9, 0.1), GOLD, QUESTIONS))
    assert best(tries, {"a": "s"}).thresholds == {}
    assert best(tries[::-1], {"a": "s"}).thresholds == {}  # whatever the order of the rows


def test_a_protocol_is_read_back_as_written_and_checked():
    tries = numbered([], tries_of("shy", "s", answers(0.35, 0.15), GOLD, QUESTIONS))
    chosen = best(tries, {"shy": "s"})
    assert read_protocol(chosen.text(), "protocol.toml", ["shy"], QUESTIONS) == chosen
    with pytest.raises(DesignError, match=r"no coder 'shi' \(did you mean 'shy'"):
        read_protocol('coder = "shi"', "protocol.toml", ["shy"], QUESTIONS)
    with pytest.raises(DesignError, match="must lie between 0 and 1"):
        read_protocol('coder = "shy"\n[thresholds]\ntone = 2', "protocol.toml", ["shy"], QUESTIONS)


def test_no_code_counts_as_a_wrong_one():
    found = validity(["yes", "yes", "no"], ["yes", "", "no"], QUESTIONS["tone"])
    assert found.accuracy.value == pytest.approx(2 / 3)
    assert found.codes == ("yes", "no", NONE)
    assert found.confusion[0] == (1, 0, 1)
