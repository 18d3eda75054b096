"""An interview as a program that dies when it has answered so many turns; see ``test_course.py``."""

import sys

from proband import Study, carry_out
from proband.models.rules import line
from tests.dying import dying
from tests.interviews.scripts import training

if __name__ == "__main__":
    made = dying(int(sys.argv[2]))
    engines = {role: made(line(), address="scripted:line") for role in ("interviewer", "interviewee")}
    carry_out(Study(training(), engines), sys.argv[1])
