"""The words a subject gets: persona, question, options, and how to reply.

A changed word here is a changed treatment: the golden files in ``tests/prompts`` show it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from proband.errors import DesignError
from proband.instruments.extraction import record_instruction
from proband.instruments.items import Item
from proband.instruments.pipes import PIPE, pipes_in
from proband.records import Method, ShowCard
from proband.subjects.personas import PersonaFormat

_AS_PERSON = {
    "first": "Answer the survey as the person who says this about themselves:\n\n{backstory}",
    "third": "Answer the survey as this person would answer it:\n\n{backstory}",
    "interview": "Answer the survey as the person who gave this interview:\n\n{backstory}",
}
_AS_NOBODY = "Answer the survey question."

_HOW_SCORED = {
    "option_text": "Reply with one of the options, word for word.",
    "option_text_mean": "Reply with one of the options, word for word.",
    "label": "Reply with the label of one option, and nothing else.",
}
_HOW_WRITTEN = {
    "choice": "Reply with one option, and nothing else.",
    "scale": "Reply with one option, and nothing else.",
    "multiple": "Reply with every option that applies, separated by semicolons, and nothing else. If none applies, "
    "reply: none",
    "ranking": "Reply with all options in your order, first to last, separated by semicolons, and nothing else.",
    "text": "Reply in your own words.",
    "spans": "Reply with a JSON list of objects, each with the keys code and quote, and nothing else: for every "
    "passage that one of the options applies to, the option and the passage, copied word for word. If there is none, "
    "reply: []",
}
ASSIGNED_AT_RANDOM = (
    "Details that differ between versions of this text were set by a random draw, so they tell you nothing beyond what "
    "they say."
)
_HOW_VERBALISED = (
    "How likely is each option as the answer? Reply with one line for each option, in the form "
    '"option: percent", adding up to 100.'
)


def system_text(backstory: str, format: PersonaFormat) -> str:
    """What is said before the survey: who answers it."""
    if format == "none" or not backstory:
        return _AS_NOBODY
    return _AS_PERSON[format].format(backstory=backstory)


def question_text(stem: str, text: str, options: str) -> str:
    """An item as shown: lead-in, wording, options."""
    return "\n\n".join(part for part in (stem, text, options) if part)


def card_of(item: Item, method: Method, order: Sequence[int], labels: Sequence[str], **words: Any) -> ShowCard:
    """An item as it is shown; `words` are those that differ from the item's own."""
    return ShowCard(
        form=item.form, options=tuple([item.options[k] for k in order]), labels=tuple(labels),
        instruction=instruction_text(item, method), lower=item.lower, upper=item.upper, total=item.total,
        unit=item.unit, **{"stem": item.stem, "text": item.text, **words},
    )  # fmt: skip


def options_text(item: Item, order: Sequence[int], labels: Sequence[str]) -> str:
    """The options, one a line; empty for an item without options."""
    if not order:
        return ""
    shown = [item.options[k] for k in order]
    if labels:
        return "\n".join(f"{label}. {option}" for label, option in zip(labels, shown, strict=True))
    return "Options:\n" + "\n".join(f"- {option}" for option in shown)


def instruction_text(item: Item, method: Method) -> str:
    """How to reply."""
    if method in _HOW_SCORED:
        return _HOW_SCORED[method]
    if method == "verbalised":
        return _HOW_VERBALISED
    if item.form == "number":
        return f"Reply with a number{_bounds(item)}, and nothing else."
    if item.form == "allocation":
        unit = f" {item.unit}" if item.unit else ""
        return (
            f"Divide {item.total:g}{unit} among the options. Reply with one line for each option, in the form "
            '"option: amount".'
        )
    if item.form == "record":
        return record_instruction(item)
    return _HOW_WRITTEN[item.form]


def _bounds(item: Item) -> str:
    unit = f" of {item.unit}" if item.unit else ""
    if item.lower is not None and item.upper is not None:
        return f"{unit} between {item.lower:g} and {item.upper:g}"
    if item.lower is not None:
        return f"{unit} of at least {item.lower:g}"
    return unit if item.upper is None else f"{unit} of at most {item.upper:g}"


def pipe(text: str, look_up: Callable[[str, str], str | None]) -> str | None:
    """A text with its pipes filled; None where `look_up` has nothing for one of them."""
    values = {(kind, name): look_up(kind, name) for kind, name in pipes_in(text)}
    if any(value is None for value in values.values()):
        return None
    return PIPE.sub(lambda match: values[match[1], match[2].strip()] or "", text)


_NAMED = {
    "subject": "column of the population",
    "answer": "earlier item",
    "stimulus": "column of the stimuli",
    "profile": "part of a profile",
}


def check_pipes(item: Item, known: Mapping[str, Sequence[str]]) -> None:
    """Refuse an item that pipes in what is not there; `known` has the names that each kind of pipe can take."""
    problems = [
        f"item {item.id!r}: {{{kind}:{name}}} names no {_NAMED.get(kind, kind)}; there are "
        f"{', '.join(known.get(kind, ())) or 'none'}"
        for kind, name in dict.fromkeys(pipes_in(item.stem) + pipes_in(item.text))
        if name not in known.get(kind, ())
    ]
    if problems:
        raise DesignError(*problems)
