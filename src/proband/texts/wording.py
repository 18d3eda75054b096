"""The words coders get: what is asked of them, codebook, document, question.

A changed word here is a changed treatment: the golden files in ``tests/prompts`` show it.
"""

from proband.designs.survey.wording import instruction_text, options_text, question_text
from proband.instruments.codebooks import Code
from proband.instruments.items import Item
from proband.records import Method

FRAMING = "You code documents. Read the codebook and the document, and answer the question about the document."
CHANNEL_FRAMING = "You write documents of the kind that is asked for."


def prompt_texts(
    preamble: str, item: Item, order: tuple[int, ...], labels: tuple[str, ...], method: Method
) -> tuple[str, str]:
    """What stands before a document and behind it: all that prompts share comes first."""
    before = "\n\n".join(part for part in (preamble, "Document:\n") if part)
    question = question_text(item.stem, f"Question: {item.text}", options_text(item, order, labels))
    return before, f"\n\n{question}\n\n{instruction_text(item, method)}"


def premise_text(code: Code) -> str:
    """What a document with this code would be written for."""
    counts = f" Counts: {'; '.join(code.includes)}." if code.includes else ""
    return f"Write a document that is coded as {code.label}. {code.definition}{counts}"
