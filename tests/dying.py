"""An engine that is killed with its process, for runs that go on afterwards."""

import os

from proband.models.scripted import ScriptedEngine


def dying(answers: int) -> type[ScriptedEngine]:
    """Scripted engines that all die when they have answered so many trials together."""

    class Dying(ScriptedEngine):
        left = answers

        def answer(self, trials):
            for pair in super().answer(trials):
                Dying.left -= 1
                if Dying.left == 0:
                    os._exit(9)
                yield pair

    return Dying
