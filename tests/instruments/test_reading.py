"""Hard cases of written replies, and the reading of distributions."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.instruments import read
from proband.records import Answer, Completion, Message, Place, Reply, Request, Response, Status, Trial

AGREE = ("Strongly agree", "Agree", "Neither agree nor disagree", "Disagree", "Strongly disagree")
LETTERS = ("A", "B", "C", "D", "E")
TEN = tuple(str(k) for k in range(11))


def put(completion: Completion, reply: Reply) -> Response:
    request = Request(messages=(Message("user", "What do you say?"),), max_tokens=50)
    return read(completion, Trial(place=Place(subject="s", item="i"), request=request, reply=reply), "scripted:test")


def written(text: str, reply: Reply, finish: str = "stop") -> tuple[Status, Answer]:
    response = put(Completion(text=text, finish=finish), reply)  # type: ignore[arg-type]
    return response.status, response.answer


def reply_to(form: str, options: tuple[str, ...] = (), **more: object) -> Reply:
    return Reply(
        **{  # type: ignore[arg-type]
            "form": form,
            "method": "written",
            "options": options,
            "order": tuple(range(len(options))),
            **more,
        }
    )


LABELLED = reply_to("scale", AGREE, labels=LETTERS)
BARE = reply_to("scale", AGREE)
TO_TEN = reply_to("scale", ("not at all", *(f"level {k}" for k in range(1, 10)), "completely"), labels=TEN)
YES_NO = reply_to("choice", ("Yes", "No"))
VOTE = reply_to("choice", ("Clinton", "Dole", "Someone else"), labels=("1", "2", "3"))
OFFERED = reply_to("choice", ("Yes", "No", "Don't know"), labels=("A", "B", "C"), dont_know=(2,))
DAYS = reply_to("scale", tuple(f"{k} days" for k in range(8)))

CHOICES: list[tuple[str, Reply, Status, Answer]] = [
    ("B", LABELLED, "valid", 1),
    ("b", LABELLED, "valid", 1),
    ("B)", LABELLED, "valid", 1),
    ("(B)", LABELLED, "valid", 1),
    ("[b]", LABELLED, "valid", 1),
    ("**B**", LABELLED, "valid", 1),
    ("__(B)__ Agree", LABELLED, "valid", 1),
    ("A. Strongly agree", LABELLED, "valid", 0),
    ("A. strongly AGREE!", LABELLED, "valid", 0),
    ("Option D", LABELLED, "valid", 3),
    ("I choose option D because life is hard.", LABELLED, "valid", 3),
    ("Strongly agree", LABELLED, "valid", 0),
    ("agree", LABELLED, "valid", 1),
    ("I strongly agree with this.", LABELLED, "valid", 0),
    ("I agree with the statement.", BARE, "valid", 1),
    ("Neither agree nor disagree.", BARE, "valid", 2),
    ("I neither agree nor disagree", BARE, "valid", 2),
    ("Disagree", BARE, "valid", 3),
    ("Agree (B)", LABELLED, "valid", 1),
    ("*Strongly  disagree*", BARE, "valid", 4),
    ("“Agree”", BARE, "valid", 1),
    ("Ａ", LABELLED, "valid", 0),
    ("I do not agree.", BARE, "unparsed", None),
    ("I don't agree", BARE, "unparsed", None),
    ("I wouldn't say that I agree.", BARE, "unparsed", None),
    ("Disagree strongly.", BARE, "unparsed", None),
    ("I agree on some points and disagree on others", BARE, "unparsed", None),
    ("somewhat agree", BARE, "unparsed", None),
    ("A person should agree to be kind.", LABELLED, "valid", 1),
    ("A friend of mine likes it.", LABELLED, "unparsed", None),
    ("A or B", LABELLED, "unparsed", None),
    ("A, B", LABELLED, "unparsed", None),
    ("A\nB", LABELLED, "unparsed", None),
    ("Agree / Disagree", BARE, "unparsed", None),
    ("A. Disagree", LABELLED, "unparsed", None),
    ("A. Strongly agree\nB. Agree\nC. Neither agree nor disagree", LABELLED, "unparsed", None),
    ("A. I'd rather choose B", LABELLED, "unparsed", None),
    ("B, not A", LABELLED, "valid", 1),
    ("Agree. Although some people disagree, it fits me.", BARE, "valid", 1),
    ("Agree. Actually, no: Disagree.", BARE, "unparsed", None),
    ("I like parties but I tire, so my answer is B", LABELLED, "valid", 1),
    ("At first A seems right. Answer: C", LABELLED, "valid", 2),
    ("Answer: A. Let me think again. Final answer: D", LABELLED, "valid", 3),
    ("Answer: A or B", LABELLED, "unparsed", None),
    ("My answer is not A", LABELLED, "unparsed", None),
    ("A is too strong and B is too weak, so I would go with C.", LABELLED, "valid", 2),
    ("The final answer is $\\boxed{D}$", LABELLED, "valid", 3),
    ('{"answer": "B"}', LABELLED, "valid", 1),
    ('{"answer": "Strongly agree"}', BARE, "valid", 0),
    ("<think>A looks good. Answer: A</think>\n\nE", LABELLED, "valid", 4),
    ("<think>A looks good, or B", LABELLED, "unparsed", None),
    ("B\n\nQuestion: Do you like dogs?\nAnswer: E", LABELLED, "valid", 1),
    ("10", TO_TEN, "valid", 10),
    ("1", TO_TEN, "valid", 1),
    ("0", TO_TEN, "valid", 0),
    ("10/10", TO_TEN, "valid", 10),
    ("7 out of 10", TO_TEN, "valid", 7),
    ("On a scale of 0 to 10, I would say 8.", TO_TEN, "valid", 8),
    ("I'd rate it a 7.", TO_TEN, "valid", 7),
    ("seven", TO_TEN, "valid", 7),
    ("٧", TO_TEN, "valid", 7),
    ("१०", TO_TEN, "valid", 10),
    ("１０", TO_TEN, "valid", 10),
    ("8.5", TO_TEN, "unparsed", None),
    ("11", TO_TEN, "unparsed", None),
    ("6-7", TO_TEN, "unparsed", None),
    ("6 or 7", TO_TEN, "unparsed", None),
    ("7 or 7.5", TO_TEN, "unparsed", None),
    ("between 6 and 7", TO_TEN, "unparsed", None),
    ("100", TO_TEN, "unparsed", None),
    ("10 - completely", TO_TEN, "valid", 10),
    ("10 - not at all", TO_TEN, "unparsed", None),
    ("No one should answer this", TO_TEN, "unparsed", None),
    ("Yes, I would.", YES_NO, "valid", 0),
    ("No.", YES_NO, "valid", 1),
    ("no, I would not", YES_NO, "valid", 1),
    ("No doubt about it: yes", YES_NO, "valid", 0),
    ("My answer is no", YES_NO, "valid", 1),
    ("Yes and no", YES_NO, "unparsed", None),
    ("2", VOTE, "valid", 1),
    ("I would vote for Bill Clinton.", VOTE, "valid", 0),
    ("2. Dole", VOTE, "valid", 1),
    ("2. Clinton", VOTE, "unparsed", None),
    ("Clinton or Dole, I can't choose between them", VOTE, "dont_know", None),
    ("3 days", DAYS, "valid", 3),
    ("3", DAYS, "valid", 3),
    ("About three days a week.", DAYS, "valid", 3),
    ("", LABELLED, "unparsed", None),
    ("Blue.", LABELLED, "unparsed", None),
    ("I cannot answer that.", LABELLED, "refused", None),
    ("As an AI language model, I don't have personal opinions.", LABELLED, "refused", None),
    ("As an AI, I do not have feelings, so I can't say whether I agree or disagree.", BARE, "refused", None),
    ("I'm sorry, but I can't assist with that.", LABELLED, "refused", None),
    ("I'd rather not say.", VOTE, "refused", None),
    ("I prefer not to answer", VOTE, "refused", None),
    ("I cannot choose. Many people agree with this.", BARE, "refused", None),
    ("As an AI, I have no feelings, but if I had to choose I'd say B.", LABELLED, "valid", 1),
    ("As an AI language model, I cannot agree.", BARE, "refused", None),
    ("I don't know.", BARE, "dont_know", None),
    ("I'm not sure", BARE, "dont_know", None),
    ("I'm not sure if I agree.", BARE, "dont_know", None),
    ("I'm not sure, but I'd say B.", LABELLED, "valid", 1),
    ("C", OFFERED, "dont_know", None),
    ("Don't know", OFFERED, "dont_know", None),
    ("I do not know", OFFERED, "dont_know", None),
    ("No", OFFERED, "valid", 1),
    ("我同意", reply_to("choice", ("同意", "不同意")), "valid", 0),
    ("我不同意", reply_to("choice", ("同意", "不同意")), "valid", 1),
]


@pytest.mark.parametrize(("text", "reply", "status", "answer"), CHOICES)
def test_a_written_choice_is_read_as(text: str, reply: Reply, status: Status, answer: Answer) -> None:
    assert written(text, reply) == (status, answer)


AMOUNT = reply_to("number", lower=0, upper=10_000)
HUNDRED = reply_to("number", lower=0, upper=100)
NUMBERS: list[tuple[str, Reply, Status, Answer]] = [
    ("30", HUNDRED, "valid", 30.0),
    ("thirty", HUNDRED, "valid", 30.0),
    ("twenty-five dollars", HUNDRED, "valid", 25.0),
    ("twelve", HUNDRED, "valid", 12.0),
    ("$30", HUNDRED, "valid", 30.0),
    ("30 €", HUNDRED, "valid", 30.0),
    ("USD 30", HUNDRED, "valid", 30.0),
    ("30%", HUNDRED, "valid", 30.0),
    ("I would offer $30 out of $100.", HUNDRED, "valid", 30.0),
    ("About 30, because 50 is too much.", HUNDRED, "valid", 30.0),
    ("3.5", HUNDRED, "valid", 3.5),
    ("3,5", HUNDRED, "valid", 3.5),
    ("1,200", AMOUNT, "valid", 1200.0),
    ("1.200,50 €", AMOUNT, "valid", 1200.5),
    ("1,200.50", AMOUNT, "valid", 1200.5),
    ("1 200", AMOUNT, "valid", 1200.0),
    ("1'200", AMOUNT, "valid", 1200.0),
    ("2 thousand", AMOUNT, "valid", 2000.0),
    ("5k", AMOUNT, "valid", 5000.0),
    ("10,00,000", reply_to("number"), "valid", 1_000_000.0),
    ("٤٢", HUNDRED, "valid", 42.0),
    ("४२", HUNDRED, "valid", 42.0),
    ("４２", HUNDRED, "valid", 42.0),
    ("٣٫٥", HUNDRED, "valid", 3.5),
    ("−5", reply_to("number", lower=-10, upper=10), "valid", -5.0),
    ("There are 3 of us and 2 cars, so my answer is 6.", HUNDRED, "valid", 6.0),
    ("I'm not sure, maybe 40", HUNDRED, "valid", 40.0),
    ("10-20", HUNDRED, "unparsed", None),
    ("10 to 20", HUNDRED, "unparsed", None),
    ("between 10 and 20", HUNDRED, "unparsed", None),
    ("My answer is 10-20", HUNDRED, "unparsed", None),
    ("five or six", HUNDRED, "unparsed", None),
    ("more than 10", HUNDRED, "unparsed", None),
    ("101", HUNDRED, "unparsed", None),
    ("-1", HUNDRED, "unparsed", None),
    ("I keep 70 and give 30", HUNDRED, "unparsed", None),
    ("12:30", HUNDRED, "unparsed", None),
    ("1e3", AMOUNT, "valid", 1000.0),
    ("1.2.3", HUNDRED, "unparsed", None),
    ("lots", HUNDRED, "unparsed", None),
    ("I don't know", HUNDRED, "dont_know", None),
    ("I cannot provide a number.", HUNDRED, "refused", None),
]


@pytest.mark.parametrize(("text", "reply", "status", "answer"), NUMBERS)
def test_a_written_number_is_read_as(text: str, reply: Reply, status: Status, answer: Answer) -> None:
    assert written(text, reply) == (status, answer)


MEDIA = ("Television", "Newspapers", "Radio", "The internet")
MULTIPLE = reply_to("multiple", MEDIA, labels=("A", "B", "C", "D"))
RANKING = reply_to("ranking", ("Health", "Education", "Economy"), labels=("A", "B", "C"))
SPLIT = reply_to("allocation", ("Clinton", "Dole", "Charity"), labels=("A", "B", "C"), total=100.0)
PARTS: list[tuple[str, Reply, Status, Answer]] = [
    ("A, C", MULTIPLE, "valid", (0, 2)),
    ("c and a", MULTIPLE, "valid", (0, 2)),
    ("ACD", MULTIPLE, "valid", (0, 2, 3)),
    ("- A. Television\n- D. The internet", MULTIPLE, "valid", (0, 3)),
    ("Radio and the internet, but not television.", MULTIPLE, "valid", (2, 3)),
    ('{"answer": ["B", "C"]}', MULTIPLE, "valid", (1, 2)),
    ("[x] Television\n[ ] Newspapers\n[x] Radio\n[ ] The internet", MULTIPLE, "valid", (0, 2)),
    ("1. Radio\n2. Television", MULTIPLE, "valid", (0, 2)),
    ("None", MULTIPLE, "valid", ()),
    ("None of the above.", MULTIPLE, "valid", ()),
    ("[]", MULTIPLE, "valid", ()),
    ("I don't use any of these.", MULTIPLE, "valid", ()),
    ("All of them", MULTIPLE, "valid", (0, 1, 2, 3)),
    ("Pigeons", MULTIPLE, "unparsed", None),
    ("I cannot answer that", MULTIPLE, "refused", None),
    ("C, A, B", RANKING, "valid", (2, 0, 1)),
    ("C > A > B", RANKING, "valid", (2, 0, 1)),
    ("1. Economy\n2. Health\n3. Education", RANKING, "valid", (2, 0, 1)),
    ("1) B, 2) A, 3) C", RANKING, "valid", (1, 0, 2)),
    ("Education, then Health, then Economy.", RANKING, "valid", (1, 0, 2)),
    ("C, A", RANKING, "unparsed", None),
    ("C, A, A", RANKING, "unparsed", None),
    ("Least important: Health, then Education, then Economy", RANKING, "unparsed", None),
    ("A: 50\nB: 30\nC: 20", SPLIT, "valid", (50.0, 30.0, 20.0)),
    ("Clinton: $50, Dole: $30, Charity: $20", SPLIT, "valid", (50.0, 30.0, 20.0)),
    ("50 to Clinton, 30 to Dole and 20 to charity", SPLIT, "valid", (50.0, 30.0, 20.0)),
    ("I give 100 to Dole.", SPLIT, "valid", (0.0, 100.0, 0.0)),
    ('{"A": 50, "B": 30, "C": 20}', SPLIT, "valid", (50.0, 30.0, 20.0)),
    ("50, 30, 20", SPLIT, "valid", (50.0, 30.0, 20.0)),
    ("A: 33\nB: 33\nC: 33", SPLIT, "valid", (33.0, 33.0, 33.0)),
    ("A: 50\nB: 30\nC: 30", SPLIT, "unparsed", None),
    ("A: 120\nB: -20\nC: 0", SPLIT, "unparsed", None),
    ("Equally", SPLIT, "unparsed", None),
    ("I'd rather not say", SPLIT, "refused", None),
]


@pytest.mark.parametrize(("text", "reply", "status", "answer"), PARTS)
def test_a_written_list_is_read_as(text: str, reply: Reply, status: Status, answer: Answer) -> None:
    assert written(text, reply) == (status, answer)


OPEN = reply_to("text")
OPENS: list[tuple[str, Status, Answer]] = [
    ("  My dog, of course.\n", "valid", "My dog, of course."),
    ("I'm *very* fond of it", "valid", "I'm *very* fond of it"),
    ("", "unparsed", None),
    ("I don't know.", "dont_know", None),
    ("As an AI language model, I do not have personal experiences.", "refused", None),
    ("<think>hm</think>Tea", "valid", "Tea"),
    ("I cannot give up tea.", "valid", "I cannot give up tea."),
]


@pytest.mark.parametrize(("text", "status", "answer"), OPENS)
def test_an_open_answer_is_kept_as_written(text: str, status: Status, answer: Answer) -> None:
    assert written(text, OPEN) == (status, answer)


CUT: list[tuple[str, Reply, Status, Answer]] = [
    ("B", LABELLED, "valid", 1),
    ("I think that people who", LABELLED, "truncated", None),
    ("Let me weigh this. Those who agree say", BARE, "truncated", None),
    ("I agree, since parties are", BARE, "valid", 1),
    ("Agree", reply_to("scale", ("Agree", "Agree strongly")), "truncated", None),
    ("1", TO_TEN, "truncated", None),
    ("7", TO_TEN, "valid", 7),
    ("The answer is 1", AMOUNT, "truncated", None),
    ("30 dollars, for", AMOUNT, "valid", 30.0),
    ("A, C", MULTIPLE, "truncated", None),
    ("A, C, B", RANKING, "valid", (0, 2, 1)),
    ("Once upon a", OPEN, "truncated", None),
    ("As an AI language model, I do not have personal opinions, and", LABELLED, "refused", None),
]


@pytest.mark.parametrize(("text", "reply", "status", "answer"), CUT)
def test_a_reply_that_was_cut_off_is_read_as(text: str, reply: Reply, status: Status, answer: Answer) -> None:
    assert written(text, reply, "length") == (status, answer)


def test_answers_are_in_the_order_written_and_not_as_shown() -> None:
    order = (4, 3, 2, 1, 0)
    turned = tuple(AGREE[k] for k in order)
    assert written("A", reply_to("scale", turned, labels=LETTERS, order=order)) == ("valid", 4)
    assert written("Strongly agree", reply_to("scale", turned, order=order)) == ("valid", 0)
    media = reply_to("multiple", MEDIA[::-1], labels=("A", "B", "C", "D"), order=(3, 2, 1, 0))
    assert written("A, B", media) == ("valid", (2, 3))
    split = reply_to("allocation", ("Dole", "Clinton"), labels=("A", "B"), order=(1, 0), total=10.0)
    assert written("A: 2, B: 8", split) == ("valid", (8.0, 2.0))


def scored(log_probs: tuple[float, ...], method: str = "option_text", **more: object) -> Response:
    options = tuple("abcdefgh"[: len(log_probs)])
    completion = Completion(log_probs=log_probs, token_counts=more.pop("counts", ()))  # type: ignore[arg-type]
    return put(completion, reply_to("choice", options, method=method, **more))


def test_log_probabilities_become_probabilities_and_their_mass() -> None:
    response = scored((math.log(0.3), math.log(0.1)), decide="mode")
    assert response.probs == pytest.approx((0.75, 0.25))
    assert response.mass == pytest.approx(0.4)
    assert (response.status, response.answer) == ("valid", 0)


def test_probabilities_are_put_in_the_order_written() -> None:
    response = scored((math.log(0.3), math.log(0.1)), order=(1, 0), decide="mode")
    assert response.probs == pytest.approx((0.25, 0.75))
    assert response.answer == 1


def test_the_per_token_mean_has_no_mass() -> None:
    response = scored((-2.0, -3.0), method="option_text_mean", counts=(1, 3), decide="mode")
    assert response.probs == pytest.approx((1 / (1 + math.e), math.e / (1 + math.e)))
    assert response.mass is None


def test_equal_probabilities_decide_for_the_first_as_written() -> None:
    assert scored((-1.0, -1.0, -1.0), order=(2, 1, 0), decide="mode").answer == 0


def test_a_dont_know_option_that_is_decided_on_is_no_answer_but_keeps_its_probabilities() -> None:
    response = scored((math.log(0.2), math.log(0.7)), decide="mode", dont_know=(1,))
    assert (response.status, response.answer) == ("dont_know", None)
    assert response.probs == pytest.approx((2 / 9, 7 / 9))


def test_draws_follow_the_probabilities() -> None:
    answers = [scored((math.log(0.8), math.log(0.2)), seed=seed).answer for seed in range(2000)]
    assert answers.count(0) / 2000 == pytest.approx(0.8, abs=0.03)


def test_a_draw_does_not_depend_on_the_order_shown() -> None:
    for seed in range(50):
        plain = scored((-1.0, -2.0, -0.5), seed=seed)
        turned = scored((-0.5, -1.0, -2.0), order=(2, 0, 1), seed=seed)
        assert plain.answer == turned.answer


@given(st.lists(st.floats(-60, 0), min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_probabilities_do_not_depend_on_the_order_shown(log_probs: list[float], random: object) -> None:
    order = list(range(len(log_probs)))
    random.shuffle(order)  # type: ignore[attr-defined]
    straight = scored(tuple(log_probs))
    turned = scored(tuple(log_probs[k] for k in order), order=tuple(order))
    assert straight.probs == pytest.approx(turned.probs)
    assert straight.answer == turned.answer


def test_an_impossible_option_is_never_drawn() -> None:
    assert {scored((-math.inf, -1.0), seed=seed).answer for seed in range(200)} == {1}


@pytest.mark.parametrize(
    ("completion", "method", "found"),
    [
        (Completion(log_probs=(-1.0,)), "option_text", "1 continuations for 2 options"),
        (Completion(log_probs=(-math.inf, -math.inf)), "label", "probability 0"),
        (Completion(log_probs=(-1.0, -1.0)), "option_text_mean", "tokens"),
        (Completion(error="HTTP 500"), "option_text", "HTTP 500"),
    ],
)
def test_what_failed_stays_failed_and_says_why(completion: Completion, method: str, found: str) -> None:
    response = put(completion, reply_to("choice", ("a", "b"), method=method, labels=("A", "B")))
    assert (response.status, response.answer) == ("failed", None)
    assert response.error is not None
    assert found in response.error


def test_an_answer_given_outright_is_taken_as_it_is() -> None:
    assert put(Completion(given=(3, "valid")), BARE).answer == 3
    assert put(Completion(given=(None, "refused")), BARE).status == "refused"


def test_probabilities_beside_it_are_in_terms_of_the_instrument_and_decide_nothing() -> None:
    turned = reply_to("choice", ("a", "b"), method="written", order=(1, 0))
    response = put(Completion(given=(0, "valid"), probs=(0.4, 0.6)), turned)
    assert (response.answer, response.probs) == (0, (0.4, 0.6))
    unsure = put(Completion(given=(None, "dont_know"), probs=(0.4, 0.6)), turned)
    assert (unsure.status, unsure.probs) == ("dont_know", (0.4, 0.6))
    assert put(Completion(given=(0, "valid"), probs=(1.0,)), turned).status == "failed"


THREE = reply_to(
    "choice", ("Yes", "No", "Don't know"), labels=("A", "B", "C"), method="verbalised", decide="mode", dont_know=(2,)
)
VERBALISED: list[tuple[str, Status, tuple[float, ...] | None]] = [
    ('{"A": 70, "B": 20, "C": 10}', "valid", (0.7, 0.2, 0.1)),
    ('```json\n{"Yes": 0.7, "No": 0.2, "Don\'t know": 0.1}\n```', "valid", (0.7, 0.2, 0.1)),
    ('{"A": "70%", "B": "20%", "C": "10%"}', "valid", (0.7, 0.2, 0.1)),
    ("A: 70%\nB: 20%\nC: 10%", "valid", (0.7, 0.2, 0.1)),
    ("A) Yes: 0.7\nB) No: 0.2\nC) Don't know: 0.1", "valid", (0.7, 0.2, 0.1)),
    ("- **Yes** - 70%\n- **No** - 20%\n- **Don't know** - 10%", "valid", (0.7, 0.2, 0.1)),
    ("A: 70%\nB: 20%\nC: 11%", "valid", (70 / 101, 20 / 101, 11 / 101)),
    ("A: 10%\nB: 20%\nC: 70%", "dont_know", (0.1, 0.2, 0.7)),
    ("A: 70%\nB: 60%\nC: 10%", "unparsed", None),
    ("A: 70\nB: 20", "unparsed", None),
    ("A: 120%\nB: -20%\nC: 0%", "unparsed", None),
    ("Mostly A", "unparsed", None),
    ("I cannot provide probabilities.", "refused", None),
]


@pytest.mark.parametrize(("text", "status", "probs"), VERBALISED)
def test_a_written_distribution_is_read_as(text: str, status: Status, probs: tuple[float, ...] | None) -> None:
    response = put(Completion(text=text), THREE)
    assert response.status == status
    assert response.probs == (None if probs is None else pytest.approx(probs))


def test_a_written_distribution_over_numeric_labels() -> None:
    reply = reply_to("scale", ("low", "middle", "high"), labels=("1", "2", "3"), method="verbalised", decide="mode")
    assert put(Completion(text="1: 20%\n2: 50%\n3: 30%"), reply).probs == pytest.approx((0.2, 0.5, 0.3))
    assert put(Completion(text='{"1": 20, "2": 50, "3": 30}'), reply).probs == pytest.approx((0.2, 0.5, 0.3))


@given(st.text(max_size=80), st.sampled_from([LABELLED, TO_TEN, DAYS, HUNDRED, MULTIPLE, RANKING, SPLIT, OPEN, THREE]))
def test_any_text_is_read_without_an_error(text: str, reply: Reply) -> None:
    response = put(Completion(text=text), reply)
    assert (response.answer is None) == (response.status != "valid")


@given(st.permutations(range(5)), st.integers(0, 4))
def test_label_and_text_read_the_same_under_every_order(order: list[int], place: int) -> None:
    reply = reply_to("scale", tuple(AGREE[k] for k in order), labels=LETTERS, order=tuple(order))
    expected = ("valid", order[place])
    assert written(LETTERS[place], reply) == expected
    assert written(AGREE[order[place]], reply) == expected
    assert written(f"{LETTERS[place]}. {AGREE[order[place]]}", reply) == expected


@pytest.mark.slow
@pytest.mark.parametrize("text", ["so I would say " * 1000, "1 2 3 " * 2000, "A and B or " * 1000, "([" * 5000])
def test_a_reply_that_repeats_itself_is_read_in_no_time(text: str) -> None:
    start = time.process_time()
    for reply in (LABELLED, TO_TEN, HUNDRED, MULTIPLE, SPLIT):
        put(Completion(text=text), reply)
    assert time.process_time() - start < 20


def test_what_was_sent_and_received_is_kept() -> None:
    completion = Completion(text="**B**", prompt_tokens=7, completion_tokens=2, attempts=3)
    response = put(completion, LABELLED)
    assert (response.text, response.prompt_tokens, response.completion_tokens) == ("**B**", 7, 2)
    assert (response.attempts, response.engine, response.order) == (3, "scripted:test", (0, 1, 2, 3, 4))
    assert len(response.request) == 32
