"""Small random checkpoints of many kinds of model, each with a tokenizer of single bytes."""

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

CHAT = (
    "{% for m in messages %}<|start|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 300}
SMALL |= {"intermediate_size": 48, "max_position_embeddings": 400, "initializer_range": 0.3, "head_dim": 8}
SMALL |= {"bos_token_id": None, "eos_token_id": 258, "pad_token_id": None}
KINDS = {
    "llama": {"num_key_value_heads": 2, "tie_word_embeddings": True},
    "gpt_neox": {},
    "gemma2": {"num_key_value_heads": 1, "sliding_window": 40},
    "qwen2": {"num_key_value_heads": 2},
    "mistral": {"num_key_value_heads": 2, "sliding_window": None},
    "qwen3": {"num_key_value_heads": 2, "use_sliding_window": True, "sliding_window": 30, "max_window_layers": 1},
    "gemma3_text": {"num_key_value_heads": 1, "sliding_window": 25, "sliding_window_pattern": 2},
    "gpt2": {"n_layer": 2, "n_head": 4, "n_embd": 32, "n_positions": 400},
    "bloom": {"n_layer": 2, "n_head": 4},
    "gpt_oss": {"num_key_value_heads": 2, "num_local_experts": 2, "num_experts_per_tok": 1, "sliding_window": 30},
    "mamba": {"state_size": 4},
}
WAYS = dict.fromkeys(KINDS, "forest") | {"bloom": "prefixes", "gpt_oss": "prefixes", "mamba": "plain"}


def save_checkpoint(folder, kind="llama", **changes):
    """A small random model and a tokenizer of single bytes."""
    words = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={w: k for k, w in enumerate(words)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in ("<|start|>", "<|end|>", "<|eos|>")])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|eos|>")
    wrapped.chat_template = CHAT
    wrapped.save_pretrained(folder)
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **(SMALL | KINDS[kind] | changes))
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder
