"""From messages to the exact text a model receives, and from that text to token ids."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import chain
from threading import Lock
from typing import Any

from jinja2 import TemplateError

from proband.errors import EngineError
from proband.models.local.forest import shared_length
from proband.reasoning import TO_FINAL, OpenBlock, is_mark, open_block
from proband.records import Message, Request

# Some templates print today's date; a prompt must not depend on the day it was sent.
TODAY = datetime(2025, 1, 1)
TURN_END = "\n\n"
_TRANSCRIBED = {"system": "{}" + TURN_END, "user": "{}\nAnswer:", "assistant": " {}" + TURN_END}
PIECES = 20_000  # remembered at most
# Where paragraphs of a raw text may be cut apart without changing its tokens: the first that holds for a tokenizer.
_CUTS = (re.compile(r"(?<=\S)(?=\n\n\S)"), re.compile(r"(?<=\S\n\n)(?=\S)"))
_ENDINGS = ("a", "7", ".", "?", "!", ":", ")", '"', "'s", "é", "中", "…", "- b", "the")
_BEGINNINGS = ("Q", "q", "7", "(", '"', "'s", "é", "中", "-", ".", "_", "…")
_MARK = "proband"
_LINE_END = "\n"
_TAIL = 200  # characters at the end of a prompt, in which a template opens thoughts


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Token ids of one request: prompt and continuation together, for each continuation, or the prompt alone."""

    sequences: tuple[tuple[int, ...], ...]
    start: int  # index of the first scored token, the same in every sequence
    own_starts: tuple[int, ...] = ()  # behind premises of its own in each

    @property
    def starts(self) -> tuple[int, ...]:
        """Index of the first scored token of each sequence."""
        return self.own_starts or (self.start,) * len(self.sequences)

    @property
    def prompt_tokens(self) -> int:
        """Tokens before what is scored, those of every premise where there are any."""
        return sum(self.own_starts) or self.start

    @property
    def token_counts(self) -> tuple[int, ...]:
        """Scored tokens of each continuation."""
        return tuple(len(ids) - start for ids, start in zip(self.sequences, self.starts, strict=True))


class Template:
    r"""Renders requests with a tokenizer's chat template, or as a plain transcript where it has none.

    A transcript is ``System text\n\nQuestion\nAnswer: reply\n\nQuestion\nAnswer:``; its continuations begin
    with a space. A template that refuses a system turn gets it at the head of the first user turn. Where a
    template prints the date it is always 2025-01-01; thinking aloud is off where a template has the choice. Where it
    has none and ends a prompt inside thoughts, these are closed before options and before a reply that is held to a
    schema; any other reply begins with the mark that the prompt ended in. A raw request is its text, behind the
    beginning-of-text token where the tokenizer puts one. `is_chat` says whether the tokenizer has a chat template.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        # Engines with one base share this, and each may be asked in a thread of its own; a tokenizer keeps settings.
        self._lock = Lock()
        self._chat = _undated(tokenizer.get_chat_template()) if tokenizer.chat_template else None
        self.is_chat = self._chat is not None
        self._pieces: dict[str, tuple[int, ...]] = {}
        self._prompts: dict[tuple[tuple[Message, ...], tuple[str, ...]], tuple[str, ...]] = {}
        special = {id_: str(token) for id_, token in tokenizer.added_tokens_decoder.items() if token.special}
        self._reserved = tuple(special.values())
        self._has_channels = TO_FINAL.partition("final")[0] in (self._chat or "")
        marks = {id_ for id_, token in special.items() if is_mark(token, has_channels=self._has_channels)}
        # Without marks of reasoning among the control tokens, the tokenizer may leave all of them out of a text.
        self._silent = frozenset(special) - marks if marks else None

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits of what turns messages into text."""
        parts = [self._chat, "" if self.is_chat else self._bos, self.closing, TODAY.isoformat()]
        if self.opens:
            parts.append(self.opens.closing)
        return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=8).hexdigest()

    @cached_property
    def closing(self) -> str:
        """What ends the assistant's turn: the end-of-turn token, or a blank line in a transcript."""
        if not self.is_chat:
            return TURN_END
        turns = [{"role": "user", "content": _MARK}, {"role": "assistant", "content": _MARK}]
        rest = self._apply(turns, False).rpartition(_MARK)[2]
        present = [token for token in self._reserved if token in rest]
        end: str | None = min(present, key=rest.index) if present else self._tokenizer.eos_token
        if end is None:
            raise EngineError("the chat template and the tokenizer name no end-of-turn token; add eos_token")
        return end

    @cached_property
    def opens(self) -> OpenBlock | None:
        """The thoughts inside which a prompt usually ends, None where the answer follows at once."""
        return open_block(self._turn, has_channels=self._has_channels) if self.is_chat else None

    def opening(self, request: Request) -> str:
        """What stands before the first word of a written reply: the mark of the thoughts it begins in, if any."""
        if request.is_raw or _is_led(request):
            return ""
        block = self._left_open(self._joined(request.messages), request.messages)
        return f"{block.mark}\n" if block and block.mark else ""

    def _left_open(self, prompt: str, messages: tuple[Message, ...]) -> OpenBlock | None:
        """Thoughts that a prompt leaves open behind its last message; what somebody says of them opens none."""
        if not self.is_chat or (self._turn and prompt.endswith(self._turn)):
            return self.opens
        # Some templates go by a switch in a message.
        last = messages[-1].text.strip()
        start = prompt.rfind(last) if last else -1
        tail = prompt[start + len(last) :] if start >= 0 else prompt[-_TAIL:]
        return open_block(tail, has_channels=self._has_channels)

    def most_bytes(self, request: Request) -> int:
        """Bytes, at most, of a prompt and its longest continuation; cheap, as nothing is rendered."""
        sent = sum(len(message.text.encode()) + self._frame for message in request.messages)
        sent += max((len(text.encode()) + self._frame for text in request.premises), default=0)
        return sent + max((len(text.encode()) for text in self.continuations(request)), default=0)

    def render(self, request: Request) -> str:
        """Give the exact prompt text, without continuations.

        `EngineError` if the template refuses the sequence of turns, or a message holds one of the model's control
        tokens, which would be read as such and not as text.
        """
        self.check_text(request)
        if request.is_raw:
            return self._bos + request.messages[0].text
        prompt = self._joined(request.messages)
        block = self._left_open(prompt, request.messages) if _is_led(request) else None
        if block is None:
            return prompt
        return f"{prompt.removesuffix(_LINE_END)}{block.closing}" if block.mark else prompt + block.closing

    def continuations(self, request: Request) -> tuple[str, ...]:
        """Give the exact text of each continuation, and of the turn's closing where it is asked for."""
        lead = "" if self.is_chat or request.is_raw else " "
        closing = (self._eos if request.is_raw else self.closing) if request.closes else ""
        return tuple(f"{lead}{text}{closing}" for text in request.continuations)

    def tokenize(self, texts: list[str]) -> list[tuple[int, ...]]:
        """Token ids of rendered texts; nothing is added to them."""
        if self._splitter is None:
            return self._whole(texts)
        return [tuple(chain.from_iterable(map(self._piece, self._splitter.split(text)))) for text in texts]

    def _tokenize_raw(self, texts: list[str]) -> list[tuple[int, ...]]:
        """Token ids of raw texts, behind the beginning-of-text token; paragraphs that come again are remembered."""
        begin = (self._tokenizer.bos_token_id,) if self._bos else ()
        cut = self._cut
        if cut is None:
            return [begin + ids for ids in self._whole(texts)]
        split = [cut.split(text) for text in texts]
        # Worked exemplars come in many prompts, and the last paragraph, the question, in one.
        last = self._whole([pieces[-1] for pieces in split])
        return [
            tuple(chain(begin, *map(self._piece, pieces[:-1]), ids)) for pieces, ids in zip(split, last, strict=True)
        ]

    def tokenize_as_words(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Token ids of texts as they stand, with what frames a text; control tokens in them are read as words."""
        with self._lock:
            ids = self._tokenizer(list(texts), split_special_tokens=True, verbose=False)["input_ids"]
        return [tuple(row) for row in ids]

    @cached_property
    def _cut(self) -> re.Pattern[str] | None:
        """Where paragraphs may be cut apart for this tokenizer; None where pieces would have other tokens."""
        texts = [f"One {end}\n\n{begin} two {end}\n\n{begin} three:" for end in _ENDINGS for begin in _BEGINNINGS]
        wholes = self._whole(texts)
        for cut in _CUTS:
            pieces = [cut.split(text) for text in texts]
            parts = iter(self._whole([piece for found in pieces for piece in found]))
            joined = [tuple(chain.from_iterable(next(parts) for _ in found)) for found in pieces]
            if joined == wholes:
                return cut
        return None

    def _whole(self, texts: list[str]) -> list[tuple[int, ...]]:
        # verbose=False: its warning about length knows the tokenizer's limit, not the model's.
        with self._lock:
            ids = self._tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        return [tuple(row) for row in ids]

    def _piece(self, text: str) -> tuple[int, ...]:
        """Token ids of a piece between control tokens, remembered: personas and items come back many times."""
        ids = self._pieces.get(text)
        if ids is None:
            if len(self._pieces) >= PIECES:
                self._pieces.clear()
            ids = self._pieces[text] = self._whole([text])[0] if text else ()
        return ids

    @cached_property
    def _splitter(self) -> re.Pattern[str] | None:
        """What cuts a text at its control tokens; None where the pieces would not be the tokens of the whole.

        A tokenizer takes control tokens out of a text before anything else, unless it is set up to strip the space
        beside them or to treat a text's beginning differently.
        """
        if not self._reserved:
            return None
        splitter = re.compile(f"({'|'.join(map(re.escape, sorted(self._reserved, key=len, reverse=True)))})")
        turns = self._joined((Message("user", _MARK), Message("assistant", _MARK), Message("user", _MARK)))
        tokens = [token for token in self._reserved if token in self._bos + turns] or self._reserved[:1]
        for between in (_MARK, f" {_MARK} ", f"\n{_MARK}\n", f"  {_MARK}\t", f"{_MARK} é\u0301 \u3000", ".", "\n\n"):
            text = between + "".join(f"{token}{between}" for token in tokens)
            pieces = self._whole([piece for piece in splitter.split(text) if piece])
            if tuple(chain.from_iterable(pieces)) != self._whole([text])[0]:
                return None
        return splitter

    def encode(self, request: Request) -> Encoded:
        """Token ids of a request.

        Prompt and continuation are tokenised together, as the model would meet them. Where a continuation
        merges with the last tokens of the prompt, all continuations of the request are scored from the end
        of what every one of them shares with the prompt alone. Each score is then the log-probability of the
        same stretch of prompt plus the continuation, so options stay comparable and their normalised
        probabilities are those given the prompt's text. `EngineError` if two continuations have the same tokens, one
        adds none, or all of the prompt would merge.
        """
        if request.premises:
            return self._encode_premises(request)
        prompt = self.render(request)
        texts = self.continuations(request)
        if request.is_raw:
            # Not the beginning-of-text token's text: a tokenizer may treat a text's first word in its own way.
            prompt = request.messages[0].text
        tokenize = self._tokenize_raw if request.is_raw else self.tokenize
        alone, *joint = tokenize([prompt, *(prompt + text for text in texts)])
        if not joint:
            return Encoded(sequences=(alone,), start=len(alone))
        start = min(shared_length(alone, ids) for ids in joint)
        if start == 0:
            raise EngineError(f"an option merges with the whole prompt {_short(prompt)}; lengthen it")
        self._refuse_same(texts, joint)
        for text, ids in zip(texts, joint, strict=True):
            if len(ids) <= start or ids == alone:
                raise EngineError(f"option {_short(text)} has no tokens of its own; reword it")
        return Encoded(sequences=tuple(joint), start=start)

    def _encode_premises(self, request: Request) -> Encoded:
        """One text behind each premise; `EngineError` unless the same tokens are scored behind all of them."""
        self.check_text(request)
        key = request.messages, request.premises
        prompts = self._prompts.get(key)
        if prompts is None:
            if len(self._prompts) >= PIECES:
                self._prompts.clear()
            prompts = self._prompts[key] = tuple(self.render(single) for single in request.alone)
        [text] = self.continuations(request)
        alone, joint = self.tokenize(list(prompts)), self.tokenize([prompt + text for prompt in prompts])
        starts = tuple(shared_length(*pair) for pair in zip(alone, joint, strict=True))
        scored = {ids[start:] for ids, start in zip(joint, starts, strict=True)}
        if len(scored) > 1 or not all(starts) or () in scored:
            raise EngineError(f"text {_short(text)} has no tokens of its own, or other ones behind other premises")
        return Encoded(sequences=tuple(joint), start=min(starts), own_starts=starts)

    def check_text(self, request: Request) -> None:
        """Refuse text that holds one of the model's control tokens."""
        for text in (*(m.text for m in request.messages), *request.premises, *request.continuations):
            for token in self._reserved:
                if token in text:
                    raise EngineError(
                        f"the text {_short(text)} holds {token!r}, a control token of this model; "
                        "write it differently, e.g. with a space inside"
                    )

    def check_options(self, request: Request) -> None:
        """Refuse continuations that have no tokens, or the same ones, whatever the prompt."""
        texts = self.continuations(request)
        ids = self.tokenize(list(texts)) if texts else []
        for text, row in zip(texts, ids, strict=True):
            if not row:
                raise EngineError(f"option {_short(text)} has no tokens; reword it")
        self._refuse_same(texts, ids)

    def decode(self, ids: list[int]) -> str:
        """Text of written tokens, without control tokens but those that tell thoughts from what is said."""
        silent = self._silent
        kept = ids if silent is None else [id_ for id_ in ids if id_ not in silent]
        how = {"skip_special_tokens": silent is None, "clean_up_tokenization_spaces": False}
        return str(self._tokenizer.decode(kept, **how))

    def _refuse_same(self, texts: tuple[str, ...], ids: list[tuple[int, ...]]) -> None:
        first: dict[tuple[int, ...], str] = {}
        for text, row in zip(texts, ids, strict=True):
            if row in first:
                raise EngineError(
                    f"options {_short(first[row])} and {_short(text)} are the same tokens to this model; reword one"
                )
            first[row] = text

    @cached_property
    def _bos(self) -> str:
        """The beginning-of-text token, where the tokenizer puts one before plain text."""
        bos = self._tokenizer.bos_token
        if bos is None:
            return ""
        ids = self._tokenizer(_MARK)["input_ids"]
        return str(bos) if ids[:1] == [self._tokenizer.bos_token_id] else ""

    @property
    def _eos(self) -> str:
        """The end-of-text token."""
        if self._tokenizer.eos_token is None:
            raise EngineError("the tokenizer names no end-of-text token; set eos_token")
        return str(self._tokenizer.eos_token)

    @cached_property
    def _turn(self) -> str:
        """What the template puts behind a user turn, to have a reply."""
        return self._joined((Message("user", _MARK),)).rpartition(_MARK)[2]

    @cached_property
    def _frame(self) -> int:
        """Bytes added around one message, at most."""
        user = Message("user", _MARK)
        sent = ((user,), (Message("system", _MARK), user), (user, Message("assistant", _MARK), user))
        closing = len(self.opens.closing.encode()) if self.opens else 0
        return max(len(self._joined(messages).encode()) for messages in sent) + closing

    def _joined(self, messages: tuple[Message, ...]) -> str:
        if not self.is_chat:
            return self._bos + "".join(_TRANSCRIBED[message.role].format(message.text) for message in messages)
        turns = [{"role": m.role, "content": m.text} for m in messages]
        head, *tail = turns
        tries = [turns]
        if head["role"] == "system" and tail:
            tries.append([tail[0] | {"content": f"{head['content']}\n\n{tail[0]['content']}"}, *tail[1:]])
        for tried in tries:
            try:
                return self._apply(tried, True)
            except TemplateError as error:
                refused = error
        raise EngineError(
            f"the model's chat template refuses these turns: {refused}; "
            "send user and assistant turns in alternation, at most one system turn first"
        )

    def _apply(self, turns: list[dict[str, str]], prompts_reply: bool) -> str:
        how = {"tokenize": False, "enable_thinking": False, "date_string": TODAY.strftime("%d %b %Y")}
        return str(
            self._tokenizer.apply_chat_template(
                turns, chat_template=self._chat, add_generation_prompt=prompts_reply, **how
            )
        )


def _is_led(request: Request) -> bool:
    """Whether the answer has to be the first thing said: options to score, a schema to follow."""
    return bool(request.continuations) or request.schema is not None


def _undated(chat: str) -> str:
    """Put `TODAY` where a template asks for the date; it takes values, not another calendar."""
    return re.sub(r"""strftime_now\(\s*(["'])(.*?)\1\s*\)""", lambda found: repr(TODAY.strftime(found[2])), chat)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
