"""A trained checkpoint on disk: its record, what is kept of an unfinished run, and failures to write either."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from proband.errors import DesignError, StoreError
from proband.models.local.adapters import CONFIG
from proband.models.local.capacity import readable

RECORD, JOB, STATES, LOCK = "training.json", "job.json", "states", ".lock"
_STATE = "trainer_state.json"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A finished training run.

    Attributes
    ----------
    folder : Path
        Holds the weights, the base's tokenizer and the record ``training.json``; of an adapter kept as such, its two
        files and the record.
    training_set, set_name : str
        Hash and name of the set.
    weights : str
        What `LocalEngine.fingerprint` says of these weights in float32, or of the adapter.
    base, base_weights : str
        Address of what was trained, and what identifies its weights.
    losses : tuple of float
        Of every optimiser step's batch, nats per taught token.
    held_out_losses : mapping
        By step, where they were looked at.
    kept_step : int
        Whose weights these are: the last, or the one with the lowest held-out loss.
    examples_seen, tokens, taught_tokens, computed_tokens : int
        Over all steps; computed ones count a shared beginning once and padding not at all.
    seconds, tokens_per_s : float
        Of the steps, over all attempts; tokens as in `tokens`.
    peak_bytes : int
        Memory of the process (of the GPU, where there is one) at the end of its largest forward pass.
    cut, left_out : tuple of str
        Examples that were too long.
    padding : str
        How examples really shared a pass.
    device, template : str
        What it was trained on; hash of what turns messages into text.
    """

    folder: Path
    training_set: str
    set_name: str
    weights: str
    base: str
    base_weights: str
    recipe: Mapping[str, Any]
    losses: tuple[float, ...]
    held_out_losses: Mapping[int, float]
    kept_step: int
    examples_seen: int
    tokens: int
    taught_tokens: int
    computed_tokens: int
    seconds: float
    tokens_per_s: float
    peak_bytes: int
    cut: tuple[str, ...]
    left_out: tuple[str, ...]
    padding: str
    device: str
    template: str
    versions: Mapping[str, str]
    files: Mapping[str, int]

    @property
    def address(self) -> str:
        """Of the engine that opens it."""
        return address_of(self.folder, self.base, keeps_adapter=self.recipe.get("keep") == "adapter")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, without the folder."""
        values = asdict(self)
        del values["folder"]
        return values


def address_of(folder: Path, base: str, *, keeps_adapter: bool) -> str:
    """Address of the engine that opens what is trained into a folder."""
    if not keeps_adapter:
        return f"hf:{folder}"
    plain, mark, options = base.partition("?")
    return f"{plain}+{folder}{mark}{options}"


def load_trained(folder: str | Path) -> Checkpoint | None:
    """The finished run in a folder; None where there is none; `StoreError` if its record or weights are damaged."""
    folder = Path(folder)
    try:
        values = json.loads((folder / RECORD).read_text(encoding="utf-8"))["checkpoint"]
        values["held_out_losses"] = {int(step): loss for step, loss in values["held_out_losses"].items()}
        lists = {name: tuple(values[name]) for name in ("losses", "cut", "left_out")}
        found = Checkpoint(folder=folder, **(values | lists))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{folder / RECORD} is damaged ({error}); delete {folder} and train again") from None
    for name, size in found.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise StoreError(
                f"{path} is missing or has not the {readable(size)} it was saved with; delete {folder} and train again"
            )
    return found


def trained_questions(address: str) -> frozenset[str] | None:
    """Ids of the questions that the checkpoint at an address was trained on; None where no record says so."""
    place = address.partition("?")[0].rpartition("+")[2].removeprefix("hf:")
    try:
        return frozenset(map(str, json.loads((Path(place) / RECORD).read_text(encoding="utf-8"))["questions"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def finished(folder: Path, identity: Mapping[str, Any]) -> Checkpoint | None:
    """The finished run in a folder, if it is this one; None where the folder is empty or holds an unfinished one.

    Raises
    ------
    DesignError
        If the folder is another run's.
    """
    try:
        known = json.loads((folder / JOB).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if any((folder / name).exists() for name in (RECORD, "config.json", CONFIG)):
            raise DesignError(f"{folder} holds a checkpoint that was not trained here; name another folder") from None
        return None
    except ValueError as error:
        raise StoreError(f"{folder / JOB} is damaged ({error}); delete {folder} and train again") from None
    wanted = json.loads(json.dumps(identity))
    changed = [name for name in wanted if known.get(name) != wanted[name]]
    if changed:
        what = {"training_set": "another training set", "held_out": "other held-out examples", "base": "another base"}
        what |= {"base_weights": "a base with other weights", "recipe": "another recipe", "looks": "other looks at it"}
        raise DesignError(
            f"{folder} was trained with {what.get(changed[0], changed[0])} ({_differing(known, wanted, changed[0])}); "
            "name another folder, or delete this one"
        )
    return load_trained(folder)


def _differing(known: Mapping[str, Any], wanted: Mapping[str, Any], name: str) -> str:
    before, now = known.get(name), wanted[name]
    if isinstance(before, dict) and isinstance(now, dict):
        field = next(key for key in now if before.get(key) != now[key])
        return f"{field} was {before.get(field)!r} and is {now[field]!r}"
    return f"{before} and now {now}"


@contextmanager
def claimed(folder: Path, identity: Mapping[str, Any]) -> Iterator[None]:
    """Have a folder for one run alone, and write down whose it is.

    Raises
    ------
    StoreError
        If another process is training into it, or it cannot be written.
    """
    with saving(folder, "the run's first files"):
        folder.mkdir(parents=True, exist_ok=True)
    if int(os.environ.get("RANK", 0)):  # under accelerate the first process writes
        yield
        return
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(f"another process is training into {folder}; wait for it, or name another folder") from None
    try:
        with saving(folder, "the run's first files"):
            write_json(folder / JOB, identity)
        yield
    finally:
        lock.release()


def last_state(folder: Path) -> Path | None:
    """The newest whole state of an unfinished run; cut ones are removed.

    The trainer's own file is the last that is written, so a state that has it is whole.
    """
    whole = []
    for path in (folder / STATES).glob("checkpoint-*"):
        try:
            step = int(json.loads((path / _STATE).read_text(encoding="utf-8"))["global_step"])
            whole.append((step, path))
        except (OSError, ValueError, KeyError):
            shutil.rmtree(path, ignore_errors=True)
    return max(whole)[1] if whole else None


def write_json(path: Path, values: Any) -> None:
    """Write a file whole or not at all."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    with new.open("rb+") as file:
        os.fsync(file.fileno())
    new.replace(path)


@contextmanager
def saving(folder: Path, what: str) -> Iterator[None]:
    """Name a failure to write; `StoreError` if something inside could not be written."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:
        # PyTorch's own files fail with the last of these.
        is_written = any(sign in str(error) for sign in ("PytorchStreamWriter", "inline_container"))
        if isinstance(error, RuntimeError) and not isinstance(error, SafetensorError) and not is_written:
            raise
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        free = readable(shutil.disk_usage(existing).free)
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise StoreError(
            f"{what} could not be saved in {folder}: {reason} ({free} are free there). Make room or name another "
            "folder; called again, the run goes on from the last state it kept"
        ) from error
