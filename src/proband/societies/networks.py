"""Who is tied to whom: sparse, directed, of fixed order, so that the same ties have the same bytes."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proband.errors import DesignError

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Network:
    """Ties among `n` agents in compressed rows: those of agent k are ``targets[starts[k]:starts[k + 1]]``, sorted.

    Attributes
    ----------
    starts : array of int, shape (n + 1,)
    targets : array of int, shape (n_ties,)
        Positions of agents in the table.
    weights : array of float, shape (n_ties,), or None
        None where all ties weigh 1.
    """

    starts: Ints
    targets: Ints
    weights: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, sources: Any, targets: Any, n: int, *, both: bool = False, weights: Any = None) -> "Network":
        """The network of some ties; with `both`, each goes both ways. A tie given twice is one (weights add up)."""
        s, t = np.asarray(sources, np.int64), np.asarray(targets, np.int64)
        if s.size and (min(s.min(), t.min()) < 0 or max(s.max(), t.max()) >= n):
            raise DesignError(
                f"a tie to nobody: agents are numbered 0 to {n - 1}, and a tie names {max(s.max(), t.max())}"
            )
        w = None if weights is None else np.asarray(weights, np.float64)
        if both:
            s, t = np.concatenate([s, t]), np.concatenate([t, s])
            w = None if w is None else np.concatenate([w, w])
        if w is None:
            # A plain sort takes a tenth of the time of `unique` for the ties of a million agents.
            flat, summed = np.sort(s * n + t), None
            flat = flat[np.diff(flat, prepend=-1) > 0]
        else:
            flat, inverse = np.unique(s * n + t, return_inverse=True)
            summed = np.bincount(inverse, weights=w, minlength=flat.size).astype(np.float64)
        source, target = np.divmod(flat, max(n, 1))
        starts = np.zeros(n + 1, np.int64)
        np.cumsum(np.bincount(source, minlength=n), out=starts[1:])
        return cls(starts, target, summed)

    @property
    def n(self) -> int:
        """Agents."""
        return len(self.starts) - 1

    @cached_property
    def digest(self) -> bytes:
        """Of all ties; kept, for a network is never changed, and that of a million agents takes a tenth of a second."""
        whole = hashlib.blake2b(self.starts.tobytes(), digest_size=16)
        whole.update(self.targets.tobytes())
        if self.weights is not None:
            whole.update(self.weights.tobytes())
        return whole.digest()

    @cached_property
    def degrees(self) -> Ints:
        """Ties of each agent."""
        return np.diff(self.starts)

    @cached_property
    def sources(self) -> Ints:
        """Whose tie each is, beside `targets`."""
        return np.repeat(np.arange(self.n), self.degrees)

    def of_agent(self, k: int) -> Ints:
        """Whom an agent is tied to."""
        return self.targets[self.starts[k] : self.starts[k + 1]]

    def sums(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Sum of the neighbours' values, weighted by the ties; 0 for who has none."""
        return np.asarray(self._matrix @ np.asarray(values, np.float64))

    @cached_property
    def _matrix(self) -> Any:
        from scipy.sparse import csr_array

        # Whose indices are as short as can be: a sum over the ties of a million agents waits for memory only.
        index = np.int32 if max(self.n, len(self.targets)) < 2**31 else np.int64
        weights = np.ones(len(self.targets)) if self.weights is None else self.weights
        return csr_array((weights, self.targets.astype(index), self.starts.astype(index)), shape=(self.n, self.n))

    def means(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Mean of the neighbours' values, weighted by the ties; NaN for who has none."""
        total = self.degrees if self.weights is None else self.sums(np.ones(self.n))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(total > 0, self.sums(values) / total, np.nan)
