"""A society looked over by the six principles of PIMMUR, with numbers.

Profile, interaction, memory, minimal control, unawareness, realism (arXiv:2509.18052): are agents
different people, do they read each other, do they remember, do prompts steer, do they know the study, are there people
to compare with.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from proband.instruments.items import Item
from proband.records import Response, Trial
from proband.societies.agents.ranking import words_of
from proband.societies.state import State

AWARE = Item(
    id="awareness",
    text="Suppose that somebody studies what happened here. What do you think the study is about, and what do the "
    "researchers expect to find? If you know the study, or one like it, name it.",
    form="text",
)
"""To be asked in a survey inside the world, at its end; see `audit`."""
_ABSENT = "absent"  # kind of events that say that an answer was not valid: nobody's words
_START = 4  # words by which a text is looked for in a prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """One number of an audit.

    Attributes
    ----------
    principle : str
        Which of the six.
    what : str
        What was counted.
    n, of : int
        How many, of how many; `of` 0 where there was nothing to count.
    example : str
        One of them; empty where there is none.
    """

    principle: str
    what: str
    n: int
    of: int
    example: str = ""

    @property
    def share(self) -> float | None:
        """Of those that were counted; None of nothing."""
        return self.n / self.of if self.of else None


class _Texts:
    """Texts with whose they are, found again inside other texts."""

    def __init__(self, texts: Iterable[tuple[int, str]]) -> None:
        self._by_start: dict[tuple[str, ...], dict[tuple[str, ...], set[int]]] = {}
        for agent, text in texts:
            if words := tuple(words_of(text)):
                self._by_start.setdefault(words[:_START], {}).setdefault(words, set()).add(agent)

        self._lengths = {len(start) for start in self._by_start}

    def owners(self, words: Sequence[str]) -> Iterator[int]:
        """Whose texts stand in these words; some more than once."""
        for k in range(len(words)):
            for length in self._lengths:
                for text, agents in self._by_start.get(tuple(words[k : k + length]), {}).items():
                    if tuple(words[k : k + len(text)]) == text:
                        yield from agents


def audit(
    answered: Iterable[tuple[Trial, Response]],
    states: Sequence[State],
    *,
    hypothesis: Sequence[str] = (),
    twin: Iterable[tuple[Trial, Response]] = (),
    has_people: bool = False,
) -> tuple[Audited, ...]:
    """What a society does of what makes it one.

    Parameters
    ----------
    answered : iterable of (Trial, Response)
        Everything that was asked, with what came back; cells and what is asked of nobody count for control only.
    states : sequence of State
        The last state of each society, in the order of their numbers, with all events and memories.
    hypothesis : sequence of str
        Words that name what is expected or the study itself: they steer where they stand in a prompt, and show that the
        study is known where they stand in an answer to `AWARE`. A word may have several parts.
    twin : iterable of (Trial, Response)
        The same of a society with another story, for what is known of the study there.
    has_people : bool
        Whether people's data stand beside it.

    Returns
    -------
    tuple of Audited
        ``profile``: distinct system texts among agents. ``interaction``: turns whose words contain words of an event by
        somebody else. ``memory``: turns that contain a memory of the agent's. ``minimal control``: turns that contain a
        word of the hypothesis. ``unawareness``: answers to `AWARE` that contain one, in each arm (one of another story
        and the same rules is a twin in the same run), and in the twin. ``realism``.
    """
    said = _Texts((-1, word) for word in hypothesis)
    told, remembered = _by_society(states)
    profiles: dict[str, str] = {}
    n = dict.fromkeys(("turns", "interaction", "memory", "asked", "steered"), 0)
    example = dict.fromkeys(("interaction", "memory", "steered"), "")
    aware: dict[str, list[tuple[Trial, Response]]] = {"": []}
    for trial, response in answered:
        if trial.place.item == AWARE.id:
            aware.setdefault(dict(trial.place.condition).get("arm", ""), []).append((trial, response))
            continue
        words = words_of("\n".join(message.text for message in trial.request.messages))
        n["asked"] += 1
        found = {"steered": any(True for _ in said.owners(words))}
        society, _, who = trial.place.subject.partition(".")
        if who.isdigit():
            n["turns"] += 1
            system = next((message.text for message in trial.request.messages if message.role == "system"), "")
            profiles.setdefault(trial.place.subject, system)
            number = int(who)
            found["interaction"] = any(owner not in (number, -1) for owner in told[int(society)].owners(words))
            found["memory"] = number in remembered[int(society)].owners(words)
        for name, is_so in found.items():
            n[name] += is_so
            example[name] = example[name] or trial.id * is_so
    in_arms = [(f"in the arm {arm!r}", rows) for arm, rows in sorted(aware.items()) if arm]
    known = [
        ("unawareness", f"answers that name the study{where and f', {where}'}", *_aware(said, rows))
        for where, rows in (("", aware[""]), *in_arms, ("in the twin", twin))
    ]
    rows = [
        ("profile", "distinct profiles among agents", len(set(profiles.values())), len(profiles), ""),
        ("interaction", "turns with words of others", n["interaction"], n["turns"], example["interaction"]),
        ("memory", "turns with memories", n["memory"], n["turns"], example["memory"]),
        ("minimal control", "turns with words of the hypothesis", n["steered"], n["asked"], example["steered"]),
        *known,
        ("realism", "people's data beside it", int(has_people), 1, ""),
    ]
    return tuple(Audited(principle=p, what=what, n=k, of=of, example=one) for p, what, k, of, one in rows)


def _by_society(states: Sequence[State]) -> tuple[list[_Texts], list[_Texts]]:
    """What was said and done by whom, and what is remembered by whom, in each society."""
    told: list[_Texts] = []
    remembered: list[_Texts] = []
    for state in states:
        for rows, found in ((state.events, told), (state.memories, remembered)):
            columns = (rows.column(name) for name in ("agent", "text", "kind"))
            texts = [
                (cast(int, agent), str(text)) for agent, text, kind in zip(*columns, strict=True) if kind != _ABSENT
            ]
            found.append(_Texts(texts))
    return told, remembered


def _aware(said: _Texts, rows: Iterable[tuple[Trial, Response]]) -> tuple[int, int, str]:
    """How many answers name the study, of how many, and the first that does."""
    texts = [str(r.answer) for t, r in rows if t.place.item == AWARE.id and r.status == "valid"]
    known = [text for text in texts if any(True for _ in said.owners(words_of(text)))]
    return len(known), len(texts), known[0] if known else ""
