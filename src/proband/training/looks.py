"""Looking at what a model gives to some requests while it is trained: log-probabilities by step, no weights kept."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from proband.errors import DataError, DesignError, EngineError, StoreError
from proband.models.local.templates import Template
from proband.records import Request
from proband.training.encoding import Taught

LOOKS = "looks.json"
_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Looks:
    """When to look, and at what.

    Attributes
    ----------
    steps : tuple of int
        Optimiser steps after which the requests are scored, rising; 0 is before the first. The last step of training
        is looked at whether it is named or not.
    requests : mapping of str to Request
        By a name of their own; each has continuations.

    Raises
    ------
    DesignError
        If steps do not rise or are negative, or there is nothing to look at.
    """

    steps: tuple[int, ...]
    requests: Mapping[str, Request]

    def __post_init__(self) -> None:
        if not self.steps or self.steps[0] < 0 or list(self.steps) != sorted(set(self.steps)):
            raise DesignError(
                f"steps to look after are {list(self.steps)}; give them rising, from 0 on, e.g. [0, 1, 2]"
            )
        if not self.requests or not all(request.continuations for request in self.requests.values()):
            raise DesignError("there is nothing to look at: give requests with continuations to score")

    def check(self, n_steps: int) -> None:
        """Refuse a step beyond a training of so many; `DesignError`."""
        check_steps(self.steps, n_steps)

    @cached_property
    def hash(self) -> str:
        """32 hexadecimal digits of steps and requests."""
        told = [list(self.steps), {name: asdict(request) for name, request in self.requests.items()}]
        return hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16).hexdigest()

    def encoded(self, template: Template) -> tuple[Taught, ...]:
        """Every continuation of every request as an example, in order, each named by its request.

        Raises
        ------
        DataError
            If a request cannot be rendered.
        """
        found = []
        for name, request in self.requests.items():
            try:
                one = template.encode(request)
            except EngineError as error:
                raise DataError(f"{name!r} cannot be looked at: {error}; leave it out") from error
            pairs = zip(one.sequences, one.starts, strict=True)
            found += [Taught(id=f"{name}\0{k:03d}", ids=ids, start=start) for k, (ids, start) in enumerate(pairs)]
        return tuple(found)


def check_steps(steps: Sequence[int], n_steps: int | None = None) -> None:
    """Refuse steps that do not rise from 0 on, or that a training of so many never comes to; `DesignError`."""
    if not steps or steps[0] < 0 or list(steps) != sorted(set(steps)):
        raise DesignError(f"evaluation.steps are {list(steps)}; give them rising, from 0 on, e.g. [0, 1, 2, 4, 8]")
    if n_steps is not None and steps[-1] > n_steps:
        late = ", ".join(str(step) for step in steps if step > n_steps)
        raise DesignError(
            f"evaluation.steps names step {late}, and training has {n_steps}; leave it out, or train longer"
        )


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What was seen.

    Attributes
    ----------
    log_probs : mapping
        By step, by name of the request: of each continuation, nats, summed over its tokens.
    counts : mapping
        By name: tokens of each continuation.
    """

    log_probs: Mapping[int, Mapping[str, tuple[float, ...]]]
    counts: Mapping[str, tuple[int, ...]]

    def as_dict(self) -> dict[str, object]:
        """Plain values."""
        return {"format": _FORMAT, "counts": self.counts, "log_probs": self.log_probs}


def load_looked(folder: str | Path) -> Looked | None:
    """What was seen in a finished training; None where nobody looked; `StoreError` if the file is damaged."""
    path = Path(folder) / LOOKS
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["format"] != _FORMAT:
            raise ValueError(f"format {values['format']}")
        by_step = {
            int(step): {name: tuple(nats) for name, nats in found.items()}
            for step, found in values["log_probs"].items()
        }
        return Looked(log_probs=by_step, counts={name: tuple(n) for name, n in values["counts"].items()})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} is damaged ({error}); delete {folder} and train again") from None
