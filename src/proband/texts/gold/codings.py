"""What a run of a coder says, by document, and joined with gold for claims."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from proband.errors import DataError, DesignError
from proband.files import OpenTable, checked, text_of
from proband.instruments.items import Item
from proband.runs import Run
from proband.texts.codes import codes_of
from proband.texts.gold.claims import Claim, claims_of
from proband.texts.gold.evidence import Evidence
from proband.texts.gold.project import CLAIMS, GOLD, SAMPLE
from proband.texts.gold.tables import SAMPLE as SAMPLE_COLUMNS
from proband.texts.gold.tables import Question, question_of, read_gold, rows_in
from proband.texts.gold.tuning import Codes, coded_with


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """What a project claims about a run of its coder.

    Attributes
    ----------
    claims : tuple of Claim
        In the order of the study file.
    unlocked : frozenset of str
        Names of those that were not in the lock.
    evidence : Evidence
        From which their numbers come.
    is_sampled : bool
        Whether gold is a probability sample: every document of it has a known probability.
    parts : tuple of str
        Parts of gold that correct.
    coder : str
        Who coded.
    openings : int
        How often the hold-out was opened.
    """

    claims: tuple[Claim, ...]
    unlocked: frozenset[str]
    evidence: Evidence
    is_sampled: bool
    parts: tuple[str, ...]
    coder: str
    openings: int

    @property
    def is_uneven(self) -> bool:
        """Whether some documents were likelier to be drawn than others."""
        return len(set(self.evidence.probability.values())) > 1


def is_claimed(run: Run) -> bool:
    """Whether a run lies in a project with gold and claims."""
    return all((run.path.parent / name).exists() for name in (CLAIMS, GOLD))


def claimed(run: Run) -> Claimed:
    """What is claimed about a run, from the project that it lies in.

    Raises
    ------
    DesignError, DataError
        If a table of the project no longer holds what it should.
    """
    folder = run.path.parent
    held = _held(folder / CLAIMS)
    questions = questions_of(run.items)
    gold, sample = read_gold(folder / GOLD, questions), rows_in(folder / SAMPLE, SAMPLE_COLUMNS)
    used = [row for row in gold if row["part"] in held.parts]
    idle = {row["document"] for row in gold if row["part"] not in held.parts}
    is_sampled = bool(used) and all(row["probability"] for row in used)
    by_item: dict[str, dict[str, str]] = {}
    for row in used:
        by_item.setdefault(row["item"], {})[row["document"]] = row["code"]
    members = [member for member in run.roster]
    columns = pl.DataFrame(
        [dict(run.traits.get(member.subject, {})) | {"document": member.subject} for member in members],
        infer_schema_length=None,
    )
    share = held.share
    evidence = Evidence(
        documents=[member.subject for member in members],
        columns=columns,
        units=[member.unit or member.subject for member in members],
        questions=questions,
        gold=by_item,
        probability={row["document"]: float(row["probability"]) * share for row in used} if is_sampled else {},
        asked={row["document"]: row["stratum"] for row in sample if row["probability"] and row["document"] not in idle},
        share=share,
        codes={
            item: {
                document: (coded_with(code, probs, questions[item], held.thresholds), probs)
                for document, (code, probs) in of.items()
            }
            for item, of in codes_by_document(run, questions).items()
        },
    )
    claims = claims_of(held.claims, questions, columns.columns)
    unlocked = (claim.name for claim, said in zip(claims, held.claims, strict=True) if not said.get("is_locked"))
    return Claimed(
        claims=claims,
        unlocked=frozenset(unlocked),
        evidence=evidence,
        is_sampled=is_sampled,
        parts=tuple(held.parts),
        coder=held.coder,
        openings=held.openings,
    )


def questions_of(items: Mapping[str, Item]) -> dict[str, Question]:
    """Questions that are answered by codes or numbers."""
    return {id: question_of(item) for id, item in items.items() if item.options or item.form == "number"}


def codes_by_document(run: Run, questions: Mapping[str, Question], codes: pl.DataFrame | None = None) -> Codes:
    """What a run with one coder says, or `codes` of it: item -> document -> code and probabilities.

    Without a code a document is out.
    """
    found: dict[str, dict[str, tuple[str, Mapping[str, float]]]] = {}
    for row in (codes_of(run) if codes is None else codes).iter_rows(named=True):
        if row["code"] is None or row["item"] not in questions:
            continue
        question, probs = questions[row["item"]], row["probs"]
        named = dict(zip(question.codes, probs, strict=True)) if probs is not None and question.codes else {}
        found.setdefault(row["item"], {})[row["document"]] = question.read(row["code"]), named
    return found


class _Held(OpenTable):
    coder: str
    thresholds: dict[str, float]
    parts: list[str]
    share: float
    openings: int
    claims: list[dict[str, Any]]


def _held(path: Path) -> _Held:
    way_out = "let `proband code STUDY.toml correct` write the file again"
    try:
        held = json.loads(text_of(path, what="claims", error=DataError))
    except ValueError:
        held = None
    if not isinstance(held, dict):
        raise DesignError(f"{path}: no table of claims; {way_out}")
    try:
        return checked(_Held, held, path, error=DesignError)
    except DesignError as error:
        raise DesignError(f"{error}; {way_out}") from None
