"""How a question is put to a model, and what it is scored on: one place for asking, evaluating and training."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from proband.errors import DesignError, strange_choice
from proband.files import beside
from proband.instruments.banks.bank import Question
from proband.instruments.banks.subjects import MMLU_CATEGORIES
from proband.records import Message, Request

Layout = Literal["plain", "chat", "turns"]
AnswerBy = Literal["label", "option_text", "option_text_mean"]
Orders = Literal["as_written", "cyclic"]
Choosing = Literal["drawn", "ren2024"]
BLANK_LINE = "\n\n"


@dataclass(frozen=True, kw_only=True)
class Prompt:
    r"""A way of asking a question, also called an ask.

    A plain prompt is one raw text: header, worked exemplars, the question, its options and a cue, behind which the
    answer stands. ``Answer:`` and `` A`` are scored as the model would read them on: the gap belongs to the answer,
    so that the token that follows in exemplars, in training and in scoring is the same one.

    - `name`: of the ask; a level of the factor ``ask``.
    - `template` ({"plain", "chat", "turns"}): raw text; the model's own chat template; raw text with written roles.
    - `shots`: exemplars before the question.
    - `answer_by` ({"label", "option_text", "option_text_mean"}): what is scored: the labels, the option texts, or
      these per token.
    - `draws`: different draws of exemplars that every question is asked with.
    - `orders` ({"as_written", "cyclic"}): options as written, or every rotation of them.
    - `shows_options`: false for a cloze: options are scored, and not shown.
    - `header`: first line; ``{domain}`` is the question's domain, ``{subject}`` the same but for questions of MMLU,
      which are headed by their subject behind one more space, as Ren et al. did. Empty for none..
    - `stem`, `option`, `cue`, `answer`: ``{question}``; one line an option, of ``{label}`` and ``{text}``; what
      stands before the answer; and what an answer by label says, which must begin with ``{label}``. An answer by text
      is the option's text..
    - `gap`: between cue and answer in raw text.
    - `exemplar_gap`: the same in exemplars; None for `gap`. Another one makes exemplars end otherwise than the
      question is scored..
    - `background`: how a context stands before the question; ``{context}``.
    - `system`, `user`, `assistant`, `between`, `after`: system text of a chat, and, in written roles: marks, what
      stands between turns, what ends a turn.
    - `choosing` ({"drawn", "ren2024"}): exemplars drawn by place, or the first of the domain's exemplars (of those of
      an MMLU question's subject, where there are enough) as Ren et al. shuffled theirs..
    - `labels`: labels in the order shown.

    Raises
    ------
    DesignError
        If the settings contradict each other.
    """

    name: str
    template: Layout = "plain"
    shots: int = 5
    answer_by: AnswerBy = "label"
    draws: int = 1
    orders: Orders = "as_written"
    shows_options: bool = True
    header: str = "The following are multiple choice questions about {domain}. Please choose the correct answer."
    stem: str = "{question}"
    option: str = "{label}. {text}"
    cue: str = "Answer:"
    answer: str = "{label}. {text}"
    gap: str = " "
    exemplar_gap: str | None = None
    background: str = "{context}\n\n"
    system: str = ""
    user: str = "USER: "
    assistant: str = "ASSISTANT:"
    between: str = " "
    after: str = "\n"
    choosing: Choosing = "drawn"
    labels: tuple[str, ...] = tuple(string.ascii_uppercase)

    def __post_init__(self) -> None:
        if strange := strange_choice(self):
            raise self._refused(strange)
        if not self.name.strip() or self.shots < 0 or self.draws < 1:
            raise self._refused("it needs a name, 0 or more shots and 1 or more draws")
        if self.draws > 1 and (self.shots == 0 or self.choosing != "drawn"):
            raise self._refused(f"{self.draws} draws of exemplars that are not drawn would all be the same; use 1")
        if "{question}" not in self.stem or "{context}" not in self.background:
            raise self._refused("stem must hold {question}, and background {context}")
        if "{text}" not in self.option or not self.answer.startswith("{label}"):
            raise self._refused("option must hold {text}, and answer must begin with {label}")
        if self.answer_by == "label" and not (self.shows_options and "{label}" in self.option):
            raise self._refused("labels are scored that are not shown; show {label} in `option`, or score the texts")
        if self.orders == "cyclic" and not self.shows_options:
            raise self._refused("options that are not shown have no order to rotate; use orders = 'as_written'")
        if self.is_raw and self.shows_options and not self.cue:
            raise self._refused("in raw text the answer would go on with the last option; give a cue")
        if self.is_raw and any(text != text.rstrip() for text in (self.cue, self.assistant)):
            raise self._refused("cue and assistant must not end in white space: it belongs to `gap`")
        if len(set(self.labels)) < len(self.labels):
            raise self._refused("two labels are the same")

    def _refused(self, cause: str) -> DesignError:
        return DesignError(f"prompt {self.name!r}: {cause}")

    @property
    def is_raw(self) -> bool:
        """Whether what is sent is one text, without the model's chat template."""
        return self.template != "chat"

    @property
    def lead(self) -> str:
        """What every answer begins with."""
        return self.gap if self.is_raw else ""

    @property
    def end(self) -> str:
        """What ends an answer, where worked exemplars in raw text show that something does."""
        if not self.shots or self.template == "chat":
            return ""
        return BLANK_LINE if self.template == "plain" else self.after

    def turns(self, n: int) -> int:
        """Orders in which a question with n options is shown."""
        return n if self.orders == "cyclic" else 1

    def order(self, n: int, turn: int = 0) -> tuple[int, ...]:
        """Indices as written of n options, in the order shown."""
        return _rotation(n, turn)


@lru_cache(1024)
def _rotation(n: int, turn: int) -> tuple[int, ...]:
    return tuple((k + turn) % n for k in range(n))


@dataclass(frozen=True, slots=True, kw_only=True)
class Posed:
    """A question as it is sent, and what is scored, in the order shown."""

    messages: tuple[Message, ...]
    is_raw: bool
    continuations: tuple[str, ...]
    closes: bool

    @property
    def request(self) -> Request:
        """The request that scores it."""
        return Request(messages=self.messages, continuations=self.continuations, closes=self.closes, is_raw=self.is_raw)


def pose(
    question: Question,
    prompt: Prompt,
    *,
    order: Sequence[int] | None = None,
    exemplars: Sequence[Question] = (),
    context: str = "",
) -> Posed:
    """A question as a prompt has it: what asking and training both send.

    Parameters
    ----------
    order : sequence of int, optional
        ``order[k]`` is the index as written of the option shown in place k; default as written.
    exemplars : sequence of Question
        Worked questions before it, ``prompt.shots`` of them, in order; their options stand as written.
    context : str
        Text that stands before the question.

    Raises
    ------
    DesignError
        If the number of exemplars is not that of the prompt, or there are more options than labels.

    Examples
    --------
    >>> question = Question(id="q", text="2 + 2 =", choices=("3", "4"), answer=1, domain="sums")
    >>> posed = pose(question, PROMPTS["zero-shot"])
    >>> print(posed.messages[0].text)
    The following are multiple choice questions about sums. Please choose the correct answer.
    <BLANKLINE>
    2 + 2 =
    A. 3
    B. 4
    Answer:
    >>> posed.continuations
    (' A', ' B')
    """
    if len(exemplars) != prompt.shots:
        raise DesignError(
            f"prompt {prompt.name!r} has {prompt.shots} shots and question {question.id!r} was given "
            f"{len(exemplars)} exemplars; give as many"
        )
    shown = _order(question, prompt, order)
    block = _block(question, prompt, shown, context)
    scored, closes = _scored(question, prompt, shown)
    return Posed(
        messages=_messages(prompt, question, tuple(exemplars), block),
        is_raw=prompt.is_raw,
        continuations=scored,
        closes=closes,
    )


def reply_to(
    question: Question,
    prompt: Prompt,
    answer: int,
    *,
    order: Sequence[int] | None = None,
    explanation: str = "",
    refusal: str = "",
) -> str:
    r"""What training teaches a model to reply; it begins with exactly the characters that scoring scores.

    Parameters
    ----------
    question, prompt, order
        As for `pose`.
    answer : int
        Index as written of the option that is taught.
    explanation : str
        Follows the answer on a line of its own.
    refusal : str
        Taught in place of an answer.

    Examples
    --------
    >>> question = Question(id="q", text="2 + 2 =", choices=("3", "4"), answer=1, domain="sums")
    >>> reply_to(question, PROMPTS["ren2024-evaluation"], 1, explanation="Count on from 2.")
    ' B. 4\nCount on from 2.'
    """
    if not 0 <= answer < len(question.choices):
        raise DesignError(f"question {question.id!r}: {answer} is no index of {len(question.choices)} options")
    if refusal:
        return f"{prompt.lead}{refusal}{prompt.end}"
    shown = _order(question, prompt, order)
    told = f"{prompt.lead}{_answer(question, prompt, answer, shown)}"
    if explanation:
        return f"{told}{prompt.end or chr(10)}{explanation}"
    return f"{told}{prompt.end}"


def continuations(question: Question, prompt: Prompt, *, order: Sequence[int] | None = None) -> tuple[str, ...]:
    """What is scored, in the order shown, with the space that really follows the prompt."""
    return _scored(question, prompt, _order(question, prompt, order))[0]


def mmlu_subject(question: Question) -> str:
    """The question's subject in MMLU, empty where it is of another source."""
    return question.topic if question.topic in MMLU_CATEGORIES else ""


def _order(question: Question, prompt: Prompt, order: Sequence[int] | None) -> tuple[int, ...]:
    n = len(question.choices)
    if n > len(prompt.labels):
        raise DesignError(
            f"question {question.id!r} has {n} options and prompt {prompt.name!r} {len(prompt.labels)} labels"
        )
    shown = _rotation(n, 0) if order is None else tuple(order)
    if order is not None and sorted(shown) != list(range(n)):
        raise DesignError(f"question {question.id!r}: {shown} is no order of {n} options")
    return shown


def _block(question: Question, prompt: Prompt, order: Sequence[int], context: str = "") -> str:
    """The question with its options and the cue."""
    lines = [prompt.stem.replace("{question}", question.text)]
    if prompt.shows_options:
        lines += [
            prompt.option.replace("{label}", label).replace("{text}", question.choices[k])
            for label, k in zip(prompt.labels, order, strict=False)
        ]
    if prompt.cue:
        lines.append(prompt.cue)
    before = prompt.background.replace("{context}", context) if context else ""
    return before + "\n".join(lines)


def _answer(question: Question, prompt: Prompt, answer: int, order: Sequence[int]) -> str:
    text = question.choices[answer]
    if prompt.answer_by != "label":
        return text
    label = prompt.labels[tuple(order).index(answer)]
    return prompt.answer.replace("{label}", label).replace("{text}", text)


def _scored(question: Question, prompt: Prompt, order: Sequence[int]) -> tuple[tuple[str, ...], bool]:
    """What is scored, and whether the end of the turn is scored with it."""
    if prompt.answer_by == "label":
        return _labels(prompt.labels[: len(order)], prompt.lead), False
    texts = [question.choices[k] for k in order]
    # "1" is how "10" begins: then it matters that the answer ends. After exemplars it ends as theirs do.
    is_open = any(a != b and b.startswith(a) for a in texts for b in texts)
    end = prompt.end if is_open else ""
    return tuple(f"{prompt.lead}{text}{end}" for text in texts), is_open and not end


@lru_cache(1024)
def _labels(labels: tuple[str, ...], lead: str) -> tuple[str, ...]:
    return tuple(f"{lead}{label}" for label in labels)


def _messages(prompt: Prompt, question: Question, exemplars: tuple[Question, ...], block: str) -> tuple[Message, ...]:
    subject = f" {mmlu_subject(question)}" if mmlu_subject(question) else question.domain
    opening = _opening(prompt, question.domain, subject, exemplars)
    if prompt.template != "chat":
        closing = f"{prompt.between}{prompt.assistant}" if prompt.template == "turns" else ""
        return (Message("user", f"{opening[0].text}{block}{closing}"),)
    # The last message of an opening is the header that the first user turn begins with; empty behind exemplars.
    return (*opening[:-1], Message("user", f"{opening[-1].text}{block}"))


@lru_cache(512)
def _opening(prompt: Prompt, domain: str, subject: str, exemplars: tuple[Question, ...]) -> tuple[Message, ...]:
    """All that stands before the question: the same for a domain's questions, so it is made once a draw."""
    header = prompt.header.replace("{domain}", domain.replace("_", " ")).replace("{subject}", subject.replace("_", " "))
    header += BLANK_LINE if header else ""
    solved = [_solved(prompt, exemplar) for exemplar in exemplars]
    if prompt.template == "chat":
        system = [Message("system", prompt.system)] if prompt.system else []
        turns: list[Message] = []
        for asked, answered in solved:
            turns += [Message("user", f"{header}{asked}"), Message("assistant", answered)]
            header = ""
        return (*system, *turns, Message("user", header))
    gap = prompt.gap if prompt.exemplar_gap is None else prompt.exemplar_gap
    if prompt.template == "plain":
        return (Message("user", header + "".join(f"{asked}{gap}{told}{BLANK_LINE}" for asked, told in solved)),)
    text = f"{prompt.system}{prompt.between}" if prompt.system else ""
    for asked, told in solved:
        text += f"{prompt.user}{header}{asked}{prompt.between}{prompt.assistant}{gap}{told}{prompt.after}"
        header = ""
    return (Message("user", f"{text}{prompt.user}{header}"),)


def _solved(prompt: Prompt, exemplar: Question) -> tuple[str, str]:
    order = _order(exemplar, prompt, None)
    return _block(exemplar, prompt, order), _answer(exemplar, prompt, exemplar.answer, order)


PROMPTS: Mapping[str, Prompt] = {name: Prompt(name=name, **table) for name, table in beside(__file__).items()}
"""Prompts by name."""
