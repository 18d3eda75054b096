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
    assert list(zip(forest.query_nodes.tolist(), forest.query_tokens.tolist(), strict=True)) == [(1, 7), (1, 8), (2, 7)]
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


@given(SEQUENCES, st.integers(1, 9), st.integers(1, 4))
def test_blocks_hold_every_node_once_and_show_it_its_ancestors_only(sequences, size, block_size):
    forest = Forest.build(sequences, [1] * len(sequences))
    seen: list[int] = []
    for chunk in forest.chunks(size, block_size):
        for block in chunk.blocks:
            nodes = range(chunk.start + block.start, chunk.start + block.stop)
            columns = [*forest.path_to(nodes[0]).tolist(), *nodes]
            for node, row, distances in zip(nodes, block.sees, block.distance, strict=True):
                visible = {column for column, shown in zip(columns, row, strict=True) if shown}
                assert visible == ancestors(forest, node) | {node}
                assert (distances[row] == forest.depths[node] - forest.depths[np.array(columns)[row]]).all()
            seen += nodes
    assert seen == list(range(len(forest)))


@given(SEQUENCES, st.integers(1, 5), st.integers(1, 3))
def test_moving_nodes_to_their_depths_lays_out_the_path_of_the_next_block(sequences, size, block_size):
    forest = Forest.build(sequences, [1] * len(sequences))
    memory = np.full(int(forest.depths.max()) + 1 + block_size, -1)
    for chunk in forest.chunks(size, block_size):
        for block in chunk.blocks:
            nodes = np.arange(chunk.start + block.start, chunk.start + block.stop)
            assert memory[: block.base].tolist() == forest.path_to(nodes[0]).tolist()
            memory[block.base : block.base + len(nodes)] = nodes
            memory[block.places] = chunk.start + block.moved


@given(SEQUENCES)
def test_chains_are_the_longest_runs_of_single_children(sequences):
    forest = Forest.build(sequences, [1] * len(sequences))
    assert [node for start, stop in forest.chains for node in range(start, stop)] == list(range(len(forest)))
    for start, stop in forest.chains:
        assert forest.parents[start + 1 : stop].tolist() == list(range(start, stop - 1))
    assert all(forest.parents[start] != start - 1 for start, _ in forest.chains[1:])


@given(SEQUENCES, st.integers(1, 5))
def test_chunks_answer_the_queries_in_order(sequences, size):
    forest = Forest.build(sequences, [1] * len(sequences))
    chunks = list(forest.chunks(size, 2))
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
