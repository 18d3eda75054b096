"""Questions to 200 abstracts, answered by a writer that lies: what of it is printed, what honest sentences it costs.

``python -m benchmarks.literature_answers --data shared/data/text``: (1) 40 questions, the titles of 40 of 200
abstracts, put to a scripted writer half of whose sentences are lies of eight kinds: lies printed, and quotations that
do not stand in their record to the letter; (2) lies by kind and true sentences on spans of three sets: how many of each
are removed; (3) how often the corpus is said not to say: titles of its own papers, taken off them, and titles of
another field. The sets have no authors, years and venues; these are drawn.
"""

import argparse
import csv
import gzip
import json
import os
import re
import subprocess
import time
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from proband.literature.evidence.checks import check
from proband.literature.evidence.passages import spans_of
from proband.literature.evidence.sentences import Sentence, Shown
from proband.literature.evidence.synthesis import answered
from proband.literature.evidence.writing import facts_of
from proband.literature.records.library import Library, library_of
from proband.literature.records.record import Record
from proband.models.lies import LIES, SHOWN, lie, truth
from proband.models.scripted import ScriptedEngine
from proband.records import Trial

SETS = ("nudging", "kitchenham", "virus")
VENUES = ("Health Psychology", "Journal of Public Economics", "Medical Decision Making", "Review of Methods")
FAMILIES = tuple(
    a + b for a in ("Bar", "Kol", "Mer", "Tan", "Rov", "Sil") for b in ("man", "ski", "sen", "ova", "lini", "ez")
)
QUOTED = re.compile("\u201c([^\u201d]+)\u201d")


def library(folder: Path, name: str, n: int, rng: np.random.Generator) -> Library:
    """Abstracts of a set, with authors, years and venues that are drawn."""
    with gzip.open(folder / "screening" / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if len(row["abstract"]) > 300]
    taken = rng.choice(len(rows), size=n, replace=False)
    return library_of(
        Record(
            title=rows[k]["title"],
            abstract=rows[k]["abstract"],
            authors=tuple(f"{family}, A." for family in rng.choice(FAMILIES, size=2, replace=False)),
            year=int(rng.integers(1990, 2022)),
            venue=str(rng.choice(VENUES)),
        )
        for k in taken
    )


def answers(records: Library, n_questions: int, seed: int) -> dict[str, object]:
    """Lies that are printed where half of what is written are lies."""
    planted = dict[tuple[str, tuple[int, ...]], str]()
    rng = np.random.default_rng(seed)

    def write(trial: Trial) -> str:
        spans = json.loads(dict(trial.facts)[SHOWN])
        written = []
        for k in range(8):
            at = int(rng.integers(len(spans)))
            kind = [*LIES][k] if rng.random() < 0.5 else ""
            told = lie(kind, spans, at, rng) if kind else None
            text, cited = told or truth(spans, at, rng)
            planted[" ".join(text.split()), cited] = kind if told else ""
            written.append({"spans": list(cited), "text": text})
        return json.dumps({"sentences": written})

    engine = ScriptedEngine(write, address="scripted:half-lies")
    begun, counts = time.process_time(), Counter[str]()
    for record in list(records.records.values())[:n_questions]:
        planted.clear()
        found = answered(records, record.title, engine=engine, n=8)
        counts["silent"] += not found.checked
        for one in found.checked:
            is_lie = bool(planted[one.sentence.text, one.sentence.spans])
            counts["lies" if is_lie else "true"] += 1
            counts["lies printed" if is_lie else "true printed"] += not one.failed
            if not one.failed:
                sources = [records[span.record].text for span in found.shown.cited(one.sentence)]
                for quotation in QUOTED.findall(one.sentence.text):
                    counts["quotations printed"] += 1
                    counts["of them verbatim"] += any(quotation in source for source in sources)
    return {**counts, "questions": n_questions, "cpu_s": round(time.process_time() - begun, 1)}


def paperqa(records: Library, n_questions: int, python: Path) -> object:
    """The same questions and the same kind of writer put to paper-qa, in an environment of its own."""
    papers = [
        {"record": r.id, "title": r.title, "abstract": " ".join(r.abstract.split()), "year": r.year, "venue": r.venue,
         "authors": [author.partition(",")[0] for author in r.authors]}
        for r in records.records.values()
    ]  # fmt: skip
    given = json.dumps({"papers": papers, "questions": [paper["title"] for paper in papers[:n_questions]]})
    script, home = Path(__file__).with_name("literature_paperqa.py"), Path(__file__).parents[1] / "src"
    environment = {**os.environ, "PYTHONPATH": str(home), "OPENAI_API_KEY": "none"}
    done = subprocess.run(
        [python, "-P", script], input=given, text=True, capture_output=True, env=environment, check=False
    )
    return json.loads(done.stdout.splitlines()[-1]) if not done.returncode else done.stderr[-2_000:]


def checks(records: Library, n: int, seed: int) -> dict[str, object]:
    """Lies of each kind that pass, and true sentences that do not."""
    rng, corpus = np.random.default_rng(seed), records.corpus()
    spans = spans_of(corpus)
    survived, removed, begun = Counter[str](), 0, time.process_time()
    for kind in LIES:
        told = 0
        while told < n:
            shown = Shown.of(records, [spans[int(k)] for k in rng.choice(len(spans), size=12, replace=False)])
            if found := lie(kind, facts_of(shown), int(rng.integers(12)), rng):
                told += 1
                survived[kind] += not check([Sentence(text=found[0], spans=found[1], by="liar")], shown, corpus)[
                    0
                ].failed
    for _ in range(4 * n):
        shown = Shown.of(records, [spans[int(k)] for k in rng.choice(len(spans), size=12, replace=False)])
        text, cited = truth(facts_of(shown), int(rng.integers(12)), rng)
        removed += check([Sentence(text=text, spans=cited, by="honest")], shown, corpus)[0].failed is not None
    return {
        "lies": n * len(LIES), "survived": dict(survived), "true": 4 * n, "removed": removed,
        "cpu_s": round(time.process_time() - begun, 1),
    }  # fmt: skip


def silence(records: Library, others: Library, n: int) -> dict[str, object]:
    """Share of questions that are not answered: titles without their paper's title, and titles of another field."""
    bare = library_of(
        [Record(title="-", abstract=r.abstract, authors=r.authors, year=r.year) for r in records.records.values()],
        apart=None,
    )
    own = [answered(bare, record.title).silence != "" for record in list(records.records.values())[:n]]
    far = [answered(bare, record.title).silence != "" for record in list(others.records.values())[:n]]
    return {"own": round(sum(own) / n, 3), "another field": round(sum(far) / n, 3)}


def main() -> None:
    """Measure, and print as JSON."""
    reading = argparse.ArgumentParser(description=__doc__)
    reading.add_argument("--data", type=Path, default=Path("shared/data/text"))
    reading.add_argument("--questions", type=int, default=40)
    reading.add_argument("--lies", type=int, default=250, help="of each kind, on each set")
    reading.add_argument("--paperqa", type=Path, help="Python of an environment that has paper-qa")
    given = reading.parse_args()
    rng = np.random.default_rng(1)
    sets = {name: library(given.data, name, 200, rng) for name in SETS}
    found = {
        "machine": machine(),
        "answers": answers(sets["nudging"], given.questions, 1),
        "paper-qa": paperqa(sets["nudging"], given.questions, given.paperqa) if given.paperqa else "not asked",
        "checks": {name: checks(records, given.lies, 1) for name, records in sets.items()},
        "silence": silence(sets["nudging"], sets["virus"], given.questions),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
