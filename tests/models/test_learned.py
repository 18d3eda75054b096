"""A coder that learns: what is in its gold file is answered by a fit that has not seen it."""

from dataclasses import replace

import numpy as np
import pytest

from proband.errors import EngineError
from proband.models.codes import CodeRow
from proband.models.engine import BaseEngine
from proband.models.learned import LearnedEngine
from tests.models.coded import CODES, answered, trial


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PROBAND_CACHE", str(tmp_path / "cache"))


class Encoder(BaseEngine):
    """A text "x y" is the vector (x, y), with some dimensions that mean nothing."""

    address = "numbers"
    abilities = frozenset({"embed"})

    def answer(self, trials):
        raise NotImplementedError

    def vectors(self, texts):
        noise = [np.random.default_rng(len(text)).normal(size=30) * 0.1 for text in texts]
        return np.array([[*map(float, text.split()), *rest] for text, rest in zip(texts, noise, strict=True)])


def texts(n, seed=0):
    """Texts by document, and their codes: which third of the plane they point to."""
    points = np.random.default_rng(seed).normal(size=(n, 2))
    thirds = ((np.arctan2(points[:, 1], points[:, 0]) + np.pi) / (2 * np.pi) * 3).astype(int) % 3
    made = {f"d{k}": f"{x:.4f} {y:.4f}" for k, (x, y) in enumerate(points)}
    return made, dict(zip(made, thirds.tolist(), strict=True))


def rows(made, codes, item="area", units=None):
    return [
        CodeRow(line=k, document=d, item=item, code=code, text=made[d], unit=(units or {}).get(d, ""))
        for k, d in enumerate(codes)
        for code in (codes[d] if isinstance(codes[d], list) else [codes[d]])
    ]


def engine(gold, **settings):
    return LearnedEngine(Encoder, gold, address="learned:numbers?gold=gold.csv", source="gold.csv", **settings)


def test_documents_outside_the_gold_are_coded_as_people_coded_like_ones():
    made, truth = texts(400)
    gold = rows(made, {d: CODES[truth[d]] for d in list(made)[:100]})
    found = answered(engine(gold), [trial(d, made[d]) for d in made])
    right = [found[d].given[0] == truth[d] for d in list(made)[100:]]
    assert np.mean(right) > 0.85
    for completion in found.values():
        assert sum(completion.probs) == pytest.approx(1)
        assert completion.given[0] == int(np.argmax(completion.probs))


def test_labels_that_are_noise_are_not_known_on_gold_either():
    made, _ = texts(120)
    codes = dict(zip(made, np.random.default_rng(3).choice(CODES, size=120), strict=True))
    found = answered(engine(rows(made, codes)), [trial(d, made[d]) for d in made])
    right = np.mean([CODES[found[d].given[0]] == codes[d] for d in made])
    assert right < 0.5  # a fit that saw them would know most


def test_what_one_unit_wrote_is_answered_by_a_fit_without_any_of_it():
    made, _ = texts(60)
    # Each unit writes the same thing twice, and its label is its own: only its other text could tell it.
    twins = {f"{d}-again": text + "0" for d, text in made.items()}
    units = {d: d.removesuffix("-again") for d in made | twins}
    draw = np.random.default_rng(0)
    label = {d: str(draw.choice(CODES[:2])) for d in made}
    gold = rows(made | twins, {d: label[units[d]] for d in units}, units=units)
    trials = [trial(d, text) for d, text in (made | twins).items()]
    knows = [CODES[c.given[0]] == label[units[d]] for d, c in answered(engine(gold), trials).items()]
    assert np.mean(knows) < 0.65


def test_a_second_document_with_the_words_of_a_gold_one_is_answered_as_that_is():
    made, truth = texts(100)
    coder = engine(rows(made, {d: CODES[k] for d, k in truth.items()}))
    twin = answered(coder, [trial("new", made["d7"])])["new"]
    assert twin.probs == pytest.approx(answered(coder, [trial("d7", made["d7"])])["d7"].probs)


def test_orders_of_the_codes_change_no_answer():
    made, truth = texts(100)
    gold = rows(made, {d: CODES[k] for d, k in truth.items()})
    forwards = answered(engine(gold), [trial(d, made[d]) for d in made])
    turned = [trial(d, made[d], options=CODES[::-1], order=(2, 1, 0)) for d in made]
    assert {d: c.probs for d, c in answered(engine(gold), turned).items()} == {d: c.probs for d, c in forwards.items()}


def test_scales_several_codes_and_numbers_are_learned_each_in_its_way():
    made, _ = texts(150)
    x = {d: float(text.split()[0]) for d, text in made.items()}
    steps = ("low", "middle", "high")
    gold = rows(made, {d: steps[int(x[d] > -0.5) + int(x[d] > 0.5)] for d in made}, "scale")
    gold += rows(made, {d: ["plus"] * (x[d] > 0) + ["big"] * (abs(x[d]) > 5) or ["minus"] for d in made}, "several")
    gold += rows(made, {d: str(2 * x[d] + 1) for d in made}, "number")
    coder = engine(gold)
    scale = answered(coder, [trial(d, made[d], "scale", form="scale", options=steps) for d in made])
    assert np.corrcoef([np.dot(scale[d].probs, (0, 1, 2)) for d in made], list(x.values()))[0, 1] > 0.8
    several = [trial(d, made[d], "several", form="multiple", options=("plus", "minus", "big")) for d in made]
    given = answered(coder, several)
    assert np.mean([(0 in given[d].given[0]) == (x[d] > 0) for d in made]) > 0.9
    assert given["d0"].probs is None
    numbers = answered(coder, [trial(d, made[d], "number", form="number", options=(), upper=3.0) for d in made])
    assert np.corrcoef([numbers[d].given[0] for d in made], list(x.values()))[0, 1] > 0.9
    assert max(c.given[0] for c in numbers.values()) <= 3


def test_a_code_that_means_cannot_tell_is_given_as_that():
    made, truth = texts(100)
    coder = engine(rows(made, {d: CODES[k] for d, k in truth.items()}))
    found = answered(coder, [trial(d, made[d], dont_know=(2,)) for d in made])
    assert {c.given[1] for c in found.values()} == {"valid", "dont_know"}
    assert all(c.given[0] is None for c in found.values() if c.given[1] == "dont_know")


def test_the_fingerprint_tells_gold_encoder_and_settings_apart():
    made, truth = texts(20)
    gold = rows(made, {d: CODES[k] for d, k in truth.items()})
    first = engine(gold).fingerprint()
    assert first == engine(gold[::-1]).fingerprint()
    assert first["encoder engine"].endswith("Encoder")
    assert first != engine(gold[1:]).fingerprint()
    assert first != engine(gold, folds=5).fingerprint()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda gold: gold[:9], r"9 documents are coded on item 'area', and 10 are the least"),
        (lambda gold: [*gold, gold[0]], r"'d0' has 2 codes on item 'area'; gold is one"),
        (lambda gold: [replace(r, code="social") for r in gold], r"all documents have the same code"),
        (
            lambda gold: [*gold, CodeRow(line=9, document="n", item="area", code="socail", text="1 1")],
            r"no code 'socail' \(did you mean 'social'\?\)",
        ),
    ],
)
def test_gold_that_nothing_can_be_learned_from_is_refused_before_the_first_answer(change, message):
    made, truth = texts(60)
    gold = rows(made, {d: CODES[k] for d, k in truth.items()})
    with pytest.raises(EngineError, match=message):
        engine(change(gold)).check([trial("d1", made["d1"])])


def test_gold_that_holds_another_text_under_the_id_of_a_document_is_refused():
    made, truth = texts(20)
    coder = engine(rows(made, {d: CODES[k] for d, k in truth.items()}))
    with pytest.raises(EngineError, match="document 'd1' has another text there than in the study"):
        coder.check([trial("d1", made["d2"])])
    with pytest.raises(EngineError, match="line 3: document 'd' has no text"):
        engine([CodeRow(line=3, document="d", item="area", code="social")])
    with pytest.raises(EngineError, match="is about no document"):
        coder.check([replace(trial("d1", made["d1"]), facts=())])


def test_gold_of_one_unit_is_refused():
    made, truth = texts(40)
    gold = rows(made, {d: CODES[truth[d]] for d in made}, units=dict.fromkeys(made, "one"))
    with pytest.raises(EngineError, match="code documents of several units"):
        engine(gold).check([trial(d, made[d]) for d in made])


def test_a_text_of_two_units_ties_them_into_one_fold():
    from proband.models.learned import _together

    found = _together([("u1", "same"), ("u1", "first"), ("u7", "same"), ("u7", "last"), ("u9", "alone")])
    assert found["same"] == found["first"] == found["last"] != found["alone"]
    # Where nothing is shared the fold is that of the unit, as it was.
    assert _together([("a", "x"), ("b", "y")]) == {"x": "a", "y": "b"}
