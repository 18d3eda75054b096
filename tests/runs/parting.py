"""Runs in parts, for several tests."""

import json

from proband.designs.part import Share
from proband.reports import findings
from proband.runs.gathering import gather
from proband.runs.parts import begin_part, carry_out_part, part_of

TIMES = ("started", "finished")  # what two equal runs may differ in


def ask_part(study, into, k, n, **options):
    """Carry out one part."""
    share = Share(k, n)
    folder = begin_part(study, into, share, made_of={}, work=None)
    options = {"budget": None, "watch": None, "retry_failed": False} | options
    return carry_out_part(part_of(study, share), folder, **options)


def divide(study, into, n=4):
    """Carry out all parts, the last first: their order is nobody's business."""
    for k in range(n, 0, -1):
        assert ask_part(study, into, k, n).is_complete
    return into


def gathered(study, into, n=4):
    return gather(study, divide(study, into, n))


def kept(run):
    """All that a run says, without its times and its folder."""
    manifest = json.loads(run.directory.manifest_path.read_text())
    found = json.dumps({**findings(run).as_dict(), "run": "its folder"}, sort_keys=True, default=str)
    for name in TIMES:
        found = found.replace(manifest.pop(name), "a time")
    return run.directory.table_path.read_bytes(), json.dumps(manifest), found
