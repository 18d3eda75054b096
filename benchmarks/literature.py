"""Literature: every part's benchmark, and that of reading records, beside rispy.

``python -m benchmarks.literature [PART] [--json] [...]``: PART is `imports`, or the rest of the name of a module
`benchmarks/literature_PART.py`, which is given whatever else was given; without one all of them are run in turn.

``python -m benchmarks.literature imports --rispy PYTHON``: 100,000 RIS records of 22 lines are written and read, each
time in a process of its own: by ``rispy.load``, with the interpreter of an environment that has it; into records; and
into a library, which looks for duplicates, of which there are none. Then 1,000 records are damaged in thirteen ways,
and it is counted how many of them each reader gives back with their own title.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.machine import machine

N, DAMAGED = 100_000, 1_000
READERS = {
    "proband, records": "from proband.literature.records.library import read_library\n"
    "read = lambda path: read_library(path, duplicates='keep').records.values()",
    "proband, library without duplicates": "from proband.literature.records.library import read_library\n"
    "read = lambda path: read_library(path).records.values()",
    "rispy": "import rispy\ndef read(path):\n with open(path, encoding='utf-8') as file:\n  return rispy.load(file)",
}
TIMED = """
import json, resource, sys, time
{reader}
cpu, wall = time.process_time(), time.perf_counter()
try:
    found = list(read(sys.argv[1]))
except Exception as error:
    print(json.dumps({{"refused": type(error).__name__}}))
    sys.exit()
told = {{"CPU s": time.process_time() - cpu, "wall s": time.perf_counter() - wall, "records": len(found),
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}}
titles = [r.get("title") or r.get("primary_title") or "" if isinstance(r, dict) else r.title for r in found]
told["distinct titles"] = len({{title for title in titles if title.startswith("Study ")}})
print(json.dumps(told))
"""
WAYS: tuple[Callable[[str], str], ...] = (
    lambda text: text.replace("ER  -\n", ""),
    lambda text: text.replace("ER  -\n\n", "ER  -"),
    lambda text: text.replace("\n\n", "\n").replace("ER  -\n", ""),
    lambda text: re.sub(r"^(..)  - ", r"\1 - ", text, flags=re.M),
    lambda text: re.sub(r"^(..)  - ", r"\1- ", text, flags=re.M),
    lambda text: re.sub(r"^", "  ", text, flags=re.M),
    lambda text: f"17.\n{text}",
    lambda text: text.replace("\n", "\n\n"),
    lambda text: text.replace("ER  -", "ER"),
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text.replace("PY  - ", "PY  - around "),
    lambda text: text.replace("AB  - ", "AB  - \x00\u00e9 "),
    lambda text: text.replace("ER  -\n", "ER  -\nLink to the full text: TY-pical\n"),
)


def records(n: int, rng: random.Random) -> list[str]:
    """RIS records of words that are drawn."""
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 9))) for _ in range(20_000)]

    def some(k: int) -> str:
        return " ".join(rng.choices(words, k=k))

    return [
        f"TY  - JOUR\nTI  - Study {k} {some(10)}\n"
        + "".join(f"AU  - {some(1).title()}, {some(1).title()}\n" for _ in range(4))
        + f"PY  - {rng.randint(1950, 2025)}\nJO  - {some(3)}\nVL  - 3\nIS  - 2\nSP  - {k}\nEP  - {k + 9}\n"
        f"DO  - 10.1234/{k}.x\nUR  - https://example.org/{k}\nAB  - {some(180)}\n"
        + "".join(f"KW  - {some(2)}\n" for _ in range(5))
        + "ER  -\n\n"
        for k in range(n)
    ]


def imports(rispy: str = "", n: int = N) -> dict[str, Any]:
    """Each reader's time on sound records, and what it gives back of damaged ones."""
    rng = random.Random(1)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        whole, spoilt = Path(folder, "whole.ris"), Path(folder, "spoilt.ris")
        whole.write_text("".join(records(n, rng)), encoding="utf-8")
        spoilt.write_bytes("".join(rng.choice(WAYS)(text) for text in records(DAMAGED, rng)).encode())
        for name, reader in READERS.items():
            python = rispy if name == "rispy" else sys.executable
            if not python:
                found[name] = "skipped: give --rispy, the interpreter of an environment that has it"
                continue
            told = [
                json.loads(subprocess.run(
                    [python, "-c", TIMED.format(reader=reader), str(path)], capture_output=True, text=True, check=True
                ).stdout)
                for path in (whole, spoilt)
            ]  # fmt: skip
            lost = DAMAGED - told[1].get("distinct titles", 0)
            found[name] = {**told[0], f"lost of {DAMAGED:,} damaged": told[1].get("refused") or lost}
    return found


def main() -> None:
    """Run a part, or all of them."""
    others = sorted(path.stem.removeprefix("literature_") for path in Path(__file__).parent.glob("literature_*.py"))
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("part", nargs="?", choices=["imports", *others])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rispy", default="", metavar="PYTHON")
    parser.add_argument("--n", type=int, default=N, help="records to import")
    args, rest = parser.parse_known_args()
    if args.part in (None, "imports"):
        told = {"machine": machine(), "imports": imports(args.rispy, args.n)}
        print(json.dumps(told, indent=1) if args.json else _told(told["imports"]))
    for part in others if args.part is None else [args.part] if args.part != "imports" else []:
        more = ["--json"] if args.json else []
        subprocess.run([sys.executable, "-m", f"benchmarks.literature_{part}", *more, *rest], check=True)


def _told(found: dict[str, Any]) -> str:
    lines = []
    for name, told in found.items():
        parts = told.items() if isinstance(told, dict) else [(told, "")]
        said = (f"{what} {n:,.1f}" if isinstance(n, float) else f"{what} {n}" for what, n in parts)
        lines.append(f"{name}: {', '.join(said)}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
