"""The two-step task: what is repeated after coins and rare trips, and the model of learning that fits."""

from collections.abc import Sequence

import numpy as np

from proband.analyses.answers import PARAMETERS, answers, option_shares, percent, tabled, told
from proband.analyses.batteries import of_battery, setting_of
from proband.analyses.section import Analysis, Cell, Figure, Section, marks
from proband.batteries.psychology.two_step import TOWNS, has_coin, usual_town
from proband.errors import DataError, DesignError
from proband.measures import fit_two_step
from proband.measures.arrays import Floats
from proband.references import reference
from proband.runs.run import Run

_CHAPTER = "Models of choice"


def needs(run: Run) -> str | None:
    """A run of the two-step task."""
    return of_battery(run, "two-step")


def sections(run: Run) -> Sequence[Section]:
    """Stays and their regression, and the parameters of the model."""
    trials, likely, place = _trials(run)
    try:
        fit = fit_two_step(*trials, likely=likely, place=place)
    except (DataError, DesignError) as error:
        return [Section(name="two-step", heading="Two steps", warnings=(str(error),))]
    both = fit.regression["reward"], fit.regression["reward x transition"]
    said = (
        f"A coin adds {told(both[0])} to the log odds of staying (habit), and {told(both[1])} more after a common trip "
        "than after a rare one (planning); in people both are above 0.",
        *(f"After {name}: {percent(share)} stay." for name, share in fit.stays.items()),
    )
    learns = fit.bic["learning"] < fit.bic["no learning"]
    rows: list[tuple[Cell, ...]] = []
    for name, estimate in fit.parameters.items():
        people = reference("two-step", name)
        rows.append((name, estimate, None if people is None else people.value, estimate.estimand))
    people = reference("two-step", "model-based weight")
    bic = ", ".join(f"{name} {value:.0f}" for name, value in fit.bic.items())
    return [
        Section(
            name="two-step-stays",
            heading="What is done again after a coin, and after a rare trip",
            chapter=_CHAPTER,
            sentences=said,
            table=tabled(
                {"log odds of staying": "text", "model": ("number", "model")},
                fit.regression.items(),
                "Logistic regression of staying with the train of the day before",
            ),
            figure=Figure(form="intervals", rows=marks(fit.stays), caption="Share who take the same train again"),
            notes=(f"{len(trials[0])} blocks, which are the units.",),
            warnings=fit.warnings,
        ),
        Section(
            name="two-step-model",
            heading="Learning, planning and perseveration",
            chapter=_CHAPTER,
            sentences=(
                "The model of learning describes the choices better than likings, repetition and places do."
                if learns
                else "Likings of options, repetition and places describe the choices as well as the model of learning "
                "does: nothing was learnt that it could tell, and its parameters mean nothing.",
                f"BIC, smaller is better: {bic}.",
            ),
            table=tabled(PARAMETERS, rows, "Hybrid model of learning with perseveration"),
            notes=(f"{fit.n_choices} choices.", *((f"People: {people.source}.",) if people else ())),
            methods=(
                "Choices of the two-step task were fitted by the hybrid model of Daw et al. (2011) with one learning "
                "rate, by maximum likelihood with errors clustered by block.",
            ),
        ),
    ]


def _trials(run: Run) -> tuple[list[Floats], tuple[Floats, Floats], tuple[Floats, Floats]]:
    """First choice, state, second choice and coin by block and day; choice k usually leads to state k."""
    setting, table = setting_of(run), answers(run)
    rounds = int(run.manifest["design"]["rounds"])
    blocks = [str(subject) for subject in table["subject"].unique(maintain_order=True)]
    row = {block: k for k, block in enumerate(blocks)}
    made = [np.full((len(blocks), rounds), -1.0) for _ in range(4)]
    likely, place = np.zeros((2, len(blocks), rounds)), np.zeros((2, len(blocks), rounds))
    for id, item in run.items.items():
        part = table.filter(table["item"] == id)
        columns = part.select("subject", "round", "answer", "shown")
        taken = {(str(block), int(day)): (answer, shown) for block, day, answer, shown in columns.iter_rows()}
        for key, shares in option_shares(item, part, ("subject", "round")).items():
            block, day = str(key[0]), int(str(key[1]))
            number = int(block.rpartition("-")[2]) - 1
            answer, shown = taken[block, day]
            if answer is None:
                continue
            # Towns are numbered by the train that usually goes there, so that all blocks are alike.
            flip = usual_town(setting.seed, number, 0)
            at = row[block], day - 1
            place[int(id != "train")][at] = 1.0 if shown[0] == 1 else -1.0
            if id == "train":
                made[0][at], likely[0][at] = answer, shares[1]
            else:
                made[1][at] = TOWNS.index(id) ^ flip
                made[2][at], likely[1][at] = answer, shares[1]
    _coins(run, setting.seed, row, made)
    whole = np.logical_and.accumulate(np.all([x >= 0 for x in made], axis=0), axis=1)
    return [np.where(whole, x, -1) for x in made], (likely[0], likely[1]), (place[0], place[1])


def _coins(run: Run, seed: int, row: dict[str, int], made: list[Floats]) -> None:
    """Whether a shop had a coin, worked out again from the seed."""
    rounds = made[0].shape[1]
    for block, k in row.items():
        number = int(block.rpartition("-")[2]) - 1
        for day in range(rounds):
            state, shop = int(made[1][k, day]), int(made[2][k, day])
            if state >= 0 and shop >= 0:
                made[3][k, day] = has_coin(seed, number, rounds, day, state ^ usual_town(seed, number, 0), shop)


ANALYSIS = Analysis(
    name="two-step",
    about="habit, planning and perseveration in the two-step task",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
