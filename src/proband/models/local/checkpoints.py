"""Loading a checkpoint: from a folder, a GGUF file or the hub, refusing what could not be used."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from proband.errors import EngineError
from proband.files import check_name
from proband.models.local.capacity import free_bytes, readable
from proband.models.local.imports import import_models
from proband.models.local.mapping import mapped

_FILES = ["*.safetensors", "*.json", "*.jinja", "*.model", "tokenizer*"]
_UNREADABLE = (OSError, ValueError, KeyError, ImportError)
# Code that comes with a checkpoint is never run.
_PLAIN = {"trust_remote_code": False}


def load_checkpoint(path_or_id: str | Path, dtype: str, device: str | None) -> tuple[Any, Any]:
    """Model, in evaluation mode on its device, and tokenizer; parameters and errors are those of `LocalEngine`."""
    import torch
    from safetensors import SafetensorError

    import_models()
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    kind = getattr(torch, dtype, None)
    if not isinstance(kind, torch.dtype) or not kind.is_floating_point:
        raise EngineError(f"dtype {dtype!r} is none of float32, bfloat16, float16")
    target = device_of(device)
    logging.disable_progress_bar()
    folder, file = located(path_or_id)
    how = _PLAIN | ({"gguf_file": file} if file else {})
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **how)
    except _UNREADABLE as error:
        raise EngineError(_unloadable(folder, file, "tokenizer", error)) from error
    report: dict[str, Any] = {"missing_keys": ()}
    if not file:
        _refuse_too_large(folder, kind.itemsize, target)
    try:
        model = None if file else mapped(folder, kind)
        if model is None:
            model, report = AutoModelForCausalLM.from_pretrained(folder, dtype=kind, output_loading_info=True, **how)
    except (*_UNREADABLE, RuntimeError, SafetensorError) as error:
        raise EngineError(_unloadable(folder, file, "model", error)) from error
    if report["missing_keys"]:
        missing = ", ".join(sorted(report["missing_keys"])[:3])
        raise EngineError(f"the checkpoint {folder} lacks weights of its model ({missing}); save it again, whole")
    _refuse_strange_tokenizer(folder, model, tokenizer)
    return model.to(target).eval(), tokenizer


def device_of(name: str | None) -> Any:
    """The device of a name, by default the best there is; `EngineError` where it is none, or not here."""
    import torch

    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError:
        raise EngineError(f"device {name!r} is none; write cpu, cuda or cuda:1") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise EngineError(f"device {name!r}: PyTorch sees no GPU here; leave the device out, or write cpu")
    return device


def located(path_or_id: str | Path) -> tuple[str, str]:
    """Folder of a checkpoint, and the file in it where it is a GGUF; one on the hub is fetched."""
    path = Path(path_or_id).expanduser()
    check_name(path, error=EngineError)
    if path.suffix == ".gguf":
        if not path.is_file():
            raise EngineError(f"there is no file {path}; give one that exists")
        return str(path.parent), path.name
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise EngineError(f"{path} holds no config.json; give the folder that save_pretrained wrote")
        return str(path), ""
    if path.is_file():
        raise EngineError(f"{path} is a file; give the folder it is in, or a .gguf file")
    if str(path_or_id)[:1] in "./~" or str(path_or_id).count("/") != 1:
        raise EngineError(f"there is no folder {path}; give one that exists, or a hub id, ORG/NAME")
    return _fetched(str(path_or_id)), ""


def _fetched(hub_id: str) -> str:
    """Folder that holds a checkpoint of the hub; fetched, or from its cache where the hub is out of reach."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return str(snapshot_download(hub_id, allow_patterns=_FILES))
    except (OSError, ValueError, HfHubHTTPError, HFValidationError) as error:
        raise EngineError(
            f"no checkpoint {hub_id} can be had from the hub or its cache: {_first_line(error)}; "
            "check the id and the network (and HF_TOKEN for a gated model), or give a local folder"
        ) from error


def _refuse_too_large(folder: str, itemsize: int, device: Any) -> None:
    """Refuse weights that the device cannot hold, before they are read."""
    count = sum(_parameters(folder))
    free = free_bytes(device)
    if count * itemsize <= free:
        return
    shorter = itemsize > 2 and 2 * count <= free
    way_out = "dtype=bfloat16 would fit" if shorter else f"{free / itemsize / 1e9:.2g} billion would fit"
    raise EngineError(
        f"{folder} has {count / 1e9:.3g} billion weights, {readable(count * itemsize)} at {itemsize} bytes each, and "
        f"{readable(free)} are free on {device}; {way_out}. Or serve it elsewhere and use an openai: engine"
    )


def weights_bytes(path_or_id: str, dtype: str) -> int | None:
    """Bytes that a checkpoint's weights take in a precision; None where it is not on this disk, or a GGUF."""
    folder = Path(path_or_id).expanduser()
    count = sum(_parameters(str(folder))) if folder.is_dir() else 0
    return count * (4 if dtype == "float32" else 2) or None


def tensors_hash(tensors: Mapping[str, Any]) -> str:
    """SHA-256 over the names and bytes of tensors, whatever files they came from."""
    import torch

    state = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        state.update(name.encode())
        state.update(tensor.contiguous().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return state.hexdigest()


def files_hash(folder: str | Path) -> str:
    """SHA-256 over a checkpoint's files of weights: the same in whatever precision they are opened."""
    return _files_hash(tuple(known_files(folder, "*.safetensors")))


def known_files(folder: str | Path, pattern: str = "*") -> Iterator[tuple[str, int, int]]:
    """Path, size and time of the files in a folder: what tells that none was changed."""
    for path in sorted(Path(folder).glob(pattern)):
        if path.is_file():
            yield str(path), path.stat().st_size, path.stat().st_mtime_ns


@lru_cache(64)
def _files_hash(files: tuple[tuple[str, int, int], ...]) -> str:
    state = hashlib.sha256()
    for path, _, _ in files:
        with Path(path).open("rb") as file:
            state.update(hashlib.file_digest(file, "sha256").digest())
    return state.hexdigest()


def _parameters(folder: str) -> Iterator[int]:
    """Weights of each file, read from the head of it."""
    for file in Path(folder).glob("*.safetensors"):
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            try:
                head = json.loads(opened.read(length)) if length < 2**30 else {}
            except ValueError:
                head = {}  # a damaged file is named when it is loaded
        yield from (math.prod(tensor["shape"]) for name, tensor in head.items() if name != "__metadata__")


def _refuse_strange_tokenizer(folder: str, model: Any, tokenizer: Any) -> None:
    """Refuse a tokenizer that writes tokens the model has no embedding for."""
    rows, tokens = model.get_input_embeddings().weight.shape[0], max(tokenizer.get_vocab().values()) + 1
    if tokens > rows:
        raise EngineError(
            f"the tokenizer in {folder} has tokens up to {tokens - 1}, and the model knows {rows}: they do not belong "
            "together; save the model's own tokenizer there"
        )


def _unloadable(folder: str, file: str, part: str, error: Exception) -> str:
    way_out = f"save one there with {part}.save_pretrained"
    if file:
        way_out = "transformers reads only some kinds of GGUF: give the checkpoint it was made from, or serve it with "
        way_out += "llama.cpp and use an openai: engine"
    return f"no {part} can be loaded from {Path(folder) / file}: {_first_line(error)}; {way_out}"


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
