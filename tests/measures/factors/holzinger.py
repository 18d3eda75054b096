"""Nine tests of Holzinger & Swineford (1939) in two schools, as means and covariances.

A Study in Factor Analysis: The Stability of a Bi-factor Solution. Published values: the documentation of lavaan.
"""

import numpy as np

ITEMS = tuple(f"x{k}" for k in range(1, 10))
SCALES = {"visual": (0, 1, 2), "textual": (3, 4, 5), "speed": (6, 7, 8)}
# Pasteur: subjects, means, lower triangle of covariances over n
PASTEUR = (
    156,
    [4.941239, 5.983974, 2.487179, 2.82265, 3.995192, 1.922161, 4.432274, 5.563141, 5.417735],
    [
        1.39523,
        0.402103,
        1.50375,
        0.620107,
        0.476758,
        1.345789,
        0.567926,
        0.088504,
        0.16466,
        1.319686,
        0.47194,
        0.142551,
        0.066445,
        1.07981,
        1.70791,
        0.497563,
        0.194036,
        0.222102,
        0.755121,
        0.933921,
        0.974449,
        0.046164,
        -0.203845,
        -0.024698,
        0.321554,
        0.170905,
        0.219107,
        1.16992,
        0.165195,
        0.038512,
        0.151611,
        0.146989,
        0.151505,
        0.205647,
        0.426092,
        0.951991,
        0.351143,
        0.218678,
        0.332078,
        0.155163,
        0.208428,
        0.186184,
        0.287226,
        0.352425,
        0.977553,
    ],
)
# Grant-White: subjects, means, lower triangle of covariances over n
GRANT_WHITE = (
    145,
    [4.929885, 6.2, 1.99569, 3.317241, 4.712069, 2.468966, 3.92084, 5.488276, 5.327203],
    [
        1.318647,
        0.41431,
        1.226379,
        0.53375,
        0.478448,
        1.073365,
        0.439868,
        0.283103,
        0.380965,
        1.257212,
        0.411134,
        0.204569,
        0.344233,
        0.933298,
        1.341665,
        0.412028,
        0.243892,
        0.407071,
        0.906397,
        0.898084,
        1.280142,
        0.123285,
        0.075727,
        0.079681,
        0.241305,
        0.302994,
        0.208295,
        1.0618,
        0.369523,
        0.194586,
        0.25857,
        0.121765,
        0.239728,
        0.14338,
        0.632835,
        1.09438,
        0.573133,
        0.281398,
        0.395735,
        0.361459,
        0.422277,
        0.315245,
        0.441902,
        0.566652,
        1.051048,
    ],
)


def with_moments(n, mean, lower, seed=1):
    """Scores that have exactly these means and covariances (over n)."""
    k = len(mean)
    covariance = np.zeros((k, k))
    covariance[np.tril_indices(k)] = lower
    covariance += np.tril(covariance, -1).T
    x = np.random.default_rng(seed).normal(size=(n, k))
    x -= x.mean(axis=0)
    white = x @ np.linalg.inv(np.linalg.cholesky(x.T @ x / n)).T
    return white @ np.linalg.cholesky(covariance).T + mean


def schools():
    return {"Pasteur": with_moments(*PASTEUR), "Grant-White": with_moments(*GRANT_WHITE)}


def everybody():
    return np.vstack(list(schools().values()))
