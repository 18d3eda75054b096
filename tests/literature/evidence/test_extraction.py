import json
import re
from dataclasses import replace

import pytest

from proband.errors import DataError, EngineError
from proband.literature.evidence.effects import effects_by_measure, pooled
from proband.literature.evidence.exporting import matrix
from proband.literature.evidence.extraction import extract, read_evidence
from proband.literature.records.library import library_of
from proband.literature.records.prose import PAGES
from proband.literature.records.record import Record
from proband.models.scripted import ScriptedEngine, scripted_engine
from proband.subjects.corpora import LongTexts

SAID = {
    ("Ahn", "n"): "412",
    ("Ahn", "design"): "Randomised experiment",
    ("Ahn", "population"): "adults in Norway",
    ("Ahn", "effect"): "OR = 3.06, 95% CI 2.04 to 4.58",
    ("Ahn", "funding"): "The study was funded by the Norwegian Research Council.",
    ("Dahl", "n"): "230",
    ("Dahl", "design"): "Randomised experiment",
    ("Dahl", "limits"): "All participants were recruited at a single university, which limits generalisation.",
    ("Eik", "n"): "1540",
    ("Gade", "design"): "Review or meta-analysis",
    ("Gade", "n"): "58",
    ("Jul", "design"): "Comparison without randomisation",
    ("Opal", "design"): "Survey",
    ("Quist", "funding"): "No external funding was received.",
    ("Rask", "n"): "618",
    ("Ulv", "n"): "1205",
}


@pytest.fixture(scope="module")
def found(library):
    return extract(library)


def given(**fields):
    """A reply that fills these fields of the form, and leaves the others null."""
    names = ("population", "n", "design", "measure", "effect", "limits", "funding")
    return json.dumps({name: fields.get(name) for name in names})


class Replying(ScriptedEngine):
    """Writes a reply by the paper's text, as a model would."""

    def __init__(self, rule, address="scripted:replying"):
        super().__init__(rule, address=address)

    def _answer(self, trial):
        from proband.records import Completion

        return Completion(text=self.rule(trial), finish="stop")


def test_cues_find_what_papers_say_in_the_usual_words(found, ids):
    there = {(cell.record, cell.field): cell.value for cell in found.cells}
    assert {key: there.get((ids[key[0]], key[1])) for key in SAID} == SAID


def test_every_cell_has_words_of_the_paper_and_what_is_not_said_is_empty(found, library, ids):
    corpus = library.corpus()
    assert all(cell.span.stands_in(corpus) for cell in found.cells)
    assert not found.dropped
    assert ("funding", ids["Wik"]) not in {(cell.field, cell.record) for cell in found.cells}
    assert found.table.columns == ["record", "field", "value", "start", "end", "quotation", "page", "by"]
    wide = matrix(found.table, library, found.fields)
    assert wide.columns == ["record", "reference", *found.fields]
    assert wide.filter(wide["reference"] == "Wik & Yde, 2017")["funding"].to_list() == [None]


def test_what_an_extractor_makes_up_is_dropped_and_the_rest_of_its_reply_kept(library, ids):
    reply = given(
        n={"value": 999, "quote": "412 adults"}, population={"value": "adults", "quote": "412 adults in Norway"},
        funding={"value": "Tobacco Inc.", "quote": "funded by Tobacco Inc."},
        effect={"value": "d = 0.9", "quote": "OR = 3.06"}, limits={"value": "small sample", "quote": "Norway"},
        design={"value": "Horoscope", "quote": "randomly assigned"},
    )  # fmt: skip
    alone = library.take([ids["Ahn"]])
    found = extract(alone, engines={"liar": Replying(lambda trial: reply)})
    assert [(cell.field, cell.value, cell.span.text) for cell in found.cells] == [
        ("population", "adults", "412 adults in Norway")
    ]
    assert len(found.dropped) == 5
    reasons = " ".join(why for _, _, why in found.dropped)
    for why in ("999 does not stand in", "does not stand in the document", "Horoscope", "is not what 'Norway' says"):
        assert why in reasons
    nothing = extract(alone, engines={"mute": Replying(lambda trial: "I cannot do that.")})
    assert not nothing.cells
    assert "no JSON object in the reply" in nothing.dropped[0][2]
    assert nothing.mute == {ids["Ahn"]}
    with pytest.raises(EngineError, match="did not answer: scripted failure; run the same again"):
        extract(alone, engines={"gone": scripted_engine("uniform", fail="1")})


def test_two_extractions_agree_as_far_as_their_cells_are_the_same(library):
    def second(trial):
        text = trial.reply.source
        n = re.search(r"\d+ adults|\d+ studies|\d+ wards", text)
        return given(n=n and {"value": int(n[0].split()[0]), "quote": n[0]})

    found = extract(library, engines={"cues": "cues", "second": Replying(second)})
    agreed = found.agreement()
    assert agreed["measure"] == (1.0, None)  # neither has found any
    share, alpha = agreed["n"]
    assert share == 5 / 12  # three that both find, and two that neither finds
    assert alpha.value < 0.5
    # Who gives no record has not found nothing: that paper counts for no field.
    first = next(iter(library.records))
    mute = Replying(lambda trial: "Hm." if trial.place.subject == first else second(trial))
    assert extract(library, engines={"cues": "cues", "mute": mute}).agreement()["n"][0] == 4 / 11
    with pytest.raises(DataError, match="one extractor, 'cues'"):
        extract(library).agreement()


def test_windows_of_a_long_paper_are_read_and_places_are_the_papers(library):
    filler = "This sentence is here to make the paper long. " * 30
    second = len("A long paper") + 2 + len(filler)
    long = Record(
        title="A long paper", abstract=f"{filler}We asked 77 adults in Peru. {filler}", year=2020,
        other={PAGES: f"14 {second} {second + 500}"},
    )  # fmt: skip
    shelf = library_of([long])
    found = extract(shelf, long=LongTexts(long="windows", most=400, overlap=60))
    cells = {cell.field: cell for cell in found.cells}
    assert cells["n"].value == "77"
    assert cells["population"].span.stands_in(shelf.corpus())
    assert cells["population"].span.page == 2


def test_a_table_is_read_again_and_what_was_edited_against_its_words_is_named(found, library, ids, tmp_path):
    path = tmp_path / "evidence.csv"
    path.write_text(found.table.write_csv())
    assert read_evidence(path, library) == found.cells
    first = library.records[ids["Ahn"]]
    later = library_of([replace(first, abstract=f"Later. {first.abstract}"), *list(library.records.values())[1:]])
    assert read_evidence(path, later)[0].span.start == found.cells[0].span.start + len("Later. ")
    path.write_text(found.table.write_csv().replace(",412,", ",421,"))
    with pytest.raises(DataError, match=r"evidence\.csv, line 3: n is '421', and its words are '412 adults'; correct"):
        read_evidence(path, library)
    for old, new, why in (
        (",n,412,", ",nn,412,", "no field 'nn'"),
        ("adults in Norway,", "children in Sweden,", "population is 'children in Sweden'"),
        (",412 adults,", ",,", "n has no value, or no words that say it"),
    ):
        path.write_text(found.table.write_csv().replace(old, new, 1))
        with pytest.raises(DataError, match=rf"line \d: {why}"):
            read_evidence(path, library)
    path.write_text(found.table.write_csv())
    gone = library_of([replace(first, abstract="All else."), *list(library.records.values())[1:]])
    with pytest.raises(DataError, match=r"evidence\.csv, line 2: record .* no longer has the words"):
        read_evidence(path, gone)


def test_effects_go_to_the_random_effects_model(found, ids):
    assert effects_by_measure(found.cells)["SMD"].keys() == {ids["Dahl"], ids["Gade"], ids["Ulv"]}
    result = pooled(found.cells, "SMD")
    assert -0.02 < result.pooled.value < 0.21
    with pytest.raises(DataError, match=r"no effect of measure 'HR' with its interval; there are OR \(1\), RR \(1\)"):
        pooled(found.cells, "HR")


def test_cues_refuse_a_form_whose_fields_they_do_not_know(library):
    from proband.instruments.codebooks.files import codebook_from_dict

    field = {"name": "colour", "definition": "Of the cover."}
    asked = {"id": "q", "text": "What?", "form": "record", "fields": [field]}
    book = codebook_from_dict({"id": "b", "questions": [asked]}, "b")
    with pytest.raises(EngineError, match="cues fill records with fields such as population, n"):
        extract(library, form=book)
