"""Who lives in the town of the scenario `town`, where they can go, and what news there is: all of it made up."""

import re
from dataclasses import dataclass

from proband.societies.agents.ranking import words_of
from proband.societies.ground.places import Place
from proband.subjects import Field, Population
from proband.subjects.personas import Subject

BACKGROUND = "You live in Alder Ferry, a small town on a slow river, where people meet by day at a few places."
SUPPER_HOUR = 17

# Name, age, house, place of work, and what they say about themselves.
_ROWS = (
    ("Hedda", 47, "1 Quay Street", "boathouse", "I mend boats, sing while I do it, and like a full table."),
    ("Ivo", 50, "1 Quay Street", "boathouse", "I varnish what Hedda mends, and say little before noon."),
    ("Tomas", 55, "2 Quay Street", "town hall", "I keep the accounts of the town and think that they could be better."),
    ("Rina", 52, "2 Quay Street", "school", "I teach history, and correct people who get a date wrong."),
    ("Pelle", 17, "2 Quay Street", "school", "I am at school, draw in every margin and want to see a city."),
    ("Oda", 63, "3 Quay Street", "library", "I run the library, and know what everybody has not read."),
    ("Marek", 66, "3 Quay Street", "boathouse", "I was a ferryman for forty years, and still watch the water."),
    ("Lotte", 34, "4 Mill Lane", "bakery", "I bake from four in the morning and hear everything over the counter."),
    ("Sven", 36, "4 Mill Lane", "bakery", "I bring the bread around, and am glad of any reason to stop and talk."),
    ("Juna", 15, "4 Mill Lane", "school", "I am at school, play the trumpet, and have been asked to play it less."),
    ("Berit", 41, "5 Mill Lane", "school", "I teach arithmetic, and run along the river before breakfast."),
    ("Kasimir", 44, "5 Mill Lane", "bakery", "I make the cakes, and worry about the price of butter."),
    ("Anouk", 39, "6 Mill Lane", "inn", "I keep the inn, remember what people drink, and forget what they owe."),
    ("Dario", 42, "6 Mill Lane", "workshop", "I build cupboards, and measure twice."),
    ("Felix", 16, "6 Mill Lane", "school", "I am at school, repair radios, and sleep late where I can."),
    ("Greta", 58, "7 Chapel Row", "town hall", "I write the minutes of the council, and like things to be in order."),
    ("Henrik", 61, "7 Chapel Row", "workshop", "I repair clocks, and am always early."),
    ("Yara", 31, "8 Chapel Row", "town hall", "I plan the streets, came here two years ago, and still get lost."),
    ("Nils", 33, "8 Chapel Row", "inn", "I cook at the inn, and grow my own herbs behind it."),
    ("Svea", 14, "8 Chapel Row", "school", "I am at school, collect stones, and ask a great many questions."),
    ("Wim", 28, "9 Chapel Row", "inn", "I wait at tables, play the accordion, and owe Kasimir a favour."),
    ("Elin", 27, "9 Chapel Row", "library", "I look after the old maps, and write letters by hand."),
    ("Jonas", 45, "10 Hill Path", "workshop", "I forge gates and hinges, and am shy of large rooms."),
    ("Mirte", 43, "10 Hill Path", "orchard", "I grow apples, and can tell the weather of tomorrow."),
    ("Paavo", 70, "10 Hill Path", "orchard", "I graft trees, tell long stories, and know most families here."),
)
MOST = len(_ROWS)
NAMES, _, HOUSES, WORK, _ = zip(*_ROWS, strict=True)
_FIELDS = (
    Field(column="age", first="I am {value} years old.", third="The person is {value} years old."),
    Field(column="house", first="I live at {value}.", third="The person lives at {value}."),
    Field(column="work", first="By day I am at the {value}.", third="By day the person is at the {value}."),
    Field(column="about", first="{value}", third='The person says: "{value}"'),
)
PEOPLE = Population(
    name="alder-ferry",
    subjects=tuple([
        Subject(id=str(k), traits={"age": age, "house": house, "work": work, "about": about})
        for k, (_, age, house, work, about) in enumerate(_ROWS)
    ]),
    fields=_FIELDS,
)  # fmt: skip

# Name, room, hours, and what is to be seen there.
_PLACES = (
    ("square", None, (), "A fountain, two benches, and the road to everywhere else."),
    ("boathouse", None, (8.0, 22.0), "A long shed over the water; boats on trestles, tables along the wall."),
    ("bakery", 8, (6.0, 14.0), "It smells of rye; there is a counter and one bench."),
    ("school", None, (8.0, 15.0), "Three rooms and a yard with a chestnut tree."),
    ("workshop", 6, (8.0, 18.0), "Wood on one side, iron on the other."),
    ("town hall", 8, (9.0, 17.0), "A counter, a clock, and a board with notices."),
    ("library", 6, (10.0, 18.0), "Two reading rooms and a stove."),
    ("inn", 14, (11.0, 24.0), "A low room with six tables."),
    ("orchard", None, (), "Rows of apple trees above the town."),
)
PLACES = tuple([
    Place(name=name, about=about, capacity=room, hours=hours, ways=(), home=None)
    for name, room, hours, about in (*_PLACES, *((house, None, (), "") for house in dict.fromkeys(HOUSES)))
])  # fmt: skip
PLACE_NAMES = [place.name for place in PLACES]
N_PUBLIC = len(_PLACES)


@dataclass(frozen=True, kw_only=True)
class News:
    """Something that one agent knows at the beginning, and others can only know from mouth to mouth.

    Attributes
    ----------
    key : str
        In measures.
    agent : int
        Who knows it first.
    text : str
        What it is; ``{day}`` is the last one.
    topic : str
        What one tells others of.
    words : tuple of str
        Words by one of which it is recognised in what somebody says.
    facts : tuple of (str, str)
        What is true of it: of all the places, names or hours that words may give, the right one.
    """

    key: str
    agent: int
    text: str
    topic: str
    words: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]

    def is_in(self, words: str) -> bool:
        """Whether somebody who says this speaks of it."""
        return not set(self.words).isdisjoint(words_of(words))


NEWS = (
    News(
        key="supper", agent=0, topic="the supper at the boathouse",
        text=f"Hedda gives a supper at the boathouse on day {{day}} at {SUPPER_HOUR}:00, and everybody may come.",
        words=("supper", "dinner", "party"), facts=(("place", "boathouse"), ("hour", str(SUPPER_HOUR))),
    ),
    News(
        key="candidacy", agent=2, topic="the candidacy of Tomas",
        text="Tomas stands for mayor in the election next month.",
        words=("mayor", "election", "candidacy", "candidate"), facts=(("name", "Tomas"),),
    ),
)  # fmt: skip
SUPPER = NEWS[0]
_HOUR = re.compile(r"(?<!day )\b([01]?\d|2[0-4])\b", re.IGNORECASE)


def agrees(text: str, truth: str) -> bool:
    """Whether what was said, after who said it to whom, gives no other place, hour or name than the truth it tells of.

    Examples
    --------
    >>> truth = "Hedda gives a supper at the boathouse on day 2 at 17:00."
    >>> agrees("Ivo to Marek: Come to the supper at 5!", truth)
    True
    >>> agrees("Ivo to Marek: There is a supper at the inn.", truth)
    False
    """
    said = text.partition(": ")[2].casefold()
    if text == truth:
        return True
    for kind, right in next((news.facts for news in NEWS if news.is_in(truth)), ()):
        given = {
            "place": {name for name in PLACE_NAMES[:N_PUBLIC] if name in said},
            "hour": {str(int(hour) + 12 * (int(hour) == SUPPER_HOUR - 12)) for hour in _HOUR.findall(said)},
            "name": {name for name in NAMES if name.casefold() in words_of(said)},
        }[kind]
        if given and right not in given:
            return False
    return True
