import subprocess
import sys

import pytest

from proband.errors import DesignError
from proband.instruments.banks.checking import duplicates, require
from proband.instruments.banks.embedded import DOMAINS, EMBEDDED, embedded_bank
from proband.instruments.banks.loading import load_bank


def right(question):
    return question.choices[question.answer]


@pytest.fixture(scope="module")
def facts():
    return embedded_bank("facts")


def test_every_domain_has_hundreds_of_questions_of_four_options(facts):
    assert facts.domains == DOMAINS
    assert all(len(facts.of(domain)) >= 400 for domain in DOMAINS)
    assert {len(question.choices) for question in facts} == {4}


def test_the_bank_is_sound(facts):
    require(facts, options=4, domains=DOMAINS)
    assert duplicates(facts) == ()


def test_every_question_has_a_topic_and_a_sentence_with_the_answer(facts):
    assert all(question.topic for question in facts)
    # "the Netherlands" for "Netherlands", and upper case where the sentence begins.
    assert all(right(question).casefold() in question.explanation.casefold() for question in facts)


def test_a_domain_holds_the_same_questions_alone(facts):
    for domain in DOMAINS:
        assert embedded_bank(domain).questions == facts.of(domain).questions


def test_every_letter_is_right_equally_often(facts):
    for topic in {question.topic for question in facts}:
        asked = [question for question in facts if question.topic == topic]
        letters = max(len(question.choices) for question in asked)
        counts = [sum(question.answer == letter for question in asked) for letter in range(letters)]
        assert max(counts) - min(counts) <= 1, topic


def test_the_bank_says_where_it_comes_from_and_under_which_terms(facts):
    assert facts.title == EMBEDDED["facts"]
    assert all(package in facts.source for package in ("countryinfo", "molmass", "Babel", "Pygments"))
    assert all(terms in facts.licence for terms in ("MIT", "BSD-3-Clause", "PSF-2.0"))


def test_another_process_builds_the_same_bank():
    code = "from proband.instruments.banks.embedded import embedded_bank; print(embedded_bank('languages').hash)"
    environment = {"PYTHONHASHSEED": "1"}
    hash = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout
    assert hash.strip() == embedded_bank("languages").hash


def test_the_name_loads_the_bank(facts):
    assert load_bank("facts") is facts


def test_an_unknown_name_lists_the_banks():
    with pytest.raises(DesignError, match="no embedded bank 'physics'; there are facts, geography"):
        embedded_bank("physics")


def test_importing_banks_loads_no_package_of_data():
    code = (
        "import sys, proband.instruments.banks.loading, proband.instruments.banks.checking; "
        "print({'babel', 'molmass', 'countryinfo', 'pygments', 'torch', 'datasets', 'pyarrow'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "set()"
