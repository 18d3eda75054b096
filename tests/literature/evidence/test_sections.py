import pytest

from proband.literature.evidence.passages import central, spans_of
from proband.literature.evidence.sections import sections_of, worth_of
from proband.literature.records.library import library_of
from proband.literature.records.record import Record

ABSTRACTS = {
    "capitals": "BACKGROUND: Reminders are used on wards. METHODS: We compared wards with and without reminders. "
    "RESULTS: Reminders raised hand hygiene on wards by a third. CONCLUSIONS: Wards gain from reminders.",
    "glued": "Reminders could raise rates of screening Methods We sent reminders to 11 health centres in one county. "
    "Results The reminders raised rates of screening by nine points. Conclusion Reminders are worth sending.",
    "lines": "Objective\nTo see whether reminders change what physicians do.\nDesign, Setting, and Participants\nA "
    "trial with 40 physicians.\nMain outcome measures: orders within a week.\nFindings: Physicians with reminders "
    "ordered more tests.",
}


@pytest.fixture(scope="module")
def corpus():
    return library_of(Record(title=f"{name} here", abstract=text) for name, text in ABSTRACTS.items()).corpus()


def test_spans_begin_behind_labels_and_stand_in_their_records(corpus):
    spans = spans_of(corpus)
    assert all(span.stands_in(corpus) for span in spans)
    words = [span.text for span in spans]
    assert not [text for text in words if text.startswith(("BACKGROUND", "Methods", "Results", "Findings", "Main out"))]
    assert "Reminders could raise rates of screening" in words
    assert "We sent reminders to 11 health centres in one county." in words
    assert "A trial with 40 physicians." in words


@pytest.mark.parametrize(
    "text",
    [
        "We used the Intervention Mapping approach. Intervention Mapping was liked. Results were mixed.",
        "The Alberta Context Tool (ACT) was used. OR: 2.1. There were two aims: speed and quality.",
        "Conclusions drawn from Methods papers differ. The Discussion Forum was open.",
    ],
)
def test_words_that_are_no_labels_cut_nothing(text):
    assert len(sections_of(f"A title\n\n{text}")) == 1


def test_what_was_found_comes_before_what_was_planned(corpus):
    spans = spans_of(corpus)
    chosen = [span.text for span, _ in central(spans, 3, worth=worth_of(corpus, spans))]
    found = ("raised", "gain", "worth sending", "ordered more")
    assert all(any(word in text for word in found) for text in chosen)


def test_without_labels_place_and_words_of_plans_tell():
    text = (
        "Reminders are common in hospitals and in many other places where people forget what they had meant to do. "
        "Before they were sent out, we assessed the potential effect of reminders on the ordering of tests by doctors. "
        "Forty doctors took part over two years, half of whom were reminded every week by a letter from the hospital. "
        "Doctors who were reminded ordered a third more tests than doctors who were not, and went on to do so."
    )
    corpus = library_of([Record(title="Reminders", abstract=text)]).corpus()
    worth = worth_of(corpus, spans_of(corpus))
    assert worth[1] < worth[0] < worth[3] == 1.0
