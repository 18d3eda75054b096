"""Worlds of tests: small tables, played out with answers of a rule, and everything that was asked and became of it."""

from dataclasses import replace
from itertools import islice

from proband.designs.studies import study_from_dict
from proband.records import Response
from proband.societies.rehearsal import answer_anything

OPTIONS = ["against", "neither", "for"]
STAND = {"name": "stand", "options": OPTIONS, "start": "neither"}
ASKED = {"item": "stand", "text": "Where do you stand on the bypass?", "sees": ["own"]}


def study(**tables):
    """A study of ten agents for two rounds, with other tables where given."""
    society = {"societies": 1, "agents": 10, "rounds": 2, **tables.pop("society", {})}
    whole = {"seed": 1, "engine": "scripted:uniform", "society": society, "variable": [STAND], "turn": [ASKED]}
    whole.update(tables)
    return study_from_dict({key: value for key, value in whole.items() if value is not None})


class Played:
    """All trials in the order asked, and the state after every round, by arm."""

    def __init__(self, made, answer=None, shares=None, societies=None):
        self.trials, self.states, self.begun = [], {}, {}
        for life in islice(made.design.lives(self), societies):
            open_ = list(life.start())
            while open_:
                trial = open_.pop(0)
                self.trials.append(trial)
                response = answered(trial, answer)
                if shares and trial.reply.options:
                    response = replace(response, probs=tuple(shares(trial)))
                open_ += life.advance(response)

    def begins(self, arm, state):
        self.begun[state.society, arm.name] = state.copy()

    def is_over(self, arm, state, round):
        self.states[state.society, arm.name, round] = state.copy()

    def at(self, round, arm="", society=0):
        return self.states[society, arm, round]

    def asked(self, item, round=None, arm=""):
        return [
            trial
            for trial in self.trials
            if trial.place.item == item
            and round in (None, trial.place.round)
            and dict(trial.place.condition).get("arm", "") == arm
        ]


def answered(trial, answer=None):
    """A response: what `answer` gives for a trial (an option's words, a number, a text), or anything; "" refuses."""
    given = answer(trial) if answer else None
    response = answer_anything(trial)
    if given is None:
        return response
    if given == "":
        return Response(place=trial.place, request=response.request, status="refused", engine="rehearsal")
    if trial.reply.options:
        given = trial.reply.order[trial.reply.options.index(given)]
        return replace(response, answer=given, probs=None)
    return replace(response, answer=given)


def words(trial):
    return "\n".join(message.text for message in trial.request.messages)


def number_of(trial):
    return int(trial.place.subject.partition(".")[2])
