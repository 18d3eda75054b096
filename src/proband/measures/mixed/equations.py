"""The equations of a mixed model with crossed effects, solved block by block.

Effects that lie within one of them (a subject's answers by item, by wording) fall apart into one small block a
level; what is left is a dense core of the few levels of all other effects. So 10^5 answers of 1,000 subjects need
blocks of 6 by 6 and a core of 600 by 600, where a general sparse factorisation would look for that order anew every
time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from proband.errors import DesignError
from proband.measures.arrays import Floats, Ints

_CHUNK = 4_000_000  # numbers of a dense chunk
_MOST_CELLS = 200_000_000  # numbers of blocks by core: 1.6 GB


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where every level of every effect stands: the innermost effect, blocks of one group each, and the core.

    - `inner`: effect with a diagonal block of its own, or -1.
    - `group`: effect whose levels make the blocks, or -1.
    - `width`, `n_blocks`: places of a block, filled up with empty ones; blocks.
    - `columns`: column of every row's level, by effect; of the inner one its own count.
    - `owner`: effect of every column of blocks and core; -1 for empty places and fixed effects.
    - `n_local`: columns of all blocks, which come first.
    """

    inner: int
    group: int
    width: int
    n_blocks: int
    columns: tuple[Ints, ...]
    owner: Ints
    n_local: int


def layout(codes: Sequence[Ints], levels: Sequence[int], n_fixed: int) -> Layout:
    """Places for effects given by the level of every row."""
    within = {g: [f for f in range(len(codes)) if _nests(codes[f], levels[f], codes[g])] for g in range(len(codes))}
    group = max(within, key=lambda g: sum(levels[f] for f in within[g]), default=-1)
    # Blocks of one place each are worth it only where they take many levels out of the core.
    local = within[group] if group >= 0 and sum(levels[f] for f in within[group]) > 50 else []
    if not local:
        group = -1
    inner = max(local, key=lambda f: levels[f], default=-1)
    if inner == group or (inner >= 0 and levels[inner] < 3 * levels[group]):
        inner = -1
    local = [f for f in local if f != inner]
    columns: list[Ints] = [np.empty(0, dtype=np.intp)] * len(codes)
    owners, width, n_blocks = [], 1, levels[group] if local else 0
    if local:
        which = np.concatenate([np.full(levels[f], f) for f in local])
        block = np.concatenate([_outer(codes[f], levels[f], codes[group]) for f in local])
        order = np.argsort(block, kind="stable")
        sizes = np.bincount(block, minlength=n_blocks)
        width = int(sizes.max())
        slot = np.empty(len(block), dtype=np.intp)
        slot[order] = np.arange(len(block)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        place = block * width + slot
        owner = np.full(n_blocks * width, -1, dtype=np.intp)
        owner[place] = which
        owners.append(owner)
        start = 0
        for f in local:
            columns[f] = place[start : start + levels[f]][codes[f]]
            start += levels[f]
    n_local = at = n_blocks * width
    for f in range(len(codes)):
        if f != inner and f not in local:
            columns[f] = codes[f] + at
            owners.append(np.full(levels[f], f, dtype=np.intp))
            at += levels[f]
    if inner >= 0:
        columns[inner] = codes[inner]
    if n_local * (at - n_local + n_fixed) > _MOST_CELLS:
        raise DesignError(
            f"{at - n_local:,} levels cross with {n_local:,} others: too many for one model; leave out an interaction, "
            "or fit fewer items at a time"
        )
    owners.append(np.full(n_fixed, -1, dtype=np.intp))
    return Layout(
        inner=inner,
        group=group,
        width=width,
        n_blocks=n_blocks,
        columns=tuple(columns),
        owner=np.concatenate(owners),
        n_local=n_local,
    )


def _outer(code: Ints, n: int, outer: Ints) -> Ints:
    """The outer level that each of n levels has in its last row."""
    found = np.zeros(n, dtype=np.intp)
    found[code] = outer
    return found


def _nests(code: Ints, n: int, outer: Ints) -> bool:
    return bool((_outer(code, n, outer)[code] == outer).all())


class Equations:
    """Cross-products of a design, and their factor at given variance ratios."""

    def __init__(self, codes: Sequence[Ints], levels: Sequence[int], fixed: Floats) -> None:
        self.levels = tuple(levels)
        self.place = layout(codes, levels, fixed.shape[1])
        n, p = fixed.shape
        rows = np.arange(n)
        used = [f for f in range(len(codes)) if f != self.place.inner]
        total = len(self.place.owner)
        at = [self.place.columns[f] for f in used] + [np.full(n, total - p + k) for k in range(p)]
        data = [np.ones(n)] * len(used) + list(fixed.T)
        shape = n, total
        self.rest = sparse.csr_matrix((np.concatenate(data), (np.tile(rows, len(at)), np.concatenate(at))), shape)
        self.n_fixed = p
        self.n_rows = n
        # Turned once, for a product with a transpose turns it every time.
        self.turned = self.rest.T.tocsr()
        self.inner: sparse.csr_matrix | None = None
        if self.place.inner >= 0:
            column = self.place.columns[self.place.inner]
            self.inner = sparse.csr_matrix((np.ones(n), (rows, column)), (n, levels[self.place.inner]))
            self.inner_turned = self.inner.T.tocsr()
        self.weigh(None)

    def weigh(self, weights: Floats | None) -> None:
        """Take cross-products anew, every row counting so many times."""
        self.weights = weights
        self.cross = _by_column(self.turned, weights) @ self.rest
        if self.inner is not None:
            self.inner_cross = _by_column(self.inner_turned, weights) @ self.rest
            self.cross_inner = self.inner_cross.T.tocsr()
            self.inner_counts = self.inner_turned @ (np.ones(self.n_rows) if weights is None else weights)
        else:
            self.parts = self._apart(self.cross)

    def _apart(self, matrix: sparse.csr_matrix) -> tuple[Floats, sparse.csr_matrix, Floats]:
        """Blocks, blocks by core, and core of a matrix over all columns but the inner ones."""
        n, b = self.place.n_local, self.place.width
        local = matrix[:n, :n].tocoo()
        blocks = np.zeros(self.place.n_blocks * b * b)
        blocks[local.row * b + local.col % b] = local.data
        return blocks.reshape(-1, b, b), matrix[:n, n:].tocsr(), matrix[n:, n:].toarray()

    def factor(self, ratios: Floats) -> "Factor":
        """Factor at these ratios of the variance of each effect to that of the rest."""
        return Factor(self, ratios)

    def totals(self, values: Floats) -> tuple[Floats, Floats]:
        """Sums of values over the rows of every column, inner ones first; values may be several, side by side."""
        weighted = values if self.weights is None else (values.T * self.weights).T
        inner = self.inner_turned @ weighted if self.inner is not None else np.zeros((0, *values.shape[1:]))
        return inner, self.turned @ weighted

    def of_effect(self, effect: int, inner: Floats, rest: Floats) -> Floats:
        """Rows of what the columns of one effect hold, several such side by side."""
        if self.inner is not None and effect == self.place.inner:
            return np.asarray(self.inner @ inner)
        return np.asarray(self.rest @ ((self.place.owner == effect)[:, None] * rest))

    def sums(self, inner: Floats, rest: Floats) -> Floats:
        """Sums over the columns of each effect, shape (n_effects,)."""
        owner = self.place.owner
        found: Floats = np.bincount(owner[owner >= 0], rest[owner >= 0], len(self.levels)).astype(np.float64)
        if self.place.inner >= 0:
            found[self.place.inner] = inner.sum()
        return found


def _by_column(matrix: sparse.csr_matrix, weights: Floats | None) -> sparse.csr_matrix:
    """A matrix with its columns times weights."""
    if weights is None:
        return matrix
    return sparse.csr_matrix((matrix.data * weights[matrix.indices], matrix.indices, matrix.indptr), matrix.shape)


class Factor:
    """Cholesky factor of the equations for effects of variance 1: ``S T'WT S + I``, and none for fixed effects."""

    def __init__(self, equations: Equations, ratios: Floats) -> None:
        self.equations = equations
        place = equations.place
        scale = np.sqrt(ratios)
        self.scale = np.where(place.owner >= 0, scale[place.owner], 1.0)
        self.scale[: place.n_local][place.owner[: place.n_local] < 0] = 0.0
        self.inner_scale = scale[place.inner] if place.inner >= 0 else 0.0
        parts = equations.parts if place.inner < 0 else None
        self.log_determinant = 0.0
        if parts is None:
            self.pivots = ratios[place.inner] * equations.inner_counts + 1.0
            self.log_determinant += float(np.log(self.pivots).sum())
            by = _by_column(equations.cross_inner, ratios[place.inner] / self.pivots)
            parts = equations._apart(equations.cross - by @ equations.inner_cross)
        blocks, across, core = parts
        n, b = place.n_local, place.width
        self.core_scale = self.scale[n:]
        local = self.scale[:n].reshape(-1, b)
        lower = np.linalg.cholesky(blocks * local[:, :, None] * local[:, None, :] + np.eye(b))
        self.log_determinant += 2 * float(np.log(np.diagonal(lower, axis1=1, axis2=2)).sum())
        self.inverse = np.linalg.inv(lower)
        m = core.shape[0]
        self.across = np.empty((n, m))
        schur = core * self.core_scale[:, None] * self.core_scale
        schur[np.diag_indices(m - equations.n_fixed)] += 1.0
        for rows, block in self._chunks(m):
            part = across[rows].toarray() * self.scale[rows, None] * self.core_scale
            self.across[rows] = (self.inverse[block] @ part.reshape(-1, b, m)).reshape(-1, m)
            schur -= self.across[rows].T @ self.across[rows]
        try:
            self.core = linalg.cholesky(schur, lower=True, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError as error:
            raise DesignError(
                "fixed effects follow from each other, or from the factors; leave one of them out"
            ) from error
        diagonal = np.log(np.diagonal(self.core))
        self.log_determinant += 2 * float(diagonal.sum())
        self.log_determinant_fixed = 2 * float(diagonal[m - equations.n_fixed :].sum())

    def _chunks(self, m: int) -> Iterator[tuple[slice, slice]]:
        b = self.equations.place.width
        step = max(_CHUNK // (b * m), 1)
        for k in range(0, self.equations.place.n_blocks, step):
            last = min(k + step, self.equations.place.n_blocks)
            yield slice(k * b, last * b), slice(k, last)

    def solve(self, inner: Floats, rest: Floats) -> tuple[Floats, Floats]:
        """Solution for right-hand sides in columns, as `Equations.totals` gives them, in units of the effects."""
        equations, n = self.equations, self.equations.place.n_local
        if equations.inner is not None:
            # In units of the effects the pivot of the inner one carries its whole scale.
            gain = self.inner_scale**2 / self.pivots
            rest = rest - equations.cross_inner @ (gain[:, None] * inner)
        right = rest * self.scale[:, None]
        b, r = self.equations.place.width, right.shape[1]
        local = (self.inverse @ right[:n].reshape(-1, b, r)).reshape(-1, r)
        core = linalg.cho_solve((self.core, True), right[n:] - self.across.T @ local, check_finite=False)
        back = (local - self.across @ core).reshape(-1, b, r)
        found = np.concatenate([(self.inverse.transpose(0, 2, 1) @ back).reshape(-1, r), core]) * self.scale[:, None]
        if equations.inner is not None:
            inner = gain[:, None] * (inner - equations.inner_cross @ found)
        return inner, found

    def fitted(self, solution: tuple[Floats, Floats]) -> Floats:
        """Rows of a solution."""
        inner, rest = solution
        rows = self.equations.rest @ rest
        return np.asarray(rows if self.equations.inner is None else rows + self.equations.inner @ inner)

    def traces(self) -> tuple[Floats, Floats]:
        """Trace of the inverse over each effect, shape (n_effects,), and the inverse over fixed effects."""
        equations, place = self.equations, self.equations.place
        n, b, m = place.n_local, place.width, len(self.core)
        core = linalg.cho_solve((self.core, True), np.eye(m), check_finite=False)
        diagonal = np.concatenate([np.empty(n), np.diagonal(core)])
        trace_inner = 0.0
        if equations.inner is not None:
            gain = self.inner_scale / self.pivots
            by = equations.inner_cross.multiply(gain[:, None]).tocsr()
            blocks, across, dense = equations._apart((by.T @ by).tocsr())
            local = self.scale[:n].reshape(-1, b)
            blocks = blocks * local[:, :, None] * local[:, None, :]
            trace_inner = float((1 / self.pivots).sum())
            trace_inner += float((dense * self.core_scale[:, None] * self.core_scale * core).sum())
        for rows, block in self._chunks(m):
            turned = self.inverse[block].transpose(0, 2, 1)
            back = (turned @ self.across[rows].reshape(-1, b, m)).reshape(-1, m)
            mixed = back @ core
            if equations.inner is not None:
                inside = turned @ self.inverse[block] + mixed.reshape(-1, b, m) @ back.reshape(-1, b, m).transpose(
                    0, 2, 1
                )
                diagonal[rows] = np.diagonal(inside, axis1=1, axis2=2).reshape(-1)
                trace_inner += float((blocks[block] * inside).sum())
                pairs = across[rows].tocoo()
                held = pairs.data * self.scale[rows][pairs.row] * self.core_scale[pairs.col]
                trace_inner -= 2 * float(held @ mixed[pairs.row, pairs.col])
            else:
                own = (turned**2).sum(axis=2).reshape(-1)
                diagonal[rows] = own + (mixed * back).sum(axis=1)
        found = equations.sums(np.array([trace_inner]), diagonal)
        return found, core[m - equations.n_fixed :, m - equations.n_fixed :]
