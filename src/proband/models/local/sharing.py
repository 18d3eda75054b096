"""Checkpoints that are in memory once in a process, however many engines answer from them."""

import copy
import hashlib
import json
import os
import platform
from contextlib import suppress
from functools import cached_property
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from proband.models.local.adapters import Adapter, adapt
from proband.models.local.checkpoints import device_of, files_hash, known_files, load_checkpoint, located, tensors_hash
from proband.models.local.templates import Template
from proband.models.writing.constraints import Schemas

_loaded: WeakValueDictionary[tuple[object, ...], "Loaded"] = WeakValueDictionary()
_lock = Lock()


class Tried(dict[str, Any]):
    """What was found out by trying a model; of one that Proband keeps in its cache, remembered there.

    Trying how the embedded model is run takes longer than reading it. What was found holds for the same files,
    precision, device, instruction set, versions of libraries and lines of this code, and for nothing else.
    """

    def __init__(self, folder: str, dtype: str, device: object) -> None:
        # That module stands on this one.
        from proband.models.local.embedded import cache_folder

        super().__init__()
        self._path = None
        if Path(folder).parent == cache_folder():
            self._path = cache_folder() / "tried" / f"{_key_of_trials(folder, dtype, device)}.json"
            with suppress(OSError, ValueError, TypeError):
                self.update(json.loads(self._path.read_text(encoding="utf-8")))

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        if self._path is not None:
            fresh = self._path.with_suffix(f".{os.getpid()}")
            with suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                fresh.write_text(json.dumps(self), encoding="utf-8")
                fresh.replace(self._path)


def _key_of_trials(folder: str, dtype: str, device: object) -> str:
    import torch

    state = hashlib.blake2b(digest_size=16)
    models = Path(__file__).parents[1]
    for path in sorted((*models.glob("local/*.py"), *models.glob("writing/*.py"))):
        state.update(path.read_bytes())
    versions = [version(name) for name in ("torch", "transformers", "numpy")]
    likeness = torch.backends.cpu.get_cpu_capability()
    state.update(repr([*known_files(folder), dtype, str(device), likeness, platform.machine(), versions]).encode())
    return state.hexdigest()


class Loaded:
    """A checkpoint in memory. It is not run itself; engines run views of it.

    Attributes
    ----------
    template, schemas : Template, Schemas
        Shared by all engines; both may be used from several threads.
    ends : frozenset of int
        Tokens that end a reply.
    tried : dict
        What was found out by trying one of its views, which holds for all of them; see `Passes`.
    """

    def __init__(self, folder: str, file: str, dtype: str, device: str | None) -> None:
        self._folder, self._file = folder, file
        self._model, tokenizer = load_checkpoint(Path(folder) / file, dtype, device)
        self.template = Template(tokenizer)
        self.ends = _ending_tokens(self._model, tokenizer, self.template)
        self.schemas = Schemas(tokenizer, self._model.config.get_text_config().vocab_size, self.ends)
        self.tried: dict[str, Any] = Tried(folder, dtype, self._model.device)

    @cached_property
    def weights(self) -> str:
        """What identifies the weights in the precision that they were opened in."""
        return f"tensors-sha256:{tensors_hash(self._model.state_dict())}"

    @property
    def files(self) -> str:
        """What identifies the files of the weights; empty where they are of a kind that no adapter is trained on."""
        return "" if self._file else f"files-sha256:{files_hash(self._folder)}"

    def view(self, adapter: Adapter | None = None) -> Any:
        """The model with the same tensors in modules of its own, an adapter on its layers.

        Whatever an engine exchanges in its model (attention, lighter layers, adapters) is out of the others' sight, so
        no answer depends on who was asked before, or is asked at the same time. Linear layers are the same objects:
        what is packed for one is packed for all.
        """
        import torch

        model = self._model
        tensors = chain(model.parameters(), model.buffers())
        layers = (module for module in model.modules() if isinstance(module, torch.nn.Linear))
        view = copy.deepcopy(model, {id(shared): shared for shared in (*tensors, *layers)})
        return view if adapter is None else adapt(view, adapter)


def loaded(path_or_id: str | Path, dtype: str, device: str | None) -> Loaded:
    """A checkpoint, loaded now unless an engine here has it open; its memory is free when the last of them is closed.

    Parameters and errors are those of `LocalEngine`.
    """
    target = device_of(device)
    folder, file = located(path_or_id)
    # Trained again into the same folder it is another checkpoint.
    key = (folder, dtype, str(target), *known_files(folder, file or "*"))
    with _lock:
        found = _loaded.get(key)
        if found is None:
            found = _loaded[key] = Loaded(folder, file, dtype, device)
        return found


def _ending_tokens(model: Any, tokenizer: Any, template: Template) -> frozenset[int]:
    """Every token that ends a reply: the tokenizer's, the checkpoint's and the template's."""
    listed = getattr(model.generation_config, "eos_token_id", None)
    ends = {tokenizer.eos_token_id, *(listed if isinstance(listed, list) else [listed])}
    if template.is_chat:
        ends |= {ids[0] for ids in template.tokenize([template.closing]) if len(ids) == 1}
    return frozenset(ends - {None})
