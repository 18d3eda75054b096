"""Stages of a study: runs of designs, in folders named by what they depend on, and the texts that arms need."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from proband.designs.design import Design
from proband.errors import DesignError
from proband.instruments.banks.bank import Bank
from proband.runs import Run, collect
from proband.runs.progress import Watch
from proband.tuning.interventions.arms import Arm
from proband.tuning.interventions.composing import wanted_texts
from proband.tuning.interventions.explanations import Explanations, texts_from
from proband.tuning.interventions.pools import sort_questions
from proband.tuning.interventions.texts import Purpose, Source, Texts
from proband.tuning.probing.beliefs import Beliefs

_PURPOSES: tuple[Purpose, ...] = ("explanation", "context", "rewrite")
_SOURCES: tuple[Source, ...] = ("own", "other")


@dataclass(frozen=True, kw_only=True)
class Listener:
    """How a study tells of itself.

    Attributes
    ----------
    say : callable
        Told, in a sentence, what begins and what was found.
    asking : callable
        Gives a context that yields a watch for `collect`.
    training : callable
        Gives a context that yields a callable for (number of the job, jobs, its name, step).
    """

    say: Callable[[str], None] = lambda _: None
    asking: Callable[[], AbstractContextManager[Watch | None]] = lambda: nullcontext(None)
    training: Callable[[], AbstractContextManager[Callable[..., None] | None]] = lambda: nullcontext(None)


@dataclass(frozen=True, kw_only=True)
class Stages:
    """A folder in which every stage has its own, named by what it depends on.

    A stage whose inputs have changed is done anew beside the old one, and nothing else is done again.
    """

    into: Path
    listener: Listener = field(default_factory=Listener)

    def collected(self, stage: str, design: Design, engines: Mapping[str, str]) -> Run:
        """A run of a design; resumed, or skipped where it is complete."""
        folder = self.into / f"{stage}-{digest({'design': design.describe(), 'engines': dict(engines)})}"
        run = Run(folder) if (folder / "journal.sqlite").exists() else None
        if run is not None and run.is_complete:
            self.listener.say(f"{stage}: kept from {folder.name}")
            return run
        self.listener.say(f"{stage}: {design.size():,} trials")
        one = next(iter(engines.values())) if len(engines) == 1 else None
        with self.listener.asking() as watch:
            return collect(design, one or engines, folder, watch=watch)

    def texts(
        self,
        bank: Bank,
        beliefs: Beliefs,
        arms: Sequence[Arm],
        *,
        engines: Mapping[Source, str | None],
        threshold: float,
        design: Mapping[str, Any],
    ) -> tuple[Texts, ...]:
        """What engines write for the arms that need it.

        Parameters
        ----------
        bank, beliefs, arms
            As for `build_sets`.
        engines : mapping of {"own", "other"} to str or None
            Address of the model itself and of another one.
        threshold : float
            As for `build_sets`.
        design : mapping
            Settings of `Explanations`: seed, is_raw.

        Raises
        ------
        DesignError
            If an arm needs another engine's texts and there is none.
        """
        pools = sort_questions(bank, beliefs, threshold=threshold)
        found: list[Texts] = []
        for source in _SOURCES:
            for purpose in _PURPOSES:
                answers = wanted_texts(bank, beliefs, pools, arms, purpose=purpose, source=source)
                if not answers:
                    continue
                engine = engines.get(source)
                if engine is None:
                    raise DesignError(
                        f"an arm needs {purpose}s by another engine; name it (--writer, or sets.writer in a study file)"
                    )
                asked = Explanations(bank=bank, answers=answers, purpose=purpose, model=source, **design)
                run = self.collected(f"{source}-{purpose}s", asked, {"": engine})
                found.append(texts_from(run, asked, source=source))
        return tuple(found)


def digest(values: Mapping[str, Any]) -> str:
    """Ten hexadecimal digits of plain values."""
    text = json.dumps(values, sort_keys=True, default=asdict)
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()
