"""The manifest: written last, so a run without it is unfinished by definition."""

import json
import platform
import time
from importlib.metadata import PackageNotFoundError, version

from proband.designs.design import Design
from proband.instruments.reading import READER
from proband.runs.casting import Cast
from proband.store.directory import RunDirectory
from proband.store.journal import Journal
from proband.store.migrations import SCHEMA
from proband.store.tables import write_journal_table

_PACKAGES = ("proband", "numpy", "polars", "torch", "transformers", "tokenizers", "aiohttp")


def finish(directory: RunDirectory, journal: Journal, design: Design, cast: Cast) -> None:
    """Write the table and then the manifest."""
    roster = design.roster()
    write_journal_table(journal, design.items, directory.table_path, roster)
    prompt_tokens, completion_tokens = journal.tokens()
    directory.write_manifest(
        {
            "name": design.name,
            "kind": journal.meta("kind"),
            "state": "complete",
            "design": design.describe(),
            "roster": {"subjects": len(roster), "units": roster.n_units, "arms": dict(roster.arms)},
            "seed": design.seed,
            "engine": cast.addresses,
            "fingerprint": {name: json.loads(journal.meta(f"fingerprint:{name}") or "{}") for name in cast.addresses},
            "reader": READER,
            "schema": SCHEMA,
            "item_hashes": json.loads(journal.meta("item_hashes") or "{}"),
            "parent": json.loads(journal.meta("parent") or "null"),
            "dispositions": journal.dispositions(),
            "tokens": {"prompt": prompt_tokens, "completion": completion_tokens},
            "started": journal.meta("started"),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "packages": {name: found for name in _PACKAGES if (found := _version(name))},
            "is_complete": True,
        }
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
