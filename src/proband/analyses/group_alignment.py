"""Alignment with groups of a survey: a model's answers as itself and as people of a group, beside the group's."""

from collections.abc import Mapping, Sequence

import polars as pl

from proband.analyses.answers import Form, cautions, measured, option_shares, tabled, told
from proband.analyses.batteries import of_battery, setting_of
from proband.analyses.portrayed import main_part
from proband.analyses.section import Analysis, Cell, Section
from proband.batteries.politics import anes_groups, nonvoter_groups
from proband.batteries.voices import ITSELF, Voices
from proband.errors import DataError
from proband.estimates import Estimate
from proband.measures import alignment, clustered_mean
from proband.runs.run import Run

_VOICES: Mapping[str, Voices] = {"anes-groups": anes_groups.VOICES, "nonvoter-groups": nonvoter_groups.VOICES}


def needs(run: Run) -> str | None:
    """A run of one of the batteries, and people's answers where they were when it was made."""
    battery = str((run.manifest.get("design") or {}).get("battery"))
    if battery not in _VOICES:
        return f"this is no run of the batteries {' and '.join(_VOICES)}"
    try:
        _VOICES[battery].people(setting_of(run).file)
    except DataError as error:
        return str(error)
    return of_battery(run, battery)


def sections(run: Run) -> Sequence[Section]:
    """Alignment with every group, as itself and as the group."""
    table, file = main_part(run), setting_of(run).file
    voices = _VOICES[run.manifest["design"]["battery"]]
    items = voices.asked()
    rows: list[tuple[Cell, ...]] = []
    gains: dict[str, Estimate] = {}
    for group in voices.groups:
        default, steered, uniform = [], [], []
        for item in items:
            people = voices.shares(item, group, file)
            own, voiced = (_given(run, table, f"{item.id}-{voice}") for voice in (ITSELF, group))
            if own is None or voiced is None:
                continue
            default.append(alignment(people, own).value)
            steered.append(alignment(people, voiced).value)
            uniform.append(alignment(people, [1 / len(people)] * len(people)).value)
        if not default:
            continue
        both = [b - a for a, b in zip(default, steered, strict=True)]
        if group != ITSELF:
            gains[group] = measured(lambda x=both: clustered_mean(x, list(range(len(x)))), "gain in alignment")  # type: ignore[misc]
        means = [sum(x) / len(x) for x in (uniform, default, steered)]
        name = "everybody" if group == ITSELF else group
        rows.append(
            (
                name,
                len(voices.members(group, file)),
                *means[:2],
                *((None, None) if group == ITSELF else (means[2], gains[group])),
            )
        )
    best = max(rows[1:], key=lambda row: float(row[3] or 0)) if len(rows) > 1 else None
    forms: dict[str, Form] = {
        "group": "text", "people": "count", "uniform": "number", "as itself": ("number", "model"),
        "as the group": ("number", "model"), "gain": ("number", "model"),
    }  # fmt: skip
    helped = [group for group, gain in gains.items() if gain.interval and gain.interval[0] > 0]
    return [
        Section(
            name="group-alignment",
            heading="Alignment with groups of voters",
            chapter="Politics",
            sentences=(
                *(
                    (
                        f"As itself it is nearest to {best[0]}, with an alignment of {best[3]:.2f}; a uniform answer "
                        f"has {best[2]:.2f}.",
                    )
                    if best
                    else ()
                ),
                *(f"Asked as one of the {group}, it comes nearer to them by {told(gains[group])}." for group in helped),
                f"Steering can be told to help with {len(helped)} of {len(gains)} groups.",
            ),
            table=tabled(forms, rows, "1 less the distance of distributions, mean over items"),
            notes=(
                "Alignment is 1 - W1 / (K - 1) over ordered options (Santurkar et al. 2023); intervals are over the "
                f"{len(items)} items, which are few.",
            ),
            warnings=cautions(gains.items()),
        )
    ]


def _given(run: Run, table: pl.DataFrame, item: str) -> Sequence[float] | None:
    found = option_shares(run.items[item], table.filter(pl.col("item") == item), ("item",))
    return next(iter(found.values())).tolist() if found else None


ANALYSIS = Analysis(
    name="group-alignment",
    about="alignment of answers as itself and as groups with what these groups answered in a survey",
    needs=needs,
    sections=sections,
    is_quiet=True,
)
