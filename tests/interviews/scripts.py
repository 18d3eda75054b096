"""An interview for several tests: a witness with six facts, and interviewers who say what a test gives them."""

from collections.abc import Mapping, Sequence

from proband.designs.process import Answers
from proband.interviews.course import Course
from proband.interviews.design import Interviews
from proband.interviews.guide import Guide, Topic
from proband.interviews.witness import Fact, Witness
from proband.models.rules import line
from proband.models.scripted import ScriptedEngine
from proband.records import Place, Response, Trial

FACTS = (
    Fact(name="bag", text="A woman cried out that her bag was gone.", opens="open"),
    Fact(name="boy", text="A boy ran past me, towards the bridge.", opens="open"),
    Fact(name="shouting", text="The shouting came from the man who sells fish.", opens="cue", words=("shouting",)),
    Fact(name="bridge", text="Somebody was waiting there on a bicycle.", opens="cue", words=("bridge",)),
    Fact(name="jacket", text="The boy wore a green jacket.", opens="question", words=("jacket", "colour")),
    Fact(name="time", text="It was shortly after ten.", opens="question", words=("time", "clock")),
)
STORY = "I was at the market, at the cheese stall, when there was shouting."
QUESTIONS = ("Tell me everything that happened at the market.", "Who else was at the stall?")


def training(turns: int = 12, suggestible: float = 1.0, **changed: object) -> Interviews:
    guide = Guide(topics=(Topic(name="market", questions=QUESTIONS, probes=2),), turns=turns, until="told")
    witness = Witness(facts=FACTS, story=STORY, suggestible=suggestible)
    return Interviews(**{"guide": guide, "witness": witness, "seed": 3, "title": "Market"} | changed)


def saying(lines: Sequence[str]) -> ScriptedEngine:
    """Somebody who says these lines, one a turn, and then END."""

    def rule(trial: Trial) -> str:
        return [*lines, "END"][trial.place.round - 1]

    return ScriptedEngine(rule)


def by_line() -> ScriptedEngine:
    return ScriptedEngine(line(), address="scripted:line")


def held(design: Interviews, said: Mapping[str, Sequence[str]]) -> tuple[Course, list[Trial]]:
    """The first interview, with what each subject says turn by turn; and the trials that it asked."""
    sitting = design.sittings[0]
    course = design.course_of(sitting)
    steps, trials = design.steps(sitting, course), []
    trial = next(steps)
    while isinstance(trial, Trial):
        trials.append(trial)
        lines = said.get(trial.place.subject)
        text = dict(trial.facts)["line"] if lines is None else lines[trial.place.round - 1]
        answer = Response(place=Place.from_id(trial.id), request="r", status="valid", answer=text, engine="e")
        try:
            trial = steps.send(Answers({trial.id: answer}))
        except StopIteration:
            break
    return course, trials
