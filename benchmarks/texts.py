"""Coding of texts: how fast, in how much memory, how well, beside how it was and what there is.

``python -m benchmarks.texts [--only NAME ...] [--data FOLDER] [--million] [--quick] [--json]``. Every row is measured
in a process of its own, so that its memory is its own. Rows that need data find them in FOLDER, or are left out.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from proband import collect, load_study
from proband.instruments import Instrument, Item
from proband.models.rules import stated
from proband.models.scripted import ScriptedEngine
from proband.subjects.corpora import CorpusReading, read_corpus
from proband.texts.coders import Coder
from proband.texts.codes import codes_of
from proband.texts.design import Coding

OPTIONS = ("Economic", "Social", "Neither")
GOLD = {"1": "Neither", "2": "Economic", "3": "Social"}


def loop(n: int, folder: Path) -> dict[str, Any]:
    """Documents of 170 words, three questions each, answered by a rule; durable, and then resumed."""
    rng = np.random.default_rng(1)
    words = np.array(["".join(rng.choice(list("abcdefghij"), rng.integers(2, 10))) for _ in range(5_000)])
    path = folder / "corpus.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("id,text,author\n")
        for k in range(n):
            file.write(f"d{k},{' '.join(rng.choice(words, 170))},a{k % 997}\n")
    items = tuple(Item(id=f"q{k}", text=f"What of {k}?", form="choice", options=OPTIONS) for k in range(3))
    design = Coding(
        codebook=Instrument(id="book", title="Book", items=items, preamble="Codebook. " + "Read it well. " * 20),
        corpus=read_corpus(path, id="id", unit="author", how=CorpusReading(near=False)),
        coders=(Coder(name="coder", order="as_written"),),
        seed=1,
    )
    engine = ScriptedEngine(stated({item.id: (0.2, 0.3, 0.5) for item in items}), seed=1)
    cpu = time.process_time()
    collect(design, {"coder": engine}, folder / "run")
    cpu, again = time.process_time() - cpu, time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    collect(design, {"coder": engine}, folder / "run")
    resumed = time.process_time() - again
    size = design.size()
    return {"trials": size, "trials per CPU second": size / cpu, "peak MB": peak, "resume CPU s": resumed}


def manifesto(answer_by: str, n: int, data: Path, folder: Path) -> dict[str, Any]:
    """Sentences of party programmes by area, coded by the embedded model without labels."""
    file = (data / "manifesto_gold497.csv.gz").resolve()
    study = f"""
title = "{answer_by}"
seed = 1
engine = "smollm2"
[instrument]
use = "economic-social"
only = ["area"]
[coding]
answer_by = "{answer_by}"
corpus = {{ file = "{file}", id = "sentenceid", text = "sentence_text", unit = "manifestoid", sample = {n} }}
"""
    (folder / "study.toml").write_text(study)
    found = load_study(folder / "study.toml")
    start = time.perf_counter()
    run = collect(found.design, found.cast, folder / "run")
    seconds = time.perf_counter() - start
    gold = {id: GOLD[str(traits["policy_area_gold"])] for id, traits in run.traits.items()}
    rows = {"documents per second": len(gold) / seconds}
    for name, prior in (("", False), (" prior corrected", True)):
        codes = codes_of(run, prior_correction=prior)
        table = np.zeros((3, 4))
        for document, code in codes.select("document", "code").iter_rows():
            table[OPTIONS.index(gold[document]), 3 if code is None else OPTIONS.index(code)] += 1
        table /= table.sum()
        by_chance = float(table.sum(axis=1) @ table.sum(axis=0)[:3])
        right = float(np.trace(table[:, :3]))
        rows |= {f"accuracy{name}": right, f"kappa{name}": (right - by_chance) / (1 - by_chance)}
    return rows


def rows_of(args: argparse.Namespace) -> dict[str, Callable[[Path], dict[str, Any]]]:
    n, few = (2_000, 20) if args.quick else (20_000, 200)
    found: dict[str, Callable[[Path], dict[str, Any]]] = {"loop": lambda folder: loop(n, folder)}
    if args.million:
        found["loop, a million documents"] = lambda folder: loop(1_000_000, folder)
    if (args.data / "manifesto_gold497.csv.gz").is_file():
        for answer_by in ("option_text", "channel"):
            found[answer_by] = lambda folder, answer_by=answer_by: manifesto(answer_by, few, args.data, folder)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--data", type=Path, default=Path("shared/data/text"))
    for flag in ("--million", "--quick", "--json"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    args = parser.parse_args()
    rows = rows_of(args)
    if args.row:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(rows[args.row](Path(folder))))
        return
    measured = {}
    for name in rows:
        if not args.only or name in args.only:
            command = [sys.executable, "-m", "benchmarks.texts", *sys.argv[1:], "--row", name]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            measured[name] = json.loads(done.stdout.splitlines()[-1])
    if {"channel", "option_text"} <= measured.keys():
        speeds = [measured[name]["documents per second"] for name in ("channel", "option_text")]
        measured["channel"]["documents a second, of option_text"] = speeds[0] / speeds[1]
    if args.json:
        print(json.dumps({"machine": machine(), "rows": measured}, indent=2))
        return
    for name, values in measured.items():
        print(f"{name}: " + ", ".join(f"{what} {value:,.3g}" for what, value in values.items()))


if __name__ == "__main__":
    main()
