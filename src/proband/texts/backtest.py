"""Back-tests: dated texts become scores, scores meet a series that begins after them, and the cut-off parts them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StrictInt

from proband.errors import DataError, DesignError, Gathering, meant
from proband.files import Table
from proband.instruments.items import Item
from proband.runs.run import Run
from proband.subjects.corpora import Corpus
from proband.subjects.microdata import read_microdata
from proband.texts.codes import code_texts, codes_of
from proband.texts.held_files import found_again, noted

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
_NONE = "none"
_NAMED = 5


class BackTestTable(Table):
    """Whether what is coded foretells a series."""

    series: str = Field(
        examples=['series = "prices.csv"'],
        description="file with one row a day, in the order of time: prices, polls, counts",
    )
    date: str = Field(default="date", description="its column of days, 2024-03-01")
    value: str = Field(default="value", description="its column of values")
    item: str = Field(examples=['item = "tone"'], description="question of the codebook whose codes are the score")
    scores: dict[str, float] = Field(
        default={}, description="code -> its number, e.g. `{ Good = 1, Bad = -1 }`; a scale has its points"
    )
    cutoff: str | dict[str, str] = Field(
        examples=['cutoff = "2023-12-01"'],
        description="last day that the engine may have read of, or one for each coder; `none` for who reads nothing "
        "else, such as people and dictionaries. Texts up to it are told apart, and never pooled with later ones",
    )
    lag: StrictInt = Field(default=1, description="days from a text to the first value that may be used; at least 1")
    within: StrictInt = Field(default=7, description="days after that, within which there must be a value")
    horizon: StrictInt = Field(default=1, description="rows of the series over which its change is foretold")
    change: Literal["log", "difference"] = Field(
        default="log", description="of the value: in percent (100 times that of its logarithm), or its own"
    )
    costs: float | None = Field(
        default=None,
        description="basis points for each unit that is bought or sold: then a rule that follows the score's sign is "
        "told before and after costs",
    )
    draws: StrictInt = Field(default=999, description="placebos with shuffled dates")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackTest:
    """A back-test whose parts were checked; the keys are those of `BackTestTable`.

    Attributes
    ----------
    note : mapping
        Where the series lies, and its hash.
    dated : str
        Column of the corpus with the day of each text.
    cutoff : mapping of str to str
        Coder -> last day that it may have read of; ``none`` where it reads nothing else.
    """

    note: Mapping[str, str]
    date: str
    value: str
    dated: str
    item: str
    scores: Mapping[str, float]
    cutoff: Mapping[str, str]
    lag: int
    within: int
    horizon: int
    change: Literal["log", "difference"]
    costs: float | None
    draws: int

    def as_dict(self) -> dict[str, Any]:
        """As a run notes it."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Days on one side of the cut-off.

    Attributes
    ----------
    coder : str
        Whose scores they are.
    is_after : bool
        Whether the texts are later than what the engine can have read.
    n_texts, n_unscored, n_unmatched : int
        Texts of these days; those without a score; those without a value soon enough after them, or far enough before
        the end.
    days : tuple of date
        On which a value is bought, so to say: the first one after the lag.
    score, outcome, before : ndarray, shape (n_days,)
        Mean score of the texts; change of the value over the horizon that begins then; and that which ends then.
    held, moves : ndarray, shape (n_rows,)
        Over every row of the series between the first and the last of these days: sign of the score (0 where there is
        no text), and change to the next row.
    """

    coder: str
    is_after: bool
    n_texts: int
    n_unscored: int
    n_unmatched: int
    days: tuple[date, ...]
    score: Floats
    outcome: Floats
    before: Floats
    held: Floats
    moves: Floats


def back_test(table: BackTestTable, folder: Path, corpus: Corpus, items: Sequence[Item], coders: Sequence[str],
              *, prior_correction: bool) -> BackTest:  # fmt: skip
    """Check a back-test before anything is asked.

    Raises
    ------
    DesignError, DataError
        Naming what is wrong with the keys, the days of the texts, or the series.
    """
    found = Gathering()
    with found.part():
        _check_numbers(table, prior_correction=prior_correction)
    with found.part():
        _check_scores(table, items)
    with found.part():
        if not corpus.date:
            raise DesignError("coding.backtest: which column holds the day of a text? name it, [coding.corpus] date")
        _days_of(corpus.columns[corpus.date].to_list(), corpus.columns["document"].to_list(), corpus.name)
    with found.part():
        read_series(folder / table.series, table)
    cutoffs: dict[str, str] = {}
    with found.part():
        cutoffs = _cutoffs(table, coders)
    found.settle()
    given = table.model_dump(exclude={"series", "cutoff"})
    note = noted(folder / table.series, "series")
    return BackTest(**given, note=note, dated=corpus.date, cutoff=cutoffs)


def _check_numbers(table: BackTestTable, *, prior_correction: bool) -> None:
    where = "coding.backtest"
    if table.lag < 1:
        raise DesignError(
            f"{where}: lag {table.lag} joins a text with a value of its own day or an earlier one, which may be older "
            "than the text; give 1 or more days"
        )
    if table.horizon < 1 or table.within < 0 or table.draws < 99:
        raise DesignError(
            f"{where}: horizon {table.horizon}, within {table.within}, draws {table.draws}; give at least 1, 0 and 99"
        )
    if table.costs is not None and (table.costs < 0 or table.horizon > 1 or table.change != "log"):
        raise DesignError(
            f"{where}: costs {table.costs:g} with horizon {table.horizon} and change {table.change!r}; costs are 0 or "
            'more, of a rule on prices that decides anew at every row: set horizon = 1 and change = "log"'
        )
    if prior_correction:
        raise DesignError(
            f"{where}: prior_correction takes off a mean over the whole corpus, later texts included, so scores would "
            "know the future; set prior_correction = false"
        )


def _check_scores(table: BackTestTable, items: Sequence[Item]) -> None:
    known = {item.id: item for item in items}
    item = known.get(table.item)
    if item is None:
        raise DesignError(f"coding.backtest: no question {table.item!r}{meant(table.item, known)}; there are "
                          f"{', '.join(known)}")  # fmt: skip
    if item.form == "scale" or item.form == "number":
        if table.scores:
            raise DesignError(f"coding.backtest: question {item.id!r} has numbers of its own; take `scores` out")
        return
    if item.form != "choice":
        raise DesignError(f"coding.backtest: question {item.id!r} of form {item.form!r} has no score; name a choice, a "
                          "scale or a number")  # fmt: skip
    for code in table.scores:
        if code not in item.options:
            raise DesignError(f"coding.backtest: scores has {code!r}, no code of {item.id!r}"
                              f"{meant(code, item.options)}; there are {', '.join(item.options)}")  # fmt: skip
    lacking = [o for k, o in enumerate(item.options) if o not in table.scores and k not in item.dont_know]
    if lacking or len(set(table.scores.values())) < 2:
        raise DesignError(f"coding.backtest: scores needs a number for every code of {item.id!r}, not all alike; "
                          f"it lacks {', '.join(lacking) or 'none'}")  # fmt: skip


def _cutoffs(table: BackTestTable, coders: Sequence[str]) -> dict[str, str]:
    given = table.cutoff if isinstance(table.cutoff, dict) else dict.fromkeys(coders, table.cutoff)
    if odd := next((name for name in (*given, *coders) if name not in given or name not in coders), None):
        raise DesignError(f"coding.backtest.cutoff: {odd!r} stands in one of cut-offs and coders only; there are the "
                          f"coders {', '.join(coders)}, and each needs one")  # fmt: skip
    for name, day in given.items():
        if day != _NONE:
            _day(day, f"coding.backtest.cutoff of {name}")
    return given


def read_series(path: Path, table: "BackTestTable | BackTest") -> tuple[list[date], Floats]:
    """Days and values of a series, one a day, in the order of time.

    Raises
    ------
    DataError
        Naming the row: no day, two of one day, a day before the one above it, no value, or a price of 0 or less.
    """
    frame = read_microdata(path).frame
    for column in (table.date, table.value):
        if column not in frame.columns:
            raise DataError(f"{path.name}: no column {column!r}{meant(column, frame.columns)}; it has "
                            f"{', '.join(frame.columns)}")  # fmt: skip
    days = _days_of(frame[table.date].to_list(), [f"row {k}" for k in range(1, frame.height + 1)], path.name)
    for k, (earlier, later) in enumerate(pairwise(days), 2):
        if later <= earlier:
            what = f"{later} stands there twice" if later == earlier else f"{later} comes after {earlier}"
            raise DataError(f"{path.name}, row {k}: {what}; sort the series, one row a day")
    values = frame[table.value].to_list()
    for k, value in enumerate(values, 1):
        if not isinstance(value, int | float) or not math.isfinite(value) or (table.change == "log" and value <= 0):
            of = "; a logarithm needs more than 0, else set change" if table.change == "log" else ""
            raise DataError(f"{path.name}, row {k}: the value is {value!r}{of}; mend the row, or leave it out")
    if len(days) < table.horizon + 12:
        raise DataError(f"{path.name}: {len(days)} rows are too few for a horizon of {table.horizon}; give more")
    return days, np.array(values, dtype=np.float64)


def _days_of(values: Sequence[object], names: Sequence[str], where: str) -> list[date]:
    """Every value as a day; all that is wrong is said at once."""
    found: list[date] = []
    wrong: list[str] = []
    for name, value in zip(names, values, strict=True):
        try:
            found.append(_day(value, f"{where}, {name}"))
        except DataError as error:
            wrong.append(str(error))
    if wrong:
        raise DataError(*wrong[:_NAMED], *([f"and {len(wrong) - _NAMED} more"] if len(wrong) > _NAMED else []))
    return found


def _day(value: object, where: str) -> date:
    """A day; of a moment the day in UTC, for which the moment has to say its zone."""
    text = "" if value is None else str(value).strip()
    if not text:
        raise DataError(f"{where}: no date; fill it in, or leave the row out")
    try:
        if len(text) == len("2024-03-01"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(f"{where}: {text[:40]!r} is no date; write 2024-03-01") from None
    if moment.tzinfo is None:
        raise DataError(f"{where}: {text!r} does not say its zone; write the day alone, or 2024-03-01T16:30:00+00:00")
    return moment.astimezone(UTC).date()


def back_test_of(run: Run) -> BackTest | None:
    """The back-test that a run notes."""
    told = (run.manifest.get("design") or {}).get("backtest")
    return None if told is None else BackTest(**told)


def parts_of(run: Run, test: BackTest) -> list[Part]:
    """Scores of a run joined with the series, by coder and side of the cut-off, the later side first."""
    import polars as pl

    days, values = read_series(found_again(run, test.note), test)
    levels = 100 * np.log(values) if test.change == "log" else values
    frame = _scored(run, test)
    available = pl.col("day") + pl.duration(days=test.lag)
    rows = pl.DataFrame({"at": days, "row": np.arange(len(days))})
    # Forward: the first value on or after the day that the lag ends on, so never one from before the text.
    joined = frame.with_columns(available.alias("from")).sort("from").join_asof(
        rows, left_on="from", right_on="at", strategy="forward", tolerance=timedelta(days=test.within)
    )  # fmt: skip
    fits = (pl.col("row") >= test.horizon) & (pl.col("row") < len(days) - test.horizon)
    joined = joined.with_columns(pl.when(fits).then("row").alias("row"))
    found = []
    for coder, cutoff in test.cutoff.items():
        own = joined.filter(coder=coder)
        last = None if cutoff == _NONE else date.fromisoformat(cutoff[:10])
        sides = {True: own, False: own.clear()} if last is None else {
            True: own.filter(pl.col("day") > last), False: own.filter(pl.col("day") <= last)
        }  # fmt: skip
        found += [_part(coder, side, is_after, levels, days, test.horizon) for is_after, side in sides.items()
                  if side.height]  # fmt: skip
    return found


def _part(coder: str, side: "pl.DataFrame", is_after: bool, levels: Floats, days: Sequence[date], horizon: int) -> Part:
    import polars as pl

    scored = side.filter(pl.col("score").is_not_null())
    matched = scored.filter(pl.col("row").is_not_null())
    means = matched.group_by("row").agg(pl.col("score").mean()).sort("row")
    at, score = means["row"].to_numpy().astype(int), means["score"].to_numpy().astype(float)
    between = np.arange(at[0], at[-1] + 1) if len(at) else np.array([], dtype=int)
    held = np.zeros(len(between))
    if len(at):
        held[at - at[0]] = np.sign(score)
    return Part(
        coder=coder, is_after=is_after, n_texts=side.height, n_unscored=side.height - scored.height,
        n_unmatched=scored.height - matched.height, days=tuple(days[k] for k in at), score=score,
        outcome=levels[at + horizon] - levels[at], before=levels[at] - levels[at - horizon],
        held=held, moves=levels[between + 1] - levels[between],
    )  # fmt: skip


def _scored(run: Run, test: BackTest) -> "pl.DataFrame":
    """Day and score of every document by every coder; the expected score where there are probabilities."""
    import polars as pl

    item, codes, traits = run.items[test.item], codes_of(run), run.traits
    codes = codes.filter(pl.col("item") == test.item)
    numbers = dict(test.scores) or dict(zip(code_texts(item), item.points, strict=True))
    worth = [numbers.get(text) for k, text in enumerate(code_texts(item))]
    if item.form == "scale":
        worth = [None if k in item.dont_know else point for k, point in enumerate(worth)]
    documents = codes["document"].to_list()
    days = _days_of([traits[document].get(test.dated) for document in documents], documents, "the run")
    scores = [_score(item, code, probs, worth) for code, probs in codes.select("code", "probs").iter_rows()]
    return pl.DataFrame({"coder": codes["coder"], "day": days, "score": pl.Series(scores, dtype=pl.Float64)})


def _score(item: Item, code: str | None, probs: Sequence[float] | None, worth: Sequence[float | None]) -> float | None:
    if item.form == "number":
        return None if code is None else float(code)
    if probs is not None:
        told = [(p, number) for p, number in zip(probs, worth, strict=True) if number is not None]
        total = sum(p for p, _ in told)
        # Where nearly all says "cannot tell", what is left of it is no score.
        return sum(p * number for p, number in told) / total if total > 0.5 else None
    return None if code is None else worth[code_texts(item).index(code)]
