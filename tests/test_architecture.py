"""The house checks its own floors, its room sizes, and that only the loop calls engines."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

FLOORS = [
    {"errors"},
    {"seeds", "files", "identity", "notebook", "shelves"},
    {"records", "roster", "estimates", "weighting", "strategies"},
    {"instruments", "subjects", "models", "measures"},
    {"training", "store"},
    {"addresses"},
    {"designs"},
    {"societies"},
    {"runs"},
    {"texts", "tuning"},
    {"analyses"},
    {"reports"},
    {"web"},
    {"cli"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
SOURCE = Path(__file__).parents[1] / "src" / "proband"
FILES = sorted(SOURCE.rglob("*.py"))
ENGINE_VERBS = {"answer"}


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
    assert callers == {"runs/scheduling.py"}


def test_there_is_one_broad_except_in_the_house():
    broad = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
            ):
                broad.append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    assert [entry.split(":")[0] for entry in broad] == ["runs/collection.py"]


def test_importing_proband_is_light():
    code = (
        "import sys, time; start = time.perf_counter(); import proband; took = time.perf_counter() - start; "
        "heavy = {'torch', 'transformers', 'polars', 'pandas', 'altair', 'statsmodels', 'aiohttp'} & set(sys.modules); "
        "print(took, *heavy)"
    )
    took, *heavy = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert float(took) < 0.3
    assert heavy == []


def test_public_names_exist_and_are_sorted():
    import proband

    assert proband.__all__ == sorted(proband.__all__)
    for name in proband.__all__:
        assert getattr(proband, name).__doc__, name
