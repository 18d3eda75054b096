"""What is put off as transformers is imported is there, in earnest, when it is used."""

import subprocess
import sys

from tests.models.local.small_models import save_checkpoint

HEAVY = ("torch._dynamo", "torch.distributed.tensor", "sympy", "scipy", "accelerate")
SCORED = """
import sys
from proband.addresses import open_engine
from proband.records import Message, Place, Reply, Request, Trial

def trial(**how):
    reply = Reply(form="text", method="written")
    request = Request(messages=(Message("user", "Why?"),), **how)
    return Trial(place=Place(subject="s", item="q"), request=request, reply=reply)

engine = open_engine(f"hf:{sys.argv[1]}")
[(_, scored)] = engine.answer([trial(continuations=("Yes", "No"))])
assert scored.error is None and engine.passes.way == "forest", scored
print(*[name for name in sys.argv[2:] if name in sys.modules])
[(_, written)] = engine.answer([trial(max_tokens=3)])
assert written.error is None, written
"""
USED = """
import sys
from proband.models.local.imports import import_models
import_models()
import torch
from transformers.distributed import sharding_utils
from transformers.loss import loss_for_object_detection
assert not isinstance(torch.ones(1), sharding_utils.DTensor)
assert "torch.distributed.tensor" not in sys.modules
rows, columns = loss_for_object_detection.linear_sum_assignment([[1, 0], [0, 1]])
assert list(columns) == [1, 0]
import torch.distributed.tensor, torch._dynamo, scipy.optimize
assert scipy.optimize.linear_sum_assignment.__module__.startswith("scipy")
assert not isinstance(torch.ones(1), sharding_utils.DTensor)
assert issubclass(torch.distributed.tensor.DTensor, sharding_utils.DTensor)
doubled = torch.compile(lambda x: 2 * x, backend="eager")
assert doubled(torch.ones(2)).sum() == 4
"""


def run(program, *arguments):
    made = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return made.stdout


def test_a_model_is_opened_and_scores_without_what_it_does_not_need(tmp_path):
    assert run(SCORED, str(save_checkpoint(tmp_path)), *HEAVY).split() == []


def test_what_was_put_off_is_the_real_thing_when_it_is_used():
    run(USED)
