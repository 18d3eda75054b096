"""How the records of MMLU, MedMCQA, Xiezhi, OpenTriviaQA and of everyone else's files become questions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from proband.errors import DataError
from proband.instruments.banks.sources import LETTERS, Row
from proband.instruments.banks.subjects import MMLU_CATEGORIES, REN2024_DOMAINS, XIEZHI_DOMAINS

Format = Literal["auto", "generic", "mmlu", "medmcqa", "medmcqa-hub", "xiezhi", "opentriviaqa"]
SPLITS = ("dev", "val", "test", "train", "auxiliary_train", "validation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a record says, before its domain is settled.

    Attributes
    ----------
    subjects : tuple of str
        What a map of domains is looked up by; several where the record has several labels.
    domains : tuple of str
        The record's own domains, or the format's, where no map is given; may be empty.
    folder : str
        Of a file that is named after its split alone, e.g. ``history/test.jsonl``; else empty.
    """

    id: str
    text: str
    choices: tuple[str, ...]
    answer: int
    subjects: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    topic: str = ""
    explanation: str = ""
    split: str = ""
    folder: str = ""


def draft_of(row: Row, format: Format) -> Draft:
    """Read one row.

    Raises
    ------
    DataError
        If the record lacks a field or its answer cannot be found; the message does not name the file.
    """
    if row.damage:
        raise DataError(row.damage)
    return READERS[format_of(row) if format == "auto" else format](row)


def format_of(row: Row) -> Format:
    """The format that a row's fields speak for."""
    fields = row.fields
    if {"opa", "opb", "cop"} <= fields.keys():
        return "medmcqa"
    if {"labels", "options", "answer"} <= fields.keys():
        return "xiezhi"
    if _subject(row) in MMLU_CATEGORIES:
        return "mmlu"
    return "opentriviaqa" if "answer_text" in fields else "generic"


def medmcqa_count(rows: Iterable[Row]) -> Format:
    """Whether MedMCQA's keys count from 1, as in its own files, or from 0, as on the hub.

    Raises
    ------
    DataError
        If the keys of a file fit both or neither.
    """
    keys = {str(row.fields["cop"]) for row in rows if not row.damage and format_of(row) == "medmcqa"}
    if "0" in keys and "4" in keys:
        raise DataError("MedMCQA: `cop` runs from 0 to 4, for four options; the file is damaged or two are mixed")
    if "0" in keys:
        return "medmcqa-hub"
    if not keys or "4" in keys:
        return "medmcqa"
    raise DataError(
        "MedMCQA: no `cop` is 0 or 4, so it is open whether the keys count from 0 or 1; "
        'say format="medmcqa" (from 1, its own files) or format="medmcqa-hub" (from 0)'
    )


def _mmlu(row: Row) -> Draft:
    subject = _subject(row)
    domain = str(row.fields.get("domain") or "") or REN2024_DOMAINS.get(subject) or MMLU_CATEGORIES.get(subject, "")
    choices = _choices(row.fields)
    explanation = _optional(row.fields, "explanation")
    return _draft(row, choices, _answer(row.fields, choices), topic=subject, domain=domain, why=explanation)


def _medmcqa(row: Row, *, first: int = 1) -> Draft:
    fields = row.fields
    if str(fields.get("choice_type", "single")) != "single":
        raise DataError(
            f"choice_type is {fields['choice_type']!r}: more than one option may be right, and the key names one"
        )
    choices = tuple(_text(fields, f"op{letter}") for letter in "abcd")
    key = _index(fields.get("cop"))
    if key is None or not first <= key < first + 4:
        raise DataError(f"cop is {fields.get('cop')!r}; expected {first} to {first + 3} (test rows have no key)")
    topic, domain = _optional(fields, "subject_name"), _optional(fields, "domain") or "medicine"
    return _draft(row, choices, key - first, topic=topic, domain=domain, why=_optional(fields, "exp"))


def _xiezhi(row: Row) -> Draft:
    fields = row.fields
    labels = fields["labels"]
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise DataError(f"labels is {labels!r}; expected a list of words")
    options = fields["options"]
    choices = _choices({"choices": options.split("\n") if isinstance(options, str) else options})
    answer = _text(fields, "answer")
    if answer not in choices:
        raise DataError(f"the answer {answer!r} is none of the options {', '.join(map(repr, choices))}")
    known = tuple(XIEZHI_DOMAINS[label] for label in labels if label in XIEZHI_DOMAINS)
    topic = "; ".join(label for label in labels if label not in XIEZHI_DOMAINS)
    explanation = _optional(fields, "explanation")
    draft = _draft(row, choices, choices.index(answer), topic=topic, domain="", why=explanation)
    return replace(draft, subjects=tuple(labels), domains=known or tuple(label.lower() for label in labels[:1]))


def _opentriviaqa(row: Row) -> Draft:
    fields = row.fields
    choices = _choices(fields)
    if "answer_text" in fields and fields["answer_text"] not in choices:
        raise DataError(f"the answer {fields['answer_text']!r} is none of the options {', '.join(map(repr, choices))}")
    answer = choices.index(fields["answer_text"]) if "answer_text" in fields else _answer(fields, choices)
    category = _optional(fields, "category")
    return _draft(row, choices, answer, topic=category, domain=_optional(fields, "domain") or category)


def _generic(row: Row) -> Draft:
    fields = row.fields
    topic = _optional(fields, "topic", "subject", "category")
    generated = fields.get("gen_exp")  # where the files of Ren et al. keep explanations another model wrote
    written = _optional(generated, "output") if isinstance(generated, dict) else ""
    choices, text = _choices(fields), _text(fields, "question", "text")
    domain, why = _optional(fields, "domain", "category"), _optional(fields, "explanation", "exp") or written
    return _draft(row, choices, _answer(fields, choices), text=text, topic=topic, domain=domain, why=why)


READERS: Mapping[str, Callable[[Row], Draft]] = {
    "generic": _generic,
    "mmlu": _mmlu,
    "medmcqa": _medmcqa,
    "medmcqa-hub": partial(_medmcqa, first=0),
    "xiezhi": _xiezhi,
    "opentriviaqa": _opentriviaqa,
}


def _draft(
    row: Row, choices: tuple[str, ...], answer: int, *, topic: str, domain: str, text: str | None = None, why: str = ""
) -> Draft:
    """What a record says whose topic is what its domain is looked up by."""
    return Draft(
        id=_id(row),
        text=_text(row.fields, "question") if text is None else text,
        choices=choices,
        answer=answer,
        subjects=(topic,) if topic else (),
        domains=(domain,) if domain else (),
        topic=topic,
        explanation=why,
        split=_split(row),
        folder=_folder(row),
    )


def _subject(row: Row) -> str:
    """MMLU subject: the record's, or the file's name without its split."""
    if row.fields.get("subject"):
        return str(row.fields["subject"]).strip()
    name = Path(row.file).name
    for split in SPLITS:
        name = name.removesuffix(f"_{split}")
    return name


def _split(row: Row) -> str:
    """The record's split, or the one that the file or its folder is named after; empty where neither says."""
    if row.fields.get("split"):
        return str(row.fields["split"])
    path = Path(row.file)
    for split in SPLITS:
        if path.name == split or path.name.endswith(f"_{split}"):
            return split
    return path.parent.name if path.parent.name in SPLITS else ""


def _folder(row: Row) -> str:
    """The folder of a file that is named by its split alone: it is named after the domain."""
    path = Path(row.file)
    return path.parent.name if path.name in SPLITS and path.parent.name not in SPLITS else ""


def _id(row: Row) -> str:
    """The record's own id where it is text; a number is only unique within its file."""
    own = row.fields.get("id")
    if own is None or own == "":
        return row.place
    return own if isinstance(own, str) and not own.isdigit() else f"{row.file}/{own}"


def _text(fields: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = fields.get(name)
        if value is not None:
            return _words(value, name)
    raise DataError(f"no field {names[0]!r}; it has {', '.join(map(str, fields)) or 'none'}")


def _optional(fields: Mapping[str, Any], *names: str) -> str:
    return next((_words(fields[name], name) for name in names if fields.get(name)), "")


def _words(value: Any, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DataError(f"{name} is {value!r}; expected text")
    text = str(value).strip()
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise DataError(f"{name} is not UTF-8; save the file as UTF-8")
    return text


def _choices(fields: Mapping[str, Any]) -> tuple[str, ...]:
    found = fields.get("choices", fields.get("options"))
    if found is None:  # a table with one column an option
        found = [fields[letter.lower()] for letter in LETTERS[:10] if fields.get(letter.lower())]
    if isinstance(found, dict):  # {"text": [...], "label": [...]} as in ARC, or {"A": ..., "B": ...}
        found = found["text"] if "text" in found else [found[letter] for letter in sorted(found)]
    if not isinstance(found, list | tuple):
        raise DataError(f"choices is {found!r}; expected a list of texts")
    return tuple(_words(choice, f"option {number}") for number, choice in enumerate(found, 1))


def _answer(fields: Mapping[str, Any], choices: tuple[str, ...]) -> int:
    """0-based index from an index, a letter, or the text of the option."""
    value = fields.get("answer", fields.get("answerKey", fields.get("answer_index")))
    if value is None:
        raise DataError("no field 'answer'")
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise DataError(f"answer is {value!r}; expected an index from 0, a letter or an option's text")
    value = value.strip()
    labels = fields["choices"].get("label") if isinstance(fields.get("choices"), dict) else None
    letters = [str(label) for label in labels] if labels else list(LETTERS[: len(choices)])
    found = {index for index, choice in enumerate(choices) if choice == value}
    if value in letters:
        found.add(letters.index(value))
    if not found and (number := _index(value)) is not None:
        return number
    if len(found) != 1:
        how = "is no letter and no option" if not found else "is one option's letter and another's text"
        raise DataError(f"answer {value!r} {how}; write the index, counted from 0")
    return found.pop()


def _index(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.strip().removeprefix("-").isdecimal() else None
