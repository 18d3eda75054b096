"""Twenty-five IPIP items for the Big Five, as the SAPA project asked them."""

from proband.batteries.from_catalogue import from_catalogue

BATTERY = from_catalogue(
    "bfi-25",
    about="twenty-five statements on the Big Five on six points, without a middle; no roles",
    page="Six points have no middle, so a model that takes the middle of five points has to lean. A quick portrait "
    "asks extraversion and neuroticism.",
    quick=[f"{trait}{k}" for trait in "EN" for k in range(1, 6)],
    contexts={"role": ("none",)},
)
