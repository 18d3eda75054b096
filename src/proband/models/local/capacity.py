"""How much memory is free where a model is to be put."""

from pathlib import Path
from typing import Any

import psutil

_GROUP = Path("/sys/fs/cgroup")
_REPLICA = 350_000_000  # bytes of a replica's process beside its weights, measured


def free_bytes(device: Any) -> int:
    """Bytes that can still be had on a torch device; inside a container, those that it is allowed."""
    if device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    return free_memory()


def free_memory() -> int:
    """Bytes of memory that can still be had; inside a container, those that it is allowed."""
    free = int(psutil.virtual_memory().available)
    try:
        limit, used = ((_GROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return free
    return free if limit == "max" else min(free, max(0, int(limit) - int(used)))


def replicas_that_fit(weights: int) -> int:
    """How many processes with a model of so many bytes of weights have room.

    They share the mapped file; each packs the weights for its arithmetic, and has libraries and passes of its own.
    """
    return max(0, int((free_memory() - weights) // (weights + _REPLICA)))


def readable(n_bytes: float) -> str:
    """Bytes as a person says them, in powers of 1,000."""
    for unit in ("bytes", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"
