"""Dose and response of shaped traits: by inventory, and by text that an independent encoder rates."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from scipy import stats

from proband.analyses.answers import Factor, answers, cautions, expected_scores, factors, measured, told
from proband.analyses.encoded import caution, encoder
from proband.analyses.section import Analysis, Cell, Column, Figure, Section, Table, limits
from proband.analyses.text_scores import Embed
from proband.batteries.psychology.trait_texts import POLES
from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures import clustered_mean, clustered_regression
from proband.runs.run import Run

_FACTOR = "intensity"
Rows = Sequence[tuple[str, float, float, str]]  # scale, level, score, and what is independent


def needs(run: Run) -> str | None:
    """A run in which intensities of traits vary."""
    if (run.manifest.get("design") or {}).get("battery") not in ("trait-shaping", "trait-texts"):
        return "this is no run of the batteries of trait shaping"
    return None if run.dispositions() else "nothing was answered yet"


def sections(run: Run) -> Sequence[Section]:
    """One section: inventories by their scores, texts by their distances from both poles."""
    if run.manifest["design"]["battery"] == "trait-shaping":
        return [_section(_by_inventory(run), "inventory", "scale points a step", (), ())]
    with encoder() as (embed, name):
        return text_sections(run, embed, name)


def text_sections(run: Run, embed: Embed, name: str) -> Sequence[Section]:
    """The section on texts, rated by an encoder."""
    rows = _by_text(run, embed)
    notes = (f"Texts are rated by {name}: cosine with sentences of people high in the trait, less that with low ones.",)
    return [_section(rows, "text", "difference of cosines a step", notes, caution(name))]


def _by_inventory(run: Run) -> Rows:
    table, others = answers(run), _others(run)
    found = []
    for scale in run.manifest["design"]["scales"]:
        for id, sign in scale["items"].items():
            item = run.items[id]
            part = table.filter(pl.col("item") == id)
            low, high = min(item.points), max(item.points)
            for key, score in expected_scores(item, part, (_FACTOR, *others)).items():
                flipped = score if sign > 0 else low + high - score
                found.append((str(scale["name"]), float(str(key[0])), flipped, "/".join(map(str, (id, *key[1:])))))
    return found


def _by_text(run: Run, embed: Embed) -> Rows:
    table, others = answers(run), _others(run)
    written = table.filter(pl.col("label").is_not_null(), pl.col("status") == "valid")
    rows = list(written.select("item", _FACTOR, "label", *others).iter_rows())
    if not rows:
        return []
    poles = {trait: [np.mean(embed(list(side)), axis=0) for side in sides] for trait, sides in POLES.items()}
    vectors = embed([text for _, _, text, *_ in rows])
    found = []
    for (item, level, _, *context), vector in zip(rows, vectors, strict=True):
        trait = item.rpartition("-")[2]
        low, high = (float(vector @ pole / (np.linalg.norm(pole) or 1.0)) for pole in poles[trait])
        # Each text is written by itself, so each is a unit.
        found.append((trait, float(level), high - low, "/".join(map(str, (item, level, *context)))))
    return found


def _others(run: Run) -> list[str]:
    """Columns of what varies beside the intensity."""
    known: Sequence[Factor] = factors(run)
    return [factor.column for factor in known if factor.name != _FACTOR]


def _section(rows: Rows, how: str, unit: str, notes: tuple[str, ...], warnings: tuple[str, ...]) -> Section:
    by_scale: dict[str, list[tuple[float, float, str]]] = {}
    for name, level, score, unit_ in rows:
        by_scale.setdefault(name, []).append((level, score, unit_))
    cells: list[tuple[Cell, ...]] = []
    points: list[Mapping[str, object]] = []
    said, slopes = [], list[tuple[str, Estimate]]()
    for name, own in by_scale.items():
        levels, scores, units = (list(column) for column in zip(*own, strict=True))
        slope = measured(lambda x=levels, y=scores, u=units: _slope(y, x, u), f"slope of {name}")  # type: ignore[misc]
        means = {level: _mean(own, level) for level in sorted(set(levels))}
        values = [mean.value for mean in means.values()]
        rho = float(stats.spearmanr(list(means), values).statistic) if np.ptp(values) > 0 else 0.0
        n_rising = int((np.diff(values) > 0).sum())
        cells.append((name, slope, rho, f"{n_rising} of {len(values) - 1}", values[0], values[-1]))
        slopes.append((name, slope))
        points += [{"x": level, "y": mean.value, "series": name, **limits(mean)} for level, mean in means.items()]
        said.append(
            f"{name}: {told(slope, 3)} {unit}; {n_rising} of {len(values) - 1} steps rise, Spearman's rho {rho:.2f}."
        )
    return Section(
        name=f"shaping-{how}",
        heading=f"Shaped traits, by {how}",
        sentences=tuple(said) if said else ("Nothing was answered that could be scored.",),
        table=Table(
            columns=(
                Column(name="trait", form="text"),
                Column(name=unit, side="model"),
                Column(name="rho of nine means", digits=2, side="model"),
                Column(name="rising steps", form="text"),
                Column(name="at the lowest", side="model"),
                Column(name="at the highest", side="model"),
            ),
            rows=tuple(cells),
            caption=f"How answers follow the intensity, by {how}",
        ),
        figure=Figure(form="lines", rows=tuple(points), caption=f"Mean by intensity, by {how}") if points else None,
        notes=(
            *notes,
            "Slopes are of a straight line with robust errors (CR2); units are items in contexts, or texts.",
        ),
        warnings=(*warnings, *cautions(slopes)),
    )


def _slope(y: Sequence[float], x: Sequence[float], units: Sequence[str]) -> Estimate:
    if len(set(x)) < 2:
        raise DataError("one intensity only; a slope takes two")
    return clustered_regression(y, {"1": np.ones(len(y)), "step": x}, cluster=list(units))["step"]


def _mean(own: Sequence[tuple[float, float, str]], level: float) -> Estimate:
    at = [(score, unit) for one, score, unit in own if one == level]
    return measured(lambda: clustered_mean([s for s, _ in at], [u for _, u in at]), "mean at an intensity")


ANALYSIS = Analysis(
    name="shaping",
    about="how inventories and texts follow nine intensities of traits",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
