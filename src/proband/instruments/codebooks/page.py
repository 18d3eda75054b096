"""The page of a codebook, for the people who code."""

from pathlib import Path

from proband.instruments.codebooks.codebook import UNDECIDED, Codebook


def codebook_page(book: Codebook) -> str:
    """The codebook as one HTML page, which loads nothing and needs no script; engines are sent the same words.

    Examples
    --------
    >>> from proband.instruments.codebooks import load_codebook
    >>> "<title>Codebook: Sentiment of a text</title>" in codebook_page(load_codebook("sentiment"))
    True
    """
    import jinja2  # only where a page is made

    template = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
    strict = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return strict.from_string(template).render(book=book, forms=_FORMS, undecided=UNDECIDED)


_FORMS = {
    "choice": "one code",
    "scale": "one code, in their order",
    "multiple": "every code that applies; where none does, write none",
    "number": "a number",
    "text": "in your own words",
    "record": "every field, with the words of the document that say so",
    "spans": "every passage, with its code",
}
