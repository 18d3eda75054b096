"""Semantic illusions: does it show that a question names the wrong one."""

from collections.abc import Sequence

from proband.batteries.battery import Battery, Contrast, Setting
from proband.batteries.generated import answers, choice, numbered
from proband.batteries.material import OWN, amount, drawn, rows, scale
from proband.errors import DesignError
from proband.instruments.items import Instrument, Item
from proband.seeds import rng_for

MISTAKE = "Something in the question is wrong"
# Question, who it was, who it was not, the answer about the first, another answer.
_KNOWN = rows(
    """
On which body did {} set foot in 1969, first of all people? | Neil Armstrong | Louis Armstrong | The Moon | Mars
What kind of animal swallows {} in the Bible? | Jonah | Job | A big fish | A lion
In which Italian city does {} let Romeo and Juliet live? | Shakespeare | Molière | Verona | Naples
On which ship did {} sail to the Galápagos Islands? | Darwin | Mendel | The Beagle | The Bounty
What does {} lose on the stairs when she leaves the ball? | Cinderella | Snow White | A shoe | A ring
With how many dwarfs does {} live? | Snow White | Sleeping Beauty | Seven | Nine
Which animal eats the grandmother of {}? | Little Red Riding Hood | Goldilocks | A wolf | A bear
Of what is the house of the third of the three little {}? | pigs | bears | Bricks | Straw
What does the nose of {} do when he lies? | Pinocchio | Peter Pan | It grows | It turns blue
What did emperors of {} build of stone against riders from the north? | China | India | The Great Wall | A canal
Into what did everything turn that King {} touched? | Midas | Minos | Gold | Salt
Over which mountains did {} lead elephants against Rome? | Hannibal | Attila | The Alps | The Urals
What did {} find in a mouldy dish in 1928? | Alexander Fleming | Alexander Bell | Penicillin | Insulin
What fell from a tree, as the story goes, and made {} think? | Newton | Kepler | An apple | A pear
Which river flows through Cairo, the capital of {}? | Egypt | Morocco | The Nile | The Niger
From whom did {} of Sherwood Forest take, to give to the poor? | Robin Hood | Robinson Crusoe | The rich | The soldiers
After which day does {} name the man he meets on the island? | Robinson Crusoe | Don Quixote | Friday | Monday
Against what does {} ride because he takes them for giants? | Don Quixote | Gulliver | Windmills | Towers
Which doctor lives in Baker Street with {}? | Sherlock Holmes | Hercule Poirot | Watson | Jekyll
In which city stood the wall that divided {} until 1989? | Germany | Austria | Berlin | Munich
How many legs does an {} have on its body of three parts? | insect | arachnid | Six | Ten
On how many hills, as the saying goes, was {} built, the city of Romulus? | Rome | Athens | Seven | Four
Where does {} hear the bell called Big Ben strike? | London | Dublin | At Parliament | At the cathedral
Of what did {} make wings for his son, who flew too high? | Daedalus | Perseus | Feathers and wax | Silk and wood
"""
)


def instrument(setting: Setting) -> Instrument:
    """Every question twice: with the wrong name, and with the right one, where nothing is wrong."""
    n = amount(setting, 12, 5)
    known = drawn(_KNOWN, n, rng_for(setting.seed, "semantic-illusions"), "facts for semantic illusions")
    wrong, right = list[Item](), list[Item]()
    for k, (question, true, false, answer, other) in enumerate(known, 1):
        rng = rng_for(setting.seed, "semantic-illusions", question)
        if false == true:
            raise DesignError(f"{question!r}: both names are {true!r}, so that two answers are right")
        scores = answers(MISTAKE, answer, other)
        wrong.append(choice(numbered("wrong-name", k), question.format(false), scores, rng, lures=[answer]))
        right.append(choice(numbered("right-name", k), question.format(true), answers(answer, MISTAKE, other), rng))
    text = "How many animals of each kind did {} take onto the ark?"
    rng = rng_for(setting.seed, "semantic-illusions", "ark")
    ark = choice("ark", text.format("Moses"), answers(MISTAKE, "Two", "Seven"), rng, lures=["Two"])
    return Instrument(
        id="semantic-illusions",
        title="Semantic illusions",
        items=(ark, *wrong, *right),
        scales=(
            scale("illusion", "notices the wrong name", wrong),
            scale("control", "answers where the name is right", right),
            scale("published", "notices Moses", [ark]),
        ),
    )


def contrasts(setting: Setting) -> Sequence[Contrast]:
    """What the wrong name costs, and whether the known question is noticed more often than fresh ones."""
    return (
        Contrast(
            name="right with the right name, minus with the wrong one", weights={"control": 1.0, "illusion": -1.0}
        ),
        Contrast(name="fresh minus published", weights={"illusion": 1.0, "published": -1.0}, isomorph_of="published"),
        Contrast(name="tempted by the wrong name", weights={"illusion:lure": 1.0}),
    )


BATTERY = Battery(
    name="semantic-illusions",
    title="Semantic illusions",
    about="questions that name the wrong one, and the same questions with the right one",
    discipline="psychology",
    source="Erickson & Mattson (1981), Journal of Verbal Learning and Verbal Behavior 20, 540-551, "
    "https://doi.org/10.1016/S0022-5371(81)90165-1; for models Hagendorff, Fabi & Kosinski (2023), Nature "
    "Computational Science 3, 833-838, https://doi.org/10.1038/s43588-023-00527-x",
    licence=OWN,
    page="A question names somebody who was not there, and one of the answers says so. The score is 1 where that is "
    "chosen; with the right name the score is 1 for the answer. Chance is a third. Look at both scales together: an "
    "engine that finds fault with everything does well on the first and badly on the second. People often answer "
    "although they know better; no figure is known for these questions.",
    instrument=instrument,
    contrasts=contrasts,
    is_generated=True,
)
