"""Replies by the thousand: what the house asks for is read back exactly, what denies or offers two is never taken."""

import random
from collections import Counter

import pytest

from proband.designs.survey.wording import instruction_text
from proband.instruments import Item, read
from proband.records import Completion, Message, Place, Reply, Request, Trial
from tests.instruments.replies import Case, adverse, allowed, spoilt

REQUEST = Request(messages=(Message("user", "What do you say?"),), max_tokens=50)


def put(text, reply):
    return read(Completion(text=text), Trial(place=Place(subject="s", item="i"), request=REQUEST, reply=reply), "x")


def is_read_back(case: Case) -> bool:
    response = put(case.text, case.reply)
    answer = response.probs if case.reply.method == "verbalised" else response.answer
    if case.reply.method == "verbalised" or case.reply.form == "allocation":
        return answer is not None and answer == pytest.approx(case.answer, abs=1e-9)
    return response.status == "valid" and answer == case.answer


def misread(make, is_right, n, seed):
    rng = random.Random(seed)
    return [case for case in (make(rng) for _ in range(n)) if not is_right(case)]


def is_no_wrong_answer(case: Case) -> bool:
    response = put(case.text, case.reply)
    return response.status != "valid" or response.answer == case.answer


@pytest.mark.parametrize("seed", range(3))
def test_replies_in_the_form_asked_for_are_read_back_exactly(seed):
    assert misread(allowed, is_read_back, 1000, seed) == []


@pytest.mark.parametrize("seed", range(2))
def test_replies_that_deny_doubt_or_offer_two_are_no_wrong_answer(seed):
    assert misread(adverse, is_no_wrong_answer, 1000, seed) == []


def test_lists_and_divisions_that_are_not_whole_are_no_answer():
    assert misread(spoilt, is_no_wrong_answer, 1000, 7) == []


@pytest.mark.slow
def test_a_hundred_thousand_replies_are_read_back_exactly():
    assert misread(allowed, is_read_back, 100_000, 100) == []


@pytest.mark.slow
def test_of_fifty_thousand_denials_and_doubts_none_is_a_wrong_answer():
    assert misread(adverse, is_no_wrong_answer, 40_000, 101) == []
    assert misread(spoilt, is_no_wrong_answer, 10_000, 102) == []


def test_the_replies_are_of_every_form_and_many_sizes():
    rng = random.Random(0)
    cases = [allowed(rng) for _ in range(1000)]
    forms = Counter((case.reply.form, case.reply.method) for case in cases)
    assert len(forms) == 7
    assert min(forms.values()) > 50
    assert {len(case.reply.options) for case in cases} >= set(range(2, 8))
    assert {bool(case.reply.labels) for case in cases} == {True, False}


def amounts(total, n, step):
    """All ways to divide a total among n in steps."""
    if n == 1:
        return [(total,)]
    return [(first, *rest) for first in range(0, total + 1, step) for rest in amounts(total - first, n - 1, step)]


@pytest.mark.parametrize("labels", [(), ("A", "B", "C", "D"), ("1", "2", "3", "4")])
def test_all_286_ways_to_divide_100_in_tens_among_four_are_read(labels):
    options = ("Berlin", "Paris", "London", "Madrid")
    shared = {"options": options, "labels": labels, "order": (0, 1, 2, 3)}
    split = Reply(form="allocation", method="written", total=100.0, **shared)
    shares = Reply(form="choice", method="verbalised", decide="mode", **shared)
    ways = amounts(100, 4, 10)
    assert len(ways) == 286
    for way in ways:
        lines = [f"{name}: {part}" for name, part in zip(labels or options, way, strict=True)]
        assert put("\n".join(lines), split).answer == tuple(map(float, way))
        assert put("%\n".join(lines) + "%", shares).probs == pytest.approx(tuple(part / 100 for part in way))


# What the replies above are made by; where an instruction changes, so must they.
ASKED = {
    "choice": "Reply with one option, and nothing else.",
    "multiple": "every option that applies, separated by semicolons, and nothing else. If none applies, reply: none",
    "ranking": "all options in your order, first to last, separated by semicolons, and nothing else.",
    "number": "Reply with a number, and nothing else.",
    "allocation": 'one line for each option, in the form "option: amount".',
}


@pytest.mark.parametrize("form", ASKED)
def test_the_instruction_asks_for_what_is_read(form):
    options = {} if form == "number" else {"options": ("Yes", "No")}
    total = {"total": 10.0} if form == "allocation" else {}
    assert ASKED[form] in instruction_text(Item(id="i", text="?", form=form, **options, **total), "written")


def test_the_instruction_for_certainty_asks_for_what_is_read():
    item = Item(id="i", text="?", form="choice", options=("Yes", "No"))
    assert 'one line for each option, in the form "option: percent"' in instruction_text(item, "verbalised")
