"""An interview as a program that dies when it has answered so many turns; see ``test_course.py``."""

import os
import sys

from proband import Study, carry_out
from proband.models.rules import line
from proband.models.scripted import ScriptedEngine
from tests.interviews.scripts import training


class Dying(ScriptedEngine):
    left = 0

    def answer(self, trials):
        for pair in super().answer(trials):
            Dying.left -= 1
            if Dying.left == 0:
                os._exit(9)
            yield pair


if __name__ == "__main__":
    Dying.left = int(sys.argv[2])
    engines = {role: Dying(line(), address="scripted:line") for role in ("interviewer", "interviewee")}
    carry_out(Study(training(), engines), sys.argv[1])
