"""Placebos: claims about texts that changed places, codes of no text, and codes to a question about nothing."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from proband.errors import DataError, DesignError
from proband.estimates import Estimate
from proband.instruments.codebooks import Code, Codebook
from proband.instruments.items import Instrument
from proband.seeds import rng_for
from proband.subjects.corpora import Corpus
from proband.subjects.corpora.holding import HeldTexts
from proband.texts.coders import Coder
from proband.texts.fragility.grid import is_asked
from proband.texts.fragility.numbers import SIDES, told_numbers
from proband.texts.fragility.settings import Placebo
from proband.texts.gold.claims import Claim
from proband.texts.gold.evidence import Evidence
from proband.texts.gold.validation import exact_share

N_SHUFFLES = 99
N_EMPTY = 20  # times that no text is coded
_WORDS = ("blick", "dax", "fep", "gorp", "kiv", "loma", "modi", "pram", "tulv", "wug", "zorp", "yarn")


def refusals(claims: Sequence[Claim], coder: Coder, address: str) -> dict[Placebo, str]:
    """Placebos that would say nothing, and why.

    Shuffled texts are refused where no claim relates texts to a column: shares are the same wherever texts stand.
    """
    found: dict[Placebo, str] = {}
    scheme = address.partition(":")[0]
    if not any(relates(claim) for claim in claims):
        found["shuffled"] = (
            "a share of a code is the same wherever the texts stand, and so is an association of two codes of one text"
        )
    if scheme in ("codes", "human", "replay"):
        found["empty"] = f"{scheme} looks codes up by document, and reads no text"
    elif coder.answer_by == "channel":
        found["empty"] = "channel weighs the words of a document, and one without words has none"
    if not is_asked(address) or scheme == "replay":
        found["nothing"] = f"{scheme} does not read the question"
    return found


def chosen(wanted: Sequence[Placebo] | None, refused: dict[Placebo, str]) -> list[Placebo]:
    """Placebos to be made: those named, or all that say something.

    Raises
    ------
    DesignError
        If one that is named would say nothing.
    """
    if wanted is not None:
        if useless := [name for name in wanted if name in refused]:
            raise DesignError(
                f"coding.fragility.placebos: {useless[0]!r} is degenerate here: {refused[useless[0]]}; leave it out"
            )
        return list(dict.fromkeys(wanted))
    every: tuple[Placebo, ...] = ("shuffled", "empty", "nothing")
    return [name for name in every if name not in refused]


def relates(claim: Claim) -> bool:
    """Whether a claim sets codes beside what is known of the documents, and not of their texts."""
    terms = (claim.outcome, *claim.regressors)
    return claim.form in ("difference", "trend") or (
        claim.form == "regression" and any(not term.is_coded for term in terms)
    )


def shuffled(claims: Sequence[Claim], evidence: Evidence, seed: int, *, is_sampled: bool) -> list[
    tuple[str, str, str, float, Estimate]
]:  # fmt: skip
    """Claims with texts in other places: claim, number, side, mean of the placebos, share of intervals without 0.

    Texts go with their codes, by people as well, and with the probability that people coded them; columns and units
    stay where they were. Nothing is asked: a coder that reads texts gives a text its code wherever it stands.
    """
    rng = rng_for(seed, "fragility", "shuffled")
    values: dict[tuple[str, str, str], list[Estimate]] = {}
    for _ in range(N_SHUFFLES):
        order = rng.permutation(len(evidence.documents)).tolist()
        moved = replace(evidence, columns=evidence.columns[order], units=[evidence.units[k] for k in order])
        for claim in filter(relates, claims):
            for label, number in told_numbers(claim, moved).items():
                for side in SIDES if is_sampled else SIDES[1:]:
                    values.setdefault((claim.name, label, side), []).append(getattr(number, side))
    return [
        (*key, float(np.mean([of.value for of in given])), _missing(given)) for key, given in values.items() if given
    ]


def _missing(given: Sequence[Estimate]) -> Estimate:
    told = [of.interval for of in given if of.interval is not None]
    wrong = sum(not low <= 0 <= high for low, high in told)
    return exact_share(wrong, len(told), "share of placebos whose interval excludes 0")


def no_text(name: str) -> Corpus:
    """A corpus of one document without words."""
    texts = HeldTexts()
    texts.add(b"")
    columns = pl.DataFrame({"document": ["(no text)"]})
    return Corpus(name=name, columns=columns, texts=texts, rows=[0], digests=bytes(16))


def about_nothing(book: Instrument) -> Codebook:
    """A codebook about nothing: as many codes a question, named and defined by words without meaning.

    Raises
    ------
    DataError
        If no question has codes to choose one of, or one has too many.
    """
    items, codes = [], {}
    for item in book.items:
        n = len(item.options)
        if item.form not in ("choice", "scale") or not n:
            continue
        if n > len(_WORDS):
            raise DataError(f"question {item.id!r} has {n} codes, and there are {len(_WORDS)} words without meaning")
        options = tuple(word.capitalize() for word in _WORDS[:n])
        text = f"Is the document {', '.join(_WORDS[: n - 1])} or {_WORDS[n - 1]}?"
        items.append(replace(item, text=text, stem="", options=options, ask_if=None))
        given = [k for k in range(n) if k not in item.dont_know]
        codes[item.id] = tuple(Code(label=options[k], definition=f"It is {_WORDS[k]}.") for k in given)
    if not items:
        raise DataError("no question has codes to choose one of, so there is no question about nothing to ask instead")
    return Codebook(id=f"{book.id}-nothing", title="About nothing", items=tuple(items), codes=codes)
