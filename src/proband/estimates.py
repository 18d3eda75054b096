"""A number with its uncertainty: what every measure gives and every table prints."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, get_args

from proband.errors import DesignError
from proband.notebook import html_table

Target = Literal["model", "human", "data"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Estimate:
    """A number with its uncertainty and what it may be said about.

    - `value`: NaN where undefined; then `warnings` says why.
    - `interval`: lower and upper limit at `level`; None where there is none, and `interval_method` says why.
    - `estimand`: what is estimated, as a sentence.
    - `target`: whom the number describes. "human" needs human answers; "data" claims nothing beyond the numbers
      given.
    - `n_units`, `n_clusters`, `n_missing`: independent units used; clusters where the interval has them; units left
      out for missing answers.
    - `dispositions`: count of each status among the responses behind the number.
    - `statistic`, `df`, `p_value`: of the test that `interval_method` names, where there is one; degrees of freedom
      may be fractional.
    - `baselines`: the same statistic for uniform, majority, marginal-only and other null answers, and the noise
      floor.
    """

    value: float
    estimand: str
    target: Target
    n_units: int
    se: float | None = None
    interval: tuple[float, float] | None = None
    level: float = 0.95
    interval_method: str = "none"
    n_clusters: int | None = None
    n_missing: int = 0
    statistic: float | None = None
    df: float | None = None
    p_value: float | None = None
    dispositions: Mapping[str, int] = field(default_factory=dict)
    baselines: Mapping[str, float] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.target not in get_args(Target):
            raise DesignError(f"target {self.target!r} is none of {', '.join(get_args(Target))}")
        if not 0 < self.level < 1:
            raise DesignError(f"level {self.level} is not between 0 and 1")
        if self.interval is not None and not self.interval[0] <= self.interval[1]:
            raise DesignError(f"interval {self.interval} has its limits the wrong way round or undefined")
        if self.p_value is not None and not 0 <= self.p_value <= 1:
            raise DesignError(f"p value {self.p_value} is not between 0 and 1")
        if math.isnan(self.value) and not self.warnings:
            raise DesignError(f"{self.estimand}: an undefined value needs its reason in `warnings`")

    def __float__(self) -> float:
        return float(self.value)

    def __round__(self, digits: int = 0) -> float:
        return round(float(self.value), digits)

    def __str__(self) -> str:
        limits = "" if self.interval is None else f" [{self.interval[0]:.3f}, {self.interval[1]:.3f}]"
        return f"{self.value:.3f}{limits}"

    def __repr__(self) -> str:
        rows = "".join(f"\n  {name}: {text}" for name, text in self._rows())
        return f"{self}{rows}"

    def _repr_html_(self) -> str:
        return html_table(self._rows(), ("estimate", str(self)))

    def _rows(self) -> list[tuple[str, str]]:
        """What the number means, and how sure it is."""
        clusters = f" in {self.n_clusters:,} clusters" if self.n_clusters else ""
        missing = f", {self.n_missing:,} missing" if self.n_missing else ""
        rows = [
            ("of", self.estimand),
            ("about", self.target),
            ("n", f"{self.n_units:,}{clusters}{missing}"),
            ("interval", f"{100 * self.level:g} %, {self.interval_method}" if self.interval else self.interval_method),
        ]
        rows += [("p", f"{self.p_value:.3g}")] if self.p_value is not None else []
        rows += [(name.replace("_", " "), f"{value:.3f}") for name, value in self.baselines.items()]
        return rows + [("warning", warning) for warning in self.warnings]

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON; an undefined or infinite value becomes None, with its reason beside it."""
        fields = asdict(self)
        fields["value"] = self.value if math.isfinite(self.value) else None
        return fields
