"""Synthetic populations: drawn from margins alone, or from the whole rows of real people."""

from collections.abc import Mapping, Sequence

import numpy as np

from proband.errors import DataError
from proband.seeds import uniform_for
from proband.subjects.personas import Code, Field, Subject
from proband.subjects.populations import Population


def from_margins(
    margins: Mapping[str, Mapping[Code, float]],
    *,
    n: int,
    seed: int,
    fields: Sequence[Field] = (),
    name: str = "synthetic",
) -> Population:
    """People whose traits are drawn independently of each other from known shares.

    Real traits go together (income with education, party with age); these do not, and the population's
    `source` says so. Subject i's trait depends on the seed, the column and i only, so a larger n or another
    column leaves it as it was. The order of a column's levels is part of the draw.

    Parameters
    ----------
    margins : mapping of str to mapping of code to float
        Shares of the levels of each column; those of a column sum to 1.
    n : int
        Subjects; their ids are "1" to "n".
    seed : int
        The study's seed.
    fields : sequence of Field
        How traits are put into words.
    name : str
        How the population is called; it takes no part in the draw.

    Raises
    ------
    DataError
        If n is below 1, shares are negative or do not sum to 1, or a field has no margin.

    Examples
    --------
    >>> people = from_margins({"sex": {"female": 0.5, "male": 0.5}}, n=4, seed=1)
    >>> [person.traits["sex"] for person in people] == [p.traits["sex"] for p in list(people)]
    True
    """
    if n < 1:
        raise DataError(f"population {name!r}: n is {n}; ask for at least 1")
    if not margins:
        raise DataError(f"population {name!r}: no margins; give the shares of at least one column")
    drawn: dict[str, list[Code]] = {}
    for column, shares in margins.items():
        levels, edges = list(shares), _edges(column, shares)
        u = np.array([uniform_for(seed, "margins", column, i) for i in range(1, n + 1)])
        drawn[column] = [levels[k] for k in np.searchsorted(edges, u, side="right").tolist()]
    traits = ({column: codes[i] for column, codes in drawn.items()} for i in range(n))
    subjects = tuple(Subject(id=str(i), traits=held) for i, held in enumerate(traits, start=1))
    source = f"synthetic: {n} subjects drawn from the margins of {', '.join(margins)}, each independently of the others"
    population = Population(name=name, subjects=subjects, fields=tuple(fields), source=source)
    population.check()
    return population


def _edges(column: str, shares: Mapping[Code, float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Upper ends of the levels' stretches of [0, 1); the last positive share reaches 1 despite rounding."""
    p = np.array([float(share) for share in shares.values()])
    if not p.size or not (p >= 0).all() or abs(p.sum() - 1) > 1e-6:
        raise DataError(
            f"margin {column!r}: shares {p.tolist()} are not all 0 or more with a sum of 1; divide by the sum"
        )
    edges = np.cumsum(p / p.sum())
    edges[int(np.flatnonzero(p)[-1]) :] = 1.0
    return edges


def from_joint(population: Population, columns: Sequence[str], *, n: int, seed: int) -> Population:
    """People whose traits are those of one real person each, drawn in proportion to weight, with replacement.

    The joint distribution of the columns is kept, missing values included; combinations that nobody has do
    not arise. Subject i's row depends on the seed, i and the people in the file.

    Parameters
    ----------
    population : Population
        Whose rows are drawn.
    columns : sequence of str
        What is kept of a row; persona fields of other columns are dropped.
    n : int
        Subjects; their ids are "1" to "n", and all weigh 1.
    seed : int
        The study's seed.

    Raises
    ------
    DataError
        If n is below 1, no column is named, or one is unknown.
    """
    if n < 1:
        raise DataError(f"population {population.name!r}: n is {n}; ask for at least 1")
    if not columns:
        raise DataError(f"population {population.name!r}: no columns to keep; name at least one")
    held = {column: population.column(column) for column in columns}
    edges = np.cumsum(population.weights)
    u = np.array([uniform_for(seed, "joint", i) for i in range(1, n + 1)])
    donors = [population.subjects[k].id for k in np.searchsorted(edges, u * edges[-1], side="right").tolist()]
    traits = ({column: codes[donor] for column, codes in held.items() if donor in codes} for donor in donors)
    source = f"synthetic: {n} rows of {', '.join(columns)} drawn with replacement from {population.name}"
    return Population(
        name=f"{population.name}-joint",
        subjects=tuple(Subject(id=str(i), traits=kept) for i, kept in enumerate(traits, start=1)),
        fields=tuple(field for field in population.fields if field.column in held),
        source=source + (f" ({population.source})" if population.source else ""),
        licence=population.licence,
        language=population.language,
    )
