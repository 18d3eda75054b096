"""The page docs/reference/batteries.md, from the batteries of the shelf.

    python docs/battery_pages.py          # writes it

A test keeps a heading of every battery on the page.
"""

from collections.abc import Iterator
from pathlib import Path

from proband.batteries.asked import asked
from proband.batteries.battery import Battery, Setting
from proband.portraits.portrait import DISCIPLINES, SEED, chosen

PAGE = Path(__file__).parent / "reference" / "batteries.md"
HEAD = """# Batteries

What `proband portrait` asks, by discipline: what each battery asks and how it is read, its key, its source and licence,
people's figures, and whether its items are drawn anew. Counts are those of a full portrait and, behind the stroke, of a
quick one. To add one, see [Add a battery](../how-to/add-a-battery.md).
"""


def written() -> str:
    """The whole page."""
    lines = [HEAD]
    batteries = chosen()
    for discipline in DISCIPLINES:
        lines.append(f"## {discipline.capitalize()}\n")
        for battery in batteries:
            if battery.discipline == discipline:
                lines += [*_told(battery), ""]
    return "\n".join(lines).rstrip() + "\n"


def _told(battery: Battery) -> Iterator[str]:
    yield f"### `{battery.name}`\n\n**{battery.title}**: {battery.about}.\n\n{battery.page}\n"
    yield f"- Source: {battery.source}"
    yield f"- Licence: {battery.licence}"
    full, quick = (Setting(seed=SEED, is_quick=is_quick) for is_quick in (False, True))
    if battery.needs_file or battery.forbids_models:
        yield f"- Asked: {battery.forbids_models or f'the words of {battery.needs_file}'}"
    elif battery.design is not None:
        sizes = [f"{battery.design(setting).size():,}" for setting in (full, quick)]
        yield f"- Asked: {' / '.join(sizes)} questions at most, by a design of its own"
    else:
        survey, less = asked(battery, full), asked(battery, quick)
        yield (
            f"- Asked: {len(survey.instrument.items)} / {len(less.instrument.items)} items in {len(survey.conditions)} "
            f"/ {len(less.conditions)} contexts: {', '.join(survey.within)}"
        )
        keyed = [
            f"{scale.name} ({len(scale.items)} items, {list(scale.items.values()).count(-1)} reversed)"
            for scale in survey.instrument.scales
        ]
        if keyed:
            yield f"- Scales: {'; '.join(keyed[:12])}" + (f" and {len(keyed) - 12} more" if len(keyed) > 12 else "")
        people = [scale.name for scale in survey.instrument.scales if scale.human]
        people += [
            contrast.name for contrast in (battery.contrasts(full) if battery.contrasts else ()) if contrast.people
        ]
        yield f"- People's figures: {'; '.join(people[:12]) or 'none known'}"
    items = "drawn anew from the seed" if battery.is_generated else "fixed"
    yield f"- Items: {items}; languages: {', '.join(battery.languages)}"
    if battery.analyses:
        yield f"- Further analyses: {', '.join(battery.analyses)}"


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
