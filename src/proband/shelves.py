"""Shelves: things found by name, in folders of the house and in packages of a user's own.

A shelf looks into folders, where each module that defines the shelf's member (or each file of its ending) is one entry
named after its file, and at entry points, by which any installed package adds to it. Nothing is imported until it is
asked for, so a package that fails to load spoils its own entry and no other.
"""

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Generic, TypeVar, cast

from proband.errors import ProbandError, meant, shown

T = TypeVar("T")
HOUSE = "proband"
# What another's package may raise while it is imported; its name is what helps then.
_BROKEN = (
    *(ImportError, AttributeError, SyntaxError, ValueError, TypeError, OSError, NameError, LookupError),
    *(RuntimeError, ArithmeticError, AssertionError, ProbandError),
)


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
    of : tuple of type
        What an entry must be.
    folders : tuple of str
        Packages of the house whose modules are entries.
    member : str
        Name of the object in such a module, e.g. ``KIND``.
    suffix : str
        Ending of the files that are entries instead, e.g. ``.toml``. An entry point then gives the path of such a file,
        or the module beside which it lies under the entry's name, or the thing itself, or a function that makes it.
    own : mapping
        Entries of the house that stand in a table.
    way_out : str
        What else may be given in place of a name, for messages.
    error : type
        Raised where an entry is missing or broken.
    """

    what: str
    group: str
    of: tuple[type, ...] = (object,)
    folders: tuple[str, ...] = ()
    member: str = ""
    suffix: str = ""
    own: Mapping[str, T] = field(default_factory=dict)
    way_out: str = ""
    error: type[ProbandError] = ProbandError

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

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

    def loaded(self) -> dict[str, T]:
        """Every entry that can be loaded, by name."""
        found = {}
        for name in self:
            with suppress(self.error):
                found[name] = self.load(name)
        return found

    def lines(self, line: Callable[[T], str]) -> dict[str, str]:
        """One line on every entry, by name; on one that cannot be used, why."""
        told = {}
        for name in self:
            try:
                told[name] = line(self.load(name))
            except ProbandError as error:
                told[name] = f"cannot be used: {error}"
        return told

    def _found(self, name: str) -> list[Entry]:
        if name not in self._entries:
            near = meant(name, self._entries)
            raise self.error(f"no {self.what} {shown(name)!r}{near}; there are {', '.join(self)}{self.way_out}")
        return self._entries[name]

    @cached_property
    def _entries(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}

        def add(name: str, package: str, load: Callable[[], object]) -> None:
            found.setdefault(name, []).append(Entry(name, package, load))

        for name in self.own:
            add(name, HOUSE, partial(self.own.__getitem__, name))
        for folder in self.folders:
            for path in _files(folder, self.suffix or ".py"):
                if self.suffix:
                    add(path.stem, HOUSE, partial(Path, path))
                elif re.search(rf"^{self.member}\b", path.read_text(encoding="utf-8"), re.MULTILINE):
                    add(path.stem.replace("_", "-"), HOUSE, partial(_member, f"{folder}.{path.stem}", self.member))
        for point in entry_points(group=self.group):
            package = point.dist.name if point.dist else point.value.partition(".")[0]
            add(point.name, package, partial(self._from_point, point, package))
        return found

    def _from_point(self, point: EntryPoint, package: str) -> object:
        try:
            found = _file_of(point.load(), point.name + self.suffix) if self.suffix else point.load()
            if not isinstance(found, self.of):
                wanted = " or ".join(type.__name__ for type in self.of)
                raise TypeError(f"{point.value} is {found!r}, and should be {wanted}")
            return found
        except _BROKEN as error:
            raise self.error(
                f"{self.what} {point.name!r} of the package {package!r} cannot be loaded: "
                f"{type(error).__name__}: {error}; mend or remove that package, everything else works without it"
            ) from error


def _files(folder: str, ending: str) -> Iterator[Path]:
    """Files of a package, found without importing them."""
    spec = find_spec(folder)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield from sorted(Path(place).glob(f"*{ending}"))


def _file_of(found: Any, name: str) -> object:
    """What an entry point gives, in the place of a file: its path, or what it holds."""
    if isinstance(found, ModuleType):
        return Path(str(found.__file__)).with_name(name)
    if isinstance(found, FunctionType):
        return found()
    return Path(found) if isinstance(found, str) else found


def _member(module: str, name: str) -> object:
    return getattr(importlib.import_module(module), name)
