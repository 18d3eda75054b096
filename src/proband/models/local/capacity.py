"""How much memory is free where a model is to be put."""

from pathlib import Path
from typing import Any

import psutil

_GROUP = Path("/sys/fs/cgroup")


def free_bytes(device: Any) -> int:
    """Bytes that can still be had on a torch device; inside a container, those that it is allowed."""
    if device.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    free = int(psutil.virtual_memory().available)
    try:
        limit, used = ((_GROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return free
    return free if limit == "max" else min(free, max(0, int(limit) - int(used)))


def readable(n_bytes: float) -> str:
    """Bytes as a person says them, in powers of 1,000."""
    for unit in ("bytes", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"
