"""Memories: which come to mind, what they lead back to, and that reading them changes nothing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.errors import DesignError
from proband.societies.agents.knowledge import concluded, false_knowledge, knowers, origin, stands_on, tell
from proband.societies.agents.memory import (
    UNKNOWN,
    Recalling,
    importance_since,
    known_importance,
    memories_of,
    recall,
    recent,
    remember,
    told_of,
)
from proband.societies.agents.ranking import Ranking
from proband.societies.agents.relevance import ByVectors
from proband.societies.state import State


def society(n=3):
    return State(society=0, agents={"wealth": np.zeros(n)})


def test_bm25_gives_the_value_computed_by_hand():
    # "party" stands in 1 of 2 texts: idf = log(1 + 1.5 / 1.5); text 0 has 2 of 6 words, the mean is 3.
    scores = Ranking(["party tonight", "bread and more bread"]).scores("the party?")
    assert scores == pytest.approx([math.log(2) * 2.5 / (1 + 1.5 * (0.25 + 0.75 * 2 / 3)), 0.0])


def test_the_score_is_recency_importance_and_relevance_each_scaled():
    state = society()
    for text, importance in (("bread was baked", 1.0), ("a party is planned", 10.0), ("rain fell", 4.0)):
        remember(state, 0, text, importance=importance)
        state.round += 24
    # Recency 0, .47, 1; importance 0, 1, .33; relevance 1, 0, 0: sums of 1, 1.47, 1.33.
    texts = [found.text for found in recall(state, 0, "who baked?", 3)]
    assert texts == ["a party is planned", "rain fell", "bread was baked"]
    only_relevant = Recalling(weights=(0, 0, 1))
    assert recall(state, 0, "who baked?", 1, how=only_relevant)[0].text == "bread was baked"
    assert recall(state, 0, "", 1, how=Recalling(weights=(1, 0, 0)))[0].text == "rain fell"


def test_importance_that_is_not_known_counts_as_the_least():
    state = society()
    for text, importance in (("a", UNKNOWN), ("b", 2.0), ("c", 9.0)):
        remember(state, 0, text, importance=importance)
    how = Recalling(weights=(0, 1, 0))
    assert [found.text for found in recall(state, 0, "", 3, how=how)] == ["c", "b", "a"]
    assert importance_since(state, 0, -1) == 11


def test_a_text_comes_to_mind_once_and_each_agent_has_its_own():
    state = society()
    for _ in range(3):
        remember(state, 0, "Ann greeted me.")
        remember(state, 1, "I greeted Bob.", kind="did")
        state.round += 1
    assert [(found.text, found.round) for found in recall(state, 0, "Ann", 5)] == [("Ann greeted me.", 3)]
    assert recall(state, 1, "Ann", 5, kinds={"seen"}) == []
    assert recall(state, 2, "Ann", 5) == []
    assert [found.round for found in recent(state, 1, 2)] == [2, 3]


def test_recalling_changes_nothing_and_a_copy_recalls_the_same():
    state = society()
    for k in range(20):
        remember(state, k % 2, f"event {k} of the {k % 3} kind", importance=k % 5)
    before = state.digest()
    found = recall(state, 0, "the 2 kind")
    copy = state.copy()
    remember(copy, 0, "only the copy knows of the 2 kind", importance=10)
    assert state.digest() == before
    assert recall(state, 0, "the 2 kind") == found
    assert recall(copy, 0, "the 2 kind", 1)[0].text == "only the copy knows of the 2 kind"
    assert known_importance(state, "only the copy knows of the 2 kind") is None


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abcde"), st.integers(1, 10)), max_size=30))
def test_what_is_recalled_does_not_depend_on_when_the_rows_were_read(rows):
    step, whole = society(), society()
    for agent, text, importance in rows:
        for state in (step, whole):
            remember(state, agent, text, importance=importance)
        recall(step, agent, "a b")
    for agent in range(3):
        assert recall(step, agent, "a b") == recall(whole, agent, "a b")
        assert len(memories_of(whole, agent)) == sum(row[0] == agent for row in rows)


def test_memories_stand_in_a_prompt_in_the_order_of_time():
    state = society()
    remember(state, 0, "First this.", importance=1)
    remember(state, 0, "Then that.", importance=9)
    assert told_of(recall(state, 0, "")) == "You remember:\n- First this.\n- Then that."
    assert told_of([]) == ""


def test_who_can_know_of_an_event_is_who_saw_it_or_was_told_of_it():
    state = society(5)
    party = state.happened("plan", 0, text="A party is at five.")
    remember(state, 0, "A party is at five.", event=party)
    first = tell(state, 0, 1, "A party is at five.", about=party)
    remember(state, 1, "A party is at five.", event=first, kind="heard")
    second = tell(state, 1, 2, "A party is at seven.", about=first)
    remember(state, 2, "A party is at seven.", event=second, kind="heard")
    rumour = tell(state, 3, 4, "The mayor resigned.")
    remember(state, 4, "The mayor resigned.", event=rumour, kind="heard")
    assert knowers(state, party) == {0, 1, 2}
    assert origin(state, second) == party
    assert origin(state, rumour) == -1
    false = false_knowledge(state)
    assert false.select("agent", "why").rows() == [(2, "other words"), (4, "of nothing")]
    assert false["truth"].to_list() == ["A party is at five.", ""]


def test_an_insight_names_its_memories_and_is_false_where_one_of_them_is():
    state = society()
    rain = state.happened("weather", text="Rain fell.")
    true = remember(state, 0, "Rain fell.", event=rain)
    false = remember(state, 0, "Snow fell.", event=rain)
    for text, because in (("The ground is wet.", [true]), ("It is winter.", [true, false])):
        number = remember(state, 0, text, event=concluded(state, 0, text, because), kind="insight")
    insight = memories_of(state, 0)[-1]
    assert insight.number == number
    assert stands_on(state, insight) == [true, false]
    assert false_knowledge(state).select("text", "why").rows() == [
        ("Snow fell.", "other words"),
        ("It is winter.", "stands on"),
    ]


def test_vectors_of_a_model_elsewhere_are_refused():
    relevance = ByVectors("scripted:uniform")
    with pytest.raises(DesignError, match="model in this process"):
        relevance.scores("a", ["b"])


@pytest.mark.model
@pytest.mark.slow
def test_vectors_find_what_shares_no_word():
    state = society()
    for text in ("The physician saw a patient.", "The train was late.", "Bread was baked."):
        remember(state, 0, text)
    how = Recalling(weights=(0, 0, 1), relevance=ByVectors("smollm2"))
    assert len(recall(state, 0, "Who went to a doctor?", 3, how=how)) == 3
