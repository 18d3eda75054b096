"""The decisions of a screening run: one row a record, by the same rules by which the run went on."""

import polars as pl

from proband.errors import DesignError
from proband.literature.screening.settling import Told, Verdict, answer_of, settled, verdict_of
from proband.runs.run import Run

_SCHEMA = {
    "record": pl.String, "decision": pl.String, "criterion": pl.String, "reason": pl.String, "by": pl.String,
    "disputed": pl.Boolean, "drawn": pl.String, "batch": pl.Int64,
}  # fmt: skip


def decisions_of(run: Run) -> pl.DataFrame:
    """What was decided of every record that was read, batch by batch.

    Parameters
    ----------
    run : Run
        Of kind ``screening``; may be unfinished.

    Returns
    -------
    polars.DataFrame
        ``record``; ``decision`` (include, exclude; null where no screener came to one); ``criterion`` and ``reason``
        by which it is out; ``by`` whom; whether screeners differed (``disputed``); whether it was ``ranked`` or drawn
        for the ``audit``; and its ``batch``. With the columns `record`, `decision`, `criterion`, `reason` and `by` it
        is a table of labels, which ``labels:FILE`` reads.

    Raises
    ------
    DesignError
        If the run is of another kind.
    """
    design = _design(run)
    given = verdicts_of(run)
    rows = []
    for (record, drawn, batch), verdicts in given.items():
        found = settled(verdicts, design["people"], str((design["decider"] or {}).get("name", "")))
        told = (None,) * 4 if found is None else (found.decision, found.criterion, found.reason, ", ".join(found.by))
        rows.append((record, *told, None if found is None else found.is_disputed, drawn, batch))
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def verdicts_of(run: Run) -> dict[tuple[str, str, int], dict[str, Verdict]]:
    """Each screener's verdict on each record that was read, by record, way it was drawn, and batch."""
    design = _design(run)
    items = list(run.items.values())
    out = {item: frozenset(places) for item, places in design["excluding"].items()}
    answers: dict[tuple[str, str, int], dict[str, dict[str, list[Told]]]] = {}
    columns = ("subject", "drawn", "round", "screener", "item", "answer", "status", "probs")
    table = run.table()
    if table.height:
        for subject, drawn, batch, screener, item, *answer in table.select(columns).sort("round").iter_rows():
            of = answers.setdefault((subject, drawn, batch), {}).setdefault(screener, {})
            of.setdefault(item, []).append((answer[0], answer[1], answer[2]))
    found: dict[tuple[str, str, int], dict[str, Verdict]] = {}
    for key, screeners in answers.items():
        found[key] = {}
        for screener, given in screeners.items():
            verdict = verdict_of(items, out, {item: answer_of(told) for item, told in given.items()})
            if verdict is not None:
                found[key][screener] = verdict
    return found


def _design(run: Run) -> dict:  # type: ignore[type-arg]
    design = run.manifest.get("design") or {}
    if design.get("design") != "screening":
        raise DesignError(f"{run.path}: a run of kind {run.kind!r} decided of no records; give one of kind 'screening'")
    return dict(design)
