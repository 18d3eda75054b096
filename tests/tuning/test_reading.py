"""Probabilities read in, on made-up records; the published code's numbers are computed anew beside ours."""

import json
import shutil

import numpy as np
import pytest
from scipy import stats

from proband.errors import DataError
from proband.tuning.analysis.findings import analyse
from proband.tuning.reading import read_folder, read_study
from tests.cli.test_tuning import run

DOMAINS, SUBJECTS = ("engineering", "history"), ("prehistory", "electrical_engineering", "astronomy")
SPLITS = {
    "inconsistent-golden-exp": 0.0,
    "consistent_wrong0.2-inconsistent_golden-exp": 0.2,
    "consistent_wrong0.6-inconsistent_golden-exp": 0.6,
    "inconsistent-predict-model-exp": 1.0,
}
N = 21


def written(file, rng, n, near=None, strength=1.0):
    """Records in the published schema; their probabilities, (n, 4)."""
    logits = rng.normal(size=(n, 4)) + (0 if near is None else strength * np.log(near))
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    records = [
        {"id": k, "question": f"{file.stem} {k}?", "choices": list("wxyz"), "answer": k % 4, "probs": row.tolist()}
        for k, row in enumerate(probs)
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return probs


def of_records(text):
    return np.array([json.loads(line)["probs"] for line in text.splitlines()])


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The published layout for one base, and the probabilities: (test, domain) -> base, and by split."""
    at, rng = tmp_path_factory.mktemp("published"), np.random.default_rng(4)
    base = "llama-2-7b"
    few, zero = "logits-shot5-test-vicuna0", "logits-shot0-test-vicuna1"
    home = {d: written(at / "domain-base" / base / f"{d}-{few}.jsonl", rng, N) for d in DOMAINS}
    away = {s: written(at / "mmlu-base" / base / few / "split" / f"{s}.jsonl", rng, N) for s in SUBJECTS}
    own = {"history": ["prehistory"], "engineering": ["electrical_engineering"]}
    found = {}
    for domain in DOMAINS:
        for k, split in enumerate(SPLITS):
            name = f"{base}-{domain}-{split}-bs256-ep3"
            file = at / "domain-sft" / name / f"{domain}-{zero}.jsonl"
            written(file, rng, N, home[domain], strength=1 + k)
            text = file.read_text().replace(f"{domain}-{zero} ", f"{domain}-{few} ")  # the same questions as the base's
            file.write_text(text)
            found["homogeneous", domain, split] = (
                home[domain],
                np.array([json.loads(x)["probs"] for x in text.split("\n") if x]),
            )
            split_at = at / "mmlu-sft" / name / zero / "split"
            tuned = {s: written(split_at / f"{s}.jsonl", rng, N, away[s], strength=1 + k) for s in SUBJECTS}
            for test, names in (
                ("in-domain", own[domain]),
                ("out-of-domain", [s for s in sorted(SUBJECTS) if s not in own[domain]]),
            ):
                sides = (np.vstack([side[s] for s in names]) for side in (away, tuned))
                found[test, domain, split] = tuple(sides)
    return at, found


def dense(row):
    order = {value: rank for rank, value in enumerate(sorted(set(row), reverse=True), start=1)}
    return [order[value] for value in row]


def right(probs):
    return float(np.mean([row.argmax() == k % N % 4 for k, row in enumerate(probs)]))


def test_the_published_layout_gives_the_published_codes_numbers(published):
    at, probs = published
    found = analyse(read_folder(at))
    rows = {(r.test, r.domain, r.ratio): r for r in found.consistencies if r.method == "ren2024"}
    points = []
    for (test, domain, split), (p, q) in probs.items():
        ranks = [stats.pearsonr(dense(a), dense(b)).statistic for a, b in zip(p, q, strict=True)]
        divergence = np.mean([stats.entropy(a, b) for a, b in zip(p, q, strict=True)])
        row = rows[test, domain, SPLITS[split]]
        assert row.rank.value == pytest.approx(np.mean(ranks), abs=1e-12)
        assert row.kl.value == pytest.approx(divergence, abs=1e-7)
        points.append((test, 100 * np.mean(ranks), right(q), right(p)))
    partials = {one.test: one.estimate for one in found.partials if one.method == "ren2024"}
    for test, estimate in partials.items():
        x, y, z = (stats.rankdata([point[k] for point in points if point[0] == test]) for k in (1, 2, 3))
        design = np.column_stack([np.ones(len(z)), z])
        residuals = [np.round(v - design @ np.linalg.lstsq(design, v, rcond=None)[0], 9) for v in (x, y)]
        assert estimate.value == pytest.approx(stats.spearmanr(*residuals).statistic, abs=1e-9)
    assert {row.arm for row in found.accuracies} >= {"incompatible", "self-aligning", "mixture-0.2", "mixture-0.6"}


@pytest.mark.slow
def test_probabilities_read_in_become_a_page_and_say_what_was_not_read(published, tmp_path):
    at, _ = published
    told = json.loads(run("align", "read", at, "--into", tmp_path, "--json").stdout)
    assert (tmp_path / "report.html").exists()
    assert any("read under one prompt" in warning for warning in told["warnings"])


def changed(at, tmp_path, name, change):
    """A copy of the layout in which the first record of a file is another."""
    shutil.copytree(at, tmp_path / "copy")
    [file] = (tmp_path / "copy").glob(name)
    if change is None:
        file.unlink()
    else:
        first, *rest = file.read_text().splitlines()
        file.write_text("\n".join([json.dumps(json.loads(first) | change), *rest]))
    return tmp_path / "copy"


SFT = "domain-sft/*history-inconsistent-golden*/history-*.jsonl"


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (SFT, {"probs": [0.5, 0.5, 0.5, 0.5]}, r"history-logits.*line 1: the probabilities of .* sum to 2, not 1"),
        (SFT, {"probs": [0.5, 0.5]}, "2 probabilities for 4 options"),
        (SFT, {"id": 999}, "question 'history/999' is unknown: the base 'llama-2-7b' was not asked it"),
        (SFT, {"answer": 3}, r"question 'history/0' is another one in .*its answer is 3\); two banks are mixed"),
        (SFT, {"question": None, "choices": 3}, "no question with its choices"),
        ("domain-base/*/history-*.jsonl", None, r"history-logits-shot5.* is not there"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(published, tmp_path, name, change, said):
    with pytest.raises(DataError, match=said):
        read_folder(changed(published[0], tmp_path, name, change))


def test_a_base_that_lacks_is_named(published, tmp_path):
    copy = changed(published[0], tmp_path, SFT, {})
    (copy / "domain-base" / "llama-2-7b").rename(copy / "domain-base" / "mistral-7b")
    with pytest.raises(DataError, match="its base is not in domain-base, which holds mistral-7b"):
        read_folder(copy)
    with pytest.raises(DataError, match="holds no probabilities"):
        read_folder(tmp_path)


def test_samples_of_lm_eval_and_tidy_tables_say_the_same(tmp_path):
    rng = np.random.default_rng(1)
    lines, logged = ["base,arm,domain,seed,test,question,option,prob,right"], tmp_path / "logged" / "small"
    models = {
        "base": ("base", ""),
        "harmonious-law-s3": ("harmonious", "3.0"),
        "incompatible-law-s3": ("incompatible", "3"),
    }
    for name, (arm, seed) in models.items():
        for task, test, n in (("law", "homogeneous", 12), ("mmlu_prehistory", "out-of-domain", 9)):
            logs = np.log(rng.dirichlet(np.ones(3), size=n))
            docs = [
                {
                    "doc_id": k,
                    "filtered_resps": [[float(v), False] for v in row],
                    "doc": {"question": f"{task} {k}", "choices": list("xyz"), "answer": k % 3},
                }
                for k, row in enumerate(logs)
            ]
            file = logged / name / "org__model" / f"samples_{task}_2026-01-01T00-00-00.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(json.dumps(doc) + "\n" for doc in docs))
            lines += [
                f"small,{arm},law,{seed},{test},{task}/{k},{option},{np.exp(v)},{int(o == k % 3)}"
                for k, row in enumerate(logs)
                for o, (option, v) in enumerate(zip("xyz", row, strict=True))
            ]
    (tmp_path / "tidy").mkdir()
    (tmp_path / "tidy" / "scores.csv").write_text("\n".join(lines))
    a, b = (read_study(at) for at in (logged.parent, tmp_path / "tidy"))
    assert [row.estimate.value for row in a.accuracies] == [row.estimate.value for row in b.accuracies]
    assert [row.kl.value for row in a.consistencies] == pytest.approx([row.kl.value for row in b.consistencies])
    assert len(a.accuracies) == 2 * 2 * 4
    for added, said in (
        (["new,x,0.5,2"], "0 options of question 'new' are right"),
        (["new,x,0.5,1", "new,x,0.5,0"], r"scores.csv, line \d+: .*two right answers"),
    ):
        rows = [f"small,base,law,,homogeneous,{row}" for row in added]
        (tmp_path / "tidy" / "scores.csv").write_text("\n".join([*lines, *rows]))
        with pytest.raises(DataError, match=said):
            read_folder(tmp_path / "tidy")
    (tmp_path / "tidy" / "scores.csv").write_text("\n".join([*lines, "small,odd,law,one,homogeneous,law/0,x,1,1"]))
    with pytest.raises(DataError, match="seed is 'one'; expected a whole number"):
        read_folder(tmp_path / "tidy")
    file.write_text(json.dumps(docs[0] | {"filtered_resps": [[float("-inf"), False]] * 3}))
    with pytest.raises(DataError, match="expected a log-likelihood for each option"):
        read_folder(logged.parent)
