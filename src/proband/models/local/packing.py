"""Weights laid out once for the matrix products of a pass, where PyTorch's MKL can.

A product packs its weights into the processor's favourite order each time. With some hundred rows in a pass that is a
tenth of its time; done once, the same kernels give the same bits. It takes a second copy of the weights.
"""

from functools import partial
from typing import Any

from proband.models.local.capacity import free_bytes

SHARE_OF_MEMORY = 0.5  # of what is free: the most that the copy may take


def pack(model: Any, rows: int) -> bool:
    """Have a model's linear layers use packed weights for products of `rows` rows; other products stay as they are.

    Returns
    -------
    bool
        False, and nothing is changed, where that cannot be done: on a GPU, in another precision than float32, without
        MKL, or where the copy would not fit.
    """
    import torch

    output = model.get_output_embeddings()
    layers = [m for m in model.modules() if type(m) is torch.nn.Linear and m is not output]
    size = sum(layer.weight.numel() * layer.weight.element_size() for layer in layers)
    if (
        model.device.type != "cpu"
        or any(layer.weight.dtype != torch.float32 for layer in layers)
        or not torch.backends.mkl.is_available()
        or not hasattr(torch.ops.mkl, "_mkl_linear")
        or size > SHARE_OF_MEMORY * free_bytes(model.device)
    ):
        return False
    with torch.inference_mode():
        for layer in layers:
            packed = torch.ops.mkl._mkl_reorder_linear_weight(layer.weight.detach(), rows)
            layer.forward = partial(_product, layer, packed, rows)
    return True


def _product(layer: Any, packed: Any, rows: int, inputs: Any) -> Any:
    import torch

    if (torch.is_grad_enabled() and layer.weight.requires_grad) or inputs.numel() != rows * layer.in_features:
        return torch.nn.functional.linear(inputs, layer.weight, layer.bias)
    return torch.ops.mkl._mkl_linear(inputs, packed, layer.weight, layer.bias, rows)
