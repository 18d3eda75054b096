"""An engine that answers out of weights: for each agent with an adapter trained on what that agent lived through."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from proband.errors import EngineError
from proband.models.engine import THIS_MACHINE, Ability, BaseEngine, Cost
from proband.records import Completion, Trial
from proband.training.adapters import train_adapter
from proband.training.bases import Base, base_weights, load_base
from proband.training.recipe import Recipe
from proband.training.training_set import TrainingSet, examples_of

LIVED = "lived"  # name of the fact that holds a training set, as `TrainingSet.text` writes it
SET = "set"  # folder beside an adapter, with what it was trained on
RULE = "1"  # grows when adapters come to be trained otherwise


class LivedEngine(BaseEngine):
    """A base on which each trial's adapter is put before it answers; trials without a fact `LIVED` get the base.

    An adapter is a function of base, recipe, seed and training set, and lies in a folder named by them. It is trained
    when it is first needed and not there; deleted, it is trained again. What is stored of a run are answers only.

    Parameters
    ----------
    base : str
        Address of a base that can be trained: ``smollm2``, or ``hf:FOLDER``.
    opened : callable
        Opens an address.
    recipe : Recipe
        With an adapter.
    into : Path
        Folder of all adapters.
    """

    lane = THIS_MACHINE

    def __init__(
        self, base: str, opened: Callable[[str], BaseEngine], *, recipe: Recipe, seed: int, into: Path, address: str
    ) -> None:
        self.base, self._opened, self.seed, self.into, self.address = base, opened, seed, into, address
        self.recipe = replace(recipe, keep="adapter", seed=seed)
        self._plain = opened(base)
        self._trainable: Base | None = None

    @property
    def abilities(self) -> frozenset[Ability]:
        """Those of the base."""
        return self._plain.abilities

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Answer every trial, those of one adapter together."""
        groups: dict[str, list[Trial]] = {}
        for trial in trials:
            groups.setdefault(dict(trial.facts).get(LIVED, ""), []).append(trial)
        for text, group in groups.items():
            engine = self._opened(f"{self.base}+{self.adapter(text)}") if text else self._plain
            try:
                yield from engine.answer(group)
            finally:
                if text:
                    engine.close()
        self._trainable = None  # its memory is not needed until somebody has lived through more

    def adapter(self, text: str) -> Path:
        """Folder of the adapter of a training set, trained now if it is not there."""
        named = json.dumps([RULE, base_weights(self.base), self.recipe.identity, self.seed, text], sort_keys=True)
        folder = self.into / hashlib.blake2b(named.encode(), digest_size=16).hexdigest()
        self.into.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                self._trainable = self._trainable or load_base(self.base, is_frozen=True)
                lived = TrainingSet(name="what an agent lived through", examples=_examples(text))
                made = train_adapter(self.base, lived, self.recipe, folder, self.seed, model=self._trainable)
                lived.save(made.folder / SET)
        return folder

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse what the base refuses, and training sets that are none."""
        self._plain.check(trials)
        for text in {dict(trial.facts).get(LIVED, "") for trial in trials} - {""}:
            _examples(text)

    def cost(self, trials: Sequence[Trial]) -> Cost:
        """That of the base; training, which comes before and only where an adapter is not there, is not in it."""
        return self._plain.cost(trials)

    def render(self, trial: Trial) -> str:
        """As the base receives it."""
        return self._plain.render(trial)

    def fingerprint(self) -> Mapping[str, str]:
        """The base, and how adapters are trained."""
        base = {f"base {key}": value for key, value in self._plain.fingerprint().items()}
        recipe = json.dumps(self.recipe.identity, sort_keys=True)
        return {"engine": "lived", "rule": RULE, "recipe": recipe, "seed": str(self.seed), **base}

    def close(self) -> None:
        """Let go of the base."""
        self._plain.close()


def _examples(text: str):  # type: ignore[no-untyped-def]
    try:
        return examples_of(text)
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"the fact {LIVED!r} of a trial is no training set ({error}); give what `TrainingSet.text` writes"
        ) from None
