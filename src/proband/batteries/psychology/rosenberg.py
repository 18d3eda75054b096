"""Rosenberg's ten statements on self-esteem."""

from proband.batteries.from_catalogue import from_catalogue

BATTERY = from_catalogue(
    "rosenberg",
    about="ten statements on self-esteem, half of them reversed",
    page="A model says how far it agrees with statements about its own worth, on four points. Five of ten statements "
    "are reversed, so agreeing with everything comes out in the middle. It has no self to esteem: what it says is what "
    "such statements are mostly followed by.",
    awareness=("Rosenberg", "self-esteem"),
)
