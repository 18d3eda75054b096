"""What a model believes of each question, put together from the cells of a quiz."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proband.designs.quiz.quiz import Quiz
from proband.errors import DataError, DesignError, MissingDataError
from proband.instruments.banks.bank import Bank, Question
from proband.measures.knowledge.slick import CATEGORIES
from proband.runs.run import Run
from proband.tuning.keeping import keep, kept

FORMAT = 1
_ARRAYS = ("probs", "cells", "prior")
BANK = "bank.json"  # beside the beliefs of a probe


@dataclass(frozen=True, kw_only=True, eq=False)
class Belief:
    """What a model believes of one question.

    Attributes
    ----------
    probs : ndarray, shape (k,)
        Mean of the cells; options as written; sums to 1.
    pick : int
        The most probable option, the first of equals.
    confidence, corrected : float
        Largest of `probs`, and that above chance: (confidence - 1/k) / (1 - 1/k), 0 to 1.
    cells : ndarray, shape (n_cells, k)
        Probabilities of each draw of exemplars and order of options.
    draws : tuple of int
        Draw of each cell.
    n_failed : int
        Cells that failed; they are not in `cells`.
    category : str
        SliCK grade: HighlyKnown, MaybeKnown, WeaklyKnown or Unknown.
    n_greedy_right, n_greedy : int
        Cells whose most probable option is right, and cells; or, where answers were written, greedy ones.
    prior : ndarray, shape (k,), or None
        Probabilities of the options without the question, where they were asked; see `proband.tuning.probing.prior`.
    """

    question: str
    probs: NDArray[np.float64]
    pick: int
    confidence: float
    corrected: float
    cells: NDArray[np.float64]
    n_failed: int = 0
    category: str
    n_greedy_right: int
    n_greedy: int
    draws: tuple[int, ...] = ()
    prior: NDArray[np.float64] | None = None


def belief_of(question: Question, cells: Any, *, draws: Sequence[int] = (), n_failed: int = 0) -> Belief:
    """The belief that some cells make up, graded by their most probable options.

    The multiple-choice form of SliCK: HighlyKnown where the right option is the most probable one in every cell,
    MaybeKnown in some, WeaklyKnown in none, but its mean probability is above chance, Unknown otherwise.

    Parameters
    ----------
    question : Question
        With its key.
    cells : array_like, shape (n_cells, k)
        Probabilities of the options as written; each row sums to 1.
    draws : sequence of int
        Draw of exemplars of each cell; empty where there is one.
    n_failed : int
        Cells that failed.

    Raises
    ------
    DataError
        If there is no cell, or a row is no distribution over the question's options.

    Examples
    --------
    >>> question = Question(id="q", text="2 + 2 =", choices=("3", "4"), answer=1, domain="sums")
    >>> found = belief_of(question, [[0.2, 0.8], [0.6, 0.4]])
    >>> found.pick, round(found.confidence, 3), round(found.corrected, 3), found.category
    (1, 0.6, 0.2, 'MaybeKnown')
    """
    table = np.asarray(cells, dtype=np.float64)
    k = len(question.choices)
    if table.ndim != 2 or not len(table) or table.shape[1] != k:
        raise DataError(
            f"question {question.id!r}: cells have shape {table.shape}; at least one row of {k} probabilities is needed"
        )
    if not (np.isfinite(table).all() and (table >= 0).all() and np.allclose(table.sum(axis=1), 1, atol=1e-6)):
        raise DataError(f"question {question.id!r}: a cell is no distribution over its options")
    if draws and len(draws) != len(table):
        raise DataError(f"question {question.id!r}: {len(draws)} draws are named for {len(table)} cells")
    probs = table.mean(axis=0)
    probs /= probs.sum()
    pick = int(probs.argmax())
    right = int((table.argmax(axis=1) == question.answer).sum())
    is_above_chance = bool(probs[question.answer] > 1 / k)
    grade = [right == len(table), right > 0, is_above_chance, True].index(True)
    confidence = float(probs[pick])
    return Belief(
        question=question.id,
        probs=probs,
        pick=pick,
        confidence=confidence,
        corrected=max(0.0, (confidence - 1 / k) / (1 - 1 / k)),
        cells=table,
        n_failed=n_failed,
        category=CATEGORIES[grade],
        n_greedy_right=right,
        n_greedy=len(table),
        draws=tuple(draws),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Beliefs:
    """What one model believes of a bank's questions under one prompt.

    Attributes
    ----------
    model, ask : str
        Name of the checkpoint, and of the prompt.
    bank : str
        Hash of the bank that was asked.
    weights : str
        What identifies the model's weights, as its engine said; may be empty.
    beliefs : mapping
        By question id; a question all of whose cells failed is not there.
    lost : tuple of str
        Those questions.
    """

    model: str
    ask: str
    bank: str
    weights: str
    beliefs: Mapping[str, Belief]
    lost: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.beliefs)

    def __getitem__(self, id: str) -> Belief:
        try:
            return self.beliefs[id]
        except KeyError:
            why = "all its trials failed; ask them again with retry_failed" if id in self.lost else "it was not asked"
            raise MissingDataError(f"model {self.model!r} has no belief about question {id!r}: {why}") from None

    @property
    def n_failed(self) -> int:
        """Cells that failed, those of lost questions not counted."""
        return sum(belief.n_failed for belief in self.beliefs.values())

    def matrix(self, ids: Iterable[str]) -> NDArray[np.float64]:
        """Probabilities of these questions, shape (n, k).

        Raises
        ------
        MissingDataError
            If a question has no belief.
        DataError
            If the questions differ in their number of options.
        """
        rows = [self[id].probs for id in ids]
        sizes = {len(row) for row in rows}
        if len(sizes) > 1:
            raise DataError(f"the questions have {sorted(sizes)} options; ask for those with the same number")
        return np.array(rows) if rows else np.empty((0, 0))

    def accuracy(self, bank: Bank, ids: Iterable[str] | None = None) -> float:
        """Share of questions whose pick is right; default all that have a belief."""
        asked = [id for id in self.beliefs if id in bank.by_id] if ids is None else list(ids)
        if not asked:
            raise DesignError(f"model {self.model!r}: no question to compute an accuracy of")
        return float(np.mean([self[id].pick == bank[id].answer for id in asked]))

    def save(self, path: str | Path) -> Path:
        """Write as JSON; the same beliefs give the same bytes."""
        told = {name: getattr(self, name) for name in ("model", "ask", "bank", "weights")}
        entries = [_plain(belief) for belief in self.beliefs.values()]
        return keep(path, {"format": FORMAT, **told, "lost": list(self.lost), "beliefs": entries})

    @classmethod
    def load(cls, path: str | Path) -> "Beliefs":
        """Read what `save` wrote; `DataError` if the file is missing, damaged, or of another format."""
        with kept(path, "beliefs", FORMAT, again="probe with `proband probe`") as plain:
            found = [_belief(entry) for entry in plain.pop("beliefs")]
            lost = tuple(plain.pop("lost"))
            return cls(**plain, lost=lost, beliefs={belief.question: belief for belief in found})


def _plain(belief: Belief) -> dict[str, Any]:
    values = {field.name: getattr(belief, field.name) for field in fields(belief)}
    arrays = {name: values[name].tolist() for name in _ARRAYS if values[name] is not None}
    # A probe without it is written as it always was.
    return {name: value for name, value in values.items() if name != "prior"} | arrays | {"draws": list(belief.draws)}


def _belief(entry: Mapping[str, Any]) -> Belief:
    arrays = {name: np.asarray(entry[name], dtype=np.float64) for name in _ARRAYS if name in entry}
    return Belief(**(dict(entry) | arrays | {"draws": tuple(entry["draws"])}))


def beliefs_from(run: Run, quiz: Quiz, *, model: str = "", ask: str = "") -> Beliefs:
    """What a model believes, from the run of a quiz.

    Questions in the bank's order. Failed trials are left out of the cells and counted.

    Parameters
    ----------
    run : Run
        Finished.
    model, ask : str
        Whose beliefs, and under which prompt; may be left out where the quiz has one.

    Raises
    ------
    DataError
        If the run is unfinished, or is one of another bank.
    DesignError
        If the quiz has no such model or prompt.
    """
    model = _named("model", model, quiz.models)
    ask = _named("prompt", ask, tuple(prompt.name for prompt in quiz.prompts_of(model)))
    weights = weights_of(run, quiz, model, ask)
    cells = _cells(run.table(), model, ask)
    lacking = next((question.id for question in quiz.bank if question.id not in cells), None)
    if lacking is not None:
        raise DataError(
            f"{run.path}: question {lacking!r} was not put to {model!r} under {ask!r}; collect the quiz again"
        )
    found = _held(quiz.bank, cells, model, ask)
    return replace(found, bank=quiz.bank.hash, weights=weights)


def bank_of(run: Run) -> Bank | None:
    """The questions that a quiz asked, with their keys; None where the run does not tell them.

    Runs of version 0.1 keep no key; those of ``proband probe`` have the bank beside them.
    """
    design = run.manifest["design"] or {}
    if "key" not in design:
        return Bank.load(run.path / BANK) if (run.path / BANK).exists() else None
    items = run.items
    questions = (
        Question(id=id, text=items[id].text, choices=items[id].options, answer=answer, domain=domain)
        for domain, key in design["key"].items()
        for id, answer in key.items()
    )
    return Bank(name=design["bank"], questions=tuple(questions))


def beliefs_in(run: Run, bank: Bank) -> dict[tuple[str, str], Beliefs]:
    """What every model believes under every prompt, as far as the run has gone, by model and prompt."""
    design, table = run.manifest["design"], run.table()
    asks = {model: design["asks"].get(model, list(design["prompts"])) for model in design["models"]}
    found = {
        (model, ask): _held(bank, _cells(table, model, ask), model, ask)
        for model, names in asks.items()
        for ask in names
    }
    return {place: beliefs for place, beliefs in found.items() if len(beliefs)}


_Cell = tuple[int, int, list[float] | None]  # draw, turn, and probabilities, or none where the trial failed


def _held(bank: Bank, found: Mapping[str, list[_Cell]], model: str, ask: str) -> Beliefs:
    """Beliefs about the questions that were answered, in the bank's order."""
    beliefs: dict[str, Belief] = {}
    for question in bank:
        cells = sorted(found.get(question.id, ()), key=lambda cell: cell[:2])
        if rows := [probs for _, _, probs in cells if probs is not None]:
            draws = [draw for draw, _, probs in cells if probs is not None]
            beliefs[question.id] = belief_of(question, rows, draws=draws, n_failed=len(cells) - len(rows))
    lost = tuple(question.id for question in bank if question.id in found and question.id not in beliefs)
    return Beliefs(model=model, ask=ask, bank=bank.hash, weights="", beliefs=beliefs, lost=lost)


def weights_of(run: Run, quiz: Quiz, model: str, ask: str) -> str:
    """What identifies a model's weights; refuses a run that is unfinished, of another bank or another prompt."""
    manifest = run.manifest
    if not run.is_complete:
        raise DataError(f"{run.path} is unfinished; collect it to its end first")
    asked = manifest["design"].get("bank_hash")
    if asked != quiz.bank.hash:
        raise DataError(
            f"{run.path} asked the bank {asked}, and {quiz.bank.name!r} is {quiz.bank.hash}; use the one that was asked"
        )
    [prompt] = [prompt for prompt in quiz.prompts if prompt.name == ask]
    if manifest["design"]["prompts"].get(ask) != json.loads(json.dumps(asdict(prompt))):
        raise DataError(f"{run.path} asked under another prompt {ask!r} than the quiz has; use the quiz that was asked")
    return str(manifest["fingerprint"].get(quiz.answerer(model), {}).get("weights", ""))


def _named(what: str, name: str, known: Sequence[str]) -> str:
    if not name and len(known) == 1:
        return known[0]
    if name not in known:
        raise DesignError(f"the quiz has no {what} {name!r}; it has {', '.join(known)}")
    return name


def _cells(table: pl.DataFrame, model: str, ask: str) -> dict[str, list[_Cell]]:
    chosen = table.filter((table["subject"] == model) & (table["ask"] == ask))
    found: dict[str, list[_Cell]] = {}
    for item, draw, turn, probs in chosen.select("item", "draw", "turn", "probs").iter_rows():
        found.setdefault(item, []).append((int(draw), int(turn), probs))
    return found
