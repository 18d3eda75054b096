"""Every step of a project by name, and carrying one out."""

from collections.abc import Callable, Mapping

from proband.texts.fragility.steps import drift_step, fragility_step, replay_step
from proband.texts.gold import project as names
from proband.texts.gold.from_coders import correct_step, lock_step, run_step, tune_step, validate_step
from proband.texts.gold.from_people import adjudicate_step, draw_step, import_step, split_step
from proband.texts.gold.project import Step
from proband.texts.gold.work import Done, Waiting, Work

__all__ = ["Done", "Waiting", "Work", "do"]


def do(work: Work, step: Step) -> Done:
    """Carry a step out, and note what it was made of and what it wrote.

    Raises
    ------
    Waiting
        If a person is needed first.
    DesignError, DataError
        If what it needs is not there, or does not fit.
    """
    done = _DOING[step](work)
    outputs = tuple(name for name in _WRITTEN[step] if work.project.path(name).exists())
    work.project.done(step, work.inputs(step), outputs, done.told[0])
    return done


_DOING: Mapping[Step, Callable[[Work], Done]] = {
    "draw": draw_step,
    "import": import_step,
    "adjudicate": adjudicate_step,
    "split": split_step,
    "tune": tune_step,
    "lock": lock_step,
    "validate": validate_step,
    "run": run_step,
    "correct": correct_step,
    "fragility": fragility_step,
    "drift": drift_step,
    "replay": replay_step,
}
_WRITTEN: Mapping[Step, tuple[str, ...]] = {
    "draw": (names.SAMPLE, names.SHEET, names.PAGE),
    "import": (names.CODES,),
    "adjudicate": (names.DECISIONS, names.AGREED),
    "split": (names.GOLD, names.TRAINING),
    "tune": (names.TRIES, names.PROTOCOL),
    "lock": (names.LOCK,),
    "validate": (names.VALIDATION, names.OPENINGS),
    "run": (),
    "correct": (names.CLAIMS,),
    "fragility": (names.FRAGILITY,),
    "drift": (names.DRIFT,),
    "replay": (),
}
