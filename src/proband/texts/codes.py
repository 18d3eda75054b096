"""The codes of a run: orders, repeats and windows put together, prior correction taken off; here and nowhere else."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.errors import DesignError
from proband.instruments.items import Item
from proband.runs.run import Run

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_EQUAL = 1e-9  # two probabilities that differ by less are a tie
_JOINT = "; "  # between the codes of a question that takes several
_SCHEMA: dict[str, Any] = {
    "document": pl.String, "item": pl.String, "coder": pl.String, "code": pl.String, "probs": pl.List(pl.Float64),
    "n": pl.Int64, "orders_agree": pl.Boolean, "why": pl.String,
}  # fmt: skip


def codes_of(run: Run, *, prior_correction: bool | None = None, repeats: Sequence[int] | None = None) -> pl.DataFrame:
    """One row for every document, question and coder.

    Parameters
    ----------
    run : Run
        Of kind ``coding``.
    prior_correction : bool, optional
        Whether the mean log score of each code over the corpus is taken off; by default as the study says.
    repeats : sequence of int, optional
        Numbers of the repeats that count, from 0 on; by default all.

    Returns
    -------
    polars.DataFrame
        ``document``, ``item``, ``coder``; ``code`` as tables of gold write it: the code's text, a scale's points, a
        number, several codes with "; " between them. ``probs`` of all options, in the order written; of a question
        that takes several, the share with which each is in; null of numbers and texts. ``n`` answers were put
        together. ``orders_agree``: whether every order of the options leads to the same code; null where there is one
        order, or an answer is missing. Where there is no code, ``why`` says it: ``tie``, ``skipped`` (it follows from
        a code that was not given), ``dont_know`` (on a scale; elsewhere that is a code), or what became of the answer.

    Raises
    ------
    DesignError
        If the run is of another kind.

    Notes
    -----
    Repeats are averaged within an order, orders within a window, windows by the rule of the study: the mean of their
    probabilities; the greatest for each code (`any`); or the share of windows with each code (`majority`). Prior
    correction comes before: within each order the mean over the corpus of a code's log probability is subtracted from
    it, so a taste for the code, or for the place where it is shown, is gone. Answers that came without probabilities
    have none to correct, and count as they are. The code is the most probable option, and none where two are equally
    probable: equal votes are no code, and not the first one.
    """
    design = run.manifest.get("design") or {}
    table = run.table()
    if design.get("design") != "coding" or "coder" not in table.columns:
        raise DesignError(f"{run.path}: a run of kind {run.kind!r} has no codes; give one of kind 'coding'")
    if repeats is not None:
        table = table.filter(pl.col("replicate").is_in(list(repeats)))
    is_corrected = bool(design.get("prior_correction")) if prior_correction is None else prior_correction
    combine = str((design.get("long") or {}).get("combine", "mean"))
    for name in ("order", "window"):
        if name not in table.columns:
            table = table.with_columns(pl.lit(None, pl.String).alias(name))
    parts = {(str(p["item"][0]), str(p["coder"][0])): p for p in table.partition_by("item", "coder")}
    found: list[pl.DataFrame] = []
    for coder in run.levels["coder"]:
        given: dict[str, pl.DataFrame] = {}
        for item in run.items.values():
            if (item.id, coder) in parts:
                own = _of_item(item, parts[item.id, coder], combine, is_corrected=is_corrected)
                given[item.id] = _applying(item, own, run.items, given)
        found += [
            frame.with_columns(pl.lit(id).alias("item"), pl.lit(coder).alias("coder")) for id, frame in given.items()
        ]
    if not found:
        return pl.DataFrame(schema=_SCHEMA)
    return pl.concat(found).select(*_SCHEMA).sort("document", maintain_order=True)


def order_codes(item: Item, part: pl.DataFrame) -> tuple[tuple[str, ...], Ints, Floats]:
    """What each order of the options leads to, before orders are put together and without prior correction.

    Parameters
    ----------
    item : Item
        Of form choice or scale.
    part : polars.DataFrame
        Rows of `Run.table` of this question and one coder.

    Returns
    -------
    orders : tuple of str
        Their names.
    codes : ndarray, shape (n_documents, n_orders)
        Index of the option; -1 where two are equally probable, or nothing was answered.
    probs : ndarray, shape (n_documents, n_orders, n_options)
        Mean over repeats and windows; NaN where nothing was answered.
    """
    names, documents = _coded(part["subject"])
    orders, of = _coded(part["order"])
    rows, has = _rows(item, part)
    at, pooled = _means((documents * len(orders) + of)[has], rows[has])
    probs = np.full((len(names) * len(orders), len(item.options)), np.nan)
    probs[at] = pooled
    best = probs >= probs.max(axis=1, keepdims=True) - _EQUAL
    codes = np.where(best.sum(axis=1) == 1, best.argmax(axis=1), -1)
    shape = len(names), len(orders)
    return tuple(orders), codes.reshape(shape), probs.reshape(*shape, -1)


def code_texts(item: Item) -> tuple[str, ...]:
    """The codes of a question as tables of codes write them: a scale's by its points."""
    return tuple(f"{point:g}" for point in item.points) if item.form == "scale" else item.options


def _of_item(item: Item, part: pl.DataFrame, combine: str, *, is_corrected: bool) -> pl.DataFrame:
    """Codes of one question by one coder."""
    names, documents = _coded(part["subject"])
    _, orders = _coded(part["order"])
    _, windows = _coded(part["window"])
    if not item.options or item.form not in ("choice", "scale", "multiple"):
        return _without_options(item, part, names, documents)
    rows, has = _rows(item, part)
    if is_corrected and item.form != "multiple":
        _correct(rows, has & part["probs"].is_not_null().to_numpy(), orders)
    n_orders, n_windows = int(orders.max()) + 1, int(windows.max()) + 1
    place = (documents * n_windows + windows) * n_orders + orders
    at, pooled = _means(place[has], rows[has])
    by_order = _agreeing(at, pooled, n_windows * n_orders, n_orders, len(names))
    at, pooled = _means(at // n_orders, pooled)
    if combine == "majority":
        pooled = (pooled > 0.5).astype(float) if item.form == "multiple" else _votes(pooled)
    owner, probs = _means(at // n_windows, pooled)
    if combine == "any":
        greatest = np.zeros_like(probs)
        np.maximum.at(greatest, np.searchsorted(owner, at // n_windows), pooled)
        probs = greatest if item.form == "multiple" else greatest / greatest.sum(axis=1, keepdims=True)
    whole = np.full((len(names), len(item.options)), np.nan)
    whole[owner] = probs
    reasons = _reasons(part, len(names), documents)
    codes = [_code(item, row, reason) for row, reason in zip(whole, reasons, strict=True)]
    return _framed(
        names,
        codes,
        [None if np.isnan(row[0]) else row.tolist() for row in whole],
        np.bincount(documents[has], minlength=len(names)).tolist(),
        by_order,
    )


def _rows(item: Item, part: pl.DataFrame) -> tuple[Floats, NDArray[np.bool_]]:
    """Probabilities of all options, one row an answer; and which answers say anything."""
    n = len(item.options)
    rows = np.zeros((part.height, n))
    if item.form == "multiple":
        has = (part["status"].is_in(["valid", "dont_know"])).to_numpy()
        for row, (chosen, status) in enumerate(part.select("parts", "status").iter_rows()):
            rows[row, [int(k) for k in chosen or (item.dont_know if status == "dont_know" else ())]] = 1.0
        return rows, has
    lengths = part["probs"].list.len().fill_null(0).to_numpy()
    for length in set(lengths.tolist()) - {0}:  # a channel weighs no "cannot tell", so it has fewer
        of = np.flatnonzero(lengths == length)
        values = part["probs"].gather(of).explode().to_numpy().reshape(-1, length)
        rows[of, : min(length, n)] = values[:, :n]
    bare = lengths == 0
    answer = part["answer"].fill_null(-1).to_numpy()
    if item.dont_know:
        answer = np.where((part["status"] == "dont_know").to_numpy(), item.dont_know[0], answer)
    told = bare & (answer >= 0) & (answer < n)
    rows[np.flatnonzero(told), answer[told]] = 1.0
    return rows, told | ~bare


def _correct(rows: Floats, has: NDArray[np.bool_], orders: Ints) -> None:
    """Take the mean log probability of every option off, within each order of the options."""
    for order in set(orders[has].tolist()):
        of = np.flatnonzero(has & (orders == order))
        # What no answer of this order gives any probability was not asked for, e.g. "cannot tell" by channel.
        asked = rows[of].max(axis=0) > 0
        logs = np.log(np.maximum(rows[np.ix_(of, asked)], np.finfo(float).tiny))
        logs -= logs.mean(axis=0)
        weights = np.exp(logs - logs.max(axis=1, keepdims=True))
        rows[np.ix_(of, asked)] = weights / weights.sum(axis=1, keepdims=True)


def _means(keys: Ints, rows: Floats) -> tuple[Ints, Floats]:
    """The distinct keys in order, and the mean of the rows of each."""
    at, codes, counts = np.unique(keys, return_inverse=True, return_counts=True)
    sums = np.zeros((len(at), rows.shape[1]))
    np.add.at(sums, codes, rows)
    return at, sums / counts[:, None]


def _agreeing(at: Ints, pooled: Floats, per_document: int, n_orders: int, n: int) -> list[bool | None]:
    """For each document whether every order leads to the same code, over its windows together."""
    if n_orders < 2:
        return [None] * n
    keys, means = _means((at // per_document) * n_orders + at % n_orders, pooled)
    votes = _votes(means)
    owner, shares = _means(keys // n_orders, votes)
    there = np.bincount(keys // n_orders, minlength=n)
    agree: list[bool | None] = [None] * n
    for document, share in zip(owner.tolist(), shares, strict=True):
        if there[document] == n_orders:
            agree[document] = bool(share.max() > 1 - _EQUAL)
    return agree


def _votes(rows: Floats) -> Floats:
    """All on the most probable option; divided among those that are equally probable."""
    best = (rows >= rows.max(axis=1, keepdims=True) - _EQUAL).astype(float)
    votes: Floats = best / best.sum(axis=1, keepdims=True)
    return votes


def _code(item: Item, probs: Floats, reason: str | None) -> tuple[str | None, str | None]:
    """The code of a document, or why it has none; of a document without answers that is given."""
    if np.isnan(probs[0]):
        return None, reason
    texts = code_texts(item)
    if item.form == "multiple":
        if (np.abs(probs - 0.5) < _EQUAL).any():
            return None, "tie"
        return _JOINT.join(text for text, share in zip(texts, probs, strict=True) if share > 0.5), None
    best = np.flatnonzero(probs >= probs.max() - _EQUAL)
    if len(best) > 1:
        return None, "tie"
    # On a scale "cannot tell" is no point, and must not be taken for one.
    return (None, "dont_know") if item.form == "scale" and best[0] in item.dont_know else (texts[best[0]], None)


def _without_options(item: Item, part: pl.DataFrame, names: list[str], documents: Ints) -> pl.DataFrame:
    """Numbers, averaged; and texts, records and quotations, which are a code only where all answers are one."""
    column = "value" if item.form == "number" else "label"
    given: list[list[Any]] = [[] for _ in names]
    for document, value, status in zip(documents, part[column], part["status"], strict=True):
        if status == "valid" and value is not None:
            given[document].append(value)
    codes: list[tuple[str | None, str | None]] = []
    for values, reason in zip(given, _reasons(part, len(names), documents), strict=True):
        if not values:
            codes.append((None, reason))
        elif item.form == "number":
            codes.append((f"{sum(values) / len(values):.12g}", None))
        else:
            codes.append((values[0], None) if len(set(values)) == 1 else (None, "tie"))
    nothing: list[None] = [None] * len(names)
    return _framed(names, codes, nothing, list(map(len, given)), nothing)


def _framed(
    names: list[str],
    codes: Sequence[tuple[str | None, str | None]],
    probs: Sequence[list[float] | None],
    n: Sequence[int],
    agree: Sequence[bool | None],
) -> pl.DataFrame:
    given, why = [code for code, _ in codes], [reason for _, reason in codes]
    columns = {"document": names, "code": given, "probs": probs, "n": n, "orders_agree": agree, "why": why}
    return pl.DataFrame(columns, schema_overrides={name: _SCHEMA[name] for name in columns})


def _applying(
    item: Item, own: pl.DataFrame, items: Mapping[str, Item], given: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Codes without those of documents that the question does not apply to, by the same coder's code before."""
    rule = item.ask_if
    if rule is None or rule.item not in given:
        return own
    texts = code_texts(items[rule.item])
    wanted = {texts[k] for k in rule.options}
    before = given[rule.item].select("document", pl.col("code").alias("before"))
    earlier = own.join(before, on="document", how="left", maintain_order="left")["before"]
    is_joint = items[rule.item].form == "multiple"  # elsewhere what stands between codes may stand in one
    holds = pl.Series([not wanted.isdisjoint((code or "").split(_JOINT) if is_joint else (code,)) for code in earlier])
    return own.with_columns(
        pl.when(holds).then(pl.col("code")).alias("code"),
        pl.when(holds).then(pl.col("probs")).alias("probs"),
        pl.when(holds).then(pl.col("why")).otherwise(pl.lit("skipped")).alias("why"),
    )


def _reasons(part: pl.DataFrame, n: int, documents: Ints) -> Sequence[str | None]:
    """What became of each document's answers, where none of them says anything: of several the last."""
    found: list[str | None] = [None] * n
    for document, status in zip(documents, part["status"], strict=True):
        found[document] = status
    return found


def _coded(values: pl.Series) -> tuple[list[str], Ints]:
    """The distinct values in the order in which they come up, and which of them each is."""
    frame = pl.DataFrame({"value": values.fill_null("")})
    names = frame["value"].unique(maintain_order=True)
    number = pl.DataFrame({"value": names, "code": np.arange(len(names))})
    return names.to_list(), frame.join(number, on="value", how="left", maintain_order="left")["code"].to_numpy()
