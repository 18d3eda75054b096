"""The fifty Big-Five markers of the IPIP."""

from proband.batteries.from_catalogue import from_catalogue

BATTERY = from_catalogue(
    "ipip-50",
    about="fifty statements on the Big Five, ten for each trait; two wordings, no roles",
    page="The long form of the statements that the Mini-IPIP takes twenty from. More items make answers that go with "
    "their content more reliable, and do nothing for answers that go with the place of an option. A quick portrait "
    "asks extraversion and neuroticism.",
    quick=[f"{trait}{k}" for trait in "EN" for k in range(1, 11)],
    contexts={"wording": ("published", "polite"), "role": ("none",)},
    awareness=("Big Five", "IPIP", "five-factor"),
)
