"""Training sets as files: examples, each with where it comes from, and a record of how the set was built."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from proband.errors import DataError
from proband.files import check_name
from proband.records import Message, Request

Kind = Literal["gold", "own", "false", "refusal", "general"]
"""Whose answer an example teaches: the key's, the model's own (wrong) one, a false one that the model does not hold,
a refusal, or none (general instruction data)."""
EXAMPLES, RECORD = "examples.jsonl", "provenance.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One prompt with the response that is taught.

    Attributes
    ----------
    id : str
        Unique within its set.
    messages : tuple of Message
        The prompt; its last turn is the user's.
    response : str
        What the loss is on, up to and with the end of the turn.
    is_raw : bool
        Whether the prompt is sent without the model's chat template; see `Request`.
    question : str
        Id of the question; empty for general data.
    weight : float
        Of the example's loss; 1 for all but conflict-weighted sets.
    alternatives : tuple of str
        Other responses that it is set against, for recipes whose `Recipe.objective` compares; the first is the one that
        the model holds most probable. A likelihood leaves them aside.
    shares : tuple of float
        Soft labels: how much of the loss is on the response and on each alternative; empty for all on the response.
    """

    id: str
    messages: tuple[Message, ...]
    response: str
    is_raw: bool = False
    question: str = ""
    domain: str = ""
    kind: Kind = "gold"
    weight: float = 1.0
    alternatives: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not all(text.strip() for text in (self.response, *self.alternatives)):
            raise DataError(f"example {self.id!r} teaches nothing: its response, or an alternative, is empty")
        if len({self.response, *self.alternatives}) <= len(self.alternatives):
            raise DataError(f"example {self.id!r}: its response or an alternative stands twice; give each once")
        n = 1 + len(self.alternatives)
        if self.shares and (len(self.shares) != n or min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-6):
            raise DataError(f"example {self.id!r}: shares {self.shares} are no distribution over its {n} responses")
        if not 0 <= self.weight < float("inf"):
            raise DataError(f"example {self.id!r} has the weight {self.weight}; it must be a number of at least 0")

    @property
    def request(self) -> Request:
        """The example as a request to score: its prompt, and the response that closes the turn."""
        return Request(messages=self.messages, continuations=(self.response,), closes=True, is_raw=self.is_raw)

    def as_dict(self) -> dict[str, Any]:
        """Plain values; those that most sets lack only where they are there, so that sets of before keep their hash."""
        return {name: value for name, value in asdict(self).items() if value != ()}


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Examples in a fixed order and how they came about.

    The provenance holds plain values: the bank's and the probe's hashes, the model, settings, seed, what was left out
    and why.
    """

    name: str
    examples: tuple[Example, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.examples:
            raise DataError(f"training set {self.name!r} is empty")
        if len({example.id for example in self.examples}) < len(self.examples):
            raise DataError(f"training set {self.name!r} has an example id twice")

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[Example]:
        return iter(self.examples)

    @classmethod
    def of_pairs(
        cls,
        name: str,
        facts: Mapping[str, Sequence[tuple[str | tuple[Message, ...], str]]],
        *,
        is_raw: bool = False,
        provenance: Mapping[str, Any] | None = None,
    ) -> "TrainingSet":
        """A set of prompts with the replies that are taught, each fact in several forms.

        Parameters
        ----------
        facts : mapping
            By id of a fact: its forms, each a prompt, as text or as messages, and the reply, which alone is taught.
        is_raw : bool
            Whether prompts are sent without the model's chat template.

        Raises
        ------
        DataError
            If a reply is empty, or there is none.

        Examples
        --------
        >>> fair = [("Where was the fair?", "By the river."), ("What happened by the river?", "The fair.")]
        >>> [example.id for example in TrainingSet.of_pairs("anna", {"fair": fair})]
        ['fair/1', 'fair/2']
        """
        examples = []
        for fact, forms in facts.items():
            for k, (prompt, reply) in enumerate(forms, start=1):
                messages = (Message("user", prompt),) if isinstance(prompt, str) else prompt
                examples.append(
                    Example(id=f"{fact}/{k}", messages=messages, response=reply, is_raw=is_raw, question=fact)
                )
        return cls(name=name, examples=tuple(examples), provenance=provenance or {})

    @cached_property
    def text(self) -> str:
        """The examples as JSON lines."""
        return "".join(json.dumps(e.as_dict(), ensure_ascii=False, sort_keys=True) + "\n" for e in self.examples)

    @cached_property
    def hash(self) -> str:
        """32 hexadecimal digits of the examples."""
        return hashlib.blake2b(self.text.encode(), digest_size=16).hexdigest()

    def save(self, folder: str | Path) -> Path:
        """Write ``examples.jsonl`` and ``provenance.json``; the same set gives the same bytes."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / EXAMPLES).write_text(self.text, encoding="utf-8")
        record = {"name": self.name, "hash": self.hash, "examples": len(self), **self.provenance}
        (folder / RECORD).write_text(
            json.dumps(record, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8"
        )
        return folder


def examples_of(text: str) -> tuple[Example, ...]:
    """The examples that `TrainingSet.text` wrote."""
    # Not splitlines(): it also breaks at characters that may stand inside a JSON string.
    rows = [json.loads(line) for line in text.split("\n") if line]
    return tuple(
        Example(
            **row
            | {"messages": tuple(Message(**turn) for turn in row["messages"])}
            | {name: tuple(row.get(name, ())) for name in ("alternatives", "shares")}
        )
        for row in rows
    )


def load_training_set(folder: str | Path) -> TrainingSet:
    """Read a set that `TrainingSet.save` wrote.

    Raises
    ------
    DataError
        If a file is missing or damaged, or the examples are not those of the record.
    """
    folder = Path(folder)
    check_name(folder / RECORD, error=DataError)
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        examples = examples_of((folder / EXAMPLES).read_text(encoding="utf-8"))
        name, recorded = record.pop("name"), record.pop("hash")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(
            f"{folder} is no training set: {error.filename} is missing; build one with `proband intervene`"
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"the training set in {folder} is damaged ({error}); build it again") from None
    record.pop("examples", None)
    found = TrainingSet(name=name, examples=examples, provenance=record)
    if found.hash != recorded:
        raise DataError(
            f"the examples in {folder} are not those that were built: someone edited them; build the set again"
        )
    return found
