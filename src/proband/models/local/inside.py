"""Models changed inside: heads silenced, weights noised, states steered, as the options of an address say.

A change is made in an engine's own view of the weights, so no other engine on the same checkpoint notices. Heads are
silenced where their output is projected, and states are steered where a layer gives them, so scoring of packed prompts
and writing meet the change alike.

References
----------
Michel, Levy and Neubig (2019), heads removed one by one. arXiv:1905.10650.
Li et al. (2022), GPT-D: attention masked by degree. doi:10.18653/v1/2022.acl-long.131.
Rimsky et al. (2024), steering by the mean difference of states. doi:10.18653/v1/2024.acl-long.828.
"""

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from proband.errors import EngineError
from proband.files import Table, checked, is_file, parsed, text_of
from proband.seeds import rng_for

# Where layers of transformers project what their heads give.
_PROJECTIONS = ("o_proj", "out_proj", "c_proj", "dense", "wo")
_ATTENTIONS = ("self_attn", "attn", "attention", "self_attention")
_READY = ".safetensors"
_PLAIN = "/,*"  # stand in an address as they are
_LEAST = 4  # texts of a side, or their mean is one text's own


class ContrastTable(Table):
    """A file to steer by."""

    toward: list[str]
    away: list[str]
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Inside:
    """How a model is changed; without any of these it is as it was.

    Attributes
    ----------
    noise : float
        Standard deviation of what is added to every weight of the layers' linear parts, in standard deviations of the
        weights of each.
    mask : float
        Share of the numbers that each layer's heads give that is set to 0, drawn once.
    noise_seed : int
        Of both draws.
    ablate : str
        Heads that are silenced: ``LAYER.HEAD``, comma-separated, from 0; ``LAYER.*`` for all of a layer.
    steer : str
        File with a contrast of two sets of texts (``toward`` and ``away``, TOML), or with a ready vector
        (``.safetensors``).
    layer, dose : int or None, float
        After which layer, from 0, how often the difference of the contrast's mean states is added, at every token.
    """

    noise: float = 0.0
    mask: float = 0.0
    noise_seed: int = 1
    ablate: str = ""
    steer: str = ""
    layer: int | None = None
    dose: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.noise < float("inf") or not 0 <= self.mask <= 1 or not abs(self.dose) < float("inf"):
            raise EngineError(
                f"noise is {self.noise}, mask {self.mask}, dose {self.dose}: noise is at least 0, mask a share, dose a "
                "number"
            )
        if bool(self.steer) != (self.layer is not None):
            raise EngineError("steering takes a file and a layer: write steer=FILE&layer=12&dose=2")
        if self.steer and not is_file(Path(self.steer).expanduser()):
            raise EngineError(f"there is no file {self.steer} to steer by; write a contrast there, or give its path")
        if self.steer and not self.steer.endswith(_READY):
            read_contrast(Path(self.steer).expanduser())

    @property
    def query(self) -> str:
        """As the options of an address; empty where nothing is said."""
        told: dict[str, object] = {
            name: value for name in ("noise", "mask", "ablate") if (value := getattr(self, name))
        }
        if self.steer:
            told |= {"steer": self.steer, "layer": self.layer, "dose": self.dose}
        if self.noise or self.mask:
            told["noise_seed"] = self.noise_seed
        return "&".join(
            f"{name}={quote(value, safe=_PLAIN) if isinstance(value, str) else format(value, 'g')}"
            for name, value in told.items()
        )

    @property
    def does_nothing(self) -> bool:
        """Whether all of it is of degree 0."""
        return not (self.noise or self.mask or self.ablate or (self.steer and self.dose))

    def fingerprint(self) -> str:
        """What identifies the change, files by their content; empty where it does nothing."""
        if self.does_nothing:
            return ""
        told = self.query
        if self.steer:
            digest = hashlib.sha256(Path(self.steer).expanduser().read_bytes()).hexdigest()[:16]
            told = told.replace(f"steer={quote(self.steer, safe=_PLAIN)}", f"steer=sha256:{digest}")
        return told

    def applied(self, model: Any, tokenize: Any, address: str) -> Any:
        """Change a view of a model, which is given back; `tokenize` gives token ids of texts.

        Raises
        ------
        EngineError
            If a layer or head is not there, or the file is none to steer this model by.
        """
        layers = _layers(model, address)
        heads = self._heads(layers, model, address)
        vector = None if not self.steer else self._vector(model, layers, tokenize, address)
        if self.noise:
            _add_noise(layers, self.noise, self.noise_seed)
        if self.mask or heads:
            for number, layer in enumerate(layers):
                _silence(layer, _kept(layer, number, self, heads.get(number, ()), model, address), address)
        if vector is not None and self.layer is not None and self.dose:
            # Registered on the view's own layer, and called whatever attention the model has just then.
            layers[self.layer].register_forward_hook(partial(_steered, by=self.dose * vector))
        return model

    def _heads(self, layers: Sequence[Any], model: Any, address: str) -> dict[int, list[int]]:
        """Heads to silence, by layer."""
        n = int(getattr(model.config.get_text_config(), "num_attention_heads", 0))
        found: dict[int, list[int]] = {}
        for part in filter(None, self.ablate.split(",")):
            layer, _, head = part.strip().partition(".")
            if not layer.isdigit() or not (head == "*" or head.isdigit()):
                raise EngineError(f"{address}: ablate has {part!r}; write LAYER.HEAD, e.g. 3.5, or 3.* for a layer")
            if int(layer) >= len(layers) or (head != "*" and int(head) >= n):
                raise EngineError(
                    f"{address} has layers 0 to {len(layers) - 1} with heads 0 to {n - 1}, and ablate names {part}"
                )
            found.setdefault(int(layer), []).extend(range(n) if head == "*" else [int(head)])
        return found

    def _vector(self, model: Any, layers: Sequence[Any], tokenize: Any, address: str) -> Any:
        """What is added at a dose of 1."""
        number = self.layer or 0
        if not 0 <= number < len(layers):
            raise EngineError(f"{address} has layers 0 to {len(layers) - 1}, and layer={number} is steered")
        path = Path(self.steer).expanduser()
        if path.suffix == _READY:
            return _ready(path, model, address)
        toward, away = (_mean_state(model, layers[number], tokenize(texts)) for texts in read_contrast(path))
        return (toward - away).to(model.dtype)


def read_contrast(path: Path) -> tuple[list[str], list[str]]:
    """The two sets of texts of a contrast, ``toward`` and ``away``.

    Raises
    ------
    EngineError
        If the file has other keys, or too few texts of a side.
    """
    text = text_of(path, what="contrast", error=EngineError)
    table = checked(ContrastTable, parsed(text, path, error=EngineError), path, error=EngineError)
    for name, side in (("toward", table.toward), ("away", table.away)):
        if len(side) < _LEAST or not all(line.strip() for line in side):
            raise EngineError(f"{path}: {name} has {len(side)} texts; write {_LEAST} or more, none of them empty")
    if both := set(table.toward) & set(table.away):
        raise EngineError(f"{path}: {min(both)!r} stands on both sides of the contrast")
    return table.toward, table.away


def inside_of(options: Mapping[str, Any]) -> Inside | None:
    """The change that options of an address ask for; None where they ask for none.

    >>> inside_of({"noise": 0.02, "device": None}).query
    'noise=0.02&noise_seed=1'
    """
    given = {name: options[name] for name in Inside.__dataclass_fields__ if options.get(name) is not None}
    return Inside(**given) if given else None


def _layers(model: Any, address: str) -> Any:
    import torch

    n = int(model.config.get_text_config().num_hidden_layers)
    for module in model.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == n:
            return module
    raise EngineError(f"{address}: the layers of a {type(model).__name__} are not where they usually are")


def _projection(layer: Any, address: str) -> tuple[Any, str, int]:
    """Module that holds the projection behind a layer's heads, its name in it, and how many numbers go in."""
    for attention in _ATTENTIONS:
        for name in _PROJECTIONS:
            module = getattr(getattr(layer, attention, None), name, None)
            if module is not None:
                # GPT-2 keeps its weights the other way round.
                width = getattr(module, "in_features", None) or module.weight.shape[0]
                return getattr(layer, attention), name, int(width)
    raise EngineError(f"{address}: the heads of a {type(layer).__name__} are not where they usually are")


def _kept(layer: Any, number: int, change: Inside, heads: Sequence[int], model: Any, address: str) -> Any:
    """1 for what a layer's heads give and keep, 0 for what is silenced."""
    _, _, width = _projection(layer, address)
    kept = np.ones(width, dtype=np.float32)
    if change.mask:
        gone = rng_for(change.noise_seed, "mask", number).permutation(width)[: round(change.mask * width)]
        kept[gone] = 0
    each = width // int(model.config.get_text_config().num_attention_heads)
    for head in heads:
        kept[head * each : (head + 1) * each] = 0
    return kept


def _silence(layer: Any, kept: Any, address: str) -> None:
    from proband.models.local.adapted import Silenced

    if not kept.all():
        attention, name, _ = _projection(layer, address)
        setattr(attention, name, Silenced(getattr(attention, name), kept))


def _add_noise(layers: Any, noise: float, seed: int) -> None:
    """Give the layers linear parts of their own, with noise in the weights; the shared ones stay."""
    import torch

    named = [(name, module) for name, module in layers.named_modules() if _is_linear(module)]
    for name, module in named:
        weight = module.weight.detach()
        draw = torch.from_numpy(rng_for(seed, "noise", name).standard_normal(tuple(weight.shape), dtype=np.float32))
        noised = weight + noise * weight.float().std().to(weight) * draw.to(weight)
        own = copy.copy(module)
        vars(own).pop("forward", None)  # with weights packed for the one that is shared
        own._parameters = {**module._parameters, "weight": torch.nn.Parameter(noised, requires_grad=False)}
        parent, _, last = name.rpartition(".")
        setattr(layers.get_submodule(parent), last, own)


def _is_linear(module: Any) -> bool:
    import torch

    return isinstance(module, torch.nn.Linear) or type(module).__name__ == "Conv1D"


def _mean_state(model: Any, layer: Any, sequences: Sequence[Sequence[int]]) -> Any:
    """Mean over texts of the mean state behind a layer; the first token is left out, its state is of another size."""
    import torch

    if min(map(len, sequences)) < 2:
        raise EngineError("a text of a contrast has one token; write sentences")
    # Padded behind: no token looks at what follows it.
    ids = torch.zeros((len(sequences), max(map(len, sequences))), dtype=torch.long, device=model.device)
    counts = torch.zeros(ids.shape, device=model.device)
    for k, row in enumerate(sequences):
        ids[k, : len(row)] = torch.tensor(list(row), device=model.device)
        counts[k, 1 : len(row)] = 1 / (len(row) - 1)
    found: list[Any] = []
    handle = layer.register_forward_hook(lambda _, __, output: found.append(_state(output).float()))
    try:
        with torch.inference_mode():
            model.base_model(input_ids=ids, use_cache=False)
    finally:
        handle.remove()
    return torch.einsum("tn,tnw->w", counts, found[0]) / len(sequences)


def _ready(path: Path, model: Any, address: str) -> Any:
    """A vector that was made elsewhere."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise EngineError(f"{path} cannot be read as a vector: {error}") from None
    width = int(model.config.get_text_config().hidden_size)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if list(shapes.values()) != [(width,)]:
        raise EngineError(
            f"{path} holds {shapes}, and states of {address} are {width} numbers: it is of another model; a file to "
            "steer by holds one vector of that size, made with this model"
        )
    return next(iter(tensors.values())).to(device=model.device, dtype=model.dtype)


def _state(output: Any) -> Any:
    return output[0] if isinstance(output, tuple) else output


def _steered(_: Any, __: Any, output: Any, *, by: Any) -> Any:
    """What a layer gives, with the vector added at every token."""
    return (output[0] + by, *output[1:]) if isinstance(output, tuple) else output + by
