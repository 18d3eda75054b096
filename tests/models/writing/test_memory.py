import torch
from hypothesis import example, given
from hypothesis import strategies as st

from proband.models.local.forest import shared_length
from proband.models.writing.memory import LEAST_SHARED, Segment, descend, grow

LONG = st.lists(st.sampled_from([(1,) * 20, (2,) * 20, (1, 3), (4,) * 9]), max_size=5).map(
    lambda parts: tuple(token for part in parts for token in part)
)


def tree(prompts):
    """Prompts in order, each under its segment, whose keys are its tokens."""
    root, leaves = Segment((), None, []), []
    for k, ids in enumerate(prompts):
        falling = []
        for other in prompts[k + 1 :]:
            falling.append(min([shared_length(ids, other), *falling[-1:]]))
        leaf, made = grow(root, ids, falling)
        for segment in made:
            keys = torch.tensor(segment.tokens).view(1, -1, 1)
            segment.layers = [(keys, -keys)]
        leaf.rows += 1
        leaves.append(leaf)
    return root, leaves


@given(st.lists(LONG, max_size=8).map(sorted))
@example([(1,) * 80, (1,) * 80, (1,) * 22 + (3,), (1,) * 20 + (2,) * 20])
def test_the_path_to_a_prompt_holds_its_beginning_and_its_keys(prompts):
    _, leaves = tree(prompts)
    for ids, leaf in zip(prompts, leaves, strict=True):
        tokens = [token for segment in leaf.path for token in segment.tokens]
        keys = [int(key) for segment in leaf.path for key in segment.layers[0][0].flatten()]
        assert tokens == keys == list(ids[: leaf.end])
        # A later prompt may cut one of them, and what stands below the cut is as short as it happens to be.
        assert all(len(segment) >= LEAST_SHARED for segment in leaf.path[:1])


@given(st.lists(LONG, max_size=8).map(sorted), st.randoms())
def test_segments_are_there_once_and_gone_when_nobody_needs_them(prompts, random):
    root, leaves = tree(prompts)
    held = {tuple(t for s in leaf.path[:n] for t in s.tokens) for leaf in leaves for n in range(9)}
    assert root.tokens_below() <= sum(map(len, held))
    random.shuffle(leaves)
    for leaf in leaves:
        leaf.rows -= 1
    kept = descend(root, prompts[0])[0].path if prompts else []
    root.prune({id(segment) for segment in kept})
    assert root.tokens_below() == sum(map(len, kept))
    root.prune(set())
    assert root.tokens_below() == 0


def test_a_segment_is_cut_where_a_later_prompt_leaves_it():
    root = Segment((), None, [])
    early, _ = grow(root, (1,) * 100, [100])
    late, made = grow(root, (1,) * 40 + (2,) * 20, [])
    assert [len(segment) for segment in early.path] == [40, 60]
    assert (late.path, made) == (early.path[:1], [])
    assert root.tokens_below() == 100


def test_a_stretch_too_short_for_its_rows_is_not_shared():
    _, leaves = tree([(1,) * 20 + (2,), (1,) * 20 + (3,)])
    assert leaves[0].path == []
    _, leaves = tree([(1,) * 20 + (k,) for k in range(2, 8)])
    assert [len(segment) for segment in leaves[0].path] == [20]
