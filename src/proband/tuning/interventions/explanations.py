"""Asking engines for texts about questions: explanations, world knowledge and rewrites, as a design of their own."""

import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

from proband.designs.design import Design
from proband.designs.survey.cards import Writing
from proband.errors import DataError, DesignError
from proband.files import beside
from proband.instruments.banks.bank import Bank, Question
from proband.instruments.items import Item
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.runs.run import Run
from proband.seeds import place_digest, seed_for
from proband.tuning.interventions.texts import Purpose, Source, Texts, flaw

Cut = Literal["sentence", "keep", "drop"]
_SENTENCE_ENDS = (". ", "! ", "? ", ".\n", "!\n", "?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How one kind of text is asked for.

    `opening` is what a raw text begins with and `cue` what it puts before the text that is wanted; `asking` is the
    request of a chat, behind the question; `shown` is a worked example for raw text: the question as it is shown, and
    the text.
    """

    opening: str
    asking: str
    cue: str
    shown: tuple[str, str]


WORDINGS: Mapping[str, Wording] = {
    purpose: Wording(**(table | {"shown": tuple(table["shown"])})) for purpose, table in beside(__file__).items()
}
"""What is sent for each purpose."""
STOP = "\n\n"
DEFAULT_WRITING = Writing(temperature=0.7, top_p=0.8, max_tokens=256)
"""As Ren et al. (2024) sampled explanations."""


@dataclass(frozen=True, kw_only=True)
class Explanations(Design):
    """A text about each of some answers to a bank's questions.

    The text is asked for the answer that will be taught, be it right or wrong: a place's item is the question, and its
    condition the index of the answer, as written. Options are shown as written.

    - `answers`: question id -> answers to write about; see `proband.tuning.interventions.composing.wanted_texts`.
    - `purpose` ({"explanation", "context", "rewrite"}): why the answer is right; world knowledge that leads to it; or
      the bank's explanation in other words.
    - `is_raw`: whether the engine is sent one raw text with a worked example, as a base model needs, or a chat.
    - `tries`: texts of each answer; the first without a flaw is taken.
    - `writing`: how they are sampled.

    Raises
    ------
    DesignError
        If an answer is outside a question's options, a question is not in the bank, or there is nothing to rewrite.

    References
    ----------
    Yang et al. (2024), Self-Distillation Bridges Distribution Gap in Language Model Fine-Tuning. arXiv:2402.13669 (for
    rewrites)

    Examples
    --------
    >>> question = Question(id="q", text="2 + 2 =", choices=("3", "4"), answer=1, domain="sums")
    >>> design = Explanations(bank=Bank(name="sums", questions=(question,)), answers={"q": (1,)}, seed=1)
    >>> design.trials({})[0].id
    'model/q/answer=1/0/0'
    """

    bank: Bank
    answers: Mapping[str, Sequence[int]]
    purpose: Purpose = "explanation"
    seed: int = 1
    is_raw: bool = True
    tries: int = 1
    writing: Writing = field(default_factory=lambda: DEFAULT_WRITING)
    model: str = "model"

    def __post_init__(self) -> None:
        place_digest(self.seed)  # refuses a seed that is no integer
        if self.purpose not in get_args(Purpose):
            raise DesignError(f"purpose {self.purpose!r} is none of {', '.join(get_args(Purpose))}")
        if self.tries < 1:
            raise DesignError(f"tries is {self.tries}; ask at least once")
        if self.tries > 1 and self.writing.temperature == 0:
            raise DesignError(f"{self.tries} tries at temperature 0 would all be the same; use 1, or sample")
        if not any(self.answers.values()):
            raise DesignError("no answer to write about; name questions and answers")
        for question in self.bank.select(tuple(self.answers)):
            for answer in self.answers[question.id]:
                if not 0 <= answer < len(question.choices):
                    raise DesignError(
                        f"question {question.id!r}: {answer} is no index of {len(question.choices)} options"
                    )
            if self.purpose == "rewrite" and not question.explanation.strip():
                raise DesignError(
                    f"question {question.id!r} has no explanation to rewrite; leave it out, or ask for explanations"
                )

    @property
    def name(self) -> str:
        """What is written, and of which bank."""
        return f"{self.purpose}s of {self.bank.name}"

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """The questions, as open items."""
        return {id: Item(id=id, text=self.bank[id].text, form="text") for id in self.answers if self.answers[id]}

    @cached_property
    def _trials(self) -> tuple[Trial, ...]:
        return tuple(
            self._trial(self.bank[id], answer, replicate)
            for id, answers in self.answers.items()
            for answer in dict.fromkeys(answers)
            for replicate in range(self.tries)
        )

    def _trial(self, question: Question, answer: int, replicate: int) -> Trial:
        place = Place(subject=self.model, item=question.id, condition=(("answer", str(answer)),), replicate=replicate)
        writing = self.writing
        return Trial(
            place=place,
            request=Request(
                messages=(Message("user", self.text(question, answer)),),
                max_tokens=writing.max_tokens or DEFAULT_WRITING.max_tokens or 256,
                temperature=writing.temperature,
                top_p=writing.top_p,
                stop=(STOP,) if self.is_raw else (),
                seed=seed_for(self.seed, "write", place.id) if writing.temperature > 0 else None,
                is_raw=self.is_raw,
            ),
            reply=Reply(form="text", method="written"),
        )

    def text(self, question: Question, answer: int) -> str:
        """What is sent for one answer."""
        wording = WORDINGS[self.purpose]
        shown = _shown(question, answer)
        if self.purpose == "rewrite":
            shown += f"\nReference: {question.explanation.strip()}"
        if not self.is_raw:
            return f"{shown}\n\n{wording.asking}"
        worked, told = wording.shown
        parts = (wording.opening, f"{worked}\n{wording.cue} {told}", f"{shown}\n{wording.cue}")
        return STOP.join(parts)

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """All of them: nothing depends on answers."""
        return self._trials

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the design."""
        return {
            "design": "explanations",
            "title": self.name,
            "bank": self.bank.name,
            "bank_hash": self.bank.hash,
            "purpose": self.purpose,
            "answers": {id: list(answers) for id, answers in self.answers.items()},
            "is_raw": self.is_raw,
            "tries": self.tries,
            "writing": {name: getattr(self.writing, name) for name in ("temperature", "top_p", "max_tokens")},
            "model": self.model,
            "varied": ["answer"],
            "seed": self.seed,
        }


def _shown(question: Question, answer: int) -> str:
    options = [f"{label}. {text}" for label, text in zip(string.ascii_uppercase, question.choices, strict=False)]
    return "\n".join((f"Question: {question.text}", *options, f"Answer: {options[answer]}"))


def texts_from(run: Run, design: Explanations, *, source: Source, cut: Cut = "sentence") -> Texts:
    """What an engine wrote, from the run of the design.

    Of several tries of an answer the first without a `flaw` is taken, and the first of all where every one has a flaw:
    whether it may be used is decided, and counted, where sets are built.

    Parameters
    ----------
    run : Run
        Finished.
    source : {"own", "other"}
        Whether the model that is to be trained wrote, or another engine.
    cut : {"sentence", "keep", "drop"}
        What becomes of a text that reached `max_tokens`: its whole sentences, all of it (as published), or nothing.

    Raises
    ------
    DataError
        If the run is unfinished, or is one of another bank or purpose.
    """
    manifest = run.manifest
    asked = manifest["design"]
    if not run.is_complete:
        raise DataError(f"{run.path} is unfinished; collect it to its end first")
    if asked.get("bank_hash") != design.bank.hash or asked.get("purpose") != design.purpose:
        raise DataError(
            f"{run.path} asked for {asked.get('purpose') or asked.get('design')} of the bank "
            f"{asked.get('bank_hash')}, and this is {design.purpose} of {design.bank.hash}; use the run of this design"
        )
    if cut not in get_args(Cut):
        raise DesignError(f"cut {cut!r} is none of {', '.join(get_args(Cut))}")
    responses = run.responses()
    counts: Counter[str] = Counter()
    tries: dict[tuple[str, int], list[str]] = {}
    for trial in design.trials({}):
        response = responses[trial.id]
        counts[response.status] += 1
        text = _usable(response, cut)
        counts["cut"] += bool(text) and response.status == "truncated"
        if text:
            tries.setdefault((trial.place.item, int(dict(trial.place.condition)["answer"])), []).append(text)
    found = {
        (id, answer): next((text for text in texts if not flaw(text, design.bank[id], answer)), texts[0])
        for (id, answer), texts in tries.items()
    }
    fingerprint = manifest["fingerprint"].get("", {})
    return Texts(
        purpose=design.purpose,
        source=source,
        model=design.model,
        weights=str(fingerprint.get("weights", "")),
        bank=design.bank.hash,
        texts=found,
        dispositions={name: n for name, n in sorted(counts.items()) if n},
    )


def _usable(response: Response, cut: Cut) -> str:
    """The text of a response, empty where there is none to use."""
    if response.status == "valid":
        return str(response.answer).strip()
    if response.status != "truncated" or cut == "drop" or response.text is None:
        return ""
    text = response.text.strip()
    return text if cut == "keep" else _whole_sentences(text)


def _whole_sentences(text: str) -> str:
    """A cut text up to the end of its last whole sentence."""
    if text.endswith((".", "!", "?")):
        return text
    end = max(text.rfind(mark) for mark in _SENTENCE_ENDS)
    return text[: end + 1]
