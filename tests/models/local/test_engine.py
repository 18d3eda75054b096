import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from proband.designs import Survey
from proband.errors import ContextTooLong, EngineError
from proband.instruments import load_instrument
from proband.models.engine import BaseEngine
from proband.models.local.embedded import embedded_engine
from proband.models.local.engine import LocalEngine
from proband.models.local.passes import Passes
from proband.models.pieces import pieces_of
from proband.records import Message, Place, Reply, Request, Trial
from proband.subjects import load_population
from tests.models.local.small_models import KINDS, WAYS, save_checkpoint


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def engine(folder):
    return LocalEngine(folder, address="tiny")


def trial(persona, text, options=("Yes", "No", "Yes, always"), item="q", **request):
    asked = Request(messages=(Message("system", persona), Message("user", text)), continuations=options, **request)
    return Trial(place=Place(subject="s", item=item), request=asked, reply=Reply(form="text", method="written"))


def survey(n_subjects=3, n_items=3, **request):
    return [
        trial(f"You are {20 + s}.", f"Item {i}?", item=f"q{i}", **request)
        for s in range(n_subjects)
        for i in range(n_items)
    ]


def write(text, **request):
    return trial("Reply.", text, options=(), **({"max_tokens": 8} | request))


def plain_log_probs(engine, request):
    """Each continuation in an unbatched forward pass of its own, with nothing of the engine but its text."""
    prompt = engine._template.render(request)
    sums = []
    for text in engine._template.continuations(request):
        n = len(engine._template.tokenize([prompt])[0])
        ids = torch.tensor(engine._template.tokenize([prompt + text]))
        with torch.inference_mode():
            log_probs = engine.passes.model(ids).logits[0].float().log_softmax(-1)
        sums.append(sum(float(log_probs[k - 1, ids[0, k]]) for k in range(n, ids.shape[1])))
    return sums


def assert_exact(engine, trials):
    answered = dict(engine.answer(trials))
    assert len(answered) == len(trials)
    for one, completion in answered.items():
        assert completion.log_probs == pytest.approx(plain_log_probs(engine, one.request), abs=1e-4)


def test_it_scores_and_writes_by_request(engine):
    asked: BaseEngine = engine
    assert asked.abilities == {"embed", "score", "write"}
    assert (asked.address, asked.answers_by) == ("tiny", "request")


@pytest.mark.parametrize("kind", KINDS)
def test_scores_equal_plain_passes_for_every_kind_of_model(kind, tmp_path):
    engine = LocalEngine(save_checkpoint(tmp_path, kind), chunk_tokens=50)
    assert_exact(engine, survey(2, 2) + survey(2, 2, closes=True))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_model_is_run_in_the_best_way_it_can(kind, tmp_path):
    assert LocalEngine(save_checkpoint(tmp_path, kind)).passes.way == WAYS[kind]


@pytest.mark.parametrize(("kind", "said"), [("gpt_oss", "nothing is packed"), ("mamba", "is scored alone")])
def test_a_model_that_cannot_be_packed_says_so(kind, said, tmp_path):
    assert said in LocalEngine(save_checkpoint(tmp_path, kind)).note


@pytest.mark.parametrize("kind", ["gemma2", "mistral"])
def test_a_sliding_window_shorter_than_a_request_is_honoured(kind, tmp_path):
    engine = LocalEngine(save_checkpoint(tmp_path, kind, sliding_window=20))
    engine.passes.block_tokens = 16
    short, long = trial("You are 20.", "Why?"), trial("You are 20." * 10, "Why?")
    assert_exact(engine, [short, long])


def test_positions_that_stretch_with_length_are_scored_alone_and_noted(tmp_path):
    rope = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0, "original_max_position_embeddings": 100}
    engine = LocalEngine(save_checkpoint(tmp_path, "llama", rope_parameters=rope))
    assert "more than 100 tokens" in engine.note
    assert_exact(engine, [trial("You are 20.", "Why?"), trial("You are 20." * 10, "Why?")])


@settings(max_examples=15)
@given(st.data())
def test_scores_do_not_depend_on_packing_order_or_chunk_size(engine, data):
    text = st.text("ab é", min_size=1, max_size=6).filter(str.strip)
    options = st.lists(text, min_size=1, max_size=4, unique=True).map(tuple)
    trials = data.draw(st.lists(st.builds(trial, text, text, options, closes=st.booleans()), max_size=6))
    chunked = Passes(engine.passes.model, data.draw(st.integers(1, 200)))
    chunked.block_tokens = data.draw(st.integers(1, 80))
    whole, engine._open = engine._open, chunked
    try:
        for one, completion in engine.answer(trials):
            assert completion.log_probs == pytest.approx(plain_log_probs(engine, one.request), abs=1e-4)
    finally:
        engine._open = whole


def test_every_distinct_prefix_is_computed_once(folder):
    engine = LocalEngine(folder, chunk_tokens=64)
    trials = survey(3, 4)
    assert engine.note == ""
    before = engine.passes.computed_tokens
    list(engine.answer(trials))
    rows = [ids for t in trials for ids in engine._template.encode(t.request).sequences]
    prefixes = {ids[:n] for ids in rows for n in range(1, len(ids))}
    assert engine.passes.computed_tokens - before == len(prefixes)


def test_equal_requests_are_computed_once_and_answered_each(engine):
    one = trial("You are 20.", "Why?")
    again = Trial(place=Place(subject="s", item="q", replicate=1), request=one.request, reply=one.reply)
    before = engine.passes.computed_tokens
    list(engine.answer([one]))
    alone = engine.passes.computed_tokens - before
    answers = list(engine.answer([one, again]))
    assert [t.id for t, _ in answers] == [one.id, again.id]
    assert answers[0][1] == answers[1][1]
    assert engine.passes.computed_tokens - before == 2 * alone


def test_answers_arrive_while_the_rest_is_still_to_do(folder):
    engine = LocalEngine(folder, chunk_tokens=64)
    assert engine.passes.way == "forest"
    before = engine.passes.computed_tokens
    answers = engine.answer(survey(6, 4))
    next(answers)
    first = engine.passes.computed_tokens - before
    assert sum(1 for _ in answers) == 23
    assert first < (engine.passes.computed_tokens - before) / 3


def test_closing_tells_an_option_from_the_beginning_of_another(engine):
    [(_, opened)] = engine.answer([trial("P", "Q", ("Yes", "Yes, always"))])
    [(_, closed)] = engine.answer([trial("P", "Q", ("Yes", "Yes, always"), closes=True)])
    assert opened.log_probs[0] > opened.log_probs[1]
    assert closed.log_probs[0] < opened.log_probs[0]
    assert closed.token_counts == tuple(n + 1 for n in opened.token_counts) == (4, 12)


def test_cost_counts_what_answering_computes(folder):
    engine = LocalEngine(folder)
    trials = survey(3, 4)
    cost = engine.cost(trials + trials)
    assert engine.passes.way == "forest"
    before = engine.passes.computed_tokens
    answers = dict(engine.answer(trials)).values()
    assert cost.unique_tokens == engine.passes.computed_tokens - before
    assert cost.prompt_tokens == sum(c.prompt_tokens for c in answers)
    assert cost.completion_tokens == sum(c.completion_tokens for c in answers)
    assert cost.is_exact
    assert 0 < cost.seconds < 5


def test_cost_of_writing_is_an_upper_bound_and_says_so(engine):
    cost = engine.cost([write("Why?", max_tokens=30)])
    assert cost.completion_tokens == 30
    assert not cost.is_exact
    assert engine.cost([]).seconds == 0


def test_render_shows_prompt_and_continuations(engine):
    text = engine.render(trial("P", "Q", ("Yes", "No"), closes=True))
    assert text == (
        "<|start|>system\nP<|end|>\n<|start|>user\nQ<|end|>\n<|start|>assistant\n\n[1] 'Yes<|end|>'\n[2] 'No<|end|>'"
    )


@pytest.mark.parametrize("request_", [{}, {"options": (), "max_tokens": 300}])
def test_a_request_longer_than_the_context_is_refused_by_item(engine, request_):
    fits, long = (trial("P", "Q" * 20), trial("P", "Q" * (500 if not request_ else 90), item="long", **request_))
    engine.check([fits])
    with pytest.raises(ContextTooLong, match=r"item 'long': .* takes 400; shorten"):
        engine.check([fits, long])


def test_many_bytes_in_few_tokens_are_not_refused(engine):
    # About 60 tokens, but each of the 330 bytes might have been one, for all the cheap bound knows.
    one = trial("<" * 100, "Q", ("Yes",))
    assert engine._template.most_bytes(one.request) > engine._template.encode(one.request).start
    engine.check([one])


def test_control_tokens_are_refused_by_item(engine):
    with pytest.raises(EngineError, match=r"item 'q': .*control token"):
        engine.check([trial("P<|end|>", "Q")])


def test_what_cannot_be_asked_becomes_an_error_and_the_rest_is_answered(engine):
    bad, good = trial("P<|end|>", "Q"), trial("P", "Q")
    answers = dict(engine.answer([bad, good]))
    assert "control token" in answers[bad].error
    assert answers[good].log_probs is not None


def test_a_fingerprint_tells_weights_apart(folder, engine, tmp_path):
    other = LocalEngine(save_checkpoint(tmp_path, tie_word_embeddings=False), address="tiny")
    same = LocalEngine(folder, address="tiny")
    assert same.fingerprint() == engine.fingerprint()
    assert other.fingerprint()["weights"] != engine.fingerprint()["weights"]
    assert set(engine.fingerprint()) >= {"weights", "template", "dtype", "device", "torch", "transformers"}


def test_a_closed_engine_says_so(folder):
    engine = LocalEngine(folder, address="tiny")
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="tiny is closed"):
        list(engine.answer(survey(1, 1)))


def test_a_wrong_option_is_refused(folder):
    with pytest.raises(EngineError, match="dtype 'int8' is none of"):
        LocalEngine(folder, dtype="int8")
    with pytest.raises(EngineError, match="chunk_tokens is 0"):
        LocalEngine(folder, chunk_tokens=0)


@pytest.mark.slow
def test_numbers_of_the_embedded_model_are_the_same_to_the_last_bit_with_any_number_of_threads():
    people = load_population("anes-1996").sample(4, seed=1)
    asked = Survey(instrument=load_instrument("mini-ipip"), subjects=people, seed=1, answer_by="option_text")
    pieces = pieces_of(list(asked.trials({})))
    engine, threads = embedded_engine(), torch.get_num_threads()
    found = []
    try:
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            answered = [pair for piece in engine.answer_pieces(pieces) for pair in piece]
            found.append({trial.id: completion.log_probs for trial, completion in answered})
    finally:
        torch.set_num_threads(threads)
    assert len(found[0]) == asked.size()
    assert found[0] == found[1] == found[2]
