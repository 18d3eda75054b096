"""The toy model's tokenizer, made in code."""

from collections.abc import Sequence
from typing import Any

BOS, EOS, PAD = "<s>", "</s>", "<pad>"


def tokenizer_for(texts: Sequence[str]) -> Any:
    """A tokenizer of transformers in which every word of some texts is one token, and anything else is bytes.

    Byte-level BPE without merges: nothing is trained, so the same texts always give the same tokens, and there is no
    text that it cannot write. A word and the same word behind a space are two tokens, as usual. A text begins with
    ``<s>``; ``</s>`` ends one.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    pieces = {piece for text in texts for piece, _ in byte_level.pre_tokenize_str(text)}
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = sorted(pieces - set(alphabet))
    vocabulary = {word: k for k, word in enumerate([BOS, EOS, PAD, *alphabet, *words])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], ignore_merges=True))
    tokenizer.pre_tokenizer = byte_level
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([BOS, EOS, PAD])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, vocabulary[BOS])]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=BOS, eos_token=EOS, pad_token=PAD)
