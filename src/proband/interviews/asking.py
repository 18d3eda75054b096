"""What is said to those who interview and are interviewed, in words: to a model all of it, to a person what is new."""

import re
from collections.abc import Sequence

from proband.interviews.course import END, Course
from proband.interviews.guide import Guide
from proband.records import Message, Response, ShowCard
from proband.subjects.personas import PersonaFormat

INTERVIEWER, INTERVIEWEE, MODERATOR = "Interviewer", "Interviewee", "Moderator"
BEGIN = "The interview begins."
NEXT = "What do you say next?"
SILENT = "(no answer)"
_AS_PERSON = {
    "first": "You are interviewed as the person who says this about themselves:\n\n{backstory}",
    "third": "You are interviewed as this person:\n\n{backstory}",
    "interview": "You are interviewed as the person who gave this interview before:\n\n{backstory}",
}
_TOLD_KIND = {"option_posing": "option-posing"}


def spoken(response: Response) -> str:
    """What somebody has said, without the name of the one who speaks; empty where nothing was.

    What reads as "I do not know" or as a refusal is said all the same, and so is what was cut off.
    """
    said = str(response.answer) if response.status == "valid" else response.text or ""
    return re.sub(r"^(?:interviewer|interviewee|moderator|participant \d+)\s*:\s*", "", said.strip(), flags=re.I)


def asks_as(course: Course) -> str:
    """What whoever asks is called."""
    return INTERVIEWER if len(course.voices) == 1 else MODERATOR


def to_interviewer(guide: Guide, purpose: str, n: int) -> str:
    """What an interviewer is told before the interview."""
    whom = "one person" if n == 1 else f"a group of {n} people, whose moderator you are"
    topics = "\n".join(
        f"{topic.name}:\n" + "\n".join(f"- {question}" for question in topic.questions) for topic in guide.topics
    )
    probes = max(topic.probes for topic in guide.topics)
    often = "once" if probes == 1 else f"up to {probes} times"
    after = f" After an answer you may ask for more, {often}, in the words that were used." if probes else ""
    return (
        f"You interview {whom}.{f' {purpose}' if purpose else ''}\n\nYou have to ask all of these questions, topic by "
        f"topic, in your own words if you like:\n\n{topics}\n\nAsk one thing at a time. Invite people to tell, and "
        f"suggest no answers.{after} When everything is asked, write {END}."
    )


def to_interviewee(backstory: str, persona: PersonaFormat, n: int) -> str:
    """What somebody is told who is interviewed."""
    who = _AS_PERSON[persona].format(backstory=backstory) if backstory and persona != "none" else "You are interviewed."
    others = {1: "", 2: " Somebody else is interviewed with you; you hear what they say."}.get(
        n, f" {n - 1} others are interviewed with you; you hear what they say."
    )
    return f"{who}\n\nAnswer in a few sentences, as one speaks.{others} Say only what you say yourself."


def asked_of_interviewer(course: Course, about: str, *, is_trained: bool) -> tuple[tuple[Message, ...], ShowCard]:
    """The interview so far and where it stands, for the next turn."""
    number = len(course.turns) + 1
    so_far = "\n\n".join(lines_of(course)) if course.turns else BEGIN
    left, asked_all = course.left, f"Everything is asked; write {END} to finish."
    limit = f"This is turn {number} of at most {course.guide.turns}."
    still = f"Still to ask: {' '.join(left)}" if left else asked_all
    told = Message("user", f"{so_far}\n\n{still}\n\n{limit}\n\n{NEXT} One or two sentences, and nothing else.")
    new = "\n\n".join(lines_of(course, only=len(course.turns))[1:]) or BEGIN
    if is_trained and course.turns:
        turned = course.turns[-1].turned
        kind = _TOLD_KIND.get(turned.kind, turned.kind)
        new = f"[Your last turn was {kind}: it {turned.why}.]\n\n{new}"
    n = len(course.guide.questions)
    where = f"{limit} {len(left)} of {n} questions are still to ask, the next: {left[0]}" if left else asked_all
    card = ShowCard(text=NEXT, form="text", about=about, before=f"{new}\n\n{where}")
    return (Message("system", about), told), card


def asked_of_interviewee(course: Course, about: str, voice: str) -> tuple[tuple[Message, ...], ShowCard]:
    """The interview as one of those who are interviewed has heard it, up to what is asked now."""
    messages, heard = [Message("system", about)], list[str]()
    name = asks_as(course)
    is_group = len(course.voices) > 1
    for turn in course.turns:
        heard.append(f"{name}: {turn.text}" if is_group else turn.text)
        for said in course.said:
            if said.number != turn.number:
                continue
            if said.voice == voice:
                messages += [Message("user", "\n\n".join(heard)), Message("assistant", said.text or SILENT)]
                heard = []
            else:
                heard.append(f"{said.voice}: {said.text or SILENT}")
    messages.append(Message("user", "\n\n".join(heard)))
    before = "\n\n".join(part for part in heard if part != f"{name}: {course.turns[-1].text}") if is_group else ""
    card = ShowCard(text=course.turns[-1].text, form="text", about=about, before=before)
    return tuple(messages), card


def lines_of(course: Course, only: int = 0) -> Sequence[str]:
    """The transcript, one speaker's words a line; of one turn only, where its number is given."""
    name, lines = asks_as(course), []
    for turn in course.turns:
        if only in (0, turn.number):
            lines.append(f"{name}: {turn.text}")
            lines += [f"{s.voice}: {s.text or SILENT}" for s in course.said if s.number == turn.number]
    return lines
