"""Replies that must follow a JSON schema: at every token, only those are allowed from which it can be reached.

The schemas are compiled by llguidance, which refuses what it cannot hold a reply to; see the decision
"Constrained output" for how it was chosen. Between the parts of a reply stands what ``json.dumps`` writes
there, ", " and ": ", so that no reply is used up by white space.
"""

import json
from typing import Any

import numpy as np

from proband.errors import EngineError

_LAYOUT: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


class Constraint:
    """One reply's way through its schema; the matcher of llguidance is used by it alone."""

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    @property
    def is_complete(self) -> bool:
        """Whether nothing can follow but the end."""
        return bool(self._matcher.is_stopped())

    @property
    def error(self) -> str:
        """Why the reply cannot go on, e.g. a limit of the parser; empty while it can."""
        return str(self._matcher.get_error())

    def hidden(self, logits: Any) -> Any:
        """Which tokens may not come next: a boolean tensor like `logits`, shape (vocabulary,)."""
        import torch

        allowed = np.frombuffer(self._matcher.compute_logit_bias(), dtype=np.uint8)[: len(logits)]
        return torch.from_numpy(allowed == 0).to(logits.device)

    def take(self, token: int) -> None:
        """Go on by one token."""
        self._matcher.consume_token(token)


class Schemas:
    """Compiles schemas for one tokenizer of the fast kind, each once.

    `vocabulary` is the width of the model's logits, `ends` are the tokens that end a reply.
    """

    def __init__(self, tokenizer: Any, vocabulary: int, ends: frozenset[int]) -> None:
        self._tokenizer, self._vocabulary, self._ends = tokenizer, vocabulary, sorted(ends)
        self._words: Any = None
        self._matchers: dict[str, Any] = {}

    def start(self, schema: str) -> Constraint:
        """Begin a reply; `EngineError` if the text is no schema or no reply can be held to it."""
        if schema not in self._matchers:
            self._matchers[schema] = self._compiled(schema)
        return Constraint(self._matchers[schema].deep_copy())

    def _compiled(self, schema: str) -> Any:
        # Loaded when a schema is first met: most studies have none.
        from llguidance import LLMatcher
        from llguidance.hf import from_tokenizer

        if not getattr(self._tokenizer, "is_fast", False):
            raise EngineError(
                "replies can be held to a schema only with a fast tokenizer, which this model lacks; "
                "ask without a schema, or use an openai: engine"
            )
        if self._words is None:
            self._words = from_tokenizer(self._tokenizer, self._vocabulary, self._ends)
        try:
            asked = json.loads(schema)
            if not isinstance(asked, dict | bool):
                raise ValueError("a schema is an object in braces")
            grammar = LLMatcher.grammar_from_json_schema(schema, overrides=_LAYOUT)
        except ValueError as error:
            raise EngineError(f"the schema {_short(schema)} is no JSON schema: {error}") from error
        matcher = LLMatcher(self._words, grammar, log_level=0)
        if reason := matcher.get_error():
            raise EngineError(
                f"no reply can be held to the schema {_short(schema)}: {reason.splitlines()[0]}; "
                "write it without that, and check the rest when the reply is read"
            )
        return matcher


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
