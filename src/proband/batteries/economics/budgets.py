"""Whether a model's choices from budgets come from one ranking of all bundles."""

from collections.abc import Mapping
from typing import Any

from proband.batteries.battery import Battery, Setting
from proband.batteries.of_kinds import of_kind


def _tables(setting: Setting) -> Mapping[str, Any]:
    matches = 1 if setting.is_quick else 3
    return {"use": "budget", "accounts": "risk", "rounds": 25, "matches": matches, "information": "none"}


BATTERY = Battery(
    name="budgets",
    title="Consistency of choices from budgets",
    about="25 divisions of tokens at changing rates: GARP, critical cost efficiency, power of the test",
    discipline="economics",
    source="Choi, Fisman, Gale & Kariv (2007), American Economic Review 97, 1921-1938, "
    "https://doi.org/10.1257/aer.97.5.1921; power after Bronars (1987), Econometrica 55, 693-698, "
    "https://doi.org/10.2307/1913608",
    licence="Own wording, CC0",
    page="100 tokens are divided between two accounts at 25 pairs of rates, of which one is paid by lot. Consistent "
    "choices could come from one ranking of all bundles (GARP); the critical cost efficiency says how far others miss. "
    "In a panel of 1,182 Dutch adults the mean efficiency was .881 (Choi, Kariv, Müller & Silverman 2014, American "
    "Economic Review 104, 1518-1550, https://doi.org/10.1257/aer.104.6.1518). Read it beside the power of the test: of "
    "random choosers hardly any pass 25 budgets. A model that always writes the same number passes, and prefers "
    "nothing.",
    design=of_kind("budgets", "game", _tables),
    analyses=("games", "reasoning"),
    needs="moves",
)
