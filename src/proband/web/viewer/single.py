"""Pages of one thing: a trial, a subject, a match or society round by round, an instrument as asked, a study."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from proband.designs.kind import told_of
from proband.errors import ProbandError
from proband.instruments.items import Item, Rule
from proband.records import Place
from proband.runs.run import Run
from proband.store.filters import Condition
from proband.web.pages import address
from proband.web.viewer.asking import conditions_of, folder_of, held_run
from proband.web.viewer.held import Held
from proband.web.viewer.lists import answer_text, member_dict, row_of, shown

_ALIKE = 20  # trials with the same request that are named
_FEW = 200_000  # responses of a run in which they are looked for at once
_ALIKE_S = 0.15  # and how long a run that goes on is looked through for them
_TURNS = 200  # responses on the page of a subject, or of a round

# Why there is no answer, as far as the status tells.
_WHY: Mapping[str, str] = {
    "refused": "The reply declines to answer.",
    "dont_know": "The don't-know option was offered and taken.",
    "unparsed": "The rules of reading found no one answer in the reply: none, or several that contradict each other.",
    "truncated": "The reply was cut off before an answer was found in it.",
    "failed": "The engine gave nothing back; nothing of it counts as data.",
    "left": "Who was asked had left before answering.",
}


def trial(request: Request) -> Response:
    """Everything that is known of one response."""
    held, place = held_run(request), request.query_params.get("place", "")
    conditions = conditions_of(request, held)
    try:
        response, at = held.journal[place], Place.from_id(place)
    except (KeyError, ValueError):
        raise HTTPException(404, f"There is no response at {place!r} in this run.") from None
    row = held.rows_at([place]).to_dicts()[0]
    stored_at, took_s = held.journal.taken(place)
    item, body = held.items.get(at.item), held.journal.body_of(response.request)
    sent = {} if body is None else json.loads(body)
    return shown(
        request,
        "trial.html",
        {
            "run": held.name,
            **row_of(held, row),
            "answer": answer_text(row),
            "why": _WHY.get(response.status),
            "item_text": item and item.text,
            "messages": turns_of(sent),
            "scored": _scored(sent, response.log_probs, response.token_counts),
            "sampling": {k: v for k, v in sent.items() if k not in ("messages", "continuations", "premises") and v},
            "body": body,
            "options": _options(item, response.order, response.probs, response.answer),
            "reply": response.text,
            "error": response.error,
            "rule": response.rule,
            "prompt_tokens": response.prompt_tokens,
            "completion_tokens": response.completion_tokens,
            "is_estimated": response.is_estimated,
            "attempts": response.attempts,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(stored_at)),
            "took_s": took_s,
            "request": response.request,
            "said": _said(held.run, at),
            "alike": _alike(held, response.request, place),
            "where": [str(one) for one in conditions],
            **_beside(held, conditions, place),
        },
    )


def turns_of(sent: Mapping[str, Any]) -> list[dict[str, str]]:
    """The turns of a request, as the journal keeps it."""
    return [{"role": role, "text": text} for role, text in sent.get("messages", ())]


def _scored(sent: Mapping[str, Any], log_probs: Sequence[float] | None, counts: Sequence[int]) -> list[dict[str, Any]]:
    """Every text that was scored, in the order sent, with its log-probability."""
    texts = sent.get("premises") or sent.get("continuations") or []
    return [
        {
            "text": text,
            "log_prob": log_probs[k] if log_probs else None,
            "prob": math.exp(log_probs[k]) if log_probs else None,
            "tokens": counts[k] if k < len(counts) else None,
        }
        for k, text in enumerate(texts)
    ]


def _options(
    item: Item | None, order: Sequence[int], probs: Sequence[float] | None, answer: Any
) -> list[dict[str, Any]]:
    """Options as written, with the place in which each was shown, its probability, and whether it is the answer."""
    if item is None or not item.options:
        return []
    chosen = answer if isinstance(answer, tuple) else (answer,)
    return [
        {
            "written": k + 1,
            "shown": order.index(k) + 1 if k in order else None,
            "text": text,
            "prob": probs[k] if probs is not None and k < len(probs) else None,
            "is_answer": item.form in ("choice", "scale", "multiple") and k in chosen,
        }
        for k, text in enumerate(item.options)
    ]


def _said(run: Run, at: Place) -> list[dict[str, Any]]:
    """What people said to the same item in the same place of the subject."""
    try:
        people = run.people
    except ProbandError:
        return []  # people's answers that are damaged are named where their run is opened
    if people is None:
        return []
    held = Held("people", people.path)
    asked = [Condition("subject", "=", at.subject), Condition("item", "=", at.item)]
    return [row_of(held, row) for row in held.page(asked, size=5).rows.iter_rows(named=True)]


def _alike(held: Held, request: str, place: str) -> dict[str, Any]:
    """Other trials that sent the very same request; of a large run a link leads to them, for looking takes a while."""
    if held.size > _FEW:
        return {"rows": [], "is_all": False}
    found = held.page([Condition("request", "=", request)], size=_ALIKE + 1, seconds=_ALIKE_S)
    rows = [row_of(held, row) for row in found.rows.iter_rows(named=True) if row["trial"] != place]
    return {"rows": rows[:_ALIKE], "is_all": found.after is None}


def _beside(held: Held, conditions: Sequence[Condition], place: str) -> dict[str, str | None]:
    """Links to the response before and after, among those that are asked for."""
    where = [str(one) for one in conditions] or None
    links: dict[str, str | None] = {}
    for name, way in (("earlier", "before"), ("later", "after")):
        if conditions:
            rows = held.page(conditions, size=1, seconds=_ALIKE_S, **{way: place}).rows
            near = rows["trial"][0] if rows.height else None
        else:  # the journal has its neighbours by key; in a table the places of all would be read
            beside, _ = held.journal.rows_from(place, 1, is_backwards=way == "before")
            near = beside[0][0] if beside else None
        links[name] = near and address(f"/runs/{held.name}/trial", place=near, where=where)
    return links


def subject(request: Request) -> Response:
    """Everything that one subject was asked and answered."""
    held, name = held_run(request), request.query_params.get("subject", "")
    after = request.query_params.get("after", "")
    member = held.roster.by_subject.get(name)
    found = held.page([Condition("subject", "=", name)], after=after, size=_TURNS) if name else None
    if found is None or (member is None and not found.rows.height):
        raise HTTPException(404, f"There is no subject {name!r} in this run.")
    rows = _in_order(held, found.rows)
    told = _with_words(held, rows)
    system = next((turn["text"] for row in told for turn in row["messages"] if turn["role"] == "system"), None)
    return shown(
        request,
        "subject.html",
        {
            "run": held.name,
            "subject": name,
            "member": member and member_dict(member),
            "persona": system,
            "turns": told,
            "has_units": held.roster.n_units < len(held.roster),
            "later": found.after and address(f"/runs/{held.name}/subject", subject=name, after=found.after),
        },
    )


def unit(request: Request) -> Response:
    """What the members of a match or society did, round by round."""
    held, name = held_run(request), request.query_params.get("unit", "")
    members = [member for member in held.roster if member.unit == name]
    if not members:
        raise HTTPException(404, f"There is no unit {name!r} in this run.")
    table = held.members_rows(name, [member.subject for member in members])
    # Last what was asked outside of the rounds, such as a survey of the members.
    rounds = sorted(set(table["round"].to_list()), key=lambda number: (number == 0, number)) or [0]
    asked = request.query_params.get("round", "")
    number = int(asked) if asked.isdecimal() and int(asked) in rounds else rounds[0]
    here = table.filter(pl.col("round") == number)["trial"].to_list()
    rows = _in_order(held, held.rows_at(here[:_TURNS]))
    k = rounds.index(number)
    there, called = f"/runs/{held.name}/unit", told_of(held.run.kind).unit
    return shown(
        request,
        "unit.html",
        {
            "run": held.name,
            "unit": name,
            "heading": name if name.startswith(called) else f"{called.capitalize()} {name}",
            "left_out": max(0, len(here) - _TURNS),
            "members": [member_dict(member) for member in members[:_TURNS]],
            "count": len(members),
            "rounds": rounds,
            "round": number,
            "turns": _with_words(held, rows),
            "earlier": address(there, unit=name, round=rounds[k - 1]) if k else None,
            "later": address(there, unit=name, round=rounds[k + 1]) if k + 1 < len(rounds) else None,
        },
    )


def _in_order(held: Held, rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as they were asked: by round, then as the instrument has the items."""
    order = {id: k for k, id in enumerate(held.items)}
    listed = rows.to_dicts()
    return sorted(listed, key=lambda r: (r["round"], r["replicate"], order.get(r["item"], len(order)), r["trial"]))


def _with_words(held: Held, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with the last turn that was sent, and what came back."""
    bodies = held.journal.bodies({row["request"] for row in rows})
    told = []
    for row in rows:
        messages = turns_of(json.loads(bodies.get(row["request"], "{}")))
        asked = messages[-1]["text"] if messages else None
        told.append(
            {**row_of(held, row), "messages": messages, "asked": asked, "said": row["text"] or answer_text(row)}
        )
    return told


def instrument(request: Request) -> Response:
    """The items of a run, and each as it was asked first."""
    held = held_run(request)
    items, places = [], held.first_places()
    for item in held.items.values():
        items.append(
            {
                "id": item.id,
                "form": item.form,
                "stem": item.stem,
                "text": item.text,
                "options": [
                    {"text": text, "points": item.points[k], "is_dont_know": k in item.dont_know}
                    for k, text in enumerate(item.options)
                ],
                "bounds": {
                    n: v for n in ("lower", "upper", "total", "unit") if (v := getattr(item, n)) not in (None, "")
                },
                "ask_if": item.ask_if and _rule(item.ask_if, held.items),
                "asked_at": places.get(item.id),
            }
        )
    design = held.manifest.get("design") or {}
    title = design.get("instrument_title") or design.get("instrument")
    return shown(request, "instrument.html", {
        "run": held.name, "title": title, "source": design.get("instrument_source"), "asked": items,
    })  # fmt: skip


def _rule(rule: Rule, items: Mapping[str, Item]) -> str:
    """A skip rule in words."""
    asked = items.get(rule.item)
    options = [asked.options[k] if asked is not None else f"option {k + 1}" for k in rule.options]
    return f"{rule.item} is {' or '.join(options)}"


def study(request: Request) -> Response:
    """A study of interventions: its findings, and the runs that they rest on."""
    name = request.path_params["study"]
    found = folder_of(request).studies.get(name)
    if found is None:
        raise HTTPException(404, f"There is no study {name!r} in this folder.")
    told = found.findings()
    below = [
        run for run in folder_of(request).runs if run.startswith(f"{name}~") or found.path == folder_of(request).root
    ]
    return shown(request, "study.html", {
        "study": name, "title": told.get("title"), "lead": told.get("lead", []), "facts": told.get("facts", {}),
        "warnings": told.get("warnings", []), "runs": [run for run in below if not run.endswith("~people")],
        "has_report": found.report.is_file(),
    })  # fmt: skip
