import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from proband.errors import EngineError
from proband.models.local.templates import Template
from proband.records import Message, Request

CHAT = (
    "{% for m in messages %}<|start|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + CHAT
DATED = "Today is {{ strftime_now('%d %b %Y') }}.\n" + CHAT


def make_tokenizer(chat_template: str | None, bos: str | None = None) -> PreTrainedTokenizerFast:
    """Bytes as tokens, but two line ends in a row merge, as do "o" and "k"."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*alphabet, "ĊĊ", "ok"]
    bpe = models.BPE(vocab={w: k for k, w in enumerate(words)}, merges=[("Ċ", "Ċ"), ("o", "k")])
    tokenizer = Tokenizer(bpe)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in ("<|start|>", "<|end|>", "<|eos|>")])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|eos|>", bos_token=bos)
    wrapped.chat_template = chat_template
    return wrapped


def ask(*messages: tuple[str, str], options=("Yes", "No"), closes=False) -> Request:
    return Request(messages=tuple(Message(r, t) for r, t in messages), continuations=options, closes=closes)


def test_a_chat_template_is_rendered_up_to_the_reply():
    template = Template(make_tokenizer(CHAT))
    text = template.render(ask(("system", "You are 40."), ("user", "Vote?")))
    assert text == "<|start|>system\nYou are 40.<|end|>\n<|start|>user\nVote?<|end|>\n<|start|>assistant\n"


def test_without_a_chat_template_there_is_a_transcript_and_a_leading_space():
    template = Template(make_tokenizer(None))
    request = ask(("system", "Poll."), ("user", "Vote?"), ("assistant", "Yes"), ("user", "Sure?"), closes=True)
    assert template.render(request) == "Poll.\n\nVote?\nAnswer: Yes\n\nSure?\nAnswer:"
    assert template.continuations(request) == (" Yes\n\n", " No\n\n")


def test_a_closed_continuation_ends_with_the_end_of_turn_token_not_the_end_of_text():
    template = Template(make_tokenizer(CHAT))
    assert template.continuations(ask(("user", "Vote?"), closes=True)) == ("Yes<|end|>", "No<|end|>")


def test_a_template_without_a_system_role_gets_the_text_in_the_first_user_turn():
    template = Template(make_tokenizer(NO_SYSTEM))
    text = template.render(ask(("system", "You are 40."), ("user", "Vote?")))
    assert text == "<|start|>user\nYou are 40.\n\nVote?<|end|>\n<|start|>assistant\n"


def test_turns_that_a_template_refuses_are_an_error_with_a_way_out():
    refusing = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(EngineError, match="roles must alternate; send user and assistant"):
        Template(make_tokenizer(refusing)).render(ask(("user", "Vote?")))


def test_a_prompt_does_not_depend_on_the_day():
    assert Template(make_tokenizer(DATED)).render(ask(("user", "?"))).startswith("Today is 01 Jan 2025.")


def test_the_hash_tells_templates_apart():
    hashes = {Template(make_tokenizer(t)).hash for t in (CHAT, NO_SYSTEM, DATED, None)}
    assert len(hashes) == 4
    assert Template(make_tokenizer(CHAT)).hash == Template(make_tokenizer(CHAT)).hash


def test_control_tokens_in_a_text_are_refused():
    template = Template(make_tokenizer(CHAT))
    with pytest.raises(EngineError, match=r"'<\|end\|>', a control token"):
        template.render(ask(("user", "Ignore this<|end|>")))
    with pytest.raises(EngineError, match="control token"):
        template.check_text(ask(("user", "Vote?"), options=("Yes", "<|start|>")))


def test_scored_tokens_are_those_after_the_prompt():
    template = Template(make_tokenizer(CHAT))
    encoded = template.encode(ask(("user", "Vote?")))
    assert encoded.token_counts == (3, 2)
    assert template.decode(list(encoded.sequences[0][encoded.start :])) == "Yes"


def test_a_continuation_that_merges_with_the_prompt_moves_the_start_of_all():
    template = Template(make_tokenizer(CHAT))
    request = ask(("user", "Vote?"), options=("\nYes", "No"))
    encoded = template.encode(request)
    [alone] = template.tokenize([template.render(request)])
    assert encoded.start == len(alone) - 1
    # "\n\n" + "Yes" is four tokens, and "\n" + "No" is three: both tell of the prompt's last line end.
    assert encoded.token_counts == (4, 3)


def test_a_prompt_that_merges_as_a_whole_is_refused():
    template = Template(make_tokenizer("{{ messages[0]['content'] }}"))
    with pytest.raises(EngineError, match="merges with the whole prompt 'o'"):
        template.encode(ask(("user", "o"), options=("k", "a")))


def test_options_with_the_same_tokens_are_named():
    bpe = models.BPE(vocab={"[UNK]": 0, "a": 1, "b": 2}, merges=[], unk_token="[UNK]")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(bpe), unk_token="[UNK]")
    tokenizer.chat_template = "ab"
    with pytest.raises(EngineError, match="options 'é' and 'ü' are the same tokens"):
        Template(tokenizer).check_options(ask(("user", "a"), options=("é", "ü")))


def test_the_byte_bound_is_never_below_the_tokens():
    for chat in (CHAT, DATED, NO_SYSTEM, None):
        template = Template(make_tokenizer(chat))
        request = ask(("system", "é" * 30), ("user", "Vote?"), ("assistant", "No"), ("user", "Why?"), closes=True)
        assert max(len(ids) for ids in template.encode(request).sequences) <= template.most_bytes(request)


THINKS = CHAT.replace("assistant\n{% endif", "assistant\n<think>\n{% endif")
CHANNELS = (
    "{% for m in messages %}<|start|>{{ m['role'] }}{% if m['role'] == 'assistant' %}<|channel|>final{% endif %}"
    "<|message|>{{ m['content'] }}<|end|>{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)


def test_options_stand_behind_thoughts_that_the_template_opens():
    template = Template(make_tokenizer(THINKS))
    asked = ask(("user", "Vote?"))
    assert template.render(asked).endswith("<|start|>assistant\n<think>\n</think>\n\n")
    encoded = template.encode(asked)
    assert template.decode(list(encoded.sequences[0][encoded.start :])) == "Yes"
    assert max(len(ids) for ids in encoded.sequences) <= template.most_bytes(asked)
    assert template.hash != Template(make_tokenizer(CHAT)).hash


def test_a_reply_held_to_a_schema_comes_at_once_and_any_other_says_that_it_begins_with_thoughts():
    template = Template(make_tokenizer(THINKS))
    free = Request(messages=(Message("user", "Vote?"),), max_tokens=9)
    held = Request(messages=(Message("user", "Vote?"),), max_tokens=9, schema='{"type":"object"}')
    assert template.render(free).endswith("<think>\n")
    assert template.opening(free) == "<think>\n"
    assert template.render(held).endswith("</think>\n\n")
    assert template.opening(held) == ""


def test_who_speaks_of_thoughts_opens_none():
    template = Template(make_tokenizer(CHAT))
    asked = ask(("user", "What does <think> mean?"))
    assert template.render(asked).endswith("<|start|>assistant\n")
    assert template.opens is None


@pytest.mark.parametrize("text", ["a", "think", "<think>", "?"])
def test_thoughts_are_closed_whatever_the_question(text):
    assert Template(make_tokenizer(THINKS)).render(ask(("user", text))).endswith("<think>\n</think>\n\n")


def test_a_switch_in_a_message_opens_thoughts_too():
    switch = CHAT.replace(
        "assistant\n{% endif", "assistant\n{% if '/think' in messages[0]['content'] %}<think>\n{% endif %}{% endif"
    )
    template = Template(make_tokenizer(switch))
    assert template.render(ask(("system", "/think"), ("user", "Vote?"))).endswith("</think>\n\n")
    assert template.render(ask(("system", "Poll."), ("user", "Vote?"))).endswith("assistant\n")


def test_options_are_said_in_the_final_channel():
    template = Template(make_tokenizer(CHANNELS))
    assert template.render(ask(("user", "Vote?"))).endswith("<|start|>assistant<|channel|>final<|message|>")
    free = Request(messages=(Message("user", "Vote?"),), max_tokens=9)
    assert template.render(free).endswith("<|start|>assistant")
    assert template.opening(free) == ""


def test_marks_of_thoughts_stay_in_what_was_written_and_other_control_tokens_do_not():
    tokenizer = make_tokenizer(CHAT)
    tokenizer.add_special_tokens({"additional_special_tokens": ["[THINK]", "[/THINK]"]})
    ids = tokenizer("[THINK]no[/THINK]ok<|end|>", add_special_tokens=False)["input_ids"]
    assert Template(tokenizer).decode(ids) == "[THINK]no[/THINK]ok"
    assert Template(make_tokenizer(CHAT)).decode(make_tokenizer(CHAT)("ok<|end|>")["input_ids"]) == "ok"
