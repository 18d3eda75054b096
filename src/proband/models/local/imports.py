"""Importing transformers without what no causal model here uses: a third of the time that opening one takes.

The classes of models import, at their head, what runs them on many machines, compiles them, trains detectors of
objects and moves them between devices. While they are imported, such libraries are put off: their names are stand-ins,
which find the real thing when they are used. So nothing is missing, and nothing is imported before it is needed.

This leans on how libraries import each other, so it is done for the versions that it was tried with, and no others.
"""

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from importlib.util import find_spec
from types import ModuleType
from typing import Any

# Whatever a name here begins is put off, too.
_PUT_OFF = (
    *("torch._dynamo", "torch.distributed._composable", "torch.distributed.checkpoint", "torch.distributed.fsdp"),
    *("torch.distributed.tensor", "transformers.distributed.tensor_parallel"),
    *("transformers.distributed.expert_parallel", "accelerate", "scipy"),
)
_TRIED = {"torch": "2.13.", "transformers": "5.23."}
_MODELS = ("transformers.modeling_utils", "transformers.generation.utils", "transformers.models.llama.modeling_llama")
# What another version of a library may raise that uses a stand-in as it is imported.
_UNFIT = (AttributeError, ImportError, RecursionError, TypeError, ValueError)


def import_models() -> None:
    """Import the classes that every causal model of transformers needs, in a short way where it is known; done once."""
    import torch

    if _MODELS[0] in sys.modules or not all(version(name).startswith(tried) for name, tried in _TRIED.items()):
        return
    import transformers  # noqa: F401

    usual = torch.compiler.disable
    finder = _Finder([name for name in _PUT_OFF if name not in sys.modules and _is_there(name)])
    sys.meta_path.insert(0, finder)
    # As a decorator it imports the compiler, to tell it what not to compile.
    torch.compiler.disable = _as_it_is
    try:
        for name in _MODELS:
            importlib.import_module(name)
    except _UNFIT:
        pass  # what is not imported now is, in the usual way, by who needs it
    finally:
        torch.compiler.disable = usual
        sys.meta_path.remove(finder)
        finder.forget()


def _is_there(name: str) -> bool:
    """Whether a library is installed; to look for a part of one would import the library."""
    return find_spec(name.partition(".")[0]) is not None


def _as_it_is(function: Callable[..., Any] | None = None, *_: object, **__: object) -> Any:
    return _as_it_is if function is None else function


class _Finder:
    """Gives stand-ins of modules while it is on the path."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = tuple(roots)
        self._made: list[str] = []

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if not any(name == root or name.startswith(f"{root}.") for root in self._roots):
            return None
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        self._made.append(spec.name)
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is to be run."""

    def forget(self) -> None:
        """From now on these names are imported in earnest."""
        for name in self._made:
            made, (package, _, last) = sys.modules.pop(name, None), name.rpartition(".")
            holder = vars(sys.modules.get(package, ModuleType("")))
            if holder.get(last) is made:
                del holder[last]
        _importing.clear()


_importing: set[str] = set()


class _Module(ModuleType):
    """A module that is put off."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        _importing.add(name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name(name, (), {"_module": self.__name__, "_name": name})


class _Name(type):
    """A class or function of a module that is put off; nothing is an instance of it before it was imported."""

    _module: str
    _name: str

    def _real(cls) -> Any:
        return getattr(importlib.import_module(cls._module), cls._name)

    @property
    def _is_imported(cls) -> bool:
        return not isinstance(sys.modules.get(cls._module), _Module | None)

    def __instancecheck__(cls, instance: object) -> bool:
        return cls._is_imported and isinstance(instance, cls._real())

    def __subclasscheck__(cls, subclass: type) -> bool:
        return cls._is_imported and issubclass(subclass, cls._real())

    def __call__(cls, *given: Any, **named: Any) -> Any:
        if cls._module in _importing:
            # Only decorators, and what registers something with the compiler, are called as modules are imported.
            return given[0] if given and callable(given[0]) else None
        return cls._real()(*given, **named)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(cls._real(), name)
