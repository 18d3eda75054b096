"""Opening plain weights by mapping their file: no tensor is made, filled or copied that the file holds already."""

import json
from pathlib import Path
from typing import Any

_PLAIN = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
_FILE = "model.safetensors"


def mapped(folder: str, kind: Any) -> Any:
    """The model of a folder, its weights the pages of their file, as processes that open it share them.

    Parameters
    ----------
    folder : str
        Where a checkpoint lies.
    kind : torch.dtype
        In which it is wanted.

    Returns
    -------
    transformers.LlamaForCausalLM or None
        As `from_pretrained` gives it; None where it must do it: other models than Llama's, weights that are quantised,
        in several files, of another precision than the one that is wanted, or not all there.
    """
    import torch
    from safetensors.torch import load_file

    path, settings = Path(folder) / _FILE, json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    is_plain = isinstance(settings, dict) and all(settings.get(name) == value for name, value in _PLAIN.items())
    files = [file.name for file in Path(folder).glob("*.safetensors*")]
    if not is_plain or settings.get("quantization_config") or files != [_FILE] or kind != torch.float32:
        return None
    tensors = load_file(path)
    if any(tensor.dtype != kind for tensor in tensors.values()):
        return None
    return _filled(folder, tensors)


def _filled(folder: str, tensors: dict[str, Any]) -> Any:
    """A model that holds the tensors; None where they are not all of its weights."""
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM
    from transformers.initialization import no_init_weights

    config = LlamaConfig.from_pretrained(folder)
    config.name_or_path = folder
    with no_init_weights():  # memory that is not written is not taken
        model = LlamaForCausalLM(config)
    missing, unexpected = model.load_state_dict(tensors, strict=False, assign=True)
    model.tie_weights()
    tied = {"lm_head.weight"} if config.tie_word_embeddings else set()
    if set(missing) - tied or unexpected:
        return None
    if (Path(folder) / "generation_config.json").is_file():
        model.generation_config = GenerationConfig.from_pretrained(folder)
    return model
