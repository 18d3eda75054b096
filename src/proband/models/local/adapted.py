"""A layer with a low-rank product added to what it gives; PyTorch is loaded with this file."""

from typing import Any

import torch


class Adapted(torch.nn.Module):  # type: ignore[misc]
    """A linear layer that stays as it is, shared with others, and a product of two thin matrices beside it."""

    def __init__(self, layer: Any, down: Any, up: Any) -> None:
        super().__init__()
        like = {"device": layer.weight.device, "dtype": layer.weight.dtype}
        self.layer = layer
        self.down, self.up = (torch.nn.Parameter(part.to(**like), requires_grad=False) for part in (down, up))
        self.in_features = down.shape[1]

    @staticmethod
    def fits(layer: Any, down: Any, up: Any) -> bool:
        """Whether the product has the shape of the layer's weights; GPT-2 keeps these the other way round."""
        weight = getattr(layer, "weight", None)
        is_linear = isinstance(layer, torch.nn.Linear) or type(layer).__name__ == "Conv1D"
        if not is_linear or weight is None or down.shape[0] != up.shape[1]:
            return False
        shape = (up.shape[0], down.shape[1])
        return tuple(weight.shape) == (shape if isinstance(layer, torch.nn.Linear) else shape[::-1])

    def forward(self, inputs: Any) -> Any:
        """What the layer gives, and the product of the inputs."""
        low = torch.nn.functional.linear(inputs, self.down)
        return self.layer(inputs).add_(torch.nn.functional.linear(low, self.up))


class Silenced(torch.nn.Module):  # type: ignore[misc]
    """A projection to which some of what the heads give does not get through; the layer itself is shared."""

    def __init__(self, layer: Any, kept: Any) -> None:
        super().__init__()
        self.layer = layer
        weight = next(layer.parameters())
        self.register_buffer("kept", torch.from_numpy(kept).to(device=weight.device, dtype=weight.dtype))
        self.in_features = len(kept)

    def forward(self, inputs: Any) -> Any:
        """What the layer gives of the inputs that are kept."""
        return self.layer(inputs * self.kept)
