"""What an engine is: anything that answers trials."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from proband.errors import EngineError
from proband.records import Completion, Response, Trial

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

Ability = Literal["score", "write", "given", "embed"]
Vectors: TypeAlias = "NDArray[float32]"

THIS_MACHINE = "this machine"  # the lane of models that compute in this process
_LACKS = {
    "score": "needs log-probabilities of its options, and {address} gives none; ask it with answer_by = 'written'",
    "write": "needs a written reply, and {address} only scores options; ask it with answer_by = 'option_text'",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a batch of trials will take, before it is sent; nothing, unless said otherwise.

    `prompt_tokens` counts each token once per request; `unique_tokens` counts shared prefixes once, where the
    engine shares them. `seconds` and `price` (US dollars) are None where unknown. `is_exact` is False where
    tokens are estimated from characters.
    """

    prompt_tokens: int = 0
    unique_tokens: int = 0
    completion_tokens: int = 0
    seconds: float | None = None
    price: float | None = None
    is_exact: bool = True


class BaseEngine(ABC):
    """Answers trials; a language-model engine looks at ``trial.request`` and nothing else.

    A new engine gives `address`, `abilities` and `answer`; everything else has a default.

    Attributes
    ----------
    address : str
        The short address it was made from, e.g. ``smollm2``; every answer is stored with it.
    abilities : frozenset of str
        "score" (log-probabilities of given continuations), "write" (text), "given" (answers whatever it is asked, and
        outright: people, rules, archives), "embed" (texts as vectors). What a design needs beyond them is refused by
        `check`.
    answers_by : {"request", "place"}
        Whether two trials with the same request get the same completion, so that one call serves both.
    is_remote : bool
        Whether looking at it sends something: plans leave it alone.
    chunk : int or None
        Trials it wants at once, where that matters.
    lane : str
        Name of what it shares with other engines, e.g. ``this machine``. Engines of one lane are asked one after the
        other, engines of different lanes side by side. Empty: a lane of its own.
    waits : bool
        Whether answers may come much later, also after a restart. `answer` then hands the trials over, which must be
        safe to repeat, and yields only what is answered by now; `news` waits for more.
    overlaps : bool
        Whether `answer` may be called again, from another thread, while an earlier call goes on; each pair may come
        from either. Of an engine that `waits`: whether `answer` may be called during `news`.
    by_piece : bool
        Whether the last digits of its scores depend on what is computed together. The loop then cuts scored trials
        into pieces, by a rule that looks at the design alone (`proband.models.pieces`), and gives them to
        `answer_pieces`; written ones still go to `answer`.
    at_once : int
        Trials that it answers together, at most; with fewer than twice as many out it gets more, where it `overlaps`.
    note : str
        What a user should know about how it runs; empty where all is usual.
    """

    address: str
    answers_by: Literal["request", "place"] = "place"
    is_remote: bool = False
    lane: str = ""
    waits: bool = False
    by_piece: bool = False
    # For the type checker these are read-only, so that an engine may find them out when first asked.
    if TYPE_CHECKING:

        @property
        def abilities(self) -> frozenset[Ability]: ...  # noqa: D102
        @property
        def chunk(self) -> int | None: ...  # noqa: D102
        @property
        def at_once(self) -> int: ...  # noqa: D102
        @property
        def note(self) -> str: ...  # noqa: D102
        @property
        def overlaps(self) -> bool: ...  # noqa: D102
    else:
        chunk = None
        at_once = 1
        note = ""
        overlaps = False

    @abstractmethod
    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Answer every trial once, in any order, yielding each as soon as it is known.

        A trial that cannot be answered yields a completion with `error`; nothing is skipped, except by an engine that
        `waits`, which skips what is not answered yet.
        """

    def answer_pieces(self, pieces: Iterable[Sequence[Trial]]) -> Iterator[list[tuple[Trial, Completion]]]:
        """Of an engine that is `by_piece`: answer every piece alone, as a whole, as soon as all of it is known.

        Pieces may be yielded in any order. They are to be taken as they are needed: once a run is to stop there are
        no more of them, and what was taken is still answered. Where `answers_by` is "request", no two trials of a
        piece have the same one. By default one piece after the other by `answer`.
        """
        for piece in pieces:
            yield list(self.answer(piece))

    def fingerprint(self) -> Mapping[str, str]:
        """What was really running: weights' hash, template, library versions, returned model name.

        By default the name of the class.
        """
        return {"engine": f"{type(self).__module__}.{type(self).__qualname__}"}

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse, before the first call, what cannot be answered; raise `EngineError` and name the item.

        By default what its `abilities` do not cover.
        """
        able = self.abilities
        if "given" in able or able >= {"score", "write"}:
            return
        for trial in trials:
            if trial.request.verb not in able:
                lack = _LACKS[trial.request.verb].format(address=self.address)
                raise EngineError(f"item {trial.place.item!r} {lack}")

    def cost(self, trials: Sequence[Trial]) -> Cost:
        """What these trials will take; nothing is sent. By default no tokens, and unknown where it is far or waits."""
        return Cost() if self.is_remote or self.waits else Cost(seconds=0.0, price=0.0)

    def price_of(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """US dollars for so many tokens; None where there is no price."""
        return None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, shape (n_texts, n_dimensions): features for a learner, never answers.

        What was embedded before comes from a cache, by fingerprint and text; see `proband.models.vectors`. An engine
        with the ability "embed" gives `vectors`, not this.

        Raises
        ------
        EngineError
            If the engine cannot, or a text is blank.
        """
        from proband.models.vectors import cached

        return cached(self, texts)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """What `embed` has no vector of yet, each the same whatever stands beside it. By default none can be had."""
        raise EngineError(
            f"{self.address} gives no vectors of texts; take what does: minilm (extra `texts`), smollm2, hf:PATH, or "
            "an openai: server with /v1/embeddings"
        )

    def encoder_fingerprint(self) -> Mapping[str, str]:
        """What the vectors depend on. By default the whole fingerprint."""
        return self.fingerprint()

    def render(self, trial: Trial) -> str:
        """The exact text that is received for a trial. By default the messages, then what is scored."""
        turns = [f"[{message.role}]\n{message.text}" for message in trial.request.messages]
        turns += [f"[user, one of {len(trial.request.premises)}]\n{text}" for text in trial.request.premises]
        return "\n\n".join(turns + [f"[continuation]\n{text}" for text in trial.request.continuations])

    def news(self, timeout_s: float) -> bool:
        """Of an engine that `waits`: whether an answer came since `answer` last looked; waits so long at most."""
        return False

    def committed(self, responses: Sequence[Response], over: Collection[str]) -> None:  # noqa: B027
        """Of an engine that `waits`: what it answered is stored, and what follows from that was handed over.

        Also called with nothing new, e.g. once everything is handed over that waits from an earlier call. `over` are
        subjects for whom nothing follows any more, where later trials depend on answers.
        """

    @property
    def closed(self) -> Mapping[str, object]:
        """Of an engine that `waits`: why nobody will answer what is still open; the run then ends without it."""
        return {}

    def wind_down(self) -> None:  # noqa: B027
        """Have `answer` end after what is in flight, from any thread.

        An engine without it ends where it asks for its next trial, or after the answer it is computing.
        """

    def stop(self) -> None:
        """Have `answer` end at once, from any thread; what is in flight may be lost."""
        self.wind_down()

    def close(self) -> None:  # noqa: B027
        """Give back connections and memory; safe to call twice."""
