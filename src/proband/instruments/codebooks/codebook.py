"""A codebook: an instrument that is asked about documents, with a definition for every code."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from proband.errors import Gathering, InstrumentError
from proband.instruments.items import Instrument, Item

UNDECIDED = "None of these, or the text does not say enough to decide."
"""What "cannot tell" is defined as in every codebook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code of a question.

    Attributes
    ----------
    label : str
        What is written for it; the text of its option.
    definition : str
        What it means.
    includes, excludes : tuple of str
        What counts, and what does not, each a phrase.
    examples : tuple of str
        Passages that have it.
    under : str
        The code of the same question that it is part of; empty at the top.
    """

    label: str
    definition: str
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    under: str = ""


@dataclass(frozen=True, kw_only=True, repr=False)
class Codebook(Instrument):
    """Questions about documents; one item a question, one option a code.

    Everything in it is part of its hash, and shown to coders as its `preamble`.

    Attributes
    ----------
    codes : mapping of str to tuple of Code
        By question, in the order written. Codes that others stand under are no options: they only gather them.
    rules : tuple of str
        How doubtful cases are decided, for all questions.
    introduction : str
        What the documents are and what is wanted of them.
    """

    codes: Mapping[str, tuple[Code, ...]] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    introduction: str = ""

    def __post_init__(self) -> None:
        found = Gathering()
        for item in self.items:
            with found.part():
                given = tuple(option for k, option in enumerate(item.options) if k not in item.dont_know)
                check_codes(item.id, self.codes.get(item.id, ()), given, item.options)
        found.settle()
        object.__setattr__(self, "preamble", _preamble(self))
        super().__post_init__()

    def subset(self, ids: tuple[str, ...]) -> "Codebook":
        """The codebook cut to some questions, in the order given; its preamble tells of no others."""
        items = tuple(self[id] for id in ids)
        return replace(self, items=items, codes={id: self.codes.get(id, ()) for id in ids}, scales=())

    def parent(self, item: str, label: str) -> str:
        """The code that a code of a question stands under; the code itself at the top, or where it has no definition.

        A table of codes is made coarser by it.
        """
        under = {code.label: code.under for code in self.codes.get(item, ())}
        return under.get(label) or label


def leaves(codes: tuple[Code, ...]) -> tuple[Code, ...]:
    """The codes that can be given: those that no other stands under."""
    above = {code.under for code in codes}
    return tuple(code for code in codes if code.label not in above)


def folded(label: str) -> str:
    """A label as it is told from others: NFKC, without case, blanks run together."""
    return " ".join(unicodedata.normalize("NFKC", label).casefold().split())


def check_codes(question: str, codes: tuple[Code, ...], given: Sequence[str], options: Sequence[str]) -> None:
    """Refuse codes without definition, that are one when folded, or that stand under what is not there.

    `given` are the options that a definition is needed for, `options` all of them.
    """
    where = f"question {question!r}"
    labels: dict[str, str] = {}
    written = [code.label for code in codes]
    for label in dict.fromkeys((*written, *options)):
        if (twin := labels.setdefault(folded(label), label)) != label:
            raise InstrumentError(f"{where}: codes {twin!r} and {label!r} are one, case and blanks aside; rename one")
    for code in codes:
        named = f"{where}, code {code.label!r}"
        if written.count(code.label) > 1:
            raise InstrumentError(f"{named} is there twice; keep one of them")
        if not code.definition.strip():
            raise InstrumentError(f"{named} has no definition; write what it means, and what does not count")
        if code.under and code.under not in written:
            raise InstrumentError(f"{named} stands under {code.under!r}, which is no code of this question; write it")
        if any(above.label == code.under and above.under for above in codes):
            raise InstrumentError(f"{named} stands under {code.under!r}, which is itself under one; two levels at most")
    if undefined := [option for option in given if option not in written]:
        raise InstrumentError(f"{where}: code {undefined[0]!r} has no definition; write one")


def _preamble(book: Codebook) -> str:
    """The codebook as coders read it: what all prompts begin with."""
    parts = [f"Codebook: {book.title}", book.introduction]
    if book.rules:
        parts.append("Rules:\n" + "\n".join(f"{k}. {rule}" for k, rule in enumerate(book.rules, start=1)))
    parts += [_question(item, book.codes.get(item.id, ())) for item in book.items]
    return "\n\n".join(part for part in parts if part)


def _question(item: Item, codes: tuple[Code, ...]) -> str:
    lines = [f"Question {item.id!r}: {item.text}"]
    tops = [code for code in codes if not code.under]
    for code in tops:
        lines += _told(code, "- ")
        for below in codes:
            if below.under == code.label:
                lines += _told(below, "  - ")
    lines += [f"- {field_.name}: {field_.definition}" for field_ in item.fields]
    lines += [f"- {item.options[k]}: {UNDECIDED}" for k in item.dont_know]
    return "\n".join(lines)


def _told(code: Code, bullet: str) -> list[str]:
    blank = " " * len(bullet)
    lines = [f"{bullet}{code.label}: {code.definition}"]
    lines += [f"{blank}Counts: {'; '.join(code.includes)}."] if code.includes else []
    lines += [f"{blank}Does not count: {'; '.join(code.excludes)}."] if code.excludes else []
    return lines + [f'{blank}Example: "{example}"' for example in code.examples]
