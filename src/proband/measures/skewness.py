"""How skewed values are, and whether a t interval of their mean may be trusted all the same."""

import math

import numpy as np

from proband.measures.arrays import Floats

_ROUNDING = 1e-12


def skewness(values: Floats) -> float:
    """Third standardised moment (g1); 0 where nothing varies beyond rounding."""
    centred = values - values.mean()
    spread = math.sqrt(float((centred**2).mean()))
    varies = spread > _ROUNDING * float(np.abs(values).max())
    return float((centred**3).mean()) / spread**3 if varies else 0.0


def sample_skewness(values: Floats) -> float:
    """Third standardised moment, adjusted as most programs do (G1); 0 below 3 values."""
    n = len(values)
    return math.sqrt(n * (n - 1)) / (n - 2) * skewness(values) if n > 2 else 0.0


def fewest_for(skew: float) -> float:
    """Values that a t interval of their mean needs, ``25 skewness^2``.

    References
    ----------
    Cochran (1977), Sampling Techniques, 3rd ed., sec. 2.15. New York: Wiley.
    """
    return 25 * skew**2
