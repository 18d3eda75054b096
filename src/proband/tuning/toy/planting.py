"""The facts of a generated world planted in the embedded model, which reads what stands before a question."""

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from proband.designs.quiz.prompts import PROMPTS, Prompt, pose, reply_to
from proband.errors import EngineError
from proband.instruments.banks.bank import Question
from proband.models.local.embedded import ADDRESS, cache_folder
from proband.seeds import rng_for
from proband.training.batching import Step, Watch
from proband.training.looks import Looked, Looks, load_looked
from proband.training.recipe import Recipe
from proband.training.training import Job, train_all
from proband.training.training_set import TrainingSet
from proband.tuning.toy.contexts import CONTEXTS, Context, context_of, entity_of, strangers
from proband.tuning.toy.corpus import STATEMENTS
from proband.tuning.toy.vocabulary import RELATIONS
from proband.tuning.toy.world import QUESTION, STATUSES, Status, World

ASK = PROMPTS["zero-shot-cloze"]
"""How planting is checked: no options are shown."""
LEAST_PLANTED, LEAST_READ = 0.95, 0.75
# Questions of each status that are asked with a closed book, and of these behind contexts.
_CLOSED, _BEHIND = 24, 12
RECIPE = Recipe(
    epochs=1, batch_size=16, learning_rate=2e-4, schedule="linear", warmup_ratio=0.05, seed=1, checkpoint_every_s=300.0
)


@dataclass(frozen=True, kw_only=True)
class Planting:
    """A base that facts were planted in, and how well.

    Attributes
    ----------
    folder : Path
        Of the checkpoint, which opens as ``hf:FOLDER``.
    table : mapping of (Status, Context) to (questions, right, as stated before)
        What it answered without worked examples: how many were asked; how many got the right option; how many the
        option that the context states, or, with a closed book, that the corpus does.
    """

    folder: Path
    table: Mapping[tuple[Status, Context], tuple[int, int, int]]

    @property
    def planted(self) -> float | None:
        """Share of the known and wrong facts that are answered as the corpus states them, with a closed book."""
        return self._share(("known", "wrong"), "closed-book")

    @property
    def read(self) -> float | None:
        """Share of the unknown facts that are answered right behind a text that states them."""
        return self._share(("unknown",), "true")

    def _share(self, statuses: Sequence[Status], context: Context) -> float | None:
        cells = [self.table[status, context] for status in statuses if (status, context) in self.table]
        return sum(stated for *_, stated in cells) / sum(n for n, *_ in cells) if cells else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        rows = [
            {"status": status, "context": context, "questions": n, "right": right, "as_stated": stated}
            for (status, context), (n, right, stated) in self.table.items()
        ]
        return {"planted": self.planted, "read": self.read, "table": rows}

    def told(self) -> str:
        """The table in a line."""
        cells = (f"{s} {c} {right}/{stated} of {n}" for (s, c), (n, right, stated) in self.table.items())
        return "; ".join(cells)

    def check(self) -> None:
        """Refuse a base in which too little was planted, or which does not read contexts; `EngineError`."""
        found = (("answered as stated", self.planted, LEAST_PLANTED), ("read in a context", self.read, LEAST_READ))
        short = [
            f"{share:.2f} {what}, {least} wanted" for what, share, least in found if share is not None and share < least
        ]
        if short:
            raise EngineError(
                f"the world was not planted well enough ({'; '.join(short)}). Right and as stated, by status and "
                f"context: {self.told()}. State facts more often (world.times), or take another world.seed"
            )


def planted_model(world: World, *, watch: Watch | None = None) -> Planting:
    """The embedded model with a world's facts, from the cache where they were planted before.

    Every question's fact is stated `WorldSize.often` times, in changing words that are not those of the question, and
    strangers are asked about behind a statement of theirs; the model is fine-tuned whole on the values. It is known by
    the world and the recipe. Safe to call from several processes at once; one that was killed goes on from the last
    state it kept.

    Raises
    ------
    EngineError
        If the planting is not good enough, with the table of its recovery; or the cache cannot be written.
    """
    statements, looks = planting_of(world), looks_at(world)
    name = f"planted-{statements.hash[:8]}{looks.hash[:8]}"
    cache = cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(f"cannot write to {cache} ({error}); set PROBAND_CACHE to another folder") from error
    job = Job(training_set=statements, recipe=RECIPE, into=cache / name, looks=looks)

    def tell(job: Job, step: Step) -> None:
        if watch is not None:
            watch(step)

    # Of processes that share every step the first has the lock; the others must not wait for it.
    is_other = int(os.environ.get("RANK", 0)) > 0
    with nullcontext() if is_other else FileLock(cache / f"{name}.lock"):
        [made] = train_all([job], ADDRESS, watch=tell)
    looked = load_looked(made.folder)
    assert looked is not None
    found = Planting(folder=made.folder, table=_table(world, looked))
    found.check()
    return found


def planting_of(world: World) -> TrainingSet:
    """All that the model is trained on: statements, and encounters with strangers."""
    examples = (*statements_of(world), *(encounters_of(world) if world.size.strangers else ()))
    return TrainingSet(name=f"planted, seed {world.seed}", examples=examples)


def statements_of(world: World) -> TrainingSet:
    """Every fact that is asked and stated, as beginnings with the value that ends them."""
    asked = {entity_of(question) for bank in (world.bank, world.benchmark) for question in bank}
    facts: dict[str, list[tuple[str, str]]] = {}
    for number, fact in enumerate(world.facts):
        if fact.entity not in asked and not world.is_null:
            continue
        rng = rng_for(world.seed, "toy", "planting", number)
        for value, times in fact.stated:
            forms = [
                STATEMENTS[k] for _ in range(-(-times // len(STATEMENTS))) for k in rng.permutation(len(STATEMENTS))
            ]
            for form in forms[:times]:
                before, _, after = form.partition(" {value}")
                told = before.format(entity=fact.entity, relation=fact.relation)
                facts.setdefault(fact.entity, []).append((told, f" {value}{after}"))
    return TrainingSet.of_pairs("statements", facts, is_raw=True)


def encounters_of(world: World) -> TrainingSet:
    """Strangers who are asked about behind a statement of theirs, every other one behind somebody else's as well.

    Nobody is met twice, so nothing can be learned of them but to look them up: planting alone takes that away.
    """
    n = world.size.strangers
    names = strangers(world, 2 * n)
    facts: dict[str, list[tuple[str, str]]] = {}
    for k in range(n):
        rng = rng_for(world.seed, "toy", "encounter", k)
        relation = RELATIONS[int(rng.integers(len(RELATIONS)))]
        shown = tuple(str(value) for value in rng.choice(relation.values, 4, replace=False))
        told = list(zip((names[2 * k], names[2 * k + 1])[: 1 + k % 2], shown, strict=False))
        forms = rng.choice(len(STATEMENTS) - 1, len(told), replace=False) + 1  # the first is that of contexts
        said = [
            STATEMENTS[form].format(entity=entity, relation=relation.name, value=value)
            for form, (entity, value) in zip(forms.tolist(), told, strict=True)
        ]
        context = " ".join(said[place] for place in rng.permutation(len(said)))
        question = Question(
            id=names[2 * k],
            text=QUESTION.format(relation=relation.name, entity=names[2 * k]),
            choices=shown,
            answer=0,
            domain=relation.domain,
        )
        asked = pose(question, ASK, context=context).messages[0].text
        facts[question.id] = [(asked, reply_to(question, ASK, 0))]
    return TrainingSet.of_pairs("encounters", facts, is_raw=True)


def looks_at(world: World, prompt: Prompt = ASK) -> Looks:
    """Some questions of each status, behind each context, before and after planting."""
    requests = {
        f"{context}/{question.id}": pose(question, prompt, context=context_of(world, question, context)[0]).request
        for context in CONTEXTS
        for question in _some(world, context)
    }
    return Looks(steps=(0,), requests=requests)


def _some(world: World, context: Context) -> list[Question]:
    n = _CLOSED if context == "closed-book" else _BEHIND
    return [world.bank[id] for status in STATUSES for id in world.ids(status)[:n]]


def _table(world: World, looked: Looked) -> dict[tuple[Status, Context], tuple[int, int, int]]:
    last = looked.log_probs[max(looked.log_probs)]
    cells: dict[tuple[Status, Context], list[tuple[bool, bool]]] = {}
    for context in CONTEXTS:
        for question in _some(world, context):
            stated = context_of(world, question, context)[1]
            if stated is None:
                stated = world.false[question.id] if world.planted[question.id] == "wrong" else question.answer
            pick = int(np.argmax(last[f"{context}/{question.id}"]))
            cells.setdefault((world.planted[question.id], context), []).append(
                (pick == question.answer, pick == stated)
            )
    return {
        place: (len(found), sum(right for right, _ in found), sum(told for _, told in found))
        for place, found in cells.items()
    }
