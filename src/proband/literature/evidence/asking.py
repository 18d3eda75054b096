"""Engines asked to the end: one that failed has not said that there is nothing to say."""

from collections.abc import Mapping
from pathlib import Path

from proband.designs.design import Design
from proband.errors import EngineError
from proband.models.engine import BaseEngine
from proband.runs import Run, collect

Engine = str | BaseEngine


def collected(design: Design, engines: Engine | Mapping[str, Engine], folder: Path) -> Run:
    """A run whose every question was answered.

    Raises
    ------
    EngineError
        If an engine failed, or the run was stopped.
    """
    run = collect(design, engines, folder, retry_failed=True)
    failed = [response for response in run.responses().values() if response.status == "failed"]
    if failed or not run.is_complete:
        who = failed[0].engine if failed else "an engine"
        why = failed[0].error if failed else "; ".join(run.stalled.values()) or "it was stopped"
        raise EngineError(f"{who} did not answer: {why}; run the same again")
    return run


def name_of(engine: Engine) -> str:
    """Its address."""
    return engine if isinstance(engine, str) else engine.address
