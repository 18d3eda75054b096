"""A written world made of its tables; what cannot be is refused here, before the first call."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from proband import files
from proband.errors import DesignError, Gathering, InstrumentError, meant
from proband.instruments import load_instrument
from proband.instruments.items import Item
from proband.societies.agents.minds import MindKeys, Part
from proband.societies.ground.background import Institution, Norm
from proband.societies.ground.places import Place, places_of
from proband.societies.ground.stocks import account, stocks_of
from proband.societies.written.acquaintance import NOBODY, WAYS
from proband.societies.written.expressions import Formula, formula, values_of
from proband.societies.written.parts import Happening, Outcome, Parts, RuleOf, Sight, Turn, Variable, names_of
from proband.societies.written.tables import EventTable, StartTable, TurnTable, VariableTable, WrittenKeys
from proband.subjects.populations import Population

ALWAYS = ("number", "round", "hour", "u")
_SIGHTS = ("own", "neighbours", "public", "world", "place", "feed:K", "memory:K")
_ORDERS = {
    "feed": ("chronological", "popularity", "similarity", "random"), "memory": ("relevance", "chronological"),
}  # fmt: skip
MOST_FEED = 1000


def parts_of(keys: WrittenKeys, population: Population | None, folder: Path, where: str) -> Parts:
    """Every part of a world, checked.

    Raises
    ------
    DesignError
        With everything that is wrong, each with its table, key and name.
    """
    return _Maker(keys, population, folder, where).parts()


class _Maker:
    """Reads the tables one after another, and gathers what is wrong with them."""

    def __init__(self, keys: WrittenKeys, population: Population | None, folder: Path, where: str) -> None:
        self.keys, self.population, self.folder, self.where = keys, population, folder, where
        self.columns = self._columns()

    def parts(self) -> Parts:
        keys, found = self.keys, Gathering()
        places = stocks = None
        turns, rules, events = list[Turn](), list[RuleOf](), list[Happening]()
        if keys.agents is None and self.population is None:
            raise DesignError(f"{self.where}: nobody lives there; give `agents` in [society], or a [population]")
        variables = {table.name: self._variable(table) for table in keys.variable}
        agent = {table.name: variables[table.name] for table in keys.variable if table.on == "agent"}
        world = {table.name: variables[table.name] for table in keys.variable if table.on == "world"}
        with found.part():
            places = places_of(keys.place, self.columns, self.where)
            self._check_hours(places)
        with found.part():
            stocks = stocks_of(keys.stock, self.columns, keys.network is not None, self.where)
        for table in keys.turn:
            with found.part():
                turns.append(self._turn(table, agent))
        with found.part():
            self._check_items(turns)
            turns = self._starts(turns, agent) + turns
        items = [turn.item.id for turn in turns]
        for k, rule in enumerate(keys.rule):
            with found.part():
                at = f"[[rule]] {rule.name or k + 1}"
                self._settable(rule.set, at, [*variables, *(["place"] if keys.place else [])])
                if rule.after and rule.after not in items:
                    raise DesignError(
                        f"{self.where}: {at}, after: no turn asks {rule.after!r}{meant(rule.after, items)}"
                    )
                rules.append(
                    RuleOf(
                        name=rule.name or str(k + 1), set=rule.set, after=rule.after,
                        to=self._formula(rule.to, f"{at}, to"), who=self._optional(rule.where, f"{at}, where"),
                    )
                )  # fmt: skip
        for k, event in enumerate(keys.event):
            with found.part():
                events.append(self._event(event, k, list(variables)))
        norms, institutions = self._background(found, agent, world)
        with found.part():
            self._check_network(agent)
        with found.part():
            self._check_engines()
        found.settle()
        if places is None or stocks is None:
            raise DesignError(f"{self.where}: it cannot be read as a world")
        return Parts(
            keys=keys, population=self.population, columns=self.columns, agent=agent, world=world, turns=tuple(turns),
            rules=tuple(rules), events=tuple(events), places=places, stocks=stocks[0], flows=stocks[1], norms=norms,
            institutions=institutions, folder=str(self.folder), where=self.where,
        )  # fmt: skip

    def _columns(self) -> dict[str, bool]:
        """Everything that expressions may read, and whether it is a text."""
        keys, population = self.keys, self.population
        columns = dict.fromkeys(ALWAYS, False)
        for column in population.columns if population else ():
            columns[column] = any(
                isinstance(code, str) for code in (population.column(column) if population else {}).values()
            )
        if keys.place:
            columns |= {"place": False, "place_label": True}
        if keys.network:
            columns["near_n"] = False
        taken = set(ALWAYS) | ({"place"} if keys.place else set())
        for table in keys.variable:
            at = f"{self.where}: [[variable]] {table.name!r}"
            if not re.fullmatch(r"[A-Za-z_]\w*", table.name):
                raise DesignError(f"{at}: expressions name it, so it has letters, digits and _ only; rename it")
            if table.name in taken:
                raise DesignError(f"{at}: the name is taken already; rename it")
            taken.add(table.name)
            own = names_of(table) if table.on == "agent" else [(table.name, False)]
            columns |= {name: is_text for name, is_text in own if keys.network or not name.startswith("near_")}
        for event in keys.event:
            if event.name:
                columns[f"told_{event.name}"] = False
        for stock in keys.stock:
            columns[stock.name] = False
            columns |= {account(stock.name, pool): False for pool in stock.pools}
        return columns

    def _check_hours(self, places: Sequence[Place]) -> None:
        """Refuse a place that is shut whenever a round begins."""
        hours = [float((self.keys.begins + k * self.keys.hours) % 24) for k in range(self.keys.rounds)]
        for place in places:
            if not any(map(place.is_open, hours)):
                opens, closes = place.hours
                raise DesignError(
                    f"{self.where}: [[place]] {place.name!r} is open from {opens:g} to {closes:g}, and rounds begin at "
                    f"{', '.join(f'{hour:g}' for hour in sorted(set(hours)))}: nobody could ever go there; change its "
                    "hours, or `begins` or `hours` in [society]"
                )

    def _formula(self, text: str, at: str, **more: bool) -> Formula:
        made = formula(text, {**self.columns, **more}, f"{self.where}: {at}")
        self._check_ever(made, at)
        return made

    def _optional(self, text: str, at: str) -> Formula | None:
        return self._formula(text, at) if text else None

    def _check_ever(self, made: Formula, at: str) -> None:
        """Refuse a condition on rounds that no round of this world meets."""
        if set(made.reads) - {"round"} or at.rpartition(", ")[2] in ("to", "value", "amount", "reaction", "agents"):
            return
        rounds = np.arange(1, self.keys.rounds + 1, dtype=float)
        if not np.nan_to_num(values_of(made, lambda name: rounds, len(rounds))).any():
            raise DesignError(
                f"{self.where}: {at}: {made.text!r} holds in none of {self.keys.rounds} rounds, so it is never offered "
                "or done; correct it, or take it out"
            )

    def _settable(self, name: str, at: str, known: Sequence[str]) -> None:
        if name not in known:
            raise DesignError(
                f"{self.where}: {at} sets {name!r}, which is no variable{meant(name, known)}; there are "
                f"{', '.join(known) or 'none: write a [[variable]]'}"
            )

    def _variable(self, table: VariableTable) -> Variable:
        at, start = f"{self.where}: [[variable]] {table.name!r}", table.start
        made: dict[str, Any] = {}
        if isinstance(start, str) and start.startswith("survey:"):
            made["survey"] = start.removeprefix("survey:")
        elif isinstance(start, str) and start.startswith("column:"):
            name = made["column"] = start.removeprefix("column:")
            if self.population is None or name not in self.population.columns:
                known = self.population.columns if self.population else ()
                raise DesignError(f"{at}: start: the population has no column {name!r}{meant(name, known)}")
        elif isinstance(start, str):
            if start not in table.options:
                raise DesignError(
                    f"{at}: start is {start!r}{meant(start, table.options)}; options are {', '.join(table.options)}"
                )
            made["start"] = float(table.options.index(start))
        else:
            made["start"] = start if start is None or isinstance(start, StartTable) else float(start)
        if table.on == "world" and (start is None or set(made) != {"start"} or isinstance(start, StartTable)):
            raise DesignError(f"{at}: a variable of the world begins with one value; write e.g. start = 0")
        if isinstance(start, StartTable):
            self._check_draw(start, table, at)
        return Variable(
            name=table.name, options=tuple(table.options), says=table.says,
            lower=None if table.lower is None else float(table.lower),
            upper=None if table.upper is None else float(table.upper), **made,
        )  # fmt: skip

    def _check_draw(self, start: StartTable, table: VariableTable, at: str) -> None:
        if [start.draw, start.normal, start.uniform].count(None) != 2:
            raise DesignError(f"{at}: start draws in one way: draw, normal or uniform")
        for option in start.draw or ():
            if option not in table.options:
                raise DesignError(f"{at}: start draws {option!r}{meant(option, table.options)}, which is no option")
        if start.draw is not None and not (sum(start.draw.values()) > 0 and min(start.draw.values()) >= 0):
            raise DesignError(
                f"{at}: start has shares {list(start.draw.values())}; they are at least 0, and some above"
            )
        for pair in (start.normal, start.uniform):
            if pair is not None and len(pair) != 2:
                raise DesignError(f"{at}: start has {len(pair)} numbers; give two")

    def _turn(self, table: TurnTable, agent: Mapping[str, Variable]) -> Turn:
        at = f"[[turn]] {table.item!r}"
        sets = table.sets or (table.item if table.item in agent else "")
        if sets:
            self._settable(
                sets, at, [*agent, *(["place"] if self.keys.place else []), *(WAYS if self.keys.network else ())]
            )
        item = self._item(table, agent.get(sets), sets, at)
        sees = tuple(self._sight(text, at) for text in table.sees)
        for option in table.offers:
            if option not in item.options:
                raise DesignError(
                    f"{self.where}: {at}: offers name {option!r}{meant(option, item.options)}, which is no option: it "
                    "could never be offered"
                )
        self._check_schedule(table, item, at)
        to = table.to or ("neighbours" if self.keys.network else "place" if self.keys.place else "everybody")
        if (to == "neighbours" and not self.keys.network) or (to == "place" and not self.keys.place):
            raise DesignError(f"{self.where}: {at}: texts go to {to}, and there are none; add them, or write to")
        outcomes = []
        for k, outcome in enumerate(table.outcome):
            here, both = f"{at}, outcome {k + 1}", {"is_speaker": False, "is_hearer": False}
            if outcome.set:
                self._settable(outcome.set, here, list(agent))
            outcomes.append(
                Outcome(
                    text=outcome.text, set=outcome.set,
                    to=self._formula(outcome.to, f"{here}, to", **both) if outcome.set else None,
                    where=self._formula(outcome.where, f"{here}, where", **both),
                )
            )  # fmt: skip
        resolver = None
        if table.resolver:
            if item.form != "text" or len(outcomes) < 2:
                raise DesignError(f"{self.where}: {at}: a resolver chooses among two [[turn.outcome]] of a text")
            resolver = Item(
                id=f"{table.item}-outcome", text=table.resolver, form="choice",
                options=tuple(outcome.text for outcome in outcomes),
            )  # fmt: skip
        mind = self._mind(table, item, at)
        if mind is not None:
            sees = tuple(sight for sight in sees if sight.what != "memory")
        bid = None
        if table.schedule == "bidding":
            bid = Item(id=f"{table.item}-bid", text=table.bid, form="number", lower=0.0, upper=10.0)
        return Turn(
            item=item, sets=sets, who=self._optional(table.who, f"{at}, who"), schedule=table.schedule, sees=sees,
            offers={o: self._formula(text, f"{at}, offers {o!r}") for o, text in table.offers.items()},
            order=tuple(table.order), bid=bid, speakers=table.speakers, every=table.every, to=to, resolver=resolver,
            first=self._optional(table.first, f"{at}, first"), outcomes=tuple(outcomes), mind=mind,
            features={name: self._formula(text, f"{at}, features, value") for name, text in table.features.items()},
            reaction=self._formula(table.reaction, f"{at}, reaction") if table.reaction else None,
        )  # fmt: skip

    def _mind(self, table: TurnTable, item: Item, at: str) -> MindKeys | None:
        """How agents think in a turn; None where they answer at once."""
        thinks = {"theory": table.theory, "tools": table.tools, "reflect_above": table.reflect_above}
        used = [name for name, given in thinks.items() if given]
        if not used:
            extra = [name for name in ("settings", "features", "files") if getattr(table, name)]
            if extra:
                raise DesignError(f"{self.where}: {at}: {extra[0]} goes with a theory or tools; name one")
            return None
        if not item.options or table.schedule != "parallel" or table.sets in WAYS:
            raise DesignError(
                f"{self.where}: {at}: {used[0]} makes a choice of all at the same time; give options, and no schedule "
                "or ties"
            )
        memory = next((self._sight(text, at).count for text in table.sees if text.startswith("memory")), 0)
        parts: list[Part] = ["profile", "plan"]
        parts += ["memory"] if memory else []
        parts += ["reflection"] if table.reflect_above is not None else []
        parts += ["theory"] if table.theory else []
        parts += ["tools"] if table.tools else []
        return MindKeys(
            parts=parts, theory=table.theory, settings=table.settings, recall=memory, hours=float(self.keys.hours),
            importance="ask" if table.importance == "ask" else float(table.importance), tools=table.tools,
            reflect_above=float(table.reflect_above or 150), files=table.files, calls=table.calls,
        )  # fmt: skip

    def _item(self, table: TurnTable, variable: Variable | None, sets: str, at: str) -> Item:
        if table.use:
            beside = self.folder / table.use
            item = load_instrument(beside if files.is_file(beside) else table.use)[table.item]
        elif not table.text:
            raise DesignError(
                f"{self.where}: {at} has no wording; write `text`, or name with `use` an instrument that has this item"
            )
        else:
            options = tuple(table.options or (variable.options if variable else ()))
            if sets == "place":
                options = tuple(place.name for place in self.keys.place)
            elif sets in WAYS:  # in general; who is meant is told when it is asked
                options = ("somebody", NOBODY)
            has_bounds = variable is not None and not variable.options
            form = table.form or ("choice" if options else "number" if has_bounds else "text")
            low, high = (variable.lower, variable.upper) if variable and form == "number" else (None, None)
            try:
                item = Item(id=table.item, text=table.text, form=form, options=options, lower=low, upper=high)
            except InstrumentError as error:
                raise DesignError(f"{self.where}: {at}: {error}") from None
        if item.form not in ("choice", "scale", "number", "text"):
            raise DesignError(
                f"{self.where}: {at} is of form {item.form!r}; turns are choices, scales, numbers or texts"
            )
        if sets and item.form == "text":
            raise DesignError(
                f"{self.where}: {at} is a text, and sets {sets!r}; texts are heard, a resolver may act on them"
            )
        if variable and variable.options and (wrong := [o for o in item.options if o not in variable.options]):
            raise DesignError(
                f"{self.where}: {at} offers {wrong[0]!r}{meant(wrong[0], variable.options)}, which {sets!r} cannot be"
            )
        return item

    def _sight(self, text: str, at: str) -> Sight:
        what, *rest = text.split(":")
        is_counted = what in ("feed", "memory")
        if what not in [name.partition(":")[0] for name in _SIGHTS] or len(rest) > 2:
            raise DesignError(
                f"{self.where}: {at}: sees has {text!r}{meant(text, _SIGHTS)}; there are {', '.join(_SIGHTS)}"
            )
        if is_counted != bool(rest) or (rest and not (rest[0].isdigit() and 1 <= int(rest[0]) <= MOST_FEED)):
            raise DesignError(f"{self.where}: {at}: sees has {text!r}; write how many, from 1, as in feed:5")
        if what == "neighbours" and self.keys.network is None:
            raise DesignError(f"{self.where}: {at}: sees has 'neighbours', and nobody has any; add [network], or sees")
        if what == "place" and not self.keys.place:
            raise DesignError(f"{self.where}: {at}: sees has 'place', and there is none; add a [[place]]")
        orders = _ORDERS.get(what, ("chronological",))
        order = rest[1] if len(rest) > 1 else orders[0]
        if order not in orders:
            raise DesignError(f"{self.where}: {at}: sees has {text!r}; orders of a {what} are {', '.join(orders)}")
        return Sight(what=what, count=int(rest[0]) if rest else 0, order=order)

    def _check_schedule(self, table: TurnTable, item: Item, at: str) -> None:
        needed = {"specified": "order", "bidding": "bid", "mixed": "first", "time": "reaction"}
        for schedule, key in needed.items():
            given = getattr(table, key)
            if table.schedule == schedule and not given:
                way = {
                    "order": "name who speaks, in turn", "bid": "write how the wish to speak is asked for",
                    "first": "say who speaks before the others", "reaction": "say after how many hours one acts again",
                }[key]  # fmt: skip
                raise DesignError(f"{self.where}: {at}: schedule {schedule!r} without {key}: nobody would speak; {way}")
            if given and table.schedule != schedule:
                raise DesignError(f"{self.where}: {at}: {key} goes with schedule {schedule!r}, not {table.schedule!r}")
        if table.schedule == "bidding" and item.form != "text":
            raise DesignError(f"{self.where}: {at}: one bids to speak, and it is no text; take another schedule")

    def _check_items(self, turns: Sequence[Turn]) -> None:
        ids = [item.id for turn in turns for item in (turn.item, turn.bid, turn.resolver) if item]
        for k, id in enumerate(ids):
            if id in ids[:k]:
                raise DesignError(f"{self.where}: two turns ask {id!r}; give one of them another id")

    def _starts(self, turns: Sequence[Turn], agent: Mapping[str, Variable]) -> list[Turn]:
        """Items that are asked once, before the first round, because variables begin with their answers."""
        by_id = {turn.item.id: turn for turn in turns}
        starts = []
        for variable in agent.values():
            if variable.survey:
                if variable.survey not in by_id or by_id[variable.survey].sets != variable.name:
                    raise DesignError(
                        f"{self.where}: [[variable]] {variable.name!r}: start asks {variable.survey!r}, and no turn "
                        f"that sets {variable.name!r} asks it{meant(variable.survey, by_id)}"
                    )
                asked = by_id[variable.survey]
                starts.append(
                    Turn(item=asked.item, sets=asked.sets, who=None, schedule="parallel", sees=(), is_start=True)
                )
        return starts

    def _event(self, table: EventTable, k: int, variables: Sequence[str]) -> Happening:
        at = f"[[event]] {table.name or k + 1}"
        said = {
            "message": table.message, "event": table.event, "policy": table.policy, "edit": table.set,
            "remove": table.remove, "add": table.add, "end": table.ends,
        }  # fmt: skip
        kinds = [kind for kind, given in said.items() if given]
        if len(kinds) != 1:
            raise DesignError(
                f"{self.where}: {at} is {' and '.join(kinds) or 'nothing'}; write one of message, event, policy, set, "
                "remove, add, ends"
            )
        times = [table.at is not None, table.time is not None, bool(table.when)]
        if sum(times) != 1:
            raise DesignError(f"{self.where}: {at} has {sum(times)} times; write one of at, time, when")
        rounds = tuple([table.at] if isinstance(table.at, int) else table.at or ())
        if table.time is not None:
            rounds = (1 + int(np.ceil(table.time / self.keys.hours)),)
        if late := [r for r in rounds if not 1 <= r <= self.keys.rounds]:
            raise DesignError(f"{self.where}: {at} is in round {late[0]}, and there are {self.keys.rounds}")
        value = None
        if table.set:
            self._settable(table.set, at, variables)
            if table.value is None:
                raise DesignError(f"{self.where}: {at} edits {table.set!r}, and to what is not said; write value")
            of = next(variable for variable in self.keys.variable if variable.name == table.set)
            told = str(of.options.index(str(table.value))) if table.value in of.options else str(table.value)
            value = self._formula(told, f"{at}, value")
        names = [place.name for place in self.keys.place]
        if table.place and table.place not in names:
            raise DesignError(f"{self.where}: {at}: no place {table.place!r}{meant(table.place, names)}")
        if table.ends and table.ends not in [event.name for event in self.keys.event if event.policy]:
            raise DesignError(f"{self.where}: {at} ends {table.ends!r}, which is no policy of an [[event]]")
        return Happening(
            name=table.name or str(k + 1), kind=kinds[0], text=table.message or table.event or table.policy,
            rounds=rounds, when=self._optional(table.when, f"{at}, when"), to=self._optional(table.to, f"{at}, to"),
            place=names.index(table.place) if table.place else None, lasts=table.lasts, set=table.set, value=value,
            remove=self._optional(table.remove, f"{at}, remove"), add=table.add, ends=table.ends,
        )  # fmt: skip

    def _background(
        self, found: Gathering, agent: Mapping[str, Variable], world: Mapping[str, Variable]
    ) -> tuple[tuple[Norm, ...], tuple[Institution, ...]]:
        norms, institutions = list[Norm](), list[Institution]()
        for k, norm in enumerate(self.keys.background.norm):
            at = f"[[background.norm]] {k + 1}"
            with found.part():
                if norm.set:
                    self._settable(norm.set, at, list(agent))
                if bool(norm.set) != bool(norm.to) or (norm.set and not norm.broken):
                    raise DesignError(f"{self.where}: {at}: a sanction needs broken, set and to; write all, or none")
                norms.append(
                    Norm(
                        text=norm.text, set=norm.set, sanction=norm.sanction,
                        broken=self._optional(norm.broken, f"{at}, broken"), to=self._optional(norm.to, f"{at}, to"),
                    )
                )  # fmt: skip
        for body in self.keys.background.institution:
            at = f"[[background.institution]] {body.name!r}"
            with found.part():
                self._settable(body.vote, at, [name for name, variable in agent.items() if variable.options])
                options = agent[body.vote].options
                if body.option not in options:
                    raise DesignError(f"{self.where}: {at}: {body.option!r} is no option{meant(body.option, options)}")
                if body.set:
                    self._settable(body.set, at, list(world))
                institutions.append(
                    Institution(
                        name=body.name, vote=body.vote, option=options.index(body.option), rule=body.rule,
                        members=self._optional(body.members, f"{at}, members"), policy=body.policy, set=body.set,
                        to=self._optional(body.to, f"{at}, to"), at=tuple(body.at),
                    )
                )  # fmt: skip
        return tuple(norms), tuple(institutions)

    def _check_engines(self) -> None:
        name, population = self.keys.engine, self.population
        if not name:
            return
        known = population.columns if population else ()
        if population is None or name not in known:
            raise DesignError(
                f"{self.where}: [society] engine: the population has no column {name!r}{meant(name, known)}; name the "
                "one that says which engine answers for whom"
            )
        if lacking := len(population) - len(population.column(name)):
            raise DesignError(
                f"{self.where}: [society] engine: {lacking} people have nothing in {name!r}, so nobody would answer "
                "for them; fill it in, or leave them out with [population] only_where"
            )

    def _check_network(self, agent: Mapping[str, Variable]) -> None:
        table = self.keys.network
        if table is None:
            return
        needed = {"block": "by", "configuration": "degrees", "file": "file"}
        key = needed.get(table.kind)
        if key and not getattr(table, key):
            raise DesignError(f"{self.where}: [network] of kind {table.kind!r} needs {key}; add it")
        if table.kind == "spatial" and table.radius is None:
            raise DesignError(f"{self.where}: [network] of kind 'spatial' needs radius; add it")
        for name in [*filter(None, [table.by, table.degrees]), *table.position]:
            if name not in self.columns or (name not in agent and name in ("u", "round", "hour")):
                raise DesignError(
                    f"{self.where}: [network]: {name!r} is no column or variable{meant(name, self.columns)}"
                )
