"""Queries from a question by engines, on the common loop: in one request, or by guided steps with a check between.

An engine's query is what it wrote, checked as anybody's; what cannot be read is no query, and counts as none.
"""

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

from proband.designs.design import Design
from proband.designs.process import Answers, Process, Stalled
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.literature.queries import wording
from proband.literature.queries.index import Index
from proband.literature.queries.language import parse_query
from proband.literature.queries.query import And, Node, Or, Query, Term
from proband.literature.records.record import plain
from proband.records import Message, Place, Reply, Request, Response, Trial
from proband.roster import Member, Roster
from proband.seeds import seed_for
from proband.subjects.corpora import escape_control_tokens

Way = Literal["one", "guided"]
_MOST_CONCEPTS, _MOST_TERMS, _LONGEST, _ROUNDS = 4, 12, 60, 2
_MANY = 0.5  # share of the records beyond which a query is hardly one
_FENCE = re.compile(r"```[\w ]*\n(.*?)```", re.DOTALL)
_MARK = re.compile(r"^\s*(?:[-*•–]|\(?\d{1,2}[.)])\s+")
_STEPS = ("query", "concepts", "synonyms", "blocks", "refine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One query that was written, or the lack of one.

    Attributes
    ----------
    writer : str
        Role of the engine.
    way : {"one", "guided"}
        In one request or by steps.
    wording, run : int
        Which wording of the request, and which repeat, from 1.
    query : Query or None
        None where nothing that was written could be read.
    text : str
        What was written last.
    by : {"engine", "rules"}
        Who put the query together: by steps, rules join the engine's terms where its own query stays unreadable.
    why : str
        What is wrong with `text`, where it could not be read.
    """

    writer: str
    way: Way
    wording: int
    run: int
    query: Query | None
    text: str
    by: Literal["engine", "rules"] = "engine"
    why: str = ""


_Drafting = Generator[Trial | Sequence[Trial], Answers, Draft]


@dataclass(frozen=True, kw_only=True)
class Drafting(Design):
    """A question put to writers of queries, in every way, wording and repeat.

    A place's subject is the writer, its item the step, its round the concept or the refinement.

    Attributes
    ----------
    question : str
        What the review asks.
    index : Index
        Of the records; the check between steps counts in them, and engines never see them.
    library_hash : str
        Which records those are.
    writers : tuple of str
        Roles of the engines; one without a name where there is one engine.
    ways : tuple of {"one", "guided"}
        How they are asked.
    wordings, runs : int
        How many wordings, up to three, and how many repeats of each.
    temperature, max_tokens : float, int
        Sampling of replies.
    """

    kind: ClassVar[str] = ""
    unit: ClassVar[str] = "writer"
    is_about_people: ClassVar[bool] = False

    question: str
    index: Index = field(repr=False, compare=False)
    library_hash: str
    writers: tuple[str, ...] = ("",)
    ways: tuple[Way, ...] = ("one", "guided")
    wordings: int = wording.WORDINGS
    runs: int = 3
    temperature: float = 0.7
    max_tokens: int = 400
    seed: int = 1
    title: str = "Queries from a question"

    def __post_init__(self) -> None:
        if not plain(self.question):
            raise DesignError("the question has no word; write it as a sentence")
        if strange := set(self.ways) - set(get_args(Way)) or not self.ways:
            raise DesignError(f"ways {strange or self.ways}; there are {' and '.join(get_args(Way))}")
        if not 1 <= self.wordings <= wording.WORDINGS or self.runs < 1:
            raise DesignError(
                f"{self.wordings} wordings and {self.runs} runs; there are 1 to {wording.WORDINGS} wordings, and a run "
                "or more of each"
            )

    @property
    def items(self) -> Mapping[str, Item]:
        """The steps."""
        return {step: Item(id=step, text="-", form="text") for step in _STEPS}

    def roster(self) -> Roster:
        """The writers."""
        return Roster([Member(subject=writer or "writer") for writer in self.writers])

    def roles(self) -> tuple[str, ...]:
        """The writers."""
        return self.writers

    def processes(self) -> Iterable[Process]:
        """One a draft."""
        return [_without_result(steps) for steps in self._drafts()]

    def size(self) -> int:
        """At most so many requests."""
        guided = 2 + _MOST_CONCEPTS + _ROUNDS
        return len(self.writers) * self.wordings * self.runs * sum(1 if way == "one" else guided for way in self.ways)

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the drafting; of the records what identifies them."""
        return {
            "design": "search", "title": self.name, "question": self.question, "library": self.library_hash,
            "writers": list(self.writers), "ways": list(self.ways), "wordings": self.wordings, "runs": self.runs,
            "temperature": self.temperature, "max_tokens": self.max_tokens, "seed": self.seed,
        }  # fmt: skip

    def drafts(self, answered: Mapping[str, Response]) -> list[Draft]:
        """What was written, as far as the answers go."""
        found = []
        for steps in self._drafts():
            try:
                asked = next(steps)
                while True:
                    trials = (asked,) if isinstance(asked, Trial) else tuple(asked)
                    if any(trial.id not in answered for trial in trials):
                        break
                    asked = steps.send(Answers({trial.id: answered[trial.id] for trial in trials}))
            except StopIteration as end:
                found.append(end.value)
            except Stalled:
                continue
        return found

    def _drafts(self) -> Iterator[_Drafting]:
        for writer in self.writers:
            for way in self.ways:
                for number in range(self.wordings):
                    for run in range(self.runs):
                        yield (self._one if way == "one" else self._guided)(writer, number, run)

    def _one(self, writer: str, number: int, run: int) -> _Drafting:
        """The query in one request."""
        trial = self._trial(writer, "one", number, run, "query", wording.one_text(self.question, number))
        query, text, why = self._read(_written((yield trial), trial))
        return Draft(writer=writer, way="one", wording=number + 1, run=run + 1, query=query, text=text, why=why)

    def _guided(self, writer: str, number: int, run: int) -> _Drafting:
        """Concepts, their synonyms, blocks of them, and what the check says until it has nothing to say."""
        way: Way = "guided"
        at = (writer, way, number, run)
        trial = self._trial(*at, "concepts", wording.concepts_text(self.question, number))
        concepts = terms_in(_written((yield trial), trial))[:_MOST_CONCEPTS]
        asked = [
            self._trial(*at, "synonyms", wording.synonyms_text(self.question, concept), k)
            for k, concept in enumerate(concepts, 1)
        ]
        answers = (yield asked) if asked else Answers({})
        terms = {
            concept: list(dict.fromkeys([concept, *terms_in(_written(answers, trial))]))
            for concept, trial in zip(concepts, asked, strict=True)
        }
        trial = self._trial(*at, "blocks", wording.blocks_text(self.question, terms))
        query, text, why = self._read(_written((yield trial), trial))
        for k in range(1, _ROUNDS + 1):
            check = self._check(query, why)
            if not check:
                break
            trial = self._trial(*at, "refine", wording.refine_text(self.question, text or "(none)", check), k)
            again, written, problem = self._read(_written((yield trial), trial))
            if again is not None or query is None:  # what could be read is not given up for what cannot
                query, text, why = again, written, problem
        made = query if query is not None else self._joined(terms)
        return Draft(
            writer=writer, way="guided", wording=number + 1, run=run + 1, query=made, text=text, why=why,
            by="engine" if query is not None or made is None else "rules",
        )  # fmt: skip

    def _trial(self, writer: str, way: Way, number: int, run: int, step: str, asked: str, round_: int = 0) -> Trial:
        place = Place(
            subject=writer or "writer", item=step, condition=(("way", way), ("wording", str(number + 1))),
            round=round_, replicate=run,
        )  # fmt: skip
        return Trial(
            place=place,
            request=Request(
                messages=(Message("system", wording.SYSTEM), Message("user", escape_control_tokens(asked))),
                max_tokens=self.max_tokens,
                temperature=self.temperature,
                seed=seed_for(self.seed, "write", place.id) if self.temperature > 0 else None,
            ),
            reply=Reply(form="text", method="written"),
            answerer=writer,
        )

    def _read(self, reply: str) -> tuple[Query | None, str, str]:
        """The query in a reply, the text it was read from, and what is wrong where it could not be."""
        text, why = query_text(reply), ""
        try:
            return parse_query(text), text, ""
        except DesignError as error:
            why = str(error)
        return None, text, why

    def _check(self, query: Query | None, why: str) -> list[str]:
        """What is to be mended: that it cannot be read, what its terms find, and how much it finds."""
        if query is None:
            return [why]
        found, n = len(self.index.search(query)), len(self.index.records)
        told = list(self.index.remarks(query))
        if not found:
            told.append(f"it finds none of {n:,} records")
        elif found > _MANY * n:
            told.append(f"it finds {found:,} of {n:,} records, which is too many to read")
        return told

    def _joined(self, terms: Mapping[str, Sequence[str]]) -> Query | None:
        """The terms of each concept joined by OR, the concepts by AND, without what finds nothing."""
        blocks: list[Node] = []
        for found in terms.values():
            made = (Term(words=tuple(plain(said).split()), truncated=said.endswith("*")) for said in found)
            kept = [term for term in dict.fromkeys(made) if term.words and self.index.search(Query(term))]
            if kept:
                blocks.append(kept[0] if len(kept) == 1 else Or(tuple(kept)))
        return Query(blocks[0] if len(blocks) == 1 else And(tuple(blocks))) if blocks else None


def _without_result(steps: _Drafting) -> Generator[Trial | Sequence[Trial], Answers, None]:
    yield from steps


def _written(answers: Answers, trial: Trial) -> str:
    """What an engine wrote; a call that failed holds its draft up, and what was refused is no text."""
    response = answers[trial]
    if response.status == "failed":
        raise Stalled(f"{trial.id} failed")
    return str(response.answer or "") if response.status == "valid" else ""


def query_text(reply: str) -> str:
    r"""The query in a reply: what stands in its one fence, without a label; or its one line that is a query.

    Examples
    --------
    >>> query_text("Here you are:\n```\nQuery: nudg* AND health\n```"), query_text("Sure!\n(a OR b) AND c")
    ('nudg* AND health', '(a OR b) AND c')
    """
    fenced = _FENCE.findall(reply)
    text = " ".join((fenced[0] if len(fenced) == 1 else reply).split("\n"))
    text = _unlabelled(text)
    if _is_query(text):
        return text
    lines = [line for raw in reply.splitlines() if _is_query(line := _unlabelled(raw)) and " " in line]
    return lines[0] if len(lines) == 1 else text


def _unlabelled(text: str) -> str:
    return re.sub(r"^\s*(?:the )?(?:boolean )?query\s*(?:is)?\s*:\s*", "", text.strip("` \n"), flags=re.IGNORECASE)


def _is_query(text: str) -> bool:
    try:
        parse_query(text)
    except DesignError:
        return False
    return True


def terms_in(reply: str) -> list[str]:
    r"""Terms listed in a reply, one a line or between semicolons; what is longer than a term is none.

    Examples
    --------
    >>> terms_in("1. nudg*\n- Choice architecture\n- nudg*\n" + "These are all the terms of which I think. " * 2)
    ['nudg*', 'Choice architecture']
    """
    fenced = _FENCE.findall(reply)
    lines = [part for line in (fenced[0] if fenced else reply).splitlines() for part in line.split(";")]
    found = [re.sub(r"[^\w*' -]", " ", _MARK.sub("", line)).strip() for line in lines]
    return list(dict.fromkeys(" ".join(said.split()) for said in found if plain(said) and len(said) <= _LONGEST))[
        :_MOST_TERMS
    ]
