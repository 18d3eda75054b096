"""Choices between gambles as prospect theory describes them: its parameters beside people's."""

from collections.abc import Sequence

import numpy as np

from proband.analyses.answers import PARAMETERS, answers, option_shares, tabled, told
from proband.analyses.batteries import of_battery, setting_of
from proband.analyses.section import Analysis, Cell, Section
from proband.batteries.psychology.gambles import problems
from proband.errors import DataError, DesignError
from proband.measures import fit_prospect
from proband.references import reference
from proband.runs.run import Run


def needs(run: Run) -> str | None:
    """A run of the gambles."""
    return of_battery(run, "gambles")


def sections(run: Run) -> Sequence[Section]:
    """One section with all parameters."""
    known, table = problems(setting_of(run)), answers(run)
    contexts = [name for name in run.levels if name in table.columns]
    amounts, chances = list[list[list[float]]](), list[list[list[float]]]()
    chosen, first, cluster = list[float](), list[bool](), list[str]()
    for id, item in run.items.items():
        part = table.filter(table["item"] == id)
        where = {trial: (shown[0] == 0, context) for trial, shown, *context in part.select(
            "trial", "shown", *contexts
        ).iter_rows()}  # fmt: skip
        for (trial,), shares in option_shares(item, part, ("trial",)).items():
            for outcomes, column in ((0, amounts), (1, chances)):
                column.append([[x[outcomes] for x in gamble] for gamble in known[id][1:]])
            chosen.append(float(shares[0]))
            first.append(where[str(trial)][0])
            cluster.append("/".join(map(str, where[str(trial)][1])))
    try:
        fit = fit_prospect(_filled(amounts), _filled(chances), chosen, cluster, first=first)
    except (DataError, DesignError) as error:
        return [Section(name="prospect", heading="Prospect theory", warnings=(str(error),))]
    rows: list[tuple[Cell, ...]] = []
    for name, estimate in fit.parameters.items():
        people = reference("prospect", name)
        rows.append((name, estimate, None if people is None else people.value, estimate.estimand))
    fits = ", ".join(f"{name} {value:.0f}" for name, value in sorted(fit.bic.items(), key=lambda row: row[1]))
    lead = {
        "prospect theory": "Prospect theory describes these choices better than expected value does.",
        "expected value": "Expected value describes these choices as well as prospect theory does: nothing is bent.",
        "places only": "These choices go by the place where a gamble stands, not by what it is; the parameters of "
        "prospect theory mean nothing here.",
    }[fit.best]
    curve = fit.parameters["value exponent"]
    means = () if fit.best == "places only" else (f"Value bends with an exponent of {told(curve)}; people's is 0.88.",)
    people_source = reference("prospect", "value exponent")
    return [
        Section(
            name="prospect",
            heading="Prospect theory",
            chapter="Models of choice",
            sentences=(lead, *means, f"BIC, smaller is better: {fits}."),
            table=tabled(PARAMETERS, rows, "Cumulative prospect theory with a logistic choice rule"),
            notes=(
                f"{fit.n_choices} choices; contexts are the clusters of intervals.",
                *((f"People: {people_source.source}.",) if people_source else ()),
            ),
            warnings=fit.warnings,
            methods=(
                "Choices between gambles were fitted by cumulative prospect theory (Tversky & Kahneman 1992) with a "
                "logistic choice rule, by maximum likelihood with errors clustered by context.",
            ),
        )
    ]


def _filled(rows: Sequence[Sequence[Sequence[float]]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Outcomes as an array, shorter gambles filled up with zeros."""
    most = max(len(gamble) for pair in rows for gamble in pair)
    return np.array([[[*gamble, *([0.0] * (most - len(gamble)))] for gamble in pair] for pair in rows])


ANALYSIS = Analysis(
    name="prospect",
    about="parameters of prospect theory from choices between gambles, beside people's",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
