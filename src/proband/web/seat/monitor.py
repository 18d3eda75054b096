"""The page of the researcher: who is where, for how long, in which arm; and what can be done about it."""

import time
from collections import Counter
from collections.abc import Mapping
from statistics import median
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from proband.web.pages import both, page
from proband.web.seat.participants import TEMPLATES
from proband.web.seat.registry import Person
from proband.web.seat.room import Room

HOME = "/researcher/"
_MOST_MESSAGE = 500
_LAST_ACTS = 50


class Monitor:
    """What the researcher sees of a room, and does in it; every act is kept."""

    def __init__(self, room: Room, study: str) -> None:
        self.room, self.study = room, study
        roster = () if room.design.design.sits_by else room.design.roster()  # of coders: their documents
        self._arms = {member.subject: member.arm for member in roster}

    @property
    def routes(self) -> list[BaseRoute]:
        """Every address of these pages."""
        return [
            Route(f"{HOME}index.json", self.look),
            *both(f"{HOME}people", self.look),
            Route(HOME, self.look),
            Route(f"{HOME}act", self.act, methods=["POST"]),
        ]

    def look(self, request: Request) -> Response:
        """Everybody, as they are now; looking at them is no sign of theirs."""
        return self._page(request)

    def _page(self, request: Request, link: str = "") -> Response:
        people = self.room.registry.people
        states = Counter(person.state for person in people)
        arms = Counter((self._arms.get(person.subject, ""), person.state) for person in people if person.subject)
        told = [self._told(person) for person in people]
        shown = {
            "study": self.study,
            "seats": len(self.room.subjects),
            "admits": self.room.is_admitting,
            "states": dict(states),
            "arms": [{"arm": arm, "state": state, "people": n} for (arm, state), n in sorted(arms.items())],
            "people": told,
            "waiting": self._waiting({one["subject"]: one["where"] for one in told if one["state"] == "active"}),
            "pages": [
                {
                    "item": item,
                    "answered": len(took),
                    "median_s": round(median(took), 1),
                    "longest_s": round(max(took), 1),
                }
                for item, took in list(self.room.took_s.items())
            ],
            "acts": [
                {"at": _moment(at), "what": what, "subject": subject, "detail": detail}
                for at, what, subject, detail in self.room.registry.acts()[-_LAST_ACTS:]
            ],
        }
        return page(request, "monitor.html", shown, folders=(TEMPLATES,), link=link)

    def _told(self, person: Person) -> dict[str, Any]:
        place = self.room.whereabouts(person)
        return {
            "number": person.number,
            "subject": person.subject,
            "arm": self._arms.get(person.subject, ""),
            "state": person.state,
            "where": place.where,
            "item": place.trial.place.item if place.trial is not None else "",
            "answered": len(self.room.answered(person.subject)),
            "minutes": round(((person.ended or time.time()) - person.arrived) / 60, 1),
            "silent_s": round(self.room.clock() - self.room.presence(person.subject).seen),
            "attention": self.room.attention(person.subject),
            "paid": person.paid,
        }

    def _waiting(self, where: Mapping[str, str]) -> list[dict[str, Any]]:
        """Groups in which somebody waits: for whom of those who are there, and for how many who are not."""
        found = []
        for group, members in self.room.groups.items():
            waits = [one for one in members if where.get(one) == "waiting"]
            for_ = [one for one in members if one in where and one not in waits]
            absent = sum(one not in self.room.registry.by_subject for one in members)
            if waits:
                found.append({"group": group, "waiting": waits, "for": for_, "not_here": absent})
        return found

    async def act(self, request: Request) -> Response:
        """Do something about somebody, or close the run."""
        form = request.state.form
        what, number = form.get("what", [""])[0], form.get("number", [""])[0]
        if what == "close":
            self.room.close("by hand")
        person = next((one for one in self.room.registry.people if str(one.number) == number), None)
        if person is not None:
            if what == "extend" and self.room.extend(person, by_hand=True):
                self.room.registry.act("extended", person.subject)
            elif what == "end":
                self.room.end(person)
            elif what == "link" and person.state == "active":
                # Shown once, in the answer to this form: only its digest is kept.
                return self._page(request, f"{request.base_url}page?key={self.room.replace_link(person)}")
            elif what == "message":
                self.room.tell(person, form.get("message", [""])[0].strip()[:_MOST_MESSAGE])
        return RedirectResponse(HOME, 303)


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))
