"""A small set of records of two kinds, criteria, and a screening of them."""

import numpy as np

from proband.instruments.codebooks import Code, Codebook
from proband.instruments.items import Item
from proband.literature.records.library import library_of
from proband.literature.records.record import Record
from proband.literature.screening.design import Screening

GOOD = [
    "default",
    "nudge",
    "opt-out",
    "choice",
    "architecture",
    "enrolment",
    "savings",
    "donation",
    "norms",
    "reminder",
]
BAD = [
    "protein",
    "gene",
    "enzyme",
    "membrane",
    "kinase",
    "lipid",
    "synthesis",
    "crystal",
    "spectra",
    "alloy",
    "polymer",
]
BOTH = [
    "study",
    "effect",
    "of",
    "the",
    "in",
    "we",
    "report",
    "results",
    "method",
    "sample",
    "data",
    "analysis",
    "new",
    "model",
]
CODES = ("Include", "Exclude: no nudge", "Exclude: no trial")


def is_in(k):
    return k % 6 == 0


def library(n=60):
    """Records 0, 6, 12, ... speak of nudges, the others of molecules; every seventh has no abstract."""
    rng = np.random.default_rng(3)
    made = []
    for k in range(n):
        own = GOOD if is_in(k) else BAD
        title = " ".join([*rng.choice(own, 2), *rng.choice(BOTH, 3), f"number{k}"])
        abstract = "" if k % 7 == 3 else " ".join(rng.choice(own + BOTH, 14))
        said = {"included": str(int(is_in(k)))}
        made.append(Record(title=title, abstract=abstract, year=2000 + k % 20, doi=f"10.1/{k}", other=said))
    return library_of(made, name="made up")


def criteria():
    item = Item(id="decision", text="Is it in?", form="choice", options=CODES, shows_braces=True)
    codes = tuple(Code(label=label, definition=f"That is: {label}.") for label in CODES)
    return Codebook(id="nudges", title="Nudges", items=(item,), codes={"decision": codes})


def screening(**given):
    settings = {"library": library(), "criteria": criteria(), "encoder": "none", "column": "included", "seed": 2}
    return Screening(**{**settings, **given})
