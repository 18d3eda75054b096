"""People's figures of the references are what their data give through the measures that models go through."""

import numpy as np
import polars as pl
import pytest

from proband.measures import conjoint_effects, difference_in_means
from proband.references import reference, references

ANCHORS = {
    "effect 1, d": ("Anchoring1", "Anchoring: distance to NYC"),
    "effect 2, d": ("Anchoring2", "Anchoring: Chicago"),
    "effect 3, d": ("Anchoring3", "Anchoring: Mt. Everest"),
    "effect 4, d": ("Anchoring4", "Anchoring: babies born"),
}
BASELINES = {
    "Education": "No Formal", "Gender": "Female", "CountryOfOrigin": "India",
    "ReasonForApplication": "Reunite with Family", "Job": "Janitor", "JobExperience": "None",
    "JobPlans": "Will Look for Work", "PriorEntry": "Never", "LanguageSkills": "Fluent English",
}  # fmt: skip


def pooled(folder, effect):
    """The published effect over all samples, as d."""
    table = pl.read_csv(folder / "experiments" / "manylabs1_smd_by_site.csv.gz")
    return table.filter(pl.col("effect") == effect, pl.col("site").str.starts_with("Overall"))["d"][0]


def by_site(folder, effect):
    """What each of 36 samples gave: one row a site, a column a number."""
    table = pl.read_csv(folder / "experiments" / "manylabs1_effects_by_site.csv.gz", infer_schema_length=None)
    table = table.filter(pl.col("effect") == effect, ~pl.col("site").str.contains("Overall|Mean|Sum"))
    assert table["site"].n_unique() == 36
    return table.with_columns(pl.col("value").cast(pl.Float64)).pivot(on="quantity", index="site", values="value")


def everybody(sites, arm):
    """Numbers with exactly the size, mean and spread of an arm over all sites."""
    n, mean, sd = (sites[f"{what} ({arm})"].fill_null(np.nan).to_numpy() for what in ("N", "Mean", "SD"))
    there = np.isfinite(n + mean + sd)
    n, mean, sd = n[there], mean[there], sd[there]
    total, middle = n.sum(), (n * mean).sum() / n.sum()
    spread = np.sqrt((((n - 1) * sd**2).sum() + (n * (mean - middle) ** 2).sum()) / (total - 1))
    raw = np.arange(int(total), dtype=float)
    return middle + spread * (raw - raw.mean()) / raw.std(ddof=1)


def as_d(treated, control):
    """An effect in standard deviations within arms."""
    n = len(treated), len(control)
    within = ((n[0] - 1) * treated.var(ddof=1) + (n[1] - 1) * control.var(ddof=1)) / (sum(n) - 2)
    return difference_in_means(treated, control, target="human").value / np.sqrt(within)


def test_gains_and_losses_pooled_over_sites_are_the_published_effect(shared_data):
    # The file's own heading of the second count of losses is wrong: it is of the risky programme.
    counts = by_site(shared_data, "Gain_Loss").select(pl.selectors.starts_with("Count")).sum().row(0, named=True)
    one, two, three, four = counts.values()
    sure_gain, risky_gain = two, four
    sure_loss, risky_loss = one, three
    gain = np.repeat([1.0, 0.0], [int(sure_gain), int(risky_gain)])
    loss = np.repeat([1.0, 0.0], [int(sure_loss), int(risky_loss)])
    found = difference_in_means(gain, loss, target="human")
    row = reference("gain-loss", "difference")
    assert found.value == pytest.approx(row.value, abs=5e-4)
    assert found.n_units == row.n
    d = np.log(sure_gain * risky_loss / (risky_gain * sure_loss)) * np.sqrt(3) / np.pi
    assert d == pytest.approx(pooled(shared_data, "Gain/loss framing"), abs=1e-3)
    assert d == pytest.approx(reference("gain-loss", "effect, d").value, abs=1e-3)


@pytest.mark.parametrize("quantity", ANCHORS)
def test_anchors_pooled_over_sites_are_the_published_effects(shared_data, quantity):
    name, published = ANCHORS[quantity]
    sites = by_site(shared_data, name)
    d = as_d(everybody(sites, "High"), everybody(sites, "Low"))
    assert d == pytest.approx(pooled(shared_data, published), abs=2e-3)
    assert d == pytest.approx(reference("anchoring", quantity).value, abs=2e-3)


def test_a_flag_pooled_over_sites_changes_nothing(shared_data):
    sites = by_site(shared_data, "Flag Priming")
    flag, control = everybody(sites, "Flag Prime"), everybody(sites, "Control")
    d = as_d(flag, control)
    assert d == pytest.approx(pooled(shared_data, "Flag priming"), abs=1e-3)
    row = reference("flag-priming", "effect, d")
    assert (d, len(flag) + len(control)) == (pytest.approx(row.value, abs=1e-3), row.n)
    low, high = difference_in_means(flag, control, target="human").interval
    assert low < 0 < high


@pytest.fixture
def immigrants(shared_data):
    return pl.read_csv(shared_data / "experiments" / "immigration_conjoint.csv.gz", null_values=["NA", ""]).drop_nulls(
        ["ChosenImmigrant", *BASELINES]
    )


@pytest.mark.slow  # 70 coefficients with CR2 errors over 1,396 people
def test_effects_on_immigrants_are_those_of_the_references(immigrants):
    found = conjoint_effects(
        immigrants["ChosenImmigrant"].to_numpy(),
        {name: immigrants[name].to_list() for name in BASELINES},
        immigrants["CaseID"].to_list(),
        baselines=BASELINES,
        restricted=[("Education", "Job"), ("CountryOfOrigin", "ReasonForApplication")],
        target="human",
    )
    rows = references("immigration")
    assert len(rows) == 13
    for row in rows:
        attribute, level = row.quantity.removesuffix(", effect").split(": ")
        if row.quantity.endswith(", effect"):
            effect = found.amce[attribute, level]
            assert (effect.value, *effect.interval) == pytest.approx((row.value, row.lower, row.upper), abs=5e-4)
        else:
            assert found.marginal_means[attribute, level].value == pytest.approx(row.value, abs=5e-4)
        assert immigrants["CaseID"].n_unique() == row.n


def test_marginal_means_of_immigrants_are_those_of_the_references(immigrants):
    for row in references("immigration"):
        if not row.quantity.endswith(", effect"):
            attribute, level = row.quantity.split(": ")
            mean = immigrants.filter(pl.col(attribute) == level)["ChosenImmigrant"].mean()
            assert mean == pytest.approx(row.value, abs=5e-4)
