"""The IPIP-NEO-120: thirty facets of five domains."""

from proband.batteries.from_catalogue import from_catalogue

BATTERY = from_catalogue(
    "ipip-neo-120",
    about="120 statements on thirty facets of five domains, four for each facet; two wordings, no roles",
    page="Facets are where a model that knows only what is desirable gives itself away: all facets of a domain come "
    "out alike. A quick portrait asks the first facet of each domain. People's spread is not kept with this "
    "instrument, so nothing is called a trait or none.",
    quick=[f"I{facet + step}" for facet in range(1, 6) for step in (0, 30, 60, 90)],
    contexts={"wording": ("published", "polite"), "role": ("none",)},
)
