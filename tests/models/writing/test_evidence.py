"""Sentences over spans are written under a grammar that lists what may be cited, whatever the model."""

import json

from proband.literature.evidence.checks import check
from proband.literature.evidence.passages import spans_of
from proband.literature.evidence.sentences import Sentence, Shown
from proband.literature.evidence.writing import grammar
from proband.literature.records.library import library_of
from proband.literature.records.record import Record


def test_a_model_of_random_weights_cites_only_spans_it_was_shown_and_nothing_it_says_stands(opened, asked):
    abstract = "Consent was higher under the opt-out form. The default did not change how satisfied people were."
    library = library_of([Record(title="Defaults", authors=("Ahn, Mi",), year=2011, abstract=abstract)])
    shown = Shown.of(library, spans_of(library.corpus()))
    trials = [
        asked("What do they say?", schema=grammar(2, 1), temperature=1.0, seed=k, max_tokens=700) for k in range(2)
    ]
    tiny = opened(max_position_embeddings=900)
    tiny.check(trials)
    told = [json.loads(completion.text) for _, completion in tiny.answer(trials) if completion.finish == "stop"]
    sentences = [
        Sentence(text=one["text"], spans=tuple(one["spans"]), by="tiny") for reply in told for one in reply["sentences"]
    ]
    assert sentences
    assert {number for sentence in sentences for number in sentence.spans} <= {1, 2}
    assert {found.failed for found in check(sentences, shown, library.corpus())} == {"supports"}
