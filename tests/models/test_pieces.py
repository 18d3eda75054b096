"""How trials are cut into pieces: by the design alone."""

from hypothesis import given
from hypothesis import strategies as st

from proband.models.pieces import FULL, LEAST, MOST, pieces_of
from proband.records import Message, Place, Reply, Request, Trial

OPTIONS = ("Very inaccurate", "Moderately inaccurate", "Moderately accurate", "Very accurate")
REPLY = Reply(form="choice", method="option_text", options=OPTIONS, order=(0, 1, 2, 3))


def asked(subject, item, system="", text="", premises=(), replicate=0, **request):
    before = (Message("system", system),) if system else ()
    if premises:
        sent = Request(messages=before, continuations=(text or f"Document {item}.",), premises=premises)
    else:
        user = Message("user", text or f"Is {item} what you are?")
        sent = Request(messages=(*before, user), continuations=OPTIONS, **request)
    place = Place(subject=subject, item=item, replicate=replicate)
    return Trial(place=place, request=sent, reply=REPLY)


def persona(name, n_items=25, n_words=200):
    told = f"You are {name}. " + " ".join(f"{name}{k}" for k in range(n_words))
    return [asked(name, f"q{k}", told, f"Number {k}: {'what say you? ' * 10}") for k in range(n_items)]


def ids(pieces):
    return [[trial.id for trial in piece] for piece in pieces]


def n_distinct(piece):
    return len({trial.request.hash for trial in piece})


def test_a_root_is_a_piece():
    trials = [trial for name in "abc" for trial in persona(name)]
    assert ids(pieces_of(trials)) == ids([persona("a"), persona("b"), persona("c")])
    by_item = sorted(trials, key=lambda trial: int(trial.place.item[1:]))
    assert ids(pieces_of(by_item)) == ids([persona("a"), persona("b"), persona("c")])


def test_another_subject_changes_no_other_root_s_piece():
    before = pieces_of([*persona("a"), *persona("b")])
    after = pieces_of([*persona("a"), *persona("new", 2, 1), *persona("b"), *persona("c")])
    assert all(piece in after for piece in before)


def test_short_requests_without_a_root_are_packed_by_their_place():
    trials = [asked("s", f"q{k}") for k in range(2000)]
    pieces = pieces_of(trials)
    assert [trial for piece in pieces for trial in piece] == trials
    sizes = [len(piece) for piece in pieces]
    assert 300 < min(sizes[:-1]) <= max(sizes) < 900
    assert pieces_of(trials[:1500])[:-1] == pieces[: len(pieces_of(trials[:1500])) - 1]


def test_small_roots_are_packed_together():
    trials = [asked(f"s{k}", "q", f"You are {k}.") for k in range(300)]
    pieces = pieces_of(trials)
    assert 1 < len(pieces) < 20
    assert [trial for piece in pieces for trial in piece] == trials


def test_a_large_root_is_split_where_little_is_computed_twice():
    shown = "A worked example. " * 200
    pieces = pieces_of([asked("s", f"q{k}", shown) for k in range(4000)])
    assert len(pieces) > 3
    for piece in pieces[:-1]:
        own = sum(len(trial.request.messages[-1].text) + sum(map(len, OPTIONS)) for trial in piece)
        assert len(shown) < own / 25 or len(piece) == MOST


def test_what_many_roots_begin_with_is_not_computed_for_each():
    rules = "These are the rules of the house. " * 300
    trials = [asked(f"s{k}", f"q{j}", f"{rules}You are {k}.") for k in range(60) for j in range(5)]
    pieces = pieces_of(trials)
    assert 1 <= len(pieces) < 6


def test_questions_to_one_document_are_not_torn():
    trials = [
        asked(f"d{k}", f"q{j}", text=f"Document {k}. {f'It says {k}. ' * 400} Question {j}?")
        for k in range(20)
        for j in range(8)
    ]
    assert all(len({trial.place.subject for trial in piece}) * 8 == len(piece) for piece in pieces_of(trials))


def test_documents_with_the_same_premises_stand_together():
    first, second = ("It is about war.", "It is about peace."), ("It is long.", "It is short.")
    trials = [asked("s", f"d{k}", premises=first if k % 2 else second) for k in range(40)]
    turned = [asked("t", f"d{k}", premises=first[::-1]) for k in range(40)]
    (piece,) = pieces_of([*trials, *turned])
    assert [trial.request.premises[0] for trial in piece] == [second[0]] * 20 + [first[0]] * 20 + [first[1]] * 40


def test_no_trials_are_no_pieces():
    assert pieces_of([]) == []


TEXTS = st.sampled_from(["", "You are Ada.", "You are Bob. " * 400, "A long beginning. " * 300 + "Cleo"])
TRIALS = st.lists(st.tuples(TEXTS, st.integers(0, 30), st.sampled_from([1, 60])), max_size=60)


@given(TRIALS)
def test_every_trial_is_in_one_piece_and_equal_requests_in_the_same(drawn):
    trials = [
        asked("s", f"q{number}", system, f"{number} " * times, replicate=k)
        for k, (system, number, times) in enumerate(drawn)
    ]
    pieces = pieces_of(trials)
    assert pieces == pieces_of(list(trials))
    assert sorted(trial.id for piece in pieces for trial in piece) == sorted(trial.id for trial in trials)
    requests = [{trial.request.hash for trial in piece} for piece in pieces]
    assert sum(map(len, requests)) == len(set().union(*requests))
    assert all(0 < n_distinct(piece) <= MOST for piece in pieces)
    place = {trial.id: number for number, trial in enumerate(trials)}
    for piece in pieces:
        by_root = {}
        for trial in {trial.request.hash: trial for trial in reversed(piece)}.values():
            by_root.setdefault(trial.request.messages[:-1], []).append(place[trial.id])
        assert all(found == sorted(found, reverse=True) for found in by_root.values())
    assert LEAST < FULL
