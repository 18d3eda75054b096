"""Small random models of several kinds, and requests to write."""

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from proband.models.local.engine import LocalEngine
from proband.records import Message, Place, Reply, Request, Trial

CHAT = (
    "{% for m in messages %}<|start|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 300, "head_dim": 8}
SMALL |= {"intermediate_size": 48, "max_position_embeddings": 400, "initializer_range": 0.3}
SMALL |= {"bos_token_id": None, "eos_token_id": 258, "pad_token_id": None}


def save(folder, kind="llama", chat=CHAT, **changes):
    words = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={w: k for k, w in enumerate(words)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in ("<|start|>", "<|end|>", "<|eos|>")])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|eos|>")
    wrapped.chat_template = chat
    wrapped.save_pretrained(folder)
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **(SMALL | changes))
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def opened(tmp_path_factory):
    """Opens a small random model of a kind, with bytes for tokens."""
    torch.set_num_threads(1)

    def open_engine(kind="llama", **changes):
        return LocalEngine(save(tmp_path_factory.mktemp(kind), kind, **changes), address="tiny")

    return open_engine


@pytest.fixture(scope="session")
def tiny(opened):
    return opened(num_key_value_heads=2)


@pytest.fixture(scope="session")
def asked():
    """Makes a trial that asks for a text."""

    def ask(text, persona="Reply.", **request):
        messages = (Message("system", persona), Message("user", text))
        sent = Request(messages=messages, **({"max_tokens": 8} | request))
        return Trial(place=Place(subject="s", item="q"), request=sent, reply=Reply(form="text", method="written"))

    return ask
