"""Other ways to run the same forests, for speed against what they change; docs/decisions/0006 records the outcome.

``python -m benchmarks.alternatives --json``: each way scores the same part of work (1) of `benchmarks.forest`, in turn
with the default, and is compared with its log-probabilities. Ways that are not installed say so.
"""

import argparse
import copy
import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.forest import by_forest, personas
from benchmarks.machine import machine
from proband.models.local.embedded import embedded_engine
from proband.models.local.engine import LocalEngine


class RoundedLinear(torch.nn.Module):
    """A linear layer with weights kept in 8 bits, one scale a row, and made float32 again for each product."""

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach()
        self.scale = weight.abs().amax(dim=1, keepdim=True) / 127
        self.rounded = torch.round(weight / self.scale).to(torch.int8)
        self.bias = linear.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(x, self.rounded.to(x.dtype) * self.scale, self.bias)


def replaced(model: Any, make: Callable[[torch.nn.Linear], torch.nn.Module]) -> Any:
    """The model with every linear layer but the output made anew."""
    for module in list(model.model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, torch.nn.Linear):
                setattr(module, name, make(child))
    return model


def dynamic_int8(model: Any) -> Any:
    """Weights and activations in 8 bits, by PyTorch's own dynamic quantisation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.model = torch.ao.quantization.quantize_dynamic(model.model, {torch.nn.Linear}, dtype=torch.qint8)
    return model


def compiled(model: Any) -> Any:
    """TorchInductor; the attention of forests changes shape with every block, so only the rest is compiled."""
    for layer in model.model.layers:
        layer.mlp = torch.compile(layer.mlp, dynamic=False)
    return model


def openvino_seconds(engine: LocalEngine, n_tokens: int) -> dict[str, float] | None:
    """A plain pass over `n_tokens` tokens in OpenVINO and in PyTorch, and the largest gap of log-probabilities."""
    try:
        import openvino
    except ImportError:
        return None
    model = engine.passes.model
    ids = torch.randint(10, 40_000, (1, n_tokens), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(torch.export.export(_Logits(model), (ids,)), example_input=ids)
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    run = openvino.compile_model(converted, "CPU", settings)
    ours = theirs = float("inf")
    with torch.inference_mode():
        for _ in range(5):
            seconds, plain = _timed(lambda: model(ids).logits)
            ours = min(ours, seconds)
            seconds, found = _timed(lambda: run(ids.numpy())[0])
            theirs = min(theirs, seconds)
    logs = [torch.log_softmax(torch.as_tensor(x), -1) for x in (plain, np.array(found, copy=True))]
    return {"speed": ours / theirs, "largest_difference_nats": float((logs[0] - logs[1]).abs().max())}


class _Logits(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.model(ids, use_cache=False).logits


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def main() -> None:
    """Measure every way and print JSON or a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--personas", type=int, default=4)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    engine = embedded_engine()
    trials = personas(options.personas).trials
    # Packed weights cannot be copied, and the engine packs its own at its first pass.
    usual = copy.deepcopy(engine.passes.model)
    ways: dict[str, Callable[[Any], Any]] = {
        "bfloat16": lambda model: model.to(torch.bfloat16),
        "int8, dynamic": dynamic_int8,
        "int8, weights only": lambda model: replaced(model, RoundedLinear),
        "weights not packed": lambda model: model,
        "torch.compile of the feed-forward layers": compiled,
    }
    by_forest(engine, trials[:25])
    found: dict[str, Any] = {}
    for name, make in ways.items():
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            found[name] = _compared(engine, trials, make(copy.deepcopy(usual)))
        except (RuntimeError, AttributeError, NotImplementedError) as error:
            found[name] = {"failed": str(error).splitlines()[0][:200]}
    one = {"threads": 1} | _threads(engine, trials, 1) if torch.get_num_threads() > 1 else {}
    report = {
        "machine": machine("torch", "transformers", "openvino"),
        "threads": torch.get_num_threads(),
        "trials": len(trials),
        "ways": found,
        "one thread": one,
        "OpenVINO, plain passes of 512 tokens": openvino_seconds(engine, 512) or "not installed",
    }
    if options.json:
        print(json.dumps(report, indent=2))
        return
    for name, row in found.items():
        print(f"{name}: {row}")
    print(report["one thread"], report["OpenVINO, plain passes of 512 tokens"])


def _compared(engine: LocalEngine, trials: list[Any], other: Any) -> dict[str, float]:
    """Speed of another model object in place of the engine's, and what it does to log-probabilities and choices."""
    own = engine.passes.model
    usual, best = float("inf"), float("inf")
    try:
        for _ in range(3):
            engine.passes.model = own
            seconds, ours = _timed(lambda: by_forest(engine, trials))
            usual = min(usual, seconds)
            engine.passes.model = other
            seconds, theirs = _timed(lambda: by_forest(engine, trials))
            best = min(best, seconds)
    finally:
        engine.passes.model = own
    a, b = np.array(ours), np.array(theirs)
    return {
        "speed": usual / best,
        "largest_difference_nats": float(np.abs(a - b).max()),
        "same_choice": float((a.argmax(1) == b.argmax(1)).mean()),
    }


def _threads(engine: LocalEngine, trials: list[Any], threads: int) -> dict[str, float]:
    usual = torch.get_num_threads()
    many = min(_timed(lambda: by_forest(engine, trials))[0] for _ in range(2))
    torch.set_num_threads(threads)
    few = min(_timed(lambda: by_forest(engine, trials))[0] for _ in range(2))
    torch.set_num_threads(usual)
    return {"speed": many / few}


if __name__ == "__main__":
    main()
