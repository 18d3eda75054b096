import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.designs import Experiment
from proband.designs.experiments.material import Vignettes
from proband.designs.experiments.spans import check_spans, differences, marked, spans_in, unmarked
from proband.errors import DesignError
from proband.instruments import Instrument, Item

WORDS = st.text(alphabet="abc .,\n", max_size=20)


@given(WORDS, WORDS, WORDS, WORDS)
def test_texts_that_differ_in_their_span_only_do_not_differ(before, one, other, after):
    texts = {"a": f"{before} [[{one}]] {after}", "b": f"{before} [[{other}]] {after}"}
    assert differences(texts) == ()
    assert unmarked(texts["a"]) == f"{before} {one} {after}"
    assert spans_in(texts["b"]) == (other,)


def test_a_difference_elsewhere_is_shown_with_the_words_around_it():
    texts = {"man": "Sam is [[a man]] of forty who reads.", "woman": "Sam is [[a woman]] of fifty who reads."}
    (said,) = differences(texts)
    assert said == (
        "'woman' differs from 'man' outside the span: 'fifty' instead of 'forty' in: Sam is [[]] of fifty who reads ."
    )
    with pytest.raises(DesignError, match="vignettes: 'woman' differs"):
        check_spans(texts, "vignettes")


def test_a_text_without_marks_is_all_span():
    assert marked("all of it") == "[[all of it]]"
    assert marked("some [[of it]]") == "some [[of it]]"


def experiment(people, factors, text="{factor:who} applies. Hire?", vignettes=None):
    item = Item(id="hire", text=text, form="scale", options=("no", "yes"))
    return Experiment(
        instrument=Instrument(id="hire", title="hire", items=(item,)), subjects=people(8), seed=1, factors=factors,
        vignettes=vignettes,
    )  # fmt: skip


def test_levels_that_differ_outside_their_marks_are_refused_and_shown(people):
    fine = {"man": "Sam, [[a man]] of 40,", "woman": "Sam, [[a woman]] of 40,"}
    design = experiment(people, {"who": fine})
    assert "Sam, a man of 40, applies" in next(
        t.request.messages[-1].text for t in design.preview() if t.place.condition == (("who", "man"),)
    )
    with pytest.raises(DesignError, match="'woman' differs from 'man' outside the span: '50' instead of '40'"):
        experiment(people, {"who": {**fine, "woman": "Sam, [[a woman]] of 50,"}})


def test_vignettes_that_differ_outside_their_marks_are_refused_and_one_that_lacks_is(people):
    texts = {("man",): "Sam is [[a man]]. He reads.", ("woman",): "Sam is [[a woman]]. She reads."}
    with pytest.raises(DesignError, match="'She' instead of 'He'"):
        experiment(people, {}, "{vignette:text} Hire?", Vignettes(("who",), texts))
    with pytest.raises(DesignError, match="no vignette for who = other; write one"):
        experiment(people, {"who": {"man": "", "other": "x"}}, "{vignette:text} Hire?", Vignettes(("who",), texts))
