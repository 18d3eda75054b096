"""The course of an interview: what was said so far, which question comes next, and what a scripted witness answers.

`design` asks by it and `transcripts` reads a run by it, so that what is told of an interview is what steered it.
"""

from collections import Counter
from dataclasses import dataclass, field

from proband.interviews.guide import BACK, MORE, WHAT_ELSE, Guide, Topic, asked_by, is_repeated, taken_up
from proband.interviews.turns import Turned, turn_of, words_of
from proband.interviews.witness import Told, Witness

END = "END"  # an interviewer who writes this, alone or at the end of a turn, is done


@dataclass(frozen=True, kw_only=True)
class Turn:
    """An interviewer's turn and what it was answered.

    Attributes
    ----------
    number : int
        From 1.
    text : str
        What was said.
    topic : str
        Where it belongs: the topic of the question it asks, else the one before.
    question : str
        Of the guide, if it asks one for the first time; else empty.
    turned : Turned
        Its kind.
    is_repeated : bool
        Whether an earlier turn said the same.
    takes_up : bool
        Whether it has words that the interviewee has used, and no earlier turn.
    """

    number: int
    text: str
    topic: str
    question: str
    turned: Turned
    is_repeated: bool
    takes_up: bool


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one of those who are interviewed answered; `text` is empty where there was no answer."""

    number: int
    voice: str
    text: str
    is_repeated: bool
    told: Told | None = None


@dataclass
class Course:
    """Where an interview stands."""

    guide: Guide
    voices: tuple[str, ...]
    witness: Witness | None = None
    seed: int = 0
    name: str = ""
    turns: list[Turn] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    facts: dict[str, Turn] = field(default_factory=dict)  # that the witness told, and on which turn
    planted: dict[frozenset[str], Turn] = field(default_factory=dict)  # what it took over, by its words
    is_over: bool = False
    fell_silent: bool = False  # over because whoever asks said nothing, which is no END

    def __post_init__(self) -> None:
        self._own: set[str] = set()  # words of interviewees
        self._guides = set(words_of(" ".join(self.guide.questions)))
        self._asked: dict[str, Turn] = {}
        self._words: Counter[str] = Counter()  # of interviewees, by topic
        self._probes = 0  # since a question of the guide was asked
        self._story_told = False

    @property
    def asked(self) -> dict[str, Turn]:
        """Questions of the guide, and the turn that first asked each."""
        return self._asked

    @property
    def words(self) -> Counter[str]:
        """Words of interviewees by topic."""
        return self._words

    @property
    def left(self) -> list[str]:
        """Questions that are still to be asked."""
        return [question for question in self.guide.questions if question not in self._asked]

    def line(self) -> str:
        """What an interviewer by rule says next: a probe, the next question, or, where nothing is left, END."""
        topic = self._topic
        if topic is not None and self.said and (probe := self._probe(topic)):
            return probe
        if left := self.left:
            open_ = [q for q in left if topic is not None and q in topic.questions] or left
            return f"{self.guide.opening} {open_[0]}".strip() if not self.turns else open_[0]
        return END if self.guide.until == "covered" else self._back()

    @property
    def _topic(self) -> Topic | None:
        """The topic of the last turn."""
        name = self.turns[-1].topic if self.turns else None
        return next((topic for topic in self.guide.topics if topic.name == name), None)

    @property
    def _texts(self) -> list[str]:
        return [turn.text for turn in self.turns]

    def _back(self) -> str:
        """What takes up the first answer that still has words for it; in the end, what else there is."""
        used = words_of(" ".join(self._texts))
        for said in self.said:
            if piece := taken_up(said.text, used):
                return self._to(said.voice, BACK.replace("{words}", piece))
        return END if is_repeated(WHAT_ELSE, self._texts) else WHAT_ELSE

    def _to(self, voice: str, text: str) -> str:
        """A turn to somebody, who is named where there are several."""
        return text if len(self.voices) == 1 else f"{voice}, {text[0].lower()}{text[1:]}"

    def _probe(self, topic: Topic) -> str:
        is_spent = topic.words is not None and self._words[topic.name] >= topic.words
        if self._probes >= topic.probes or is_spent:
            return ""
        used = words_of(" ".join(self._texts))
        last = [said for said in self.said if said.number == len(self.turns) and words_of(said.text)]
        pieces = [(taken_up(said.text, used), said.voice) for said in last]
        piece, voice = max(pieces, key=lambda found: len(words_of(found[0])), default=("", ""))
        if not piece:
            return MORE if last and not is_repeated(MORE, self._texts) else ""
        probe = self.guide.probes[len(self.turns) % len(self.guide.probes)].replace("{words}", piece)
        return self._to(voice, probe)

    def ask(self, text: str) -> None:
        """The interviewer has said something; nothing, or END, ends the interview."""
        bare = text.rstrip(" .!*\"'")
        if not text or bare.upper() == END or bare.endswith((f" {END}", f"\n{END}")):
            self.is_over, self.fell_silent = True, not text
            return
        words, earlier = set(words_of(text)), self._texts
        # A question of the guide has words that answers use by chance; they are not taken up from there.
        own = self._own - self._guides
        question = asked_by(text, self.guide)
        topic = self.guide.topic_of(question) if question else self._topic or self.guide.topics[0]
        is_new = question is not None and question not in self._asked
        turn = Turn(
            number=len(self.turns) + 1,
            text=text,
            topic=topic.name,
            question=question if question and is_new else "",
            turned=turn_of(text, own),
            is_repeated=is_repeated(text, earlier),
            takes_up=bool(words & own - set(words_of(" ".join(earlier)))),
        )
        self.turns.append(turn)
        self._probes = 0 if is_new else self._probes + 1
        if question and is_new:
            self._asked[question] = turn

    def witness_says(self) -> Told:
        """What a scripted witness answers to the last turn."""
        assert self.witness is not None
        return self.witness.answers(
            self.turns[-1], own=self._own, told=set(self.facts), has_begun=self._story_told,
            place=(self.seed, "suggestible", self.name, self.turns[-1].number),
        )  # fmt: skip

    def reply(self, voice: str, text: str) -> None:
        """Somebody has answered the last turn; without words, there was no answer."""
        turn = self.turns[-1]
        told = None if self.witness is None else self.witness_says()
        if told is not None and text == told.text:
            self._story_told |= told.begins
            self.facts |= {told.fact: turn} if told.fact else {}
            if told.planted:
                self.planted.setdefault(told.planted, turn)
        earlier = [said.text for said in self.said if said.voice == voice and said.text]
        self.said.append(
            Said(number=turn.number, voice=voice, text=text, told=told, is_repeated=is_repeated(text, earlier))
        )
        self._own |= set(words_of(text))
        self._words[turn.topic] += len(text.split())

    def close_turn(self) -> None:
        """Everybody has answered the last turn."""
        if len(self.turns) >= self.guide.turns:
            self.is_over = True

    def order(self) -> list[int]:
        """Who answers the last turn, in this order: another one first each time."""
        n = len(self.voices)
        return [(k + len(self.turns) - 1) % n for k in range(n)]
