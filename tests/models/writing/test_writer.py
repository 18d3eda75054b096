import numpy as np
import pytest
import torch

from proband.errors import EngineError
from proband.models.local.embedded import embedded_engine
from proband.models.writing.drafts import AHEAD
from proband.models.writing.writer import Writer

KINDS = {
    "llama": {"num_key_value_heads": 2, "tie_word_embeddings": True},
    "gpt_neox": {},
    "gemma2": {"num_key_value_heads": 1, "sliding_window": 20},
    "gemma3_text": {"num_key_value_heads": 2, "sliding_window": 20},
    "qwen2": {"num_key_value_heads": 2},
    "qwen3": {"num_key_value_heads": 2},
    "mistral": {"num_key_value_heads": 2, "sliding_window": 30},
}


def writer(engine, **options):
    settings = {"ends": engine._ends, "schemas": engine._schemas} | options
    return Writer(engine.passes, engine._template, **settings)


def texts(engine, trials, **options):
    written = writer(engine, **options).write([trial.request for trial in trials])
    return {request.hash: completion for request, completion in written}


def personas(asked, n_subjects, n_items, **request):
    """Prompts of 60 to 130 tokens, most of which the items of a persona share."""
    return [
        asked(f"Item {'x' * i}?", f"You are {20 + s}, {'fond of cats, ' * (2 + s)}and at ease.", **request)
        for s in range(n_subjects)
        for i in range(n_items)
    ]


def plain_text(engine, trial):
    """The most probable tokens by unbatched passes with the model's own attention."""
    ids = list(engine._template.encode(trial.request).sequences[0])
    n = len(ids)
    for _ in range(trial.request.max_tokens):
        with torch.inference_mode():
            ids.append(int(engine.passes.model(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
        if ids[-1] in engine._ends:
            return engine._template.decode(ids[n:-1])
    return engine._template.decode(ids[n:])


@pytest.mark.parametrize("kind", KINDS)
def test_every_usual_kind_of_model_writes_its_most_probable_tokens(kind, opened, asked):
    engine = opened(kind, **KINDS[kind])
    trials = [*personas(asked, 2, 3), asked("Why?", "P")]
    assert writer(engine).shares
    for trial, completion in engine.answer(trials):
        assert completion.text == plain_text(engine, trial)


@pytest.mark.parametrize("kind", ["bloom", "mamba"])
def test_a_model_whose_attention_cannot_be_exchanged_writes_plainly_and_says_so(kind, opened, asked):
    engine = opened(kind, **({"n_layer": 2, "n_head": 4} if kind == "bloom" else {}))
    assert not writer(engine).shares
    assert "written" in engine.note
    if kind == "bloom":
        for trial, completion in engine.answer([*personas(asked, 1, 3), asked("Why?", "P")]):
            assert completion.text == plain_text(engine, trial)


def test_texts_do_not_depend_on_batch_order_memory_or_chunks(tiny, asked):
    how = ({"temperature": 1.0}, {"temperature": 0.7, "top_p": 0.8}, {})
    trials = [trial for k in how for trial in personas(asked, 2, 4, **k)]
    alone = {key: value for trial in trials for key, value in texts(tiny, [trial]).items()}
    for rows in (2, 7, 32):
        assert texts(tiny, trials, rows=rows) == alone
    assert texts(tiny, trials[::-1], rows=7) == alone
    assert texts(tiny, trials, memory_bytes=150_000) == alone


def test_a_text_depends_on_its_seed_or_else_on_its_request(tiny, asked):
    trials = [asked("Why?", temperature=1.0, seed=seed) for seed in (1, 2, None)]
    first = texts(tiny, trials)
    assert texts(tiny, trials[::-1]) == first
    assert len({completion.text for completion in first.values()}) == 3


def test_what_prompts_share_is_computed_once(tiny, asked):
    trials = personas(asked, 1, 6, max_tokens=1)
    prompts = [tiny._template.encode(trial.request).sequences[0] for trial in trials]
    together, written = writer(tiny, rows=6), writer(tiny, rows=6)
    sent, expected = together.prompt_tokens(trial.request for trial in trials)
    list(written.write(trial.request for trial in trials))
    # A pass over one token at the start finds out what layers keep.
    assert written.computed_tokens == expected + 1
    prefixes = {prompt[:n] for prompt in prompts for n in range(1, len(prompt) + 1)}
    assert sent == sum(map(len, prompts))
    # Beyond the tokens that all six begin with, too few are shared to be worth a segment.
    assert len(prefixes) <= expected < len(prefixes) + 6 * 16 < sent


def test_replicates_of_one_prompt_share_all_of_it(tiny, asked):
    trials = [asked("Why?" * 20, temperature=1.0, seed=seed, max_tokens=1) for seed in range(20)]
    length = len(tiny._template.encode(trials[0].request).sequences[0])
    assert writer(tiny).prompt_tokens(trial.request for trial in trials) == (20 * length, length - 1 + 20)


def test_rows_leave_when_done_and_others_enter(tiny, asked):
    trials = [asked(f"{k}?", max_tokens=n, temperature=1.0) for k, n in enumerate([40, 2, 2, 2, 2, 2])]
    one = writer(tiny, rows=2)
    order = [request.max_tokens for request, _ in one.write(trial.request for trial in trials)]
    assert order == [2, 2, 2, 2, 2, 40]
    prompts = sum(len(tiny._template.encode(trial.request).sequences[0]) for trial in trials)
    assert one.computed_tokens <= 1 + prompts + 50


def test_requests_are_taken_as_they_are_needed_and_closing_stops(tiny, asked):
    taken = []
    requests = (taken.append(k) or asked(f"{k}?", max_tokens=2).request for k in range(10 * AHEAD))
    usual = tiny.passes.model.config._attn_implementation
    replies = writer(tiny, rows=4).write(requests)
    next(replies)
    assert len(taken) <= 2 * AHEAD
    assert tiny.passes.model.config._attn_implementation == usual
    replies.close()


def test_memory_is_bounded_and_what_does_not_fit_says_how_much_it_takes(tiny, asked):
    trials = [*personas(asked, 1, 3), asked("Why?" * 60, max_tokens=100)]
    written = texts(tiny, trials, memory_bytes=100_000)
    *fit, long = (written[trial.request.hash] for trial in trials)
    assert all(completion.text is not None for completion in fit)
    assert "takes up to" in long.error
    assert "100 kB may be used; lower max_tokens" in long.error


def test_what_cannot_be_encoded_becomes_an_error_and_the_rest_is_written(tiny, asked):
    bad, good = asked("Why?", "P<|end|>"), asked("Why?")
    answers = dict(tiny.answer([bad, good]))
    assert "control token" in answers[bad].error
    assert answers[good].completion_tokens == 8


@pytest.mark.parametrize("at", [3, 4, 5])
def test_a_stop_text_is_cut_exactly_wherever_its_tokens_lie(at, opened, asked):
    engine = opened(chat=None)
    [(_, free)] = engine.answer([asked("Why?", max_tokens=30)])
    stop = free.text[at : at + 3]
    [(_, cut)] = engine.answer([asked("Why?", max_tokens=30, stop=("no such text", stop))])
    assert (cut.text, cut.finish) == (free.text[: free.text.index(stop)], "stop")
    assert cut.completion_tokens < free.completion_tokens


def test_an_ending_token_ends_a_reply_and_max_tokens_cuts_it(tiny, asked):
    [free] = texts(tiny, [asked("Why?", max_tokens=12)]).values()
    assert (free.finish, free.completion_tokens) == ("length", 12)
    character = next(c for c in free.text[1:] if c.isascii())
    [token] = tiny._template.tokenize([character])[0]
    [cut] = texts(tiny, [asked("Why?", max_tokens=12)], ends=frozenset({token})).values()
    assert (cut.text, cut.finish) == (free.text[: free.text.index(character)], "stop")


def test_scores_are_what_they_were_before_writing(tiny, asked):
    from dataclasses import replace

    one = asked("Why?")
    scored = replace(one, request=replace(one.request, continuations=("Yes", "No"), max_tokens=0))
    [(_, before)] = tiny.answer([scored])
    assert [c.log_probs for _, c in tiny.answer([one, scored]) if c.log_probs] == [before.log_probs]


def test_a_token_that_rounding_could_change_is_settled_by_a_pass_alone(opened, asked):
    engine = opened(num_key_value_heads=2, tie_word_embeddings=False)
    head = engine.passes.model.lm_head.weight
    with torch.no_grad():
        head[1::2] = head[::2]
    one = writer(engine)
    list(one.write([asked("Why?", max_tokens=5).request]))
    assert one.settled_tokens == 5


def test_cost_counts_shared_prompts_once(tiny, asked):
    trials = personas(asked, 2, 5)
    cost = tiny.cost(trials)
    answers = dict(tiny.answer(trials)).values()
    assert cost.prompt_tokens == sum(completion.prompt_tokens for completion in answers)
    assert cost.unique_tokens < cost.prompt_tokens / 2
    assert cost.completion_tokens == 8 * len(trials)
    assert not cost.is_exact


def test_wrong_settings_are_refused(tiny):
    with pytest.raises(EngineError, match="rows is 0; give at least 1"):
        writer(tiny, rows=0)
    with pytest.raises(EngineError, match="memory_bytes is 0"):
        writer(tiny, memory_bytes=0)


@pytest.mark.model
@pytest.mark.slow
def test_the_embedded_model_writes_the_same_alone_and_in_any_batch(asked):
    engine = embedded_engine()
    how = [{}, {"temperature": 1.0}, {"temperature": 0.8, "top_p": 0.9}]
    cats = "You are fond of cats, ships and rain, and you answer in a few plain words. "
    trials = [
        asked(f"Say something about the number {k}.", cats * (1 + k % 3), max_tokens=12, **how[k % 3])
        for k in range(32)
    ]
    alone = {key: value for trial in trials[:6] for key, value in texts(engine, [trial]).items()}
    batches = [texts(engine, trials, rows=rows) for rows in (2, 7, 32)]
    batches.append(texts(engine, [trials[k] for k in np.random.default_rng(0).permutation(32)], rows=32))
    assert all(batch == batches[0] for batch in batches)
    assert {key: batches[0][key] for key in alone} == alone
