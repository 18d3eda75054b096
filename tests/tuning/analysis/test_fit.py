from dataclasses import replace

import pytest

from proband.errors import DataError
from proband.records import Message
from proband.training.training_set import Example, TrainingSet
from proband.tuning.analysis.accuracy import ALL_DOMAINS
from proband.tuning.analysis.findings import Part, Sources, analyse
from proband.tuning.analysis.fit import fits


def example(id, domain, kind="gold"):
    return Example(
        id=id, question=id, domain=domain, kind=kind, response="x", messages=(Message(role="user", text="?"),)
    )


@pytest.fixture(scope="module")
def taught(planted):
    """Sources of two arms: the key's answer, and the model's own one; half of the questions are known."""
    ids = {domain: planted.questions("homogeneous", domain)[:20] for domain in planted.domains}
    base = planted.beliefs[planted.base, planted.ask]
    probe = replace(
        base,
        beliefs={
            id: replace(held, category="Unknown" if k % 2 else "HighlyKnown")
            for k, (id, held) in enumerate(base.beliefs.items())
        },
    )
    sets = tuple(
        TrainingSet(
            name=arm,
            examples=tuple(example(id, domain, kind) for domain, some in ids.items() for id in some),
            provenance={"arm": {"name": arm}},
        )
        for arm, kind in (("harmonious", "gold"), ("self-aligning", "own"))
    )
    # One checkpoint gives every taught answer, the other those that the base model knew only.
    fitted = {}
    for run in planted.trained:
        if run.arm not in ("harmonious", "self-aligning"):
            continue
        held = {}
        for id in ids[run.domain]:
            place = planted.bank[id].answer if run.arm == "harmonious" else probe.beliefs[id].pick
            is_given = run.seed == 0 or probe.beliefs[id].category != "Unknown"
            held[id] = replace(base.beliefs[id], pick=place if is_given else (place + 1) % 4)
        fitted[run.model] = replace(base, beliefs=held)
    return Sources(sets=sets, bank=planted.bank, probe=probe, fitted=fitted)


def test_fit_is_the_share_of_taught_answers_by_what_the_base_model_knew(planted, taught):
    found = {(one.arm, one.domain): one for one in fits(planted, taught.sets, taught.bank, taught.probe, taught.fitted)}
    for arm in ("harmonious", "self-aligning"):
        for domain in (*planted.domains, ALL_DOMAINS):
            one = found[arm, domain]
            assert (one.known.value, one.unknown.value) == (1.0, pytest.approx(1 / 3))
            assert one.taught.value == pytest.approx(2 / 3)
    assert found["harmonious", "law"].taught.n_units == 20


def test_what_is_taught_otherwise_has_no_fit(planted, taught):
    refusing = tuple(replace(one, examples=tuple(replace(e, kind="refusal") for e in one)) for one in taught.sets)
    assert fits(planted, refusing, taught.bank, taught.probe, taught.fitted) == ()
    assert fits(planted, taught.sets, taught.bank, taught.probe, {}) == ()


def test_beliefs_about_another_bank_are_refused(planted, taught):
    lost = {model: replace(held, bank="other") for model, held in taught.fitted.items()}
    with pytest.raises(DataError, match=r"about bank other, not .*ask it the questions it was trained on"):
        fits(planted, taught.sets, taught.bank, taught.probe, lost)


def test_the_analysis_tells_fit_where_checkpoints_were_asked(planted, taught, findings):
    small = replace(planted.only("law"), tests=planted.tests[:1])
    assert len(analyse({"": Part(evaluation=small, sources=taught)}).fits) == 2
    assert findings.fits == ()
