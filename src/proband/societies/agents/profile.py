"""Who an agent is, in words: what stands before everything it is asked."""

from collections.abc import Collection

from proband.errors import DesignError
from proband.subjects.personas import PersonaFormat, describe
from proband.subjects.populations import Population

_AS = {
    "first": "You are the person who says this about themselves:\n\n{backstory}",
    "third": "You are this person:\n\n{backstory}",
    "interview": "You are the person who gave this interview:\n\n{backstory}",
}


class Profiles:
    """System texts of agents, whose person is that of the same place in a population, begun again where it ends.

    Parameters
    ----------
    people : Population or None
        Who the agents are; None for nobody in particular.
    format : PersonaFormat
        In which form persons are told.
    background : str
        The world as it stands, for everybody.
    omit : collection of str
        Columns that would give an answer away.
    """

    def __init__(
        self,
        people: Population | None = None,
        format: PersonaFormat = "first",
        background: str = "",
        omit: Collection[str] = (),
    ) -> None:
        if format == "none" and people is not None:
            raise DesignError(
                "format 'none' says nothing of anybody; to ask without profiles, switch the part `profile` off"
            )
        self.people, self.format, self.background, self.omit = people, format, background, omit
        self._texts: dict[int, str] = {}

    def text(self, number: int, name: str = "", also: str = "") -> str:
        """System text of an agent: its name, its person, the background, and whatever else is given.

        The person is the one at the place of the agent's number in the population.
        """
        parts = [f"Your name is {name}." if name else "", self._person(number), self.background, also]
        return "\n\n".join(part for part in parts if part)

    def _person(self, number: int) -> str:
        if self.people is None:
            return ""
        k = number % len(self.people)
        if k not in self._texts:
            backstory = describe(self.people[k], self.people.fields, self.format, self.omit)
            self._texts[k] = _AS[self.format].format(backstory=backstory) if backstory else ""
        return self._texts[k]
