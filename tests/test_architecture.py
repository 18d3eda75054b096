"""The house checks its own floors, its room sizes, and that only the loop calls engines."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

FLOORS = [
    {"errors", "facade"},
    {"seeds", "files", "identity", "notebook", "reasoning", "shelves"},
    {"records", "roster", "estimates", "weighting", "strategies", "references"},
    {"instruments", "subjects", "models", "measures"},
    {"training", "store"},
    {"addresses"},
    {"designs"},
    {"societies", "batteries"},
    {"runs"},
    {"texts", "tuning"},
    {"literature", "interviews"},
    {"analyses"},
    {"reports"},
    {"replications", "portraits"},
    {"web"},
    {"cli"},
    {"__main__"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
SOURCE = Path(__file__).parents[1] / "src" / "proband"
FILES = sorted(SOURCE.rglob("*.py"))
ENGINE_VERBS = {"answer", "answer_pieces"}
MOST_UNREACHED = 4_000  # lines in files that no verb reaches


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("proband.")}
    return rooms


@pytest.mark.parametrize("path", [p for p in FILES if p.parent != SOURCE or p.stem != "__init__"], ids=str)
def test_a_room_imports_lower_floors_only(path):
    room = room_of(path)
    upward = {other for other in imported_rooms(path) - {room} if FLOOR[other] >= FLOOR[room]}
    assert not upward, f"{path.relative_to(SOURCE)} must not import {upward}"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_files_and_functions_have_a_size_one_can_read(path):
    text = path.read_text()
    assert text.count("\n") <= 600, f"{path} is too long: split it by subject"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[ast.get_docstring(node) is not None :]
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= 80, f"{path}: {node.name} has {lines} lines of code"


def test_only_the_loop_calls_engines():
    callers = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if is_call and node.func.attr in ENGINE_VERBS:
                callers.add(str(path.relative_to(SOURCE)))
    # An engine that is made of others passes on to them what the loop gives it, and its pieces, by default, to itself.
    assert callers == {"runs/scheduling.py", "training/lived.py", "models/engine.py"}


def test_what_is_told_of_runs_knows_no_kind_by_name():
    from proband.designs.kind import KINDS

    named = []
    for path in (path for path in FILES if room_of(path) in ("reports", "runs", "store")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and any(
                isinstance(side, ast.Attribute) and side.attr == "kind" for side in (node.left, *node.comparators)
            ):
                texts = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
                named += [f"{path.name}:{node.lineno}"] if texts & set(KINDS) else []
    assert named == []


def test_there_is_one_broad_except_in_the_house():
    broad = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
            ):
                broad.append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    assert [entry.split(":")[0] for entry in broad] == ["runs/collection.py"]


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def home_of(module: str, name: str) -> str:
    """The module that a name comes from, where a package only passes it on."""
    if f"{module}.{name}" in MODULES:
        return f"{module}.{name}"
    path = MODULES[module]
    if path.stem == "__init__":
        stub = path.with_suffix(".pyi")
        for node in ast.walk(ast.parse((stub if stub.exists() else path).read_text())):
            if isinstance(node, ast.ImportFrom) and name in {alias.asname or alias.name for alias in node.names}:
                return home_of(str(node.module), name)
    return module


def shelved(call: ast.Call) -> Iterator[str]:
    """Modules that a shelf finds in its folders."""
    given = {word.arg: word.value for word in call.keywords}
    if "member" not in given:
        return
    member = ast.literal_eval(given["member"])
    for folder in ast.literal_eval(given["folders"]):
        for module, path in MODULES.items():
            if module.rpartition(".")[0] == folder and re.search(rf"^{member}\b", path.read_text(), re.M):
                yield module


def imported_modules(path: Path) -> Iterator[str]:
    """Modules of the house that a file uses, wherever in it they are imported, and those that it finds by name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield from (home_of(node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            folder = str(node.values[0].value)
            if folder.startswith("proband."):
                yield from (module for module in MODULES if module.startswith(folder))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Shelf":
            yield from shelved(node)


def unreached() -> dict[str, int]:
    """Lines of each file that no verb leads to; that a package lists a name among others leads to nothing."""
    reached: set[str] = set()
    waiting = ["proband.__main__"]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            if MODULES[module].stem != "__init__":
                waiting += imported_modules(MODULES[module])
    reached |= {".".join(module.split(".")[:k]) for module in reached for k in range(1, module.count(".") + 1)}
    return {module: MODULES[module].read_text().count("\n") for module in sorted(MODULES.keys() - reached)}


def test_what_no_verb_reaches_is_little():
    lines = unreached()
    said = "\n".join(f"{n:6} {module}" for module, n in lines.items())
    assert sum(lines.values()) <= MOST_UNREACHED, f"{sum(lines.values())} lines in\n{said}"


@pytest.mark.parametrize("package", ["proband", "proband.measures"])
def test_importing_proband_is_light(package):
    code = (
        f"import sys, time; start = time.process_time(); import {package}; took = time.process_time() - start; "
        "heavy = {'torch', 'transformers', 'polars', 'pandas', 'altair', 'scipy', 'aiohttp'} & set(sys.modules); "
        "print(took, *heavy)"
    )
    # CPU time, and the best of some: what else the machine does is not the import's doing.
    for _ in range(5):
        took, *heavy = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
        assert heavy == []
        if float(took) < 0.3:
            return
    pytest.fail(f"importing {package} took {took} s of CPU in the last of five tries")


def test_data_beside_the_code_are_shipped_with_it():
    told = tomllib.loads((SOURCE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = {
        path for pattern in told["tool"]["setuptools"]["package-data"]["proband"] for path in SOURCE.glob(pattern)
    }
    data = {path for path in SOURCE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert sorted(data - shipped) == []


@pytest.mark.parametrize("package", ["proband", "proband.measures"])
def test_public_names_exist_and_are_sorted(package):
    room = import_module(package)
    assert list(room.__all__) == sorted(room.__all__)
    for name in room.__all__:
        assert getattr(room, name).__doc__, name
