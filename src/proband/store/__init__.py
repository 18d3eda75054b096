"""Where responses are kept: the run directory."""

from proband.store.directory import RunDirectory
from proband.store.journal import Journal

__all__ = ["Journal", "RunDirectory"]
