"""The page of a portrait: findings by discipline, and one tidy table of every number."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from proband.analyses.section import Cell, Column, Figure, Section, Table, limits
from proband.errors import ProbandError
from proband.estimates import Estimate
from proband.portraits.beside import compared
from proband.portraits.portrait import DISCIPLINES, Portrayed
from proband.reports import Findings, findings, write_findings
from proband.runs import Run
from proband.runs.planning import duration

# Sections that every battery has, told of all together.
_SHARED = {
    "traits-variance": "Where scores vary",
    "traits-stability": "Does the order stay?",
    "traits-refusals": "Refusals and other answers without a score",
    "traits-written": "In writing, and by probabilities",
    "traits-temperature": "At other temperatures",
}
_INSTABILITY = "How stable it is"
_CLAIMS = (
    "A portrait says what a model answers as itself in these contexts. It is no character: where scores follow the "
    "order of options or the wording, there is nothing that the model is like, and the page says so.",
    "People's numbers stand beside with their sources. That a model lies near them says nothing of how its answers "
    "come about.",
)


def findings_of(done: Sequence[Portrayed]) -> dict[str, Findings]:
    """What is told of every battery, by name."""
    return {one.battery.name: _findings(one.run) for one in done if one.run is not None and one.run.dispositions()}


def _findings(run: Run) -> Findings:
    """What is told of a run; of one that cannot be read only why, so that it hides none of the others."""
    try:
        return findings(run)
    except ProbandError as error:
        return Findings(title=run.path.name, sections=(), left_out={"everything": str(error)})


def told(
    done: Sequence[Portrayed],
    engine: str,
    found: Mapping[str, Findings],
    *,
    others: Sequence[Portrayed] = (),
    other_name: str = "",
) -> Findings:
    """All batteries on one page, by discipline."""
    ran = [one for one in done if one.battery.name in found]
    overview = _overview(ran, found)
    verdicts = [row[-1] for row in overview.table.rows] if overview.table else []
    alike = verdicts.count("answers all alike")
    no_trait, holds = verdicts.count("no trait found"), verdicts.count("holds over contexts")
    refused = {one.battery.name: one.refused for one in done if one.refused}
    left_out = {f"{name}: {analysis}": why for name, one in found.items() for analysis, why in one.left_out.items()}
    follow = sum(str(verdict).startswith("follows ") for verdict in verdicts)
    judged = (
        f"Of {no_trait + holds} scales whose spread over people is known, {no_trait} move more between contexts than "
        "people differ: there no trait is found."
        if no_trait + holds
        else "For none of its scales is people's spread known, so none is called a trait."
    )
    lead = (
        f"{engine} was asked {len(ran)} batteries as itself"
        + (f"; {len(refused)} it could not take" if refused else "")
        + f". {judged}"
        + (f" Of {follow} more the answers follow one factor of the context." if follow else "")
        + (f" Of {alike} scales the answers are all alike." if alike else ""),
    )
    own: list[Section] = []
    for discipline in DISCIPLINES:
        for one in ran:
            if one.battery.discipline == discipline:
                own += [_of_battery(section, one, discipline) for section in found[one.battery.name].sections]
    beside = [compared(done, others, engine, other_name)] if others else []
    spent = sum(one.seconds for one in done)
    return Findings(
        title=f"Portrait of {engine}",
        lead=lead,
        facts={
            "engine": engine,
            "batteries": str(len(ran)),
            "answers": f"{sum(sum(one.run.dispositions().values()) for one in ran if one.run is not None):,}",
            **({"asked this time in": duration(spent)} if spent > 1 else {}),
        },
        sections=(
            overview,
            *beside,
            *(section for section in own if section.name.split(" ")[-1] not in (*_SHARED, "dispositions")),
            *(_gathered(name, heading, ran, found) for name, heading in _SHARED.items()),
        ),
        left_out={**refused, **left_out},
        warnings=tuple(f"{one.battery.name} is not complete" for one in ran if one.run and not one.run.is_complete),
        claims=_CLAIMS,
        limits="These numbers are about the engine named, in the contexts asked; people's stand beside them.",
    )


def summary(page: Findings) -> Findings:
    """The page without its chapters by discipline, for a terminal."""
    chapters = {discipline.capitalize() for discipline in DISCIPLINES}
    return replace(page, sections=tuple(section for section in page.sections if section.chapter not in chapters))


def _of_battery(section: Section, one: Portrayed, discipline: str) -> Section:
    """A section of one battery in the chapter of its discipline."""
    heading = section.heading if section.name == "traits" else f"{one.battery.title}: {section.heading}"
    return replace(
        section,
        name=f"{one.battery.name} {section.name}",
        heading=heading,
        chapter=discipline.capitalize(),
        keys={**section.keys, "battery": one.battery.name},
    )


def _overview(ran: Sequence[Portrayed], found: Mapping[str, Findings]) -> Section:
    """Every scale of every battery in one table."""
    rows: list[tuple[Cell, ...]] = []
    for one in ran:
        section = next((s for s in found[one.battery.name].sections if s.name == "traits"), None)
        if section is not None and section.table is not None:
            names = [column.name for column in section.table.columns]
            at = [names.index(name) for name in ("mean", "people's mean", "distance in people's SD", "by the rule")]
            rows += [(f"{one.battery.name}: {row[0]}", *(row[k] for k in at)) for row in section.table.rows]
    columns = (
        Column(name="scale", form="text"),
        Column(name="mean", digits=2, side="model"),
        Column(name="people's mean", digits=2, side="people"),
        Column(name="distance in people's SD", digits=2, side="model"),
        Column(name="by the rule", form="text"),
    )
    marks = [{"label": row[0], "side": "model", **limits(row[3])} for row in rows if isinstance(row[3], Estimate)]
    caption = "Distance from people's mean, in their SD"
    return Section(
        name="portrait",
        heading="Every scale",
        sentences=() if rows else ("No scale was told.",),
        table=Table(columns=columns, rows=tuple(rows), caption="Scores over contexts beside people's"),
        figure=Figure(form="intervals", rows=tuple(marks), caption=caption) if marks else None,
        notes=(
            "No trait found: the score, or the answers to its items, move more between contexts than people differ. "
            "Where people's spread is not known, the rule says nothing; a scale follows a factor where more than half "
            "of the variance of its items is that factor's.",
        ),
    )


def _gathered(name: str, heading: str, ran: Sequence[Portrayed], found: Mapping[str, Findings]) -> Section:
    """The sections of a name of all batteries in one table; a column that one of them lacks is empty there."""
    parts = [
        (one.battery.name, section)
        for one in ran
        for section in found[one.battery.name].sections
        if section.name == name
    ]
    tables = [(battery, section.table) for battery, section in parts if section.table is not None]
    columns = {column.name: column for _, table in tables for column in table.columns[1:]}
    rows = []
    for battery, table in tables:
        at = {column.name: k for k, column in enumerate(table.columns)}
        rows += [
            (f"{battery}: {row[0]}", *(row[at[column]] if column in at else None for column in columns))
            for row in table.rows
        ]
    return Section(
        name=name,
        heading=heading,
        chapter=_INSTABILITY,
        sentences=tuple(f"{battery}: {section.sentences[0]}" for battery, section in parts if section.sentences),
        table=Table(
            columns=(Column(name="scale", form="text"), *columns.values()), rows=tuple(rows), is_folded=True,
            caption=tables[0][1].caption,
        ) if rows else None,
        notes=parts[0][1].notes if parts else (),
    )  # fmt: skip


def write_table(done: Sequence[Portrayed], found: Mapping[str, Findings], folder: Path) -> Path:
    """``portrait.csv`` and ``portrait.parquet``: every estimate of every battery in a row of its own."""
    tables = [
        found[one.battery.name]
        .table()
        .select(pl.lit(one.battery.discipline).alias("discipline"), pl.lit(one.battery.name).alias("battery"), pl.all())
        for one in done
        if one.battery.name in found
    ]
    whole = pl.concat(tables, how="diagonal_relaxed") if tables else pl.DataFrame()
    whole.write_parquet(folder / "portrait.parquet")
    whole.write_csv(folder / "portrait.csv")
    return folder / "portrait.csv"


def write_pages(done: Sequence[Portrayed], page: Findings, found: Mapping[str, Findings], folder: Path) -> Path:
    """The portrait with its JSON twin and its table, and the report of every battery in its folder."""
    for one in done:
        if one.run is not None and one.battery.name in found:
            write_findings(found[one.battery.name], one.run.path / "report.html")
    write_table(done, found, folder)
    return write_findings(page, folder / "portrait.html")
