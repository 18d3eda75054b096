"""What it is worth to divide a study into parts: how long the slowest takes, and from where on more are of no use."""

from dataclasses import dataclass

from proband.runs.planning import Plan, duration, plural

START_S = 15.0  # a process and a model that is opened, about; a large model on a GPU takes a minute or more


@dataclass(frozen=True, kw_only=True)
class Division:
    """A study in parts, side by side.

    Attributes
    ----------
    parts, units : int
        How many parts of how many independent units.
    slowest_units : int
        Units of the largest part.
    seconds, dollars : float or None
        Of the whole study, undivided; None where unknown.
    """

    parts: int
    units: int
    slowest_units: int
    seconds: float | None
    dollars: float | None

    @property
    def slowest_s(self) -> float | None:
        """Seconds of the largest part, with its start; None where unknown."""
        return None if self.seconds is None else START_S + self.seconds * self._share

    @property
    def slowest_dollars(self) -> float | None:
        """Price of the largest part; None where unknown."""
        return None if self.dollars is None else self.dollars * self._share

    @property
    def _share(self) -> float:
        return self.slowest_units / self.units

    @property
    def worth(self) -> int | None:
        """As many parts as are of use: with more, each would start for longer than it asks; None where unknown."""
        return None if self.seconds is None else max(1, min(self.units, int(self.seconds / START_S)))

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "parts": self.parts, "units": self.units, "slowest_units": self.slowest_units, "seconds": self.seconds,
            "dollars": self.dollars, "start_seconds": START_S, "slowest_seconds": self.slowest_s,
            "slowest_dollars": self.slowest_dollars, "worth_parts": self.worth,
        }  # fmt: skip

    def rows(self) -> list[tuple[str, str]]:
        """In words, row by row."""
        slowest = "time unknown" if self.slowest_s is None else f"about {duration(self.slowest_s)}"
        price = "price unknown" if self.slowest_dollars is None else f"${self.slowest_dollars:.2f}"
        rows = [
            ("parts", f"{self.parts:,}, the largest of {self.slowest_units:,} units"),
            ("each part", f"{slowest}, of it {duration(START_S)} to start; {price}"),
        ]
        if self.seconds is not None and self.worth is not None:
            parts = f"{self.worth:,} {plural('part', self.worth)}"
            rows.append(("worth it", f"up to about {parts}; with more, each starts for longer than it asks"))
        return rows


def divided(plan: Plan, parts: int) -> Division:
    """A planned study in so many parts, each of whose units takes about as long as another."""
    return Division(
        parts=parts, units=plan.units, slowest_units=-(-plan.units // parts), seconds=plan.seconds, dollars=plan.dollars
    )
