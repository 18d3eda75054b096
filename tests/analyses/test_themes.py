import json

import numpy as np
import pytest

from proband.analyses.themes import ANALYSIS, sections, theme_sections
from proband.instruments.codebooks import Code, Codebook
from proband.instruments.items import Item
from proband.models.engine import BaseEngine
from proband.models.scripted import ScriptedEngine
from proband.records import Completion
from proband.runs import collect
from proband.texts.coders import Coder
from proband.texts.design import Coding
from proband.texts.themes.coded import ThemeCodes, themes_of
from tests.texts.letters import corpus

TEXTS = ["Dirty seats. A late bus.", "Late again.", "Dirty seats!", "Nothing.", "Late, and dirty seats.", "Late bus.",
         "Dirty seats and late.", "Late."]  # fmt: skip
THEMES = ("Late", "Dirt")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("themes")
    codes = tuple(Code(label=theme, definition=f"Speaks of {theme}.") for theme in THEMES)
    items = (Item(id="which", text="Which?", form="multiple", options=THEMES, shows_braces=True),)
    book = Codebook(id="b", title="B", items=items, codes={"which": codes})
    design = Coding(
        codebook=book,
        corpus=corpus(folder, TEXTS),
        coders=(Coder(name="sure", order="as_written", answer_by="written"),
                Coder(name="other", order="as_written", answer_by="written")),
        seed=1,
    )  # fmt: skip

    def sure(trial):
        text = dict(trial.facts)["document"].lower()
        return tuple(k for k, word in enumerate(("late", "dirty")) if word in text)

    def other(trial):
        return tuple(k for k in sure(trial) if k == 0)

    return collect(design, {"sure": ScriptedEngine(sure), "other": ScriptedEngine(other)}, folder / "run")


def test_documents_are_counted_by_theme_and_coder(run):
    found = themes_of(run)
    assert set(found) == {("which", "sure"), ("which", "other")}
    assert found["which", "sure"].present.sum(axis=0).tolist() == [6, 4]
    assert found["which", "sure"].units[:2] == ("w0", "w1")


def test_sections_tell_shares_saturation_pairs_and_contested_documents(run):
    assert ANALYSIS.needs(run) is None
    told = {section.name: section for section in sections(run)}
    assert told["themes-which-sure"].table.rows[0][:3] == ("Late", 6, 2)
    assert "saturation-which-sure" in told
    late, dirt = told["contested-which"].table.rows
    assert late[:3] == ("Late", 6, 0)
    assert dirt == ("Dirt", 0, 4, "l0, l2, l4, l6")


def test_few_documents_are_told_and_not_refused():
    few = ThemeCodes(documents=("a", "b"), units=("a", "b"), names=("x", "y"), present=np.eye(2, dtype=bool))
    told = {section.name: section for section in theme_sections(few, "t", "T")}
    assert "2 documents" in told["saturation-t"].sentences[0]


def test_themes_that_exclude_each_other_are_not_told_as_repelling_each_other():
    present = np.eye(2, dtype=bool)[np.arange(30) % 2]
    ids = tuple(map(str, range(30)))
    told = theme_sections(ThemeCodes(documents=ids, units=ids, names=("x", "y"), present=present), "t", "T")
    assert "one theme at most" in told[-1].sentences[0]
    assert told[-1].table is None


class Quoting(BaseEngine):
    """Quotes what is late and what is dirty, in its own spelling."""

    address = "quoting"
    abilities = frozenset({"write"})

    def answer(self, trials):
        for trial in trials:
            text = dict(trial.facts)["document"].lower()
            found = [("Late", "late"), ("Dirt", "dirty seats")]
            spans = [{"code": code, "quote": quote.upper()} for code, quote in found if quote in text]
            yield trial, Completion(text=json.dumps(spans))


def test_passages_of_a_spans_question_are_shown_as_they_stand_in_their_documents(tmp_path):
    codes = tuple(Code(label=theme, definition=f"Speaks of {theme}.") for theme in THEMES)
    item = Item(id="passages", text="Quote.", form="spans", options=THEMES, shows_braces=True)
    book = Codebook(id="b", title="B", items=(item,), codes={"passages": codes})
    letters = corpus(tmp_path, TEXTS)
    design = Coding(codebook=book, corpus=letters, coders=(Coder(name="c", answer_by="written"),), seed=1)
    run = collect(design, {"c": Quoting()}, tmp_path / "run")
    found = themes_of(run)["passages", "c"]
    assert found.present.sum(axis=0).tolist() == [6, 4]
    assert [quote.text for quote in found.quotes["Dirt"]] == ["Dirty seats", "Dirty seats", "dirty seats"]
    assert all(quote.text in letters.text(quote.document) for of in found.quotes.values() for quote in of)
    quoted = next(section for section in sections(run) if section.name == "quotes-passages-c")
    assert quoted.table.rows[0][:3] == ("Late", "passage", "l0")
