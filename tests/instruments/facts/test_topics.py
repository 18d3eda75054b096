"""Facts that everyone can check, and rules that keep a wrong option wrong."""

import pytest

from proband.instruments.banks.embedded import embedded_bank
from proband.instruments.facts import chemistry, computing, geography, languages


def right(question):
    return question.choices[question.answer]


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("geography/neighbours/PT", "Spain"),
        ("geography/currencies/TH", "baht"),
        ("geography/regions/KE", "Eastern Africa"),
        ("geography/internet-domains/CH", "Switzerland"),
        ("geography/calling-codes/FR", "France"),
        ("chemistry/periods/Fe", "period 4"),
        ("chemistry/groups/Cl", "group 17"),
        ("chemistry/families/Ne", "noble gases"),
        ("chemistry/electron-configurations/Na", "[Ne] 3s1"),
        ("languages/language-codes/de", "German"),
        ("languages/scripts/ru", "Cyrillic"),
        ("languages/weekdays/fi", "Finnish"),
        ("computing/characters/U+221E", "infinity"),
    ],
)
def test_a_known_fact_is_right(id, answer):
    assert right(embedded_bank("facts")[id]) == answer


@pytest.mark.parametrize("room", [geography, chemistry, languages, computing])
def test_no_topic_asks_a_fact_twice(room):
    for topic in room.topics():
        assert len({fact.key for fact in topic.facts}) == len(topic.facts)
        assert len({fact.statement for fact in topic.facts}) == len(topic.facts)


def test_either_side_of_a_fact_is_asked_and_never_both():
    texts = [question.text for question in embedded_bank("geography") if question.topic == "capitals"]
    forwards = sum(text.startswith("What is the capital") for text in texts)
    assert 0.3 < forwards / len(texts) < 0.7


@pytest.mark.parametrize("spellings", [{"rial", "riyal"}, {"krone", "krona", "króna", "koruna"}])
def test_another_spelling_of_a_currency_is_not_offered_as_wrong(spellings):
    for question in embedded_bank("geography"):
        if right(question) in spellings:
            assert not set(question.choices) & (spellings - {right(question)}), question.id


def test_no_neighbour_stands_among_the_wrong_options():
    borders = {country.name: set(country.borders) for country in geography._countries()}
    names = {country.code: country.name for country in geography._countries()}
    for topic in geography.topics():
        if topic.name != "neighbours":
            continue
        for fact in topic.facts:
            around = {names[code] for code in borders[names[fact.key]]}
            question = embedded_bank("geography").by_id.get(f"geography/neighbours/{fact.key}")
            assert question is None or not (set(question.choices) - {fact.answer}) & around


def test_languages_with_the_same_word_are_not_offered_as_wrong():
    known = {language.name: language for language in languages._languages()}
    for question in embedded_bank("languages"):
        if question.topic == "weekdays":
            day = languages.WEEKDAYS.index(question.text.removesuffix("?").split()[-1])
            words = [languages._plain(known[choice].weekdays[day]) for choice in question.choices]
            assert words.count(words[question.answer]) == 1, question.id


def test_places_where_a_language_is_spoken_are_not_offered_as_wrong():
    facts = next(topic for topic in languages.topics() if topic.name == "official languages").facts
    german = next(fact for fact in facts if fact.key == "de")
    assert {"Switzerland", "Austria"} <= german.also_right | {german.answer}


def test_elements_with_two_spellings_are_not_offered_under_the_other():
    facts = next(topic for topic in chemistry.topics() if topic.name == "symbols").facts
    assert all(fact.also_right == {"aluminum"} for fact in facts if fact.answer == "aluminium")
