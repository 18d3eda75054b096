"""A study served in a process of its own, so that it can be killed: python serving.py STUDY RUN PORT."""

import sys
from pathlib import Path

from proband.designs.studies import load_study
from proband.web.seat.running import sitting, take

if __name__ == "__main__":
    study, into, port = sys.argv[1:]
    take(sitting(load_study(study), Path(study), is_test=True), Path(into), port=int(port), is_test=True)
