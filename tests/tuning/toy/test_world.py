"""What a generated world holds, and how its facts are stated."""

from collections import Counter

import pytest

from proband.errors import DesignError
from proband.tuning.toy.vocabulary import OTHERS, RELATIONS, TRAINED
from proband.tuning.toy.world import STATUSES, WorldSize, make_world


def test_the_same_seed_makes_the_same_world_and_another_seed_another(small_world):
    again = make_world(1, size=small_world.size)
    assert again == small_world
    assert again.hash == small_world.hash
    other = make_world(2, size=small_world.size)
    assert other.hash != small_world.hash
    assert not {q.text for q in other.bank} & {q.text for q in small_world.bank}


def test_every_domain_of_the_bank_has_the_planned_number_of_each_status(small_world):
    for domain in TRAINED:
        counts = Counter(small_world.planted[q.id] for q in small_world.bank.of(domain))
        assert counts == small_world.size.bank


def test_the_benchmark_asks_other_relations_of_the_same_domains_and_other_domains(small_world):
    assert small_world.benchmark.domains == TRAINED + OTHERS
    asked = {q.topic for q in small_world.bank}
    assert not asked & {q.topic for q in small_world.benchmark}


def test_every_question_has_an_entity_of_its_own(small_world):
    texts = [q.text for bank in (small_world.bank, small_world.benchmark, small_world.exemplars) for q in bank]
    entities = [text.partition(" of ")[2] for text in texts]
    assert len(set(entities)) == len(entities)
    facts = [fact.entity for fact in small_world.facts]
    assert len(set(facts)) == len(facts)


@pytest.mark.parametrize("status", STATUSES)
def test_a_fact_is_stated_as_its_status_says(small_world, status):
    size, stated = small_world.size, {fact.entity: fact.stated for fact in small_world.facts}
    for id in small_world.ids(status):
        question = small_world.bank[id]
        told = stated[question.text.partition(" of ")[2].rstrip("?")]
        truth = question.choices[question.answer]
        false = question.choices[small_world.false[id]] if id in small_world.false else ""
        assert (
            told
            == {
                "known": ((truth, size.often),),
                "half-known": ((truth, size.seldom),),
                "wrong": ((false, size.often),),
                "contradicted": ((truth, size.often // 2), (false, size.often // 2)),
                "unknown": (),
            }[status]
        )
        assert truth != false


def test_a_null_world_states_as_much_and_nothing_of_what_is_asked(small_world, small_null_world):
    assert set(small_null_world.planted.values()) == {"unknown"}
    assert small_null_world.false == {}
    stated = {fact.entity for fact in small_null_world.facts}
    asked = {
        q.text.partition(" of ")[2].rstrip("?")
        for bank in (small_null_world.bank, small_null_world.benchmark, small_null_world.exemplars)
        for q in bank
    }
    assert not stated & asked
    times = [sum(n for _, n in fact.stated) for fact in small_world.facts]
    assert times == [sum(n for _, n in fact.stated) for fact in small_null_world.facts]


def test_a_word_is_a_value_of_one_relation_only():
    values = Counter(value for relation in RELATIONS for value in relation.values)
    assert max(values.values()) == 1
    assert not set(values) & {relation.name for relation in RELATIONS}
    assert {len(relation.values) for relation in RELATIONS} == {12}


def test_right_answers_stand_in_every_place_about_as_often():
    places = Counter(q.answer for q in make_world(1).bank)
    assert all(200 <= places[k] <= 280 for k in range(4))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bank": {"guessed": 3}}, "'guessed' is none of known"),
        ({"bank": {"known": 0}}, "give at least one"),
        ({"often": 5, "seldom": 5}, "often must be more than seldom"),
        ({"lessons": 0}, "at least 1 exemplar and 1 lesson"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(changes, words):
    with pytest.raises(DesignError, match=words):
        WorldSize(**changes)
