"""What a run of a coder says, by document, and joined with gold for claims."""

from collections.abc import Mapping
from typing import Any

from proband.runs import Run
from proband.texts.gold.tables import Question
from proband.texts.gold.tuning import Codes


def codes_by_document(run: Run, questions: Mapping[str, Question]) -> Codes:
    """What a run with one coder says: item -> document -> code and probabilities; without a code a document is out."""
    from proband.texts.codes import codes_of

    found: dict[str, dict[str, tuple[str, Mapping[str, float]]]] = {}
    for row in codes_of(run).iter_rows(named=True):
        if row["code"] is None or row["item"] not in questions:
            continue
        question = questions[row["item"]]
        probs = row["probs"]
        named = dict(zip(question.codes, probs, strict=True)) if probs is not None and question.codes else {}
        found.setdefault(row["item"], {})[row["document"]] = _text(row["code"]), named
    return found


def _text(code: Any) -> str:
    return "; ".join(map(str, code)) if isinstance(code, list | tuple) else str(code)
