"""Rules over a million agents, in Proband and beside it: ``python -m benchmarks.societies_rules [--quick]``.

In processor time: a step of Schelling, SIR and bounded confidence (all, and in pairs), with the digest of the state
that a run takes after each. With another Python that has Mesa (`--mesa PYTHON`) or SocioVerse2 (`--socioverse PYTHON`),
the same societies there, in turn on the same machine. Mesa holds an object an agent, so it steps through fewer of them,
and what an agent takes is compared.
"""

import argparse
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from benchmarks.scenarios import world
from benchmarks.societies import parallel

OTHERS = Path(__file__).with_name("societies_others.py")
STEPS = 5


def _settings(agents: int) -> dict[str, tuple[str, dict[str, Any]]]:
    side = round((agents / 0.9) ** 0.5)
    return {
        "schelling": ("schelling", {"agents": agents, "width": side, "height": side, "wants": 0.3}),
        "sir": ("sir", {"agents": agents, "seeds": agents // 100}),
        "pairs": ("bounded-confidence", {"agents": agents, "meet": "pairs"}),
        "all": ("bounded-confidence", {"agents": agents, "meet": "all"}),
    }


def step(name: str, agents: int) -> float:
    """Processor seconds of one step of ours, the digest of the state among them."""
    scenario, keys = _settings(agents)[name]
    made = world(scenario, **keys)
    state = made.begin(0)
    start = time.process_time()
    for _ in range(STEPS):
        state = made.advance(state, [])
        state.digest()
    return (time.process_time() - start) / STEPS


def there(python: str, of: str, name: str, agents: int) -> float:
    """Processor seconds of one step of theirs."""
    command = [python, str(OTHERS), of, name, str(agents), str(STEPS)]
    return float(json.loads(subprocess.check_output(command, text=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small, to see that it works")
    parser.add_argument("--mesa", default="", help="a Python that has Mesa")
    parser.add_argument("--socioverse", default="", help="a Python that has SocioVerse2")
    options = parser.parse_args()
    many, fewer = (20_000, 2_000) if options.quick else (1_000_000, 100_000)
    found: dict[str, Any] = {"machine": machine("numpy"), "load": os.getloadavg()}
    for name in _settings(many):
        ours = step(name, many)
        found[name] = {"s_a_step": ours}
        if options.mesa and name != "all":  # one by one it takes the square of their number
            theirs = there(options.mesa, "mesa", name, fewer)
            found[name] |= {"mesa_s_a_step": theirs, "mesa_agents": fewer, "ratio": theirs / fewer * many / ours}
    if options.socioverse:
        agents = 300 if options.quick else 3_000
        theirs = there(options.socioverse, "socioverse", "opinions", agents) / agents * 1e3
        ours = parallel(agents, STEPS)["cpu_ms_a_parallel_turn"]
        found["opinions"] = {"ms_a_turn": ours, "socioverse_ms_a_turn": theirs, "ratio": theirs / ours}
    print(json.dumps(found | {"load after": os.getloadavg()}, indent=2))


if __name__ == "__main__":
    main()
