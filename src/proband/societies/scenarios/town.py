"""A town for two days: 25 people plan, go about, talk and remember, and two of them have news.

After Park et al. (2023, doi:10.1145/3586183.3606763). Each hour everybody decides where to go, then whom to talk to,
then what to say. Whoever knows of the news has a memory that leads back to where it began; so what is known, and what
of it is false, is computed, and nobody is asked.
"""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from proband.designs.kind import Shared
from proband.instruments.items import Item
from proband.societies.agents.knowledge import false_knowledge, knowers, of_what_was_told, origin, tell
from proband.societies.agents.memory import Memory, memories_of, recall, remember, told_of
from proband.societies.agents.minds import MindKeys, Minds
from proband.societies.agents.theory import Scene
from proband.societies.deciding import answered
from proband.societies.ground.places import settle
from proband.societies.networks import Network
from proband.societies.scenario import Scenario
from proband.societies.scenarios import townspeople as folk
from proband.societies.scenarios.townspeople import NEWS, PLACE_NAMES, PLACES, SUPPER, SUPPER_HOUR, News, agrees
from proband.societies.state import State
from proband.societies.world import Ask, Heard, Person, World

KEEP, CHAT, TELL = "Keep to yourself", "Chat with {}", "Tell {} of {}"
TALK = Item(
    id="talk", text="What do you do now?", form="choice",
    options=(KEEP, CHAT.format("somebody"), *(TELL.format("somebody", news.topic) for news in NEWS)),
)  # fmt: skip
SAY = Item(id="say", text="What do you say? Write one short sentence, and nothing else.", form="text")
_SEEN, _SAID = "seen", "said"


class Keys(MindKeys):
    """Of the town; `parts` of an arm says what of the agents is left."""

    agents: int = Field(default=folk.MOST, ge=3, le=folk.MOST, description="how many of the 25 live there")
    days: int = Field(default=2, ge=1, description="how many; the supper is on the last")
    day_begins: int = Field(default=8, ge=0, le=SUPPER_HOUR, description="hour at which people can first go out")
    day_ends: int = Field(default=20, gt=SUPPER_HOUR, le=24, description="hour at which the day is over")
    company: int = Field(default=2, ge=1, description="of those at the same place, how many one can talk to")
    theory: str = Field(default="daily-plan", description="one of `proband list theories`")
    background: str = Field(default=folk.BACKGROUND, description="the world as it stands, told to everybody")

    @model_validator(mode="after")
    def _plans_by_the_day(self) -> Self:
        if self.theory == "daily-plan":
            self.settings = {"rounds_in_a_day": self.day_ends - self.day_begins, **self.settings}
        return self


class Town(World):
    """Rounds are hours; each has three turns, `go`, `talk` and `say`."""

    fixed = frozenset({"agents", "days", "day_begins", "day_ends"})

    def __init__(self, keys: Keys, shared: Shared) -> None:
        self.keys = keys
        self.minds = Minds(
            keys, seed=shared.seed, people=folk.PEOPLE, folder=shared.folder, where=shared.where, rounds=self.rounds
        )

    @property
    def items(self) -> Sequence[Item]:
        """Everything that agents think, and what they do and say."""
        return (*self.minds.items([self._way(name, "") for name in PLACE_NAMES[: folk.N_PUBLIC]]), TALK, SAY)

    def roles(self) -> Sequence[str]:
        """One engine, and those of minds."""
        return tuple(dict.fromkeys(["", *self.minds.roles()]))

    def people(self, state: State) -> Sequence[Person]:
        """All of them, with what they say about themselves."""
        return [Person(agent=int(k), role=folk.NAMES[k], traits=folk.PEOPLE[int(k)].traits) for k in state.numbers]

    @property
    def rounds(self) -> int:
        """Hours of all days."""
        return self.keys.days * self._hours

    @property
    def _hours(self) -> int:
        return self.keys.day_ends - self.keys.day_begins

    def _when(self, state: State) -> tuple[int, int]:
        day, hour = divmod(state.round - 1, self._hours)
        return day + 1, self.keys.day_begins + hour

    def begin(self, society: int) -> State:
        """Everybody is at home, knows house and work, and two have news."""
        n = self.keys.agents
        house, work = (np.array([PLACE_NAMES.index(name) for name in of[:n]]) for of in (folk.HOUSES, folk.WORK))
        know = np.triu((house[:, None] == house) | (work[:, None] == work), 1)
        state = State(
            society=society,
            agents={
                "name": np.array(folk.NAMES[:n]), "house": house, "place": house.copy(),
                **{f"knows_{news.key}": np.arange(n) == news.agent for news in NEWS}, "came": np.zeros(n, bool),
            },
            networks={"known": Network.of(know.nonzero()[0], know.nonzero()[1], n, both=True)},
            values={"turn": "go", "news": {}, "talks": []},
        )  # fmt: skip
        for news in NEWS:
            text = news.text.format(day=self.keys.days)
            event = state.values["news"][news.key] = state.happened("news", news.agent, text=text)
            remember(state, news.agent, text, event=event, importance=10, kind="did")
        return state

    def turns(self, state: State) -> Sequence[Ask]:
        """Where to, whom to talk to, what to say."""
        match state.values["turn"]:
            case "go":
                return self.minds.turns(state, self._scene)
            case "talk":
                return [self._talk(state, k) for k in range(len(state)) if self._beside(state, k)]
        return [self._say(state, *row) for row in state.values["talks"]]

    def advance(self, state: State, heard: Sequence[Heard]) -> State:
        """Who decided goes; who talks is heard by whom it talks to, and both remember it."""
        turn = state.values["turn"]
        if turn == "go" and self.minds.advance(state, heard, self._scene):
            self._go(state)
            state.values["turn"] = "talk"
        elif turn == "talk":
            state.values.update(turn="say", talks=self._chosen(state, heard))
        elif turn == "say":
            said = answered(state, heard)
            talks = [(k, to, said[k]) for k, to, _ in state.values["talks"] if k in said]
            # What each knows before anybody speaks: all speak at the same time.
            for k, to, words, known_by in [(*talk, self._known_by(state, talk[0])) for talk in talks]:
                self._hear(state, k, to, " ".join(str(words).split()), known_by)
            two = np.array([(k, to) for k, to, _ in talks], np.int64).reshape(-1, 2).T
            known = state.networks["known"]
            sources, targets = np.concatenate([[known.sources, known.targets], two], axis=1)
            state.networks["known"] = Network.of(sources, targets, len(state), both=True)
            for news in NEWS:
                state.agents[f"knows_{news.key}"] = np.isin(state.numbers, self._knowers(state, news))
            state.values.update(turn="go", talks=[])
            state.is_over = state.round >= self.rounds
            state.round += 1
        return state

    def measures(self, state: State) -> Mapping[str, float]:
        """Diffusion, density and false knowledge; and who came to the supper, once it was."""
        known, n = {news.key: self._knowers(state, news) for news in NEWS}, len(state)
        found = {f"knows_{key}": len(who) / n for key, who in known.items()}
        found["density"] = len(state.networks["known"].targets) / (n * (n - 1))
        false = of_what_was_told(state, false_knowledge(state, agrees))
        if false is not None:
            found["false"] = false
        if (knew := state.values.get("knew")) is not None:
            came = state.agents["came"]
            asked = np.isin(state.numbers, knew)
            asked[SUPPER.agent] = False
            others = ~np.isin(state.numbers, [*knew, SUPPER.agent])
            shares = (("came", asked), ("came_unknowing", others))
            found |= {name: float(came[who].mean()) for name, who in shares if who.any()}
        return found

    def kept(self, state: State) -> Sequence[str]:
        """Where everybody is, and what they know."""
        return ("place", *(f"knows_{news.key}" for news in NEWS), "came")

    def interview(self, state: State, k: int, wave: str) -> tuple[str, str]:
        """As everybody is asked here."""
        return self.minds.interview(state, k)

    def _knowers(self, state: State, news: News) -> list[int]:
        return sorted(knowers(state, state.values["news"][news.key]))

    def _way(self, name: str, here: str, house: str = "") -> str:
        if name == house:
            return "Stay at home" if name == here else "Go home"
        return f"Stay at the {name}" if name == here else f"Go to the {name}"

    def _ways(self, state: State, k: int) -> Mapping[str, int]:
        """Where an agent can go, in words."""
        hour, here, house = self._when(state)[1], int(state.agents["place"][k]), int(state.agents["house"][k])
        open_ = [at for at in (*range(folk.N_PUBLIC), house) if PLACES[at].is_open(hour)]
        return {self._way(PLACE_NAMES[at], PLACE_NAMES[here], PLACE_NAMES[house]): at for at in open_}

    def _beside(self, state: State, k: int) -> list[int]:
        at = state.agents["place"]
        return [j for j in np.flatnonzero(at == at[k]).tolist() if j != k]

    def _situation(self, state: State, k: int) -> str:
        day, hour = self._when(state)
        at, beside = int(state.agents["place"][k]), [state.name(j) for j in self._beside(state, k)]
        where = "at home" if at == state.agents["house"][k] else f"at the {PLACE_NAMES[at]}. {PLACES[at].about}".strip()
        shown = _listed(beside[:6] + [f"{len(beside) - 6} others"] * (len(beside) > 6))
        return f"It is day {day}, {hour:02d}:00. You are {where.rstrip('.')}. With you: {shown or 'nobody'}."

    def _facts(self, state: State, k: int) -> tuple[tuple[str, str], ...]:
        day, hour = self._when(state)
        at = PLACE_NAMES[int(state.agents["place"][k])]
        return (("number", str(state.numbers[k])), ("day", str(day)), ("hour", str(hour)), ("place", at))

    def _scene(self, state: State, k: int) -> Scene:
        return Scene(
            state=state, number=int(state.numbers[k]), situation=self._situation(state, k),
            options=tuple(self._ways(state, k)), others=tuple(state.name(j) for j in self._beside(state, k)),
            facts=self._facts(state, k)[1:],
        )  # fmt: skip

    def _mind(self, state: State, k: int) -> list[Memory]:
        """What comes to mind now."""
        if "memory" not in self.minds.has:
            return []
        return recall(state, int(state.numbers[k]), self._situation(state, k), how=self.minds.recalling)

    def _news_of(self, state: State, found: Memory) -> News | None:
        """What a memory is news of, by the event from which it comes."""
        first = origin(state, found.event)
        row = state.events[first] if first >= 0 else {"kind": ""}
        own = (news for news in NEWS if first == state.values["news"][news.key] or row["kind"] == news.key)
        return next(own, None)

    def _offers(self, state: State, k: int) -> dict[str, tuple[int, str]]:
        """What one can do with whom, in words: to be silent, to chat, to tell of what comes to mind."""
        beside, draws = self._beside(state, k), self.uniforms(state, "company", int(state.numbers[k]))
        in_mind = {id(news): news for found in self._mind(state, k) if (news := self._news_of(state, found))}
        found = {KEEP: (-1, "")}
        for j in sorted(beside, key=lambda j: draws[j])[: self.keys.company]:
            found[CHAT.format(state.name(j))] = (j, "")
            found |= {TELL.format(state.name(j), news.topic): (j, news.key) for news in in_mind.values()}
        return found

    def _put(self, state: State, k: int, item: Item, after: str = "", **facts: str) -> Ask:
        told = (told_of(self._mind(state, k)), f"{self._situation(state, k)}{after}")
        return Ask(
            agent=int(state.numbers[k]), item=item, told="\n\n".join(filter(None, told)),
            system=self.minds.system(state, k), facts=(*self._facts(state, k), *facts.items()),
        )  # fmt: skip

    def _talk(self, state: State, k: int) -> Ask:
        offers = tuple(self._offers(state, k))
        item = Item(id=TALK.id, text=TALK.text, form="choice", options=offers)
        return self._put(state, k, item, offers="; ".join(offers))

    def _chosen(self, state: State, heard: Sequence[Heard]) -> list[tuple[int, int, str]]:
        offers = {one.ask.agent: one.ask.item.options for one in heard}
        chosen = []
        for k, answer in answered(state, heard).items():
            to, about = self._offers(state, k)[offers[int(state.numbers[k])][answer]]
            if to >= 0:
                chosen.append((k, to, about))
        return chosen

    def _say(self, state: State, k: int, to: int, about: str) -> Ask:
        topic = next((f" You tell {state.name(to)} of {news.topic}." for news in NEWS if news.key == about), "")
        after = topic or f" You chat with {state.name(to)}."
        return self._put(state, k, SAY, after, to=state.name(to), about=about)

    def _known_by(self, state: State, k: int) -> dict[str, int]:
        """Of the news that an agent knows, the event from which it has it."""
        of = [(self._news_of(state, found), found.event) for found in memories_of(state, int(state.numbers[k]))]
        return {news.key: event for news, event in reversed(of) if news}

    def _hear(self, state: State, k: int, to: int, words: str, known: Mapping[str, int]) -> None:
        """What was said is news if it names it, whatever it was meant to be; who cannot know it, tells of nothing."""
        me, other, place = int(state.numbers[k]), int(state.numbers[to]), PLACE_NAMES[int(state.agents["place"][k])]
        text = f"{state.name(k)} to {state.name(to)}: {words}"
        events = [
            tell(state, me, other, text, place=place, about=known.get(news.key, -1))
            for news in NEWS
            if news.is_in(words)
        ]
        for event in events or [state.happened(_SAID, me, target=other, place=place, text=text)]:
            self.minds.perceive(state, me, text, event=event, kind="did")
            self.minds.perceive(state, other, text, event=event, kind="heard")

    def _go(self, state: State) -> None:
        """Go where there is room; those at a place see who is there, and nobody else does."""
        day, hour = self._when(state)
        now = state.agents["place"].astype(float)
        wanted = now.copy()
        for k, number in enumerate(state.numbers.tolist()):
            if action := self.minds.action(state, number):
                wanted[k] = self._ways(state, k)[action]
        got, away = settle(PLACES, now, wanted, hour, self.uniforms(state, "room"))
        is_open = [PLACES[int(k)].is_open(hour) for k in got]
        state.agents["place"] = at = np.where(is_open, got, state.agents["house"]).astype(np.int64)
        for k in away.tolist():
            state.happened("turned away", int(state.numbers[k]), place=PLACE_NAMES[int(wanted[k])])
        is_supper = day == self.keys.days and hour == SUPPER_HOUR
        if is_supper:
            state.agents["came"] = at == PLACE_NAMES.index(dict(SUPPER.facts)["place"])
            state.values["knew"] = self._knowers(state, SUPPER)
        for place in np.unique(at).tolist():
            here = np.flatnonzero(at == place)
            kind, who = _SEEN, _listed([state.name(k) for k in here.tolist()])
            text = f"Day {day}, {hour:02d}:00: {who} at the {PLACE_NAMES[place]}."
            if is_supper and state.agents["came"][here[0]] and SUPPER.agent in here:
                kind, text = SUPPER.key, f"Day {day}, {hour:02d}:00: Hedda's supper at the boathouse, with {who}."
            event = state.happened(kind, place=PLACE_NAMES[place], text=text)
            for k in here.tolist():
                self.minds.perceive(state, int(state.numbers[k]), text, event=event)


def _listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _make(shared: Shared, keys: Keys) -> Town:
    return Town(keys, shared)


SCENARIO = Scenario(
    name="town",
    about="25 people who plan, go about, talk and remember for two days; two of them have news",
    keys=Keys,
    make=_make,
    agrees=agrees,
    check="if all meet on the square and who knows of the supper tells somebody each hour, two know of it after one "
    "hour and 3.877 on average after two; where nobody talks, one does",
)
