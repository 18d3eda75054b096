"""Interviews as a design: a process each, in which whoever asks and whoever answers take turns."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import ClassVar

from proband.designs.design import Design
from proband.designs.process import Process, Stalled, Steps
from proband.designs.survey.cards import Writing
from proband.errors import DesignError
from proband.instruments.items import Item
from proband.interviews.asking import (
    INTERVIEWEE,
    INTERVIEWER,
    MODERATOR,
    asked_of_interviewee,
    asked_of_interviewer,
    spoken,
    to_interviewee,
    to_interviewer,
)
from proband.interviews.course import Course
from proband.interviews.guide import Guide
from proband.interviews.witness import Witness
from proband.records import Message, Place, Reply, Request, Response, ShowCard, Trial
from proband.roster import Member, Roster
from proband.seeds import place_digest, seed_for
from proband.subjects.personas import PersonaFormat, Subject, code_text, describe
from proband.subjects.populations import Population

ASKS, ANSWERS = "interviewer", "interviewee"  # the roles, each played by an engine
QUESTION, REPLY = "question", "reply"
_LONGEST = 128  # tokens of a turn
# Models like to write the next turn too; alone, in a group.
_STOPS = (f"\n{INTERVIEWER}:", f"\n{INTERVIEWEE}:"), (f"\n{MODERATOR}:", "\nParticipant ")
MOST_INTERVIEWS, MOST_TURNS, MOST_VOICES = 10_000, 200, 12
Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sitting:
    """One interview: its name, and those who are interviewed, as subjects and by what they are called in it."""

    name: str
    subjects: tuple[str, ...]
    people: tuple[Subject | None, ...]

    @property
    def interviewer(self) -> str:
        """The subject who asks."""
        return f"{self.name}-{ASKS}"

    @property
    def voices(self) -> tuple[str, ...]:
        """What those who are interviewed are called."""
        n = len(self.subjects)
        return (INTERVIEWEE,) if n == 1 else tuple(f"Participant {k}" for k in range(1, n + 1))


@dataclass(frozen=True, kw_only=True)
class Interviews(Design):
    """One interviewer's turn, then one of everybody who is interviewed, again and again; the state is the transcript.

    Attributes
    ----------
    guide : Guide
        What is to be asked, and when it is over.
    purpose : str
        What the interviewer is told that it is about.
    group : int
        How many are interviewed together: 1, or a focus group.
    interviews : int
        How many there are, where there is no population; else everybody is interviewed once.
    population : Population or None
        As whom interviewees answer.
    persona : {"first", "third", "interview", "none"}
        How these are described.
    witness : Witness or None
        A script for the one who is interviewed, whose truth is known: training.
    feedback : bool
        Whether a person who interviews the witness is told the kind of their last turn.
    writing : Writing
        How turns are sampled.

    Raises
    ------
    DesignError
        If people are left over from groups, or a witness stands beside a population or in a group.
    """

    kind: ClassVar[str] = "interview"
    unit: ClassVar[str] = "interview"
    is_about_people: ClassVar[bool] = False

    guide: Guide
    purpose: str = ""
    group: int = 1
    interviews: int = 1
    population: Population | None = None
    persona: PersonaFormat = "first"
    witness: Witness | None = None
    feedback: bool = True
    writing: Writing = field(default_factory=Writing)
    seed: int = 1
    title: str = ""

    def __post_init__(self) -> None:
        place_digest(self.seed)  # refuses a seed that is no integer
        for name, most in (("group", MOST_VOICES), ("interviews", MOST_INTERVIEWS)):
            if not 1 <= (given := getattr(self, name)) <= most:
                raise DesignError(f"interview.{name} is {given:,}; write 1 to {most:,}")
        if self.guide.turns > MOST_TURNS:
            raise DesignError(f"interview.turns is {self.guide.turns}; an interview has {MOST_TURNS} at most")
        if self.witness is not None and (self.group > 1 or self.population is not None):
            beside = "in a group" if self.group > 1 else "beside [population]"
            raise DesignError(f"interview.witness: a witness {beside} cannot be told apart; interview it alone")
        if self.population is not None and len(self.population) % self.group:
            n = len(self.population)
            raise DesignError(
                f"[population]: {n} people in groups of {self.group} leave {n % self.group} over; sample "
                f"{n - n % self.group or self.group} of them"
            )

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """What each of the two does."""
        return {
            QUESTION: Item(id=QUESTION, text="What does the interviewer say next?", form="text"),
            REPLY: Item(id=REPLY, text="What is answered?", form="text"),
        }

    @cached_property
    def sittings(self) -> tuple[Sitting, ...]:
        """Every interview, in order."""
        people = self.population
        n = self.interviews if people is None else len(people) // self.group
        found = []
        for k in range(n):
            name = f"interview-{k + 1:04d}"
            own: tuple[Subject | None, ...] = (None,) * self.group
            subjects = [f"{name}-{ANSWERS}"]
            if self.group > 1:
                subjects = [f"{name}-participant-{j}" for j in range(1, self.group + 1)]
            if people is not None:
                own = tuple(people[k * self.group + j] for j in range(self.group))
                subjects = [person.id for person in own if person is not None]
            found.append(Sitting(name, tuple(subjects), own))
        return tuple(found)

    def roles(self) -> tuple[str, ...]:
        """Who asks and who answers."""
        return (ASKS, ANSWERS)

    def roster(self) -> Roster:
        """Everybody; an interview is a unit, because what one says depends on the others."""
        members = []
        for sitting in self.sittings:
            members.append(Member(subject=sitting.interviewer, unit=sitting.name, role=ASKS))
            for subject, person in zip(sitting.subjects, sitting.people, strict=True):
                known = {} if person is None else {"weight": person.weight, "traits": dict(person.traits)}
                members.append(Member(subject=subject, unit=sitting.name, role=ANSWERS, **known))  # type: ignore[arg-type]
        return Roster(members)

    def size(self) -> int:
        """Turns of all interviews, if each goes on as long as it may."""
        return len(self.sittings) * self.guide.turns * (1 + self.group)

    def notes(self) -> tuple[str, ...]:
        """What the guide asks in a way that it should not."""
        return tuple(self.guide.remarks())

    def processes(self) -> Iterable[Process]:
        """The interviews."""
        return (self.steps(sitting, self.course_of(sitting)) for sitting in self.sittings)

    def course_of(self, sitting: Sitting) -> Course:
        """An interview before anything is said."""
        return Course(guide=self.guide, voices=sitting.voices, witness=self.witness, seed=self.seed, name=sitting.name)

    def steps(self, sitting: Sitting, course: Course) -> Steps:
        """An interview as a process, which moves its course on."""
        about = to_interviewer(self.guide, self.purpose, self.group)
        told = [self._about(person) for person in sitting.people]
        while not course.is_over:
            messages, card = asked_of_interviewer(course, about, is_trained=self.witness is not None and self.feedback)
            number = len(course.turns) + 1
            place = Place(subject=sitting.interviewer, item=QUESTION, round=number)
            asked = self._trial(place, messages, card, ASKS, (("line", course.line()),))
            course.ask(_said(asked, (yield asked)[asked]) or "")
            if course.is_over:
                return
            for k in course.order():
                voice, person = sitting.voices[k], sitting.people[k]
                messages, card = asked_of_interviewee(course, told[k], voice)
                place = Place(subject=sitting.subjects[k], item=REPLY, round=number)
                facts: Facts = (("topic", course.turns[-1].topic), ("asked", course.turns[-1].question))
                facts += () if self.witness is None else (("line", course.witness_says().text),)
                facts += () if person is None else _traits(person)
                answered = self._trial(place, messages, card, ANSWERS, facts)
                said = _said(answered, (yield answered)[answered])
                if said is None:  # nobody goes on with somebody who is not there
                    course.is_over = True
                    return
                course.reply(voice, said)
            course.close_turn()

    def _about(self, person: Subject | None) -> str:
        known = person is not None and self.population is not None
        backstory = describe(person, self.population.fields, self.persona) if known else ""  # type: ignore[arg-type, union-attr]
        return to_interviewee(backstory, self.persona, self.group)

    def _trial(self, place: Place, messages: tuple[Message, ...], card: ShowCard, role: str, facts: Facts) -> Trial:
        writing = self.writing
        request = Request(
            messages=messages,
            max_tokens=_LONGEST if writing.max_tokens is None else writing.max_tokens,
            temperature=writing.temperature,
            top_p=writing.top_p,
            stop=_STOPS[self.group > 1],
            seed=seed_for(self.seed, "write", place.id) if writing.temperature > 0 else None,
        )
        facts = (("turn", str(place.round)), *facts)
        reply = Reply(form="text", method="written")
        return Trial(place=place, request=request, reply=reply, answerer=role, facts=facts, card=card)

    def describe(self) -> Mapping[str, object]:
        """Everything that defines the interviews; `transcripts` makes their courses anew from it."""
        return {
            "design": self.kind,
            "title": self.name,
            "purpose": self.purpose,
            "guide": asdict(self.guide),
            "group": self.group,
            "interviews": len(self.sittings),
            "persona": self.persona,
            "feedback": self.feedback,
            "writing": asdict(self.writing),
            **({} if self.population is None else {"population": self.population.name}),
            **({} if self.witness is None else {"witness": asdict(self.witness)}),
            "seed": self.seed,
        }


def _traits(person: Subject) -> Facts:
    return tuple((name, code_text(code)) for name, code in sorted(person.traits.items()))


def _said(trial: Trial, response: Response) -> str | None:
    """What was said; None if somebody left. A call that failed is mended before the interview goes on."""
    if response.status == "failed":
        raise Stalled(f"{trial.id}: the call for this turn failed, so the interview cannot go on")
    return None if response.status == "left" else spoken(response)
