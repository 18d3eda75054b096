"""Screening of labelled sets beside ASReview: how much reading is saved, and the CPU that it takes.

``python -m benchmarks.literature_screening --data shared/data/text/screening``: every set from several priors, each
one included and one excluded record, the same for both. With ``--asreview PYTHON``, the interpreter of an environment
that has ASReview 3 (`pip install asreview`, apart from Proband's: it needs other versions), its default model screens
the same sets from the same priors; without it that side is skipped, and said to be. WSS@95 counts the two records of
the prior as read, on both sides. CPU is that of ranking, without the vectors, which are computed once a set and kept;
of ASReview, that of its simulation.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from proband.literature.records.library import read_library
from proband.literature.screening.ranker import AUTO, encoder_named, views_by
from proband.literature.screening.simulation import Simulation, labels_in, simulate
from proband.literature.screening.stopping import Stop, usual_rules
from proband.measures import recall_at, wss

SETS = ("nudging", "kitchenham", "virus")
COLUMN = "included"
MORE, NEVER_LESS, CPU = 0.02, -0.01, 0.25  # what is asked of the mean, of every set, and of the CPU
RIVAL = r"""
import json, sys, time
import pandas as pd
from asreview.learner import ActiveLearningCycle
from asreview.models.models import AI_MODEL_CONFIGURATIONS
from asreview.simulation.simulate import Simulate

texts, labels, prior = json.load(sys.stdin)
default = next(one["value"] for one in AI_MODEL_CONFIGURATIONS if one["name"] == "elas_u4")
start = time.process_time()
frame = pd.DataFrame(texts, columns=["title", "abstract"])
run = Simulate(frame, pd.Series(labels), [ActiveLearningCycle.from_meta(default)], print_progress=False)
run.label(prior)
run.review()
print(json.dumps({"order": [int(k) for k in run._results["record_id"]], "cpu": time.process_time() - start}))
"""


def ours(done: Simulation) -> dict[str, Any]:
    """What a simulation saved, and where rules stopped."""
    return {
        "wss95": done.saved,
        "recall_at_10": done.early,
        "cpu_s": done.seconds,
        "stops": {rule.in_words: done.stops(rule) for rule in usual_rules(Stop())},
    }


def theirs(python: str, texts: list[tuple[str, str]], labels: np.ndarray, prior: tuple[int, int]) -> dict[str, Any]:
    """The same of ASReview from one prior; what it left unread follows in the order of the set."""
    told = json.dumps([texts, labels.astype(int).tolist(), list(prior)])
    with tempfile.TemporaryDirectory() as folder:  # where it leaves files of its own
        how = {"capture_output": True, "text": True, "check": False, "cwd": folder}
        done = subprocess.run([python, "-c", RIVAL], input=told, **how)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1]}
    found = json.loads(done.stdout.strip().splitlines()[-1])
    order = [k for k in found["order"] if k not in prior]
    rest = sorted({*range(len(labels))} - {*order, *prior})
    read = labels[[*prior, *order, *rest]]
    return {"wss95": wss(read), "recall_at_10": recall_at(read), "cpu_s": found["cpu"]}


def screened(folder: Path, name: str, *, priors: int, encoder: str, asreview: str) -> dict[str, Any]:
    """One set on both sides."""
    library = read_library(folder / f"{name}.csv.gz", duplicates="keep")
    labels = labels_in(library, COLUMN)
    start = time.process_time()
    views = views_by([record.text for record in library.records.values()], encoder)
    views_s = time.process_time() - start
    done = simulate(views, labels, priors=priors)
    row: dict[str, Any] = {"records": len(library), "included": int(labels.sum()), "views_cpu_s": views_s, **ours(done)}
    if asreview:
        texts = [(record.title, record.abstract) for record in library.records.values()]
        begun = [(int(order[0]), int(order[1])) for order in done.orders]
        row["asreview"] = [theirs(asreview, texts, labels, prior) for prior in begun]
    return row


def verdict(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Differences of means by set, and whether they are what is asked for; nothing where ASReview has not run."""
    known = {name: [one for one in row.get("asreview", []) if "wss95" in one] for name, row in rows.items()}
    if not all(known.values()):
        return {"asreview": "skipped: no interpreter was given that has it, or it failed"}
    gaps = {name: float(np.mean(rows[name]["wss95"]) - np.mean([o["wss95"] for o in of])) for name, of in known.items()}
    cpu = {name: float(np.mean(rows[name]["cpu_s"]) / np.mean([o["cpu_s"] for o in of])) for name, of in known.items()}
    return {
        "wss95_more": gaps,
        "cpu_share": cpu,
        "is_enough": float(np.mean(list(gaps.values()))) >= MORE and min(gaps.values()) >= NEVER_LESS,
        "is_quick": max(cpu.values()) <= CPU,
    }


def main() -> None:
    """Print everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled sets")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--priors", type=int, default=5)
    parser.add_argument("--encoder", default=AUTO)
    parser.add_argument("--asreview", default="", help="Python of an environment with ASReview 3")
    asked = parser.parse_args()
    encoder = encoder_named(asked.encoder)
    rows = {
        name: screened(asked.data, name, priors=asked.priors, encoder=encoder, asreview=asked.asreview)
        for name in asked.sets
    }
    print(json.dumps({"machine": machine(), "encoder": encoder, "sets": rows, **verdict(rows)}, indent=1))


if __name__ == "__main__":
    main()
