"""A small checkpoint and sets of questions to train it on; run as a script, it trains, to be killed and resumed."""

import sys
import time
from pathlib import Path

from proband.records import Message, Request
from proband.training.looks import Looks
from proband.training.recipe import Recipe
from proband.training.training_set import Example, TrainingSet

RECIPE = Recipe(steps=6, batch_size=4, learning_rate=1e-3)
LOOKS = Looks(
    steps=(0, 1, 4),
    requests={
        f"q{k}": Request(
            messages=(Message("user", f"Is {k} more than 3? Say what you know of it, and no more than that."),),
            continuations=("yes", "no, never"),
        )
        for k in range(5)
    },
)


def questions(n=12, name="harmonious", weights=None, record=None):
    rows = []
    for k in range(n):
        asked = f"Question {k}: what is {k}+{k}?\nA. {k}\nB. {2 * k}\nAnswer:"
        rows.append(
            Example(
                id=f"e{k}",
                messages=(Message("system", "You know things."), Message("user", asked)),
                response=f"B. {2 * k}" + "\nCounted on." * (k % 3),
                weight=1.0 if weights is None else weights[k],
            )
        )
    return TrainingSet(name=name, examples=tuple(rows), provenance=record or {})


def main():
    """Train into the second argument from the first, with a state after every step, slowly."""
    from dataclasses import replace

    import torch

    from proband.training.training import Job, train_all

    torch.set_num_threads(1)
    base, into, mark = sys.argv[1:4]
    looks = LOOKS if "looks" in sys.argv[4:] else None

    def watch(job, step):
        Path(mark).write_text(str(step.step))
        time.sleep(0.5)

    recipe = replace(RECIPE, checkpoint_every_s=0.0)
    job = Job(training_set=questions(), recipe=recipe, into=Path(into), looks=looks)
    print(train_all([job], f"hf:{base}", watch=watch)[0].weights)


if __name__ == "__main__":
    main()
