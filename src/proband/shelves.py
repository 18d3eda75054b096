"""Shelves: things found by name, in folders of the house and in packages of a user's own.

A shelf looks into folders, where each module that defines the shelf's member is one entry named after its file, and
at entry points, by which any installed package adds to it. Nothing is imported until it is asked for, so a package
that fails to load spoils its own entry and no other.
"""

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Generic, TypeVar, cast

from proband.errors import ProbandError

T = TypeVar("T")
HOUSE = "proband"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing on a shelf: its name, the package it comes from, and how to get it."""

    name: str
    package: str
    load: Callable[[], object]


@dataclass(frozen=True, kw_only=True, eq=False)
class Shelf(Generic[T]):
    """Entries of one sort.

    Attributes
    ----------
    what : str
        What an entry is, for messages, e.g. ``kind of study``.
    group : str
        Entry point group by which other packages add to it, e.g. ``proband.kinds``.
    folders : tuple of str
        Packages of the house whose modules are entries.
    member : str
        Name of the object in such a module, e.g. ``KIND``.
    error : type
        Raised where an entry is missing or broken.
    """

    what: str
    group: str
    folders: tuple[str, ...]
    member: str
    error: type[ProbandError] = ProbandError

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def package(self, name: str) -> str:
        """Distribution that an entry comes from; ``proband`` for the house's own."""
        return " and ".join(entry.package for entry in self._found(name))

    def load(self, name: str) -> T:
        """The entry of a name.

        Raises
        ------
        ProbandError
            Of the shelf's own class: if there is none of that name, two packages bring one, or it fails to load; the
            package is named.
        """
        found = self._found(name)
        if len(found) > 1:
            raise self.error(
                f"{self.what} {name!r} comes from {self.package(name)}; two of one name cannot be told apart: "
                "rename one of them, or remove a package"
            )
        return cast(T, found[0].load())

    def loaded(self) -> Mapping[str, T]:
        """Every entry that can be loaded, by name."""
        broken = self.broken()
        return {name: self.load(name) for name in self if name not in broken}

    def broken(self) -> Mapping[str, str]:
        """Entries that cannot be used, and why."""
        reasons: dict[str, str] = {}
        for name in self:
            try:
                self.load(name)
            except ProbandError as error:
                reasons[name] = str(error)
        return reasons

    def _found(self, name: str) -> list[Entry]:
        if name not in self._entries:
            close = get_close_matches(name, self._entries, n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise self.error(f"no {self.what} {name!r}{meant}; there are {', '.join(self)}")
        return self._entries[name]

    @cached_property
    def _entries(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for folder in self.folders:
            for module in _modules(folder, self.member):
                name = module.rpartition(".")[2].replace("_", "-")
                found.setdefault(name, []).append(Entry(name, HOUSE, _from_module(module, self.member)))
        for point in entry_points(group=self.group):
            package = point.dist.name if point.dist else point.value.partition(".")[0]
            load = self._from_point(point, package)
            found.setdefault(point.name, []).append(Entry(point.name, package, load))
        return found

    def _from_point(self, point: EntryPoint, package: str) -> Callable[[], object]:
        def load() -> object:
            try:
                return point.load()
            # Anything may go wrong while another's package is imported; its name is what helps.
            except (
                ImportError,
                AttributeError,
                SyntaxError,
                ValueError,
                TypeError,
                OSError,
                NameError,
            ) as error:
                raise self.error(
                    f"{self.what} {point.name!r} of the package {package!r} cannot be loaded: "
                    f"{type(error).__name__}: {error}; mend or remove that package, everything else works without it"
                ) from error

        return load


def _modules(folder: str, member: str) -> Iterator[str]:
    """Modules of a package that define a member, found without importing them."""
    spec = find_spec(folder)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(place).glob("*.py")):
            if re.search(rf"^{member}\b", path.read_text(encoding="utf-8"), re.MULTILINE):
                yield f"{folder}.{path.stem}"


def _from_module(module: str, member: str) -> Callable[[], object]:
    return lambda: getattr(importlib.import_module(module), member)
