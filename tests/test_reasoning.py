"""What is thought and what is said: the table of marks."""

import pytest

from proband.reasoning import OpenBlock, is_mark, open_block, without_reasoning

# How families mark their thoughts: opening, closing.
PAIRS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<Thought>", "</Thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<think time=3>", "</think>"),
    ("<seed:think>", "</seed:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("<antThinking>", "</antThinking>"),
    ("<scratchpad>", "</scratchpad>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|think|>", "<|/think|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|thinking_start|>", "<|thinking_end|>"),
    ("<|startofthought|>", "<|endofthought|>"),
    ("<unused94>", "<unused95>"),
    ("<|channel>", "<channel|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
]


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
def test_thoughts_are_taken_out_whatever_the_marks(opening, closing):
    assert without_reasoning(f"{opening}It may be B.\n{closing}C").strip() == "C"
    assert without_reasoning(f"It may be B.{closing}\n\nC").strip() == "C"  # the opening mark stood in the prompt
    assert without_reasoning(f"{opening}It may be B.") == ""
    assert without_reasoning(f"{opening}B{opening}B{closing}B{closing}C").strip() == "C"


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
def test_a_prompt_that_ends_in_open_thoughts_says_how_to_close_them(opening, closing):
    assert open_block(f"<|assistant|>\n{opening}\n") == OpenBlock(mark=opening, closing=f"\n{closing}\n\n")
    assert open_block(f"<|assistant|>\n{opening}\n\n{closing}\n\n") is None
    assert open_block(f"<|assistant|>{closing}") is None
    assert is_mark(opening)
    assert is_mark(closing)


def test_only_the_mark_of_its_own_family_closes_a_block():
    assert without_reasoning("<think>a <analysis>b</analysis> B is best") == ""
    assert without_reasoning("<think>a [/THINK] b</think>C") == "C"


def test_words_in_brackets_are_no_marks():
    for text in ("I [think] so", "a < b, I think > c", "[x] Reasoning", "<b>C</b>", "<|im_end|>"):
        assert without_reasoning(text) == text
    assert not is_mark("<|im_end|>")


HARMONY = "<|channel|>analysis<|message|>Is it B?<|end|><|start|>assistant"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HARMONY + "<|channel|>final<|message|>C<|return|>", "C"),
        (HARMONY + "<|channel|>final <|constrain|>JSON<|message|>{}", "{}"),
        (HARMONY + "<|channel|>commentary<|message|>Let me see: B.<|end|>", ""),
        ("<|channel|>final<|message|>C", "C"),
        ("analysis<|message|>Is it B?<|end|><|start|>assistant<|channel|>final<|message|>C", "C"),
        ("analysisIs it B? I think it is.assistantfinalC", "C"),
        ("analysisIs it B?", ""),
        (HARMONY + "<|channel|>final<|message|>B<|end|><|channel|>final<|message|>C", "B\nC"),
        ("analysis of variance", "analysis of variance"),
    ],
)
def test_only_the_final_channel_is_said(text, said):
    assert without_reasoning(text) == said


def test_a_prompt_in_channels_is_led_to_the_final_one():
    ends = {
        "<|start|>assistant": "<|channel|>final<|message|>",
        "<|start|>assistant<|channel|>analysis<|message|>": "<|end|><|start|>assistant<|channel|>final<|message|>",
        "<|start|>assistant<|channel|>final": "<|message|>",
    }
    for tail, closing in ends.items():
        block = open_block(tail, has_channels=True)
        assert block is not None
        assert block.closing == closing
    assert open_block("<|start|>assistant<|channel|>final<|message|>") is None
    assert open_block("<|start|>assistant") is None  # another family's turn begins alike
    assert is_mark("<|channel|>", has_channels=True)
    assert not is_mark("<|end|>")
