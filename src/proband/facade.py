"""Public names of a room, each loaded when it is first used, so that importing the room costs nothing."""

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def facade(room: str, file: str) -> tuple[list[str], Callable[[str], Any]]:
    """``__all__`` and ``__getattr__`` of a room, from the stub beside its file, where type checkers find names too."""
    stub = Path(file).with_suffix(".pyi").read_text(encoding="utf-8")
    home = {
        alias.name: str(node.module)
        for node in ast.parse(stub).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    def load(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {room!r} has no attribute {name!r}; it has {', '.join(sorted(home))}")
        return getattr(import_module(home[name]), name)

    return sorted(home), load
