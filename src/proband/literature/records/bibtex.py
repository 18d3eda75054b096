"""Records of BibTeX files: every entry, those that are written wrongly or twice as well."""

import re
from collections.abc import Iterator
from typing import Any

from proband.files import Remarks
from proband.literature.records.fields import displayed_name, doi_in, kind_of, made, pmid_in
from proband.literature.records.record import Record

_VENUES = ("journal", "journaltitle", "booktitle", "series", "school", "institution", "publisher")
_READS = "title abstract author year date doi pmid url language volume number issue pages keywords"
_READ = frozenset(_READS.split())
_ENTRY = re.compile(r"@\s*(?!comment|string|preamble)(\w+)\s*[{(]\s*([^,\s]*)", re.IGNORECASE)
# A field on lines of its own, for entries that no parser takes; it ends where the next one begins.
_FIELD = re.compile(r"(?:^|,)[ \t]*(\w+)[ \t]*=[ \t]*[{\"]?(.*?)[}\"]?,?[ \t]*$", re.MULTILINE)


def read_bibtex(text: str, name: str, remarks: Remarks) -> Iterator[Record]:
    r"""Entries of a BibTeX file; a failed or doubled one is named by its line and kept as far as it can be read.

    Examples
    --------
    >>> text = '@article{a, title = {On {N}udges}, author = {M{\\"u}ller, Jo and Ann van Berg}, year = 2019}'
    >>> next(read_bibtex(text, "a.bib", Remarks())).authors
    ('Müller, Jo', 'van Berg, Ann')
    """
    import logging

    from bibtexparser import parse_string  # heavy
    from bibtexparser.model import DuplicateBlockKeyBlock, DuplicateFieldKeyBlock, Entry, ParsingFailedBlock

    logging.getLogger("bibtexparser").setLevel(logging.ERROR)  # it says once more what is said here
    for block in parse_string(text).blocks:
        where = f"{name}:{block.start_line + 1}"
        if isinstance(block, Entry):
            yield _of_entry(block, where, remarks)
        elif isinstance(block, DuplicateBlockKeyBlock | DuplicateFieldKeyBlock) and isinstance(
            block.ignore_error_block, Entry
        ):
            is_key = isinstance(block, DuplicateBlockKeyBlock)
            what = f"entry {block.ignore_error_block.key!r} is there twice" if is_key else "a field is there twice"
            remarks.say(where, f"{what}; it is kept", "rename one of them")
            yield _of_entry(block.ignore_error_block, where, remarks)
        elif isinstance(block, ParsingFailedBlock) and (found := _ENTRY.match(block.raw)):
            what = f"entry {found[2]!r} is not written as BibTeX has it; what can be read of it is kept"
            remarks.say(where, what, "close its brackets and quotation marks")
            fields = {key.lower(): value for key, value in _FIELD.findall(block.raw)[::-1]}
            yield _of_fields(found[1], found[2], fields, where, remarks)


def _of_entry(entry: Any, where: str, remarks: Remarks) -> Record:
    fields = {field.key.lower(): str(field.value) for field in reversed(entry.fields)}
    return _of_fields(entry.entry_type, entry.key, fields, where, remarks)


def _of_fields(kind: str, key: str, fields: dict[str, str], where: str, remarks: Remarks) -> Record:
    # What was kept in brackets by the parser, as it does with fields that are there twice, loses them here.
    told = {name: _bare(value) for name, value in fields.items() if name != "author"}
    people = re.split(r"\s+and\s+", fields.get("author", "").strip().strip('"'))
    venue = next((name for name in _VENUES if told.get(name)), "")
    record = {
        "title": told.get("title", ""),
        "abstract": told.get("abstract", ""),
        "authors": tuple(displayed_name(bare) for person in people if (bare := _bare(person)) and bare != "others"),
        "venue": told.get(venue, ""),
        "kind": kind_of(kind),
        "doi": doi_in(told.get("doi", ""), told.get("url", "")),
        "pmid": told.get("pmid", "") or pmid_in(told.get("url", ""), told.get("note", "")),
        "issue": told.get("number", "") or told.get("issue", ""),
        "pages": told.get("pages", "").replace("--", "-").replace("–", "-"),
        "keywords": tuple(word for part in re.split("[;,]", told.get("keywords", "")) if (word := part.strip())),
        **{name: told.get(name, "") for name in ("url", "language", "volume")},
        "other": {"key": key} | {name: value for name, value in told.items() if name not in _READ and name != venue},
    }
    dates = tuple(told[name] for name in ("year", "date") if told.get(name))
    return made(where, record, dates, remarks)


def _bare(text: str) -> str:
    """A value without brackets and commands."""
    if any(sign in text for sign in "\\$"):
        from pylatexenc.latex2text import LatexNodes2Text  # heavy

        # Data bases write percent signs as they are; to LaTeX one would hide the rest of the line.
        text = LatexNodes2Text(math_mode="text").latex_to_text(re.sub(r"(?<!\\)([%&])", r"\\\1", text))
    return " ".join(text.strip().strip('"').replace("{", "").replace("}", "").split())
