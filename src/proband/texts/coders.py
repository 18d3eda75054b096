"""Coders and how each is asked: every question in every order, as what stands before and behind a document."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from json.encoder import encode_basestring
from typing import Any, Literal, get_args

from proband.designs.survey.arrangement import arrangements, check_apart, option_labels
from proband.designs.survey.cards import FITTING, has_prefix
from proband.errors import DesignError, meant, strange_choice
from proband.identity import rule_text
from proband.instruments.codebooks import Codebook
from proband.instruments.extraction import extraction_schema
from proband.instruments.items import Instrument, Item
from proband.records import SCORED_METHODS, Message, Method, Reply, Request
from proband.seeds import seed_for
from proband.texts.codes import code_texts
from proband.texts.wording import CHANNEL_FRAMING, FRAMING, premise_text, prompt_texts

METHODS: tuple[Method, ...] = tuple(method for method in get_args(Method) if method != "verbalised")
_DOCUMENT = "DOCUMENT\u0001"  # stands where the document will, while a request's text is cut in two


@dataclass(frozen=True, slots=True, kw_only=True)
class Coder:
    """One coder, and how it is asked.

    Attributes
    ----------
    name : str
        Its role; a study file gives the engine of it.
    answer_by : {"option_text", "option_text_mean", "label", "channel", "written"}
        Probabilities of the codes' texts or labels; of the document, were it written for each code; or a reply.
    order : {"both", "rotations", "as_written", "reversed"}
        Orders of the codes, all of which are asked: as written and reversed; as many as there are codes, each first
        once; or one. Channel, and forms without codes, have no order.
    labels : str
        Of the codes; see `Survey`.
    framing : str
        What is said before the codebook; empty for the usual words.
    questions : tuple of str
        Those that it answers; empty for all.
    replicates : int
        Repeats.
    temperature : float
        Of written replies.
    max_tokens : int or None
        Longest written reply; None takes one that fits.
    """

    name: str
    answer_by: Literal["option_text", "option_text_mean", "label", "channel", "written"] = "option_text"
    order: Literal["both", "rotations", "as_written", "reversed"] = "both"
    labels: str = "auto"
    framing: str = ""
    questions: tuple[str, ...] = ()
    replicates: int = 1
    temperature: float = 0.0
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        if strange := strange_choice(self):
            raise DesignError(f"coder {self.name!r}: {strange}")
        if not self.name.strip() or self.replicates < 1 or not 0 <= self.temperature < 100:
            raise DesignError(
                f"coder {self.name!r}: it needs a name, at least 1 replicate (found {self.replicates}) and a "
                f"temperature from 0 on (found {self.temperature})"
            )

    def asked(self, codebook: Instrument) -> list[Item]:
        """The questions that it answers, in the order of the codebook."""
        there = [item.id for item in codebook.items]
        for id in self.questions:
            if id not in there:
                raise DesignError(
                    f"coder {self.name!r}: no question {id!r} in {codebook.id!r}{meant(id, there)}; there are "
                    f"{', '.join(there)}"
                )
        return [item for item in codebook.items if not self.questions or item.id in self.questions]

    def method_for(self, item: Item, codebook: Instrument) -> Method:
        """How it answers a question: as asked for, or in writing where there are no codes to choose one of."""
        if self.answer_by == "channel":
            if item.form not in ("choice", "scale"):
                raise DesignError(
                    f"coder {self.name!r}: channel weighs the document under each code, and question {item.id!r} of "
                    f'form {item.form!r} has none to choose from; name its `questions`, or answer_by = "written"'
                )
            if not isinstance(codebook, Codebook) or not codebook.codes.get(item.id):
                raise DesignError(
                    f"coder {self.name!r}: channel needs a definition of every code, and question {item.id!r} has "
                    'none; write a codebook, or set answer_by = "option_text"'
                )
        return self.answer_by if item.form in ("choice", "scale") else "written"

    def orders(self, item: Item, method: Method) -> dict[str, tuple[int, ...]]:
        """Orders in which the codes are shown, by name."""
        if method == "channel":
            return {"as_written": tuple(k for k in range(len(item.options)) if k not in item.dont_know)}
        if not item.options:
            return {"as_written": ()}
        if self.order == "rotations":
            turned = arrangements(replace(item, form="choice"), "counterbalanced")
            return {str(k): order for k, order in enumerate(turned, start=1)}
        names = ("as_written", "reversed") if self.order == "both" else (self.order,)
        shown = {name: arrangements(item, name)[0] for name in names}
        # Two codes, one of which keeps its place, have one order.
        return shown if len(set(shown.values())) == len(shown) else {names[0]: shown[names[0]]}


class Face:
    """A question as a coder is asked it in one order: the words around a document, and how the answer is read."""

    def __init__(
        self,
        coder: Coder,
        item: Item,
        codebook: Instrument,
        *,
        order: tuple[int, ...],
        levels: tuple[tuple[str, str], ...],
    ) -> None:
        self.coder, self.item, self.levels, self.order = coder, item, levels, order
        self.method = coder.method_for(item, codebook)
        self.labels = () if self.method == "channel" else option_labels(item, coder.labels, self.method)
        if self.method == "written" and order:
            check_apart(item, "as_written", self.labels)
        self.is_drawn = self.method == "written" and coder.temperature > 0
        # Tables write the codes of a scale as points, which coders that read a table have to know.
        self.facts = (("points", "\n".join(code_texts(item))),) if item.form == "scale" else ()
        self.needs_source = item.form in ("record", "spans")
        self.rule = rule_text(self.method, "mode", self.labels)
        self._options = tuple(item.options[k] for k in order)
        self.settings: dict[str, Any] = {}
        if self.method == "channel":
            assert isinstance(codebook, Codebook)
            told = {code.label: premise_text(code) for code in codebook.codes[item.id]}
            self.system = Message("system", coder.framing or CHANNEL_FRAMING)
            self.settings["premises"] = tuple(told[option] for option in self._options)
            return
        self.system = Message("system", coder.framing or FRAMING)
        self._before, self._behind = prompt_texts(codebook.preamble, item, order, self.labels, self.method)
        if self.method in SCORED_METHODS:
            shown = self.labels if self.method == "label" else self._options
            self.settings = {"continuations": shown, "closes": has_prefix(shown)}
        else:
            longest = FITTING[item.form] if coder.max_tokens is None else coder.max_tokens
            self.settings = {"max_tokens": longest, "temperature": coder.temperature}
            self.settings |= {"schema": extraction_schema(item)} if self.needs_source else {}

    def messages(self, text: str) -> tuple[Message, ...]:
        """What is sent before anything is scored or written."""
        if self.method == "channel":
            return (self.system,)
        return (self.system, Message("user", f"{self._before}{text}{self._behind}"))

    def _weighed(self, text: str) -> dict[str, Any]:
        """By channel the document itself is what is scored."""
        return {"continuations": (text,)} if self.method == "channel" else {}

    def written_out(self, text: str) -> Request:
        """The request about a document, with all its words at once."""
        return Request(messages=self.messages(text), **self._weighed(text), **self.settings)

    def request(self, text: str, id: str, seed: int) -> Request:
        """The request about a document; its words are put together when they are looked at."""
        if not self.is_drawn:
            # Its words were checked when the face was made; to check every request would cost more than to make it.
            request: DocumentRequest = DocumentRequest.__new__(DocumentRequest)
            request.__dict__.update(self.settings, _face=self, _text=text, **self._weighed(text))
            return request
        return Request(messages=self.messages(text), seed=seed_for(seed, "write", id), **self.settings)

    @cached_property
    def plain_reply(self) -> Reply:
        """How an answer is read, whichever document it is about."""
        item = self.item
        return Reply(
            form=item.form, method=self.method, options=self._options, labels=self.labels, order=self.order,
            dont_know=item.dont_know, lower=item.lower, upper=item.upper, total=item.total, decide="mode",
            fields=item.fields,
        )  # fmt: skip

    def reply(self, text: str) -> Reply:
        """How the answer about a document is read."""
        if not self.needs_source:
            return self.plain_reply
        fields = {name: getattr(self.plain_reply, name) for name in Reply.__dataclass_fields__}
        return Reply(**{**fields, "source": text})

    @cached_property
    def parts(self) -> tuple[str, str]:
        """The body of a request before and behind the words of the document."""
        before, behind = self.written_out(_DOCUMENT).body.split(_as_json(_DOCUMENT))
        return before, behind

    @cached_property
    def _hashed(self) -> tuple[Any, bytes]:
        return hashlib.blake2b(self.parts[0].encode(), digest_size=16), self.parts[1].encode()

    def hash(self, text: str) -> str:
        """`Request.hash` of the request about a document; what all documents share was hashed once."""
        begun, behind = self._hashed
        state = begun.copy()
        state.update(_as_json(text).encode() + behind)
        return str(state.hexdigest())


class DocumentRequest(Request):
    """A request about a document: it holds the document and where it belongs, not the words of the whole.

    Tens of thousands are made ahead of an engine, and each would else be a copy of codebook and document, twice.
    """

    def __new__(cls, **given: Any) -> Any:
        """With words of its own, as `dataclasses.replace` makes it, a request like any other."""
        return Request(**given) if given else super().__new__(cls)

    _face: Face
    _text: str

    def __getattr__(self, name: str) -> Any:
        """The messages, made when looked at."""
        if name == "messages" and "_face" in self.__dict__:
            return self._face.messages(self._text)
        raise AttributeError(name)

    @property
    def body(self) -> str:
        """Canonical JSON text of the request."""
        before, behind = self._face.parts
        return f"{before}{_as_json(self._text)}{behind}"

    @property
    def hash(self) -> str:
        """32 hexadecimal digits, the identity of what was sent."""
        found: str | None = self.__dict__.get("_hash")
        if found is None:
            found = self.__dict__["_hash"] = self._face.hash(self._text)
        return found


@lru_cache(16)  # the questions about a document come one after another
def _as_json(text: str) -> str:
    """A text as it stands inside a JSON string."""
    return encode_basestring(text)[1:-1]


def faces_of(coders: Sequence[Coder], codebook: Instrument) -> list[tuple[Face, int]]:
    """Everything that is asked about one document, and its replicates: coder by coder, question by question."""
    found = []
    for coder in coders:
        for item in coder.asked(codebook):
            orders = coder.orders(item, coder.method_for(item, codebook))
            for name, order in orders.items():
                levels = (("coder", coder.name), *((("order", name),) if len(orders) > 1 else ()))
                face = Face(coder, item, codebook, order=order, levels=levels)
                found += [(face, k) for k in range(coder.replicates)]
    return found
