"""Ties: networks as networkx knows them, in the same bytes for the same seed, with what cannot be refused by name."""

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DesignError
from proband.societies import ties


def rng(seed=1):
    return np.random.default_rng(seed)


def as_networkx(network):
    graph = networkx.Graph()
    graph.add_nodes_from(range(network.n))
    graph.add_edges_from(zip(network.sources.tolist(), network.targets.tolist(), strict=True))
    return graph


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ties.complete_graph(6), networkx.complete_graph(6)),
        (ties.complete_graph(1), networkx.complete_graph(1)),
        (ties.cycle_graph(9, 4), networkx.watts_strogatz_graph(9, 4, 0)),
        (ties.grid_2d_graph(4, 5), networkx.grid_2d_graph(4, 5, periodic=True)),
        (ties.grid_2d_graph(4, 5, periodic=False), networkx.grid_2d_graph(4, 5)),
        (ties.random_geometric_graph([[0, 0], [0, 1], [3, 0]], 1.5), networkx.Graph([(0, 1)])),
    ],
)
def test_networks_that_are_not_drawn_are_those_of_networkx(ours, theirs):
    graph = as_networkx(ours)
    if isinstance(next(iter(theirs)), tuple):
        theirs = networkx.convert_node_labels_to_integers(theirs, ordering="sorted")
    theirs.add_nodes_from(range(ours.n))
    assert networkx.utils.graphs_equal(graph, theirs)


def test_a_torus_with_corners_has_eight_neighbours_each():
    torus = ties.grid_2d_graph(4, 6, neighbours=8)
    assert (torus.degrees == 8).all()
    assert sorted(torus.of_agent(0).tolist()) == [1, 5, 6, 7, 11, 18, 19, 23]


def drawn():
    return {
        "small world": ties.watts_strogatz_graph(2000, 6, 0.1, rng()),
        "preferential": ties.barabasi_albert_graph(2000, 3, rng()),
        "random": ties.gnp_random_graph(2000, 0.003, rng()),
        "blocks": ties.stochastic_block_model([500, 1500], [[0.01, 0.001], [0.001, 0.005]], rng()),
        "two-mode": ties.affiliation_graph(2000, 500, 2, rng()),
        "configuration": ties.configuration_model(rng().poisson(3, 2000) * 2, rng()),
    }


def test_drawn_networks_are_simple_go_both_ways_and_are_the_same_for_the_same_seed():
    for name, network in drawn().items():
        graph = as_networkx(network)
        assert networkx.number_of_selfloops(graph) == 0, name
        assert 2 * graph.number_of_edges() == len(network.targets), name
        again = drawn()[name]
        assert again.targets.tobytes() == network.targets.tobytes(), name


def test_they_have_the_numbers_they_are_known_by():
    found = drawn()
    assert len(found["small world"].targets) == 2000 * 6
    assert len(found["preferential"].targets) == 2 * (6 + 3 * 1996)  # the first four, and three ties of each newcomer
    assert found["preferential"].degrees.max() > 60  # hubs; at random the largest would have about 18
    assert found["random"].degrees.mean() == pytest.approx(1999 * 0.003, rel=0.05)
    clustering = [networkx.average_clustering(as_networkx(found[name])) for name in ("small world", "random")]
    # (3k - 6) / (4k - 4) (1 - p)^3 (Barrat & Weigt, 2000), and p.
    assert clustering[0] == pytest.approx(0.6 * 0.9**3, abs=0.03)
    assert clustering[1] == pytest.approx(0.003, abs=0.003)
    block = found["blocks"]
    across = (block.sources < 500) & (block.targets >= 500)
    assert across.sum() == pytest.approx(500 * 1500 * 0.001, rel=0.15)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=14), st.integers(0, 5))
def test_a_configuration_has_the_degrees_asked_for_or_is_refused(degrees, seed):
    if not networkx.is_graphical(degrees):
        with pytest.raises(DesignError, match=r"odd|no network"):
            ties.configuration_model(degrees, rng(seed))
        return
    assert ties.configuration_model(degrees, rng(seed)).degrees.tolist() == degrees


def test_groups_in_common_are_the_weight_of_a_tie():
    network = ties.projected_graph([0, 0, 1, 1, 2], [0, 1, 0, 1, 1], 4)
    assert network.of_agent(0).tolist() == [1, 2]
    assert network.weights.tolist() == [2, 1, 2, 1, 1, 1]


def test_ties_are_read_from_a_table_and_from_graphml(tmp_path):
    (tmp_path / "ties.csv").write_text("source,target,weight\nann,bob,2\nbob,cy,1\n")
    names = {"ann": 0, "bob": 1, "cy": 2}
    read = ties.read_ties(tmp_path / "ties.csv", names)
    assert (read.of_agent(1).tolist(), read.weights.tolist()) == ([0, 2], [2, 2, 1, 1])
    graph = networkx.Graph([("ann", "bob"), ("bob", "cy")])
    networkx.write_graphml(graph, tmp_path / "ties.graphml")
    assert ties.read_ties(tmp_path / "ties.graphml", names).of_agent(1).tolist() == [0, 2]
    one_way = ties.read_ties(tmp_path / "ties.csv", names, directed=True)
    assert one_way.of_agent(1).tolist() == [2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("source,target\nann,dan\n", "line 2: a tie to nobody: no agent is called 'dan'"),
        ("from,to\nann,bob\n", "it needs source and target"),
        ("source,target,weight\nann,bob,much\n", "line 2: weight 'much' is no number"),
        ("source,target\nann\n", "line 2: 1 cells"),
        ("", "columns are none"),
    ],
)
def test_a_table_of_ties_that_cannot_be_read_is_refused_by_line(tmp_path, content, said):
    (tmp_path / "ties.csv").write_text(content)
    with pytest.raises(DesignError, match=said):
        ties.read_ties(tmp_path / "ties.csv", {"ann": 0, "bob": 1})


def test_graphml_that_is_none_is_refused(tmp_path):
    (tmp_path / "ties.graphml").write_text("<graphml")
    with pytest.raises(DesignError, match="no GraphML"):
        ties.read_ties(tmp_path / "ties.graphml", {})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ties.watts_strogatz_graph(10, 3, 0.1, rng()), "degree 3 among 10"),
        (lambda: ties.cycle_graph(4, 4), "below 4"),
        (lambda: ties.watts_strogatz_graph(10, 4, 1.5, rng()), "rewire is 1.5"),
        (lambda: ties.barabasi_albert_graph(3, 3, rng()), "from 1 to 2"),
        (lambda: ties.grid_2d_graph(2, 5), "at least 3 x 3"),
        (lambda: ties.grid_2d_graph(5, 5, neighbours=6), "6 neighbours"),
        (lambda: ties.complete_graph(100_000), "take a sparser network"),
        (lambda: ties.stochastic_block_model([2, 2], [[0.1, 0.2], [0.3, 0.1]], rng()), "symmetric"),
        (lambda: ties.affiliation_graph(5, 2, 3, rng()), "from 1 to 2"),
        (lambda: ties.random_geometric_graph([[0, 0]], 0), "above 0"),
        (lambda: ties.configuration_model([1, 1, 1], rng()), "odd"),
    ],
)
def test_ties_that_cannot_be_are_refused(make, said):
    with pytest.raises(DesignError, match=said):
        make()


def test_a_small_world_of_few_leaves_its_ties_where_there_is_nobody_else():
    assert len(ties.watts_strogatz_graph(5, 4, 1.0, rng()).targets) == 20
    assert len(ties.watts_strogatz_graph(6, 4, 1.0, rng()).targets) == 24
