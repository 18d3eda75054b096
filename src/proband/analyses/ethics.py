"""What a study that would harm people says of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from proband.analyses.answers import listed, tabled
from proband.analyses.section import Analysis, Section
from proband.runs.run import Run


def _said(run: Run) -> Mapping[str, Any]:
    design = run.manifest.get("design") or {}
    return {"harms": design.get("harms") or [], "ethics": design.get("ethics") or {}}


def _needs(run: Run) -> str | None:
    return None if any(_said(run).values()) else "the study is not marked as one that would harm people"


def _sections(run: Run) -> Sequence[Section]:
    said = _said(run)
    harms = f"Were people asked, this study would mean {listed(said['harms'])} for them." if said["harms"] else ""
    return [
        Section(
            name="ethics",
            heading="Ethics",
            sentences=tuple(filter(None, [harms, "What is said of it stands in the study file and below."])),
            table=tabled({"about": "text", "what is said": "text"}, said["ethics"].items()),
        )
    ]


ANALYSIS = Analysis(
    name="ethics",
    about="deception or distress that a study would mean for people, and who approved it",
    needs=_needs,
    sections=_sections,
    is_quiet=True,
)
