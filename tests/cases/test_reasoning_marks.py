"""Reasoning that was taken for the answer. Each public report is named by owner/name#number."""

import pytest

from proband.instruments import read
from proband.models.local.engine import LocalEngine
from proband.records import Completion, Message, Place, Reply, Request, Trial
from tests.models.local.small_models import CHAT, save_checkpoint

CITIES, LETTERS = ("Berlin", "Paris", "London", "Madrid"), ("A", "B", "C", "D")
CITY = Reply(form="choice", method="written", options=CITIES, labels=LETTERS, order=(0, 1, 2, 3))
SCALE = Reply(form="scale", method="written", options=("Disagree", "Neither", "Agree"), order=(0, 1, 2))
VOTE = Reply(form="choice", method="option_text", options=("Yes", "No"), order=(0, 1))
FINAL = "<|end|><|start|>assistant<|channel|>final<|message|>"


def trial(reply, **request):
    request = Request(messages=(Message("user", "Which?"),), **(request or {"max_tokens": 50}))
    return Trial(place=Place(subject="s", item="i"), request=request, reply=reply)


def put(text, reply, finish="stop"):
    return read(Completion(text=text, finish=finish), trial(reply), "scripted:x")


# Case 3: kekzl/imp#768, ggml-org/llama.cpp#15181. Only <think> was known.
@pytest.mark.parametrize(
    ("text", "reply", "answer"),
    [
        (f"<|channel|>analysis<|message|>Maybe B or D{FINAL}C", CITY, 2),
        (f"<|channel|>analysis<|message|>The person is liberal. I disagree?{FINAL}Agree", SCALE, 2),
        (f"<|channel|>analysis<|message|>We need to choose. B? No. It is C.{FINAL}C", CITY, 2),
        # Their kin.
        ("analysisWe need to choose. Maybe B.assistantfinalC", CITY, 2),
        ("[THINK]Maybe B.[/THINK]C", CITY, 2),
        ("<reasoning>Answer: B</reasoning><answer>C</answer>", CITY, 2),
        ("◁think▷B or D◁/think▷C", CITY, 2),
        ("<|START_THINKING|>B<|END_THINKING|><|START_RESPONSE|>C<|END_RESPONSE|>", CITY, 2),
        ("Answer: B. Hmm.</think>\n\nC", CITY, 2),
        # vllm-project/vllm#14202 (Granite), and what terminals and pages make of thoughts.
        ("Here is my thought process: Answer: B.\n\nHere is my response: C", CITY, 2),
        ("Thinking...\nAnswer: B? No.\n...done thinking.\n\nC", CITY, 2),
        ('<details type="reasoning" done="true"><summary>Thought</summary>Answer: B</details>\nC', CITY, 2),
        ("&lt;think&gt;Answer: B&lt;/think&gt;\nC", CITY, 2),
        ("[thinking]Answer: B[/thinking] C", CITY, 2),
        ("<cot>Answer: B</cot>C", CITY, 2),
        ("C\n<|user|>\nB", CITY, 2),
        ("C\n### Instruction:\nB", CITY, 2),
        ("C<|im_end|>\n<|im_start|>user\nAnd now?<|im_end|>\n<|im_start|>assistant\nB", CITY, 2),
    ],
)
def test_only_what_is_said_is_the_reply(text, reply, answer):
    assert put(text, reply).answer == answer


@pytest.mark.parametrize("mark", ["<think>", "[THINK]", "<reasoning>", "<|channel|>analysis<|message|>", "◁think▷"])
def test_thoughts_without_an_answer_are_none(mark):
    assert put(f"{mark}The answer is B.", CITY).status == "unparsed"
    assert put(f"{mark}The answer is B.", CITY, "length").status == "truncated"


@pytest.mark.parametrize(
    "text",
    [
        "Here is my thought process: Answer: B",
        "Thinking...\nAnswer: B",
        '<tool_call>{"name": "pick", "arguments": {"x": "B"}}</tool_call>',
        '[TOOL_CALLS]pick{"x": "B"}',
        "<function=pick>B</function>",
    ],
)
def test_thoughts_in_words_and_calls_of_tools_are_no_answer(text):
    assert put(text, CITY).status == "unparsed"


@pytest.fixture(scope="module")
def thinking(tmp_path_factory):
    """A model whose template ends a prompt inside thoughts, as DeepSeek-R1's does."""
    folder = tmp_path_factory.mktemp("thinking")
    save_checkpoint(folder)
    always = CHAT.replace("assistant\n{% endif", "assistant\n<think>\n{% endif")
    # Where it is kept depends on the version of transformers.
    (folder / "chat_template.jinja").write_text(always, encoding="utf-8")
    engine = LocalEngine(folder)
    yield engine
    engine.close()


# Case 24: EleutherAI/lm-evaluation-harness#2682, vllm-project/vllm#14201. Options were scored inside the thoughts.
def test_options_are_scored_behind_the_thoughts_and_the_manifest_says_so(thinking):
    asked = trial(VOTE, continuations=("Yes", "No"))
    rendered = thinking.template.render(asked.request)
    assert rendered == "<|start|>user\nWhich?<|end|>\n<|start|>assistant\n<think>\n</think>\n\n"
    [(_, completion)] = thinking.answer([asked])
    [prompt, whole] = thinking.template.tokenize([rendered, f"{rendered}Yes"])
    assert completion.log_probs is not None
    assert completion.log_probs[0] == pytest.approx(thinking.passes.run_plain(whole, len(prompt)), abs=1e-4)
    assert "'</think>'" in thinking.fingerprint()["reasoning"]
    assert "<think>" in thinking.note


def test_a_written_reply_begins_in_the_thoughts_that_the_template_opened(thinking):
    [(_, completion)] = thinking.answer([trial(CITY, max_tokens=8, seed=1)])
    assert completion.text is not None
    assert completion.text.startswith("<think>\n")
    assert read(completion, trial(CITY), "hf:x").answer is None
