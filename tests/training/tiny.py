"""A small checkpoint and sets of questions to train it on; run as a script, it trains, to be killed and resumed."""

import sys
import time
from pathlib import Path

from proband.records import Message
from proband.training.recipe import Recipe
from proband.training.training_set import Example, TrainingSet

RECIPE = Recipe(steps=6, batch_size=4, learning_rate=1e-3)


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

    from proband.training.training import train

    torch.set_num_threads(1)
    base, into, mark = sys.argv[1:4]

    def watch(step):
        Path(mark).write_text(str(step.step))
        time.sleep(0.5)

    recipe = replace(RECIPE, checkpoint_every_s=0.0)
    print(train(questions(), f"hf:{base}", recipe, into, watch=watch).weights)


if __name__ == "__main__":
    main()
