"""What an engine is: anything that answers trials."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from proband.records import Completion, Trial

Ability = Literal["score", "write", "embed", "given"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a batch of trials will take, before it is sent.

    `prompt_tokens` counts each token once per request; `unique_tokens` counts shared prefixes once, where the
    engine shares them. `seconds` and `price` (US dollars) are None where unknown. `is_exact` is False where
    tokens are estimated from characters.
    """

    prompt_tokens: int
    unique_tokens: int
    completion_tokens: int
    seconds: float | None = None
    price: float | None = None
    is_exact: bool = True


@runtime_checkable
class Engine(Protocol):
    """Answers trials; a language-model engine looks at ``trial.request`` and nothing else.

    Attributes
    ----------
    address : str
        The short address it was made from, e.g. ``smollm2``.
    abilities : frozenset of str
        "score" (log-probabilities of given continuations), "write" (text), "embed" (vectors), "given"
        (answers outright, by place: people, rules, archives).
    answers_by : {"request", "place"}
        Whether two trials with the same request get the same completion, so that one call serves both.

    Notes
    -----
    An engine may also have: ``chunk`` (trials it wants at once), ``is_remote`` (looking at it sends something),
    ``price_of(prompt_tokens, completion_tokens)`` (US dollars), ``wind_down()`` (end after what is in flight, from any
    thread), ``stop()`` (end at once) and ``note`` (what a user should know about how it runs).
    """

    # Read-only members, so that an engine may find its abilities out when first asked.
    @property
    def address(self) -> str: ...  # noqa: D102
    @property
    def abilities(self) -> frozenset[Ability]: ...  # noqa: D102
    @property
    def answers_by(self) -> Literal["request", "place"]: ...  # noqa: D102

    def fingerprint(self) -> Mapping[str, str]:
        """What was really running: weights' hash, template, library versions, returned model name."""
        ...

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse, before the first call, what cannot be answered; raise `EngineError` and name the item."""
        ...

    def cost(self, trials: Sequence[Trial]) -> Cost:
        """What these trials will take; nothing is sent."""
        ...

    def render(self, trial: Trial) -> str:
        """The exact text the model receives for a trial, continuations included."""
        ...

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Answer every trial once, in any order, yielding each as soon as it is known.

        A trial that cannot be answered yields a completion with `error`; nothing is skipped.
        """
        ...

    def close(self) -> None:
        """Give back connections and memory; safe to call twice."""
        ...
