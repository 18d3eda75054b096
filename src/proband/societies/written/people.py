"""Who lives in a written world: agents drawn from a population, their first values, the ties among them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proband.errors import DesignError, meant
from proband.seeds import rng_for, uniforms_for
from proband.societies import ties
from proband.societies.asking import OUTSIDE
from proband.societies.networks import Network
from proband.societies.written.parts import Parts, Variable
from proband.societies.written.tables import NetworkTable, StartTable
from proband.subjects.personas import code_text, describe

Floats = NDArray[np.float64]
ANYBODY = "anybody"

_AS_PERSON = {
    "first": "You are the person who says this about themselves:\n\n{}",
    "third": "You are this person:\n\n{}",
    "interview": "You are the person who gave this interview:\n\n{}",
}


class People:
    """The people that agents of a world are: rows of its population, or nobody in particular."""

    def __init__(self, parts: Parts, seed: int) -> None:
        self.parts, self.seed, self.population = parts, seed, parts.population

    def rows(self, society: int, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which of the population each agent is; by weight where there are more or fewer agents than people."""
        population = self.population
        if population is None:
            return np.zeros(len(numbers), np.int64)
        if self.parts.keys.agents is None or self.parts.keys.agents == len(population):
            return numbers % len(population)
        edges = np.cumsum(population.weights)
        u = uniforms_for(self.seed, "society", society, "who", numbers=numbers)
        rows = np.searchsorted(edges, u * edges[-1], side="right")
        return np.asarray(rows.clip(max=len(population) - 1), np.int64)

    @cached_property
    def _columns(self) -> dict[str, NDArray[Any]]:
        return {}

    def column(self, name: str) -> NDArray[Any]:
        """A column of the population: numbers with NaN, or texts with None, where nothing is known."""
        if name not in self._columns:
            population = self.population
            held = population.column(name) if population else {}
            codes = [held.get(subject.id) for subject in population or ()]
            if self.parts.columns[name]:
                self._columns[name] = np.array([None if c is None else code_text(c) for c in codes], object)
            else:
                self._columns[name] = np.array([np.nan if c is None else c for c in codes], float)
        return self._columns[name]

    def name(self, row: int, number: int) -> str:
        """What others call an agent: its name in the population, if that has one."""
        if self.population is not None and "name" in self.population.columns:
            return str(self.column("name")[row])
        return f"Person {number + 1}"

    def engine(self, row: int) -> str:
        """Role of the engine that answers for an agent."""
        name = self.parts.keys.engine
        return code_text(self.column(name)[row]) if name else ""

    def profile(self, row: int) -> str:
        """Who an agent is, as an engine reads it."""
        population, format = self.population, self.parts.keys.profile
        if population is None or format == "none":
            return ""
        if row not in self._profiles:
            told = describe(population.subjects[row], population.fields, format)
            self._profiles[row] = _AS_PERSON[format].format(told) if told else ""
        return self._profiles[row]

    @cached_property
    def _profiles(self) -> dict[int, str]:
        return {}

    @cached_property
    def _kinds(self) -> tuple[NDArray[np.int64], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Archetype of each person; their names, profiles and engines."""
        population, keys = self.population, self.parts.keys
        if population is None:
            return np.zeros(1, np.int64), (ANYBODY,), ("",), ("",)
        fields = [field.column for field in population.fields]
        by = keys.scale.by or fields
        if strange := [name for name in by if name not in fields]:
            raise DesignError(
                f"[scale] by: {strange[0]!r} is in no profile{meant(strange[0], fields)}; profiles tell "
                f"{', '.join(fields)}"
            )
        codes = [[code_text(subject.traits.get(name, "")) for name in by] for subject in population]
        engines = [self.engine(row) for row in range(len(population))]
        seen: dict[tuple[str, ...], int] = {}
        of = np.array(
            [seen.setdefault((*code, engine), len(seen)) for code, engine in zip(codes, engines, strict=True)], np.int64
        )
        first = (
            [int(np.flatnonzero(of == k)[0]) for k in range(len(seen))] if len(seen) < len(of) else list(range(len(of)))
        )
        names = _archetypes(seen, (*by, "engine"))
        said = [field for field in population.fields if field.column in by]
        profiles = []
        for row in first:
            subject = population.subjects[row]
            kept = {name: code for name, code in subject.traits.items() if name in by}
            told = "" if keys.profile == "none" else describe(replace(subject, traits=kept), said, keys.profile)
            profiles.append(_AS_PERSON[keys.profile].format(told) if told else "")
        return of, names, tuple(profiles), tuple(engines[row] for row in first)

    def archetypes(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number of each agent's archetype."""
        return self._kinds[0][rows]

    @property
    def archetype_names(self) -> tuple[str, ...]:
        """What archetypes are called, by number."""
        return self._kinds[1]

    def archetype(self, k: int) -> tuple[str, str]:
        """Profile and engine of an archetype."""
        return self._kinds[2][k], self._kinds[3][k]


def _archetypes(keys: Iterable[Sequence[str]], columns: Sequence[str]) -> tuple[str, ...]:
    """What archetypes are called: by their codes, and by the columns as well where two would have one name.

    One whose code is a number does not share the name of the agent of that number.
    """
    names = {tuple(key): "-".join(filter(None, key)) or ANYBODY for key in keys}
    n_called = Counter(names.values())
    for key, name in names.items():
        if n_called[name] > 1:
            told = ", ".join(f"{column}={code}" for column, code in zip(columns, key, strict=True) if code)
            names[key] = told or ANYBODY
        elif name.isdigit() or name == OUTSIDE:
            names[key] = f"archetype {name}"
    return tuple(names.values())


def first_values(variable: Variable, people: People, society: int, numbers: Any, rows: Any) -> Floats:
    """What agents begin with; NaN where nothing is known yet."""
    start, n = variable.start, len(numbers)
    if variable.column:
        return np.asarray(_from_column(variable, people)[rows], float)
    if isinstance(start, StartTable):
        u = uniforms_for(people.seed, "society", society, "start", variable.name, numbers=numbers)
        if start.draw is not None:
            shares = np.array([start.draw.get(option, 0.0) for option in variable.options], float)
            edges = np.cumsum(shares / shares.sum())
            edges[-1] = 1.0
            return np.asarray(np.searchsorted(edges, u, side="right"), float)
        if start.normal is not None:
            from scipy.special import ndtri

            drawn = start.normal[0] + start.normal[1] * ndtri(np.clip(u, 2**-53, None))
        else:
            low, high = start.uniform or (0, 1)
            drawn = low + (high - low) * u
        return fitted(variable, np.asarray(drawn, float))
    return np.full(n, np.nan if start is None else float(start))


def fitted(variable: Variable, values: Floats) -> Floats:
    """Values moved to the bounds of a variable, or to its options."""
    lower = 0.0 if variable.options else variable.lower
    upper = len(variable.options) - 1.0 if variable.options else variable.upper
    values = np.round(values) if variable.options else values
    return values if lower is None and upper is None else np.clip(values, lower, upper)


def _from_column(variable: Variable, people: People) -> Floats:
    """A column of the population as values of a variable: options by their words, by labels, or by number."""
    name, population = variable.column, people.population
    held = people.column(name)
    if not variable.options:
        if people.parts.columns[name]:
            raise DesignError(f"[[variable]] {variable.name!r}: column {name!r} holds texts, and it has no options")
        return fitted(variable, np.asarray(held, float))
    labels = next((field.labels for field in population.fields if field.column == name), {}) if population else {}
    known: dict[str, float] = {}
    for k, option in enumerate(variable.options):
        known |= {option.casefold(): float(k)}
    found = []
    for code in held.tolist():
        if code is None or code != code:
            found.append(np.nan)
            continue
        words = [code_text(code).casefold(), labels.get(code_text(code), "").casefold()]
        value = next((known[word] for word in words if word in known), None)
        if value is None and not isinstance(code, str) and code in range(len(variable.options)):
            value = float(code)
        if value is None:
            raise DesignError(
                f"[[variable]] {variable.name!r}: column {name!r} holds {code_text(code)!r}, which is none of its "
                f"options, {', '.join(variable.options)}; give the field labels, or take another column"
            )
        found.append(value)
    return np.array(found, float)


def ties_of(
    table: NetworkTable, people: People, society: int, agents: Mapping[str, NDArray[Any]], folder: Path
) -> Network:
    """The network that a study file describes."""
    n, seed = len(agents["number"]), people.seed
    rng = rng_for(seed, "society", society, "ties")

    def column(name: str) -> NDArray[Any]:
        return agents[name] if name in agents else people.column(name)[agents["row"]]

    match table.kind:
        case "complete":
            return ties.complete_graph(n)
        case "ring":
            return ties.cycle_graph(n, table.degree)
        case "small-world":
            return ties.watts_strogatz_graph(n, table.degree, float(table.rewire), rng)
        case "preferential":
            return ties.barabasi_albert_graph(n, table.degree, rng)
        case "random":
            p = table.degree / max(n - 1, 1) if table.probability is None else table.probability
            return ties.gnp_random_graph(n, float(p), rng)
        case "lattice":
            rows = table.rows or max(k for k in range(1, int(n**0.5) + 1) if n % k == 0)
            if n % rows:
                raise DesignError(f"[network]: {n} agents do not fill a lattice of {rows} rows; take another number")
            return ties.grid_2d_graph(rows, n // rows, periodic=table.torus, neighbours=table.neighbours)
        case "spatial":
            drawn = [uniforms_for(seed, "society", society, axis, numbers=agents["number"]) for axis in ("x", "y")]
            where = [np.asarray(column(name), float) for name in table.position] or drawn
            return ties.random_geometric_graph(np.stack(where, axis=1), float(table.radius or 0))
        case "two-mode" if table.by:
            groups = np.unique(_no_gaps(column(table.by), table.by), return_inverse=True)[1]
            return ties.projected_graph(np.arange(n), groups, n)
        case "two-mode":
            return ties.affiliation_graph(n, table.groups, table.each, rng)
        case "block":
            return _blocks(_no_gaps(column(table.by), table.by), float(table.within), float(table.between), rng)
        case "configuration":
            return ties.configuration_model(np.asarray(_no_gaps(column(table.degrees), table.degrees), np.int64), rng)
    names = {
        people.name(int(row), int(number)): k
        for k, (row, number) in enumerate(zip(agents["row"], agents["number"], strict=True))
    }
    if people.population is not None and people.parts.keys.agents is None and "name" not in people.population.columns:
        names = {subject.id: k for k, subject in enumerate(people.population)}
    elif people.population is None:
        names = {str(number): k for k, number in enumerate(agents["number"].tolist())}
    return ties.read_ties(folder / table.file, names, directed=table.directed)


def _no_gaps(values: NDArray[Any], name: str) -> NDArray[Any]:
    lacking = [value is None or value != value for value in values.tolist()]
    if any(lacking):
        raise DesignError(
            f"[network]: {sum(lacking)} agents have no {name!r}, by which ties are made; take another column, or leave "
            "them out with [population] only_where"
        )
    return values


def _blocks(values: NDArray[Any], within: float, between: float, rng: np.random.Generator) -> Network:
    """Blocks of agents of one value, wherever in the table they stand."""
    _, block = np.unique(values, return_inverse=True)
    order = np.argsort(block, kind="stable")
    sizes = np.bincount(block)
    shares = np.full((len(sizes), len(sizes)), between) + np.eye(len(sizes)) * (within - between)
    made = ties.stochastic_block_model(sizes.tolist(), shares, rng)
    return Network.of(order[made.sources], order[made.targets], len(values))


def joined(network: Network, n: int, each: int, rng: np.random.Generator) -> Network:
    """A network with newcomers at its end, each tied to some who are there already."""
    old = network.n
    new = np.repeat(np.arange(old, n), min(each, old))
    whom = np.concatenate([rng.permutation(old)[: min(each, old)] for _ in range(old, n)]) if n > old else new
    sources = np.concatenate([network.sources, new, whom])
    targets = np.concatenate([network.targets, whom, new])
    weights = None if network.weights is None else np.concatenate([network.weights, np.ones(2 * len(new))])
    return Network.of(sources, targets, n, weights=weights)


def without(network: Network, stays: NDArray[np.bool_]) -> Network:
    """A network without those who leave, and without their ties."""
    place = np.cumsum(stays) - 1
    kept = stays[network.sources] & stays[network.targets]
    weights = None if network.weights is None else network.weights[kept]
    return Network.of(place[network.sources[kept]], place[network.targets[kept]], int(stays.sum()), weights=weights)


def chosen(seed: int, society: int, what: str, numbers: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Numbers of some agents, the same whoever else is there; sorted."""
    u = uniforms_for(seed, "society", society, what, numbers=numbers)
    return np.sort(numbers[np.argsort(u, kind="stable")[:count]])
