"""The horizon task: directed and random exploration, and whether later choices pay more."""

from collections.abc import Sequence

import polars as pl

from proband.analyses.answers import answers, option_shares, tabled, told
from proband.analyses.batteries import of_battery, setting_of
from proband.analyses.section import Analysis, Section
from proband.batteries.psychology.horizon import game
from proband.errors import DataError, DesignError
from proband.measures import fit_exploration
from proband.runs.run import Run

_PEOPLE = {"reward": "above 0", "random": "below 0", "information": "", "directed": "above 0", "place": ""}


def needs(run: Run) -> str | None:
    """A run of the horizon task."""
    return of_battery(run, "horizon")


def sections(run: Run) -> Sequence[Section]:
    """The regression of first choices."""
    seed = setting_of(run).seed
    first = answers(run).filter(pl.col("round") == 1)
    shares = option_shares(run.items["machine"], first, ("subject",))
    shown = dict(first.select("subject", "shown").iter_rows())
    subjects = [str(subject) for (subject,) in shares]
    games = [game(seed, int(subject.rpartition("-")[2]) - 1) for subject in subjects]
    try:
        fit = fit_exploration(
            [own.gap for own in games],
            [own.information for own in games],
            [own.horizon > 1 for own in games],
            [float(share[0]) for share in shares.values()],
            subjects,
            place=[1.0 if shown[subject][0] == 0 else -1.0 for subject in subjects],
        )
    except (DataError, DesignError) as error:
        return [Section(name="exploration", heading="Exploration", warnings=(str(error),))]
    found = fit.parameters
    low, _ = found["reward"].interval or (None, None)
    lead = (
        f"More time changes what is unknown by {told(found['directed'])} log odds (directed exploration; people's is "
        f"above 0) and the slope of reward by {told(found['random'])} (random exploration; people's is below 0)."
    )
    idle = (
        ()
        if low is not None and low > 0
        else ("Points do not decide these choices, as far as can be told, so what looks like exploration may be none.",)
    )
    return [
        Section(
            name="exploration",
            heading="Exploration",
            chapter="Models of choice",
            sentences=(lead, *idle),
            table=tabled(
                {"log odds": "text", "model": ("number", "model"), "people": "text", "what it says": "text"},
                [(name, e, _PEOPLE[name], e.estimand) for name, e in found.items()],
                "Logistic regression of the first free choice of every game",
            ),
            notes=(
                f"{fit.n_choices} games, which are the units. People's signs: Wilson et al. (2014), "
                "https://doi.org/10.1037/a0038199.",
            ),
            warnings=fit.warnings,
            methods=(
                "First free choices of the horizon task were fitted by logistic regression on the difference of means, "
                "of information, and their products with the horizon (Wilson et al. 2014), with robust errors.",
            ),
        )
    ]


ANALYSIS = Analysis(
    name="exploration",
    about="directed and random exploration in the horizon task",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
