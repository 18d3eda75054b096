"""Adapters: low-rank additions to the linear layers of a base that stays as it is, in files as PEFT writes them.

The file of weights says which base it was trained on, and what its own tensors are, by hash.

References
----------
Hu et al. (2021), LoRA. arXiv:2106.09685.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proband.errors import EngineError
from proband.files import check_name

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_RECORD = "proband"  # key in the head of the file of weights
_PREFIX = "base_model.model."
_DOWN, _UP = ".lora_A.weight", ".lora_B.weight"
# Settings of PEFT under which an adapter is more than a product added to each layer.
_MORE = re.compile(r"use_(?!rslora).*|.*_pattern|.*_config|layer_replication|alora_invocation_tokens")
_PLAIN_BEGINNINGS = (True, False, None, "gaussian", "orthogonal")  # others take what they begin with off the base


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """An adapter as read from its folder.

    Attributes
    ----------
    layers : mapping
        By name of the layer: tensors down, (rank, n_in), and up, (n_out, rank), the second scaled already.
    weights : str
        What identifies it.
    base, base_weights : str
        Address of what it was trained on, and what identifies those weights; empty where the file does not say.
    """

    folder: Path
    layers: Mapping[str, tuple[Any, Any]]
    weights: str
    base: str
    base_weights: str

    def check_base(self, address: str, weights: str) -> None:
        """Refuse another base than the one it was trained on, naming both; `weights` identify the one at hand."""
        if self.base_weights != weights:
            raise EngineError(
                f"the adapter {self.folder} was trained on {self.base} ({_short(self.base_weights)}), and {address} is "
                f"another base ({_short(weights)}); open it as {self.base}+{self.folder}, or train one on {address}"
            )

    @property
    def note(self) -> str:
        """What a user should know of it; empty where its base is known by hash."""
        return "" if self.base_weights else f"the adapter {self.folder} does not say by hash which base it belongs to"


def check_adapter(folder: str | Path) -> None:
    """Refuse a folder without the files of an adapter that could be read; no weights are loaded."""
    _settings(Path(folder).expanduser())


def load_adapter(folder: str | Path) -> Adapter:
    """Read an adapter that training kept, or that PEFT saved.

    Raises
    ------
    EngineError
        If a file is missing or damaged, or it is an adapter of another kind.
    """
    from safetensors import SafetensorError, safe_open

    folder = Path(folder).expanduser()
    settings = _settings(folder)
    file = folder / WEIGHTS
    try:
        with safe_open(file, framework="pt") as opened:
            record = json.loads((opened.metadata() or {}).get(_RECORD, "{}"))
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, ValueError, SafetensorError) as error:
        raise EngineError(_damaged(file, str(error))) from None
    scale = float(settings["lora_alpha"]) / (math.sqrt(settings["r"]) if settings.get("use_rslora") else settings["r"])
    weights = adapter_hash(tensors, scale)
    if record and record.get("weights") != weights:
        raise EngineError(_damaged(file, "its tensors or their scale are not those that were saved"))
    if strange := [name for name in tensors if not name.endswith((_DOWN, _UP)) or not name.startswith(_PREFIX)]:
        raise EngineError(_other_kind(folder, f"it holds {strange[0]!r}"))
    names = [name.removesuffix(_DOWN) for name in tensors if name.endswith(_DOWN)]
    if not names or {*names} != {name.removesuffix(_UP) for name in tensors if name.endswith(_UP)}:
        raise EngineError(_damaged(file, "its products lack a factor"))
    return Adapter(
        folder=folder,
        layers={
            name.removeprefix(_PREFIX): (tensors[f"{name}{_DOWN}"], scale * tensors[f"{name}{_UP}"]) for name in names
        },
        weights=weights,
        base=record.get("base") or str(settings.get("base_model_name_or_path") or ""),
        base_weights=record.get("base_weights", ""),
    )


def save_adapter(
    folder: Path, tensors: Mapping[str, Any], settings: Mapping[str, Any], *, base: str, base_weights: str
) -> str:
    """Write an adapter, its file of weights last and whole or not at all; gives what identifies it."""
    from safetensors.torch import save_file

    settings = dict(settings) | {"base_model_name_or_path": base.removeprefix("hf:"), "inference_mode": True}
    weights = adapter_hash(tensors, settings["lora_alpha"] / settings["r"])
    record = {"base": base, "base_weights": base_weights, "weights": weights}
    (folder / CONFIG).write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    file = folder / WEIGHTS
    metadata = {"format": "pt", _RECORD: json.dumps(record, sort_keys=True)}
    save_file(dict(tensors), file.with_suffix(".new"), metadata=metadata)
    file.with_suffix(".new").replace(file)
    return weights


def adapter_hash(tensors: Mapping[str, Any], scale: float) -> str:
    """What identifies an adapter: its tensors, and how much of them is added."""
    from proband.models.local.checkpoints import tensors_hash

    return f"lora-sha256:{tensors_hash(tensors)}*{scale:g}"


def adapt(model: Any, adapter: Adapter) -> Any:
    """Put an adapter on the layers of a model, which gives it back; `EngineError` where it does not fit."""
    from proband.models.local.adapted import Adapted

    for name, (down, up) in adapter.layers.items():
        try:
            layer = model.get_submodule(name)
            fits = Adapted.fits(layer, down, up)
        except AttributeError:
            layer, fits = None, False
        if not fits:
            there = "no such layer" if layer is None else f"{layer}"
            raise EngineError(
                f"the adapter {adapter.folder}{f', trained on {adapter.base},' if adapter.base else ''} adds a product "
                f"of {tuple(up.shape)} and {tuple(down.shape)} to {name}, where {model.config._name_or_path} has "
                f"{there}: it is an adapter of another base; open it on its own"
            )
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, Adapted(layer, down, up))
    return model


def _settings(folder: Path) -> dict[str, Any]:
    """The settings of a plain low-rank adapter."""
    check_name(folder / CONFIG, error=EngineError)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise EngineError(
                f'{folder} holds no {name}; give the folder of an adapter, as training keeps one (keep = "adapter") '
                "or PEFT saves it"
            )
    try:
        settings = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        is_plain = settings["peft_type"] == "LORA" and settings["r"] > 0 and settings["lora_alpha"] > 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(_damaged(folder / CONFIG, str(error))) from None
    more = [name for name, value in settings.items() if value and _MORE.fullmatch(name)]
    if settings.get("init_lora_weights") not in _PLAIN_BEGINNINGS:
        more.append("init_lora_weights")
    if not is_plain or more:
        what = ", ".join(f"{name} = {settings[name]!r}" for name in more or ("peft_type", "r", "lora_alpha"))
        raise EngineError(_other_kind(folder, f"its {CONFIG} says {what}"))
    return dict(settings)


def _damaged(file: Path, why: str) -> str:
    reason = why.splitlines()[0] if why else "unreadable"
    return f"{file} is damaged ({reason}); train the adapter again, or fetch it again"


def _other_kind(folder: Path, why: str) -> str:
    return (
        f"the adapter {folder} is not of the plain low-rank kind ({why}); merge it into its base with PEFT's "
        "merge_and_unload, save that, and open the folder as hf:FOLDER"
    )


def _short(weights: str) -> str:
    kind, _, digits = weights.partition(":")
    return f"{kind}:{digits[:12]}" if digits else "weights without a known hash"
