"""A part as a program of its own that takes its time at first: ``slow_part.py FOLDER SCRATCH --part K/N``."""

import sys
import time
from pathlib import Path

import typer

from proband.cli.studying import carry_out_part_and_tell
from proband.designs.part import Share
from proband.designs.studies import Study
from proband.models.scripted import ScriptedEngine
from tests.runs.killed_parts import STUDY, rule


class Slow(ScriptedEngine):
    """The scripted engine, a second an answer, in a run that has not begun before."""

    def answer(self, trials):
        begun = Path(sys.argv[1]).with_name("begun")
        is_first = not begun.exists()
        for pair in super().answer(trials):
            if is_first:
                begun.touch()
                time.sleep(1)
            yield pair


if __name__ == "__main__":
    into, scratch = map(Path, sys.argv[1:3])
    study = Study(STUDY.design, Slow(rule, address="scripted:rule"))
    try:
        carry_out_part_and_tell(
            study, into, Share.from_text(sys.argv[4]), made_of={}, as_json=False, yes=True, scratch=scratch
        )
    except typer.Exit as ended:
        sys.exit(ended.exit_code)
