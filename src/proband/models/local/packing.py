"""A model's layers made lighter for the passes of a forest on a processor, with the same numbers.

A matrix product packs its weights into the processor's favourite order each time, a tenth of its time with some
hundred rows; done once, the same kernels give the same bits, for a second copy of the weights. Gates and norms make
large temporaries that need not be; each replacement is tried beside what it replaces before it is kept.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from proband.models.local.capacity import free_bytes

SHARE_OF_MEMORY = 0.5  # of what is free: the most that the copy of the weights may take
_CLOSE = {"rtol": 2e-6, "atol": 1e-6}  # rounding of float32


def lighten(model: Any, rows: int) -> None:
    """Lighten linear layers, gated feed-forward layers and norms for passes of `rows` rows.

    Whatever is not of a kind that is known, is on a GPU, or has another precision than float32 stays as it is. So do
    passes that keep gradients.
    """
    import torch

    if model.device.type != "cpu" or any(weight.dtype != torch.float32 for weight in model.parameters()):
        return
    pack(model, rows)
    with torch.inference_mode():
        for module in model.modules():
            _replace(module, _lighter(module))


def pack(model: Any, rows: int) -> bool:
    """Have a model's linear layers use packed weights for products of `rows` rows; other products stay as they are.

    Gives False, and changes nothing, where that cannot be done: without MKL, or where the copy would not fit.
    """
    import torch

    output = model.get_output_embeddings()
    layers = [m for m in model.modules() if type(m) is torch.nn.Linear and m is not output and not _is_packed(m, rows)]
    size = sum(layer.weight.numel() * layer.weight.element_size() for layer in layers)
    has_mkl = torch.backends.mkl.is_available() and hasattr(torch.ops.mkl, "_mkl_linear")
    if not has_mkl or size > SHARE_OF_MEMORY * free_bytes(model.device):
        return False
    with torch.inference_mode():
        for layer in layers:
            packed = torch.ops.mkl._mkl_reorder_linear_weight(layer.weight.detach(), rows)
            layer.forward = partial(_product, layer, packed, rows)
    return True


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
