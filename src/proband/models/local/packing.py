"""A model's layers made lighter for the passes of a forest on a processor, with the same numbers.

A matrix product packs its weights into the processor's favourite order each time. Done once, the same kernels give the
same bits, for a copy of the weights that takes more than half as much again as they do. It saves a tenth of the time on
one processor and next to nothing on another, so it is tried on some layers first. Gates and norms make large
temporaries that need not be; each replacement is tried beside what it replaces before it is kept.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from proband.models.local.capacity import free_bytes

SHARE_OF_MEMORY = 0.5  # of what is free: the most that the copy of the weights may take
COPY = 2.0  # bytes of the copy for one of the weights: 1.6 for the embedded model, up to 3.3 for a narrow layer
WORTH_IT = 0.95  # of the time of usual products: what packed ones may take at most
_TRIED_LAYERS, _TURNS = 3, 4
_CLOSE = {"rtol": 2e-6, "atol": 1e-6}  # rounding of float32


def lighten(model: Any, rows: int) -> None:
    """Lighten linear layers, gated feed-forward layers and norms for passes of `rows` rows.

    Whatever is not of a kind that is known, is on a GPU, or has another precision than float32 stays as it is. So do
    passes that keep gradients.
    """
    import torch

    if model.device.type != "cpu" or any(weight.dtype != torch.float32 for weight in model.parameters()):
        return
    if pays(_unpacked(model, rows), rows):
        pack(model, rows)
    with torch.inference_mode():
        for module in model.modules():
            _replace(module, _lighter(module))


def pack(model: Any, rows: int) -> bool:
    """Have a model's linear layers use packed weights for products of `rows` rows; other products stay as they are.

    Gives False, and changes nothing, where that cannot be done: without MKL, or where the copy would not fit.
    """
    import torch

    layers = _unpacked(model, rows)
    size = sum(layer.weight.numel() * layer.weight.element_size() for layer in layers)
    if not _has_mkl() or COPY * size > SHARE_OF_MEMORY * free_bytes(model.device):
        return False
    with torch.inference_mode():
        for layer in layers:
            packed = torch.ops.mkl._mkl_reorder_linear_weight(layer.weight.detach(), rows)
            layer.forward = partial(_product, layer, packed, rows)
    return True


def pays(layers: Sequence[Any], rows: int) -> bool:
    """Whether packing layers is worth its memory on this processor, by some turns of the kind that weighs most.

    Where packed weights do not give the same bits it always is: no number may hang on how fast something was.
    """
    import torch

    if not layers or not _has_mkl():
        return False
    kinds: dict[tuple[int, ...], list[Any]] = {}
    for layer in layers:
        kinds.setdefault(tuple(layer.weight.shape), []).append(layer)
    with torch.inference_mode():
        if not all(_agrees(alike[0], rows) for alike in kinds.values()):
            return True
        heaviest = max(kinds.values(), key=lambda alike: len(alike) * alike[0].weight.numel())[:_TRIED_LAYERS]
        return _ratio(heaviest, rows) <= WORTH_IT


def _has_mkl() -> bool:
    import torch

    return bool(torch.backends.mkl.is_available() and hasattr(torch.ops.mkl, "_mkl_linear"))


def _unpacked(model: Any, rows: int) -> list[Any]:
    """Plain linear layers of a model, without the output's, that are not packed for so many rows."""
    import torch

    output = model.get_output_embeddings()
    return [m for m in model.modules() if type(m) is torch.nn.Linear and m is not output and not _is_packed(m, rows)]


def _ways(layer: Any, rows: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A layer's usual product of `rows` rows, and the one with packed weights."""
    import torch

    weight, width = layer.weight.detach(), layer.in_features
    inputs = torch.linspace(-3, 3, rows * width).reshape(1, rows, width)
    packed = torch.ops.mkl._mkl_reorder_linear_weight(weight, rows)
    return (
        lambda: torch.nn.functional.linear(inputs, weight, layer.bias),
        lambda: torch.ops.mkl._mkl_linear(inputs, packed, weight, layer.bias, rows),
    )


def _agrees(layer: Any, rows: int) -> bool:
    import torch

    usual, packed = _ways(layer, rows)
    return bool(torch.equal(usual(), packed()))


def _ratio(layers: Sequence[Any], rows: int) -> float:
    """Processor time of packed products over that of usual ones, the best of some turns of each."""
    ways = [_ways(layer, rows) for layer in layers]  # several, so that weights come from memory as in a pass
    best = [float("inf")] * 2
    for _ in range(_TURNS):
        for which in range(2):
            start = time.thread_time()
            for pair in ways:
                pair[which]()
            best[which] = min(best[which], time.thread_time() - start)
    return best[1] / best[0]


def _is_packed(layer: Any, rows: int) -> bool:
    """Whether another model that has this layer packed it already."""
    made = vars(layer).get("forward")
    return isinstance(made, partial) and made.func is _product and made.args[2] == rows


def _product(layer: Any, packed: Any, rows: int, inputs: Any) -> Any:
    import torch

    if (torch.is_grad_enabled() and layer.weight.requires_grad) or inputs.numel() != rows * layer.in_features:
        return torch.nn.functional.linear(inputs, layer.weight, layer.bias)
    return torch.ops.mkl._mkl_linear(inputs, packed, layer.weight, layer.bias, rows)


def _lighter(module: Any) -> tuple[int, Callable[[Any], Any]] | None:
    """Width of the inputs and a lighter forward of a module; None where none is known."""
    kind = type(module).__name__
    if kind.endswith("RMSNorm") and hasattr(module, "variance_epsilon"):
        return module.weight.numel(), partial(_norm, module)
    gate: Any = getattr(module, "gate_proj", None)
    # Not only plain linear layers: one with an adapter tells its width, too.
    is_gated = hasattr(gate, "in_features") and hasattr(module, "up_proj") and hasattr(module, "down_proj")
    if is_gated and type(getattr(module, "act_fn", None)).__name__ in ("SiLU", "SiLUActivation"):
        return gate.in_features, partial(_feed_forward, module)
    return None


def _replace(module: Any, found: tuple[int, Callable[[Any], Any]] | None) -> None:
    """Put the lighter forward in, where it does what the module does."""
    import torch

    if found is None:
        return
    width, forward = found
    tried = torch.linspace(-3, 3, 2 * width).reshape(1, 2, width)
    usual = module.forward
    if torch.allclose(forward(tried), usual(tried), **_CLOSE):
        module.forward = lambda inputs: usual(inputs) if torch.is_grad_enabled() else forward(inputs)


def _norm(module: Any, inputs: Any) -> Any:
    import torch

    length = torch.linalg.vector_norm(inputs, dim=-1, keepdim=True)
    scale = (length.square_() / inputs.shape[-1]).add_(module.variance_epsilon).rsqrt_()
    return torch.mul(inputs, scale).mul_(module.weight)


def _feed_forward(module: Any, inputs: Any) -> Any:
    import torch

    gated = torch.nn.functional.silu(module.gate_proj(inputs), inplace=True)
    return module.down_proj(gated.mul_(module.up_proj(inputs)))
