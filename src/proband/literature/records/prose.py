"""Papers without a record: plain texts and PDF files, each one record."""

import re
from pathlib import Path

from proband.errors import DataError
from proband.files import Remarks
from proband.literature.records.fields import PAGES, doi_in, made, year_in
from proband.literature.records.record import Record
from proband.subjects.corpora.sources import pages_of

_NO_TITLE = re.compile(r"untitled|microsoft word|\.(?:docx?|tex|dvi|pdf|indd|qxd)\b", re.IGNORECASE)


def read_prose(text: str, name: str, remarks: Remarks) -> Record:
    """A plain text: its first line is the title, the rest stands where abstracts do."""
    title, _, body = text.strip().partition("\n")
    if not title:
        raise DataError(f"{name}: no words in it; give the text of a paper")
    fields = {"title": title, "abstract": body.strip(), "doi": doi_in(text[:2_000]), "kind": "other"}
    return made(f"{name}:1", fields, (), remarks)


def read_pdf(path: Path, remarks: Remarks) -> Record:
    """A PDF: title and year from its properties or first page, its whole text where abstracts stand, pages noted.

    Raises
    ------
    DataError
        If it cannot be read, or has no text.
    """
    from pypdfium2 import PdfDocument  # heavy

    pages = [page.strip() for page in pages_of(path, path.name)]
    with PdfDocument(path) as document:
        said = document.get_metadata_dict()
    title = said.get("Title", "").strip()
    if len(title.split()) < 3 or _NO_TITLE.search(title):
        title = next(line for page in pages for line in page.split("\n") if line.strip())
    title = " ".join(title.split())
    # As `Record.text` puts title and abstract together.
    starts, place = list[int](), len(title) + 2
    for page in pages:
        starts.append(place)
        place += len(page) + 2 if page else 0
    head = pages[0][:3_000]
    author = said.get("Author", "").strip()
    fields = {
        "title": title,
        "abstract": "\n\n".join(filter(None, pages)),
        "authors": tuple(part.strip() for part in re.split(";| and ", author) if part.strip()),
        "doi": doi_in(head),
        "kind": "article" if doi_in(head) else "other",
        "year": year_in(head) or year_in(said.get("CreationDate", "")[:6]),
        "other": {PAGES: " ".join(map(str, starts))},
    }
    return made(f"{path.name}:1", fields, (), remarks)
