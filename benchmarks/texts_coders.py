"""Coders that are no language models, and the vectors that they learn from: how often right, and how fast.

``python -m benchmarks.texts_coders --data shared/data/text``: (1) manifesto sentences, 100 gold of 497, 20 draws: a
learned coder on each encoder against tf-idf and logistic regression of scikit-learn, on the documents outside the gold;
(2) tweets rated by people, in three classes: a short word list against learned coders; (3) vectors a second against
sentence-transformers, where it is installed, else against its way of doing it on the same weights (sorted, batches of
32); and how much faster they come from the cache; (4) documents a second by a dictionary.
"""

import argparse
import csv
import gzip
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from proband.addresses import open_engine
from proband.models.codes import CodeRow
from proband.models.dictionaries import DictionaryEngine
from proband.models.engine import BaseEngine
from proband.models.learned import LearnedEngine
from proband.records import Message, Place, Reply, Request, Trial

AREAS = {"1": "none", "2": "economic", "3": "social"}
MOODS = ("negative", "neutral", "positive")
WORDS = r"""
[code]
otherwise = "neutral"
negation = { words = ["not", "no", "never"], window = 3, flips = { positive = "negative", negative = "positive" } }
[code.codes.positive]
words = ["good", "great", "love*", "lov*", "happ*", "nice", "best", "better", "awesome", "thank*", "fun", "funny",
  "enjoy*", "beautiful", "excit*", "glad", "amazing", "cool", "win", "wins", "won", "yay", "haha*", "lol", "cute",
  "perfect", "excellent", "blessed", "luck*", "smil*", "wonderful", "sweet", "proud", "favorite", "welcome", "hope*"]
patterns = ['[:;]-?[)dp]', '<3', '\^_*\^']
[code.codes.negative]
words = ["bad", "worse", "worst", "hate*", "sad*", "sick", "hurt*", "sorry", "miss", "missing", "annoy*", "angry",
  "terribl*", "horribl*", "awful", "ugh*", "tired", "bored", "boring", "fail*", "lost", "lose", "wrong", "cry*",
  "pain*", "damn", "stupid", "suck*", "die*", "dead", "kill*", "problem*", "scar*", "worr*", "poor", "headache",
  "broke*"]
patterns = ['[:;]-?[(/]', '=\(']
"""


def manifesto(folder: Path) -> tuple[list[str], list[str]]:
    """Sentences of British manifestos, and the area that experts gave them."""
    with gzip.open(folder / "manifesto_gold497.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["sentence_text"] for row in rows], [AREAS[row["policy_area_gold"]] for row in rows]


def tweets(folder: Path, n: int = 600) -> tuple[list[str], list[str]]:
    """Tweets, and their mood by the mean rating of some twenty people, cut at -.5 and .5."""
    with gzip.open(folder / "vader_tweets_nyt_ratings.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if row["corpus"] == "tweets"]
    drawn = [rows[k] for k in np.random.default_rng(0).permutation(len(rows))[:n]]
    return [row["text"] for row in drawn], [MOODS[(row["mean"] > -0.5) + (row["mean"] > 0.5)] for row in drawn]


def trials(texts: Sequence[str], options: Sequence[str]) -> list[Trial]:
    """One question about every text."""
    reply = Reply(form="choice", method="written", options=tuple(options), order=tuple(range(len(options))))
    return [
        Trial(
            place=Place(subject=f"d{k}", item="code"),
            request=Request(messages=(Message("user", text),), max_tokens=5),
            reply=reply,
            facts=(("document", text),),
        )
        for k, text in enumerate(texts)
    ]


def given(engine: BaseEngine, asked: Sequence[Trial], options: Sequence[str]) -> list[str | None]:
    """The code of every text, in order."""
    found = {trial.id: completion.given for trial, completion in engine.answer(asked)}
    answers = [found[trial.id] for trial in asked]
    return [options[answer[0]] if answer and isinstance(answer[0], int) else None for answer in answers]


def draws(n: int, size: int, times: int) -> list[list[int]]:
    """Documents that are gold, draw by draw."""
    return [np.random.default_rng(split).permutation(n)[:size].tolist() for split in range(times)]


def learned(encoder: BaseEngine, texts: Sequence[str], codes: Sequence[str], golds: Sequence[list[int]]) -> list[float]:
    """Share of the texts outside the gold that a learned coder codes as people did, draw by draw."""
    options, found = sorted(set(codes)), []
    asked = trials(texts, options)
    for gold in golds:
        rows = [CodeRow(line=k, document=f"d{k}", item="code", code=codes[k], text=texts[k]) for k in gold]
        engine = LearnedEngine(lambda: encoder, rows, address="learned:encoder?gold=gold.csv", source="gold.csv")
        outside = sorted(set(range(len(texts))) - set(gold))
        answers = given(engine, [asked[k] for k in outside], options)
        found.append(float(np.mean([answer == codes[k] for answer, k in zip(answers, outside, strict=True)])))
    return found


def by_words(texts: Sequence[str], codes: Sequence[str], golds: Sequence[list[int]]) -> list[float]:
    """The same of tf-idf and logistic regression, with scikit-learn's defaults."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    found = []
    for gold in golds:
        model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
        model.fit([texts[k] for k in gold], [codes[k] for k in gold])
        outside = sorted(set(range(len(texts))) - set(gold))
        answers = model.predict([texts[k] for k in outside])
        found.append(float(np.mean([answer == codes[k] for answer, k in zip(answers, outside, strict=True)])))
    return found


def dictionary(texts: Sequence[str], codes: Sequence[str]) -> dict[str, float]:
    """Share coded as people did, and documents a second over 20,000."""
    engine, options = DictionaryEngine(WORDS, source="words.toml"), sorted(set(codes))
    answers = given(engine, trials(texts, options), options)
    many = trials([texts[k % len(texts)] for k in range(20_000)], options)
    start = time.perf_counter()
    n = sum(1 for _ in engine.answer(many))
    per_s = n / (time.perf_counter() - start)
    return {"accuracy": float(np.mean([a == c for a, c in zip(answers, codes, strict=True)])), "documents_per_s": per_s}


def vectors(texts: Sequence[str], turns: int) -> dict[str, Any]:
    """Documents a second by the packaged encoder and by its peer, in turns; and from the cache."""
    engine = open_engine("minilm")
    peer, name = _peer(engine)
    engine.vectors(texts[:8]), peer(texts[:8])
    own_s, peer_s = [], []
    for _ in range(turns):
        own_s.append(_seconds(lambda: engine.vectors(texts)))
        peer_s.append(_seconds(lambda: peer(texts)))
    gap = float(np.abs(engine.vectors(texts) - peer(texts)).max())
    first, again = _seconds(lambda: engine.embed(texts)), _seconds(lambda: engine.embed(texts))
    return {
        "documents_per_s": len(texts) / min(own_s),
        "peer": name,
        "peer_documents_per_s": len(texts) / min(peer_s),
        "ratio": min(peer_s) / min(own_s),
        "largest_difference": gap,
        "cache_ratio": first / again,
    }


def _peer(engine: Any) -> tuple[Callable[[Sequence[str]], Any], str]:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        return _as_they_do(engine), "the way of sentence-transformers, on transformers"
    model = SentenceTransformer(str(engine.folder), device="cpu")
    return lambda texts: model.encode(list(texts), batch_size=32, normalize_embeddings=True), "sentence-transformers"


def _as_they_do(engine: Any) -> Callable[[Sequence[str]], Any]:
    import torch
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(str(engine.folder)).eval()
    tokenizer = AutoTokenizer.from_pretrained(str(engine.folder))

    def encode(texts: Sequence[str]) -> Any:
        order = sorted(range(len(texts)), key=lambda k: -len(texts[k]))
        made = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
        for start in range(0, len(order), 32):
            part = order[start : start + 32]
            batch = tokenizer(
                [texts[k] for k in part], padding=True, truncation=True, max_length=256, return_tensors="pt"
            )
            with torch.inference_mode():
                states = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1).float()
            pooled = (states * mask).sum(dim=1) / mask.sum(dim=1)
            made[part] = torch.nn.functional.normalize(pooled, dim=1).numpy()
        return made

    return encode


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@contextmanager
def own_cache() -> Iterator[None]:
    """An empty cache of vectors, so that times are those of a first call; the embedded model stays where it is."""
    from proband.models.local.embedded import NAME, cache_folder

    before, home = os.environ.get("PROBAND_CACHE"), cache_folder()
    with tempfile.TemporaryDirectory() as folder:
        if (home / NAME).exists():
            (Path(folder) / NAME).symlink_to(home / NAME)
        os.environ["PROBAND_CACHE"] = folder
        try:
            yield
        finally:
            os.environ.pop("PROBAND_CACHE")
            if before is not None:
                os.environ["PROBAND_CACHE"] = before


def measure(folder: Path, *, encoders: Sequence[str], n_draws: int, turns: int) -> dict[str, Any]:
    """All rows."""
    found: dict[str, Any] = {"draws": n_draws}
    sources: Mapping[str, Callable[[Path], tuple[list[str], list[str]]]] = {"manifesto": manifesto, "tweets": tweets}
    opened = {name: open_engine(name) for name in encoders}
    for name, read in sources.items():
        texts, codes = read(folder)
        golds = draws(len(texts), 100, n_draws)
        rows = {"tf-idf + logistic": by_words(texts, codes, golds)}
        rows |= {f"learned:{encoder}": learned(engine, texts, codes, golds) for encoder, engine in opened.items()}
        found[name] = {coder: {"accuracy": float(np.mean(a)), "sd": float(np.std(a))} for coder, a in rows.items()}
        if name == "tweets":
            found[name]["dictionary of 75 words"] = dictionary(texts, codes)
    found["vectors"] = vectors(manifesto(folder)[0], turns)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the two corpora")
    parser.add_argument("--quick", action="store_true", help="2 draws, the sentence encoder only")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    encoders = ["minilm"] if options.quick else ["minilm", "smollm2"]
    with own_cache():
        found = measure(
            options.data, encoders=encoders, n_draws=2 if options.quick else 20, turns=1 if options.quick else 5
        )
    found = {**machine("torch", "transformers", "scikit-learn", "sentence-transformers"), **found}
    if options.json:
        print(json.dumps(found))
        return
    for corpus in ("manifesto", "tweets"):
        for coder, row in found[corpus].items():
            more = "".join(f", {key} {value:,.3g}" for key, value in row.items() if key != "accuracy")
            print(f"{corpus}: {coder}: accuracy {row['accuracy']:.3f}{more}")
    for key, value in found["vectors"].items():
        print(f"vectors: {key} {value:,.3g}" if isinstance(value, float) else f"vectors: {key} {value}")


if __name__ == "__main__":
    main()
