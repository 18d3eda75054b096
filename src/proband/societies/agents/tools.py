"""Tools: what agents can look up or work out. No network, no files but those that the study names, no ``eval``.

A call is two items, which tool and what to give it, so it is stored as any answer; what comes of it is computed, again
at every replay. A call that makes no sense is told to the agent, as a person would be told.
"""

import ast
import hashlib
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proband import files
from proband.errors import DataError, DesignError, meant
from proband.instruments.items import Item
from proband.societies.agents.ranking import Ranking
from proband.societies.agents.theory import Mind, Said, Scene, Stage

NONE = "none of them"
_MOST = 300  # characters of an argument, and of a document that is found
_OPERATORS: Mapping[type, Callable[..., float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Mod: operator.mod, ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip
_FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "sqrt": math.sqrt, "log": math.log, "exp": math.exp, "abs": abs, "min": min, "max": max, "round": round,
}  # fmt: skip


class Misused(Exception):
    """What an agent is told of a call that makes no sense."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One tool.

    Attributes
    ----------
    name : str
        How it is called in a study and by agents.
    about : str
        What agents are told it does, and what it takes.
    use : callable
        Gives the result of an argument in words; raises `Misused`.
    content : str
        What identifies the file that it looks into, if any.
    """

    name: str
    about: str
    use: Callable[[Scene, Mind, str], str]
    content: str = ""

    def __repr__(self) -> str:
        return f"Tool({self.name!r}, {self.content!r})"


def calculated(expression: str) -> float:
    """The value of an arithmetic expression.

    Raises
    ------
    Misused
        If it is none, or has no finite value.

    Examples
    --------
    >>> calculated("2 * (3 + 4) - sqrt(16)")
    10.0
    """
    try:
        value = _value(ast.parse(expression.strip().replace("^", "**"), mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        raise Misused(f"{expression!r} is no sum that can be worked out; write one such as 3 * (4 + 5)") from None
    except (ZeroDivisionError, OverflowError, TypeError) as error:
        raise Misused(f"{expression!r} has no value: {error}") from None
    if not math.isfinite(value):
        raise Misused(f"{expression!r} has no finite value")
    return value


def _value(node: ast.AST) -> float:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return float(value)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return math.pow(_value(left), _value(right))  # of floats: a power of whole numbers could fill the memory
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left), _value(right))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(operand))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return float(_FUNCTIONS[name](*map(_value, args)))
    raise SyntaxError


def calculator() -> Tool:
    """Works out arithmetic."""

    def use(scene: Scene, mind: Mind, argument: str) -> str:
        return f"{calculated(argument):.10g}"

    return Tool(name="calculator", about="works out a sum, such as 3 * (4 + 5)", use=use)


def table(name: str, path: Path) -> Tool:
    """Looks up rows of a CSV file by a word or number that stands in one of their cells."""
    rows = _rows(path)
    header, rest = rows[0], rows[1:]

    def use(scene: Scene, mind: Mind, argument: str) -> str:
        wanted = argument.strip().casefold()
        found = [row for row in rest if any(cell.strip().casefold() == wanted for cell in row)]
        if not found:
            known = [row[0] for row in rest if row]
            raise Misused(f"there is no row with {argument!r}{meant(argument, known)}")
        return "; ".join(
            ", ".join(f"{column}: {cell}" for column, cell in zip(header, row, strict=False)) for row in found[:5]
        )

    content = hashlib.blake2b(repr(rows).encode(), digest_size=16).hexdigest()
    about = f"a table of {', '.join(header)}; give what stands in one of its cells"
    return Tool(name=name, about=about, use=use, content=content)


def _rows(path: Path) -> list[list[str]]:
    text = files.text_of(path, what="table", error=DataError)
    rows = [row for _, row in files.rows_of(text, files.separator_of(text, ","), path, error=DataError)]
    if len(rows) < 2:
        raise DataError(f"{path} has {len(rows)} rows; a table to look things up in has a header and at least one row")
    return rows


def library(name: str, path: Path) -> Tool:
    """Searches the documents of a corpus by their words."""
    from proband.subjects.corpora import read_corpus

    corpus = read_corpus(path)
    texts = [corpus.text(id) for id in corpus.ids]
    ranking = Ranking(texts)

    def use(scene: Scene, mind: Mind, argument: str) -> str:
        scores = ranking.scores(argument)
        best = int(scores.argmax())
        if not scores[best] > 0:
            raise Misused(f"nothing is found for {argument!r}")
        return texts[best] if len(texts[best]) <= _MOST else texts[best][:_MOST].rsplit(" ", 1)[0] + " ..."

    return Tool(name=name, about="texts that are searched for words", use=use, content=corpus.content_hash)


def calendar() -> Tool:
    """Notes of an agent's own, by round, kept in its mind."""

    def use(scene: Scene, mind: Mind, argument: str) -> str:
        when, _, what = argument.partition(":")
        if not when.strip().isdigit():
            raise Misused(f"{argument!r} names no time; write 5 to read what is noted for 5, or 5: meet Ann to note it")
        notes = mind.setdefault("calendar", {}).setdefault(str(int(when)), [])
        if what.strip():
            notes.append(what.strip())
        return f"for {int(when)}: {'; '.join(notes) or 'nothing'}"

    return Tool(name="calendar", about="your notes by time; 5 reads those for 5, and 5: meet Ann adds one", use=use)


def tools_of(names: Sequence[str], named: Mapping[str, str], folder: Path) -> tuple[Tool, ...]:
    """The tools of a study.

    Parameters
    ----------
    names : sequence of str
        ``calculator``, ``calendar``, or names of `named`.
    named : mapping of str to str
        Files by the name of their tool: a CSV table to look things up in, or a folder or ``.jsonl`` file of texts to
        search.
    folder : Path
        Where paths start.

    Raises
    ------
    DesignError
        If a name is no tool.
    """
    own = {"calculator": calculator, "calendar": calendar}
    found = []
    for name in names:
        if name in own:
            found.append(own[name]())
        elif name in named:
            path = folder / named[name]
            found.append((table if path.suffix == ".csv" else library)(name, path))
        else:
            every = [*own, *named]
            raise DesignError(f"no tool {name!r}{meant(name, every)}; there are {', '.join(every)}")
    return tuple(found)


def tool_stages(tools: Sequence[Tool], most: int) -> tuple[Stage, ...]:
    """The stages in which an agent calls tools, so often at most in a round; results stand in ``mind["results"]``."""
    by_name = {tool.name: tool for tool in tools}
    listed = "\n".join(f"- {tool.name}: {tool.about}" for tool in tools)
    which = Item(
        id="tool", text="Which of them do you use now?", form="choice", options=(*by_name, NONE), pinned=(len(tools),)
    )
    argument = Item(id="argument", text="What do you give it? Write that and nothing else.", form="text")

    def choose(scene: Scene, mind: Mind, said: Said) -> None:
        mind["tool"] = "" if said.text == NONE else said.text

    def call(scene: Scene, mind: Mind, said: Said) -> str | None:
        name, given = mind["tool"], said.text[:_MOST]
        try:
            result = by_name[name].use(scene, mind, given)
        except Misused as error:
            result = f"that did not work, for {error}"
        mind["results"].append(f"{name}, given {given}: {result}")
        scene.state.happened("tool", scene.number, text=mind["results"][-1])
        mind["tool"] = ""
        return which.id if len(mind["results"]) < most else None

    return (
        Stage(item=which, hear=choose, told=lambda scene, mind: f"You have these tools:\n{listed}", part="tools"),
        Stage(
            item=argument, hear=call, when=lambda scene, mind: bool(mind.get("tool")), part="tools",
            told=lambda scene, mind: f"You use this: {mind['tool']}, {by_name[mind['tool']].about}.",
        ),
    )  # fmt: skip
