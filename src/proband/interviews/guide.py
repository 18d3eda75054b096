"""An interviewer's guide: topics with questions that must be asked, probes, and when to stop."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal

from proband.errors import DesignError, strange_choice
from proband.interviews.turns import asked_in, turn_of, words_of

# What an interviewer by rule says after an answer; {words} are a piece of it.
PROBES = (
    'You said "{words}". Can you tell me more about that?',
    'You spoke of "{words}". What was that like?',
    'You mentioned "{words}". What do you mean by that?',
)
MORE = "Can you tell me more about that?"  # where an answer has no words to take up
BACK = 'Earlier you spoke of "{words}". Please tell me more about that.'
WHAT_ELSE = "What else can you tell me?"
_SAME = 0.6  # share of a question's words that have to stand in a turn that asks it
_ALIKE = 0.8
_MOST_QUOTED = 3
_STARTS = frozenset({"my", "that", "our", "their", "an", "a", "the", "his", "these", "this", "her", "those"})
_BREAKS_WORDS = (
    "and or but so because that which who when where while if then as than of to in on at by with from for into "
    "about is are was were am be been do does did has have had can could will would i you he she it we they "
    "there "
)
_BREAKS = frozenset(_BREAKS_WORDS.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Something an interview is about.

    Attributes
    ----------
    name : str
        Unique in its guide.
    questions : tuple of str
        All have to be asked, in this order where the interviewer goes by rule.
    probes : int
        Probes after each of them, at most.
    words : int or None
        Words of interviewees after which the topic is probed no more; None for no limit.
    """

    name: str
    questions: tuple[str, ...]
    probes: int = 1
    words: int | None = None


@dataclass(frozen=True, kw_only=True)
class Guide:
    """What an interviewer is to ask, and when the interview is over.

    Attributes
    ----------
    topics : tuple of Topic
        In the order of an interviewer by rule.
    opening : str
        What is said before the first question by rule.
    probes : tuple of str
        In turn; with ``{words}``, which become words of the interviewee.
    turns : int
        Of the interviewer, at most.
    until : {"covered", "told"}
        Whether an interviewer by rule ends when everything is asked, or goes on to take up earlier answers until
        nothing is left in them. Any interviewer who writes END ends it.

    Raises
    ------
    DesignError
        If there is no topic, a topic has no question, a name or question is there twice or blank, there are
        no probes for topics that are probed, or the turns are fewer than the questions.
    """

    topics: tuple[Topic, ...]
    opening: str = ""
    probes: tuple[str, ...] = PROBES
    turns: int = 20
    until: Literal["covered", "told"] = "covered"

    def __post_init__(self) -> None:
        if strange := strange_choice(self):
            raise DesignError(f"interview: {strange}")
        if not self.topics:
            raise DesignError("interview: the guide has no topic; add [[interview.topics]] with a name and questions")
        names = [topic.name for topic in self.topics]
        problems = [_wrong(topic) for topic in self.topics]
        problems += [f"topic {name!r} is there twice; name one otherwise" for name in _twice(names)]
        folded = [" ".join(_tokens(question)) for question in self.questions]
        problems += [f"the question {text!r} is there twice; ask it once" for text in _twice(folded)]
        if not self.probes and any(topic.probes for topic in self.topics):
            problems.append("probes is empty, and topics are probed; write one, or probes = 0 in every topic")
        for probe in self.probes:
            if not probe.strip() or re.sub(r"\{words\}", "", probe).count("{"):
                problems.append(f"probe {probe!r}: it needs words, and only {{words}} is filled in")
        if len(self.questions) > self.turns:
            problems.append(
                f"{self.turns} turns for {len(self.questions)} questions that must be asked; raise interview.turns, or "
                "leave questions out"
            )
        if found := [problem for problem in problems if problem]:
            raise DesignError(*(f"interview: {problem}" for problem in found))

    @property
    def questions(self) -> list[str]:
        """All that must be asked."""
        return [question for topic in self.topics for question in topic.questions]

    def topic_of(self, question: str) -> Topic:
        """The topic that a question belongs to."""
        return next(topic for topic in self.topics if question in topic.questions)

    def remarks(self) -> list[str]:
        """Questions that read as leading, or as several at once."""
        told = []
        for question in self.questions:
            found = turn_of(question)
            if found.kind in ("leading", "stacked"):
                told.append(f"The question {question!r} reads as {found.kind}: {found.why}.")
        return told


def _wrong(topic: Topic) -> str:
    name = topic.name
    if not name.strip():
        return "a topic without a name; give it one"
    if not topic.questions:
        return f"topic {name!r} has no question; add questions = [...], or take the topic out"
    if not all(_tokens(question) for question in topic.questions):
        return f"topic {name!r} has a question without words; write it, or take it out"
    if topic.probes < 0:
        return f"topic {name!r}: probes = {topic.probes}; write 0 or more"
    if topic.words is not None and topic.words < 1:
        return f"topic {name!r}: a budget of {topic.words} words; write 1 or more, or leave it out"
    return ""


def _twice(names: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def _tokens(text: str) -> list[str]:
    return re.findall(r"\w+(?:'\w+)?", text.replace("’", "'").lower())


def asks(asked: Sequence[str], question: str) -> float:
    """How much of a question a turn asks: the share of its meaningful words in one of those the turn has `asked`.

    Of a question with fewer than two of these, all words count. What a turn says without asking does not count: in a
    long enough speech stand the words of any question.

    Examples
    --------
    >>> asks(asked_in("I see. And how do you get to your work?"), "How do you get to work?")
    1.0
    """
    words, wanted = words_of, set(words_of(question))
    if len(wanted) < 2:
        words, wanted = _tokens, set(_tokens(question))
    return max((len(wanted & set(words(part))) / len(wanted) for part in asked), default=0.0)


def asked_by(turn: str, guide: Guide) -> str | None:
    """The question of a guide that a turn asks; None where it asks none of them.

    One that stands in the turn word by word is asked, whatever the language; of several the longest, because "What
    happened?" stands in "What happened then?" too.
    """
    said = f" {' '.join(_tokens(turn))} "
    if there := [question for question in guide.questions if f" {' '.join(_tokens(question))} " in said]:
        return max(there, key=len)
    asked = asked_in(turn)
    share, best = max(((asks(asked, question), question) for question in guide.questions), key=itemgetter(0))
    return best if share >= _SAME else None


def is_repeated(text: str, earlier: Sequence[str]) -> bool:
    """Whether a turn says what an earlier one said: four in five of the meaningful words of both are the same.

    Of turns without any, all words count.
    """
    own = set(words_of(text))
    for past in earlier:
        one, other = (own, set(words_of(past))) if own or words_of(past) else (set(_tokens(text)), set(_tokens(past)))
        if len(one & other) >= _ALIKE * len(one | other):
            return True
    return False


def taken_up(answer: str, used: Sequence[str]) -> str:
    """The piece of an answer, three words at most, that says most which was not `used` yet; or nothing.

    Examples
    --------
    >>> taken_up("I drive the night bus, and I like the quiet streets.", ["night"])
    'the quiet streets'
    """
    best, most = "", (0, False)
    known = set(used)
    for clause in re.split(r"[.,;:!?()\"“”]+", answer):
        piece: list[str] = []
        for word in [*clause.split(), "and"]:
            low = word.lower().strip("'’")
            if low in _BREAKS or low in _STARTS or len(piece) == _MOST_QUOTED:
                new = len(set(words_of(" ".join(piece))) - known)
                # Of two that say as much, one that begins as a thing is named.
                if new and (new, piece[0] in _STARTS) > most:
                    best, most = " ".join(piece), (new, piece[0] in _STARTS)
                piece = [low] if low in _STARTS else []
            else:
                piece.append(word)
    return best
