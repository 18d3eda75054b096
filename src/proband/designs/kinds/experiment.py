"""Experiments as a kind: what stands under ``[experiment]``."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, StrictInt

from proband.designs.experiment import Experiment
from proband.designs.experiments.awareness import Awareness
from proband.designs.experiments.material import Isomorph, Stimuli, read_rows, read_vignettes
from proband.designs.kind import Kind, Shared, Told
from proband.designs.kinds.survey import FACTORS, AskingTable
from proband.designs.survey.itself import as_itself
from proband.designs.survey.wording import ASSIGNED_AT_RANDOM
from proband.errors import DesignError
from proband.files import Table


class StimuliTable(Table):
    """Texts of which every subject sees some."""

    texts: dict[str, dict[str, str]] = Field(
        default={}, description="stimulus -> column -> text that `{stimulus:column}` becomes in the wording"
    )
    file: str = Field(default="", description="instead of `texts`: a CSV file with a column `id` and others")
    per_subject: StrictInt = Field(default=1, description="how many a subject sees; each is seen equally often")
    crossed: bool = Field(
        default=False,
        description="whether a subject sees each stimulus under every level of the factors in `within`; else they are "
        "divided among the levels",
    )


class IsomorphTable(Table):
    """The same structure in fresh words."""

    items: dict[str, str] = Field(description="item -> wording instead of its text, with the same pipes")
    stems: dict[str, str] = Field(default={}, description="item -> lead-in instead of its own")
    options: dict[str, list[str]] = Field(default={}, description="item -> options instead of its own, in their order")
    factors: dict[str, dict[str, str]] = Field(default={}, description="factor -> level -> text instead of its own")


class AwarenessTable(Table):
    """Questions about the study, asked afterwards in conversations of their own."""

    words: list[str] = Field(
        examples=['words = ["framing", "Kahneman"]'],
        description="an answer with one of these words has named the hypothesis or the study",
    )
    subjects: StrictInt = Field(default=10, description="how many are asked in every arm")
    control: str = Field(
        default=Awareness.control, description="a text that nobody can have read, to be completed beside the study's"
    )


class WhoTable(AskingTable):
    """How items are asked, and of whom."""

    who: Literal["human", "itself"] = Field(
        default="human",
        description="`human`: the model answers as the people of `[population]`. `itself`: it answers as itself, "
        "without a persona; what it is asked is the same",
    )
    draws: StrictInt | None = Field(
        default=None, description='with `who = "itself"`: how often it is asked, instead of a `[population]`'
    )

    states_assignment: bool = Field(
        default=False, description="items with a manipulation say that its level was set at random"
    )
    assignment_says: str = Field(default=ASSIGNED_AT_RANDOM, description="how they say it")

    def settings(self, shared: Shared) -> dict[str, Any]:
        """These keys and what is shared, as keywords of the design."""
        settings = super().settings(shared)
        draws = settings.pop("draws")
        if (shared.population is None) != (draws is not None) or (draws is not None and self.who == "human"):
            raise DesignError(
                f"{shared.where}: [population] {'is missing' if shared.population is None else 'is there'}, and draws "
                f'is {draws}; give a [population], e.g. use = "anes-1996", or who = "itself" and draws = 100'
            )
        return settings if draws is None else {**settings, **as_itself(draws)}


class ExperimentTable(WhoTable):
    """Factors that are assigned, to whom and how, and how items are asked; several ways to ask are all asked."""

    factors: dict[str, dict[str, str]] = Field(
        default={},
        examples=['[experiment.factors.frame] control = "...", treated = "..."'],
        description=f"{FACTORS}; every subject gets one level of each, the first is the control. The manipulated part "
        "of a longer text is marked `[[so]]`",
    )
    within: list[str] = Field(default=[], description="factors under each of whose levels every subject is asked")
    block_by: str = Field(default="", description="trait within which assignment is balanced")
    cluster_by: str = Field(default="", description="trait whose groups are assigned as a whole, and are the units")
    assigned_by: dict[str, str] = Field(
        default={},
        description="factor -> column of the population's data that says which level each person got; then nothing is "
        "drawn, and `[people]` shows people's own effects",
    )
    doses: dict[str, dict[str, float]] = Field(default={}, description="factor -> level -> how much of it that is")
    covariates: list[str] = Field(
        default=[],
        examples=['covariates = ["age"]'],
        description="columns of the population, known before anything is asked, that effects are adjusted for, beside "
        "the unadjusted ones",
    )
    checks: dict[str, str | list[str] | dict[str, str | list[str]]] = Field(
        default={},
        description="manipulation and attention checks: item -> right option or options, or level -> right option",
    )
    exclude: list[str] = Field(default=[], description="checks that exclude whoever fails them")
    stimuli: StimuliTable | None = Field(default=None, description="texts of which every subject sees some")
    placebo: dict[str, str] = Field(
        default={}, description="factor -> text of one more level, `placebo`, which should make no difference"
    )
    isomorph: IsomorphTable | None = Field(
        default=None, description="the same structure in fresh words, to half of all"
    )
    paraphrases: dict[str, list[str]] = Field(default={}, description="item -> further wordings of the same")
    vignettes: str = Field(
        default="", description="CSV file with a text for every combination of levels, for `{vignette:text}`"
    )
    awareness: AwarenessTable | None = Field(default=None, description="questions about the study, asked afterwards")


def _make(shared: Shared, table: ExperimentTable) -> Experiment:
    settings = table.settings(shared)
    settings["stimuli"] = None if table.stimuli is None else _stimuli(table.stimuli, shared.folder)
    settings["isomorph"] = None if table.isomorph is None else Isomorph(**table.isomorph.model_dump())
    settings["awareness"] = None if table.awareness is None else Awareness(**table.awareness.model_dump())
    settings["vignettes"] = read_vignettes(shared.folder / table.vignettes) if table.vignettes else None
    return Experiment(**settings)


def _stimuli(table: StimuliTable, folder: Path) -> Stimuli:
    texts = table.texts
    if table.file:
        rows = read_rows(folder / table.file, "stimuli")
        if texts or not rows or "id" not in rows[0]:
            raise DesignError(
                f"{table.file}: give stimuli in `texts`, or in a file with a column `id`, and not in both"
            )
        texts = {row["id"]: {name: text for name, text in row.items() if name != "id"} for row in rows}
    return Stimuli(texts=texts, per_subject=table.per_subject, crossed=table.crossed)


KIND = Kind(
    name="experiment",
    about="levels of factors assigned to subjects at random, and their effects on outcomes",
    keys=ExperimentTable,
    make=_make,
    analyses=(
        "hypotheses",
        "effects",
        "regressions",
        "pooled",
        "doses",
        "interactions",
        "stimuli",
        "specifications",
        "scales",
        "factors",
        "shares",
        "guesses",
        "response-style",
        "dispositions",
        "checks",
        "awareness",
        "ethics",
        "deviations",
    ),
    needs=frozenset({"instrument"}),
    takes=frozenset({"population", "people", "ethics"}),
    told=Told(is_of_models=True),
)
