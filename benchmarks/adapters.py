"""Several agents with adapters of their own on one base, beside one model: memory, disk, and time of a turn.

``python -m benchmarks.adapters --json`` prints what was measured. Every way answers the same questions in a process of
its own, which tells its memory before anything is loaded and at the end: the base alone; one agent with an adapter; so
many agents, each with its own; and, unless left out, as many merged checkpoints, which are what was kept before. The
adapters have the rank and layers of the recipe "memory" and random weights: what they say does not matter here.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.machine import machine
from proband.instruments import load_instrument
from proband.records import Message, Place, Reply, Request, Trial


def questions(n: int) -> list[Trial]:
    """So many items behind one persona, with four options each."""
    asked = []
    for k, item in enumerate(load_instrument("ipip-neo-120").items[:n]):
        turns = (Message("system", "You are 45 years old and a teacher."), Message("user", item.text))
        request = Request(messages=turns, continuations=item.options[:4], closes=True)
        reply = Reply(form="choice", method="option_text", options=item.options[:4], order=(0, 1, 2, 3))
        asked.append(Trial(place=Place(subject="s", item=str(k)), request=request, reply=reply))
    return asked


def answered(addresses: list[str], n: int, rounds: int, threads: int) -> dict[str, Any]:
    """Open every address and ask each the same questions, round after round, all of them open at once."""
    import torch
    import transformers  # noqa: F401  counted as what is there before

    torch.set_num_threads(threads)
    from proband.addresses import open_engine

    process, trials = psutil.Process(), questions(n)
    before = process.memory_info().rss
    began = time.process_time()
    engines = [open_engine(address) for address in addresses]
    opened = time.process_time() - began
    for engine in engines:
        list(engine.answer(trials))
    began = time.process_time()
    for _ in range(rounds):
        for engine in engines:
            list(engine.answer(trials))
    asked = time.process_time() - began
    found = {"rss_mb": (process.memory_info().rss - before) / 1e6, "before_mb": before / 1e6}
    turns = rounds * len(engines) * n
    return found | {"open_s": opened / len(engines), "turn_ms": 1000 * asked / turns}


def in_own_process(addresses: list[str], arguments: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.adapters", "--only", *addresses]
    command += ["--questions", arguments.questions, "--rounds", arguments.rounds, "--threads", arguments.threads]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def prepared(folder: Path, agents: int, merged: bool) -> tuple[list[str], list[str], int]:
    """Addresses of agents as adapters and as merged checkpoints, and the bytes of one adapter's folder."""
    import torch
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    from proband.models.local.adapters import save_adapter
    from proband.training.bases import base_weights, load_base
    from proband.training.recipe import named_recipe
    from proband.training.trainer import adapted

    base = load_base("smollm2", is_frozen=True)
    model = adapted(base.model, named_recipe("memory").adapter, 1)
    settings = model.peft_config["default"].to_dict()
    settings["target_modules"] = sorted(settings["target_modules"])
    adapters, whole = [], []
    for k in range(agents):
        torch.manual_seed(k)
        for name, weights in model.named_parameters():
            if "lora_" in name:
                weights.data.normal_(std=0.02)
        into = folder / f"agent-{k}"
        into.mkdir()
        tensors = {name: part.detach().clone() for name, part in get_peft_model_state_dict(model).items()}
        save_adapter(into, tensors, settings, base="smollm2", base_weights=base_weights("smollm2"))
        adapters.append(f"smollm2+{into}")
        if merged:
            model.merge_adapter()
            plain = {
                name.replace(".base_layer", ""): weights
                for name, weights in model.get_base_model().state_dict().items()
                if "lora_" not in name
            }
            base.model.config.save_pretrained(into / "merged")
            base.save_tokenizer(into / "merged")
            plain.pop("lm_head.weight", None)  # tied
            save_file(plain, into / "merged" / "model.safetensors", metadata={"format": "pt"})
            model.unmerge_adapter()
            whole.append(f"hf:{into / 'merged'}")
    size = sum(path.stat().st_size for path in (folder / "agent-0").glob("adapter*"))
    return adapters, whole, size


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        adapters, merged, size = prepared(Path(folder), arguments.agents, not arguments.no_merged)
        ways = {"the base alone": ["smollm2"], "one agent with an adapter": adapters[:1]}
        ways[f"{len(adapters)} agents with adapters"] = adapters
        if merged:
            ways[f"{len(merged)} merged checkpoints"] = merged
        found = {}
        for name, addresses in ways.items():
            found[name] = in_own_process(addresses, arguments)
            print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
    alone = found["the base alone"]
    for one in found.values():
        one["times_one_model"] = round(one["rss_mb"] / alone["rss_mb"], 2)
        one["times_one_turn"] = round(one["turn_ms"] / alone["turn_ms"], 2)
    versions = machine("torch", "transformers", "peft")
    return {"machine": versions, "adapter_mb": round(size / 1e6, 2), "agents": arguments.agents, "ways": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--agents", type=int, default=8, help="agents with an adapter each (default 8)")
    parser.add_argument("--questions", type=int, default=24, help="that each is asked in a round (default 24)")
    parser.add_argument("--rounds", type=int, default=2, help="timed rounds, after one that is not (default 2)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-merged", action="store_true", help="leave out the merged checkpoints (0.55 GB each)")
    parser.add_argument("--only", nargs="+", metavar="ADDRESS", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(answered(arguments.only, arguments.questions, arguments.rounds, arguments.threads)))
        return
    report = measure(arguments)
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    print(f"one adapter: {report['adapter_mb']} MB")
    for name, one in report["ways"].items():
        print(
            f"{name:32} {one['rss_mb']:7.0f} MB, {one['times_one_model']:.2f} x one model; a turn {one['turn_ms']:.1f} "
            f"ms of processor time, {one['times_one_turn']:.2f} x; to open one {one['open_s']:.2f} s"
        )


if __name__ == "__main__":
    main()
