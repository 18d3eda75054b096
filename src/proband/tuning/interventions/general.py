"""General instruction data, which is mixed with what is taught to keep training stable."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from proband.designs.quiz.prompts import Prompt
from proband.errors import DataError
from proband.files import bytes_of
from proband.records import Message
from proband.seeds import rng_for
from proband.training.training_set import Example


@dataclass(frozen=True, kw_only=True)
class General:
    """Instructions with their responses, and where they come from."""

    name: str
    pairs: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        for number, (instruction, response) in enumerate(self.pairs, 1):
            if not instruction.strip() or not response.strip():
                raise DataError(
                    f"general data {self.name!r}, record {number}: an empty instruction or response; take it out"
                )

    def __len__(self) -> int:
        return len(self.pairs)

    @cached_property
    def hash(self) -> str:
        """32 hexadecimal digits of the pairs."""
        return hashlib.blake2b(json.dumps(self.pairs).encode(), digest_size=16).hexdigest()


def load_general(path: str | Path) -> General:
    """Read instruction data from JSON lines (``.gz`` too), or from one JSON list.

    A record has ``instruction`` or ``prompt`` (and, as Alpaca has it, an ``input`` that belongs to it), and
    ``response``, ``output`` or ``completion``; or ``messages`` of one user and one assistant turn.

    Raises
    ------
    DataError
        If the file cannot be read or a record lacks a field; the line is named.
    """
    path = Path(path).expanduser()
    try:
        content = bytes_of(path, what="file of general instructions", error=DataError)
        text = (gzip.decompress(content) if path.name.endswith(".gz") else content).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"general data {path} cannot be read: {error}") from None
    pairs = tuple(_pair(record, f"{path.name}, {where}") for where, record in _records(text, path.name))
    if not pairs:
        raise DataError(f"general data {path} is empty; give at least one instruction with its response")
    return General(name=path.name, pairs=pairs)


def _records(text: str, name: str) -> list[tuple[str, Any]]:
    number = 1
    try:
        if text.lstrip().startswith("["):
            return [(f"record {k}", record) for k, record in enumerate(json.loads(text), 1)]
        found: list[tuple[str, Any]] = []
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                found.append((f"line {number}", json.loads(line)))
    except json.JSONDecodeError as error:
        raise DataError(f"{name}, line {number - 1 + error.lineno}: no JSON ({error.msg}); mend it") from None
    except RecursionError:
        raise DataError(f"{name}, line {number}: lists or tables stand too deep in one another; mend it") from None
    return found


def _pair(record: Any, where: str) -> tuple[str, str]:
    if not isinstance(record, Mapping):
        raise DataError(f"{where}: found {type(record).__name__}, not a record with named fields")
    if "messages" in record:
        return _exchange(record["messages"], where)
    instruction = _first(record, ("instruction", "prompt"), where)
    extra = record.get("input") or ""
    if str(extra).strip():
        instruction = f"{instruction}\n\n{extra}"
    return instruction, _first(record, ("response", "output", "completion"), where)


def _exchange(turns: Any, where: str) -> tuple[str, str]:
    try:
        roles, texts = [turn["role"] for turn in turns], [str(turn["content"]) for turn in turns]
    except (TypeError, KeyError):
        raise DataError(f"{where}: messages must each have a role and a content") from None
    if roles != ["user", "assistant"]:
        raise DataError(f"{where}: the turns are {', '.join(roles)}; give one user and one assistant turn")
    return texts[0], texts[1]


def _first(record: Mapping[str, Any], names: tuple[str, ...], where: str) -> str:
    for name in names:
        if isinstance(record.get(name), str) and record[name].strip():
            return str(record[name])
    raise DataError(f"{where}: no text under {' or '.join(names)}; it has {', '.join(record) or 'nothing'}")


def n_general(n_taught: int, share: float) -> int:
    """General examples that make up a share of a set with so many others.

    Examples
    --------
    >>> n_general(100, 0.5), n_general(90, 0.1)
    (100, 10)
    """
    return round(n_taught * share / (1 - share))


def draw_general(general: General, n: int, prompt: Prompt, *, seed: int, domain: str) -> tuple[Example, ...]:
    """Some general examples, laid out as the questions are; the same for all arms of a domain, of any size.

    Raises
    ------
    DataError
        If there are too few.
    """
    if n > len(general):
        raise DataError(
            f"general data {general.name!r} has {len(general)} records and {n} are needed, {n - len(general)} more; "
            "give more, or lower general_share"
        )
    chosen = rng_for(seed, "general", domain).permutation(len(general))[:n]
    return tuple(_example(general, int(k), prompt, domain) for k in chosen)


def _example(general: General, k: int, prompt: Prompt, domain: str) -> Example:
    instruction, response = general.pairs[k]
    return Example(
        id=f"general/{k}",
        messages=framed(instruction, prompt),
        response=f"{prompt.lead}{response.strip()}{prompt.end}",
        is_raw=prompt.is_raw,
        domain=domain,
        kind="general",
    )


def framed(instruction: str, prompt: Prompt) -> tuple[Message, ...]:
    """An instruction laid out as a prompt lays out its questions: roles and cue, without header and options."""
    if prompt.template == "chat":
        system = (Message("system", prompt.system),) if prompt.system else ()
        return (*system, Message("user", instruction))
    if prompt.template == "turns":
        start = f"{prompt.system}{prompt.between}" if prompt.system else ""
        return (Message("user", f"{start}{prompt.user}{instruction}{prompt.between}{prompt.assistant}"),)
    return (Message("user", f"{instruction}\n{prompt.cue}" if prompt.cue else instruction),)
