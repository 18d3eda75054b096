"""Tables of a run and of people, joined by subject into arrays."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proband.errors import DataError, DesignError
from proband.measures.arrays import Bools, Floats, Ints
from proband.records import TABLE_COLUMNS

# Names under which frames of a user's own may carry the same things.
_OWN_COLUMNS = frozenset((*TABLE_COLUMNS, "log_probs", "token_counts", "order"))
_MOST_LEVELS = 30


@dataclass(frozen=True, eq=False)
class AskedItem:
    """One item with options: its substantive options, and where they stand if they are ordered."""

    id: str
    keep: tuple[int, ...]
    positions: tuple[float, ...] | None = None

    @property
    def n_options(self) -> int:
        """Substantive options."""
        return len(self.keep)


@dataclass(frozen=True, eq=False)
class Source:
    """One table with what came along: weights, items and traits, where the object had them."""

    frame: Any
    weights: Mapping[Hashable, float] = field(default_factory=dict)
    items: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[Hashable, Mapping[str, Any]] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    # Stratum, sampling unit and size of the stratum of each subject, as far as the object's roster tells them.
    drawn: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def extra(self) -> list[str]:
        """Columns that no run's table has of itself."""
        return [name for name in self.frame.columns if name not in _OWN_COLUMNS]


def read_source(given: object, name: str) -> Source:
    """A polars or pandas frame, a mapping of columns, or an object with ``table()``, as a `Source`."""
    import polars as pl  # heavy, and not needed to import proband.measures

    if given is None:
        raise DataError(
            f"{name} is None: a claim about people needs human answers; give a frame with columns subject, item "
            "and answer, or describe the model alone with target = 'model'"
        )
    frame: Any = given.table() if hasattr(given, "table") else given
    if isinstance(frame, Mapping):
        frame = pl.DataFrame(dict(frame))
    elif not isinstance(frame, pl.DataFrame):
        if not hasattr(frame, "columns"):
            raise DataError(f"{name} is a {type(given).__name__}; give a polars or pandas frame, or a run")
        frame = pl.from_pandas(frame)
    if lost := [column for column in ("subject", "item") if column not in frame.columns]:
        raise DataError(f"{name} has no column {lost[0]!r}; it needs subject, item and answer (or probs)")
    if "answer" not in frame.columns and "probs" not in frame.columns:
        raise DataError(f"{name} has neither answer nor probs; answer is the 0-based index of an option")
    if frame.is_empty():
        raise DataError(f"{name} has no rows: there are no answers to compare; collect them first")
    frame = frame.with_columns(pl.col("subject").cast(pl.String), pl.col("item").cast(pl.String))
    if frame["subject"].null_count() or frame["item"].null_count():
        raise DataError(f"{name} has rows without a subject or an item; drop them or name them")
    roster = getattr(given, "roster", None)
    return Source(
        frame=frame,
        weights={str(s): w for s, w in (getattr(given, "weights", None) or {}).items()},
        items=getattr(given, "items", None) if isinstance(getattr(given, "items", None), Mapping) else {},  # type: ignore[arg-type]
        traits={str(s): t for s, t in (getattr(given, "traits", None) or {}).items()},
        drawn={how: known for how in ("strata", "psu", "fpc") if (known := getattr(roster, how, None))},
    )


def asked_items(run: Source, people: Source) -> tuple[list[AskedItem], dict[str, str]]:
    """Items that both sides were asked and that have options, and why others are left out."""
    both = sorted(set(run.frame["item"].unique()) & set(people.frame["item"].unique()))
    if not both:
        raise DataError(
            f"no item is in both run (e.g. {run.frame['item'][0]!r}) and people (e.g. {people.frame['item'][0]!r}); "
            "use the same item ids on both sides"
        )
    known = {**people.items, **run.items}
    found, left = [], {}
    seen = _options_seen(run, people, [item for item in both if item not in known])
    for item in [*(i for i in known if i in both), *(i for i in both if i not in known)]:
        if item in known:
            asked = _from_record(item, known[item])
        else:
            asked = AskedItem(item, tuple(range(seen[item][0])), seen[item][1])
        if asked is None or asked.n_options < 2:
            left[item] = "has fewer than 2 substantive options: nothing to compare as shares"
        else:
            found.append(asked)
    if not found:
        raise DataError(f"none of the items {', '.join(both[:5])} has options; compare their means instead")
    return found, left


def _from_record(id: str, item: Any) -> AskedItem | None:
    """An item as `Run.items` gives it."""
    if getattr(item, "form", None) not in ("choice", "scale"):
        return None
    keep = tuple(k for k in range(len(item.options)) if k not in item.dont_know)
    points = [float(item.points[k]) for k in keep] if item.form == "scale" else []
    return AskedItem(id, keep, rising(points))


def rising(points: Sequence[float]) -> tuple[float, ...] | None:
    """Points as distances need them, strictly rising; falling ones are turned, others give None."""
    for direction in (1.0, -1.0):  # a distance is the same from either end
        placed = tuple(direction * point for point in points)
        if len(placed) > 1 and all(a < b for a, b in pairwise(placed)):
            return placed
    return None


def _options_seen(run: Source, people: Source, items: Sequence[str]) -> dict[str, tuple[int, tuple[float, ...] | None]]:
    """Number of options of items without a record, and their points where ``value`` gives every one."""
    import polars as pl

    most: dict[str, int] = dict.fromkeys(items, 0)
    points: dict[str, dict[int, float]] = {item: {} for item in items}
    for source in (run, people):
        frame = source.frame.filter(pl.col("item").is_in(list(items)))
        if "answer" in frame.columns:
            for item, top in frame.group_by("item").agg(pl.col("answer").max()).iter_rows():
                most[item] = max(most[item], 0 if top is None else int(top) + 1)
            if "value" in frame.columns:
                pairs = frame.select("item", "answer", "value").drop_nulls().unique()
                for item, answer, value in pairs.iter_rows():
                    points[item].setdefault(int(answer), float(value))
        if "probs" in frame.columns and frame["probs"].dtype != pl.Null:
            for item, length in frame.group_by("item").agg(pl.col("probs").list.len().max()).iter_rows():
                most[item] = max(most[item], length or 0)
    return {
        item: (most[item], rising([points[item][k] for k in range(most[item]) if k in points[item]]))
        if len(points[item]) == most[item]
        else (most[item], None)
        for item in items
    }


def conditions_of(run: Source, given: Sequence[str]) -> list[str]:
    """Columns of the run that vary and are no information about subjects: the design's conditions."""
    names = [c for c in run.extra if c not in given and run.frame[c].n_unique() > 1]
    for name in names:
        if (levels := run.frame[name].n_unique()) > _MOST_LEVELS:
            raise DesignError(
                f"column {name!r} of the run has {levels} values; further columns of a run are conditions of its "
                "design, so move a subject's traits to the frame of people, or name the column in `by`"
            )
    return names


@dataclass(frozen=True, eq=False)
class Block:
    """Dense rows of one side: a row per subject, a column per option of every item."""

    # (n_subjects, n_columns): probabilities of the options, or 1 for the one taken; zeros where there is no answer
    shares: Floats
    has: Bools  # (n_subjects, n_items): where there is an answer


def block_of(frame: Any, items: Sequence[AskedItem], subjects: Sequence[str], *, is_model: bool) -> Block:
    """Rows of a table as a `Block`; replicates of a subject and item are averaged.

    Rows with ``probs`` contribute them (on the model's side, whatever the status, as the probabilities were
    given all the same); others count where their answer is valid.
    """
    import polars as pl

    place = pl.DataFrame({"subject": list(subjects), "row_": np.arange(len(subjects))})
    frame = frame.join(place, on="subject", how="inner")
    width = sum(item.n_options for item in items)
    shares = np.zeros((len(subjects), width))
    has = np.zeros((len(subjects), len(items)), dtype=bool)
    parts = {key[0]: part for key, part in frame.partition_by("item", as_dict=True).items()}
    start = 0
    for k, item in enumerate(items):
        if item.id in parts:
            rows, values = _rows_of(parts[item.id], item, is_model)
            block = shares[:, start : start + item.n_options]
            times = np.bincount(rows, minlength=len(subjects))
            if times.max(initial=0) > 1 and not is_model:
                twice = subjects[int((times > 1).argmax())]
                raise DataError(
                    f"subject {twice!r} has two answers of people to item {item.id!r}; keep one, or tell a "
                    "retest apart in the column replicate, whose first is used"
                )
            if times.max(initial=0) > 1:
                for option in range(item.n_options):
                    block[:, option] = np.bincount(rows, values[:, option], len(subjects))
                block /= np.maximum(times, 1)[:, None]
            else:
                block[rows] = values
            has[:, k] = times > 0
        start += item.n_options
    return Block(shares, has)


def _rows_of(part: Any, item: AskedItem, is_model: bool) -> tuple[Ints, Floats]:
    """Subject rows and distributions over the substantive options of one item's responses."""
    import polars as pl

    found: list[tuple[Ints, Floats]] = []
    if is_model and "probs" in part.columns and part["probs"].dtype != pl.Null:
        given = part.filter(pl.col("probs").is_not_null())
        if given.height:
            found.append(_probability_rows(given, item))
            part = part.filter(pl.col("probs").is_null())
    if "answer" in part.columns:
        part = part.filter(pl.col("answer").is_not_null())
        if "status" in part.columns:
            part = part.filter(pl.col("status") == "valid")
        answers = part["answer"].to_numpy()
        index = np.full(max(item.keep) + 1, -1)
        index[list(item.keep)] = np.arange(item.n_options)
        if len(answers) and (answers.min() < 0 or answers.max() > max(item.keep) or (answers % 1).any()):
            raise DataError(f"item {item.id!r} has an answer that is no 0-based index of its {item.n_options} options")
        places = index[answers.astype(np.intp)]
        is_substantive = places >= 0
        rows = part["row_"].to_numpy()[is_substantive]
        found.append((rows, np.eye(item.n_options)[places[is_substantive]]))
    rows = np.concatenate([r for r, _ in found]) if found else np.empty(0, dtype=np.intp)
    values = np.concatenate([v for _, v in found]) if found else np.empty((0, item.n_options))
    return rows.astype(np.intp), values


def _probability_rows(given: Any, item: AskedItem) -> tuple[Ints, Floats]:
    lengths = given["probs"].list.len()
    n_written = int(lengths.max())
    if int(lengths.min()) != n_written or n_written <= max(item.keep):
        raise DataError(f"item {item.id!r} has {lengths.min()} to {n_written} probabilities a row; give one per option")
    flat = given["probs"].list.explode().to_numpy().astype(np.float64).reshape(-1, n_written)
    if not np.isfinite(flat).all() or (flat < 0).any():
        raise DataError(f"item {item.id!r} has a probability that is negative or no number")
    kept = flat[:, list(item.keep)]
    total = kept.sum(axis=1)
    is_any = total > 0
    return given["row_"].to_numpy()[is_any], kept[is_any] / total[is_any][:, None]


def subject_column(sources: Sequence[Source], name: str, subjects: Sequence[str]) -> NDArray[np.object_] | None:
    """A column as one value per subject, None where it is missing; None where no source has it.

    Raises DataError if a subject has two values.
    """
    import polars as pl

    for source in sources:
        if name in source.frame.columns:
            pairs = source.frame.select("subject", name).drop_nulls(name).unique()
            if pairs["subject"].is_duplicated().any():
                twice = pairs.filter(pairs["subject"].is_duplicated())["subject"].sort()[0]
                raise DataError(f"subject {twice!r} has more than one value in column {name!r}")
            joined = pl.DataFrame({"subject": list(subjects)}).join(
                pairs, on="subject", how="left", maintain_order="left"
            )
            return np.array(joined[name].to_list(), dtype=object)
        if any(name in traits for traits in source.traits.values()):
            return np.array([source.traits.get(s, {}).get(name) for s in subjects], dtype=object)
    return None
