"""What experiments cost: ``python -m benchmarks.experiments [--quick] [--json]``.

1. A conjoint of 1,000 subjects with 10 tasks: making and planning it, and the analysis of its run (scripted answers),
   beside statsmodels' own clustered regression on the same rows.
2. A specification curve of 1,000 specifications over 10^5 rows, with 999 assignments by chance.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import statsmodels.api as sm

from benchmarks.machine import machine
from proband import Study, collect, plan
from proband.analyses import conjoint
from proband.designs import Conjoint
from proband.designs.conjoint import ProfileDraws
from proband.instruments import Instrument, Item
from proband.measures import clustered_regression, specification_curve
from proband.models.scripted import ScriptedEngine, uniform
from proband.subjects.personas import Subject
from proband.subjects.populations import Population

ATTRIBUTES = {f"attribute {a}": {f"level {k}": f"text {a} {k}" for k in range(2 + a % 4)} for a in range(9)}
CHOICE = Item(id="choice", text="Which of the two would you rather have?", form="choice", options=("1", "2"))


def timed(work: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def design(n: int, tasks: int) -> Conjoint:
    people = Population(name="made up", subjects=tuple(Subject(id=f"s{k}", traits={}) for k in range(n)), fields=())
    return Conjoint(
        instrument=Instrument(id="c", title="C", items=(CHOICE,)), subjects=people, seed=1, persona="none",
        attributes=ATTRIBUTES, tasks=tasks, answer_by="written",
    )  # fmt: skip


def of_conjoint(n: int, tasks: int) -> dict[str, float]:
    planned, _ = timed(lambda: plan(Study(design(n, tasks), "scripted:uniform")))
    with tempfile.TemporaryDirectory() as folder:
        made = design(n, tasks)
        run = collect(made, ScriptedEngine(uniform(), seed=2), Path(folder) / "run")
        analysed, _ = timed(lambda: conjoint.sections(run))
    draws = ProfileDraws(made.describe())
    shown = [p for k in range(n) for t in range(1, tasks + 1) for p in draws.of(f"s{k}", t)]
    columns = {"1": np.ones(len(shown))}
    for name, levels in ATTRIBUTES.items():
        columns |= {f"{name}{k}": np.array([p[name] == k for p in shown], float) for k in list(levels)[1:]}
    y = np.random.default_rng(0).integers(0, 2, len(shown)).astype(float)
    clusters = np.repeat(np.arange(n), 2 * tasks)
    x = np.column_stack(list(columns.values()))
    ours, _ = timed(lambda: clustered_regression(y, columns, cluster=list(clusters), errors="CR1"))
    theirs, _ = timed(lambda: sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": clusters}))
    return {
        "plan_s": planned, "analysis_s": analysed, "regression_s": ours, "statsmodels_s": theirs,
        "rows": float(len(shown)),
    }  # fmt: skip


def of_specifications(units: int, specifications: int) -> dict[str, float]:
    rng = np.random.default_rng(0)
    y, treated = rng.normal(size=(units, specifications)), np.arange(units) % 2 == 0
    names = [str(k) for k in range(specifications)]
    took, _ = timed(lambda: specification_curve(y, treated, names=names))
    return {"curve_s": took, "rows": float(y.size)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    part = 10 if given.quick else 1
    c, s = of_conjoint(1000 // part, 10), of_specifications(100, 1000 // part)
    if given.json:
        print(json.dumps({"conjoint": c, "specifications": s, "machine": machine()}, indent=2))
        return
    print(f"conjoint, {c['rows']:,.0f} profiles: planned in {c['plan_s']:.2f} s (target 2), analysed in "
          f"{c['analysis_s']:.2f} s (target 3); regression {c['regression_s']:.3f} s, statsmodels' "
          f"{c['statsmodels_s']:.3f} s")  # fmt: skip
    print(f"specification curve over {s['rows']:,.0f} rows: {s['curve_s']:.2f} s (target 60)")


if __name__ == "__main__":
    main()
