"""Ties among agents: the usual networks, made with numpy so that a million agents take seconds, and read from files.

Functions are called as in networkx where it has the same one. Each gives a `Network` of ties that go both ways, and is
fixed by `rng`; make that of a place (`World.rng`, or `rng_for(seed, "society", society, "ties")` where there is no
state yet).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proband import files
from proband.errors import DesignError, meant
from proband.societies.networks import Ints, Network

_MOST_TIES = 200_000_000  # more do not fit into the memory of a laptop
_MOST_TURNS = 1000


def complete_graph(n: int) -> Network:
    """Everybody with everybody.

    Raises
    ------
    DesignError
        If there are too many ties to hold; a mean over everybody needs none.
    """
    _not_too_many(n * (n - 1), "everybody tied to everybody")
    starts = np.arange(n + 1, dtype=np.int64) * (n - 1)
    others = np.arange(n * (n - 1), dtype=np.int64) % max(n - 1, 1)
    return Network(starts, others + (others >= np.repeat(np.arange(n), n - 1)))


def cycle_graph(n: int, k: int = 2) -> Network:
    """A ring, in which everybody is tied to the `k` nearest; `k` is even."""
    _check_degree(n, k)
    sources = np.repeat(np.arange(n), k // 2)
    return Network.of(sources, (sources + np.tile(np.arange(1, k // 2 + 1), n)) % n, n, both=True)


def grid_2d_graph(rows: int, columns: int, *, periodic: bool = True, neighbours: int = 4) -> Network:
    """A lattice, agents row by row; as a torus if `periodic`; with 4 neighbours, or 8 with the diagonal ones."""
    if neighbours not in (4, 8):
        raise DesignError(f"a lattice with {neighbours} neighbours; there are 4, or 8 with the diagonal ones")
    if min(rows, columns) < 1 or (periodic and min(rows, columns) < 3):
        raise DesignError(f"a lattice of {rows} x {columns}; a torus needs at least 3 x 3")
    r, c = np.divmod(np.arange(rows * columns), columns)
    steps = [(0, 1), (1, 0), (1, 1), (1, -1)][: neighbours // 2]
    sources, targets = [], []
    for down, right in steps:
        to_row, to_column = r + down, c + right
        inside = (to_row < rows) & (to_column >= 0) & (to_column < columns) if not periodic else np.ones(len(r), bool)
        sources.append(np.flatnonzero(inside))
        targets.append((to_row % rows * columns + to_column % columns)[inside])
    return Network.of(np.concatenate(sources), np.concatenate(targets), rows * columns, both=True)


def watts_strogatz_graph(n: int, k: int, p: float, rng: np.random.Generator) -> Network:
    """A small world: a ring of the `k` nearest, of whose ties a share `p` leads to anybody instead.

    References
    ----------
    Watts & Strogatz (1998), Nature 393, 440-442. doi:10.1038/30918
    """
    _check_degree(n, k)
    _check_share(p, "rewire")
    sources = np.repeat(np.arange(n), k // 2)
    targets = (sources + np.tile(np.arange(1, k // 2 + 1), n)) % n
    moved = rng.random(len(sources)) < p
    if k >= n - 1:  # there is nobody else to lead to
        moved[:] = False
    targets[moved] = rng.integers(n, size=int(moved.sum()))
    for _ in range(_MOST_TURNS):
        again = _not_simple(sources, targets, n, moved)
        if not again.size:
            return Network.of(sources, targets, n, both=True)
        targets[again] = rng.integers(n, size=again.size)
    raise DesignError(f"a small world of {n} agents with {k} ties each leaves no room to rewire; take a smaller degree")


def barabasi_albert_graph(n: int, m: int, rng: np.random.Generator) -> Network:
    """Preferential attachment: each newcomer is tied to `m` who came before, drawn in proportion to their ties.

    The first `m` + 1 are tied to each other. An end of an earlier tie, drawn evenly, is somebody drawn by degree, so
    that a tie is a pointer to an earlier one, and all are followed at the same time.

    References
    ----------
    Barabasi & Albert (1999), Science 286, 509-512. doi:10.1126/science.286.5439.509
    Batagelj & Brandes (2005), Physical Review E 71, 036113. doi:10.1103/PhysRevE.71.036113
    """
    if not 1 <= m < n:
        raise DesignError(f"newcomers with {m} ties among {n} agents; take from 1 to {n - 1}")
    first, second = np.triu_indices(m + 1, 1)
    newcomers = np.arange(m + 1, n)
    sources = np.concatenate([first, np.repeat(newcomers, m)])
    n_first = len(first)
    # End 2e is the source of tie e; end 2e + 1 its target, which for a newcomer is a copy of an earlier end.
    holder = np.empty(2 * len(sources), np.int64)
    holder[0::2] = sources
    holder[1 : 2 * n_first : 2] = second
    before = 2 * (n_first + np.repeat(np.arange(len(newcomers)), m) * m)  # ends that stood when it came
    copied = np.arange(2 * len(sources))
    late = np.arange(n_first, len(sources))
    copied[2 * late + 1] = rng.integers(before)
    for _ in range(_MOST_TURNS):
        at = copied
        while True:
            further = at[at]
            if (further == at).all():
                break
            at = further
        targets = holder[at[1::2]]
        again = _not_simple(sources, targets, n, np.arange(len(sources)) >= n_first)
        if not again.size:
            return Network.of(sources, targets, n, both=True)
        copied[2 * again + 1] = rng.integers(before[again - n_first])
    raise DesignError(f"newcomers with {m} ties among {n} agents cannot be placed; take fewer ties")


def gnp_random_graph(n: int, p: float, rng: np.random.Generator) -> Network:
    """Every pair with probability `p`, independently (Gilbert, 1959)."""
    _check_share(p, "p")
    return stochastic_block_model([n], [[p]], rng)


def stochastic_block_model(sizes: Sequence[int], p: ArrayLike, rng: np.random.Generator) -> Network:
    """Blocks of agents, one after the other; a pair is tied with the probability of its two blocks.

    Parameters
    ----------
    sizes : sequence of int
        Agents of each block.
    p : array_like, shape (n_blocks, n_blocks)
        Symmetric.
    rng : Generator

    References
    ----------
    Holland, Laskey & Leinhardt (1983), Social Networks 5, 109-137. doi:10.1016/0378-8733(83)90021-7
    """
    shares = np.asarray(p, float)
    if shares.shape != (len(sizes), len(sizes)) or not np.array_equal(shares, shares.T):
        raise DesignError(f"{len(sizes)} blocks need a symmetric table of {len(sizes)} x {len(sizes)} probabilities")
    for share in shares.ravel().tolist():
        _check_share(share, "p")
    starts = np.concatenate([[0], np.cumsum(sizes)])
    sources, targets = [], []
    for a in range(len(sizes)):
        for b in range(a, len(sizes)):
            rows, columns = int(sizes[a]), int(sizes[b])
            pairs = rows * (rows - 1) // 2 if a == b else rows * columns
            count = int(rng.binomial(pairs, shares[a, b])) if pairs else 0
            _not_too_many(2 * count, f"a tie with probability {shares[a, b]:g}")
            drawn = _distinct(pairs, count, rng)
            s, t = _pair(drawn) if a == b else np.divmod(drawn, columns)
            sources.append(s + starts[a])
            targets.append(t + starts[b])
    return Network.of(np.concatenate(sources), np.concatenate(targets), int(starts[-1]), both=True)


def random_geometric_graph(positions: ArrayLike, radius: float) -> Network:
    """Everybody with all within a distance, by their positions, shape (n_agents, n_dimensions)."""
    from scipy.spatial import cKDTree

    where = np.asarray(positions, float)
    if not radius > 0:
        raise DesignError(f"ties within a radius of {radius:g}; it must be above 0")
    pairs = cKDTree(where).query_pairs(radius, output_type="ndarray")
    return Network.of(pairs[:, 0], pairs[:, 1], len(where), both=True)


def affiliation_graph(n: int, groups: int, each: int, rng: np.random.Generator) -> Network:
    """Two modes: each agent is in `each` of some groups, drawn evenly, and tied to all who are in one of them.

    A tie weighs as many groups as two have in common (Breiger, 1974, doi:10.2307/2576011).
    """
    if not 1 <= each <= groups:
        raise DesignError(f"each agent in {each} of {groups} groups; take from 1 to {groups}")
    member = np.argsort(rng.random((n, groups)), axis=1)[:, :each] if groups <= 64 else rng.integers(
        groups, size=(n, each)
    )  # fmt: skip
    while groups > 64:  # among many groups, the few that were drawn twice are drawn again
        ordered = np.sort(member, axis=1)
        twice = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
        if not twice.size:
            break
        member[twice] = rng.integers(groups, size=(twice.size, each))
    return projected_graph(np.repeat(np.arange(n), each), member.ravel(), n)


def projected_graph(agents: ArrayLike, groups: ArrayLike, n: int) -> Network:
    """Who has a group in common, from pairs of agent and group; ties weigh as many groups as two have in common."""
    from scipy.sparse import csr_array

    a, g = np.asarray(agents, np.int64), np.asarray(groups, np.int64)
    sizes = np.bincount(g)
    _not_too_many(int((sizes.astype(float) ** 2).sum()), "groups as large as these")
    belongs = csr_array((np.ones(len(a)), (a, g)), shape=(n, len(sizes)))
    belongs.data[:] = 1.0
    common = (belongs @ belongs.T).tocoo()
    s, t = (np.asarray(index, np.int64) for index in common.coords)
    apart = s != t
    return Network.of(s[apart], t[apart], n, weights=common.data[apart])


def configuration_model(degrees: ArrayLike, rng: np.random.Generator) -> Network:
    """Everybody with as many ties as is said, else at random; no two ties of a pair, none to oneself.

    Raises
    ------
    DesignError
        If the degrees have an odd sum, or no network has them.

    References
    ----------
    Fosdick, Larremore, Nishimura & Ugander (2018), SIAM Review 60, 315-355. doi:10.1137/16M1087175
    """
    wanted = np.asarray(degrees, np.int64)
    n = len(wanted)
    if int(wanted.sum()) % 2:
        raise DesignError(f"degrees sum to {int(wanted.sum())}, which is odd, and every tie has two ends; change one")
    if wanted.size and (wanted.min() < 0 or not _is_graphical(wanted)):
        raise DesignError("no network has these degrees: some agents have more ties than there are others to tie to")
    ends = rng.permutation(np.repeat(np.arange(n), wanted))
    sources, targets = ends[0::2].copy(), ends[1::2].copy()
    everything = np.ones(len(sources), bool)
    for _ in range(20 * _MOST_TURNS):
        again = _not_simple(sources, targets, n, everything)
        if not again.size:
            return Network.of(sources, targets, n, both=True)
        # Ends of ties that cannot stand change places with those of others, so that everybody keeps the number.
        both = np.unique(np.concatenate([again, rng.integers(len(sources), size=again.size)]))
        targets[both] = targets[rng.permutation(both)]
        turned = both[rng.random(both.size) < 0.5]
        sources[turned], targets[turned] = targets[turned], sources[turned]
    raise DesignError("no way was found to tie agents with these degrees; take smaller ones")


def read_ties(path: Path, names: Mapping[str, int], *, directed: bool = False) -> Network:
    """Ties from a file: GraphML, or a table with the columns ``source``, ``target`` and perhaps ``weight``.

    Parameters
    ----------
    path : Path
    names : mapping of str to int
        Positions of agents, by what the file calls them.
    directed : bool
        Whether a row is a tie from source to target only.

    Raises
    ------
    DesignError
        If the file cannot be read, or names somebody who is not there.
    """
    rows = _graphml(path) if path.suffix == ".graphml" else _table(path)
    sources, targets, weights = [], [], []
    for where, source, target, weight in rows:
        for name in (source, target):
            if name not in names:
                raise DesignError(
                    f"{where}: a tie to nobody: no agent is called {name!r}{meant(name, names)}; agents are called "
                    f"{', '.join(list(names)[:3])} ..."
                )
        sources.append(names[source])
        targets.append(names[target])
        weights.append(weight)
    told = [w for w in weights if w is not None]
    if told and len(told) < len(weights):
        raise DesignError(
            f"{path}: {len(weights) - len(told)} of {len(weights)} ties have no weight; give all, or none"
        )
    return Network.of(sources, targets, len(names), both=not directed, weights=told or None)


_Row = tuple[str, str, str, float | None]


def _table(path: Path) -> list[_Row]:
    text = files.text_of(path, what="file of ties", error=DesignError)
    lines = list(files.rows_of(text, files.separator_of(text, ","), path, error=DesignError))
    header = [cell.strip() for cell in lines[0][1]] if lines else []
    if "source" not in header or "target" not in header:
        raise DesignError(f"{path}: columns are {', '.join(header) or 'none'}; it needs source and target")
    rows: list[_Row] = []
    for line, cells in lines[1:]:
        if len(cells) < len(header):
            raise DesignError(f"{path}, line {line}: {len(cells)} cells for {len(header)} columns; fill it in")
        row = dict(zip(header, map(str.strip, cells), strict=False))
        try:
            weight = float(row["weight"]) if "weight" in row else None
        except ValueError:
            raise DesignError(f"{path}, line {line}: weight {row['weight']!r} is no number") from None
        rows.append((f"{path}, line {line}", row["source"], row["target"], weight))
    return rows


def _graphml(path: Path) -> list[_Row]:
    import networkx

    content = files.bytes_of(path, what="file of ties", error=DesignError)
    try:
        graph: Any = networkx.parse_graphml(content.decode("utf-8"))
    except (ValueError, SyntaxError, LookupError, networkx.NetworkXError) as failure:
        raise DesignError(f"{path}: no GraphML ({failure}); export it again") from None
    called = {node: str(facts.get("name", node)) for node, facts in graph.nodes(data=True)}
    return [
        (str(path), called[s], called[t], None if facts.get("weight") is None else float(facts["weight"]))
        for s, t, facts in graph.edges(data=True)
    ]


def _check_degree(n: int, k: int) -> None:
    if k % 2 or not 2 <= k < n:
        raise DesignError(
            f"degree {k} among {n} agents on a ring; it must be even, because half of the ties lead either way, and "
            f"below {n}"
        )


def _check_share(p: float, name: str) -> None:
    if not 0 <= p <= 1:
        raise DesignError(f"{name} is {p:g}; it is a probability, from 0 to 1")


def _not_too_many(ties: int, what: str) -> None:
    if ties > _MOST_TIES:
        raise DesignError(f"{what} makes {ties:,} ties, more than {_MOST_TIES:,}; take a sparser network")


def _not_simple(sources: Ints, targets: Ints, n: int, may_move: NDArray[np.bool_]) -> Ints:
    """Ties to oneself, and all but one of those of a pair; of these, the ones that may be drawn again."""
    pair = np.minimum(sources, targets) * n + np.maximum(sources, targets)
    ordered = np.sort(pair)
    doubled = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    found = np.flatnonzero((sources == targets) & may_move)
    if not doubled.size:
        return found
    at = np.flatnonzero(doubled[np.searchsorted(doubled, pair).clip(max=doubled.size - 1)] == pair)
    # Those that stay come first, so that the one which is kept is one of them.
    at = at[np.lexsort((may_move[at], pair[at]))]
    at = at[1:][pair[at[1:]] == pair[at[:-1]]]
    return np.union1d(found, at[may_move[at]])


def _distinct(n: int, count: int, rng: np.random.Generator) -> Ints:
    """So many different numbers below n."""
    if count > n // 2:
        return np.sort(rng.permutation(n)[:count])
    found = np.zeros(0, np.int64)
    while len(found) < count:
        found = np.sort(np.concatenate([found, rng.integers(n, size=count - len(found))]))
        found = found[np.diff(found, prepend=-1) > 0]
    return found


def _pair(k: Ints) -> tuple[Ints, Ints]:
    """The k-th of all pairs (s, t) with s < t, counted (0,1), (0,2), (1,2), (0,3) ..."""
    t = ((1 + np.sqrt(1 + 8 * k.astype(float))) / 2).astype(np.int64)
    t -= t * (t - 1) // 2 > k  # a square root of large numbers may be one off
    t += (t + 1) * t // 2 <= k
    return k - t * (t - 1) // 2, t


def _is_graphical(degrees: Ints) -> bool:
    """By the inequalities of Erdos and Gallai."""
    d = np.sort(degrees)[::-1]
    n, k = len(d), np.arange(1, len(d) + 1)
    above = np.searchsorted(-d, -k, side="right")  # how many have a degree of at least k
    behind = np.concatenate([np.cumsum(d[::-1])[::-1], [0]])
    # Sum over i > k of min(d_i, k): those of at least k count k, the others themselves.
    split = np.maximum(above, k)
    capped = k * (split - k) + behind[np.minimum(split, n)]
    return bool((np.cumsum(d) <= k * (k - 1) + capped).all())
