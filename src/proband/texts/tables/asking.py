"""Questions to tables as a design: every question in every wording put to every writer of SQL."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from proband.designs.design import Design
from proband.errors import DesignError, Gathering, strange_choice
from proband.instruments.items import Item
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.roster import Member, Roster
from proband.seeds import place_digest, seed_for
from proband.texts.tables.sandbox import Limits, Sandbox

if TYPE_CHECKING:
    import polars as pl

Statistic = Literal["", "mean", "share", "difference", "correlation"]
SYSTEM = (
    "You write SQL. Every reply is one SELECT statement for DuckDB and nothing else: no explanation, no comment, no "
    "second statement."
)
_WANTED: dict[Statistic, str] = {
    "": "Write one SELECT statement whose rows answer the question.",
    "mean": "The mean is computed from your rows. Write one SELECT statement with one column, the numbers that are to "
    "be averaged, one row for each case. Do not average them.",
    "share": "The share is computed from your rows. Write one SELECT statement with one column that is TRUE or FALSE, "
    "one row for each case. Do not count them.",
    "difference": "The difference of two means is computed from your rows. Write one SELECT statement with two "
    "columns, the number and the group, one row for each case. Do not average them.",
    "correlation": "The correlation is computed from your rows. Write one SELECT statement with two columns of "
    "numbers, one row for each case. Do not correlate them.",
}
_TYPES = {"Date": "DATE", "Boolean": "BOOLEAN", "Float64": "DOUBLE", "Float32": "DOUBLE", "String": "VARCHAR"}
_FENCE = re.compile(r"```[\w ]*\n(.*?)```", re.DOTALL)
# One object, so that servers take it as well as the engines of this house.
_HELD = {
    "type": "object",
    "properties": {"sql": {"type": "string", "pattern": '^SELECT [^;"\\\\]{1,400}$'}},
    "required": ["sql"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question to the tables.

    Attributes
    ----------
    id : str
        How it is called.
    wordings : tuple of str
        The same question in two or more wordings.
    statistic : {"", "mean", "share", "difference", "correlation"}
        What is computed from the rows that the SQL gives; empty where the rows themselves are the answer.
    groups : tuple of str
        Of a difference: whose mean, less whose; by default the two that there are, in alphabetical order.
    reference : str
        A statement known to be right, where the answer is known beforehand; engines never see it.
    """

    id: str
    wordings: tuple[str, ...]
    statistic: Statistic = ""
    groups: tuple[str, ...] = ()
    reference: str = ""

    def __post_init__(self) -> None:
        where = f"question {self.id!r}"
        if strange := strange_choice(self):
            raise DesignError(f"{where}: {strange}")
        folded = [" ".join(wording.split()).casefold() for wording in self.wordings]
        if len(folded) < 2 or not all(folded) or len(set(folded)) < len(folded):
            raise DesignError(
                f"{where}: {len(set(folded) - {''})} different wordings; give two or more, for one cannot agree with "
                "itself"
            )
        if self.groups and (self.statistic != "difference" or len(set(self.groups)) != 2):
            raise DesignError(f"{where}: groups {list(self.groups)}; name two, of a question with statistic difference")


@dataclass(frozen=True, kw_only=True)
class Asking(Design):
    """Questions to tables.

    A place's subject is the writer, its item the question; its condition names the wording. An answer is a statement,
    which is run when the run is looked at, and never by the engine that wrote it.

    Attributes
    ----------
    tables : mapping of str to polars.DataFrame
        By the name that SQL calls them.
    files : mapping of str to mapping
        Where each table's file lies, and its hash.
    questions : tuple of Question
        What is asked.
    writers : tuple of str
        Roles of the engines that write; one without a name where there is one engine.
    shown : int
        Rows of each table that are shown.
    held : bool
        Whether the reply is held to the form of a SELECT, by engines that can do that.
    agree : float
        Share of the wordings that must lead to one result for an answer that is not uncertain.
    replicates, temperature, max_tokens : int, float, int
        Repeats; sampling of replies.
    limits : Limits
        What a statement may use.
    """

    kind: ClassVar[str] = "tables"
    unit: ClassVar[str] = "writer"
    is_about_people: ClassVar[bool] = False

    tables: Mapping[str, "pl.DataFrame"]
    files: Mapping[str, Mapping[str, str]]
    questions: tuple[Question, ...]
    writers: tuple[str, ...] = ("",)
    seed: int = 1
    title: str = ""
    shown: int = 3
    held: bool = False
    agree: float = 2 / 3
    replicates: int = 1
    temperature: float = 0.0
    max_tokens: int = 200
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        found = Gathering()
        with found.part():
            place_digest(self.seed)  # refuses a seed that is no integer
        with found.part():
            ids = [question.id for question in self.questions]
            if not ids or len(set(ids)) < len(ids) or not self.tables:
                raise DesignError(
                    f"{len(self.tables)} tables and the questions {', '.join(ids) or 'none'}; give one table or more, "
                    "and questions with an id of their own"
                )
            if not 0.5 < self.agree <= 1 or self.replicates < 1 or self.shown < 0 or self.max_tokens < 8:
                raise DesignError(
                    f"agree {self.agree}, replicates {self.replicates}, shown {self.shown}, max_tokens "
                    f"{self.max_tokens}; agree is above half and at most 1, the others at least 1, 0 and 8"
                )
        for name in self.tables:
            with found.part():
                if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
                    raise DesignError(
                        f"table {name!r}: SQL needs a plain name; write small letters, digits and underscores"
                    )
        found.settle()
        self._check_references()

    def _check_references(self) -> None:
        """Run what is known to be right, so that a mistake in it is not taken for one of the writer."""
        found = Gathering()
        with Sandbox(self.tables, self.limits) as sandbox:
            for question in self.questions:
                if question.reference and (why := sandbox.ask(question.reference).why):
                    found.errors.append(
                        DesignError(f"question {question.id!r}: its reference is not run: {why}; correct it")
                    )
        found.settle()

    @property
    def name(self) -> str:
        """Title of the study, or the tables' names."""
        return self.title or ", ".join(self.tables)

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """Questions by id, in their first wording."""
        return {q.id: Item(id=q.id, text=q.wordings[0], form="text", shows_braces=True) for q in self.questions}

    @cached_property
    def preamble(self) -> str:
        """The tables as every prompt shows them: columns with their types, and the first rows."""
        return "\n\n".join(_described(name, frame, self.shown) for name, frame in self.tables.items())

    def trials(self, answered: Mapping[str, Response]) -> Sequence[Trial]:
        """Every wording of every question, writer by writer."""
        return self._trials

    @cached_property
    def _trials(self) -> tuple[Trial, ...]:
        return tuple(
            self._trial(writer, question, wording, k)
            for writer in self.writers
            for question in self.questions
            for wording in range(len(question.wordings))
            for k in range(self.replicates)
        )

    def _trial(self, writer: str, question: Question, wording: int, replicate: int) -> Trial:
        place = Place(
            subject=writer or "writer", item=question.id, condition=(("wording", str(wording + 1)),),
            replicate=replicate,
        )  # fmt: skip
        asked = f"{self.preamble}\n\nQuestion: {question.wordings[wording]}\n\n{_WANTED[question.statistic]}"
        return Trial(
            place=place,
            request=Request(
                messages=(Message("system", SYSTEM), Message("user", asked)),
                max_tokens=self.max_tokens,
                temperature=self.temperature,
                seed=seed_for(self.seed, "write", place.id) if self.temperature > 0 else None,
                schema=json.dumps(_HELD, sort_keys=True, separators=(",", ":")) if self.held else None,
            ),
            reply=Reply(form="text", method="written"),
            answerer=writer,
            facts=(("reference", question.reference),) if question.reference else (),
        )

    def roster(self) -> Roster:
        """The writers."""
        return Roster([Member(subject=writer or "writer") for writer in self.writers])

    def roles(self) -> tuple[str, ...]:
        """The writers."""
        return self.writers

    def notes(self) -> tuple[str, ...]:
        """When an answer is certain."""
        return (
            f"Statements are run when the run is looked at, each within {self.limits.seconds:g} s and "
            f"{self.limits.megabytes} MB; an answer is uncertain unless {self.agree:.0%} of the wordings lead to it.",
        )

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the asking; of the tables what identifies them."""
        longest = max(len(question.wordings) for question in self.questions)
        return {
            "design": "tables",
            "title": self.name,
            "tables": {name: dict(note) for name, note in self.files.items()},
            "questions": {q.id: {k: v for k, v in asdict(q).items() if k != "id"} for q in self.questions},
            "writers": list(self.writers),
            "settings": {"wording": [str(k + 1) for k in range(longest)]},
            "varied": ["wording"],
            "shown": self.shown,
            "held": self.held,
            "agree": self.agree,
            "replicates": self.replicates,
            "temperature": self.temperature,
            "limits": asdict(self.limits),
            "seed": self.seed,
        }


def statement_of(reply: str) -> str:
    r"""The statement in a reply: the `sql` of an object, what stands in its one fence, or the whole of it.

    Nothing is looked for in running text: a statement that somebody would have to find there is not one reply.

    Examples
    --------
    >>> statement_of('{"sql": "SELECT 1"}'), statement_of("```sql\nSELECT 1\n```")
    ('SELECT 1', 'SELECT 1')
    """
    text = reply.strip()
    if text.startswith("{"):
        try:
            held = json.loads(text)
        except ValueError:
            return text
        return str(held["sql"]).strip() if isinstance(held, dict) and set(held) == {"sql"} else text
    fenced = _FENCE.findall(text)
    return fenced[0].strip() if len(fenced) == 1 else text


def _described(name: str, frame: "pl.DataFrame", shown: int) -> str:
    """A table as SQL would make it, with its first rows."""
    columns = ", ".join(f"{_quoted(c)} {_TYPES.get(str(t), 'BIGINT')}" for c, t in frame.schema.items())
    lines = [f"CREATE TABLE {name} ({columns}); -- {frame.height:,} rows"]
    if shown and frame.height:
        lines += [f"First rows of {name}:", " | ".join(frame.columns)]
        lines += [" | ".join("NULL" if c is None else str(c) for c in row) for row in frame.head(shown).iter_rows()]
    return "\n".join(lines)


def _quoted(column: str) -> str:
    return column if re.fullmatch(r"[a-z_][a-z0-9_]*", column) else '"' + column.replace('"', '""') + '"'
