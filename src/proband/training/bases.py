"""The checkpoint that training starts from: loaded once, trained several times, put back in between."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proband.errors import EngineError
from proband.models.local.checkpoints import files_hash, load_checkpoint, tensors_hash
from proband.models.local.embedded import ADDRESS, SHA256, embedded_folder
from proband.models.local.templates import Template
from proband.training.recipe import Recipe

_TOKENIZER = (
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template*",
    "additional_chat_templates/*",
    "vocab*",
    "merges.txt",
    "*.model",
)


def base_folder(address: str) -> Path:
    """Folder of a base: of ``smollm2``, or of ``hf:FOLDER``, a checkpoint with its tokenizer.

    Raises
    ------
    EngineError
        If it is another kind of engine, or the folder holds no checkpoint or no tokenizer.
    """
    if address == ADDRESS:
        return embedded_folder()
    scheme, _, rest = address.partition(":")
    if scheme != "hf" or not rest:
        raise EngineError(
            f"{address!r} cannot be trained; training starts from smollm2 or hf:FOLDER, a checkpoint with its tokenizer"
        )
    folder = Path(rest.partition("?")[0]).expanduser()
    if not (folder / "config.json").is_file():
        raise EngineError(f"{folder} holds no config.json; give the folder that save_pretrained wrote")
    if not any(folder.glob("*.safetensors")):
        raise EngineError(f"{folder} holds no *.safetensors; save the checkpoint there with save_pretrained")
    if not any(any(folder.glob(pattern)) for pattern in ("tokenizer*", "vocab*", "*.model")):
        raise EngineError(
            f"the checkpoint {folder} has no tokenizer; save the model's own there with tokenizer.save_pretrained"
        )
    return folder


def base_template(address: str) -> Template:
    """How a base's tokenizer renders and tokenises requests; the weights are not loaded."""
    from transformers import AutoTokenizer

    return Template(AutoTokenizer.from_pretrained(base_folder(address), trust_remote_code=False))


def base_weights(address: str) -> str:
    """What identifies a base's weights without loading them."""
    if address == ADDRESS:
        return f"gguf-sha256:{SHA256}"
    return f"files-sha256:{files_hash(base_folder(address))}"


def has_weights(address: str, weights: str) -> bool:
    """Whether a base has the weights that an engine named, in whichever precision it had opened them."""
    if weights == base_weights(address):
        return True
    if not weights.startswith("tensors-sha256:"):
        return False
    import torch

    model, _ = load_checkpoint(base_folder(address), "float32", "cpu")
    return any(
        weights == f"tensors-sha256:{tensors_hash(model.to(kind).state_dict())}"
        for kind in (torch.float32, torch.bfloat16)
    )


@dataclass(kw_only=True)
class Base:
    """A loaded base.

    Attributes
    ----------
    model, tokenizer
        Of transformers; the model's weights change in training and come back with `put_back`.
    adapted
        The model inside its adapter, while there is one.
    is_frozen
        Whether no run will touch its weights, so that no copy is held to put them back from: for adapters that are kept
        as such.
    """

    address: str
    folder: Path
    model: Any
    tokenizer: Any
    adapted: Any = None
    is_frozen: bool = False
    template: Template = field(init=False)
    _originals: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.template = Template(self.tokenizer)
        named = {} if self.is_frozen else dict(self.model.named_parameters())
        self._originals = {name: weights.detach().clone() for name, weights in named.items()}

    @property
    def context(self) -> int | None:
        """Most tokens the model takes; None where it has no limit."""
        limit: int | None = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        return limit

    def put_back(self) -> None:
        """Undo everything that a run did to the model."""
        import torch

        if self.adapted is not None:
            self.model, self.adapted = self.adapted.unload(), None
        model = self.model
        if not self.is_frozen:
            model = model.to(next(iter(self._originals.values())).dtype)
        # TRL exchanges the forward method of the object.
        model.__dict__.pop("forward", None)
        model.zero_grad(set_to_none=True)
        if model.is_activation_checkpointing:
            model.activation_checkpointing_disable()
        with torch.no_grad():
            for name, weights in model.named_parameters():
                if not self.is_frozen:
                    weights.copy_(self._originals[name])
                weights.requires_grad_(True)
        model.eval()

    def save_tokenizer(self, folder: Path) -> None:
        """Copy the tokenizer's files, byte for byte."""
        for pattern in _TOKENIZER:
            for path in self.folder.glob(pattern):
                if path.is_file():
                    target = folder / path.relative_to(self.folder)
                    target.parent.mkdir(exist_ok=True)
                    shutil.copyfile(path, target)


def load_base(address: str, *, device: str | None = None, dtype: str = "float32", is_frozen: bool = False) -> Base:
    """Load a base for one run or several.

    Parameters
    ----------
    device : str or None
        Default CUDA where there is one (the process's own under accelerate), else the processor.
    dtype : str
        Of the weights while they are trained; "float32", or "bfloat16" for the frozen ones under an adapter.
    is_frozen : bool
        Only for adapters that are kept as such; takes half the memory.

    Raises
    ------
    EngineError
        If it cannot be loaded, or lacks its tokenizer.
    """
    folder = base_folder(address)
    model, tokenizer = load_checkpoint(folder, dtype, device)
    return Base(address=address, folder=folder, model=model, tokenizer=tokenizer, is_frozen=is_frozen)


@contextmanager
def enough_memory(recipe: Recipe, base: Base) -> Iterator[None]:
    """Name memory that ran out, and the ways out; `EngineError` if memory runs out inside."""
    import torch

    try:
        yield
    except (MemoryError, RuntimeError) as error:
        is_full = isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "allocate memory" in str(error)
        if not is_full:
            raise
        ways = ["shorten the longest examples", "lower micro_tokens (e.g. 256)"]
        ways += [] if recipe.gradient_checkpointing else ["set gradient_checkpointing"]
        ways += [] if recipe.adapter is not None else ["train an adapter (adapter=Lora())"]
        ways += ["use several GPUs with accelerate"] if base.model.device.type == "cuda" else []
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EngineError(
            f"memory ran out in training on {base.model.device} ({first_line}); {'; '.join(ways)}. None of these but "
            "an adapter or shorter examples changes the result, and the run goes on from the last state it kept"
        ) from error
