"""A portrait: what was planned against what it took, and how many tokens sharing saves.

``python -m benchmarks.portraits --quick --only psychology --json`` carries a portrait out on the embedded model and
prints, battery by battery, planned and actual seconds, and tokens: alone (every option after its own prompt) and
computed (what prompts and options share, once). ``--into FOLDER`` keeps the runs, from which ``proband portrait ENGINE
--into FOLDER`` writes its page without asking again.
"""

import argparse
import json
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from benchmarks.machine import machine
from proband.addresses import open_engine
from proband.portraits.portrait import Sitting, chosen, planned, portray


def tokens(sitting: Sitting) -> dict[str, dict[str, float]]:
    """Tokens of every battery that is scored: alone, shared, and how many times fewer these are."""
    found = {}
    for battery in sitting.batteries:
        trials = [t for t in sitting.study(battery).design.preview() if t.request.continuations]
        if not trials:
            continue
        whole = sitting.engine.cost(trials)
        alone = whole.completion_tokens + sum(
            sitting.engine.cost([trial]).prompt_tokens * len(trial.request.continuations) for trial in trials
        )
        found[battery.name] = {"alone": alone, "computed": whole.unique_tokens, "ratio": alone / whole.unique_tokens}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.portraits", description=__doc__)
    parser.add_argument("--engine", default="smollm2")
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--into", default="", help="folder that keeps the runs")
    parser.add_argument("--tokens", action="store_true", help="count tokens and ask nobody")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    names = [name for name in asked.only.split(",") if name]
    sitting = Sitting(engine=open_engine(asked.engine), batteries=chosen(names), is_quick=asked.quick)
    takes = planned(sitting)
    able = [battery for battery in sitting.batteries if battery.name in takes.plans]
    sitting = Sitting(engine=sitting.engine, batteries=able, is_quick=asked.quick)
    counted = tokens(sitting)
    said: dict[str, object] = {
        "machine": machine(),
        "trials": takes.trials,
        "planned_s": takes.seconds,
        "tokens": counted,
        "ratio": sum(c["alone"] for c in counted.values()) / sum(c["computed"] for c in counted.values()),
        "refused": dict(takes.refused),
    }
    if not asked.tokens:
        with nullcontext(asked.into) if asked.into else tempfile.TemporaryDirectory() as folder:
            start, worked = time.perf_counter(), time.process_time()
            done = portray(sitting, Path(folder), tell=lambda line: print(line, file=sys.stderr, flush=True))
            said["actual_s"] = time.perf_counter() - start
            said["processor_s"] = time.process_time() - worked
            said["by_battery_s"] = {
                one.battery.name: {"planned": takes.plans[one.battery.name].seconds, "actual": one.seconds}
                for one in done
            }
    print(json.dumps(said, indent=2) if asked.json else "\n".join(f"{name}: {value}" for name, value in said.items()))


if __name__ == "__main__":
    main()
