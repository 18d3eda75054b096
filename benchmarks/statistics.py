"""What statistics of survey and experiment data cost: ``python -m benchmarks.statistics [--quick] [--json]``.

1. Design-based shares of 50 items of five options, 10^6 people with weights, strata and sampling units, beside
   statsmodels' weighted means of the same items, which know nothing of strata and units.
2. A permutation test of 999 draws on 10^6 rows, beside `scipy.stats.permutation_test` on as many rows as it can hold.
3. A crossed mixed model of 10^5 answers (subject, item, wording), beside statsmodels' MixedLM on a hundredth of them,
   since its matrices grow with the square of the rows.
4. A specification curve of 1,000 specifications over 10^5 rows.
"""

import argparse
import json
import warnings

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from benchmarks.experiments import of_specifications, timed
from benchmarks.machine import machine
from proband.measures import Inference, difference_in_means, mixed_model, share_estimates, survey_design

OPTIONS = 5
SCIPY_ROWS = 10_000


def of_shares(n: int, items: int) -> dict[str, float]:
    rng = np.random.default_rng(0)
    psu = np.sort(rng.integers(0, max(n // 100, 20), n))
    weights = rng.lognormal(sigma=0.5, size=n)
    answers = [np.minimum((psu % 7 + rng.integers(0, 9, n)) // 3, OPTIONS - 1) for _ in range(items)]

    def designed() -> None:
        drawn = survey_design(n, psu % 10, psu, weights=weights)
        for item in answers:
            share_estimates(item, OPTIONS, target="human", design=drawn)

    def weighted() -> None:
        for item in answers:
            found = DescrStatsW(np.eye(OPTIONS)[item], weights=weights)
            _ = found.mean, found.std_mean

    return {"ours_s": timed(designed)[0], "statsmodels_s": timed(weighted)[0], "rows": float(n), "items": float(items)}


def of_permutations(n: int, scipy_rows: int) -> dict[str, float]:
    rng = np.random.default_rng(0)
    y = rng.normal(size=n)
    inference = Inference(method="permutation", n_draws=999, rng=rng)
    ours, _ = timed(lambda: difference_in_means(y[::2], y[1::2], inference=inference))
    part = y[:scipy_rows]
    theirs, _ = timed(
        lambda: stats.permutation_test(
            (part[::2], part[1::2]), lambda a, b, axis: a.mean(axis) - b.mean(axis), vectorized=True, n_resamples=999
        )
    )
    return {"ours_s": ours, "rows": float(n), "scipy_s": theirs, "scipy_rows": float(scipy_rows)}


def crossed(subjects: int, items: int, wordings: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    s, i, w = (part.ravel() for part in np.indices((subjects, items, wordings)))
    y = rng.normal(size=subjects)[s] + 0.7 * rng.normal(size=items)[i] + 0.4 * rng.normal(size=wordings)[w]
    frame = pd.DataFrame({"subject": s, "item": i, "wording": w, "value": y + rng.normal(size=len(s))})
    return frame.sample(frac=0.9, random_state=1)  # cells are missing, as they are


def of_mixed(subjects: int, items: int, wordings: int) -> dict[str, float]:
    large, small = crossed(subjects, items, wordings), crossed(subjects // 50, items // 2, wordings)
    ours, _ = timed(lambda: mixed_model(large, ["item", "wording"], interactions=()))
    parts = {name: f"0 + C({name})" for name in ("subject", "item", "wording")}

    def theirs() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of limits at 0
            smf.mixedlm("value ~ 1", small, groups=np.ones(len(small)), vc_formula=parts).fit()

    same, _ = timed(lambda: mixed_model(small, ["item", "wording"], interactions=()))
    return {
        "ours_s": ours, "rows": float(len(large)), "statsmodels_s": timed(theirs)[0], "ours_small_s": same,
        "statsmodels_rows": float(len(small)),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    part = 10 if given.quick else 1
    shares, permuted = of_shares(10**6 // part, 50), of_permutations(10**6 // part, SCIPY_ROWS // part)
    mixed, curve = of_mixed(1000 // part, 20, 6), of_specifications(100, 1000 // part)
    if given.json:
        found = {"shares": shares, "permutations": permuted, "mixed": mixed, "specifications": curve}
        print(json.dumps({**found, "machine": machine("statsmodels", "scipy", "numpy")}, indent=2))
        return
    print(f"shares of {shares['items']:.0f} items x {shares['rows']:,.0f} people: {shares['ours_s']:.2f} s (target 8); "
          f"statsmodels, weights only: {shares['statsmodels_s']:.2f} s")  # fmt: skip
    print(f"permutation test of {permuted['rows']:,.0f} rows: {permuted['ours_s']:.2f} s (target 6); scipy on "
          f"{permuted['scipy_rows']:,.0f} rows: {permuted['scipy_s']:.2f} s")  # fmt: skip
    print(f"crossed mixed model of {mixed['rows']:,.0f} answers: {mixed['ours_s']:.2f} s; of "
          f"{mixed['statsmodels_rows']:,.0f}: {mixed['ours_small_s']:.2f} s, statsmodels "
          f"{mixed['statsmodels_s']:.2f} s")  # fmt: skip
    print(f"specification curve over {curve['rows']:,.0f} rows: {curve['curve_s']:.2f} s (target 60)")


if __name__ == "__main__":
    main()
