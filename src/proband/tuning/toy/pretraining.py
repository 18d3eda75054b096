"""Training a small Llama on a world's corpus: a checkpoint that opens as ``hf:FOLDER``."""

import hashlib
import json
import math
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from proband.errors import DesignError, EngineError
from proband.models.local.embedded import cache_folder
from proband.seeds import seed_for
from proband.training.batching import Step, Watch
from proband.tuning.toy.corpus import documents, words
from proband.tuning.toy.tokens import EOS, tokenizer_for
from proband.tuning.toy.world import World

RECORD = "pretraining.json"
_WEIGHTS = "model.safetensors"
_CONTEXT = 512
_VERSION = 1  # raised where the same settings give another model, so that no cached one is taken for it


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """Size of a toy model and how it is trained.

    Attributes
    ----------
    hidden, layers, heads, feed_forward : int
        Of the Llama.
    block, batch : int
        Tokens in a row, and rows in a step. Documents are laid end to end and cut into rows.
    learning_rate : float
        Highest; it rises over the first `warmup` share of the steps and falls to 0 along a cosine.
    embedding_rate : float
        The same for the embeddings of the words that are read, as a multiple: they are what facts are kept in, and
        a word comes up seldom.
    warmup, weight_decay : float
        Weight decay is AdamW's, on matrices other than those embeddings.
    """

    hidden: int = 128
    layers: int = 2
    heads: int = 4
    feed_forward: int = 384
    block: int = 128
    batch: int = 8
    learning_rate: float = 4e-3
    warmup: float = 0.03
    embedding_rate: float = 15.0
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        for name in ("hidden", "layers", "heads", "feed_forward", "block", "batch"):
            if getattr(self, name) < 1:
                raise DesignError(f"pre-training: {name} is {getattr(self, name)}; give at least 1")
        if self.hidden % (2 * self.heads):
            raise DesignError(
                f"pre-training: {self.heads} heads cannot share {self.hidden} dimensions in pairs; "
                f"give hidden a multiple of {2 * self.heads}"
            )
        if self.block > _CONTEXT:
            raise DesignError(f"pre-training: rows of {self.block} tokens; the model reads at most {_CONTEXT}")
        if not 0 < self.learning_rate < 1 or not 0 <= self.warmup < 1 or not self.weight_decay >= 0:
            raise DesignError(f"{self}: learning_rate and warmup must be below 1, weight_decay at least 0")


def toy_model(world: World, *, settings: Pretraining | None = None, seed: int = 0, watch: Watch | None = None) -> Path:
    """Folder of the model that `pretrain` makes of a world's whole corpus, from the cache where it was made before.

    A model is known by the text it was trained on, its settings and its seed. Safe to call from several processes at
    once: one trains, the others wait for it.

    Raises
    ------
    EngineError
        If the cache folder cannot be written.
    """
    settings = settings or Pretraining()
    cache = cache_folder()
    folder = cache / f"toy-{_key(world, settings, seed, None)[:16]}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"{folder.name}.lock"):
            return _into(folder, world, settings, seed=seed, steps=None, watch=watch)
    except OSError as error:
        raise EngineError(_unwritable(cache, error)) from error


def cached_toy_model(world: World, *, settings: Pretraining | None = None, seed: int = 0) -> Path | None:
    """Folder of `toy_model` where it is in the cache already; None where it would have to be trained."""
    folder = cache_folder() / f"toy-{_key(world, settings or Pretraining(), seed, None)[:16]}"
    return folder if (folder / RECORD).is_file() else None


def pretrain(
    world: World,
    into: str | Path,
    *,
    settings: Pretraining | None = None,
    steps: int | None = None,
    seed: int = 0,
    watch: Watch | None = None,
) -> Path:
    """Train a small Llama on a world's corpus, from random weights, reading it once.

    The same world, settings and seed give the same weights on one machine, and the same up to rounding on another.
    The default model takes one to two minutes on one core: matrices this small gain little from a second one, and
    lose much where it is busy.

    The folder opens as ``hf:FOLDER``.

    Parameters
    ----------
    into : path
        Folder of the checkpoint, with its tokenizer and ``pretraining.json``. One that holds this very model is
        returned as it is.
    steps : int, optional
        Stop after so many steps, the learning rate falling within them; default as many as the corpus has.
    seed : int
        Of the weights before training; the order of reading is the world's.
    watch : callable, optional
        Told after every step how far it is.

    Raises
    ------
    DesignError
        If `steps` is below 1 or more than the corpus has, or the folder holds something else.
    EngineError
        If the folder cannot be written.
    """
    try:
        return _into(Path(into), world, settings or Pretraining(), seed=seed, steps=steps, watch=watch)
    except OSError as error:
        raise EngineError(_unwritable(Path(into), error)) from error


def _unwritable(folder: Path, error: OSError) -> str:
    return f"cannot write the toy model to {folder} ({error}); it needs 20 MB: free some space, or name another folder"


def _into(
    folder: Path, world: World, settings: Pretraining, *, seed: int, steps: int | None, watch: Watch | None
) -> Path:
    """Train beside the folder, then rename: a reader sees all of it or nothing."""
    from transformers.utils import logging

    key = _key(world, settings, seed, steps)
    if folder.exists() and any(folder.iterdir()):
        found = _record(folder)
        if found.get("key") != key:
            raise DesignError(f"{folder} holds something other than this toy model; name another folder, or remove it")
        if found.get("sha256") == _sha256(folder / _WEIGHTS):
            return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f"{folder.name}.new-", dir=folder.parent))
    try:
        model, tokenizer, facts = _trained(world, settings, seed=seed, steps=steps, watch=watch)
        logging.disable_progress_bar()
        model.save_pretrained(new)
        tokenizer.save_pretrained(new)
        record = facts | {"key": key, "seed": seed, "settings": asdict(settings), "sha256": _sha256(new / _WEIGHTS)}
        (new / RECORD).write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return folder


def _key(world: World, settings: Pretraining, seed: int, steps: int | None) -> str:
    state = hashlib.blake2b(json.dumps([_VERSION, asdict(settings), seed, steps]).encode(), digest_size=16)
    for text in words(world):
        state.update(text.encode() + b"\0")
    return state.hexdigest()


def _record(folder: Path) -> Mapping[str, Any]:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _sha256(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _trained(
    world: World, settings: Pretraining, *, seed: int, steps: int | None, watch: Watch | None
) -> tuple[Any, Any, dict[str, Any]]:
    """Model, tokenizer, and what there is to record."""
    import torch

    tokenizer = tokenizer_for(words(world))
    rows = _rows(tokenizer, documents(world), settings.block)
    most = len(rows) // settings.batch
    if steps is not None and not 1 <= steps <= most:
        raise DesignError(f"{steps} steps of pre-training: the corpus has 1 to {most}")
    steps = most if steps is None else steps
    if not steps:
        raise DesignError(
            f"the corpus has {len(rows)} rows of {settings.block} tokens, which fill no batch of {settings.batch}; "
            "make a larger world or smaller batches"
        )
    # Weights are drawn by transformers from torch's global generator, which is put back.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(seed, "toy", "weights"))
        model = _llama(tokenizer, settings)
    started, losses = time.perf_counter(), []
    for loss in _on_one_thread(_steps(model, rows, steps, settings)):
        losses.append(loss)
        if watch is not None:
            took, done = time.perf_counter() - started, len(losses)
            speed, left = done * settings.batch * settings.block / took, took / done * (steps - done)
            watch(Step(step=done, of=steps, loss=loss, tokens_per_s=speed, seconds_left=left))
    facts = {
        "steps": steps,
        "tokens": steps * settings.batch * settings.block,
        "weights": sum(weight.numel() for weight in model.parameters()),
        "losses": [round(loss, 4) for loss in losses[:: max(1, steps // 100)]],
        "seconds": round(time.perf_counter() - started, 1),
        "torch": torch.__version__,
    }
    return model.eval(), tokenizer, facts


def _on_one_thread(losses: Iterator[float]) -> Iterator[float]:
    """The same losses: sums then go in one order, however many cores there are."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield from losses
    finally:
        torch.set_num_threads(threads)


def _rows(tokenizer: Any, texts: Sequence[str], block: int) -> Any:
    """Documents end to end, each between its beginning and its end, cut into rows: shape (n_rows, block)."""
    import torch

    ids = tokenizer([text + EOS for text in texts])["input_ids"]
    flat = torch.tensor([token for row in ids for token in row])
    return flat[: len(flat) // block * block].view(-1, block)


def _llama(tokenizer: Any, settings: Pretraining) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=settings.hidden,
            intermediate_size=settings.feed_forward,
            num_hidden_layers=settings.layers,
            num_attention_heads=settings.heads,
            num_key_value_heads=settings.heads,
            max_position_embeddings=_CONTEXT,
            tie_word_embeddings=False,
            # 1 / sqrt(hidden): with the usual 0.02 so narrow a model finds out late that names decide values.
            initializer_range=settings.hidden**-0.5,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def _steps(model: Any, rows: Any, steps: int, settings: Pretraining) -> Iterator[float]:
    """Loss of every step, in nats a token, as it is made."""
    import torch

    read = model.get_input_embeddings().weight
    matrices = [weight for weight in model.parameters() if weight.ndim > 1 and weight is not read]
    vectors = [weight for weight in model.parameters() if weight.ndim == 1]
    optimiser = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": settings.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
            {"params": [read], "weight_decay": 0.0, "lr": settings.embedding_rate * settings.learning_rate},
        ],
        lr=settings.learning_rate,
        betas=(0.9, 0.98),
        fused=True,
    )
    pace = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda k: _share_of_rate(k, steps, settings.warmup))
    model.train()
    for step in range(steps):
        batch = rows[step * settings.batch : (step + 1) * settings.batch]
        loss = model(input_ids=batch, labels=batch, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        pace.step()
        optimiser.zero_grad()
        yield float(loss.detach())


def _share_of_rate(step: int, of: int, warmup: float) -> float:
    """Share of the highest learning rate."""
    rise = max(1, round(warmup * of))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, of - rise)))
