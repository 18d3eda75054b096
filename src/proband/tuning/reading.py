"""Probabilities that others computed, read in as evaluations, without training."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from proband.errors import DataError
from proband.instruments.banks.bank import Bank
from proband.instruments.banks.sources import SUFFIXES
from proband.tuning.analysis.evaluation import Evaluation, Test, TestSet, Trained
from proband.tuning.analysis.findings import Findings, Part, analyse
from proband.tuning.layouts import BASE, COLUMNS, FEW_SHOT, ZERO_SHOT, Scored, lm_eval, published, tidy
from proband.tuning.probing.beliefs import Belief, Beliefs, belief_of

AS_READ = "as read"
ONE_ASK = (
    "the base model's probabilities were read under one prompt: what a change of prompt does by itself is not known, "
    "and its row says nothing"
)
_SUM = 1e-4  # that probabilities written with few digits may miss 1 by


def read_study(folder: str | Path) -> Findings:
    """What the probabilities in a folder say, analysed as a study of its own; see `read_folder`."""
    parts = read_folder(folder)
    found = analyse(parts, title=f"Probabilities read from {Path(folder).name}")
    is_one = any(part.evaluation.base_ask == AS_READ for part in parts.values())
    return replace(found, warnings=(*found.warnings, *(ONE_ASK,) * is_one))


def read_folder(folder: str | Path) -> dict[str, Part]:
    """The evaluations that a folder's probabilities make up, one for each base model; nothing is trained.

    Parameters
    ----------
    folder : str or Path
        The published layout (``domain-base``, ``domain-sft``, ``mmlu-base``, ``mmlu-sft``); samples of lm-eval in
        ``BASE/MODEL/``, where MODEL is ``base``, ``base-few-shot`` or ``ARM-DOMAIN-sSEED``; or tables with the columns
        base, arm, domain, test, question, option, prob and right (and seed, ask), one option a row.

    Raises
    ------
    DataError
        If it is none of these; if probabilities do not sum to 1, a base is lacking, a tuned model answered a question
        that its base was not asked, or one question has two wordings, options or keys.
    """
    folder = Path(folder).expanduser()
    if (folder / "domain-base").is_dir() or (folder / "domain-sft").is_dir():
        return evaluations(published(folder))
    if any(folder.rglob("samples_*.jsonl")):
        return evaluations(lm_eval(folder))
    if folder.is_file() or (folder.is_dir() and any(path.suffix in SUFFIXES for path in folder.iterdir())):
        return evaluations(tidy(folder))
    raise DataError(
        f"{folder} holds no probabilities: neither domain-base and domain-sft (as published), nor samples_*.jsonl in "
        f"BASE/MODEL (lm-eval), nor a table with the columns {', '.join(COLUMNS)}"
    )


@dataclass(kw_only=True)
class _Heap:
    """What was scored of one base, while it is read."""

    beliefs: dict[tuple[str, str], dict[str, Belief]] = field(default_factory=dict)
    trained: dict[str, Scored] = field(default_factory=dict)

    def add(self, one: Scored) -> None:
        """Take a scored question, once; the same again must say the same."""
        if one.arm != BASE:
            self.trained.setdefault(one.model, one)
        held = self.beliefs.setdefault((one.model, one.ask), {})
        probs = np.array(one.probs)
        if one.question.id in held:
            if not np.array_equal(held[one.question.id].cells[0], probs / probs.sum()):
                raise DataError(f"{one.where}: {one.model} scored question {one.question.id!r} twice; keep one of both")
            return
        held[one.question.id] = belief_of(one.question, [probs / probs.sum()])


def evaluations(scored: Iterable[Scored]) -> dict[str, Part]:
    """Parts of a study by base, from scored questions in any order; see `read_folder`."""
    heaps: dict[str, _Heap] = {}
    questions: dict[str, Scored] = {}
    tests: dict[tuple[Test, str], dict[str, None]] = {}
    tuned: list[Scored] = []
    for one in scored:
        _check(one)
        first = questions.setdefault(one.question.id, one)
        if one.question != first.question:
            raise DataError(
                f"{one.where}: question {one.question.id!r} is another one in {first.where} ({_difference(one, first)})"
                "; two banks are mixed: score all models with the same questions"
            )
        if one.arm == BASE:
            heaps.setdefault(one.base, _Heap()).add(one)
            tests.setdefault((one.test, one.domain), {})[one.question.id] = None
        else:
            tuned.append(one)
    for one in tuned:
        if one.base not in heaps:
            raise DataError(
                f"{one.where}: {one.model} is of the base {one.base!r}, whose own probabilities are lacking (there are"
                f" {', '.join(heaps) or 'none'}); add them: without them nothing can be said of consistency"
            )
        if all(one.question.id not in held for held in heaps[one.base].beliefs.values()):
            raise DataError(
                f"{one.where}: question {one.question.id!r} is unknown: the base {one.base!r} was not asked it; score "
                "both with the same questions"
            )
        heaps[one.base].add(one)
    if not tuned:
        raise DataError("there are probabilities of base models and of none that was trained; add those")
    bank = Bank(name="questions read", questions=tuple(one.question for one in questions.values()))
    sets = tuple(TestSet(test=test, domain=domain, questions=tuple(ids)) for (test, domain), ids in tests.items())
    return {name: Part(evaluation=_evaluation(heap, bank, sets)) for name, heap in heaps.items()}


def _check(one: Scored) -> None:
    total = sum(one.probs)
    if not all(math.isfinite(p) and p >= 0 for p in one.probs) or abs(total - 1) > _SUM:
        raise DataError(
            f"{one.where}: the probabilities of question {one.question.id!r} are {list(one.probs)} and sum to "
            f"{total:.6g}, not 1; give those of its options, made to sum to 1"
        )
    if len(one.probs) != len(one.question.choices):
        n = len(one.question.choices)
        raise DataError(f"{one.where}: {len(one.probs)} probabilities for {n} options of question {one.question.id!r}")


def _difference(one: Scored, other: Scored) -> str:
    names = ("text", "choices", "answer", "domain", "topic")
    name = next(name for name in names if getattr(one.question, name) != getattr(other.question, name))
    return f"its {name} is {getattr(one.question, name)!r}"


def _evaluation(heap: _Heap, bank: Bank, tests: tuple[TestSet, ...]) -> Evaluation:
    asks = [ask for model, ask in heap.beliefs if model == BASE]
    is_both = len(asks) > 1
    beliefs = {}
    for (model, ask), held in heap.beliefs.items():
        name = ask if is_both else AS_READ
        lost = tuple(question.id for question in bank if question.id not in held)
        beliefs[model, name] = Beliefs(model=model, ask=name, bank=bank.hash, weights="", beliefs=held, lost=lost)
    ratios = {model: re.fullmatch(r"mixture-(\d+(?:\.\d+)?)", one.arm) for model, one in heap.trained.items()}
    trained = tuple(
        Trained(model=model, arm=one.arm, domain=one.domain, seed=one.seed, ratio=float(found[1]) if found else None)
        for (model, one), found in zip(heap.trained.items(), ratios.values(), strict=True)
    )
    domains = {one.domain for one in trained}
    return Evaluation(
        bank=bank,
        beliefs=beliefs,
        trained=trained,
        tests=tuple(test for test in tests if test.domain in domains),
        base_ask=FEW_SHOT if is_both else AS_READ,
        ask=ZERO_SHOT if is_both else AS_READ,
    )
