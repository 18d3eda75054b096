"""Multiple-choice questions with domains, and how a bank of them is divided."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

from proband.errors import DataError, DesignError
from proband.seeds import rng_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One multiple-choice question with its key.

    - `id`: unique within its bank.
    - `choices`: at least two different options.
    - `answer`: 0-based index of the right one.
    - `domain`: field of knowledge by which sets are built and evaluated, e.g. "history"..
    - `topic`: finer part of the domain, e.g. an MMLU subject; may be empty..
    - `explanation`: why the answer is right, where the bank says so.

    Raises
    ------
    DataError
        If the question cannot be asked: no text, fewer than two options, equal options (two right answers), an
        answer outside the options, no domain.
    """

    id: str
    text: str
    choices: tuple[str, ...]
    answer: int
    domain: str
    topic: str = ""
    explanation: str = ""

    def __post_init__(self) -> None:
        if not self.id or not self.text.strip():
            raise DataError(f"question {self.id!r}: id and text must not be empty")
        if not self.domain.strip():
            raise DataError(f"question {self.id!r}: no domain; name one, e.g. with `domain=` when loading")
        if len(self.choices) < 2:
            raise DataError(f"question {self.id!r}: {len(self.choices)} options; a choice needs at least two")
        if any(not choice.strip() for choice in self.choices):
            raise DataError(f"question {self.id!r}: an empty option; write it out or leave the question out")
        repeated = [text for text, n in Counter(self.choices).items() if n > 1]
        if repeated:
            is_right = self.choices[self.answer] == repeated[0] if 0 <= self.answer < len(self.choices) else False
            what = "two right answers" if is_right else "the same option twice"
            raise DataError(f"question {self.id!r}: {what}, {repeated[0]!r}; mend it or leave the question out")
        if isinstance(self.answer, bool) or not 0 <= self.answer < len(self.choices):
            raise DataError(
                f"question {self.id!r}: answer {self.answer!r} is no index of {len(self.choices)} options "
                "(they count from 0)"
            )


@dataclass(frozen=True, kw_only=True)
class Split:
    """A bank in three parts that share no question.

    Sets are built from `train`, `exemplars` stand worked before others in a prompt, `test` is held out: the homogeneous
    test.
    """

    train: "Bank"
    exemplars: "Bank"
    test: "Bank"


@dataclass(frozen=True, kw_only=True)
class Bank:
    """Questions in a fixed order, by unique id.

    Attributes
    ----------
    title, source, licence : str
        What it is, where it comes from, and under which terms.
    left_out : tuple of str
        For each question of the source that could not be used: where it stands, and why.
    """

    name: str
    questions: tuple[Question, ...]
    title: str = ""
    source: str = ""
    licence: str = ""
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        counts = Counter(question.id for question in self.questions)
        repeated = [id for id, n in counts.items() if n > 1]
        if repeated:
            raise DataError(
                f"bank {self.name!r}: {len(repeated)} ids stand twice, e.g. {repeated[0]!r}; make them unique"
            )

    def __len__(self) -> int:
        return len(self.questions)

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    def __getitem__(self, id: str) -> Question:
        return self.by_id[id]

    @cached_property
    def by_id(self) -> Mapping[str, Question]:
        """Questions by id."""
        return {question.id: question for question in self.questions}

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """Domains in the order in which they come up."""
        return tuple(dict.fromkeys(question.domain for question in self.questions))

    @cached_property
    def hash(self) -> str:
        """32 hexadecimal digits of the questions, their options, keys, domains, topics and explanations, in order."""
        state = hashlib.blake2b(digest_size=16)
        for question in self.questions:
            state.update(json.dumps(asdict(question), sort_keys=True, ensure_ascii=False).encode())
        return state.hexdigest()

    def where(self, keep: Callable[[Question], bool]) -> "Bank":
        """The questions for which `keep` is true, in order."""
        return replace(self, questions=tuple(question for question in self.questions if keep(question)))

    def of(self, *domains: str) -> "Bank":
        """The questions of some domains; `DesignError` if a domain has no question."""
        for domain in domains:
            if domain not in self.domains:
                raise DesignError(f"bank {self.name!r} has no domain {domain!r}; it has {', '.join(self.domains)}")
        return self.where(lambda question: question.domain in domains)

    def select(self, ids: Sequence[str]) -> "Bank":
        """The questions with these ids, in the order of the ids."""
        missing = [id for id in ids if id not in self.by_id]
        if missing:
            raise DesignError(
                f"bank {self.name!r} has no question {missing[0]!r} ({len(missing)} of {len(ids)} are missing)"
            )
        return replace(self, questions=tuple(self.by_id[id] for id in ids))

    def save(self, path: str | Path) -> Path:
        """Write as JSON; the same bank gives the same bytes."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: str | Path) -> "Bank":
        """Read what `save` wrote; `DataError` if the file is missing or damaged."""
        try:
            plain = json.loads(Path(path).read_text(encoding="utf-8"))
            questions = [Question(**(q | {"choices": tuple(q["choices"])})) for q in plain.pop("questions")]
            return cls(**(plain | {"left_out": tuple(plain["left_out"])}), questions=tuple(questions))
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}; `proband probe` writes it") from None
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: no bank, or damaged ({error}); probe again") from None

    def split(self, *, test: int, exemplars: int, seed: int) -> Split:
        """Divide every domain at random: so many to test, so many as exemplars, the rest to train on.

        A question's part depends on its id, domain and the seed, not on the order of the bank.

        Raises
        ------
        DesignError
            If a domain has too few questions to leave one for training.
        """
        parts: dict[str, list[str]] = {"test": [], "exemplars": [], "train": []}
        for domain in self.domains:
            ids = sorted(question.id for question in self.of(domain))
            if len(ids) <= test + exemplars:
                raise DesignError(
                    f"bank {self.name!r}: domain {domain!r} has {len(ids)} questions; {test} to test and {exemplars} "
                    "exemplars leave none to train on; ask for fewer"
                )
            rng_for(seed, "split", domain).shuffle(ids)
            parts["test"] += ids[:test]
            parts["exemplars"] += ids[test : test + exemplars]
            parts["train"] += ids[test + exemplars :]
        chosen = {name: frozenset(ids) for name, ids in parts.items()}
        banks = {name: self.where(lambda q, name=name: q.id in chosen[name]) for name in chosen}  # type: ignore[misc]
        return Split(train=banks["train"], exemplars=banks["exemplars"], test=banks["test"])
