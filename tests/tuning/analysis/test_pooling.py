"""Several base models in one analysis."""

from dataclasses import replace

import numpy as np
import pytest

from proband.errors import DataError, DesignError
from proband.tuning.analysis.accuracy import ALL_DOMAINS, contrasts
from proband.tuning.analysis.findings import Part, analyse
from proband.tuning.analysis.pooling import ALL_BASES, pooled
from validation.knowledge_interventions import World, simulated

ARMS = {"harmonious": 1.2, "incompatible": -0.4, "self-aligning": 0.2, "mixture-0.5": 0.8}


@pytest.fixture(scope="module")
def bases():
    """Two bases that were asked the same questions; the second gains nothing from harmonious data."""
    first = simulated(np.random.default_rng(4), 40, World(effects=ARMS, seeds=2))
    second = simulated(np.random.default_rng(4), 40, World(effects=ARMS | {"harmonious": -0.4}, seeds=2))
    return {"large": first, "small": second}


@pytest.fixture(scope="module")
def found(bases):
    return analyse({name: Part(evaluation=one) for name, one in bases.items()})


def harmonious(found, base, domain):
    wanted = ("harmonious", "incompatible", "standard", base, domain)
    (row,) = [r for r in found.contrasts if (r.arm, r.against, r.method, r.base, r.domain) == wanted]
    return row.estimate


def test_every_table_stands_by_base_by_domain_and_pooled(found):
    places = {(row.base, row.domain) for row in found.accuracies}
    assert places == {
        (base, domain) for base in ("large", "small", ALL_BASES) for domain in ("history", "medicine", ALL_DOMAINS)
    }
    parts = [harmonious(found, base, domain) for base in ("large", "small") for domain in ("history", "medicine")]
    assert harmonious(found, ALL_BASES, ALL_DOMAINS).value == pytest.approx(np.mean([one.value for one in parts]))


def test_bases_that_share_questions_are_no_further_questions(bases, found):
    assert harmonious(found, ALL_BASES, ALL_DOMAINS).n_units == 80
    # The same base twice knows no more than once; with questions taken for other ones its error would shrink.
    pair = [("harmonious", "incompatible")]
    twice = pooled({"one": bases["large"], "two": bases["large"]})
    once, both = (contrasts(study, pair)[-1].estimate for study in (bases["large"], twice))
    assert both.value == once.value
    assert both.se > 0.85 * once.se


def test_the_published_correlation_is_of_one_base(found):
    assert {(row.method, row.base) for row in found.partials} == {
        (method, base) for base in ("large", "small", ALL_BASES) for method in ("standard", "ren2024")
    } - {("ren2024", ALL_BASES)}
    (whole,) = [row for row in found.partials if row.base == ALL_BASES]
    assert whole.estimate.n_clusters == 4


def test_one_base_is_analysed_as_before(small):
    alone = analyse(small)
    assert analyse({"large": Part(evaluation=small)}).accuracies == alone.accuracies
    assert all("base" not in row for row in alone.as_dict()["verdicts"])


def test_bases_must_have_answered_the_same_questions_under_the_same_prompts(bases):
    other = simulated(np.random.default_rng(5), 40, World(effects=ARMS, seeds=2))
    with pytest.raises(DataError, match=r"base 'other' was evaluated with bank 'simulated'.*with the same questions"):
        pooled({"large": bases["large"], "other": other})
    turned = replace(bases["small"], base_ask=bases["small"].ask)
    with pytest.raises(DesignError, match="base 'small' was asked under 'zero-shot' and 'zero-shot', base 'large'"):
        pooled({"large": bases["large"], "small": turned})
    with pytest.raises(DesignError, match="no base was evaluated"):
        analyse({})
