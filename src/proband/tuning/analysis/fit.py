"""How well checkpoints learned what they were taught, before anything is said of what that did elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proband.errors import DataError
from proband.estimates import Estimate
from proband.instruments.banks.bank import Bank
from proband.measures.knowledge.crossed import Table, crossed_mean, table
from proband.measures.knowledge.slick import UNKNOWN
from proband.training.training_set import Example, TrainingSet
from proband.tuning.analysis.accuracy import ALL_DOMAINS
from proband.tuning.analysis.confounds import arm_of
from proband.tuning.analysis.evaluation import Evaluation
from proband.tuning.probing.beliefs import Beliefs


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Share of the answers taught that checkpoints of an arm give on their own training questions.

    Attributes
    ----------
    taught : Estimate
        Of all questions that teach the key's answer or the model's own.
    known, unknown : Estimate or None
        Of those whose right answer the base model knew in some degree, and of those graded Unknown; None where the
        arm has none of them in every domain.
    """

    arm: str
    domain: str
    taught: Estimate
    known: Estimate | None
    unknown: Estimate | None
    base: str = ""


def taught_answer(example: Example, bank: Bank, probe: Beliefs) -> int | None:
    """Place of the option that an example teaches; None where it teaches none, or one that is not recorded."""
    if example.kind == "gold" and example.question in bank.by_id:
        return bank[example.question].answer
    held = probe.beliefs.get(example.question) if example.kind == "own" else None
    return held.pick if held else None


def fits(
    evaluation: Evaluation, sets: tuple[TrainingSet, ...], bank: Bank, probe: Beliefs, fitted: Mapping[str, Beliefs]
) -> tuple[Fit, ...]:
    """Fit of every arm by domain, the mean of domains last; nothing for arms whose checkpoints were not asked.

    Parameters
    ----------
    sets, bank, probe
        Training sets, and the bank and probe that they were built from.
    fitted : mapping of model to Beliefs
        About training questions; others are passed over.

    Raises
    ------
    DataError
        If beliefs are about another bank.
    """
    for model, held in fitted.items():
        if held.bank != bank.hash:
            raise DataError(
                f"beliefs of model {model!r} about its training questions are about bank {held.bank}, not {bank.hash} "
                f"({bank.name!r}); ask it the questions it was trained on"
            )
    found = []
    for arm in evaluation.arms:
        parts: dict[str, dict[str, Table | None]] = {}
        for domain in evaluation.domains:
            answers = {
                example.question: place
                for one in sets
                if arm_of(one) == arm
                for example in one
                if example.domain == domain and (place := taught_answer(example, bank, probe)) is not None
            }
            models = [run.model for run in evaluation.runs(arm, domain) if run.model in fitted]
            runs = [_given(fitted[model], answers) for model in models]
            if runs and any(runs):
                unknown = {id for id in answers if id in probe.beliefs and probe.beliefs[id].category == UNKNOWN}
                parts[domain] = {
                    "taught": table(domain, runs),
                    "known": _some(domain, runs, answers.keys() - unknown),
                    "unknown": _some(domain, runs, unknown),
                }
        groups = {domain: [part] for domain, part in parts.items()}
        if len(groups) > 1:
            groups[ALL_DOMAINS] = list(parts.values())
        for domain, group in groups.items():
            means: dict[str, Any] = {
                name: _mean(group, name, f"taught answers given by {arm}, {name}") for name in group[0]
            }
            if (taught := means.pop("taught")) is not None:
                found.append(Fit(arm=arm, domain=domain, taught=taught, **means))
    return tuple(found)


def _given(held: Beliefs, answers: Mapping[str, int]) -> dict[str, float]:
    return {id: float(held.beliefs[id].pick == place) for id, place in answers.items() if id in held.beliefs}


def _some(domain: str, runs: list[dict[str, float]], ids: set[str]) -> Table | None:
    kept = [{id: score for id, score in run.items() if id in ids} for run in runs]
    return table(domain, kept) if all(kept) else None


def _mean(group: list[dict[str, Table | None]], name: str, what: str) -> Estimate | None:
    tables = [part[name] for part in group]
    kept = [part for part in tables if part is not None]
    return crossed_mean(kept, "share", estimand=what) if len(kept) == len(tables) else None
