"""Building training sets: the same questions, in the same numbers, taught in different ways."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from proband.designs.quiz.prompts import Prompt
from proband.errors import DesignError, strange_choice
from proband.instruments.banks.bank import Bank
from proband.seeds import place_digest, uniform_for
from proband.training.training_set import Example, TrainingSet
from proband.tuning.interventions.arms import Arm, true_counterpart
from proband.tuning.interventions.balancing import Covariate, Matched, arranged, match, strata
from proband.tuning.interventions.composing import Lesson, Workshop
from proband.tuning.interventions.general import General, draw_general, n_general
from proband.tuning.interventions.pools import Pools, Rule, check_probe, no_question, sort_questions
from proband.tuning.interventions.provenance import Account
from proband.tuning.interventions.texts import Texts
from proband.tuning.probing.beliefs import Beliefs


@dataclass(frozen=True, kw_only=True)
class Construction:
    """How sets are built from a bank and a probe.

    Attributes
    ----------
    threshold, rule, gain, among
        As for `sort_questions`.
    size : int or None
        Questions of each domain in every set; None for as many as there are.
    size_from : {"smaller", "unknown"}
        How many that is: what both pools can give; or all unknown questions, as published, and where fewer are known
        as many as these, which the set's warnings tell.
    balance : tuple of {"letter", "confidence", "topic", "length"}
        What known and unknown questions are matched on. Letters are made even by the order of the options, which
        costs no question; with `orders` as written they are matched like the rest.
    orders : {"arranged", "as_written"}
        Whether options may be shown in another order than the bank's.
    domains : tuple of str
        Empty for all.
    by_domain : bool
        One set for each arm and domain, or one for each arm.
    general_share : float
        Their share of a set, at least 0 and below 1.
    is_filtered : bool
        Whether texts that argue against what is taught are left out.
    alternatives : bool
        Whether examples name what they are set against: the other options, those that the model holds more probable
        first. For recipes whose objective compares.
    weights : str
        Hash of the weights that are to be trained, as in an engine's fingerprint; a probe of others is refused.
    """

    threshold: float = 0.5
    rule: Rule = "confidence"
    gain: float | None = None
    among: tuple[str, ...] | None = None
    size: int | None = None
    size_from: Literal["smaller", "unknown"] = "smaller"
    balance: tuple[Covariate, ...] = ("letter",)
    orders: Literal["arranged", "as_written"] = "arranged"
    domains: tuple[str, ...] = ()
    by_domain: bool = True
    general: General | None = None
    general_share: float = 0.5
    explanations: tuple[Texts, ...] = ()
    is_filtered: bool = True
    alternatives: bool = False
    weights: str = ""

    def __post_init__(self) -> None:
        for covariate in self.balance:
            if covariate not in get_args(Covariate):
                raise DesignError(f"balance {covariate!r} is none of {', '.join(get_args(Covariate))}")
        if strange := strange_choice(self):
            raise DesignError(strange)
        if self.size is not None and self.size < 1:
            raise DesignError(f"size is {self.size}; a set needs at least one question")
        if not 0 <= self.general_share < 1:
            raise DesignError(
                f"general_share {self.general_share} must be at least 0 and below 1, to leave room for what is taught"
            )


_SETTINGS = (
    "threshold",
    "rule",
    "gain",
    "size",
    "size_from",
    "orders",
    "by_domain",
    "is_filtered",
)  # told in provenance

CONSTRUCTIONS: Mapping[str, Construction] = {
    "standard": Construction(),
    "ren2024": Construction(size_from="unknown", balance=(), orders="as_written", is_filtered=False),
}
"""Constructions by name: with letters balanced and texts filtered; and as published, with neither."""


def build_sets(
    bank: Bank,
    beliefs: Beliefs,
    arms: Sequence[Arm],
    *,
    prompt: Prompt,
    seed: int,
    construction: str | Construction = "standard",
    **changes: Any,
) -> dict[str, TrainingSet]:
    """Build the training set of every arm.

    All arms of a domain have the same number of questions, draw them from the same matched lists, and show a question
    in the same words with its options in the same order: two arms of the same pool differ in what is taught and in
    nothing else. A question that one arm cannot use is left out of all. General examples are the same in all arms of a
    domain; only an arm that drops questions is smaller, and has fewer of them.

    Sets go by name: the arm's and the domain's, ``harmonious-history``, or the arm's alone where domains are pooled.

    Parameters
    ----------
    arms : sequence of Arm
        With different names; see `ARMS`, and `with_controls` for what compares with false labels.
    prompt : Prompt
        How training poses questions, without exemplars: the prompt of the later evaluation.
    construction : str or Construction
        "standard", "ren2024", or your own.
    **changes
        Fields of `Construction` to change, e.g. ``size=200``.

    Raises
    ------
    DesignError
        If settings contradict each other, texts that an arm needs were not given, or a domain is not there.
    DataError
        If the probe is of another bank or model, or a domain cannot give sets of equal size; the message says by how
        many.

    References
    ----------
    Ren et al. (2024), Learning or Self-aligning? Rethinking Instruction Fine-tuning. arXiv:2402.18243
    """
    place_digest(seed)  # refuses a seed that is no integer
    how = construction_from(construction, changes)
    _check_arms(arms, prompt)
    check_probe(bank, beliefs, weights=how.weights)
    is_arranged = how.orders == "arranged" and "letter" in how.balance and prompt.shows_options
    workshop = Workshop(
        bank=bank,
        beliefs=beliefs,
        prompt=prompt,
        texts=how.explanations,
        is_filtered=how.is_filtered,
        is_arranged=is_arranged,
        compares=how.alternatives,
    )
    pools = sort_questions(bank, beliefs, threshold=how.threshold, rule=how.rule, gain=how.gain, among=how.among)
    for arm in arms:
        workshop.check(arm)
    domains = _domains(bank, how)
    plots = {domain: _plot(workshop, pools.of(bank, domain), arms, how, (seed, domain)) for domain in domains}
    groups = {domain: [domain] for domain in domains} if how.by_domain else {"": list(domains)}
    sets: dict[str, TrainingSet] = {}
    for arm in arms:
        for label, members in groups.items():
            built = _Build(workshop, arm, [plots[domain] for domain in members], how, (seed, label))
            sets[built.name] = built.training_set(true_counterpart(arm, arms) if arm.teaches_false else "")
    return sets


def construction_from(given: str | Construction, changes: Mapping[str, Any]) -> Construction:
    """How sets are built: by name or as given, with some fields changed; see `build_sets`.

    Raises
    ------
    DesignError
        If there is no such construction or field, or a value is out of range.
    """
    if isinstance(given, str):
        if given not in CONSTRUCTIONS:
            raise DesignError(f"no construction {given!r}; there are {', '.join(CONSTRUCTIONS)}")
        given = CONSTRUCTIONS[given]
    unknown = [name for name in changes if name not in Construction.__dataclass_fields__]
    if unknown:
        raise DesignError(
            f"a construction has no {unknown[0]!r}; it has {', '.join(Construction.__dataclass_fields__)}"
        )
    held: Any = {name: tuple(one) if isinstance(one, list) else one for name, one in changes.items()}
    return replace(given, **{name: value for name, value in held.items() if value is not None})


def _check_arms(arms: Sequence[Arm], prompt: Prompt) -> None:
    repeated = [name for name, n in Counter(arm.name for arm in arms).items() if n > 1]
    if not arms or repeated:
        raise DesignError(f"two arms are named {repeated[0]!r}; rename one" if repeated else "no arm to build")
    if prompt.shots:
        raise DesignError(
            f"prompt {prompt.name!r} has {prompt.shots} exemplars; training poses a question alone: take one without, "
            "e.g. 'ren2024-evaluation' or 'zero-shot'"
        )


def _domains(bank: Bank, how: Construction) -> tuple[str, ...]:
    missing = [domain for domain in how.domains if domain not in bank.domains]
    if missing:
        raise DesignError(
            f"domain {missing[0]!r} is empty: bank {bank.name!r} has questions of {', '.join(bank.domains)}"
        )
    among = None if how.among is None else frozenset(how.among)
    present = dict.fromkeys(q.domain for q in bank if among is None or q.id in among)
    empty = [domain for domain in how.domains if domain not in present]
    if empty:
        raise DesignError(f"domain {empty[0]!r} is empty: none of the questions in `among` is of it")
    return how.domains or tuple(present)


@dataclass(frozen=True, kw_only=True)
class _Plot:
    """What a domain gives to all arms: what there was and what was taken.

    `orders` are those of the options of each question not shown as written; `unfit` counts questions that some arm
    could not use, by the reason.
    """

    domain: str
    pools: Pools
    chosen: Matched
    orders: Mapping[str, tuple[int, ...]]
    unfit: Mapping[str, int]
    n_unfit_unknown: int = 0

    @property
    def known_share(self) -> float:
        """Of the questions that are known or unknown."""
        known, unknown = len(self.pools.known), len(self.pools.unknown)
        return known / (known + unknown)

    def report(self) -> dict[str, Any]:
        """Plain values for the provenance."""
        return {
            "pools": dict(self.pools.counts()),
            "left_out": dict(self.pools.reasons),
            "unfit": dict(self.unfit),
            "matched_on": list(self.chosen.covariates),
            "strata": self.chosen.n_strata,
            "questions": len(self.chosen.known or self.chosen.unknown),
        }

    def warnings(self, how: Construction) -> list[str]:
        """That fewer are known than unknown, where all unknown ones are wanted."""
        n, n_unknown = len(self.chosen.known), len(self.pools.unknown) - self.n_unfit_unknown
        if how.size is not None or how.size_from != "unknown" or not n or n >= n_unknown:
            return []
        return [
            f"domain {self.domain!r}: {n} questions are known and {n_unknown} unknown; sets have the smaller pool's "
            f"size, {n} (as published it would be all unknown ones)"
        ]


def _plot(workshop: Workshop, pools: Pools, arms: Sequence[Arm], how: Construction, place: tuple[int, str]) -> _Plot:
    """Choose a domain's questions for all arms together."""
    domain = place[1]
    needed = [pool for pool in ("known", "unknown") if any(pool in arm.pools for arm in arms)]
    reasons: Counter[str] = Counter()
    fit: dict[str, list[str]] = {}
    for pool in needed:
        ids = pools.known if pool == "known" else pools.unknown
        found = {id: _unfit(workshop, arms, id, pool) for id in ids}
        fit[pool] = [id for id in ids if not found[id]]
        reasons.update(reason for reason in found.values() if reason)
        if not fit[pool]:
            why = f"; of {len(ids)} none can be used: " + "; ".join(reasons) if ids else ""
            raise no_question(domain, pool, pools, why)
    covariates: list[Covariate] = [
        one for one in how.balance if one != "letter" or (how.orders == "as_written" and workshop.prompt.shows_options)
    ]
    if len(needed) < 2:
        covariates = []  # one pool has nothing to be matched with
    size = how.size
    if size is None and how.size_from == "unknown" and "unknown" in fit:
        size = min(map(len, fit.values()))
    every = [id for ids in fit.values() for id in ids]
    stratum = strata(workshop.bank, workshop.beliefs, every, covariates)
    chosen = match(fit, stratum, size=size, place=place, covariates=covariates)
    orders: dict[str, tuple[int, ...]] = {}
    if workshop.is_arranged:
        for pool, ids in (("known", chosen.known), ("unknown", chosen.unknown)):
            questions = [workshop.bank[id] for id in ids]
            orders |= arranged(questions, workshop.beliefs, place=(place[0], f"{domain} {pool}"))
    return _Plot(
        domain=domain,
        pools=pools,
        chosen=chosen,
        orders=orders,
        unfit=dict(sorted(reasons.items())),
        n_unfit_unknown=len(pools.unknown) - len(fit.get("unknown", pools.unknown)),
    )


def _unfit(workshop: Workshop, arms: Sequence[Arm], id: str, pool: str) -> str:
    """The first reason why an arm cannot use a question, empty where all can."""
    reasons = (workshop.unfit(arm, id, pool) for arm in arms if pool in arm.pools)
    return next((reason for reason in reasons if reason), "")


class _Build:
    """One set: its lessons, their examples, and what is mixed in."""

    def __init__(
        self, workshop: Workshop, arm: Arm, plots: Sequence[_Plot], how: Construction, place: tuple[int, str]
    ) -> None:
        self.workshop, self.arm, self.plots, self.how = workshop, arm, plots, how
        self.seed, self.label = place
        self.name = f"{arm.name}-{self.label}" if self.label else arm.name
        self.orders: dict[str, tuple[int, ...]] = {}
        self.lessons: list[Lesson] = []
        for plot in plots:
            share = plot.known_share if arm.known_share is None else arm.known_share
            self.lessons += workshop.lessons(arm, plot.chosen, share)
            self.orders |= plot.orders

    def training_set(self, counterpart: str) -> TrainingSet:
        """The set with its provenance."""
        taught = self.workshop.examples(self.arm, self.lessons, self.orders)
        general: tuple[Example, ...] = ()
        if self.how.general is not None:
            n = n_general(len(taught), self.how.general_share)
            general = draw_general(self.how.general, n, self.workshop.prompt, seed=self.seed, domain=self.label)
        keys = self._keys(taught, general)
        examples = tuple(sorted((*taught, *general), key=lambda example: (keys[example.id], example.id)))
        return TrainingSet(name=self.name, examples=examples, provenance=self._provenance(taught, general, counterpart))

    def _keys(self, taught: Sequence[Example], general: Sequence[Example]) -> Mapping[str, float]:
        """Where each example stands; drawn by place, so that a question stands alike in all arms that shuffle."""
        keys = {example.id: uniform_for(self.seed, "order", self.label, example.id) for example in (*taught, *general)}
        if self.arm.ordering == "known_last":
            known = {id for plot in self.plots for id in plot.pools.known}
            keys |= {example.id: 1 + keys[example.id] for example in taught if example.id in known}
        elif self.arm.ordering == "confident_first":
            beliefs = self.workshop.beliefs
            ranked = sorted(taught, key=lambda example: (-beliefs[example.id].confidence, example.id))
            keys |= {example.id: rank / len(ranked) for rank, example in enumerate(ranked)}
        return keys

    def _provenance(self, taught: Sequence[Example], general: Sequence[Example], counterpart: str) -> dict[str, Any]:
        how, bank, beliefs = self.how, self.workshop.bank, self.workshop.beliefs
        account = Account(workshop=self.workshop, arm=self.arm, lessons=tuple(self.lessons), orders=self.orders)
        used = how.general if general else None
        return {
            "arm": asdict(self.arm),
            "domain": self.label,
            "domains": {plot.domain: plot.report() for plot in self.plots},
            "bank": {"name": bank.name, "hash": bank.hash, "source": bank.source, "licence": bank.licence},
            "probe": {"model": beliefs.model, "ask": beliefs.ask, "weights": beliefs.weights},
            "prompt": asdict(self.workshop.prompt) | {"labels": list(self.workshop.prompt.labels)},
            "seed": self.seed,
            "construction": {name: getattr(how, name) for name in _SETTINGS if name != "gain" or how.gain is not None}
            | {"balance": list(how.balance)},
            "general": {
                "name": used.name if used else "",
                "hash": used.hash if used else "",
                "examples": len(general),
                "share": round(len(general) / (len(general) + len(taught)), 6),
            },
            "order_matters": self.arm.ordering != "shuffled",
            "true_counterpart": counterpart,
            **account.entries(taught),
            "warnings": [*account.warnings(counterpart), *(w for plot in self.plots for w in plot.warnings(how))],
        }
