"""The pages say what is so: their code runs on scripted engines, their links resolve, their lists are whole.

What a fence may say: `python` runs, all blocks of a page in one namespace; `toml` and `csv` are written to the file
they name (in the info string, or in a first line `# NAME.toml`); `sh` and `console` run their `proband` lines, which
must exit with 0; `sh no-run` is for what needs the network, a model, a server or an installation; `text output` must
be among what the block before it printed; `r`, `json` and `text` are only read.
"""

import contextlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from proband.addresses import engines
from proband.cli.main import app
from proband.models.rules import RULES
from proband.models.servers.engine import ServerSettings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), *(p for p in (ROOT / "README.md", ROOT / "CONTRIBUTING.md") if p.exists())]
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=indent)``` *$", re.M | re.S)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
NAMED = re.compile(r"# (?P<name>[\w./-]+\.toml)\b")
FRAME = re.compile(r"[\u2500-\u257f]")
READ_ONLY = {"r", "json", "text"}


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    kind: str
    rest: tuple[str, ...]
    body: str

    @property
    def where(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        kind, *rest = match["info"].split() or [""]
        line = text.count("\n", 0, match.start()) + 1
        yield Block(page, line, kind, tuple(rest), textwrap.dedent(match["body"]))


def prose_of(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def run_python(block: Block, names: dict[str, object]) -> str:
    printed = io.StringIO()
    # Blank lines in front, so that a traceback shows the page's own line.
    code = compile("\n" * block.line + block.body, str(block.page), "exec")
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    return printed.getvalue()


def commands_of(block: Block) -> list[str]:
    lines = block.body.replace("\\\n", " ").splitlines()
    if block.kind == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


class Terminal:
    """A process that runs one `proband` line after another; loading the program once keeps the pages quick."""

    program = textwrap.dedent(
        """
        import contextlib, io, json, os, shlex, sys, traceback
        from proband.cli.main import main

        for line in sys.stdin:
            folder, command = json.loads(line)
            os.chdir(folder)
            words = shlex.split(command, comments=True)
            words, target = (words[:-2], words[-1]) if words[-2:-1] == [">"] else (words, None)
            sys.argv, out, err, code = words, io.StringIO(), io.StringIO(), 0
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    main()
                except SystemExit as end:
                    code = end.code or 0
                except Exception:
                    code = 1
                    traceback.print_exc(file=err)
            if target:
                with open(target, "w", encoding="utf-8") as file:
                    file.write(out.getvalue())
            print(json.dumps([code, out.getvalue() + err.getvalue()]), flush=True)
        """
    )

    def __init__(self, **settings: str) -> None:
        settings = {"COLUMNS": "100", "OMP_NUM_THREADS": "1"} | settings
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.program],
            env=os.environ | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, folder: Path) -> tuple[int, str]:
        """Exit code of a command, and what it said."""
        self.process.stdin.write(json.dumps([str(folder), command]) + "\n")
        self.process.stdin.flush()
        code, printed = json.loads(self.process.stdout.readline())
        return code, printed

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture(scope="module")
def terminal() -> Iterator[Terminal]:
    opened = Terminal()
    yield opened
    opened.close()


def run_commands(block: Block, folder: Path, terminal: Terminal) -> str:
    said = ""
    for command in commands_of(block):
        assert command.startswith("proband "), f"{block.where}: {command!r} cannot run here; tag the block `sh no-run`"
        code, printed = terminal.run(command, folder)
        assert code == 0, f"{block.where}: {command!r} exits with {code}\n{printed}"
        said += printed
    return said


def write_file(block: Block, folder: Path) -> None:
    if block.kind == "toml":
        tomllib.loads(block.body)
    first = NAMED.match(block.body) if block.kind == "toml" else None
    name = block.rest[0] if block.rest else first["name"] if first else ""
    assert name or block.kind == "toml", f"{block.where}: a csv block names its file, e.g. ```csv people.csv"
    if name:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.body, encoding="utf-8")


def squeezed(text: str) -> list[str]:
    """Lines without rules, frames and runs of spaces: how a table is drawn is not what a page says."""
    words = [" ".join(FRAME.sub(" ", line).split()) for line in text.splitlines()]
    return [line for line in words if line]


def check_output(block: Block, printed: str) -> None:
    lines = squeezed(printed)
    for line in squeezed(block.body):
        assert line in lines, f"{block.where}: the block before it does not print {line!r}, but\n{printed}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_code_of_a_page_runs(page, terminal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", os.environ.copy())  # what a page sets ends with the page
    if (ROOT / "examples").is_dir():
        shutil.copytree(ROOT / "examples", tmp_path / "examples")
    names: dict[str, object] = {"__name__": "page"}
    printed = ""
    for block in blocks_of(page):
        if block.kind == "python":
            printed = run_python(block, names)
        elif block.kind in ("toml", "csv"):
            write_file(block, tmp_path)
        elif block.kind in ("sh", "console") and "no-run" not in block.rest:
            printed = run_commands(block, tmp_path, terminal)
        elif block.kind == "text" and "output" in block.rest:
            check_output(block, printed)
        else:
            assert block.kind in READ_ONLY or "no-run" in block.rest, f"{block.where}: kind {block.kind!r} is unknown"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_only_what_cannot_run_here_is_left_out(page):
    for block in blocks_of(page):
        if "no-run" in block.rest:
            assert block.kind in ("sh", "console"), f"{block.where}: {block.kind} is run or only read, never left out"
            idle = [line for line in commands_of(block) if line.startswith("proband") and "scripted" in line]
            assert not idle, f"{block.where}: {idle[0]!r} needs no model, so it can run"


def anchors_of(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", prose_of(page), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_pages_resolve(page):
    for match in LINK.finditer(prose_of(page)):
        target, _, anchor = match["target"].partition("#")
        if "://" in target:
            continue
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), f"{name_of(page)}: nothing at {match['target']}"
        assert not anchor or anchor in anchors_of(found), f"{name_of(page)}: no heading {match['target']}"


def test_the_reference_has_the_keys_that_a_study_file_is_checked_against():
    spec = importlib.util.spec_from_file_location("key_tables", DOCS / "key_tables.py")
    key_tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(key_tables)
    page = key_tables.PAGE.read_text(encoding="utf-8")
    assert page == key_tables.written(page), "python docs/key_tables.py writes the tables anew"
    shown = {found["name"] for found in key_tables.BETWEEN.finditer(page)}
    assert shown == {*key_tables.models(), "games", "scenarios"}
    assert all(f"`[{name}]`" in page for name in key_tables.kinds())


def test_the_reference_has_every_verb_and_option_of_the_command_line():
    text = (DOCS / "reference" / "command-line.md").read_text(encoding="utf-8")
    verbs = typer.main.get_command(app)
    missing = []
    for name in verbs.list_commands(None):
        verb = verbs.get_command(None, name)
        section = text.partition(f"\n## proband {name}\n")[2].partition("\n## ")[0]
        own = getattr(verb, "commands", {})
        missing += [f"{name} {sub}" for sub in own if f"{sub} " not in section and sub != "take"]  # `seat` is `take`
        for word in (word for command in (verb, *own.values()) for word in command.params):
            # A flag that is on or off is told by either name, an argument in capitals.
            told = [*word.opts, *word.secondary_opts] if word.opts[0].startswith("-") else [str(word.name).upper()]
            pattern = rf"(?<![\w-])(?:{'|'.join(map(re.escape, told))})(?![\w-])"
            missing += [f"{name} {told[0]}"] * (re.search(pattern, section) is None)
    assert not missing, "\n".join(missing)


def test_the_reference_has_every_engine_rule_and_server_setting():
    text = (DOCS / "reference" / "engines.md").read_text(encoding="utf-8")
    for name in [*engines(), *RULES, *ServerSettings.__dataclass_fields__]:
        assert f"`{name}" in text or f"`scripted:{name}" in text, name
