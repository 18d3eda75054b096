"""Short texts on everyday things: how varied they are, and which laws their words follow."""

from proband.batteries.battery import Battery, Setting
from proband.batteries.material import amount
from proband.batteries.writing import Writing, writing

PROMPTS = {
    "kitchen": "Describe everything that happens in a busy kitchen.",
    "journey": "Tell the story of a journey that went wrong.",
    "neighbour": "Describe an old neighbour and a day in their life.",
    "storm": "Tell what happened in a village during a storm.",
    "market": "Describe a market in the early morning.",
    "letter": "Tell the story of a letter that came too late.",
    "garden": "Describe how a garden changes over a year.",
    "school": "Tell what you would see on the first day of school.",
    "repair": "Describe how somebody repairs a broken bicycle.",
    "feast": "Tell the story of a feast that nobody came to.",
    "river": "Describe a walk along a river.",
    "shop": "Tell what a shopkeeper thinks about all day.",
}


def design(setting: Setting) -> Writing:
    """The prompts, several texts of each."""
    prompts = dict(list(PROMPTS.items())[: 6 if setting.is_quick else None])
    return writing(BATTERY, setting, prompts, amount(setting, 2, 1))


BATTERY = Battery(
    name="short-texts",
    title="Short texts",
    about="texts on everyday things: lexical diversity, repetition, content words, and the laws of their words",
    discipline="linguistics",
    source=(
        "prompts of our own, after picture descriptions in neuropsychology; Li et al. (2022), ACL, on degraded models. "
        "doi:10.18653/v1/2022.acl-long.131"
    ),
    licence="prompts of our own, free to use",
    page=(
        "A model writes some hundred words on an everyday thing. Diversity (MTLD, HD-D) falls and repetition rises "
        "where a model has lost its thread; the share of content words falls where it talks without saying anything. "
        "Word frequencies are held against a power law (Zipf) and the growth of the vocabulary against Heaps' law, "
        "each with its goodness of fit: that a law is rejected is as telling as its exponent. n is the number of texts "
        "of each prompt. These measures do not know whether a text is true or any good."
    ),
    design=design,
    analyses=("lexis",),
    needs="writing",
    is_generated=True,
)
