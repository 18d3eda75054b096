"""A text of our own, and how well a model reads it: what a change inside costs."""

from proband.batteries.battery import Battery, Setting
from proband.batteries.reading import LEADS, Quantity, Reading, Sentence, reading

# Written for this battery: it is in no corpus that a model was trained on before this file was.
PARAGRAPHS = (
    "The ferry to the island leaves twice a day in winter.| The first boat is for the post and the bread, the second "
    "for whoever missed the first. When the wind stands in the north neither of them goes, and the islanders eat what "
    "they have. Nobody complains about this. They keep flour, salt and lamp oil for three weeks, and they keep an eye "
    "on the harbour master's flag.|",
    "My grandmother repaired clocks, although nobody had taught her.| She opened the case, looked for a long time, and "
    "then moved one small wheel with the tip of a hairpin. Most of them went on ticking after that. When a clock could "
    "not be saved she took out the spring and put it into a cigar box, because one day another clock would need it.|",
    "The council has decided to move the weekly market.| From April on it will be held behind the station, where there "
    "is more room for vans and less shade for the fish. The traders were asked in a letter, and eleven of them "
    "answered. Six were in favour, four against, and one wrote that he would rather have his old letter back.|",
    "To plant a hedge, dig the trench in autumn.| It should be as deep as your forearm and twice as wide, so that the "
    "roots can lie flat. Mix what you dug out with compost before you put it back. Set the plants closer than looks "
    "right, water them well, and cut them down to half their height, even if it hurts.|",
    "The two brothers had not spoken since the sale of the mill.| One lived above the bakery and the other across the "
    "river, so that each could see in the evening whether the other had put his light on. When the older one fell ill, "
    "the window stayed dark for three days. On the fourth the younger one crossed the bridge with a pot of soup.|",
    "A glacier is not a block of ice but a slow river.| Snow that falls at the top is pressed until it flows, and it "
    "takes stones, trees and now and then a shoe with it. At the lower end it melts as fast as it arrives. What it "
    "carried lies there in a heap, and from such heaps one can tell where the ice once stood.|",
    "The machine in the laundry had a will of its own.| It took coins from children and refused them from grown men. "
    "If you kicked it, the light went on but the drum stood still. The woman who ran the place said that it had to be "
    "asked kindly, and put her hand on the lid, and it began to turn.|",
    "Last year the museum lent its smallest painting to a school.| It hung in the corridor between the coats, behind "
    "a pane of glass that the caretaker cleaned every Friday. The pupils passed it forty times a day. When it went "
    "back, the director asked what they had seen in it, and a girl said that the man in the boat was always late.|",
)


def design(setting: Setting) -> Reading:
    """The paragraphs: their first sentence is given, all else is read."""
    rows = [Sentence(id=f"paragraph-{k}", texts={"text": text}) for k, text in enumerate(PARAGRAPHS, start=1)][
        : 4 if setting.is_quick else None
    ]
    return reading(BATTERY, setting, rows, [Quantity(id="text", name="Surprisal of a paragraph", of="text")])


BATTERY = Battery(
    name="held-out",
    title="A text that was held out",
    about="surprisal of paragraphs of our own: what a change inside a model costs in plain reading",
    discipline="linguistics",
    source="written for Proband in 2026",
    licence="text of our own, free to use",
    page=(
        "The first sentence of a paragraph is given, and the rest is read as it stands. By itself the number says "
        "little; beside that of the same model changed inside it says whether the model still reads. A trait that "
        "moves while this stays is another matter than one that moves while this breaks."
    ),
    design=design,
    contexts={"lead": tuple(LEADS)},
    analyses=("reading",),
    needs="continuations",
)
