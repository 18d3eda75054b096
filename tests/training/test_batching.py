"""Steps hold what they should, and parts hold every example whole, shared beginnings once."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.training.batching import packed, padded, parts_of, step_plan
from proband.training.encoding import Taught
from proband.training.recipe import Recipe

TEXTS = st.lists(st.integers(1, 3), min_size=2, max_size=14)


@st.composite
def batches(draw):
    texts = draw(st.lists(TEXTS, min_size=1, max_size=8))
    return [
        Taught(id=str(k), ids=tuple(ids), start=draw(st.integers(1, len(ids) - 1)), weight=1.0 + k)
        for k, ids in enumerate(texts)
    ]


def laid(part, pick):
    """Text that the token at a place of a packed part sees, up to itself."""
    ends = np.cumsum([segment.size for segment in part.segments])
    number = int(np.searchsorted(ends, pick, side="right"))
    starts = ends - [segment.size for segment in part.segments]
    row = part.ids[0]
    before = [row[starts[k] : ends[k]] for k in part.segments[number].path]
    return [int(t) for t in np.concatenate([*before, row[starts[number] : pick + 1]])]


@settings(max_examples=60)
@given(batches(), st.sampled_from([1, 2, 8, None]))
def test_packed_tokens_see_their_own_text_and_predict_its_next_token(examples, least_shared):
    part = packed(examples, least_shared=least_shared)
    found = [
        (tuple(laid(part, pick)), int(target), weight)
        for pick, target, weight in zip(part.picks, part.targets, part.weights, strict=True)
    ]
    wanted = [(one.ids[:k], one.ids[k], one.weight) for one in examples for k in range(one.start, len(one.ids))]
    assert sorted(found) == sorted(wanted)
    assert part.n_computed == part.ids.size <= part.n_standing
    assert len(set(part.picks.tolist())) == len(part.picks)
    if least_shared is None:
        assert part.n_computed == part.n_standing


@settings(max_examples=40)
@given(batches())
def test_padded_rows_hold_each_example_without_its_last_token(examples):
    part = padded(examples)
    width = part.ids.shape[1]
    rows, places = part.picks // width, part.picks % width
    first = 0
    for row, one in enumerate(examples):
        own = slice(first, first + one.n_taught)
        assert tuple(part.ids[row, : len(one.ids) - 1]) == one.ids[:-1]
        assert (rows[own] == row).all()
        assert places[own].tolist() == list(range(one.start - 1, len(one.ids) - 1))
        first += one.n_taught


@settings(max_examples=40)
@given(batches(), st.sampled_from(["packed", "dynamic", "longest"]), st.integers(1, 40))
def test_parts_hold_every_taught_token_once_within_their_limits(examples, padding, most_tokens):
    longest = max(len(one.ids) for one in examples)
    parts = list(parts_of(examples, padding, most_tokens=most_tokens, most_rows=3, longest=longest))
    assert sum(len(part.picks) for part in parts) == sum(one.n_taught for one in examples)
    assert sum(part.n_standing for part in parts) == sum(len(one.ids) - 1 for one in examples)
    for part in parts:
        assert part.ids.size <= max(most_tokens, longest - 1)
        if padding == "longest":
            assert part.ids.shape[1] == longest - 1


def test_a_common_header_is_computed_once():
    header = tuple(range(10, 30))
    examples = [Taught(id=str(k), ids=(*header, k, 5, 6), start=21) for k in range(4)]
    assert packed(examples).n_computed == 20 + 4 * 2
    assert packed(examples).n_standing == 4 * 22


def test_the_same_example_may_stand_in_a_batch_twice():
    one = Taught(id="a", ids=tuple(range(1, 13)), start=10)
    part = packed([one, one])
    assert len(part.picks) == 4
    assert part.n_computed < part.n_standing


def test_passes_run_into_one_another_when_steps_are_given_and_end_when_passes_are():
    steps = step_plan(5, Recipe(steps=4, batch_size=3))
    assert [len(rows) for rows in steps] == [3, 3, 3, 3]
    assert sorted(k for rows in steps for k in rows)[:10].count(0) >= 2
    assert sorted([*steps[0], *steps[1][:2]]) == list(range(5))
    passes = step_plan(5, Recipe(epochs=2, batch_size=3))
    assert [len(rows) for rows in passes] == [3, 2, 3, 2]
    assert sorted(passes[2] + passes[3]) == list(range(5))


def test_a_longer_training_begins_like_a_shorter_one_and_seeds_differ():
    assert step_plan(9, Recipe(steps=6, batch_size=4))[:3] == step_plan(9, Recipe(steps=3, batch_size=4))
    assert step_plan(9, Recipe(steps=3, seed=1)) != step_plan(9, Recipe(steps=3, seed=2))
