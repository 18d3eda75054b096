"""The Mini-IPIP: twenty statements, five traits."""

from proband.batteries.from_catalogue import from_catalogue

BATTERY = from_catalogue(
    "mini-ipip",
    about="twenty statements on the Big Five, four for each trait, two of them reversed",
    page="A model is asked how accurately each statement describes it, on five points. Two of the four statements of a "
    "trait are reversed, so a model that agrees with everything lies in the middle of every trait, and reliability "
    "over items says so. Statements are about a person's life; what a model says of a life that it has not is a way of "
    "speaking.",
    awareness=("Big Five", "IPIP", "five-factor"),
)
