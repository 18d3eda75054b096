import json
from dataclasses import replace

import pytest

from proband.errors import DataError, EngineError
from proband.literature.evidence.judging import Judging, agreement, sheet, verdicts
from proband.literature.evidence.passages import central, spans_of
from proband.literature.evidence.sentences import Sentence, Shown
from proband.literature.evidence.synthesis import answered, renewed, synthesise
from proband.literature.evidence.writing import Writing, grammar
from proband.literature.records.library import library_of
from proband.literature.records.record import Record
from proband.literature.spans import normal
from proband.models.scripted import ScriptedEngine, scripted_engine
from proband.records import Completion
from proband.runs import collect
from tests.designs.survey.test_prompts import as_text, assert_golden


def writer(*sentences):
    """An engine that writes these: texts with the numbers they cite."""
    written = json.dumps({"sentences": [{"spans": spans, "text": text} for text, spans in sentences]})
    return ScriptedEngine(lambda trial: written, address="scripted:writer")


class Mumbling(ScriptedEngine):
    """Says what is none of the answers."""

    def __init__(self):
        super().__init__(lambda trial: None, address="scripted:mumbling")

    def _answer(self, trial):
        return Completion(text="Hm.", finish="stop")


def test_without_a_model_every_sentence_is_a_sentence_of_a_record_and_none_repeats_another(library):
    found = synthesise(library, "Do defaults change what people choose?", n=6)
    corpus = library.corpus()
    assert len(found.sentences) == 6
    assert not found.removed
    for sentence in found.sentences:
        (span,) = found.shown.cited(sentence)
        assert span.stands_in(corpus)
        assert normal(sentence.text) == " ".join(normal(span.text).split())
    words = [set(sentence.text.lower().split()) for sentence in found.sentences]
    assert max(len(a & b) / len(a | b) for k, a in enumerate(words) for b in words[:k]) < 0.4
    assert "default" in found.sentences[0].text.lower()
    assert found.told[0].startswith("Fabricated 0 of 6")


def test_a_sentence_that_stands_in_two_records_is_taken_once(library):
    first, *others = library.records.values()
    twin = replace(first, title="The same once more", authors=("Zorn, Ka",))
    spans = spans_of(library_of([first, twin, *others], apart=None).corpus())
    assert len({span.text for span, _ in central(spans, 8)}) == 8


def test_of_what_a_liar_writes_nothing_fabricated_is_printed(library, tmp_path):
    engine = scripted_engine("lying", sentences="40", share="0.7")
    found = synthesise(library, engine=engine, n=40, folder=tmp_path)
    texts = {span.text for span in found.shown.spans}
    assert len(found.removed) >= 20
    assert found.sentences
    for sentence in found.sentences:  # the truths that it tells are spans, whole or quoted, with their author
        (span,) = found.shown.cited(sentence)
        assert span.text in texts
        record = found.shown.records[span.record]
        bare = sentence.text.replace(f"{record.authors[0].split(',')[0]} ({record.year}) wrote", "").lstrip(": ")
        assert bare.removeprefix("that ").strip("\u201c\u201d.").lower() in span.text.lower().strip(".")
    assert "lying" in found.told[1]
    assert found == synthesise(library, engine=engine, n=40, folder=tmp_path)  # from what is stored


def test_a_writer_may_cite_only_numbers_of_spans_it_was_shown():
    cited = json.loads(grammar(3, 2))["properties"]["sentences"]["items"]["properties"]["spans"]
    assert (cited["items"], cited["minItems"]) == ({"enum": [1, 2, 3]}, 1)


def test_prompts_are_the_golden_ones(library, shown):
    some = Shown.of(library, shown.spans[:4])
    trials = [
        *Writing(shown={"": some}, n=3).trials({}),
        *Writing(shown={"Do defaults raise consent?": some}, n=2, is_answer=True).trials({}),
        *Judging(sentences={"1": Sentence(text="Consent was higher.", spans=(1, 2), by="me")}, shown=some).trials({}),
    ]
    assert_golden("evidence-writing", "\n\n".join(map(as_text, trials)) + "\n")


@pytest.mark.parametrize("reply", ["I am sorry.", '{"sentences": 3}', '{"sentences": [{"text": "No spans."}]}'])
def test_a_reply_that_is_no_list_of_sentences_says_nothing(library, reply):
    found = synthesise(library, engine=ScriptedEngine(lambda trial: reply, address="scripted:odd"))
    assert not found.sentences
    assert "gave no sentences over spans" in found.silence


def test_an_engine_that_fails_has_not_said_that_there_is_nothing_to_say(library):
    with pytest.raises(EngineError, match="did not answer: scripted failure; run the same again"):
        answered(library, "Does feedback raise compliance?", engine="scripted:lying?fail=1")


def test_a_question_is_answered_with_spans_or_not_at_all(library):
    found = answered(library, "Does feedback raise compliance with hand hygiene?")
    assert found.cited[0].title == "Feedback and hand hygiene"
    silent = answered(library, "Which vaccine protects poultry from influenza?", engine=writer(("Lies.", [1])))
    assert not silent.checked  # nobody was asked
    assert silent.silence.startswith("The corpus does not say: its nearest sentence has")
    lied = answered(
        library, "Does feedback raise compliance?", engine=writer(("Feedback cures influenza in poultry.", [1]))
    )
    assert lied.silence == "The corpus does not say: none of 1 sentences stands."
    with pytest.raises(DataError, match="an empty question"):
        answered(library, " ")


def test_in_a_large_library_the_index_finds_the_papers_whose_sentences_are_read(library):
    others = [
        Record(title=f"Paper {k} on birds", abstract=f"Some {k} birds sang in the old wood at dawn.", year=2000)
        for k in range(300)
    ]
    large = library_of([*others, *library.records.values()], apart=None)
    found = answered(large, "Does feedback raise compliance with hand hygiene?")
    assert found.cited[0].title == "Feedback and hand hygiene"
    assert answered(large, "Which vaccine protects poultry?").silence.startswith("The corpus does not say")


def test_a_judge_removes_what_rules_let_through_and_what_it_gives_no_verdict_on(library, tmp_path):
    kept = synthesise(library, n=3, judge="scripted:always?option=0")
    denied = synthesise(library, n=3, judge="scripted:always?option=1")
    assert (len(kept.sentences), len(denied.sentences)) == (3, 0)
    assert "as judge: not supported" in denied.removed[0].why
    sentences = {"1": Sentence(text="Consent was higher.", spans=(1,), by="me")}
    design = Judging(sentences=sentences, shown=Shown.of(library, spans_of(library.corpus())[:1]))
    run = collect(design, Mumbling(), tmp_path)
    assert set(run.dispositions()) == {"unparsed"}
    assert verdicts(run) == {"1": "no verdict that can be read"}


def test_a_persons_sample_hides_what_the_checks_said_and_is_compared_with_it(library, tmp_path):
    found = synthesise(library, engine=scripted_engine("lying", sentences="30", share="0.5"), n=30)
    path = tmp_path / "sheet.csv"
    path.write_text(sheet(found.checked, found.shown, 20), encoding="utf-8")
    lines = path.read_text(encoding="utf-8")
    failed = {k for k, checked in enumerate(found.checked, start=1) if checked.failed}
    assert not any(checked.why in lines for checked in found.removed)
    with pytest.raises(DataError, match=r"sheet\.csv, line 2: supported is ''; write yes or no"):
        agreement(path, found.checked)
    import polars as pl

    table = pl.read_csv(path)
    said = ["no" if number in failed else "yes" for number in table["number"]]
    table.with_columns(supported=pl.Series(said)).write_csv(path)
    assert agreement(path, found.checked).value == 1.0


def test_spans_are_followed_into_a_changed_library_and_lost_ones_are_named(library):
    found = synthesise(library, n=4)
    first = found.cited[0]
    longer = replace(first, abstract=f"Added in front of it all. {first.abstract}")
    others = [record for record in library.records.values() if record.title != first.title]
    again = renewed(found, library_of([longer, *others]))
    assert [s.text for s in again.sentences] == [s.text for s in found.sentences]
    assert again.shown.spans != found.shown.spans
    with pytest.raises(DataError, match="no longer has the words"):
        renewed(found, library_of([replace(first, abstract="All new."), *others]))
    with pytest.raises(DataError, match=f"record '{first.id}' of the span"):
        renewed(found, library_of(others))
