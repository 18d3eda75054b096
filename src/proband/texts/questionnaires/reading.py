"""An engine as second reader of a questionnaire, beside the rules: its items coded under the defects there are."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from proband.errors import InstrumentError
from proband.instruments.codebooks import Codebook
from proband.instruments.codebooks.files import codebook_from_dict
from proband.instruments.defects import KINDS, Defect, defects_of, not_judged
from proband.instruments.items import Instrument, Item
from proband.measures import cohen_kappa
from proband.models.engine import BaseEngine
from proband.models.scripted import ScriptedEngine
from proband.records import Trial
from proband.runs import Run, collect
from proband.runs.progress import Watch
from proband.subjects.corpora import corpus_of
from proband.texts.coders import Coder
from proband.texts.codes import codes_of
from proband.texts.design import Coding

RULES, READER = "rules", "reader"


def defect_codebook() -> Codebook:
    """The defects as questions of a codebook, each answered with yes or no."""
    questions = [
        {
            "id": kind,
            "text": f"Does the item have this defect: {about.label.lower()}?",
            "codes": [
                {"label": "Yes", "definition": about.definition, "examples": list(about.examples)},
                {"label": "No", "definition": "It does not."},
            ],
        }
        for kind, about in KINDS.items()
    ]
    introduction = (
        "You check the items of a questionnaire before people are asked. The document is one item: its wording, and "
        "the answers that it offers."
    )
    data = {"id": "defects", "title": "Defects of items", "introduction": introduction, "questions": questions}
    return codebook_from_dict(data, "defects of items")


def shown(item: Item) -> str:
    """An item as a second reader sees it."""
    options = [f"Answers: {' | '.join(item.options)}"] if item.options else []
    return "\n".join(part for part in (item.stem, item.text, *options) if part)


def second_reading(
    instrument: Instrument, engine: str | BaseEngine, into: Path, *, watch: Watch | None = None, seed: int = 1
) -> Run:
    """Have an engine read every item for every kind of defect, with the rules as the other coder.

    Raises
    ------
    InstrumentError
        If the rules say nothing of the instrument, so that there is nothing to agree with.
    """
    if why := not_judged(instrument):
        raise InstrumentError(f"{instrument.id}: {why}; a second reader needs a first one")
    found = defects_of(instrument)
    columns = pl.DataFrame({"document": [item.id for item in instrument.items]})
    design = Coding(
        codebook=defect_codebook(),
        corpus=corpus_of(instrument.id, columns, map(shown, instrument.items)),
        coders=(Coder(name=RULES, order="as_written"), Coder(name=READER)),
        seed=seed,
        title=f"Defects of {instrument.id}",
    )
    return collect(design, {RULES: rules_engine(found), READER: engine}, into, watch=watch)


def rules_engine(found: Sequence[Defect]) -> ScriptedEngine:
    """The rules as a coder: yes where they found a defect of the kind."""
    held = {(defect.item, defect.kind) for defect in found}
    told = hashlib.blake2b(repr(sorted(held)).encode(), digest_size=6).hexdigest()

    def rule(trial: Trial) -> int:
        return 0 if (trial.place.subject, trial.place.item) in held else 1

    return ScriptedEngine(rule, address=f"scripted:rules-{told}")


def reading_sentences(run: Run) -> tuple[str, str]:
    """How rules and second reader agree over all items and kinds, and what the reader alone found."""
    codes = codes_of(run).pivot("coder", index=["document", "item"], values="code")
    rows = list(codes.select("document", "item", RULES, READER).drop_nulls().iter_rows())
    pairs = Counter((rules, reader) for *_, rules, reader in rows)
    table = [[pairs[rules, reader] for reader in ("Yes", "No")] for rules in ("Yes", "No")]
    (both, first), (second, neither) = table
    # Judgements of one item hang together, so that an interval over them would be too narrow.
    kappa = f", kappa {cohen_kappa(table).value:.2f}" if first + second + both and rows else ""
    alone = [f"{item}: {KINDS[kind].label.lower()}" for item, kind, *given in rows if given == ["No", "Yes"]]
    return (
        f"Of {len(rows)} judgements (an item, a kind) rules and reader say yes to {both} alike and no to {neither}; "
        f"the rules alone say yes to {first}, the reader alone to {second}{kappa}. The reader leaves "
        f"{len(codes) - len(rows)} undecided, e.g. because another order of the answers gave another one.",
        f"The reader alone found {'; '.join(alone) or 'nothing'}.",
    )
