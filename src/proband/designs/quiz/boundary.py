"""Where a prompt ends and an answer begins, in a model's own tokens: the same in scoring, exemplars and training."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from proband.designs.quiz.prompts import Posed, Prompt, pose, reply_to
from proband.errors import EngineError
from proband.instruments.banks.bank import Question
from proband.models.engine import BaseEngine
from proband.models.local.templates import Template
from proband.records import Request

_MADE_UP = Question(
    id="made up",
    text="Which of these is a colour?",
    choices=("Table", "Green", "Seven", "Running"),
    answer=1,
    domain="words",
    explanation="Green is the colour of grass.",
)


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """What was found where answers begin: whether those of exemplars begin with the tokens that are scored.

    `merging_ends` are questions with an option whose last token merges with what follows it in training. Its beginning
    does not.
    """

    prompt: str
    n_questions: int
    exemplars_agree: bool
    merging_ends: tuple[str, ...] = ()


def check_boundary(
    engine: BaseEngine | Template, prompt: Prompt, questions: Iterable[Question] = ()
) -> Boundary | None:
    """Refuse a prompt whose answers do not begin where the prompt ends, in a model's tokens.

    A label must be one token behind the prompt. Nothing of the prompt may merge with an answer. And what training
    teaches must begin with the tokens that are scored. None for an engine that shows no tokenizer; the options of some
    questions are looked at, by default those of a made-up one.

    Raises
    ------
    EngineError
        Naming the label or option and the token ids.
    """
    template = engine if isinstance(engine, Template) else getattr(engine, "template", None)
    if template is None:
        return None
    asked = list(questions) or [_MADE_UP]
    merging = tuple(question.id for question in asked if _check(template, prompt, question))
    agree = _exemplars_agree(template, prompt)
    return Boundary(prompt=prompt.name, n_questions=len(asked), exemplars_agree=agree, merging_ends=merging)


def _check(template: Template, prompt: Prompt, question: Question) -> bool:
    """Check one question; tells whether an option's end merges with what follows it in training."""
    posed = pose(question, prompt, exemplars=[_MADE_UP] * prompt.shots)
    try:
        scored = list(_tokens(template, posed, posed.continuations))
    except EngineError as error:
        raise EngineError(f"question {question.id!r}, prompt {prompt.name!r}: {error}") from None
    if prompt.answer_by == "label":
        for label, (head, ids) in zip(prompt.labels, scored, strict=False):
            if len(ids) != 1:
                raise EngineError(
                    f"prompt {prompt.name!r}: label {label!r} is {len(ids)} tokens behind the prompt to this model, "
                    f"{list(ids)} (the prompt ends with {list(head[-3:])}); use labels of one token, or score the "
                    "texts: answer_by = 'option_text'"
                )
    is_merging = False
    for explanation in ("", _MADE_UP.explanation):
        replies = [reply_to(question, prompt, k, explanation=explanation) for k in range(len(scored))]
        taught = list(_tokens(template, posed, replies))
        for (_, ids), (_, told), reply in zip(scored, taught, replies, strict=True):
            if told[: len(ids)] == ids:
                continue
            if prompt.answer_by == "label" or told[: len(ids) - 1] != ids[:-1]:
                raise EngineError(
                    f"question {question.id!r}, prompt {prompt.name!r}: training would teach {reply[:40]!r} as tokens "
                    f"{list(told[: len(ids)])} where {list(ids)} are scored; change `answer` or `gap`"
                )
            is_merging = True
    return is_merging


def _tokens(
    template: Template, posed: Posed, texts: Sequence[str]
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Tokens of the prompt and of each text behind it; refuses a text that merges with the prompt."""
    for text in texts:
        request = Request(messages=posed.messages, continuations=(text,), is_raw=posed.is_raw)
        encoded = template.encode(request)
        [alone] = template.encode(replace(request, continuations=(), max_tokens=1)).sequences
        [ids] = encoded.sequences
        if encoded.start < len(alone):
            raise EngineError(
                f"{text[:40]!r} merges with the end of the prompt: tokens {list(alone[encoded.start :])} become "
                f"{list(ids[encoded.start : encoded.start + 3])}; change `gap` or `cue`"
            )
        yield alone, ids[encoded.start :]


def _exemplars_agree(template: Template, prompt: Prompt) -> bool:
    """Whether an exemplar's answer begins with the token that is scored."""
    if not prompt.shots or prompt.exemplar_gap in (None, prompt.gap) or not prompt.is_raw:
        return True
    alone = replace(prompt, shots=0, draws=1)
    posed = pose(_MADE_UP, alone)
    shown = reply_to(_MADE_UP, replace(alone, gap=prompt.exemplar_gap or ""), _MADE_UP.answer)
    scored = reply_to(_MADE_UP, alone, _MADE_UP.answer)
    try:
        (_, first), (_, second) = _tokens(template, posed, [shown, scored])
    except EngineError:
        return False
    return first[:1] == second[:1]
