"""Which questions a training is looked at with, and what was seen of them: a belief for each, step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from proband.designs.quiz.prompts import Prompt, pose
from proband.errors import DataError
from proband.instruments.banks.bank import Bank, Question
from proband.measures.knowledge.slick import UNKNOWN
from proband.records import Request
from proband.seeds import uniform_for
from proband.training.looks import Looked, Looks
from proband.training.recipe import Recipe
from proband.training.training_set import Example, TrainingSet
from proband.tuning.analysis.evaluation import TestSet, Trained
from proband.tuning.analysis.fit import taught_answer
from proband.tuning.probing.beliefs import Beliefs

Group = Literal["known", "unknown", "untaught", "elsewhere"]
"""Questions that are taught and the base knew, in some degree or not at all; held-out ones of the same source; those of
other domains."""
GROUPS: tuple[Group, ...] = get_args(Group)
# Of the text that goes through in training, where a pass forward and back counts three times one forward.
_SHARE, _PASSES = 0.15, 3


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of one training.

    Attributes
    ----------
    steps : tuple of int
        Looked at, rising; 0 is before training.
    probs : mapping of step to mapping of (group, question) to ndarray
        Probabilities of the options as written.
    right, taught : mapping of (group, question) to int
        Place of the right option, and of the one that is taught.
    shares : mapping of Group to float
        Known and unknown ones, of all examples that teach about a question.
    """

    trained: Trained
    steps: tuple[int, ...]
    probs: Mapping[int, Mapping[tuple[Group, str], NDArray[np.float64]]]
    right: Mapping[tuple[Group, str], int]
    taught: Mapping[tuple[Group, str], int]
    shares: Mapping[Group, float]

    def ids(self, group: Group) -> tuple[str, ...]:
        """Questions of a group."""
        return tuple(id for of, id in self.right if of == group)


@dataclass(frozen=True, kw_only=True)
class Looking:
    """How the trainings of a study are looked at.

    Attributes
    ----------
    steps : tuple of int
        After which; see `Looks`.
    most : int
        Questions of each group; 0 for as many as take about a fifth of the time of training, by their length.
    bank, probe, prompt
        What is trained on, what the base believes of it, and how training poses it.
    tests, sets, ask
        Test questions, which of them test which domain, and the prompt of the evaluation.
    """

    steps: tuple[int, ...]
    bank: Bank
    probe: Beliefs
    prompt: Prompt
    tests: Bank
    sets: Sequence[TestSet]
    ask: Prompt
    seed: int
    most: int = 0
    _drawn: dict[tuple[Group, str], float] = field(default_factory=dict, init=False)

    def looks(self, training_set: TrainingSet, recipe: Recipe) -> Looks:
        """What to look at while a set is trained on; questions stand in the same order of drawing for all arms.

        Raises
        ------
        DataError
            If a test question cannot be posed under the prompt of the evaluation.
        """
        groups = self._groups(training_set)
        most = self.most or self._affordable(groups, training_set, recipe)
        requests = {f"{group}/{id}": one for group, found in groups.items() for id, one in [*found.items()][:most]}
        return Looks(steps=self.steps, requests=requests)

    def _affordable(
        self, groups: Mapping[Group, Mapping[str, Request]], training_set: TrainingSet, recipe: Recipe
    ) -> int:
        n_steps = recipe.steps_for(len(training_set))
        taught = np.mean([_size(one.request) for one in training_set])
        each = sum(float(np.mean([_size(one) for one in found.values()])) for found in groups.values() if found)
        n_looks = len({*self.steps, n_steps})
        return max(1, int(_SHARE * _PASSES * n_steps * recipe.batch_size * float(taught) / (n_looks * each)))

    def _groups(self, training_set: TrainingSet) -> dict[Group, dict[str, Request]]:
        """Every question that may be looked at, in the order in which they are drawn."""
        found: dict[Group, dict[str, Request]] = {group: {} for group in GROUPS}
        for example in training_set:
            if taught_answer(example, self.bank, self.probe) is not None:
                found[self._group(example)][example.question] = _own(example, self.bank[example.question], self.prompt)
        domain = str(training_set.provenance.get("domain", ""))
        for test in sorted(self.sets, key=lambda test: test.test != "out-of-domain"):
            if test.domain == domain and test.test != "in-domain":
                group: Group = "untaught" if test.test == "homogeneous" else "elsewhere"
                found[group] |= {id: pose(self.tests[id], self.ask).request for id in test.questions}
        # By place, so that arms with a question in common look at the same ones.
        return {
            group: {id: own[id] for id in sorted(own, key=lambda id: uniform_for(self.seed, "looks", id))}
            for group, own in found.items()
        }

    def _group(self, example: Example) -> Group:
        return "unknown" if self.probe[example.question].category == UNKNOWN else "known"

    def seen(self, trained: Trained, training_set: TrainingSet, looked: Looked) -> Seen:
        """What was seen of a training, as beliefs."""
        own = {example.question: example for example in training_set if example.question}
        places: dict[str, tuple[Group, str]] = {}
        right: dict[tuple[Group, str], int] = {}
        taught: dict[tuple[Group, str], int] = {}
        for name in looked.counts:
            of, _, id = name.partition("/")
            group = next(group for group in GROUPS if group == of)
            place = places[name] = (group, id)
            if group in ("known", "unknown"):
                answer = taught_answer(own[id], self.bank, self.probe)
                right[place] = self.bank[id].answer
                if answer is not None:
                    taught[place] = answer
            else:
                right[place] = self.tests[id].answer
        probs = {
            step: {places[name]: _probs(nats, looked.counts[name], self.ask) for name, nats in found.items()}
            for step, found in looked.log_probs.items()
        }
        kinds = [self._group(example) for example in own.values() if self._is_asked(example)]
        shares: dict[Group, float] = {"known": kinds.count("known"), "unknown": kinds.count("unknown")}
        return Seen(
            trained=trained,
            steps=tuple(probs),
            probs=probs,
            right=right,
            taught=taught,
            shares={group: n / len(kinds) for group, n in shares.items()} if kinds else {},
        )

    def _is_asked(self, example: Example) -> bool:
        return taught_answer(example, self.bank, self.probe) is not None


def _own(example: Example, question: Question, prompt: Prompt) -> Request:
    """A training question as it is trained, its options scored as written."""
    posed = pose(question, prompt)
    if prompt.answer_by != "label":
        options = posed.continuations
    else:
        lines = example.messages[-1].text.split("\n")
        labels = prompt.labels[: len(question.choices)]
        options = tuple(f"{prompt.lead}{_label(lines, labels, text, prompt, example.id)}" for text in question.choices)
    return Request(messages=example.messages, continuations=options, closes=posed.closes, is_raw=example.is_raw)


def _label(lines: Sequence[str], labels: Sequence[str], text: str, prompt: Prompt, example: str) -> str:
    """The label that an option was shown under."""
    for label in labels:
        if prompt.option.replace("{label}", label).replace("{text}", text) in lines:
            return label
    raise DataError(f"example {example!r} does not show the option {text!r}; build its set again with this prompt")


def _size(request: Request) -> int:
    """Characters, of what options share once."""
    return sum(len(message.text) for message in request.messages) + sum(map(len, request.continuations))


def _probs(nats: Sequence[float], counts: Sequence[int], prompt: Prompt) -> NDArray[np.float64]:
    """Softmax of the options' log-probabilities, or of these per token."""
    scores = np.array(nats) / (np.array(counts) if prompt.answer_by == "option_text_mean" else 1)
    shares = np.exp(scores - scores.max())
    return np.asarray(shares / shares.sum())
