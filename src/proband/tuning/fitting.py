"""Checkpoints asked the questions that they were trained on, to see whether they learned what they were taught."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from proband.designs.quiz.quiz import Quiz
from proband.runs.stages import Stages
from proband.training.training_set import TrainingSet
from proband.tuning.analysis.confounds import arm_of
from proband.tuning.analysis.evaluation import Trained
from proband.tuning.material import Material
from proband.tuning.probing.beliefs import Beliefs, beliefs_from


def fitted(
    stages: Stages,
    material: Material,
    sets: Sequence[TrainingSet],
    trained: Sequence[Trained],
    addresses: Mapping[str, str],
) -> dict[str, Beliefs]:
    """What checkpoints believe of the questions of their domain that any arm was trained on, by model.

    Under the prompt of the evaluation; in one run for every domain, so that each model is opened once more.

    Parameters
    ----------
    sets : sequence of TrainingSet
        Of all arms and domains.
    trained : sequence of Trained
        Which checkpoint is which.
    addresses : mapping of model to address
        Of those that are asked.
    """
    bank, prompt = material.split.train, material.asks[0]
    found: dict[str, Beliefs] = {}
    for domain in dict.fromkeys(run.domain for run in trained):
        runs = [run for run in trained if run.domain == domain]
        arms = {run.arm for run in runs}
        ids = {e.question for one in sets if arm_of(one) in arms for e in one if e.domain == domain}
        models = tuple(run.model for run in runs if run.model in addresses)
        if not ids or not models:
            continue
        asked = bank.where(lambda question, ids=ids: question.id in ids)  # type: ignore[misc]
        quiz = Quiz(
            bank=asked,
            exemplars=material.split.exemplars,
            prompts=(prompt,),
            models=models,
            seed=material.file.seed,
            title=f"{material.file.title}: fit, {domain}",
        )
        run = stages.collected("fit", quiz, {model: addresses[model] for model in quiz.models})
        for model in quiz.models:
            # The questions are the probe's bank's, of which this is a part.
            found[model] = replace(beliefs_from(run, quiz, model=model, ask=prompt.name), bank=bank.hash)
    return found
