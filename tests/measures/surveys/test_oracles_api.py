"""Survey estimates of California's schools (R's apiclus1, apiclus2 and apistrat) against R's survey (4.1).

The data belong to R's package and are asked of it; where R or its survey is not installed, these tests are skipped.
"""

import shutil
import subprocess

import numpy as np
import polars as pl
import pytest

from proband.measures import (
    calibrate_design,
    rao_scott_test,
    survey_design,
    survey_mean,
    survey_proportion,
    survey_quantile,
    survey_ratio,
    survey_regression,
    survey_total,
)

SAMPLES = ("apiclus1", "apiclus2", "apistrat")
WRITE = """suppressMessages(library(survey)); data(api)
for (name in c("apiclus1", "apiclus2", "apistrat"))
    write.csv(get(name), paste0(name, ".csv"), row.names = FALSE, na = "")
"""
SIZES = {"E": 4421, "H": 755, "M": 1018}
ALL = sum(SIZES.values())


@pytest.fixture(scope="module")
def schools(tmp_path_factory):
    program, folder = shutil.which("Rscript"), tmp_path_factory.mktemp("api")
    if program is None:
        pytest.skip("R is not installed: apistrat and its like are in its package survey, and are not copied here")
    done = subprocess.run([program, "-e", WRITE], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"R has no package survey: {done.stderr.strip()[-80:]}")
    return {name: pl.read_csv(folder / f"{name}.csv", infer_schema_length=None) for name in SAMPLES}


def drawn(name, table):
    n = table.height
    if name == "apiclus1":
        return survey_design(n, psu=table["dnum"], weights=table["pw"], fpc=table["fpc"])
    if name == "apiclus2":
        return survey_design(
            n, psu=table.select("dnum", "snum").to_numpy(), fpc=table.select("fpc1", "fpc2").to_numpy()
        )
    return survey_design(n, strata=table["stype"], weights=table["pw"], fpc=table["fpc"])


def regressors(table, *names):
    return {"1": np.ones(table.height), **{name: table[name].to_numpy() for name in names}}


# Value and standard error of each sample; svyglm and rake at a tolerance of 1e-10, for by default R stops earlier.
EXPECTED = {
    "mean": [(644.169398907104, 23.542240693781), (670.8118081180812, 30.0990273768366),
             (662.28736315932076, 9.40894080278458)],
    "total": [(3404940.134529114, 932235.027041215), (2639272.93, 799637.773648358),
              (3687177.53243828, 114641.71610078)],
    "ratio": [(0.84970874172448752, 0.00838629716939109), (0.8197370421254614, 0.0188505633126712),
              (0.83695688694052173, 0.00775710316663788)],
    "elementary": [(648.8680555555555, 22.3624088938319), (692.810400866739, 29.926604237403),
                   (674.43, 12.3824797939073)],
    "linear": [(-3.123204264899352, 0.278083043760884), (-1.777181333921077, 1.083002088799647),
               (-3.141535309984561, 0.283946506416502)],
    "logistic": [(0.0399254107978302, 0.01244267277794352), (-0.05609180761698, 0.0218898350391953),
                 (-0.0068310565546901, 0.01314706888368897)],
}  # fmt: skip


@pytest.mark.parametrize(("at", "name"), [*enumerate(SAMPLES)])
def test_estimates_and_standard_errors_are_those_of_r(schools, at, name):
    table = schools[name]
    design = drawn(name, table)
    known = table["enroll"].is_not_null().to_numpy()
    enroll = table["enroll"].fill_null(0).to_numpy()
    pupils = table["api.stu"].fill_null(0).to_numpy()
    score, met = table["api00"].to_numpy(), (table["sch.wide"] == "Yes").to_numpy()
    found = {
        "mean": survey_mean(score, design),
        "total": survey_total(enroll, design, domain=known),
        "ratio": survey_ratio(pupils, enroll, design, domain=known),
        "elementary": survey_mean(score, design, domain=(table["stype"] == "E").to_numpy()),
        "linear": survey_regression(score, regressors(table, "ell", "meals", "mobility"), design)["meals"],
        "logistic": survey_regression(met, regressors(table, "ell", "meals"), design, model="logistic")["ell"],
    }
    for what, estimate in found.items():
        assert (estimate.value, estimate.se) == pytest.approx(EXPECTED[what][at], rel=1e-6), what


@pytest.mark.parametrize(
    ("at", "name", "limits"),
    [
        (0, "apiclus1", (593.676314463326, 694.662483350882)),
        (1, "apiclus2", (609.930778741016, 731.692837495146)),
        (2, "apistrat", (643.732188272086, 680.842538046555)),
    ],
)
def test_intervals_of_means_shares_and_medians_are_those_of_r(schools, at, name, limits):
    table = schools[name]
    design = drawn(name, table)
    met = (table["sch.wide"] == "Yes").to_numpy()
    logit = [(0.823798892379034, 0.911900077021223), (0.595507870747193, 0.861074379853113),
             (0.774539654351568, 0.870814854544509)][at]  # fmt: skip
    beta = [(0.823702210847501, 0.914704492126865), (0.590771126113062, 0.873292279657425),
            (0.774171328597313, 0.873431592620735)][at]  # fmt: skip
    assert survey_mean(table["api00"], design).interval == pytest.approx(limits, rel=1e-6)
    assert survey_proportion(met, design, interval="logit").interval == pytest.approx(logit, rel=1e-6)
    assert survey_proportion(met, design, interval="beta").interval == pytest.approx(beta, rel=1e-6)
    median = survey_quantile(table["api00"], 0.5, design)
    assert (median.value, *median.interval) == [(652, 561, 714), (653, 580, 766), (668, 642, 694)][at]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("apiclus1", (5.1933695414748771, 0.0217474623707969)), ("apistrat", (17.2474439638888, 2.03504635946512e-07))],
)
def test_rao_scott_test_and_design_effect_are_those_of_r(schools, name, expected):
    table = schools[name]
    found = rao_scott_test(table["sch.wide"].to_list(), table["stype"].to_list(), drawn(name, table))
    assert (found.statistic, found.p_value) == pytest.approx(expected, rel=1e-6)


def test_calibrated_designs_of_the_cluster_sample_are_those_of_r(schools):
    table = schools["apiclus1"]
    design, score, enroll = drawn("apiclus1", table), table["api00"].to_numpy(), table["enroll"].to_numpy()
    kinds, met = table["stype"].to_list(), table["sch.wide"].to_list()
    known = {kind: size / ALL for kind, size in SIZES.items()}
    after = calibrate_design(design, {"stype": kinds}, {"stype": known}, size=ALL)
    assert (after_mean := survey_mean(score, after)).value == pytest.approx(642.3107882115821, rel=1e-8)
    assert after_mean.se == pytest.approx(23.9204864450904, rel=1e-6)
    assert survey_total(enroll, after).se == pytest.approx(406292.636294802, rel=1e-6)
    both = {"stype": known, "sch.wide": {"No": 1072 / ALL, "Yes": 5122 / ALL}}
    raked = calibrate_design(design, {"stype": kinds, "sch.wide": met}, both, size=ALL)
    assert survey_mean(score, raked).value == pytest.approx(641.2303209268, rel=1e-8)
    assert survey_mean(score, raked).se == pytest.approx(23.703616887929, rel=1e-6)
    assert survey_total(enroll, raked).se == pytest.approx(400603.256861826, rel=1e-6)
    before = {"stype": kinds, "api99": table["api99"].to_list()}
    linear = calibrate_design(design, before, {"stype": known}, totals={"api99": 3914069}, size=ALL, method="linear")
    assert survey_mean(score, linear).value == pytest.approx(665.30907116577998, rel=1e-6)
    assert survey_mean(score, linear).se == pytest.approx(3.44175311640481, rel=1e-6)


def test_jackknife_replicates_of_districts_are_those_of_r(schools):
    table = schools["apiclus1"]
    district, weights = table["dnum"].to_numpy(), table["pw"].to_numpy()
    kinds = np.unique(district)
    n = len(kinds)
    replicates = np.column_stack([weights * np.where(district == one, 0.0, n / (n - 1)) for one in kinds])
    # R counts districts that were drawn without replacement: of 757, 15 are in the sample.
    scale = (n - 1) / n * (1 - n / 757)
    design = survey_design(
        table.height, weights=weights, replicate_weights=replicates, replicate_type="jk1", replicate_scale=scale
    )
    assert survey_mean(table["api00"], design).se == pytest.approx(26.3293605895276, rel=1e-6)
    assert survey_ratio(table["api.stu"], table["enroll"], design).se == pytest.approx(0.00951708517561472, rel=1e-6)
