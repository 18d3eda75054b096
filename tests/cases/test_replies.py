"""Replies that other tools misread, and their kin. Each public report is named by owner/name#number."""

import pytest

from proband.instruments import read
from proband.records import Completion, Message, Place, Reply, Request, Trial

CITIES, LETTERS = ("Berlin", "Paris", "London", "Madrid"), ("A", "B", "C", "D")
REQUEST = Request(messages=(Message("user", "What do you say?"),), max_tokens=50)


def reply_to(form, options=(), **more):
    return Reply(**{"form": form, "method": "written", "options": options, "order": tuple(range(len(options))), **more})


def put(text, reply, finish="stop"):
    trial = Trial(place=Place(subject="s", item="i"), request=REQUEST, reply=reply)
    return read(Completion(text=text, finish=finish), trial, "scripted:x")


def outcome(text, reply):
    response = put(text, reply)
    return response.answer if response.status == "valid" else response.status


YES_NO = reply_to("choice", ("Yes", "No"), method="verbalised", decide="mode")
CITY_SHARES = reply_to("choice", CITIES, method="verbalised", decide="mode")


# Case 1: expectedparrot/edsl#2549. A last line of 0 threw the reply away.
@pytest.mark.parametrize(
    ("text", "reply", "probs"),
    [
        ("Yes: 100%\nNo: 0%", YES_NO, (1.0, 0.0)),
        ("Berlin: 50%\nParis: 30%\nLondon: 20%\nMadrid: 0%", CITY_SHARES, (0.5, 0.3, 0.2, 0.0)),
        # Their kin.
        ("No: 0%\nYes: 100%", YES_NO, (1.0, 0.0)),
        ("0% Yes\n100% No", YES_NO, (0.0, 1.0)),
        ("Yes: 1\nNo: 0", YES_NO, (1.0, 0.0)),
        ("Yes 100% No 0%", YES_NO, (1.0, 0.0)),
        ("Yes:\n100%\nNo:\n0%", YES_NO, (1.0, 0.0)),
        ("| Option | Percent |\n|---|---|\n| Yes | 100% |\n| No | 0% |", YES_NO, (1.0, 0.0)),
        ("**Yes:** 70,5 %\n**No:** 29,5 %", YES_NO, (0.705, 0.295)),
        ("Yes: 70%\nNo: 30%\nTotal: 100%", YES_NO, (0.7, 0.3)),
        ("Yes: 99.9%\nNo: 0%", YES_NO, (1.0, 0.0)),
    ],
)
def test_a_line_break_ends_a_pair_of_option_and_amount(text, reply, probs):
    assert put(text, reply).probs == pytest.approx(probs)


@pytest.mark.parametrize(
    "text",
    [
        "Yes: 1%\nNo: 0%",
        "Yes: 0.7%\nNo: 0.3%",
        "Yes: <1%\nNo: >99%",
        "Yes: 40-60%\nNo: 60%",
        "Yes: 70%\nNo: 30%\n\nWait. Yes: 60%\nNo: 40%",
        '{"Yes": 100, "No": 0, "Yes": 50}',
        '{"Yes": NaN, "No": 100}',
        '{"Yes": ' + "9" * 5000 + "}",
        '{"Yes": ' + "[" * 5000,
        "Yes: 70%",
    ],
)
def test_amounts_that_are_no_one_distribution_are_none(text):
    assert put(text, YES_NO).status == "unparsed"


# Case 2: expectedparrot/edsl#1791. The order of mention was taken for the order.
RANKED = [
    ("Berlin: 3\nParis: 1\nLondon: 2\nMadrid: 4", (1, 2, 0, 3)),
    ("Berlin (3), Paris (1), London (2), Madrid (4)", (1, 2, 0, 3)),
    ("1. Paris 2. London 3. Berlin 4. Madrid", (1, 2, 0, 3)),
    ("4. Madrid\n1. Paris\n2. London\n3. Berlin", (1, 2, 0, 3)),
    ("1st: Paris, 2nd: London, 3rd: Berlin, 4th: Madrid", (1, 2, 0, 3)),
    ("Berlin third, Paris first, London second, Madrid fourth", (1, 2, 0, 3)),
    ("| City | Rank |\n|---|---|\n| Berlin | 3 |\n| Paris | 1 |\n| London | 2 |\n| Madrid | 4 |", (1, 2, 0, 3)),
    ('{"Berlin": 3, "Paris": 1, "London": 2, "Madrid": 4}', (1, 2, 0, 3)),
    ('{"1": "Paris", "2": "London", "3": "Berlin", "4": "Madrid"}', (1, 2, 0, 3)),
    ('["Paris", "London", "Berlin", "Madrid"]', (1, 2, 0, 3)),
    ("1. Paris - lovely\n2. London - big\n3. Berlin - cheap\n4. Madrid - hot", (1, 2, 0, 3)),
    ("Berlin: 3\nParis: 1\nLondon: 2", "unparsed"),
    ("Berlin: 1\nParis: 1\nLondon: 2\nMadrid: 3", "unparsed"),
    ("Paris > London > Berlin = Madrid", "unparsed"),
    ("Paris < London < Berlin < Madrid", "unparsed"),
    ("Paris and London, then Berlin, Madrid", "unparsed"),
    ("Paris or London, Berlin, Madrid", "unparsed"),
    ("Not Berlin; Paris; London; Madrid", "unparsed"),
    ("Berlin is worse than Paris, London, Madrid", "unparsed"),
    ("Paris; London; Berlin; Rome", "unparsed"),
]


@pytest.mark.parametrize(("text", "right"), RANKED)
def test_a_rank_beside_an_option_goes_before_the_order_of_mention(text, right):
    assert outcome(text, reply_to("ranking", CITIES)) == right


def test_numbers_that_may_be_ranks_or_labels_are_neither():
    numbered = reply_to("ranking", CITIES, labels=("1", "2", "3", "4"))
    assert outcome("2; 3; 1; 4", numbered) == (1, 2, 0, 3)
    assert outcome("2. Paris; 3. London; 1. Berlin; 4. Madrid", numbered) == (1, 2, 0, 3)
    assert outcome("1: 3\n2: 1\n3: 2\n4: 4", numbered) == "unparsed"
    assert outcome("Paris (2), London (3), Berlin (1), Madrid (4)", numbered) == "unparsed"


# Case 4: allenai/open-instruct#1530, google-deepmind/proeval#19. The sign was lost.
BOTH_SIDES = reply_to("number", lower=-10, upper=10)
NUMBERS = [
    ("minus five", BOTH_SIDES, -5.0),
    ("I would say negative 5.", reply_to("number"), -5.0),
    ("-five", BOTH_SIDES, -5.0),
    ("\u22125", BOTH_SIDES, -5.0),
    ("-0", BOTH_SIDES, 0.0),
    ("½", BOTH_SIDES, 0.5),
    ("2½", BOTH_SIDES, 2.5),
    ("five point five", BOTH_SIDES, 5.5),
    ("1e1", BOTH_SIDES, 10.0),
    ("one hundred and five", reply_to("number"), 105.0),
    ("twenty-five", reply_to("number"), 25.0),
    ("two thousand and twenty-six", reply_to("number"), 2026.0),
    ("2 dozen", reply_to("number"), 24.0),
    ("1,5 Mio", reply_to("number"), 1_500_000.0),
    ("1.000,5", reply_to("number"), 1000.5),
    ("- 5", reply_to("number", lower=0), 5.0),
    ("- 5", BOTH_SIDES, "unparsed"),
    ("10²", reply_to("number"), "unparsed"),
    ("10^2", reply_to("number"), "unparsed"),
    ("1_000", reply_to("number"), "unparsed"),
    ("5M", reply_to("number"), "unparsed"),
    ("1e400", reply_to("number"), "unparsed"),
    ("2 and a half", BOTH_SIDES, "unparsed"),
    ("three quarters", BOTH_SIDES, "unparsed"),
    ("5 below zero", BOTH_SIDES, "unparsed"),
    ("10 minus 5", BOTH_SIDES, "unparsed"),
    ("5+", BOTH_SIDES, "unparsed"),
    ("> 5", BOTH_SIDES, "unparsed"),
    ("5 or more", BOTH_SIDES, "unparsed"),
    ("5-7", BOTH_SIDES, "unparsed"),
    ("5 (or 6)", BOTH_SIDES, "unparsed"),
    ("not 5", BOTH_SIDES, "unparsed"),
    ("5 and 6 are wrong", BOTH_SIDES, "unparsed"),
    ("5. Wait, no: 6", BOTH_SIDES, "unparsed"),
    ("Answer: 5. Actually 6", BOTH_SIDES, "unparsed"),
]


@pytest.mark.parametrize(("text", "reply", "right"), NUMBERS)
def test_a_number_keeps_its_sign_and_what_is_no_one_number_is_none(text, reply, right):
    assert outcome(text, reply) == right


# Case 5: antirez/ds4#321, UKGovernmentBEIS/inspect_ai#3910. What was denied, or not understood, counted.
SEVERAL = [
    ("A and B are wrong; C is right", (2,)),
    ("A, E", "unparsed"),
    ("A; C; Rome", "unparsed"),
    ("A, C. E", "unparsed"),
    ("C is right; A and B are not", (2,)),
    ("A, B (not C)", (0, 1)),
    ("A: yes\nB: no\nC: yes\nD: no", (0, 2)),
    ("A: 1, B: 0, C: 1, D: 0", (0, 2)),
    ("(x) Berlin\n( ) Paris", (0,)),
    ('["Berlin", "Paris"]', (0, 1)),
    ('{"A": true, "B": false}', (0,)),
    ('["Berlin", "Rome"]', "unparsed"),
    ("neither A nor B", "unparsed"),
    ("I would not choose A, B or C", "unparsed"),
    ("A, B and D don't apply", "unparsed"),
    ("All except B", "unparsed"),
    ("A or C", "unparsed"),
    ("A to C", "unparsed"),
    ("A, maybe B", "unparsed"),
    ("A, C; wait, no: B", "unparsed"),
    ("none", ()),
    ("None, except A", "unparsed"),
]


@pytest.mark.parametrize(("text", "right"), SEVERAL)
def test_a_denial_reaches_all_that_it_is_said_of_and_a_list_is_read_whole_or_not_at_all(text, right):
    assert outcome(text, reply_to("multiple", CITIES, labels=LETTERS)) == right


AGREE = ("Strongly agree", "Agree", "Neither agree nor disagree", "Disagree")
HOURS = ("Less than 5 hours", "5 hours", "10 hours", "More than 10 hours")
CHOICES = [
    ("B. Wait, no: C", CITIES, "unparsed"),
    ("Answer: B is wrong", CITIES, "unparsed"),
    ("Answer: B. Hmm, C is better.", CITIES, "unparsed"),
    ("B? No.", CITIES, "unparsed"),
    ("B or possibly C", CITIES, "unparsed"),
    ("Anything but B", CITIES, "unparsed"),
    ("If I were younger I'd say B", CITIES, "unparsed"),
    ("~~A~~ B", CITIES, 1),
    ("not A but B", CITIES, 1),
    ("B because A is too big and C too far", CITIES, 1),
    ("I agree. Well, disagree.", AGREE, "unparsed"),
    ("Agree, but also disagree", AGREE, "unparsed"),
    ("under 5 hours", HOURS, "unparsed"),
    ("5 hours or more", HOURS, "unparsed"),
    ("less than 5 hours", HOURS, 0),
    ("18-24", ("18-24", "25-34"), 0),
    ("18-20", ("18-24", "25-34"), "unparsed"),
    ("-2", ("-2", "0", "2"), 0),
    ("minus 2", ("-2", "0", "2"), 0),
    ("- 2", ("-2", "0", "2"), "unparsed"),
    ("-5", ("0", "5", "10"), "unparsed"),
]


@pytest.mark.parametrize(("text", "options", "right"), CHOICES)
def test_what_is_denied_doubted_or_only_like_an_option_is_no_choice(text, options, right):
    labels = LETTERS if options is CITIES else ()
    assert outcome(text, reply_to("choice", options, labels=labels)) == right


# What else was tried after public reports: NVIDIA-NeMo/Skills#1526, jundot/omlx#3668, openai/simple-evals#33,
# EleutherAI/lm-evaluation-harness#4188, groq/openbench#348, UKGovernmentBEIS/inspect_ai#5055,
# openai/frontier-evals#125, aniri15/OPD-V#2, antirez/ds4#321.
CITY = {"options": CITIES, "labels": LETTERS}
SAID_OF_CITIES = {
    0: ["Answer seems to be A.\n\nAnswer: A", "ANSWER: $A$", "ANSWER: **A**", "A good choice is A"],
    1: [
        *("The answer is B. Note that A is a common distractor.", "The answer is B because a car moves."),
        *("Between A and B, I'd go with B", "Out of A, B, C and D, I choose B", "A, C and D are wrong; B is right"),
        *(
            "B\n\nBerlin (A) is large, but Paris is nicer.",
            "B. Paris is the capital. Berlin is the capital of Germany.",
        ),
        *("I'd rather live in Paris than in Berlin.", "First choice: B\nSecond choice: A", "Paris, nicht London"),
        *("答案是B", "Die Antwort ist B.", "La réponse est B.", "Paris, definitely not London"),
    ],
    2: [
        "Antwort:\n\nAntwort: C",
        "Answer: I think it is C",
        "A person like me would choose C",
        "Answer: A is wrong, C",
    ],
    3: [
        *(
            "ANSWER IS D. A is incorrect.",
            "I considered (A), but it is incorrect. Final answer: D.",
            "Answer: D, not B",
        ),
        *("$\\boxed{\\langle H\\rangle \\ll \\Delta E}$ so\n\n**Answer: D**", "Answer: It is not B, the answer is D"),
    ],
    "unparsed": [
        *(
            "The wrong answer is B",
            "The least likely answer is B",
            "My second choice is B",
            "B is the worst",
            "I doubt B",
        ),
        *("B can be ruled out", "B must be wrong", "B makes no sense", "I don't think the answer is B", "I hate Paris"),
        *("Nicht Paris", "Pas Paris", "Je ne choisis pas Paris", "Weder Paris noch Berlin", "Bではありません", "不是B"),
        *(
            "Answer: A, B",
            "Answer: A B",
            "Paris oder London",
            "Paris and/or London",
            "Paris? Never.",
            "B is less likely",
        ),
    ],
}


@pytest.mark.parametrize(("right", "text"), [(right, text) for right, said in SAID_OF_CITIES.items() for text in said])
def test_what_is_weighed_explained_or_put_second_is_not_chosen(right, text):
    assert outcome(text, reply_to("choice", **CITY)) == right


POINTS = {"options": AGREE, "labels": ("1", "2", "3", "4")}
SCALED = [
    ("On a scale from 1 (strongly agree) to 4 (disagree), I would rate 2.", POINTS, 1),
    ("I am 40 years old, so 2", POINTS, 1),
    ("I am 35 and have 2 kids", POINTS, "unparsed"),
    ("2 out of 7", POINTS, "unparsed"),
    ("-2", POINTS, "unparsed"),
    (">3", POINTS, "unparsed"),
    ("I agree, although others disagree.", {"options": AGREE}, 1),
    ("Agree (strongly)", {"options": AGREE}, "unparsed"),
    ("Few would agree", {"options": AGREE}, "unparsed"),
    ("I fail to agree", {"options": AGREE}, "unparsed"),
    ("No way", {"options": ("Yes", "No")}, 1),
    ("It's a no from me", {"options": ("Yes", "No")}, 1),
    ("Je ne suis pas d'accord", {"options": ("D'accord", "Neutre")}, "unparsed"),
    ("Je ne suis pas tout à fait d'accord", {"options": ("D'accord", "Tout à fait d'accord")}, "unparsed"),
    ("Ich stimme eher nicht zu.", {"options": ("Stimme zu", "Stimme eher nicht zu", "Stimme nicht zu")}, 1),
    ("不太同意", {"options": ("同意", "不同意")}, "unparsed"),
]


@pytest.mark.parametrize(("text", "item", "right"), SCALED)
def test_a_scale_is_read_by_who_says_it_and_how_much(text, item, right):
    assert outcome(text, reply_to("scale", **item)) == right


BOUNDS = "mehr als 30;plus de 30;más de 30;mindestens 30;au moins 30;al menos 30;unter 30;30 o más;30 max;nicht 30"
GROWN = "5 Milliarden;5 Millionen;5 millones;5 mil;5 mille;5万;5億;5 Tsd.;5 млн;2 Dutzend"
NO_NUMBER = "5/5;9 out of 10;1..2;±5;+-5;The wrong answer is 30;I'd say 5 on weekdays and 10 on weekends"


@pytest.mark.parametrize("text", ";".join([BOUNDS, GROWN, NO_NUMBER]).split(";"))
def test_a_bound_or_half_of_a_number_in_any_language_is_none(text):
    assert outcome(text, reply_to("number", upper=100)) == "unparsed"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("-$5", -5.0),
        ("neg. 5", -5.0),
        ("7 (out of 10)", 7.0),
        ("not 6 but 5", 5.0),
        ("The answer is 4. I computed 2 and 2.", 4.0),
        ("She makes 3 * 2 = $6.\n#### 6", 6.0),
        ("3 min", 3.0),
        ("etwa 3 Minuten", 3.0),
    ],
)
def test_a_number_is_read_with_what_belongs_to_it(text, right):
    assert outcome(text, reply_to("number", lower=-10, upper=10)) == right


LISTED = [
    ("multiple", "The wrong ones are A and C", "unparsed"),
    ("multiple", "A and C can be ruled out", "unparsed"),
    ("multiple", "A, C, etc.", "unparsed"),
    ("multiple", "A, C...", "unparsed"),
    ("multiple", "A and something else", "unparsed"),
    ("multiple", "A, not B, C", "unparsed"),
    ("multiple", "A 1 B 0 C 1 D 0", "unparsed"),
    ("multiple", "A: Yes, B: Yes, C: No, D: Maybe", "unparsed"),
    ("multiple", "Berlin oder London", "unparsed"),
    ("multiple", "A ou C", "unparsed"),
    ("multiple", "Berlin (yes), Paris (no), London (yes), Madrid (no)", (0, 2)),
    ("multiple", "A, C\n\nB is wrong because Paris is small.", (0, 2)),
    ("multiple", "Berlin und London", (0, 2)),
    ("multiple", "A only", (0,)),
    ("multiple", "None of the options apply.", ()),
    ("ranking", "In no particular order: Paris, London, Berlin, Madrid", "unparsed"),
    ("ranking", "In ascending order of preference: Madrid, Berlin, London, Paris", "unparsed"),
    ("ranking", "Paris → London → Berlin → Madrid", (1, 2, 0, 3)),
    ("ranking", "(1) Paris (2) London (3) Berlin (4) Madrid", (1, 2, 0, 3)),
    ("ranking", "Paris, London, Berlin, Madrid\n\nI chose Paris first because of its art.", (1, 2, 0, 3)),
]


@pytest.mark.parametrize(("form", "text", "right"), LISTED)
def test_a_list_with_doubts_verdicts_or_an_open_end_is_read_as_what_it_is(form, text, right):
    assert outcome(text, reply_to(form, **CITY)) == right


def test_counts_and_decimals_are_no_labels():
    numbered = reply_to("multiple", CITIES, labels=("1", "2", "3", "4"))
    assert [outcome(text, numbered) for text in ("1.3", "All 4", "3 of them")] == ["unparsed"] * 3
    assert outcome("1, 3", numbered) == (0, 2)


SHARES = [
    ("Yes 70 No 30", (0.7, 0.3)),
    ("Yes: 70% No: 30%", (0.7, 0.3)),
    ("Yes:70,No:30", (0.7, 0.3)),
    ("1. Yes: 70%\n2. No: 30%", (0.7, 0.3)),
    ("Yes: about 70%\nNo: ~30%", (0.7, 0.3)),
    ("Yes: 70% (likely)\nNo: 30% (unlikely)", (0.7, 0.3)),
    ("Yes: seventy percent\nNo: thirty percent", (0.7, 0.3)),
    ("Probability of Yes: 70%\nProbability of No: 30%", (0.7, 0.3)),
    ("Yes: 100%\nMaybe: 50%", None),
]


@pytest.mark.parametrize(("text", "probs"), SHARES)
def test_shares_are_read_where_no_is_an_option_and_refused_where_another_has_one(text, probs):
    assert put(text, YES_NO).probs == (probs and pytest.approx(probs))
