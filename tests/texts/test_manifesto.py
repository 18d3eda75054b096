"""Sentences of party programmes, coded by the embedded model without labels: by channel it sees what they are about."""

from pathlib import Path

import numpy as np
import pytest

from proband import collect
from proband.instruments.codebooks import Code, Codebook
from proband.instruments.items import Item
from proband.measures import cohen_kappa
from proband.subjects.corpora import read_corpus
from proband.texts.coders import Coder
from proband.texts.codes import codes_of
from proband.texts.design import Coding

DATA = Path(__file__).parents[2] / "shared" / "data" / "text" / "manifesto_gold497.csv.gz"
AREAS = {
    "Neither": "Anything else: foreign policy, defence, the constitution, parties and elections, general statements.",
    "Economic policy": "Taxes, public spending, the budget, jobs, wages, trade unions, industry, business, trade and "
    "the regulation of markets.",
    "Social policy": "Immigration, crime, law and order, the family, abortion, homosexuality, education, religion, "
    "drugs, rights and equality.",
}
N = 200


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_file(), reason="shared/data/text is not here")
def test_channel_agrees_with_people_on_what_a_sentence_is_about(tmp_path):
    corpus = read_corpus(DATA, id="sentenceid", text="sentence_text", unit="manifestoid")
    drawn = sorted(np.random.default_rng(1).choice(len(corpus), N, replace=False))
    corpus = corpus.take([corpus.ids[k] for k in drawn])
    item = Item(id="area", text="What is it about?", form="choice", options=tuple(AREAS), shows_braces=True)
    codes = tuple(Code(label=label, definition=definition) for label, definition in AREAS.items())
    book = Codebook(id="areas", title="Areas", items=(item,), codes={"area": codes})
    design = Coding(codebook=book, corpus=corpus, coders=(Coder(name="coder", answer_by="channel"),), seed=1)
    given = codes_of(collect(design, {"coder": "smollm2"}, tmp_path / "run"))
    gold = dict(corpus.columns.select("document", "policy_area_gold").iter_rows())
    table = np.zeros((3, 3))
    for document, code in given.select("document", "code").iter_rows():
        table[int(gold[document]) - 1, list(AREAS).index(code)] += 1
    assert cohen_kappa(table).value >= 0.45
