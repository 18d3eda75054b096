"""Carrying out replications, and the one page that tells them together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proband.analyses.section import Cell, Column, Figure, Section, Table, limits
from proband.errors import DataError, ProbandError
from proband.estimates import Estimate
from proband.measures import effect_correspondence
from proband.replications.replication import Effect, Replication
from proband.reports import Findings, write_findings
from proband.runs import Budget, Run, carry_out
from proband.runs.progress import Watch

_WORDS = {"pass": "pass", "miss": "MISS", "open": "cannot be told"}


@dataclass(frozen=True, kw_only=True)
class Replicated:
    """A study that was carried out, or why it could not be."""

    replication: Replication
    effects: Sequence[Effect] = ()
    run: Run | None = None
    refused: str = ""
    dispositions: Mapping[str, int] = field(default_factory=dict)
    aware: Mapping[str, Estimate] = field(default_factory=dict)  # column -> value, where it was asked afterwards


def replicate(
    found: Sequence[Replication],
    engine: str | Mapping[str, str] | None,
    into: Path,
    *,
    sample: int | None = None,
    drawn: bool = False,
    budget: Budget | None = None,
    tell: Callable[[str], None] = lambda line: None,
    watch: Watch | None = None,
) -> list[Replicated]:
    """Carry out studies one after the other, each in a folder of its own; what is done is not asked again.

    With `drawn` see `Replication.study`. One that an engine cannot take (a model that writes no numbers, a role without
    an engine) is told as such and does not stop the others.
    """
    done = []
    for number, replication in enumerate(found, start=1):
        tell(f"{number} of {len(found)}: {replication.name}")
        try:
            study = replication.study(engine, sample=sample, drawn=drawn)
            run = carry_out(study, into / replication.name, budget=budget, watch=watch)
            found_of = replication.findings(run)
            done.append(
                Replicated(
                    replication=replication, effects=replication.effects(found_of), run=run,
                    dispositions=dict(run.dispositions()), aware=_aware(found_of),
                )
            )  # fmt: skip
        except ProbandError as error:
            done.append(Replicated(replication=replication, refused=str(error)))
            tell(f"{replication.name}: {error}")
    return done


def _aware(found: Findings) -> dict[str, Estimate]:
    """Of everybody who was asked afterwards: who names the study, and how much of its text is completed."""
    table = next((section.table for section in found.sections if section.name == "awareness"), None)
    if table is None:
        return {}
    return {c.name: cell for c, cell in zip(table.columns, table.rows[0], strict=True) if isinstance(cell, Estimate)}


def told(done: Sequence[Replicated], engine: str) -> Findings:
    """All of them on one page: what passed, what missed, what cannot be told, and whether effects go together."""
    rows = [(one, effect) for one in done for effect in one.effects]
    counts = {verdict: sum(effect.verdict == verdict for _, effect in rows) for verdict in _WORDS}
    lead = (
        f"Studies carried out on {engine}: {len(done)}, with {len(rows)} effects. By the rules stated beforehand "
        f"{counts['pass']} passed, {counts['miss']} missed, and {counts['open']} cannot be told from these answers.",
    )
    refused = {one.replication.name: one.refused for one in done if one.refused}
    return Findings(
        title=f"Replications on {engine}",
        lead=lead,
        facts={"engine": engine, "studies": str(len(done)), "effects": str(len(rows))},
        sections=(
            _overview(rows),
            *_answers(done),
            *_correspondence(rows),
            *(_section(one) for one in done if one.effects),
        ),
        left_out=refused,
        warnings=tuple(
            f"{one.replication.name} is not complete" for one in done if one.run is not None and not one.run.is_complete
        ),
        limits="These numbers are about the engine named; people's stand beside them with their sources.",
        claims=(
            "A pass says that the engine's answers show the effect, not that they come about as people's do; models "
            "have read about most of these studies. Isomorph arms ask the same in fresh words.",
        ),
    )


def _overview(rows: Sequence[tuple[Replicated, Effect]]) -> Section:
    cells: list[tuple[Cell, ...]] = [
        (
            one.replication.name, effect.name, effect.arm, effect.model, effect.human,
            next((other.model for other in one.effects if other.of == effect.name), None),
            _WORDS[effect.verdict], effect.rule,
        )
        for one, effect in rows
    ]  # fmt: skip
    columns = (
        Column(name="study", form="text"),
        Column(name="effect", form="text"),
        Column(name="arm", form="text"),
        Column(name="the engine's", side="model"),
        Column(name="people's", side="people"),
        Column(name="in fresh words, minus that"),
        Column(name="verdict", form="text"),
        Column(name="passes if", form="text"),
    )
    return Section(
        name="replications",
        heading="Every effect",
        table=Table(columns=columns, rows=tuple(cells), caption="Effects on the engine and in people"),
        figure=Figure(
            form="intervals",
            rows=tuple(
                {"label": f"{one.replication.name}: {effect.name}", "side": side, **limits(estimate)}
                for one, effect in rows
                for side, estimate in (("model", effect.model), ("people", effect.human))
                if estimate is not None and estimate.value == estimate.value
            ),
            caption="Effects on the engine and in people, each in its own unit",
        ) if rows else None,
    )  # fmt: skip


def _answers(done: Sequence[Replicated]) -> list[Section]:
    """What became of everything asked, study by study, and whether the engine knows the study."""
    ran = [one for one in done if one.run is not None]
    statuses = list(dict.fromkeys(status for one in ran for status, count in one.dispositions.items() if count))
    known = list(dict.fromkeys(column for one in ran for column in one.aware))
    rows = [
        (
            one.replication.name, sum(one.dispositions.values()),
            *(one.dispositions.get(status, 0) for status in statuses), *(one.aware.get(column) for column in known),
        )
        for one in ran
    ]  # fmt: skip
    columns = (
        Column(name="study", form="text"),
        Column(name="asked", form="count"),
        *(Column(name=status.replace("_", " "), form="count") for status in statuses),
        *(Column(name=name, form="share" if name == "names the study" else "number", side="model") for name in known),
    )
    has_partners = any(isinstance(one.replication.study().engine, Mapping) for one in ran)
    return [
        Section(
            name="replication-answers",
            heading="Answers, and who knows the study",
            sentences=() if known else ("In none of these studies was the engine asked afterwards what it is about.",),
            table=Table(columns=columns, rows=tuple(rows), caption="What became of everything asked, by study"),
            notes=("Of games, moves of scripted partners are counted too.",) if has_partners else (),
        )
    ] if ran else []  # fmt: skip


def _correspondence(rows: Sequence[tuple[Replicated, Effect]]) -> list[Section]:
    """Whether effects go together, over those of which people's are known."""
    pairs = {
        (one.replication.name, effect.name): (effect.human.value, effect.model.value)
        for one, effect in rows
        if effect.human is not None and effect.arm == "published" and effect.model.value == effect.model.value
    }
    try:
        found = effect_correspondence({k: h for k, (h, _) in pairs.items()}, {k: m for k, (_, m) in pairs.items()})
    except (DataError, ProbandError):
        return []
    names = {
        "sign agreement": found.sign_agreement,
        "correlation through the origin": found.correlation_through_origin,
        "rank correlation": found.rank_correlation,
        "slope": found.slope,
    }
    return [
        Section(
            name="correspondence",
            heading="Do effects go together?",
            sentences=(
                f"Of {found.n_effects} effects from {found.n_studies} studies, "
                f"{100 * found.sign_agreement.value:.0f} % have people's sign.",
            ),
            table=Table(
                columns=(Column(name="measure", form="text"), Column(name="value", side="model")),
                rows=tuple(names.items()),
                caption="Agreement of the engine's effects with people's",
            ),
            notes=(
                "Effects are in their own units: a correlation over studies is mostly about which outcomes have long "
                "scales. Signs are not.",
            ),
            warnings=found.warnings,
        )
    ]


def _section(one: Replicated) -> Section:
    file = one.replication.file
    said = [
        f"{effect.name}: {_WORDS[effect.verdict]} (it passes if {effect.rule})."
        + (f" People's figure: {effect.source}." if effect.source else "")
        for effect in one.effects
    ]
    counts = ", ".join(f"{count:,} {status}" for status, count in one.dispositions.items() if count)
    return Section(
        name=f"replication-{one.replication.name}",
        heading=one.replication.study().name,
        chapter="The studies",
        sentences=(file.finding, *said),
        notes=(f"After {file.source}", *file.deviations, f"Answers: {counts}."),
        warnings=tuple(dict.fromkeys(w for effect in one.effects for w in effect.model.warnings))[:4],
    )


def write_page_of(done: Sequence[Replicated], engine: str, path: Path) -> Path:
    """The page, with its JSON twin."""
    return write_findings(told(done, engine), path)
