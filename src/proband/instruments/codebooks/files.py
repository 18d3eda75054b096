"""Codebooks from TOML files, and those that ship."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from proband.errors import Gathering, InstrumentError, meant
from proband.files import Table, checked, fitting, parsed, text_of
from proband.instruments.codebooks.codebook import Code, Codebook, check_codes, folded, leaves
from proband.instruments.items import Instrument, Item, Rule
from proband.records import RecordField
from proband.shelves import Shelf

CODEBOOKS: Shelf[Path | Instrument] = Shelf(
    what="codebook",
    group="proband.codebooks",
    of=(Path, Codebook),
    folders=("proband.instruments.codebooks.catalogue",),
    suffix=".toml",
    way_out="; a file of your own is given by its path, which ends in .toml",
    error=InstrumentError,
)
Name = Annotated[str, Field(min_length=1)]


class CodeEntry(Table):
    """One code."""

    label: Annotated[str, Field(min_length=1, examples=['label = "Economy"'])]
    definition: Annotated[str, Field(examples=['definition = "Speaks of taxes, prices, jobs or trade."'])]
    includes: list[str] = []
    excludes: list[str] = []
    examples: list[str] = []
    under: str = ""
    value: float | None = None
    groups: list[int] = []  # of passages that a draft of `proband themes` found the code in; coders are not told
    drafted: str = ""  # by whom, and the name that it had then


class FieldEntry(Table):
    """One field of a record."""

    name: Name
    definition: Name
    kind: Literal["text", "number", "choice"] = "text"
    options: list[str] = []
    quoted: bool = True


class AskIf(Table):
    """Ask only of documents that were given one of these codes at an earlier question."""

    question: str
    codes: Annotated[list[str], Field(min_length=1)]


class QuestionEntry(Table):
    """One question about a document."""

    id: Name
    text: Name
    form: Literal["choice", "multiple", "scale", "number", "text", "record", "spans"] = "choice"
    codes: list[CodeEntry] = []
    fields: list[FieldEntry] = []
    cannot_tell: str = ""
    ask_if: AskIf | None = None
    lower: float | None = None
    upper: float | None = None
    unit: str = ""
    column: str = ""


class CodebookEntry(Table):
    """A codebook file."""

    id: Name
    title: str = ""
    source: str = ""
    licence: str = ""
    language: str = "en"
    introduction: str = ""
    rules: list[str] = []
    artefacts: str = ""
    questions: Annotated[list[QuestionEntry], Field(min_length=1, examples=["a table [[questions]]"])]


def catalogue() -> dict[str, str]:
    """Codebooks of Proband and of packages beside it: name, and one line on each.

    Examples
    --------
    >>> catalogue()["sentiment"]
    'Sentiment of a text (2 questions; Apache-2.0.)'
    """

    def line(found: Path | Instrument) -> str:
        book = found if isinstance(found, Codebook) else load_codebook(cast(Path, found))
        questions = "1 question" if len(book.items) == 1 else f"{len(book.items)} questions"
        return f"{book.title} ({questions}; {book.licence})"

    return CODEBOOKS.lines(line)


def load_codebook(name_or_path: str | Path) -> Codebook:
    """A codebook of the catalogue, or one in a file.

    Parameters
    ----------
    name_or_path : str or Path
        A name in `catalogue`, or the path of a ``.toml`` file.

    Raises
    ------
    InstrumentError
        If there is no such codebook, or its file is wrong: a key that is unknown, a code without definition, codes
        that are one when folded, a skip rule that looks ahead. The message names the file and the place in it.

    Examples
    --------
    >>> book = load_codebook("sentiment")
    >>> book["sentiment"].options
    ('Negative', 'Neutral', 'Positive', 'Cannot tell')
    >>> book.codes["sentiment"][0].definition
    'The text speaks ill of its subject, or its author is unhappy with it.'
    """
    path = Path(name_or_path)
    if path.suffix.lower() == ".toml":
        text = text_of(path, what="codebook", error=InstrumentError)
        return codebook_from_dict(parsed(text, path, error=InstrumentError), str(path))
    found = CODEBOOKS.load(str(name_or_path))
    return found if isinstance(found, Codebook) else load_codebook(cast(Path, found))


def codebook_from_dict(data: Mapping[str, Any], where: str) -> Codebook:
    """A codebook from plain data with the keys of a codebook file; `where` is what messages call the place."""
    found = Gathering()
    entry: CodebookEntry | None = None
    with found.part():
        entry = checked(CodebookEntry, data, where, error=InstrumentError)
    # What is sound is looked at all the same: a file is mended once, not mistake by mistake.
    entry = entry or fitting(CodebookEntry, data, id="?")
    book: Codebook | None = None
    if entry is not None:
        with found.part():
            try:
                book = _codebook(entry)
            except InstrumentError as error:
                raise InstrumentError(*error.problems, where=where) from None
    found.settle()
    return cast(Codebook, book)  # nothing was refused


def _codebook(entry: CodebookEntry) -> Codebook:
    found, items = Gathering(), dict[str, Item]()
    codes: dict[str, tuple[Code, ...]] = {}
    for question in entry.questions:
        with found.part():
            codes[question.id] = tuple(map(_code, merged(question.codes)))
            if question.id in items:
                raise InstrumentError(f"question {question.id!r} is there twice; rename one")
            items[question.id] = _item(question, codes, items)
    found.settle()
    return Codebook(
        id=entry.id,
        title=entry.title or entry.id,
        items=tuple(items.values()),
        codes=codes,
        rules=tuple(rule.strip() for rule in entry.rules),
        language=entry.language,
        **{name: getattr(entry, name).strip() for name in ("introduction", "source", "licence", "artefacts")},
    )


def merged(entries: Sequence[CodeEntry]) -> list[CodeEntry]:
    """Codes of a draft, those of one label put together: that is how an editor says that two are one."""
    found: dict[str, CodeEntry] = {}
    for k, entry in enumerate(entries):
        # What was not drafted keeps its own key, so that a label written twice by mistake is refused as ever.
        key = folded(entry.label) if entry.groups else f"\0{k}"
        held = found.setdefault(key, entry)
        if held is not entry:
            lists = {name: [*dict.fromkeys((*getattr(held, name), *getattr(entry, name)))]
                     for name in ("includes", "excludes", "examples", "groups")}  # fmt: skip
            definition = " ".join(dict.fromkeys(text.strip() for text in (held.definition, entry.definition)))
            found[key] = held.model_copy(update={**lists, "definition": definition})
    return list(found.values())


def _code(entry: CodeEntry) -> Code:
    lists = {
        name: tuple(text.strip() for text in getattr(entry, name)) for name in ("includes", "excludes", "examples")
    }
    return Code(label=entry.label.strip(), definition=entry.definition.strip(), under=entry.under.strip(), **lists)


def _item(entry: QuestionEntry, all_codes: Mapping[str, tuple[Code, ...]], earlier: Mapping[str, Item]) -> Item:
    codes = all_codes[entry.id]
    given = leaves(codes)
    if codes and entry.form in ("number", "text", "record"):
        raise InstrumentError(f"question {entry.id!r}: form {entry.form!r} takes no codes; take them out")
    if entry.cannot_tell and entry.form in ("number", "text", "record", "spans"):
        raise InstrumentError(f"question {entry.id!r}: form {entry.form!r} takes no `cannot_tell`; take it out")
    values = [code.value for code in merged(entry.codes) if any(code.label.strip() == leaf.label for leaf in given)]
    if (some := [value for value in values if value is not None]) and len(some) < len(values):
        raise InstrumentError(f"question {entry.id!r}: some codes have a value and some have none; give all or none")
    options = [code.label for code in given] + [entry.cannot_tell.strip()] * bool(entry.cannot_tell)
    check_codes(entry.id, codes, options[: len(given)], options)
    # A value for "cannot tell" is asked for by items, and never used: it is not substantive.
    points = [*some, max(some) + 1] if some and entry.cannot_tell else some
    return Item(
        id=entry.id,
        text=entry.text.strip(),
        form=entry.form,
        options=tuple(options),
        codes=tuple(points),
        dont_know=(len(options) - 1,) if entry.cannot_tell else (),
        fields=tuple(RecordField(**{**field.model_dump(), "options": tuple(field.options)}) for field in entry.fields),
        ask_if=_rule(entry, all_codes, earlier),
        lower=entry.lower,
        upper=entry.upper,
        unit=entry.unit,
        column=entry.column,
        shows_braces=True,  # nothing is piped into a codebook, and documents may hold anything
    )


def _rule(entry: QuestionEntry, all_codes: Mapping[str, tuple[Code, ...]], earlier: Mapping[str, Item]) -> Rule | None:
    if entry.ask_if is None:
        return None
    before = earlier.get(entry.ask_if.question)
    if before is None:
        near = meant(entry.ask_if.question, earlier)
        raise InstrumentError(
            f"question {entry.id!r}: ask_if names {entry.ask_if.question!r}, which is no earlier question{near}"
        )
    places = {folded(option): [k] for k, option in enumerate(before.options)}
    for code in all_codes[before.id]:
        if code.under:  # to name what codes stand under is to name them all
            places.setdefault(folded(code.under), []).extend(places.get(folded(code.label), ()))
    for label in entry.ask_if.codes:
        if folded(label) not in places:
            raise InstrumentError(
                f"question {entry.id!r}: ask_if names {label!r}, which is no code of {before.id!r}"
                f"{meant(label, before.options)}; there are {', '.join(before.options)}"
            )
    named = {k for label in entry.ask_if.codes for k in places[folded(label)]}
    return Rule(item=before.id, options=tuple(sorted(named)))
