"""Trying coders on development: every try is listed, and one is chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from proband.errors import DesignError, meant
from proband.files import parsed
from proband.texts.gold.tables import Question, Row
from proband.texts.gold.validation import validity

Codes = Mapping[str, Mapping[str, tuple[str, Mapping[str, float]]]]  # item -> document -> code, probabilities
TRY = ("try", "coder", "settings", "item", "threshold", "documents", "accuracy", "kappa")
_GRID = tuple(round(0.1 * k, 1) for k in range(1, 10))


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The coder that was chosen, and from which probability of a question's first code on it is given.

    Thresholds are for questions of two codes; where there is none, the likelier one is given.
    """

    coder: str
    thresholds: Mapping[str, float]

    def text(self) -> str:
        """As a file that can be read and edited."""
        lines = [f'coder = "{self.coder}"', "", "[thresholds]"]
        return "\n".join([*lines, *(f'"{item}" = {value:g}' for item, value in self.thresholds.items())]) + "\n"


def read_protocol(text: str, where: str, coders: Sequence[str], questions: Mapping[str, Question]) -> Protocol:
    """A protocol from its file.

    Raises
    ------
    DesignError
        If it names a coder or an item that is not there, or a threshold is none.
    """
    held = parsed(text, where, error=DesignError)
    coder, thresholds = str(held.get("coder", "")), held.get("thresholds", {})
    if coder not in coders:
        raise DesignError(f"{where}: no coder {coder!r}{meant(coder, coders)}; there are {', '.join(coders)}")
    if not isinstance(thresholds, dict):
        raise DesignError(f"{where}: thresholds = {thresholds!r}; write a table, an item and a number a line")
    for item, value in thresholds.items():
        if item not in questions or len(questions[item].codes) != 2:
            raise DesignError(f"{where}: {item!r} is no item of two codes; a threshold needs one")
        if not isinstance(value, int | float) or not 0 < value < 1:
            raise DesignError(f"{where}: threshold {value!r} of {item!r} must lie between 0 and 1")
    return Protocol(coder=coder, thresholds={item: float(value) for item, value in thresholds.items()})


def coded_with(code: str, probs: Mapping[str, float], question: Question, thresholds: Mapping[str, float]) -> str:
    """The code that a coder's answer is, under a threshold where the question has one."""
    at = thresholds.get(question.id)
    if at is None or not probs:
        return code
    first, second = question.codes
    return first if probs.get(first, 0.0) >= at else second


def tries_of(
    coder: str, settings: str, codes: Codes, gold: Sequence[Row], questions: Mapping[str, Question]
) -> list[Row]:
    """How well a coder did on development: a row an item, and one a threshold where it has probabilities of two codes.

    Parameters
    ----------
    coder, settings : str
        Its name, and by what the settings it was tried with are known again.
    codes : mapping
        Its answers.
    gold : sequence of dict
        Document, item and code of development.
    questions : mapping of str to Question
        Of the codebook.
    """
    rows = []
    for item, question in questions.items():
        truth = {row["document"]: row["code"] for row in gold if row["item"] == item}
        if not truth:
            continue
        answers = codes.get(item, {})
        given = [answers.get(document, ("", {})) for document in truth]
        has_probs = len(question.codes) == 2 and not question.is_multiple and any(probs for _, probs in given)
        for at in (None, *(_GRID if has_probs else ())):
            held = {} if at is None else {item: at}
            found = validity(list(truth.values()), [coded_with(*answer, question, held) for answer in given], question)
            kappa = found.kappa.value
            rows.append({
                "coder": coder, "settings": settings, "item": item, "threshold": "" if at is None else f"{at:g}",
                "documents": str(len(truth)), "accuracy": f"{found.accuracy.value:.4f}",
                "kappa": "" if np.isnan(kappa) else f"{kappa:.4f}",
            })  # fmt: skip
    return rows


def numbered(before: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """All tries ever made, those made again with the same settings once; each setting of a coder is one try."""
    held = {(row["coder"], row["settings"], row["item"], row["threshold"]): row for row in [*before, *new]}
    tries: dict[tuple[str, str], int] = {}
    for coder, settings, *_ in held:
        tries.setdefault((coder, settings), len(tries) + 1)
    return [{**row, "try": str(tries[row["coder"], row["settings"]])} for row in held.values()]


def best(tries: Sequence[Row], settings: Mapping[str, str]) -> Protocol:
    """The coder with the highest kappa on average over items, each at its best threshold.

    Parameters
    ----------
    tries : sequence of dict
        From `numbered`.
    settings : mapping of str to str
        Coders as they are now; tries of other settings are listed, and not chosen.

    Raises
    ------
    DesignError
        If nothing was tried, or what was found is no number.
    """
    scores: dict[str, dict[str, tuple[float, float, str]]] = {}
    # The likelier code wins a tie against any threshold, wherever its row stands.
    for row in sorted(tries, key=lambda row: row["threshold"] != ""):
        if settings.get(row["coder"]) != row["settings"]:
            continue
        try:
            score = float(row["kappa"] or 0), float(row["accuracy"]), row["threshold"]
        except ValueError:
            raise DesignError(
                f"tries.csv: accuracy {row['accuracy']!r} or kappa {row['kappa']!r} of {row['coder']!r} is no number; "
                "bring the file back as it was, since every try counts"
            ) from None
        held = scores.setdefault(row["coder"], {})
        if row["item"] not in held or score[:2] > held[row["item"]][:2]:
            held[row["item"]] = score
    if not scores:
        raise DesignError("no coder was tried on development")
    coder = max(scores, key=lambda name: tuple(np.mean([of[:2] for of in scores[name].values()], axis=0)))
    return Protocol(coder=coder, thresholds={item: float(of[2]) for item, of in scores[coder].items() if of[2]})
