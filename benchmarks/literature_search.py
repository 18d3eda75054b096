"""Search: ranking by a sentence beside bm25s, an index of 100,000 abstracts, and queries from known papers.

``python -m benchmarks.literature_search [--data FOLDER] [--bm25s PYTHON] [--n N] [--json]``: FOLDER has the labelled
sets ``nudging.csv.gz`` and ``kitchenham.csv.gz``; PYTHON is the interpreter of an environment that has bm25s, and
PyStemmer where stems are to be compared too. What is absent is skipped, and said to be. Every set is asked in several
wordings, since what one sentence achieves says more of the sentence than of the ranking.
"""

import argparse
import json
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from benchmarks.machine import machine
from proband.errors import DesignError
from proband.literature.queries.index import Index
from proband.literature.queries.quality import labels_of, quality
from proband.literature.queries.ranking import rank
from proband.literature.queries.seeds import query_from_seeds
from proband.literature.records.library import Library, read_library
from proband.literature.records.record import Record
from proband.literature.screening.ranker import AUTO, NONE, encoder_named
from proband.measures import average_precision

QUESTIONS = {
    "nudging": (
        "Nudging healthcare professionals to improve their clinical decisions",
        "Which nudges change the behaviour of healthcare professionals?",
        "Do nudges change the clinical decisions of physicians and other healthcare professionals?",
        "Nudge interventions that change decisions of healthcare professionals",
        "Interventions that nudge physicians and other healthcare professionals towards better clinical practice",
    ),
    "kitchenham": (
        "Systematic literature reviews in software engineering",
        "Which systematic literature reviews have been published in software engineering?",
        "What systematic reviews and literature surveys are there in software engineering?",
    ),
}
TIMED = (
    "nudg*",
    '(nudg* OR "choice architecture" OR feedback) AND (physician* OR clinician* OR nurse*)',
    "health* NEAR/3 (care OR patient*)",
    "title:(review* OR survey*) AND software NOT year:-1999",
)
DRAWS = 10
BM25S = """
import json, sys
import bm25s
try:
    import Stemmer
    stemmers = {"bm25s": None, "bm25s, stems": Stemmer.Stemmer("english")}
except ImportError:
    stemmers = {"bm25s": None}
given = json.load(sys.stdin)
found = {}
for name, stemmer in stemmers.items():
    how = {"stopwords": "en", "stemmer": stemmer, "show_progress": False}
    ranker = bm25s.BM25()
    ranker.index(bm25s.tokenize(given["texts"], **how), show_progress=False)
    found[name] = [
        ranker.get_scores(bm25s.tokenize([question], return_ids=False, **how)[0]).tolist()
        for question in given["questions"]
    ]
json.dump(found, sys.stdout)
"""


def ranking(library: Library, labels: dict[str, bool], questions: tuple[str, ...], bm25s: str) -> dict[str, Any]:
    """Average precision of every ranking, by question and their mean."""
    index, ids = Index(library), list(library.records)
    orders: dict[str, list[list[str]]] = {}
    for name, encoder in {"words": NONE, "words and meaning": encoder_named(AUTO)}.items():
        orders[name] = [[id for id, _ in rank(library, q, encoder=encoder, index=index)] for q in questions]
    if bm25s:
        given = json.dumps({"texts": [record.text for record in library.records.values()], "questions": questions})
        done = subprocess.run([bm25s, "-c", BM25S], input=given, capture_output=True, text=True, check=True)
        for name, scores in json.loads(done.stdout).items():
            orders[name] = [[ids[k] for k in np.argsort(-np.array(one), kind="stable")] for one in scores]
    found: dict[str, Any] = {}
    for name, of in orders.items():
        values = [average_precision([labels[id] for id in order]) for order in of]
        found[name] = {"mean": fmean(values), "least": min(values), "most": max(values)}
    return (
        found if bm25s else {**found, "bm25s": "skipped: give --bm25s, the interpreter of an environment that has it"}
    )


def seeds(library: Library, labels: dict[str, bool]) -> dict[str, Any]:
    """What queries made from some relevant records find of the other ones."""
    index, relevant = Index(library), [id for id, label in labels.items() if label]
    found: dict[str, Any] = {}
    for n in (8, 20):
        measured = []
        for k in range(DRAWS):
            known = random.Random(k).sample(relevant, n)
            others = {id: label for id, label in labels.items() if id not in known}
            try:
                got = index.search(query_from_seeds(index, known).query)
            except DesignError:
                got = []
            measured.append(quality(got, others))
        found[f"from {n} papers"] = {
            "precision": fmean(of.precision or 0 for of in measured), "recall": fmean(of.recall for of in measured),
            "F3": fmean(of.f3 for of in measured),
        }  # fmt: skip
    return found


def large(n: int) -> dict[str, Any]:
    """An index of so many abstracts of drawn words among real stems, and what queries take, medians of five."""
    rng = np.random.default_rng(1)
    made = ["".join(rng.choice(list("abcdefghijklmnoprstuvy"), rng.integers(2, 11))) for _ in range(60_000)]
    known = (
        "nudge nudging choice architecture feedback physicians clinicians nurses health care patients review software"
    )
    words = np.array([*made[:2_000], *known.split(), *made[2_000:]])  # each in about one abstract of a hundred
    shares = 1 / np.arange(10, len(words) + 10)
    drawn = rng.choice(words, (n, 180), p=shares / shares.sum())
    records = [
        Record(title=" ".join(row[:10]), abstract=" ".join(row[10:]), year=1990 + k % 30, doi=f"10.1234/{k}")
        for k, row in enumerate(drawn.tolist())
    ]
    cpu, wall = time.process_time(), time.perf_counter()
    index = Index(records)
    built = {"CPU s": time.process_time() - cpu, "wall s": time.perf_counter() - wall}
    times = {query: _median_ms(lambda q=query: index.search(q)) for query in TIMED}  # type: ignore[misc]
    return {f"index of {n:,} abstracts": built, "queries, CPU ms": times}


def _median_ms(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(5):
        start = time.process_time()
        call()
        taken.append(1000 * (time.process_time() - start))
    return median(taken)


def search(data: Path | None, bm25s: str, n: int) -> dict[str, Any]:
    """All of it."""
    found: dict[str, Any] = {}
    for name, questions in QUESTIONS.items():
        path = data / f"{name}.csv.gz" if data else None
        if path is None or not path.is_file():
            found[name] = "skipped: give --data, the folder of the labelled sets"
            continue
        library = read_library(path, duplicates="keep")
        labels = labels_of(library, "included")
        found[name] = {**ranking(library, labels, questions, bm25s), **seeds(library, labels)}
    return {**found, **large(n)}


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--bm25s", default="", metavar="PYTHON")
    parser.add_argument("--n", type=int, default=100_000, help="abstracts of the large index")
    parser.add_argument("--json", action="store_true")
    args, _ = parser.parse_known_args()
    found = search(args.data, args.bm25s, args.n)
    if args.json:
        print(json.dumps({"machine": machine(), "search": found}, indent=1))
        return
    for name, told in found.items():
        print(name, told if isinstance(told, str) else "")
        for row, values in told.items() if isinstance(told, dict) else ():
            pairs = values.items() if isinstance(values, dict) else [("", values)]
            print(f"  {row}: " + ", ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in pairs))


if __name__ == "__main__":
    main()
