"""Interviews as a kind: what stands under ``[interview]``."""

from typing import Literal

from pydantic import Field, StrictInt

from proband.designs.kind import Kind, Shared, Told
from proband.designs.kinds.survey import WritingTable
from proband.designs.survey.cards import Writing
from proband.errors import DesignError
from proband.files import Table
from proband.interviews.design import ANSWERS, ASKS, Interviews
from proband.interviews.guide import PROBES, Guide, Topic
from proband.interviews.witness import Fact, Witness

BY_SCRIPT = "scripted:line"  # the engine that says what the guide, or the witness's script, has for the turn


class TopicTable(Table):
    """Something the interview is about."""

    name: str = Field(description="unique in the guide")
    questions: list[str] = Field(
        default=[], description="questions that must be asked; in this order, where the interviewer goes by rule"
    )
    probes: StrictInt = Field(default=1, description="probes after each question, at most")
    words: StrictInt | None = Field(
        default=None, description="words of interviewees after which the topic is probed no more; else no limit"
    )


class FactTable(Table):
    """Something that a scripted witness knows."""

    name: str = Field(description="unique for the witness")
    text: str = Field(description="what the witness says when it is opened")
    opens: Literal["open", "cue", "question"] = Field(
        description="`open`: an invitation, in the order of the facts. `cue`: an invitation with one of `words`, once "
        "the witness has used that word. `question`: a direct question with one of `words`"
    )
    words: list[str] = Field(default=[], description="of a cue or a question; endings of the plural do not matter")


class WitnessTable(Table):
    """A scripted witness, whose truth is known."""

    story: str = Field(default="", description="what the first invitation brings")
    suggestible: float = Field(
        default=0.0, description="probability of agreeing to a leading turn that says what is not so"
    )
    facts: list[FactTable] = Field(description="what there is to be found")


class InterviewTable(Table):
    """The guide, who is interviewed, and how."""

    purpose: str = Field(default="", description="what the interviewer is told that it is about")
    topics: list[TopicTable] = Field(description="the guide")
    opening: str = Field(default="", description="what an interviewer by rule says before the first question")
    probes: list[str] = Field(
        default=list(PROBES), description="of an interviewer by rule, in turn; `{words}` becomes a piece of the answer"
    )
    turns: StrictInt = Field(default=20, description="of the interviewer, at most")
    until: Literal["covered", "told"] = Field(
        default="covered",
        description="an interviewer by rule ends when everything is asked (`covered`), or goes on until nothing is "
        "left to take up in earlier answers (`told`); any interviewer ends by writing END",
    )
    group: StrictInt = Field(default=1, description="how many are interviewed together; more than 1: a focus group")
    interviews: StrictInt | None = Field(
        default=None, description="how many interviews, without `[population]`; with it, everybody is interviewed once"
    )
    persona: Literal["first", "third", "interview", "none"] = Field(
        default="first", description="how the people of `[population]` are described, as in `[survey]`"
    )
    writing: WritingTable = Field(default=WritingTable(), description="how turns are sampled, `max_tokens` 128")
    witness: WitnessTable | None = Field(default=None, description="training: a scripted witness is interviewed")
    feedback: bool = Field(
        default=True, description="whether a person who interviews the witness is told the kind of their last turn"
    )


def _make(shared: Shared, table: InterviewTable) -> Interviews:
    if table.interviews is not None and shared.population is not None:
        raise DesignError(
            f"{shared.where}: interview.interviews is {table.interviews}, and everybody in [population] is interviewed "
            "once; take one of them out"
        )
    _check_engines(shared, is_scripted=table.witness is not None)
    topics = [Topic(**{**topic.model_dump(), "questions": tuple(topic.questions)}) for topic in table.topics]
    witness = None
    if table.witness is not None:
        facts = [Fact(**{**fact.model_dump(), "words": tuple(fact.words)}) for fact in table.witness.facts]
        witness = Witness(facts=tuple(facts), story=table.witness.story, suggestible=table.witness.suggestible)
    return Interviews(
        guide=Guide(
            topics=tuple(topics), opening=table.opening, probes=tuple(table.probes), turns=table.turns,
            until=table.until,
        ),
        purpose=table.purpose, group=table.group, interviews=1 if table.interviews is None else table.interviews,
        population=shared.population,
        persona=table.persona, witness=witness, feedback=table.feedback, writing=Writing(**table.writing.model_dump()),
        seed=shared.seed, title=shared.title,
    )  # fmt: skip


def _check_engines(shared: Shared, *, is_scripted: bool) -> None:
    """A witness says what its script has, and nobody else has a script."""
    answers = shared.engines.get(ANSWERS, BY_SCRIPT if is_scripted else "")
    if (answers.partition("?")[0] == BY_SCRIPT) == is_scripted:
        return
    raise DesignError(
        f"{shared.where}: {ANSWERS} is {answers!r}, and a witness's truth is known only while it keeps to its script; "
        f'write {ANSWERS} = "{BY_SCRIPT}", or take [interview.witness] out'
        if is_scripted
        else f'{shared.where}: {ANSWERS} is "{BY_SCRIPT}", and there is no script; add [interview.witness], or let a '
        f'model, a person or other rules answer, e.g. {ANSWERS} = "smollm2" ({ASKS} may be "{BY_SCRIPT}")'
    )


KIND = Kind(
    name="interview",
    about="an interviewer and those who are interviewed, turn by turn, by a guide; also for training on a witness",
    keys=InterviewTable,
    make=_make,
    analyses=("interviews", "dispositions", "deviations"),
    needs=frozenset(),
    takes=frozenset({"population"}),
    told=Told(
        subject="speaker",
        unit="interview",
        units="interviews",
        is_of_models=True,
        shows="how {engine} ask and answer under this guide",
        hides="what people would have been asked, or would have said",
        limits="Turns written by a model or a rule are synthetic: they are no one's answers.",
    ),
)
