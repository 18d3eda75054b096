"""Tokenizers of five families, each made in a moment from a few questions."""

import re

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from proband.models.local.templates import Template

CHAT = (
    "{% for m in messages %}<|start|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
SPECIAL = ["<unk>", "<s>", "</s>", "<|start|>", "<|end|>"]
CORPUS = [
    "The following are multiple choice questions about words. Please choose the correct answer.",
    "Which of these is a colour?\nA. Table\nB. Green\nC. Seven\nD. Running\nAnswer: B. Green",
    "Which is the capital of France?\nA. Paris\nB. Rome\nC. Oslo\nD. Bern\nAnswer: A. Paris",
    "USER: Which is a fruit? ASSISTANT: C. An apple.\nGreen is the colour of grass. It grows.",
    "Answer: A Answer: B Answer: C Answer: D A chat between a curious user and an assistant.",
    "Question: Which? I do not know. 0 1 2 3 4 5 6 7 8 9 10 11 12 system user assistant\n\n- ",
    "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ .,:;?!'\"()-",
]
_SPLIT = pre_tokenizers.Sequence(
    [pre_tokenizers.Punctuation("isolated"), pre_tokenizers.Split(Regex("\n"), "isolated")]
)


def byte_level():
    """GPT-2's kind: bytes, spaces belong to the word behind them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=500, special_tokens=SPECIAL, initial_alphabet=alphabet)
    )
    return tokenizer


def metaspace():
    """Llama's kind: a mark for every space, one before the text, and a beginning-of-text token."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    marks = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([_SPLIT, marks])
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    tokenizer.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=400, special_tokens=SPECIAL, show_progress=False)
    )
    # What was learnt keeps to words; what is read is split at spaces only, as sentencepiece does.
    tokenizer.pre_tokenizer = marks
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


def word_piece():
    """BERT's kind: words and their ends, white space is lost."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(
        CORPUS, trainers.WordPieceTrainer(vocab_size=400, special_tokens=SPECIAL, show_progress=False)
    )
    return tokenizer


def unigram():
    """T5's kind: the likeliest pieces. What a trainer keeps of so little text is chance, so pieces are given."""
    characters = sorted({c for text in CORPUS for c in text if not c.isspace()} | {"\n", "▁"})
    words = sorted({f"▁{word}" for text in CORPUS for word in re.findall(r"\w+", text)} - set(characters))
    pieces = [*((token, 0.0) for token in SPECIAL)]
    pieces += [(c, -8.0) for c in characters] + [(word, -6.0) for word in words]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def word_level():
    """Whole words."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(CORPUS, trainers.WordLevelTrainer(special_tokens=SPECIAL, show_progress=False))
    return tokenizer


def stop_and_line_end():
    """Bytes, but a full stop and the line end behind it are one token."""
    words = [*sorted(pre_tokenizers.ByteLevel.alphabet()), ".Ċ"]
    tokenizer = Tokenizer(models.BPE(vocab={w: k for k, w in enumerate(words)}, merges=[(".", "Ċ")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


FAMILIES = {
    "byte-level BPE": byte_level,
    "Metaspace BPE": metaspace,
    "WordPiece": word_piece,
    "Unigram": unigram,
    "WordLevel": word_level,
}


def wrapped(family, chat=CHAT):
    tokenizer = FAMILIES[family]() if isinstance(family, str) else family()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    found = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    found.chat_template = chat
    return found


def template(family, chat=CHAT):
    return Template(wrapped(family, chat))
