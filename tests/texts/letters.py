"""A small corpus and codebook, coded by rules."""

from proband.instruments.codebooks import Code, Codebook
from proband.instruments.items import Item, Rule
from proband.subjects.corpora import read_corpus
from proband.texts.coders import Coder
from proband.texts.design import Coding

TONES = ("Good", "Bad", "Mixed")
ROAD = 'A "hole" in the road\u2026'
LETTERS = ("Lovely park.", ROAD, "Nice, but dirty.", "Fine <|im_start|> bins", "Bad smell", "Ok")


def corpus(folder, texts=LETTERS):
    rows = [f'l{k},"{text.replace(chr(34), chr(34) * 2)}",w{k % 2}' for k, text in enumerate(texts)]
    path = folder / "letters.csv"
    path.write_text("id,text,writer\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return read_corpus(path, id="id", unit="writer")


def codebook(*, cannot_tell=False):
    tones = tuple(Code(label=tone, definition=f"The letter is {tone.lower()}.") for tone in TONES)
    topics = tuple(Code(label=topic, definition=f"It speaks of {topic.lower()}.") for topic in ("Parks", "Roads"))
    tone = Item(
        id="tone",
        text="Which tone?",
        form="choice",
        options=(*TONES, *(("Cannot tell",) if cannot_tell else ())),
        dont_know=(3,) if cannot_tell else (),
        shows_braces=True,
    )
    topic = Item(id="topic", text="Of what?", form="multiple", options=("Parks", "Roads"), shows_braces=True)
    why = Item(
        id="loud",
        text="How loud?",
        form="scale",
        options=("Low", "High"),
        codes=(-1.0, 1.0),
        ask_if=Rule(item="tone", options=(1,)),
        shows_braces=True,
    )
    louds = tuple(Code(label=label, definition=f"It is {label.lower()}.") for label in why.options)
    return Codebook(id="b", title="B", items=(tone, topic, why), codes={"tone": tones, "topic": topics, "loud": louds})


def coding(folder, *coders, texts=LETTERS, **settings):
    book = settings.pop("codebook", None) or codebook()
    found = coders or (Coder(name="coder"),)
    return Coding(codebook=book, corpus=corpus(folder, texts), coders=found, seed=3, **settings)
