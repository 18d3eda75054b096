"""Ten people, four items: the study that is killed and resumed, run as ``python FILE ADDRESS FOLDER``."""

import sys

from proband.addresses import open_engine
from proband.designs import Survey
from proband.instruments import Instrument, Item
from proband.runs import collect
from proband.subjects import Field, Population, Subject

ATTITUDE = ("Strongly disagree", "Disagree", "Agree", "Strongly agree")
TEXTS = ("Most people can be trusted.", "Taxes are too high.", "The climate is changing.", "Cities are too loud.")


def survey() -> Survey:
    """The same at every call."""
    items = tuple(Item(id=f"q{k}", text=text, form="scale", options=ATTITUDE) for k, text in enumerate(TEXTS))
    age = Field(column="age", first="I am {value} years old.", third="The person is {value} years old.")
    people = tuple(Subject(id=f"s{k}", traits={"age": 20 + 7 * k}) for k in range(10))
    return Survey(
        instrument=Instrument(id="ten", title="Ten people", items=items),
        subjects=Population(name="ten", subjects=people, fields=(age,)),
        seed=1,
        answer_by="option_text",
    )


def main() -> None:
    """Carry it out, and say after every commit how many answers are kept."""
    address, folder = sys.argv[1:]
    with_two = open_engine(address, concurrency=2)
    collect(survey(), with_two, folder, watch=lambda tally: print(tally.done, flush=True))
    with_two.close()


if __name__ == "__main__":
    main()
