"""What was done otherwise than a locked plan says."""

from collections.abc import Sequence

from proband.analyses.section import Analysis, Section
from proband.runs.locking import deviations, lock_of
from proband.runs.run import Run


def _needs(run: Run) -> str | None:
    return None if lock_of(run) else "no plan was locked for this run; `proband lock STUDY.toml` makes one"


def _sections(run: Run) -> Sequence[Section]:
    lock = lock_of(run) or {}
    found = deviations(run)
    followed = f"The run follows its locked plan; {sum(run.dispositions().values()):,} answers were given."
    return [
        Section(
            name="deviations",
            heading="Deviations from the locked plan",
            sentences=tuple(found) or (followed,),
            notes=(f"Locked on {lock['made']}, hash {lock['hash']}.",),
        )
    ]


ANALYSIS = Analysis(
    name="deviations",
    about="what was done otherwise than the locked plan says",
    needs=_needs,
    sections=_sections,
    is_quiet=True,
)
