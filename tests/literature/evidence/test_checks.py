from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from proband.literature.evidence.checks import check
from proband.literature.evidence.passages import spans_of
from proband.literature.evidence.sentences import Sentence, Shown
from proband.literature.evidence.writing import facts_of
from proband.literature.records.library import library_of
from proband.literature.records.record import Record
from proband.models.lies import LIES, lie, truth
from proband.models.words import WordsEngine


def of(shown, family, sentence=0):
    """Number of a sentence of a paper."""
    first = next(
        k for k, span in enumerate(shown.spans) if shown.records[span.record].authors[0].startswith(f"{family},")
    )
    return first + 1 + sentence


@pytest.mark.parametrize(
    ("family", "at", "text"),
    [
        ("Ahn", 1, "Consent was higher under the opt-out form (68% against 41%)."),
        ("Ahn", 1, "Ahn et al. (2011) found consent to be higher under the opt-out form."),
        ("Ahn", 2, "The default did not change how satisfied people were (Ahn, Bo & Cy, 2011)."),
        ("Ahn", 2, "The default \u201cdid not change how satisfied people were\u201d."),
        ("Dahl", 1, "In the Journal of Choice, Dahl reported that disclosure did not reduce the effect (d = .05)."),
        ("Eik", 0, "A field experiment compared two tariffs with 1540 households."),
        ("Jul", 2, "After 3 months there was no retention of the effect [{n}]."),
        ("Ulv", 0, "Priming had no effect on donations in three preregistered replications."),
    ],
)
def test_what_its_span_says_stands(shown, library, family, at, text):
    n = of(shown, family, at)
    (checked,) = check([Sentence(text=text.format(n=n), spans=(n,), by="me")], shown, library.corpus())
    assert (checked.failed, checked.why) == (None, "")


@pytest.mark.parametrize(
    ("family", "at", "text", "failed", "why"),
    [
        ("Ahn", 1, "Consent was higher under the opt-out form [99].", "exists", "[99] cites [99]"),
        ("Ahn", 1, "Consent was higher (Zorn, 2011).", "exists", "by others"),
        ("Ahn", 1, "Consent was higher under opt-out, doi:10.1000/182.", "exists", "none of the records"),
        ("Ahn", 1, "Consent was higher (Dahl, 2011).", "agrees", "cites Ahn et al., 2011"),
        ("Ahn", 1, "Consent was higher (Ahn et al., 2012).", "agrees", "Ahn et al., 2011"),
        ("Ahn", 1, "As published in Journal of Choice, consent was higher.", "agrees", "say Health Psychology"),
        ("Ahn", 1, "In 2009 consent was higher under the opt-out form.", "agrees", "year 2009"),
        ("Ahn", 1, "Consent was higher under the opt-out form (86% against 41%).", "supports", "number 86 %"),
        ("Ahn", 1, "Consent was lower under the opt-out form.", "supports", "'lower' speaks of down"),
        ("Ahn", 1, "Consent was not higher under the opt-out form.", "supports", "denies more"),
        ("Ahn", 2, "The default changed how satisfied people were with their choice.", "supports", "deny"),
        ("Ahn", 1, "Consent was \u201chigher under the opt-in form\u201d.", "supports", "quotation"),
        ("Ahn", 1, "Consent in Sweden was higher under the opt-out form.", "supports", "'Sweden'"),
        ("Ulv", 0, "Twelve hundred replications with 3 participants found no effect.", "supports", "number 1200"),
        ("Gade", 0, "We pooled 21,733 studies with 58 participants.", "supports", "is said of"),
        ("Quist", 1, "Plate size had an insignificant effect, p = .43.", "supports", ""),
        ("Ahn", 1, "Zorn found that consent was higher under the opt-out form.", "exists", "'Zorn'"),
        ("Ahn", 1, "Consent was \u2018higher under the opt-in form\u2019.", "supports", "quotation"),
        ("Ahn", 1, "Consent was higher under the opt-out form, as NASA says.", "supports", "'NASA'"),
        ("Ahn", 1, "The opt-out form causes higher consent.", "supports", "claims more"),
        ("Jul", 1, "Feedback doubled compliance.", "supports", "claims more"),
        ("Jul", 0, "Nurses washed their hands more often when colleagues watched.", "supports", "content words"),
    ],
)
def test_what_its_span_does_not_say_is_removed_with_the_reason(shown, library, family, at, text, failed, why):
    n = of(shown, family, at)
    (checked,) = check([Sentence(text=text, spans=(n,), by="me")], shown, library.corpus())
    assert checked.failed == failed
    assert why in checked.why


NEAR_LIES = {
    "Screening may reduce mortality in some older adults at high risk.": (
        ("Screening reduces mortality in some older adults at high risk.", "hedge"),
        ("Screening may reduce mortality in all older adults at high risk.", "'all'"),
        ("Screening may reduce mortality in some older children at high risk.", "another word"),
        ("Screening must reduce mortality in some older adults at high risk.", "'must'"),
        ("It is a myth that screening may reduce mortality in some older adults.", "'myth'"),
        ("May screening reduce mortality in some older adults at high risk?", "asks"),
    ),
    "Patients who saw survival rates chose surgery more often than patients who saw mortality rates (p = .03).": (
        ("Patients who saw mortality rates chose surgery more often than patients who saw survival rates (p = .03).",
         "changed places"),
        ("Patients who saw survival rates chose surgery more often than the others (p < .03).", "statistic"),
        ("Patients chose surgery because of survival rates more often than of mortality rates.", "because of"),
        ("Patients who saw survival rates chose surgery as often as patients who saw mortality rates.", "equal"),
        ("Patients who saw survival rates chose surgery more often, a violation of autonomy.", "none of these words"),
        ("Patients who saw survival r\u0430tes chose surgery more often.", "two scripts"),
        ("Patients who saw survival rates n\u200bever chose surgery more often.", "denies"),
        ("Patients who saw survival rates chose \u2039surgery much more often\u203a.", "quotation"),
        ("Patients who saw survival rates chose surgery more often\u00b9\u00b2.", "cites a note"),
    ),
    "Mean loss was 3.2 kg after 6 months only among women who had set a goal.": (
        ("Mean loss was 3.2 pounds after 6 months only among women.", "another unit"),
        ("Mean loss was 3.2 kg after 6 months among women.", "limit"),
        ("Zorn's mean loss was 3.2 kg after 6 months only among women.", "Zorn's"),
    ),
}  # fmt: skip
NEAR_TRUTHS = {
    "Screening may reduce mortality in some older adults at high risk.": (
        "In some older adults at high risk, screening might reduce mortality.",
        "Screening may reduce mortality in some high-risk older adults.",
    ),
    "Mean loss was 3.2 kg after 6 months only among women who had set a goal.": (
        "After 6 months mean loss was 3.2 kg, only among women who had set a goal.",
        "Women who had set a goal, and only they, had a mean loss of 3.2 kg.",
    ),
}


def test_a_source_that_is_told_too_strongly_is_removed_and_one_that_is_told_otherwise_stays():
    library = library_of([Record(title="T", authors=("Ahn, Mi",), year=2011, abstract=" ".join(NEAR_LIES))])
    shown, corpus = Shown.of(library, spans_of(library.corpus())), library.corpus()
    number = {span.text: k for k, span in enumerate(shown.spans, start=1)}
    for source, lies in NEAR_LIES.items():
        written = [Sentence(text=text, spans=(number[source],), by="me") for text, _ in lies]
        for (text, why), found in zip(lies, check(written, shown, corpus), strict=True):
            assert found.failed, text
            assert why in found.why, text
    for source, truths in NEAR_TRUTHS.items():
        written = [Sentence(text=text, spans=(number[source],), by="me") for text in truths]
        assert [found.why for found in check(written, shown, corpus)] == ["", ""]


@pytest.mark.parametrize(("spans", "why"), [((), "cites nothing"), ((0,), "was shown 1 to"), ((1, 400), "span 400")])
def test_only_spans_that_were_shown_exist(shown, library, spans, why):
    (checked,) = check([Sentence(text=shown.spans[0].text, spans=spans, by="me")], shown, library.corpus())
    assert checked.failed == "exists"
    assert why in checked.why


def test_of_500_planted_lies_none_survives_and_few_truths_are_lost(shown, library):
    rng, corpus, facts = np.random.default_rng(17), library.corpus(), facts_of(shown)
    told, lost = Counter(), Counter()
    while sum(told.values()) < 500:
        kind = [*LIES][sum(told.values()) % len(LIES)]
        if (found := lie(kind, facts, int(rng.integers(len(facts))), rng)) is None:
            continue
        (checked,) = check([Sentence(text=found[0], spans=found[1], by="liar")], shown, corpus)
        told[kind] += 1
        assert checked.failed, (kind, found)
    for _ in range(500):
        text, spans = truth(facts, int(rng.integers(len(facts))), rng)
        lost[check([Sentence(text=text, spans=spans, by="honest")], shown, corpus)[0].failed] += 1
    assert min(told.values()) >= 62  # of each kind
    assert lost[None] >= 485


def test_a_span_whose_text_changed_is_no_reference(shown, library):
    changed = [replace(r, abstract=r.abstract.replace("412 adults", "214 adults")) for r in library.records.values()]
    corpus = library_of(changed).corpus()
    n = of(shown, "Ahn")
    (checked,) = check([Sentence(text=shown.spans[n - 1].text, spans=(n,), by="me")], shown, corpus)
    assert checked.failed == "exists"
    assert "no longer stands in record" in checked.why


class Apart(WordsEngine):
    """Gives sentences that speak of months another direction than everything else."""

    address = "apart"

    def vectors(self, texts):
        return np.array([[1.0, 0.0] if "months" in text else [0.0, 1.0] for text in texts], dtype=np.float32)

    def fingerprint(self):
        return {"engine": "apart"}


class Blank(Apart):
    """Knows none of the words of a short text, as a bag of words may."""

    def vectors(self, texts):
        return np.array([[float(len(text) > 30)] for text in texts], dtype=np.float32)

    def fingerprint(self):
        return {"engine": "blank"}


def test_vectors_are_a_further_bar_and_no_way_round_the_others(shown, library):
    texts = ("There was no retention after months.", "There was retention after months.", "There was no retention.")
    sentences = [Sentence(text=text, spans=(of(shown, "Jul", 2),), by="me") for text in texts]
    found = check(sentences, shown, library.corpus(), encoder=Apart())
    assert [checked.failed for checked in found] == [None, "supports", "supports"]
    assert "cosine 0.00" in found[2].why


def test_a_sentence_without_a_vector_is_near_nothing(shown, library):
    n = of(shown, "Jul", 2)
    (checked,) = check([Sentence(text="There was no retention.", spans=(n,), by="me")], shown, library.corpus(),
                       encoder=Blank())  # fmt: skip
    assert "cosine 0.00" in checked.why
