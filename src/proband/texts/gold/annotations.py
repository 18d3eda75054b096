"""Codes as annotation programs write them: Potato's user states and exports, Label Studio's JSON.

Only the formats of their files are known here; nothing of the programs is used.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from proband.errors import DataError
from proband.files import Remarks, text_of

USER_STATE = "user_state.json"
_BESIDE = ("free_response", "text_box")  # labels of Potato that hold a remark beside the answer


class Given(NamedTuple):
    """One answer of one person: to which question of which document, and where it stands."""

    document: str
    coder: str
    item: str
    codes: tuple[str, ...]
    where: str


def from_potato(path: Path, singles: frozenset[str], remarks: Remarks) -> Iterator[Given]:
    """Answers in a ``user_state.json`` of Potato.

    A question with one answer may hold several labels in data of before 2.7.2, one for every click: the last change
    wins, or the last that is stored where changes were not recorded, and the document is named.

    Parameters
    ----------
    path : Path
        The file.
    singles : frozenset of str
        Questions that take one answer.
    remarks : Remarks
        Where what was decided is listed.
    """
    state = _json(path)
    labels = state.get("instance_id_to_label_to_value") if isinstance(state, dict) else None
    if not isinstance(labels, dict):
        raise DataError(f"{path}: no user state of Potato: it has no 'instance_id_to_label_to_value'; give the file "
                        f"annotation_output/USER/{USER_STATE}, or an export")  # fmt: skip
    coder = str(state.get("user_id") or path.parent.name)
    behaviour = state.get("instance_id_to_behavioral_data") or {}
    for document, pairs in labels.items():
        answers: dict[str, list[str]] = {}
        for label, value in _pairs(pairs, path, document):
            if value not in (False, None, "", "false"):
                answers.setdefault(str(label["schema"]), []).append(str(label["name"]))
        changes = (behaviour.get(document) or {}).get("annotation_changes") or []
        for item, found in answers.items():
            named = [name for name in found if name not in _BESIDE]
            place = f"{path}, document {document!r}, {item!r}"
            yield Given(document, coder, item, _settled(named, item in singles, changes, item, place, remarks), place)


def from_potato_export(
    rows: Iterable[tuple[str, Mapping[str, Any]]], singles: frozenset[str], remarks: Remarks
) -> Iterator[Given]:
    """Answers in a CSV or JSONL export of Potato: `instance_id`, `user_id`, and ``SCHEMA.LABEL`` columns or labels.

    Where the export has resolved several answers to a question itself, in a column ``SCHEMA``, that one is taken.
    """
    for where, row in rows:
        labels = row.get("labels")
        if isinstance(labels, Mapping):
            answers = {item: [str(n) for n, v in of.items() if v] if isinstance(of, Mapping) else [str(of)]
                       for item, of in labels.items()}  # fmt: skip
            answers = {item: [name for name in named if name not in _BESIDE] for item, named in answers.items()}
        else:
            answers = {}
            for column, value in row.items():
                item, dot, label = column.partition(".")
                if dot and value and not label.startswith("_") and label not in _BESIDE:
                    answers.setdefault(item, []).append(label)
            for item in answers:
                if row.get(item):
                    remarks.say(
                        f"{where}, {item!r}", f"several answers; the export's own choice, {row[item]!r}, is taken"
                    )
                    answers[item] = [str(row[item])]
        for item, named in answers.items():
            place = f"{where}, {item!r}"
            codes = _settled(named, item in singles, (), item, place, remarks)
            yield Given(str(row["instance_id"]), str(row["user_id"]), str(item), codes, place)


def from_label_studio(path: Path, singles: frozenset[str], remarks: Remarks) -> Iterator[Given]:
    """Answers in a JSON export of Label Studio; cancelled annotations and a model's predictions are left out.

    The document is `document`, `id` or `doc` of the task's data, else the task's own id.
    """
    tasks = _json(path)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and "annotations" in task for task in tasks):
        raise DataError(f"{path}: no export of Label Studio: a list of tasks with 'annotations' is expected; export as "
                        "JSON (not JSON-MIN)")  # fmt: skip
    n_cancelled = 0
    for task in tasks:
        data = task.get("data") or {}
        document = str(next((data[key] for key in ("document", "id", "doc") if key in data), task.get("id")))
        for annotation in task["annotations"]:
            if annotation.get("was_cancelled"):
                n_cancelled += 1
                continue
            coder = _coder(annotation.get("completed_by"))
            answers: dict[str, list[str]] = {}
            for result in annotation.get("result") or []:
                held = result.get("value") or {}
                found = next((held[key] for key in ("choices", "rating", "number", "text") if key in held), None)
                if found is not None and not ("start" in held and "end" in held):
                    answers.setdefault(str(result["from_name"]), []).extend(map(str, _listed(found)))
            for item, named in answers.items():
                place = f"{path}, task {task.get('id')}, annotation {annotation.get('id')}, {item!r}"
                yield Given(document, coder, item, _settled(named, item in singles, (), item, place, remarks), place)
    if n_cancelled:
        remarks.say(str(path), f"{n_cancelled} cancelled annotations are left out")


def json_lines(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """Records of a JSONL file, each with its place."""
    rows: list[tuple[str, Mapping[str, Any]]] = []
    for number, line in enumerate(text_of(path, what="export", error=DataError).splitlines(), 1):
        if line.strip():
            record = _parsed(line, f"{path}, line {number}")
            if not isinstance(record, dict) or not {"instance_id", "user_id"} <= record.keys():
                raise DataError(f"{path}, line {number}: no 'instance_id' and 'user_id'; export from Potato as jsonl")
            rows.append((f"{path}, line {number}", record))
    return rows


def _settled(
    named: Sequence[str], is_single: bool, changes: Sequence[Any], item: str, where: str, remarks: Remarks
) -> tuple[str, ...]:
    """The answer that stands: all labels, or of a question that takes one, the one chosen last."""
    if not is_single or len(named) < 2:
        return tuple(named)
    chosen = [
        change for change in changes
        if isinstance(change, dict) and change.get("schema_name") == item and change.get("label_name") in named
        and change.get("action") in ("select", "update", None)
    ]  # fmt: skip
    # Stored labels stand in the order of the first click on each, so the changes know better.
    last = max(chosen, key=lambda change: float(change.get("timestamp") or 0))["label_name"] if chosen else named[-1]
    how = "the last change" if chosen else "the last one stored, for no changes were recorded"
    remarks.say(
        where, f"{len(named)} answers, {', '.join(named)}, to a question that takes one; {last!r} is taken: {how}"
    )
    return (str(last),)


def _pairs(pairs: Any, path: Path, document: str) -> Iterator[tuple[Mapping[str, Any], Any]]:
    for pair in pairs if isinstance(pairs, list) else []:
        match pair:
            case [{"schema": _, "name": _} as label, value]:
                yield label, value
            case _:
                raise DataError(f"{path}, document {document!r}: {str(pair)[:60]!r} is no label with its value; "
                                "export from Potato again")  # fmt: skip


def _coder(who: Any) -> str:
    """Label Studio names people by number, or by a record with their e-mail."""
    if isinstance(who, dict):
        return str(who.get("email") or who.get("id"))
    return f"annotator {who}" if isinstance(who, int) else str(who)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _json(path: Path) -> Any:
    return _parsed(text_of(path, what="annotation file", error=DataError), str(path))


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as failure:
        raise DataError(f"{where}: no JSON ({str(failure)[:80]}); export it again") from None
