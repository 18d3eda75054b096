"""Finding hypotheses on A and testing them on B, each with the files it leaves beside the hypotheses."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.files import parsed, text_of
from proband.literature.hypotheses.bank import Keeping
from proband.literature.hypotheses.features import Surface, rule_in
from proband.literature.hypotheses.proposing import Judging, Proposing
from proband.literature.hypotheses.record import Hypothesis, read_hypotheses, write_hypotheses
from proband.literature.hypotheses.rows import Rows
from proband.literature.hypotheses.testing import (
    Decided,
    Terms,
    Told,
    accuracy,
    decided,
    found_on,
    hypothesis_of,
    kept_on,
    now_as_text,
    open_b,
    read_lock,
    refuse_opened,
    voted,
    write_lock,
)
from proband.models.dictionaries import Dictionary, read_dictionary
from proband.models.engine import BaseEngine
from proband.runs import Run, collect
from proband.runs.progress import Watch
from proband.texts.gold.project import fingerprint
from proband.texts.gold.tables import digest, write_text


@dataclass(frozen=True, kw_only=True)
class Found:
    """What A gave: the hypotheses with their agreement there, and how many were proposed."""

    hypotheses: tuple[Hypothesis, ...]
    on_a: Mapping[str, Estimate]
    proposed: int
    rows: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What B said of what was locked.

    Attributes
    ----------
    decided : tuple of Decided
        Every hypothesis, in the order of the lock.
    proposed, rows_a, rows_b : int
        Hypotheses that were proposed on A; rows of either side.
    vote, majority : float
        Accuracy on B of all of them together, weighted by their agreement on A; of B's commonest outcome alone.
    terms : Terms
        How it was done.
    """

    decided: tuple[Decided, ...]
    proposed: int
    rows_a: int
    rows_b: int
    vote: float
    majority: float
    terms: Terms

    @property
    def held(self) -> int:
        """How many held."""
        return sum(one.verdict == "held" for one in self.decided)

    @property
    def first_line(self) -> str:
        """What stands above everything else."""
        how = {"holm": "Holm", "bh": "Benjamini-Hochberg"}[self.terms.adjust]
        return f"Found on A: {len(self.decided)}; held on B: {self.held} ({how}, {self.terms.alpha:g})."


def lock_path(into: Path) -> Path:
    """Where the lock of a file of hypotheses lies."""
    return into.with_name(f"{into.stem}.lock.json")


def outcome_path(into: Path) -> Path:
    """Where it is written what B said."""
    return into.with_name(f"{into.stem}.test.json")


def terms_of(into: Path, data: Path, outcome: str, **given: Any) -> Terms:
    """How hypotheses in a file are found in some data; paths are seen from the file's folder."""
    words = given.pop("words", None)
    given["words"] = os.path.relpath(words, into.parent) if words else ""
    return Terms(data=os.path.relpath(data, into.parent), outcome=outcome, **given)


def find_by_surface(into: Path, terms: Terms, keeping: Keeping | None = None) -> Found:
    """Keep a bank of rules of features on A, write those that agree with it into a file, and lock their test on B.

    Raises
    ------
    DesignError
        If B of these rows was opened before from this folder.
    DataError
        If nothing was found.
    """
    a, b, content = terms.sides(into.parent)
    refuse_opened(into.parent, content, "", b)
    told, rules, proposed = kept_on(
        a, keeping=keeping or Keeping(), dictionary=_dictionary(into.parent, terms), seed=terms.seed
    )
    time = now_as_text()
    made = {rule.text: hypothesis_of(rule, a, terms, time) for rule in rules}
    return lock_found(into, terms, (a, len(b), content), {made[name]: told[name] for name in made}, proposed)


def lock_found(
    into: Path, terms: Terms, sides: tuple[Rows, int, str], told: Mapping[Hypothesis, Told], proposed: int, **more: Any
) -> Found:
    """Write those that agree with A beyond chance into a file, and lock their test on B; `more` goes into the lock."""
    a, n_b, content = sides
    by_id = {hypothesis.id: hypothesis for hypothesis in told}
    found = found_on(a, {hypothesis.id: said for hypothesis, said in told.items()}, terms)
    if not found:
        raise DataError(
            f"{terms.data}: none of {proposed} that were proposed agrees with the {len(a)} rows of A beyond chance "
            f"(p at most {terms.found_at:g}); B stays closed"
        )
    said = {hypothesis.id: each for hypothesis, each in told.items()}
    write_hypotheses(into, [by_id[id] for id in found])
    words = Path(into.parent, terms.words)
    write_lock(
        lock_path(into), terms, content,
        {
            "hypotheses": {
                id: {"accuracy": accuracy(said[id])[0], "estimate": estimate.as_dict(), "rule": by_id[id].rule,
                     "wording": _wording(by_id[id])}
                for id, estimate in found.items()
            },
            "proposed": proposed, "rows": {"A": len(a), "B": n_b},
            "words": digest(words.read_bytes()) if terms.words else "", **more,
        },
    )  # fmt: skip
    return Found(hypotheses=tuple(by_id[id] for id in found), on_a=found, proposed=proposed, rows=len(a))


def _wording(hypothesis: Hypothesis) -> str:
    return fingerprint(hypothesis.as_dict())


def locked(into: Path) -> tuple[dict[str, Any], Terms, tuple[Hypothesis, ...], Rows]:
    """The lock of a file, its hypotheses, and the rows of B, which it may open.

    Raises
    ------
    DesignError
        If the rows or the hypotheses are not those that were locked, or B was opened.
    """
    lock = read_lock(lock_path(into))
    terms = Terms(**lock["terms"] | {"texts": tuple(lock["terms"]["texts"])})
    there = {hypothesis.id: hypothesis for hypothesis in read_hypotheses(into)}
    if lost := [id for id in lock["hypotheses"] if id not in there]:
        raise DesignError(f"{into}: hypothesis {lost[0]} was locked and is not there any more; bring it back as it was")
    # Its id does not know its falsifier.
    if edited := [id for id, held in lock["hypotheses"].items() if held["wording"] != _wording(there[id])]:
        raise DesignError(f"{into}: hypothesis {edited[0]} was edited since it was locked; bring it back as it was")
    if outcome_path(into).exists():
        raise DesignError(
            f"{into}: B was opened, and what came of it stands in {outcome_path(into).name}; it is opened once: to "
            "test again, bring rows that nobody has looked at"
        )
    a, b, content = terms.sides(into.parent)
    if content != lock["content"] or len(a) != lock["rows"]["A"]:
        raise DesignError(f"{terms.data}: not the rows that were locked; bring them back as they were")
    refuse_opened(into.parent, content, lock["hash"], b)
    return lock, terms, tuple(there[id] for id in lock["hypotheses"]), b


def open_and_test(into: Path, *, engine: str | BaseEngine = "", watch: Watch | None = None) -> Outcome:
    """Open B, once, and test what was locked there.

    Rules of features foretell what they foretell; of other hypotheses the judge says it who did on A, row by row, in a
    run beside the file. Who is stopped in that run goes on in it.

    Parameters
    ----------
    into : path
        The file of hypotheses.
    engine : str or BaseEngine
        Another address of the same judge, e.g. on another machine.
    watch : Watch, optional
        Sees how far the judge is.

    Raises
    ------
    DesignError
        If B was opened before, something was edited since the lock, or the judge did not answer everything.
    """
    lock, terms, hypotheses, b = locked(into)
    weights = {id: float(held["estimate"]["value"]) for id, held in lock["hypotheses"].items()}
    if not lock.get("judge"):
        surface = Surface(b, _dictionary(into.parent, terms, lock["words"]))
        rules = {hypothesis.id: rule_in(hypothesis.rule) for hypothesis in hypotheses}
        open_b(into.parent, lock, b)
        told: dict[str, Told] = {id: surface.predicted(rule) for id, rule in rules.items()}
        return write_outcome(
            into,
            lock,
            terms,
            hypotheses,
            b,
            told,
            voted(told, weights, {id: rule.label for id, rule in rules.items()}, b),
        )
    design = Judging(hypotheses=hypotheses, rows=b, seed=terms.seed)
    open_b(into.parent, lock, b)
    run = collect(design, engine or lock["judge"], into.with_name(f"{into.stem}-b"), watch=watch)
    if not run.is_complete:
        raise DesignError(f"{run.path}: the judge did not answer everything; run the same command again to go on")
    told = dict(design.told(run.responses()))
    return write_outcome(into, lock, terms, hypotheses, b, told, voted(told, weights, {}, b))


def lock_proposed(into: Path, study: Path, design: Proposing, run: Run, judge: str) -> Found:
    """Write and lock the hypotheses of a run that kept banks on A, for a test on B by the same judge.

    Raises
    ------
    DesignError, DataError
        If B was opened before; if nothing that was proposed agrees with A.
    """
    if design.rows is None or design.terms is None:
        raise DesignError("this study has no rows; give [hypothesize.rows]")
    data = study.parent / design.terms.data
    terms = replace(design.terms, data=os.path.relpath(data, into.parent))
    a, b, content = terms.sides(into.parent)
    refuse_opened(into.parent, content, "", b)
    told: dict[Hypothesis, Told] = {}
    proposed, time = 0, now_as_text()
    for kept in design.kept(run.responses()).values():
        proposed += len(kept.proposals)
        made = {proposal.subject: proposal.hypothesis for proposal in kept.proposals if proposal.hypothesis}
        for subject in kept.bank.tallies if kept.bank is not None else ():
            said = kept.said[subject]
            told[replace(made[subject], time=time)] = a.labels, [said.get(k) for k in range(len(a))]
    return lock_found(into, terms, (a, len(b), content), told, proposed, judge=judge)


def write_outcome(
    into: Path, lock: Mapping[str, Any], terms: Terms, hypotheses: Sequence[Hypothesis], b: Rows,
    told: Mapping[str, Told], vote: float,
) -> Outcome:  # fmt: skip
    """Test what was locked, and write down what came of it."""
    on_a = {id: (_estimate(held["estimate"]), float(held["accuracy"])) for id, held in lock["hypotheses"].items()}
    commonest = max(sorted(set(b.labels)), key=b.labels.count)
    found = Outcome(
        decided=decided(b, hypotheses, told, on_a, terms), proposed=lock["proposed"], rows_a=lock["rows"]["A"],
        rows_b=len(b), vote=vote, majority=b.labels.count(commonest) / len(b), terms=terms,
    )  # fmt: skip
    held = {
        "says": found.first_line, "lock": lock["hash"], "vote": found.vote, "majority": found.majority,
        "hypotheses": {
            one.hypothesis.id: {
                "says": one.hypothesis.says, "verdict": one.verdict, "adjusted_p": one.adjusted, "rows": one.covered,
                "accuracy": one.accuracy_b, "estimate": one.on_b.as_dict(),
            }
            for one in found.decided
        },
    }  # fmt: skip
    write_text(outcome_path(into), json.dumps(held, indent=2, ensure_ascii=False) + "\n")
    return found


def _estimate(held: Mapping[str, Any]) -> Estimate:
    found = Estimate(value=held["value"], estimand=held["estimand"], target="data", n_units=held["n_units"])
    return replace(found, interval=tuple(held["interval"]) if held.get("interval") else None,
                   interval_method=held["interval_method"])  # fmt: skip


def _dictionary(folder: Path, terms: Terms, held: str = "") -> Dictionary | None:
    """Word lists of the first item of a dictionary's file."""
    if not terms.words:
        return None
    path = folder / terms.words
    text = text_of(path, what="dictionary", error=DataError)
    if held and digest(path.read_bytes()) != held:
        raise DesignError(f"{path}: edited since it was locked; bring it back as it was")
    items = parsed(text, path.name, error=DataError)
    name = next((name for name, table in items.items() if isinstance(table, Mapping)), "")
    if not name:
        raise DataError(f"{path}: no table of an item; write [NAME.codes.CODE] with words, as for dictionary:FILE")
    return read_dictionary(items[name], name, path.name)
