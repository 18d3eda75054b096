"""Files of every kind with damage by chance: they are read, or refused with an error of the house, and nothing else.

Each kind is tried in a process of its own, so that a library that ends its process is seen, and named by the seed of
the file it ended on.
"""

import logging
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from proband.errors import ProbandError

N = 5_000
PATIENCE_S = 1_200  # for all files of a kind; a quiet machine takes some 20 s
SHARES = 2  # processes a kind, side by side

CSV = (
    "id,age,town,w,when\n1,34,Köln,0.5,2024-01-01\n2,,Ulm,1.25,2024-02-01\n"
    '3,51,"Bonn, ""am Rhein""",2,NA\n4,7,x,1e-3,\n'
)
INSTRUMENT = """id = "mine"
title = "Mine"
[options.agreement]
texts = ["No", "Maybe", "Yes", "Don't know"]
values = [1, 2, 3, 9]
dont_know = ["don't know"]
[[items]]
id = "dogs"
text = "Dogs are fine, {subject:age}."
form = "scale"
options = "agreement"
column = "v1"
[[items]]
id = "why"
text = "Why?"
form = "text"
ask_if = { item = "dogs", options = ["Yes", 0] }
[[items]]
id = "hours"
text = "How long?"
form = "number"
lower = 0
upper = 24.5
[[scales]]
id = "pets"
plus = ["dogs"]
min_valid = 0.5
"""
ROWS = (
    "id,text,form,options,values,lower,upper,scale,key\ndogs,Dogs are fine.,scale,No|Maybe|Yes,1|2|3,,,pets,-1\n"
    'why,"Why, indeed?",text,,,,,,\nhours,How long?,number,,,0,24.5,,\n'
)
POPULATION = """id = "town"
title = "A town"
source = "us"
licence = "CC0"
id_column = "id"
weight_column = "w"
missing = { age = [-1, "NA"], "t*" = ["x"] }
data = { path = "data.csv", separator = ",", encoding = "utf-8" }
[[fields]]
column = "age"
question = "How old are you?"
first = "I am {value} years old."
third = "The person is {value} years old."
labels = { 34 = "thirty-four", "NA" = "of unknown age" }
is_number = true
"""
BANK = (
    '{"question": "Which is a metal?", "choices": ["iron", "wood"], "answer": "A", "id": 1}\n'
    '{"question": "Which floats?", "options": ["cork", "gold", "lead"], "answer_text": "cork"}\n'
)


def columns() -> dict[str, list[object]]:
    """People for the formats that a library writes."""
    return {"id": [1.0, 2.0, 3.0], "age": [34.0, 99.0, -8.0], "town": ["Koeln", "Bonn", "Ulm"]}


def labelled(suffix: str) -> bytes:
    import pandas as pd
    import pyreadstat

    frame = pd.DataFrame(columns())
    about = {"column_labels": {"age": "Age in years"}, "variable_value_labels": {"age": {99.0: "no answer"}}}
    ranges = {"missing_ranges": {"age": [99.0, {"lo": -9.0, "hi": -1.0}]}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"people{suffix}")
        if suffix == ".por":
            pyreadstat.write_por(frame.rename(columns=str.upper), path, variable_format={"AGE": "F8.2"})
        elif suffix == ".xpt":
            pyreadstat.write_xport(frame, path)
        elif suffix == ".dta":
            pyreadstat.write_dta(frame, path, **about)
        else:
            timed = {"variable_format": {"id": "TIME8"}}
            pyreadstat.write_sav(frame, path, compress=suffix == ".zsav", **about, **ranges, **timed)
        return path.read_bytes()


def old_stata() -> bytes:
    import io

    import pandas as pd

    file = io.BytesIO()
    pd.DataFrame(columns()).to_stata(file, write_index=False, version=114)
    return file.getvalue()


def parquet() -> bytes:
    import io

    import polars as pl

    file = io.BytesIO()
    pl.DataFrame({**columns(), "tags": [["a"], [], ["b"]]}).write_parquet(file)
    return file.getvalue()


def gzipped() -> bytes:
    import gzip

    return gzip.compress(CSV.encode(), mtime=0)


def data(path: Path) -> None:
    from proband.subjects import inspect_microdata, read_microdata

    inspect_microdata(path)
    read_microdata(path).population("x")


def instrument(path: Path) -> None:
    from proband.instruments import load_instrument

    load_instrument(path)


def population(path: Path) -> None:
    from proband.subjects import load_population

    load_population(path)


def bank(path: Path) -> None:
    from proband.instruments.banks.loading import load_bank

    load_bank(path, domain="chemistry")


KINDS: dict[str, tuple[str, Callable[[], bytes], Callable[[Path], None]]] = {
    "csv": ("people.csv", CSV.encode, data),
    "tsv": ("people.tsv", CSV.replace(",", "\t").encode, data),
    "csv.gz": ("people.csv.gz", gzipped, data),
    "sav": ("people.sav", lambda: labelled(".sav"), data),
    "zsav": ("people.zsav", lambda: labelled(".zsav"), data),
    "por": ("people.por", lambda: labelled(".por"), data),
    "dta": ("people.dta", lambda: labelled(".dta"), data),
    "dta 114": ("people.dta", old_stata, data),
    "xpt": ("people.xpt", lambda: labelled(".xpt"), data),
    "parquet": ("people.parquet", parquet, data),
    "jsonl": ("bank.jsonl", BANK.encode, bank),
    "instrument toml": ("mine.toml", INSTRUMENT.encode, instrument),
    "instrument csv": ("mine.csv", ROWS.encode, instrument),
    "population toml": ("town.toml", POPULATION.encode, population),
}
MARKS = [
    b"",
    b"\0",
    b"\xff",
    b'"',
    b"'",
    b",",
    b"\n",
    b"\r",
    b"[",
    b"{",
    b"}",
    b"=",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"9" * 20,
]
ENDS = [b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80"]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, lost, repeated, moved, or made the ends of what a number can hold."""
    held = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 3, 8])):
        at, other = rng.randrange(len(held) + 1), rng.randrange(len(held) + 1)
        length = rng.randrange(1, 16)
        match rng.randrange(8):
            case 0 | 1:
                held[at : at + 1] = bytes([rng.randrange(256)])
            case 2:
                held[at : at + 1] = rng.choice(MARKS)
            case 3:
                del held[at : at + length]
            case 4:
                held[at:at] = rng.choice(
                    [rng.randbytes(length), held[other : other + length], rng.choice(MARKS) * length]
                )
            case 5:
                held[at : at + length] = held[other : other + length]
            case 6:
                held[at : at + 4] = rng.choice(ENDS)
            case 7:
                held = held[:at] if rng.random() < 0.3 else held
    return bytes(held)


def attempt(kind: str, first: int, last: int) -> None:
    """Try files of one kind; what ends otherwise than it may is printed."""
    name, made, read = KINDS[kind]
    logging.disable()
    content, seen, slowest = made(), Counter[str](), 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        Path(folder, "data.csv").write_text(CSV, encoding="utf-8")
        for seed in range(first, last):
            print(f"\r{seed}", end="", file=sys.stderr, flush=True)
            path.write_bytes(damaged(content, random.Random(f"{kind} {seed}")))
            begun = time.monotonic()
            try:
                read(path)
                seen["read"] += 1
            except ProbandError as error:
                seen["refused" if str(error).strip() else "refused without a word"] += 1
            except BaseException as error:
                print(f"{kind}, seed {seed}: {type(error).__name__}: {str(error)[:200]}", flush=True)
            slowest = max(slowest, time.monotonic() - begun)
    print(f"\n{dict(seen)}, slowest {slowest:.2f} s", file=sys.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_read_or_refused_with_an_error_of_the_house(kind):
    cuts = [N * k // SHARES for k in range(SHARES + 1)]
    command = [sys.executable, "-W", "ignore", __file__, kind]
    tried = [
        subprocess.Popen([*command, str(a), str(b)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for a, b in pairwise(cuts)
    ]
    for process in tried:
        out, told = process.communicate(timeout=PATIENCE_S)
        assert not out, out
        assert process.returncode == 0, f"ended by {process.returncode} on the file of seed {told.splitlines()[-1]}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_undamaged_file_of_each_kind_is_read(kind, tmp_path):
    name, made, read = KINDS[kind]
    (tmp_path / "data.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / name).write_bytes(made())
    read(tmp_path / name)


if __name__ == "__main__":
    attempt(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
