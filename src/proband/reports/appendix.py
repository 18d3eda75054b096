"""What a reader looks up: an example of a request, the manifest, and how to do it all again."""

import json
from collections.abc import Mapping

from proband.runs.run import Run


def appendix_of(run: Run) -> Mapping[str, str]:
    """Texts by heading."""
    return {
        **_example_request(run),
        "Everything that defines the run, as JSON": json.dumps(
            run.manifest, indent=2, ensure_ascii=False, sort_keys=True
        ),
        "How to do this again": _again(run),
    }


def _example_request(run: Run) -> Mapping[str, str]:
    """What was sent first, exactly; nothing where nothing is stored."""
    with run.directory.reader() as journal:
        first = next(iter(journal), None)
        response = None if first is None else journal[first]
        body = None if response is None else journal.body_of(response.request)
    if response is None or not body:
        return {}
    sent = json.loads(body)
    parts = [f"[{role}]\n{text}" for role, text in sent["messages"]]
    parts += [f"[user, one of {len(sent['premises'])}]\n{text}" for text in sent.get("premises", ())]
    if sent.get("continuations"):
        parts.append("\n".join(["[replies whose probability was taken]", *sent["continuations"]]))
    heading = f"What subject {response.place.subject} was sent for item {response.place.item}, exactly"
    return {heading: "\n\n".join(parts)}


def _again(run: Run) -> str:
    name = run.path.name
    return "\n".join(
        (
            f"proband report {name}    # this page",
            f"proband measure {name} --csv FILE    # its numbers",
            f"proband export {name}    # every answer",
            "proband run STUDY.toml --into NEW_FOLDER    # the study, asked again",
            f"proband run STUDY.toml --engine replay:{name} --into NEW_FOLDER    # from these answers, offline",
            "",
            "Every number comes from the stored answers. With the package versions, seed and engine of the manifest,",
            "an engine that is deterministic gives the same answers.",
        )
    )
