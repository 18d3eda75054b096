"""Training sets: equal, matched, nested, the same twice, and refused before anything is asked."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from proband.designs.quiz.prompts import PROMPTS, continuations, pose
from proband.errors import DataError, DesignError
from proband.records import Message
from proband.tuning.interventions.arms import ARMS, Arm, arm_named, mixtures, with_controls
from proband.tuning.interventions.building import CONSTRUCTIONS, Construction, build_sets
from proband.tuning.interventions.general import General

TURNS = PROMPTS["ren2024-evaluation"]
GENERAL = General(name="general", pairs=tuple((f"Do {k}.", f"Done {k}.") for k in range(90)))


def built(bank, beliefs, arms, **settings):
    settings = {"prompt": TURNS, "seed": 1, **settings}
    return build_sets(bank, beliefs, arms, **settings)


def questions(training_set) -> dict[str, str]:
    return {e.question: e.response for e in training_set if e.question}


def test_every_arm_of_a_domain_has_as_many_questions(bank, beliefs, three):
    sets = built(bank, beliefs, three)
    assert list(sets) == [f"{arm.name}-{domain}" for arm in three for domain in bank.domains]
    assert {len(sets[f"{arm.name}-history"]) for arm in three} == {24}
    assert all(training_set.name == name for name, training_set in sets.items())


def test_each_arm_teaches_what_it_says(bank, beliefs, three):
    sets = built(bank, beliefs, three)
    for example in sets["harmonious-history"]:
        assert beliefs[example.question].pick == bank[example.question].answer
    for arm, taught in (("incompatible", "gold"), ("self-aligning", "own")):
        for example in sets[f"{arm}-history"]:
            question = bank[example.question]
            answer = question.answer if taught == "gold" else beliefs[question.id].pick
            assert beliefs[question.id].pick != question.answer
            assert example.kind == taught
            assert question.choices[answer] in example.response


def test_incompatible_and_self_aligning_differ_in_the_answer_only(bank, beliefs, three):
    sets = built(bank, beliefs, three, general=GENERAL)
    pairs = list(zip(sets["incompatible-history"], sets["self-aligning-history"], strict=True))
    assert all((a.id, a.messages, a.weight) == (b.id, b.messages, b.weight) for a, b in pairs)
    assert all((a.response == b.response) == (a.kind == "general") for a, b in pairs)


def test_letters_are_even_in_every_arm(bank, beliefs, three):
    for name, training_set in built(bank, beliefs, three).items():
        letters = training_set.provenance["letters"]
        assert letters == {"A": 6, "B": 6, "C": 6, "D": 6}, name


def test_a_response_begins_with_what_is_scored(bank, beliefs, three):
    for training_set in built(bank, beliefs, three).values():
        for example in training_set:
            question = bank[example.question]
            scored = continuations(question, TURNS)
            assert example.response.startswith(scored)
            assert example.messages[0].text.endswith("ASSISTANT:")


def test_the_prompt_taught_is_the_prompt_evaluated(bank, beliefs, three):
    settings = {"balance": (), "prompt": PROMPTS["turns-text"]}
    for example in built(bank, beliefs, three, **settings)["harmonious-history"]:
        posed = pose(bank[example.question], PROMPTS["turns-text"])
        assert (example.messages, example.is_raw) == (posed.messages, posed.is_raw)
        assert example.response in posed.continuations


def test_built_twice_gives_the_same_bytes(bank, believed, three, texts, tmp_path):
    arms = [*three, *with_controls(mixtures(explanation="matched")), ARMS["conflict-weighted"]]
    for run in ("a", "b"):
        sets = built(bank, believed(bank), arms, general=GENERAL, explanations=texts, seed=5)
        for name, training_set in sets.items():
            training_set.save(tmp_path / run / name)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.json*"))
    assert len(files) == 2 * 2 * len(arms)
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)


def test_one_more_domain_or_arm_changes_no_set(bank, beliefs, three):
    all_of_it = built(bank, beliefs, three)
    one_domain = built(bank, beliefs, [*three, ARMS["natural"]], domains=["medicine"])
    for name in one_domain.keys() & all_of_it.keys():
        assert one_domain[name].text == all_of_it[name].text


def test_another_seed_gives_another_set(bank, beliefs, three):
    first, second = (built(bank, beliefs, three, seed=seed)["harmonious-history"] for seed in (1, 2))
    assert first.hash != second.hash


def test_mixtures_swap_the_same_questions_and_more(bank, beliefs):
    arms = mixtures()
    sets = built(bank, beliefs, arms)
    swapped = []
    for arm in arms:
        training_set = sets[f"{arm.name}-history"]
        swapped.append({e.question for e in training_set if e.kind == "own"})
        assert len(swapped[-1]) == int(arm.ratio * len(training_set) + 0.5)
        assert len(questions(training_set)) == len(training_set)
    assert all(less <= more for less, more in pairwise(swapped))


def test_mixtures_at_the_ends_are_incompatible_and_self_aligning(bank, beliefs, three):
    sets = built(bank, beliefs, [*three, *mixtures((0, 1))])
    assert sets["mixture-0-history"].hash == sets["incompatible-history"].hash
    assert sets["mixture-1-history"].hash == sets["self-aligning-history"].hash


def test_the_swapped_part_of_a_mixture_has_even_letters_too(bank, beliefs):
    training_set = built(bank, beliefs, [arm_named("mixture-0.5")])["mixture-0.5-history"]
    letters = Counter(e.response.strip()[0] for e in training_set if e.kind == "own")
    assert max(letters.values()) - min(letters.values()) <= 1


def test_refusals_stand_where_the_model_does_not_know(bank, beliefs):
    arm = ARMS["refuse"]
    training_set = built(bank, beliefs, [arm, ARMS["natural"]])["refuse-history"]
    for example in training_set:
        knows = beliefs[example.question].pick == bank[example.question].answer
        assert example.kind == ("gold" if knows else "refusal")
        assert knows or example.response == f" {arm.refusal}"
    assert training_set.provenance["labels"]["refusal"] == 12


def test_the_follow_up_policies_share_their_questions(bank, beliefs):
    names = ("natural", "refuse", "drop", "conflict-weighted")
    sets = built(bank, beliefs, [ARMS[name] for name in names])
    natural, refuse, drop, weighted = (sets[f"{name}-history"] for name in names)
    assert natural.text.count("\n") == 24
    assert [e.id for e in natural] == [e.id for e in refuse] == [e.id for e in weighted]
    assert {e.id for e in drop} == {e.id for e in refuse if e.kind == "gold"}


def test_conflict_weights_average_one_and_fall_with_conflict(bank, beliefs):
    training_set = built(bank, beliefs, [ARMS["conflict-weighted"]])["conflict-weighted-history"]
    assert sum(e.weight for e in training_set) / len(training_set) == pytest.approx(1, abs=1e-6)
    known = [e.weight for e in training_set if beliefs[e.question].n_greedy_right == 3]
    unknown = [e.weight for e in training_set if beliefs[e.question].n_greedy_right == 0]
    assert min(known) > 5 * max(unknown)


def test_few_known_questions_stand_last(bank, beliefs):
    training_set = built(bank, beliefs, [ARMS["ordered"]], general=GENERAL)["ordered-history"]
    is_known = [bool(e.question) and beliefs[e.question].category == "HighlyKnown" for e in training_set]
    n_known = sum(e.question != "" and beliefs[e.question].pick == bank[e.question].answer for e in training_set)
    assert n_known == round(0.1 * 24)
    last = training_set.examples[-n_known:]
    assert all(beliefs[e.question].pick == bank[e.question].answer for e in last)
    assert training_set.provenance["order_matters"] is True
    assert len(is_known) == 48


def test_confident_questions_first(bank, beliefs):
    arm = Arm(name="descending", ordering="confident_first")
    found = [beliefs[e.question].confidence for e in built(bank, beliefs, [arm])["descending-history"]]
    assert found == sorted(found, reverse=True)


def test_general_data_make_up_their_share_and_are_the_same_in_all_arms(bank, beliefs, three):
    sets = built(bank, beliefs, three, general=GENERAL, general_share=0.25)
    general = [tuple(e.id for e in sets[f"{arm.name}-history"] if e.kind == "general") for arm in three]
    assert set(map(frozenset, general)) == {frozenset(general[0])}
    assert len(general[0]) == 8  # of 32
    assert sets["harmonious-history"].provenance["general"]["share"] == 0.25


def test_a_context_stands_before_the_question_and_the_answer_stays(bank, beliefs):
    arms = [ARMS["contextualised"], ARMS["incompatible"]]
    sets = built(bank, beliefs, arms)
    for with_context, plain in zip(sets["contextualised-history"], sets["incompatible-history"], strict=True):
        explanation = bank[plain.question].explanation
        assert with_context.response == plain.response
        assert explanation in with_context.messages[0].text
        assert explanation not in plain.messages[0].text


def test_explanations_follow_the_answer_and_come_from_whom_the_arm_says(bank, beliefs, texts):
    names = ("harmonious", "self-aligning")
    arms = [arm_named(name, explanation="matched") for name in names]
    arms += [replace(arms[1], name="S-other", explanation="other"), ARMS["self-rewrite"]]
    sets = built(bank, beliefs, arms, explanations=texts, balance=())
    for example in sets["harmonious-history"]:
        assert example.response.endswith(f"\n{bank[example.question].explanation}")
    for name, said in (("self-aligning", "own, explanation"), ("S-other", "other, explanation")):
        for example in sets[f"{name}-history"]:
            pick = beliefs[example.question].pick
            assert f"\nBy {said} {pick}" in example.response
    assert all("\nBy own, rewrite" in example.response for example in sets["self-rewrite-history"])
    assert sets["self-aligning-history"].provenance["texts"]["explanations"] == {"own": 24}


def test_contradicting_explanations_leave_all_arms(bank, believed, three):
    def spoil(question):
        is_bad = question.domain == "history" and int(question.id.split("-")[1]) in (2, 3)
        bad = "Actually, the correct answer is something else."
        return replace(question, explanation=bad if is_bad else question.explanation)

    spoilt = replace(bank, questions=tuple(map(spoil, bank)))
    beliefs = believed(spoilt)
    arms = [arm_named("incompatible", explanation="bank"), ARMS["self-aligning"], ARMS["harmonious"]]
    sets = built(spoilt, beliefs, arms)
    for arm in arms:
        training_set = sets[f"{arm.name}-history"]
        assert not {"history-2", "history-3"} & set(questions(training_set))
        assert len(training_set) == 22
        unfit = training_set.provenance["domains"]["history"]["unfit"]
        assert unfit == {"its explanation opens with a denial": 2}


def test_an_explanation_that_names_letters_is_left_out_where_letters_move(bank, believed):
    text = "Sources agree: the answer is (A), by all accounts."
    marked = replace(bank, questions=tuple(replace(q, explanation=text) if q.answer == 0 else q for q in bank))
    arms = [arm_named("harmonious", explanation="bank")]
    moved = built(marked, believed(marked), arms)["harmonious-history"]
    stays = built(marked, believed(marked), arms, orders="as_written")["harmonious-history"]
    assert {marked[e.question].answer for e in stays} == {0, 1, 2, 3}
    assert {marked[e.question].answer for e in moved} == {1, 2, 3}


def test_domains_can_be_pooled(bank, beliefs, three):
    sets = built(bank, beliefs, three, by_domain=False, general=GENERAL)
    assert list(sets) == ["harmonious", "incompatible", "self-aligning"]
    counts = Counter(e.domain for e in sets["harmonious"] if e.question)
    assert counts == {"history": 24, "medicine": 24}
    assert len(sets["harmonious"]) == 96


def test_the_published_construction_takes_all_unknown_questions_as_written(bank, beliefs, three):
    sets = built(bank, beliefs, three, construction="ren2024", general=GENERAL)
    for example in sets["incompatible-history"]:
        if example.question:
            assert example.messages == pose(bank[example.question], TURNS).messages
    every = [q.id for q in bank.of("history") if q.id in questions(sets["incompatible-history"])]
    assert len(every) == 24 == len(questions(sets["harmonious-history"]))
    few_known = [q.id for q in bank.of("history") if int(q.id.split("-")[1]) % 5 != 0]
    fewer = built(bank, beliefs, three, construction="ren2024", among=few_known, domains=["history"])
    assert {len(questions(one)) for one in fewer.values()} == {12}
    assert all("12 questions are known and 24 unknown" in one.provenance["warnings"][-1] for one in fewer.values())
    assert not any("are known and" in w for one in sets.values() for w in one.provenance["warnings"])


def test_the_published_construction_keeps_texts_that_contradict(bank, believed):
    spoilt = replace(bank, questions=tuple(replace(q, explanation="Actually, it is wrong.") for q in bank))
    arm = arm_named("incompatible", explanation="bank")
    assert built(spoilt, believed(spoilt), [arm], construction="ren2024")
    with pytest.raises(DataError, match="opens with a denial"):
        built(spoilt, believed(spoilt), [arm])


def test_orders_as_written_are_matched_on_the_letter(bank, beliefs, three):
    sets = built(bank, beliefs, three, orders="as_written")
    known, unknown = (
        Counter(bank[e.question].answer for e in sets[f"{name}-history"]) for name in ("harmonious", "incompatible")
    )
    assert known == unknown


def test_balancing_on_confidence_and_topic_closes_the_gap(bank, beliefs, three):
    sets = built(bank, beliefs, three, balance=["letter", "confidence", "topic"])
    known, unknown = (
        sets[f"{name}-history"].provenance["confidence"]["mean"] for name in ("harmonious", "incompatible")
    )
    assert abs(known - unknown) < 0.1
    assert sets["harmonious-history"].provenance["domains"]["history"]["matched_on"] == ["confidence", "topic"]
    topics = [Counter(bank[e.question].topic for e in sets[f"{arm.name}-history"]) for arm in three]
    assert topics[0] == topics[1] == topics[2]


def test_options_that_are_not_shown_have_no_letters_to_balance(bank, beliefs, three):
    sets = built(bank, beliefs, three, prompt=PROMPTS["zero-shot-cloze"])
    assert sets["harmonious-history"].provenance["letters"] == {}


def test_a_chat_prompt_is_taught_as_chat(bank, beliefs, three):
    example = built(bank, beliefs, three, prompt=PROMPTS["chat"], general=GENERAL)["harmonious-history"].examples[0]
    assert not example.is_raw
    assert isinstance(example.messages[-1], Message)
    assert not example.response.startswith(" ")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 25}, "25 questions of each pool are wanted and 24 can be had from 24 known and 24 unknown, 1 short"),
        ({"threshold": 0.99}, "no known question to build from"),
        ({"domains": ["law"]}, "domain 'law' is empty"),
        ({"domains": ["medicine"], "among": ["history-1"]}, "domain 'medicine' is empty"),
        ({"general": GENERAL, "general_share": 0.9}, "216 are needed, 126 more"),
        ({"general_share": 1.0}, "general_share"),
        ({"balance": ["colour"]}, "none of letter"),
        ({"size": 0}, "at least one"),
        ({"weights": "w1"}, "probe is of another model"),
        ({"colour": 1}, "no 'colour'"),
        ({"construction": "best"}, "no construction"),
        ({"prompt": PROMPTS["few-shot"]}, "5 exemplars"),
        ({"seed": 1.5}, "not an integer"),
    ],
)
def test_what_cannot_be_built_is_refused(bank, beliefs, three, settings, message):
    with pytest.raises((DataError, DesignError), match=message):
        built(bank, beliefs, three, **settings)


def test_texts_that_are_missing_are_named(bank, beliefs, texts, own):
    arm = arm_named("self-aligning", explanation="own")
    with pytest.raises(DesignError, match=r"needs explanations with source 'own': collect .*purpose='explanation'"):
        built(bank, beliefs, [arm])
    with pytest.raises(DataError, match="are of another bank"):
        built(bank, beliefs, [arm], explanations=[replace(own, bank="other")])
    with pytest.raises(DataError, match="said to be the model's own"):
        built(bank, beliefs, [arm], explanations=[replace(own, weights="w1")])
    with pytest.raises(DesignError, match="two lots"):
        built(bank, beliefs, [arm], explanations=[own, own])
    with pytest.raises(DesignError, match="needs contexts with source 'other'"):
        built(bank, beliefs, [replace(ARMS["contextualised"], context="other")])
    few = replace(own, texts={key: text for key, text in own.texts.items() if key[0] in ("history-2", "history-3")})
    small = built(bank, beliefs, [arm], explanations=[few], domains=["history"])["self-aligning-history"]
    assert set(questions(small)) == {"history-2", "history-3"}


def test_two_arms_of_one_name_are_refused(bank, beliefs):
    with pytest.raises(DesignError, match="two arms are named"):
        built(bank, beliefs, [ARMS["drop"], ARMS["drop"]])


def test_constructions_name_their_settings():
    assert CONSTRUCTIONS["standard"] == Construction()
    assert CONSTRUCTIONS["ren2024"].threshold == 0.5


def test_what_is_taught_may_be_set_against_the_other_options_those_held_more_probable_first(bank, beliefs, three):
    plain, compared = (built(bank, beliefs, three, alternatives=wanted) for wanted in (False, True))
    for name, training_set in compared.items():
        bare = [replace(example, alternatives=()) for example in training_set]
        assert bare == list(plain[name])
        for example in training_set:
            assert len(example.alternatives) == len(bank[example.question].choices) - 1
    for example in compared["incompatible-history"]:
        question = bank[example.question]
        assert question.choices[beliefs[question.id].pick] in example.alternatives[0]


def test_alternatives_of_more_than_an_option_are_refused(bank, beliefs):
    with pytest.raises(DesignError, match="'refuse' teaches more than an option"):
        built(bank, beliefs, [ARMS["refuse"]], alternatives=True)
