"""Whether a run directory holds the study that is about to go on in it, and what its manifest says at the end."""

import json
import platform
import time
from collections.abc import Mapping
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version

from proband.addresses.opening import lasting, may_change
from proband.designs.design import Design
from proband.errors import TreatmentChanged
from proband.instruments.items import Item
from proband.instruments.reading import READER
from proband.runs.casting import Cast
from proband.store.directory import RunDirectory, file_digest
from proband.store.journal import Journal
from proband.store.migrations import SCHEMA
from proband.store.rosters import roster_text
from proband.store.tables import write_journal_table

_PACKAGES = ("proband", "numpy", "polars", "torch", "transformers", "tokenizers", "aiohttp")
_WAYS_OUT = {
    "seed": "use the old seed, or a new folder",
    "engine": "use that engine, or a new folder: a run is one design on one engine",
    "reader": "use a new folder: answers read by two versions cannot be mixed",
}


def begin(journal: Journal, design: Design, addresses: Mapping[str, str]) -> None:
    """Note what this run is, or check that it is still that.

    Raises
    ------
    TreatmentChanged
        If the seed, the engine, the reader of answers or an answered item is another one.
    DamagedRun
        If a note is not what was noted, whether it matters here or not.
    """
    facts = {"seed": str(design.seed), "engine": _who(addresses), "reader": READER}
    is_begun = len(journal) > 0
    notes = journal.notes()
    lost = (journal.noted("saved") or {}).get("lost", ())
    noted_addresses = journal.noted("addresses")
    for key, value in facts.items():
        before = notes.get(key)
        if key == "engine" and noted_addresses:  # version 0.1 noted options that change no answer
            before = _who(noted_addresses)
        if is_begun and before is None and key in lost:
            raise TreatmentChanged(
                f"{journal.path.parent}: saved from a damaged run that had lost its {key}, so nobody can tell whether "
                "this study is the one that it holds; measure or export what is there, or use a new folder"
            )
        if key == "reader" and is_begun and before not in (None, value):
            if not journal.has_texts():
                continue
            if (RunDirectory(journal.path.parent).manifest() or {}).get("is_complete"):
                facts = facts | {"reader": str(before)}  # what is there stays as it was read
                continue
        if is_begun and before not in (None, value):
            raise TreatmentChanged(
                f"{journal.path.parent}: this run was begun with {key} {before}, not {value}; {_WAYS_OUT[key]}"
            )
    noted = (journal.noted("design") or {}).get("varied")
    varied = design.describe().get("varied")
    if noted != varied and is_begun and "design" in notes:
        raise TreatmentChanged(
            f"{journal.path.parent}: this run was begun with the factors {noted}, not {varied}; places are named by "
            "them, so everything would be asked anew: use a new folder"
        )
    known: dict[str, str] = journal.noted("item_hashes") or {}
    hashes = {id: _hash(item) for id, item in design.items.items()}
    changed = [id for id, before in known.items() if hashes.get(id, before) != before]
    answered = journal.answered_items(changed)
    if answered:
        raise TreatmentChanged(
            f"{journal.path.parent}: item {answered[0]!r} was answered, and its wording, options or key has been "
            "edited since; undo the edit, or use a new folder"
        )
    hashes_text = json.dumps(known | hashes, sort_keys=True)
    _note(journal, design, facts | {"item_hashes": hashes_text, "addresses": json.dumps(dict(addresses))})


def _who(addresses: Mapping[str, str]) -> str:
    """Who answers, without options that change no answer."""
    return ", ".join(f"{name} {lasting(address)}".strip() for name, address in sorted(addresses.items()))


def recognise(journal: Journal, answerer: str, fingerprint: Mapping[str, str]) -> None:
    """Note what is really running behind an engine's address, or check that it is still the same.

    Raises
    ------
    TreatmentChanged
        If the weights, the template or anything else that decides an answer is another one. Other versions of
        libraries, another device and another processor are accepted: they change log-probabilities by rounding only.
        They are noted, so that the manifest says that the run was not computed by one and the same.
    """
    key = f"fingerprint:{answerer}"
    before: dict[str, str] = (journal.noted(key) or {}) if len(journal) else {}
    loose = may_change((journal.noted("addresses") or {}).get(answerer, ""))
    changed = [name for name in sorted(before) if name not in loose and fingerprint.get(name) != before[name]]
    if changed:
        raise TreatmentChanged(
            f"{journal.path.parent}: the engine is no longer the one that began this run: its {changed[0]} was "
            f"{before[changed[0]]!r} and is {fingerprint.get(changed[0])!r}; use the old one, or a new folder"
        )
    notes: dict[str, Mapping[str, object]] = {key: dict(fingerprint)}
    if others := {name: was for name, was in before.items() if fingerprint.get(name) != was}:
        earlier: dict[str, list[str]] = journal.noted(f"earlier:{answerer}") or {}
        notes[f"earlier:{answerer}"] = earlier | {n: sorted({*earlier.get(n, ()), was}) for n, was in others.items()}
    journal.note(**{name: json.dumps(noted, sort_keys=True) for name, noted in notes.items()})


def _note(journal: Journal, design: Design, facts: Mapping[str, str]) -> None:
    items = [item.as_dict() for item in design.items.values()]
    journal.note(
        **facts,
        name=design.name,
        kind=design.kind or str(design.describe().get("design", "")),
        state="{}",
        items=json.dumps(items, ensure_ascii=False),
        roster=roster_text(design.roster()),
        design=json.dumps(design.describe(), ensure_ascii=False),
        **({"study": json.dumps(design.source, ensure_ascii=False, default=str)} if design.source else {}),
        started=journal.meta("started") or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )


def _hash(item: Item) -> str:
    text = json.dumps(item.as_dict(), sort_keys=True, ensure_ascii=False)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def finish(directory: RunDirectory, journal: Journal, design: Design, cast: Cast) -> None:
    """Write the table, and the manifest last: a run without it is unfinished by definition."""
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
            "fingerprint": {name: journal.noted(f"fingerprint:{name}") or {} for name in cast.addresses},
            # Where a call that went on had others: what answered in earlier calls.
            **({"earlier_fingerprint": earlier} if (earlier := _earlier(journal, cast)) else {}),
            "reader": READER,
            "schema": SCHEMA,
            "item_hashes": journal.noted("item_hashes") or {},
            "parent": journal.noted("parent"),
            "table": file_digest(directory.table_path),
            "dispositions": journal.dispositions(),
            **({"closed": closed} if (closed := journal.noted("closed")) else {}),
            # Of `estimated` requests the server counted no tokens.
            "tokens": {"prompt": prompt_tokens, "completion": completion_tokens, "estimated": journal.n_estimated()},
            "started": journal.meta("started"),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "packages": {name: found for name in _PACKAGES if (found := _version(name))},
            "is_complete": True,
        }
    )


def _earlier(journal: Journal, cast: Cast) -> dict[str, object]:
    return {name: found for name in cast.addresses if (found := journal.noted(f"earlier:{name}"))}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
