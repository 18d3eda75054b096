"""Sentences of party programmes, coded by the embedded model without labels: by channel it sees what they are about."""

import numpy as np
import pytest

from proband import collect
from proband.instruments.codebooks import load_codebook
from proband.measures import cohen_kappa
from proband.subjects.corpora import read_corpus
from proband.texts.coders import Coder
from proband.texts.codes import codes_of
from proband.texts.design import Coding

AREAS = ("Neither", "Economic", "Social")  # as the gold numbers them
N = 120


@pytest.mark.slow
def test_channel_agrees_with_people_on_what_a_sentence_is_about(tmp_path, shared_data):
    data = shared_data / "text" / "manifesto_gold497.csv.gz"
    if not data.is_file():
        pytest.skip(f"{data} is not here")
    corpus = read_corpus(data, id="sentenceid", text="sentence_text", unit="manifestoid")
    drawn = sorted(np.random.default_rng(7).permutation(len(corpus))[:N])
    corpus = corpus.take([corpus.ids[k] for k in drawn])
    book = load_codebook("economic-social").subset(("area",))
    design = Coding(codebook=book, corpus=corpus, coders=(Coder(name="coder", answer_by="channel"),), seed=1)
    run = collect(design, {"coder": "smollm2"}, tmp_path / "run")
    gold = dict(corpus.columns.select("document", "policy_area_gold").iter_rows())
    kappas = []
    for prior_correction in (False, True):
        table = np.zeros((3, 3))
        given = codes_of(run, prior_correction=prior_correction)
        for document, code in given.select("document", "code").iter_rows():
            table[int(gold[document]) - 1, AREAS.index(code)] += 1
        kappas.append(cohen_kappa(table).value)
    # Measured: .42 (95 % interval .27 to .55), prior corrected .46 (.33 to .57).
    assert kappas == pytest.approx([0.420, 0.462], abs=0.03)
