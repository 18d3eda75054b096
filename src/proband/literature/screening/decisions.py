"""The decisions of a screening run: one row a record, by the same rules by which the run went on."""

from dataclasses import dataclass

import polars as pl

from proband.errors import DesignError
from proband.estimates import Estimate
from proband.literature.screening.settling import INCLUDE, Told, Verdict, answer_of, settled, verdict_of
from proband.literature.screening.stopping import Stop
from proband.measures import RecallTest, recall_audit, recall_test
from proband.runs.run import Run

_TARGET = 0.95

_SCHEMA = {
    "record": pl.String, "decision": pl.String, "criterion": pl.String, "reason": pl.String, "by": pl.String,
    "disputed": pl.Boolean, "drawn": pl.String, "batch": pl.Int64,
}  # fmt: skip


def decisions_of(run: Run) -> pl.DataFrame:
    """What was decided of every record that was read, batch by batch; within a batch by id.

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
    for (record, drawn, batch), verdicts in sorted(given.items(), key=lambda of: (of[0][2], of[0][0])):
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
        for subject, drawn, batch, screener, item, *answer in table.select(columns).iter_rows():
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What is known of a screening's recall.

    Attributes
    ----------
    rule : Stop
        By which reading ended, or is to end.
    labels : tuple of bool
        Decisions on what was read in order.
    test : RecallTest
        Of the recall that the rule states; of .95 where it states none.
    n_left, n_audited, n_hits : int
        Records that were not read in order; of these, drawn and decided; of these, to be included.
    audit : Estimate or None
        Recall before the audit; None where nothing was drawn, or nothing found anywhere.
    """

    rule: Stop
    labels: tuple[bool, ...]
    test: RecallTest
    n_left: int
    n_audited: int
    n_hits: int
    audit: Estimate | None

    @property
    def told(self) -> tuple[str, ...]:
        """In sentences: the test, the audit, and whether the rule itself promises anything."""
        test = self.test
        said = [
            f"Of what is to be included at least {test.least_recall:.0%} was found, {test.level:.0%} sure, if what is "
            "read later is as likely to be included as what is never read, or likelier.",
            f"That less than {test.recall:.0%} was found has p = {test.p_value:.3f}, however often one has looked.",
        ]
        if self.audit is not None and self.audit.interval is not None:
            low, high = self.audit.interval
            said.append(
                f"Of {self.n_left:,} records left, {self.n_audited:,} were drawn at random and read; {self.n_hits} of "
                f"them are to be included. By that, recall before the audit was {self.audit.value:.2f} "
                f"({self.audit.level:.0%} interval {low:.2f} to {high:.2f})."
            )
        if self.rule.recall is None and self.n_left:
            said.append(f"Reading ended by a rule that promises no recall: {self.rule.in_words}.")
        return tuple(said)


def reached(run: Run) -> Reached:
    """What is known of the recall of a screening run, which may be unfinished."""
    design, found = _design(run), decisions_of(run)
    ranked = found.filter(pl.col("drawn") == "ranked")
    labels = [decision == INCLUDE for decision in ranked["decision"].drop_nulls()]
    rule, n = Stop(**design["stop"]), design["records"] - len(design["known"])
    audited = found.filter(pl.col("drawn") == "audit")["decision"].drop_nulls()
    hits, known = int((audited == INCLUDE).sum()), sum(design["known"].values())
    before = sum(labels) + known
    return Reached(
        rule=rule, labels=tuple(labels), test=recall_test(labels, n, recall=rule.recall or _TARGET, level=rule.level),
        n_left=n - ranked.height, n_audited=audited.len(), n_hits=hits,
        audit=recall_audit(before, n - ranked.height, audited.len(), hits, level=rule.level)
        if audited.len() and before + hits else None,
    )  # fmt: skip


def _design(run: Run) -> dict:  # type: ignore[type-arg]
    design = run.manifest.get("design") or {}
    if design.get("design") != "screening":
        raise DesignError(f"{run.path}: a run of kind {run.kind!r} decided of no records; give one of kind 'screening'")
    return dict(design)
