from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.models.local.forest import Forest, shared_length

TOKENS = st.lists(st.integers(0, 3), min_size=2, max_size=8).map(tuple)
SEQUENCES = st.lists(TOKENS, min_size=1, max_size=12)


def ancestors(forest, node):
    return {int(a) for a in forest.path_to(node)}


def test_a_forest_computes_each_prefix_once_and_no_last_token():
    forest = Forest.build([(5, 6, 7), (5, 6, 8), (5, 9, 7)], [2, 2, 2])
    assert forest.tokens.tolist() == [5, 6, 9]
    assert forest.parents.tolist() == [-1, 0, 0]
    assert forest.depths.tolist() == [0, 1, 1]
    assert list(zip(forest.query_nodes.tolist(), forest.query_tokens.tolist(), strict=True)) == [
        (1, 7),
        (1, 8),
        (2, 7),
    ]
    assert [row.tolist() for row in forest.rows] == [[0], [1], [2]]


@given(SEQUENCES)
def test_nodes_are_exactly_the_distinct_prefixes(sequences):
    forest = Forest.build(sequences, [1] * len(sequences))
    prefixes = {ids[:n] for ids in sequences for n in range(1, len(ids))}
    spelled = [tuple(forest.tokens[[*forest.path_to(k), k]].tolist()) for k in range(len(forest))]
    assert len(spelled) == len(prefixes)
    assert set(spelled) == prefixes


@given(SEQUENCES)
def test_queries_of_a_sequence_spell_its_scored_tokens_after_the_right_prefixes(sequences):
    starts = [1 + len(ids) // 3 for ids in sequences]
    forest = Forest.build(sequences, starts)
    for ids, start, row in zip(sequences, starts, forest.rows, strict=True):
        assert forest.query_tokens[row].tolist() == list(ids[start:])
        for j, node in enumerate(forest.query_nodes[row], start=start):
            assert tuple(forest.tokens[[*forest.path_to(int(node)), node]].tolist()) == ids[:j]
    assert (np.diff(forest.query_nodes) >= 0).all()


@given(SEQUENCES, st.integers(1, 9))
def test_chunks_hold_every_node_once_and_show_it_its_ancestors_only(sequences, size):
    forest = Forest.build(sequences, [1] * len(sequences))
    seen: list[int] = []
    for chunk in forest.chunks(size):
        columns = [*chunk.path.tolist(), *range(chunk.start, chunk.stop)]
        for node, row in zip(range(chunk.start, chunk.stop), chunk.mask, strict=True):
            visible = {column for column, shown in zip(columns, row, strict=True) if shown}
            assert visible == ancestors(forest, node) | {node}
        seen += range(chunk.start, chunk.stop)
    assert seen == list(range(len(forest)))


@given(SEQUENCES, st.integers(1, 5))
def test_what_a_chunk_keeps_is_the_path_of_the_next(sequences, size):
    forest = Forest.build(sequences, [1] * len(sequences))
    chunks = list(forest.chunks(size))
    for chunk, following in pairwise(chunks):
        columns = np.concatenate([chunk.path, np.arange(chunk.start, chunk.stop)])
        assert columns[chunk.keep].tolist() == following.path.tolist()
    assert len(chunks[-1].keep) == 0


@given(SEQUENCES, st.integers(1, 5))
def test_chunks_answer_the_queries_in_order(sequences, size):
    forest = Forest.build(sequences, [1] * len(sequences))
    chunks = list(forest.chunks(size))
    assert np.concatenate([c.queries for c in chunks]).tolist() == list(range(len(forest.query_nodes)))
    for chunk in chunks:
        assert (chunk.start + chunk.places == forest.query_nodes[chunk.queries]).all()


@settings(max_examples=30)
@given(SEQUENCES, st.randoms())
def test_the_order_of_sequences_changes_only_the_order_of_rows(sequences, random):
    order = list(range(len(sequences)))
    random.shuffle(order)
    a = Forest.build(sequences, [1] * len(sequences))
    b = Forest.build([sequences[k] for k in order], [1] * len(sequences))
    assert a.tokens.tolist() == b.tokens.tolist()
    assert a.parents.tolist() == b.parents.tolist()


@pytest.mark.parametrize(("sequence", "start"), [((1,), 1), ((1, 2), 0), ((1, 2), 2)])
def test_a_sequence_without_a_token_to_score_or_to_score_from_is_refused(sequence, start):
    with pytest.raises(ValueError, match="needs a token before"):
        Forest.build([sequence], [start])


@given(TOKENS, TOKENS)
def test_shared_length_is_the_longest_common_prefix(a, b):
    n = shared_length(a, b)
    assert a[:n] == b[:n]
    assert n == min(len(a), len(b)) or a[n] != b[n]
