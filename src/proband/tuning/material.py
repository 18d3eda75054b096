"""What a study of knowledge interventions is made from: base, banks, tests, prompts, arms and recipes."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from proband.designs.quiz import material
from proband.designs.quiz.material import bank_from, limited
from proband.designs.quiz.prompts import PROMPTS, Prompt
from proband.errors import DataError, DesignError
from proband.instruments.banks.bank import Bank, Split
from proband.instruments.banks.checking import require, without_duplicates, without_leaks
from proband.training.looks import check_steps
from proband.training.recipe import RECIPES, Recipe, named_recipe
from proband.tuning.analysis.evaluation import TestSet
from proband.tuning.interventions.arms import BANK_OR_OTHER, Arm, arm_from, with_controls
from proband.tuning.interventions.building import construction_from
from proband.tuning.interventions.general import load_general
from proband.tuning.looking import Looking
from proband.tuning.probing.beliefs import Beliefs
from proband.tuning.study_file import AlignFile, BankTable, BaseTable, BenchmarkTable, SupervisorTable
from proband.tuning.supervisors.settings import check_supervision, supervised_arms
from proband.tuning.toy.contexts import CONTEXTS, in_context
from proband.tuning.toy.corpus import EVALUATION, PROBE
from proband.tuning.toy.world import World, make_world, planted_size

TOY, PLANTED = "toy", "planted"
_NAMED = {**PROMPTS, PROBE.name: PROBE, EVALUATION.name: EVALUATION}


@dataclass(frozen=True, kw_only=True)
class Material:
    """Everything that a study file in a folder describes, read and checked; nothing is asked or trained."""

    file: AlignFile
    folder: Path = Path()

    @cached_property
    def world(self) -> World | None:
        """The generated world, where a base is the toy model, or the embedded one with the world's facts planted."""
        bases, table = {one.base for one in self.file.every_base}, self.file.world
        if {TOY, PLANTED} <= bases:
            raise DesignError(f"{self.file.title}: {TOY} and {PLANTED} have worlds of their own; study each by itself")
        if not {TOY, PLANTED} & bases:
            return None
        size = planted_size(table.times) if PLANTED in bases else None
        return make_world(table.seed, is_null=table.is_null, size=size)

    @cached_property
    def bank(self) -> Bank:
        """The questions to train on and to test at home, without duplicates."""
        if self.world is not None:
            found = _only(self.world.bank, self._table)
        elif self.file.bank is None:
            raise DesignError(f'{self.file.title}: bank is missing; add it, e.g. [bank] source = "facts"')
        elif self.file.bank.parts == "published":
            return self._published(self.file.bank, "train")
        else:
            found = _only(bank_from(self.file.bank, self.folder), self.file.bank)
        require(found)
        return without_duplicates(found)

    def _published(self, table: BankTable | BenchmarkTable, part: str) -> Bank:
        """The questions of a source's own files of a part, as they stand there."""
        return _only(bank_from(table, self.folder, splits=(part,)), table)

    @cached_property
    def _table(self) -> BankTable:
        return self.file.bank or BankTable(source=TOY)

    @cached_property
    def benchmark(self) -> Bank | None:
        """Questions of another source; None where the study has none."""
        if self.world is not None:
            return self.world.benchmark
        if self.file.benchmark is None:
            return None
        if self.file.benchmark.parts == "published":
            return self._published(self.file.benchmark, "test")
        found = bank_from(self.file.benchmark, self.folder, splits=tuple(self.file.benchmark.splits))
        require(found)
        return without_duplicates(found)

    @cached_property
    def split(self) -> Split:
        """The bank in three parts; what the tests hold, or resemble, is not trained on."""
        table, seed = self._table, self.file.seed
        if table.parts == "published":
            parts = Split(train=self.bank, exemplars=self._published(table, "dev"), test=self._published(table, "test"))
            for part, held in (("dev", parts.exemplars), ("test", parts.test)):
                _refuse_lacking(parts.train, held, part)
        else:
            parts = self.bank.split(test=table.test, exemplars=0 if self.world else table.exemplars, seed=seed)
        exemplars = parts.exemplars if self.world is None else self.world.exemplars
        if self._benchmark_parts is not None and self.world is None:
            exemplars = replace(
                exemplars,
                name="exemplars",
                questions=(*exemplars.questions, *self._benchmark_parts.exemplars.questions),
            )
        train = parts.train
        if table.parts == "published":
            return Split(train=limited(train, table.limit, seed), exemplars=exemplars, test=parts.test)
        away = self._benchmark_parts
        for held_out in (parts.test, *([away.train, away.exemplars] if away else [])):
            train = without_leaks(train, held_out, similarity=table.similarity)
        if not len(train):
            raise DataError(
                f"bank {self.bank.name!r}: all {len(parts.train)} questions to train on stand in the tests or resemble "
                "one; take other tests, e.g. other topics in [benchmark], or a higher bank.similarity"
            )
        return Split(train=limited(train, table.limit, seed), exemplars=exemplars, test=parts.test)

    @cached_property
    def _benchmark_parts(self) -> Split | None:
        if self.benchmark is None:
            return None
        table = self.file.benchmark or BenchmarkTable(source=TOY, exemplars=0)
        if table.parts == "published":
            dev = self._published(table, "dev")
            return Split(train=self.benchmark, exemplars=dev, test=replace(self.benchmark, questions=()))
        return self.benchmark.split(test=0, exemplars=table.exemplars, seed=self.file.seed)

    @cached_property
    def tests(self) -> tuple[Bank, tuple[TestSet, ...]]:
        """All test questions, and which of them test models of each domain at home, in the domain and out of it."""
        home = self.split.test
        away = self._benchmark_parts.train if self._benchmark_parts else None
        if away is not None:
            away = limited(away, self.file.benchmark.limit if self.file.benchmark else None, self.file.seed)
        bank = Bank(
            name=f"tests of {self.bank.name}",
            questions=(*home.questions, *(away.questions if away else ())),
            source=" | ".join(dict.fromkeys(filter(None, (home.source, away.source if away else "")))),
        )
        sets: list[TestSet] = []
        for domain in self.domains:
            parts: dict[str, list[str]] = defaultdict(list)
            parts["homogeneous"] = [q.id for q in home if q.domain == domain]
            for question in away or ():
                parts["in-domain" if question.domain == domain else "out-of-domain"].append(question.id)
            sets += [
                TestSet(test=test, domain=domain, questions=tuple(ids))  # type: ignore[arg-type]
                for test, ids in parts.items()
                if ids
            ]
        return bank, tuple(sets)

    @cached_property
    def behind_contexts(self) -> Bank | None:
        """The test questions from home behind each kind of context; None where the base is not planted."""
        if self.world is None or PLANTED not in {one.base for one in self.file.every_base}:
            return None
        banks = [in_context(self.world, self.split.test, context, self.asks[0]) for context in CONTEXTS]
        questions = tuple(question for bank in banks for question in bank)
        return replace(self.split.test, name=f"{self.split.test.name} in contexts", questions=questions)

    def looking(self, probe: Beliefs) -> Looking | None:
        """How training is looked at; None where it is not."""
        table, (tests, sets) = self.file.evaluation, self.tests
        if not table.steps:
            return None
        return Looking(
            steps=tuple(table.steps),
            most=table.step_questions,
            bank=self.split.train,
            probe=probe,
            prompt=self.training_prompt,
            tests=tests,
            sets=sets,
            ask=self.asks[0],
            seed=self.file.seed,
        )

    @property
    def domains(self) -> tuple[str, ...]:
        """Domains that are trained on."""
        return self.split.train.domains

    @cached_property
    def probe(self) -> Prompt:
        """How the base is probed."""
        given = dict(self.file.probe.model_extra or {})
        return prompt_from({"use": self.file.probe.use, "name": "probe", **given}, "probe")

    @property
    def asks_prior(self) -> bool:
        """Whether the probe scores options without the question too: said, or where their texts are scored."""
        wanted = self.file.probe.prior
        return self.probe.answer_by != "label" if wanted is None else wanted

    @cached_property
    def training_prompt(self) -> Prompt:
        """How training poses questions."""
        return prompt_from(self.file.sets.prompt, "sets.prompt")

    @cached_property
    def asks(self) -> tuple[Prompt, ...]:
        """How checkpoints are evaluated; the first is analysed first."""
        return tuple(prompt_from(given, "evaluation.asks") for given in self.file.evaluation.asks)

    @cached_property
    def base_ask(self) -> Prompt:
        """How the base alone is evaluated beside that."""
        return prompt_from(self.file.evaluation.base_ask, "evaluation.base_ask")

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """The arms, with their controls where these are wanted."""
        table = self.file.sets
        if self.file.supervisor is not None:
            return supervised_arms(self.file.supervisor)
        found = [arm_from(given, explanation=table.explanation, context=table.context) for given in table.arms]
        if self.file.objectives:
            return tuple(replace(found[0], name=name) for name in self.file.objectives)
        return with_controls(found) if table.controls else tuple(found)

    @property
    def supervisor(self) -> SupervisorTable:
        """Who labels the questions."""
        if self.file.supervisor is None:
            raise DesignError(f"{self.file.title}: [supervisor] is missing; say who labels the questions")
        return self.file.supervisor

    @cached_property
    def construction(self) -> Mapping[str, Any]:
        """How sets are built: what `build_sets` takes beside bank, beliefs and arms."""
        table = self.file.sets
        settings: dict[str, Any] = {"threshold": self.file.probe.threshold, **(table.model_extra or {})}
        if table.general is not None:
            settings["general"] = load_general(self.folder / table.general)
        if self.file.objectives or self.file.training.rest.get("objective", "likelihood") != "likelihood":
            settings["alternatives"] = True
        return {"construction": table.construction, "prompt": self.training_prompt, **settings}

    def recipe(self, seed: int, base: BaseTable | None = None) -> Recipe:
        """The recipe of a run, with what is another for a base."""
        table = self.file.training
        given = {"use": table.use, **table.rest, **(base.training if base is not None else {}), "seed": seed}
        if self.file.keep == "adapters":
            given["keep"] = "adapter"
            if not given.get("adapter") and getattr(RECIPES.get(given["use"]), "adapter", None) is None:
                raise DesignError(
                    f"{self.file.title}: keep is 'adapters', and training changes all weights; train adapters "
                    "(training.adapter = { rank = 16 }), or keep 'scores' or 'weights'"
                )
        return named_recipe(given.pop("use"), **given)

    def check(self) -> None:
        """Refuse what could only fail later: prompts, arms, recipes, tests, exemplars."""
        prompts = (self.probe, self.base_ask, *self.asks)
        names = [prompt.name for prompt in (self.base_ask, *self.asks)]
        if len(set(names)) < len(names):
            raise DesignError(f"{self.file.title}: two prompts of the evaluation are named {names}; name each its own")
        if not self.file.training.seeds or len(set(self.file.training.seeds)) < len(self.file.training.seeds):
            raise DesignError(f"{self.file.title}: training.seeds are {self.file.training.seeds}; give each once")
        if self.file.keep == "scores" and (self.file.supervisor is not None or self.file.objectives):
            raise DesignError(
                f"{self.file.title}: keep is 'scores', and this study asks its checkpoints again at the end; keep "
                "'weights', or 'adapters'"
            )
        check_supervision(self.file)
        for base in self.file.every_base:
            for changes in self.file.objectives.values() or ({},):
                own = base.model_copy(update={"training": {**base.training, **changes}})
                recipe = self.recipe(self.file.training.seeds[0], own)
                if self.file.evaluation.steps:
                    check_steps(self.file.evaluation.steps, recipe.steps)
        if self.file.evaluation.steps and self.asks[0].shots:
            raise DesignError(
                f"{self.file.title}: evaluation.steps asks questions alone, and {self.asks[0].name!r} has worked ones; "
                "put a zero-shot prompt first in evaluation.asks"
            )
        if self.file.objectives and self.arms[0].target not in ("gold", "own", "mixed"):
            raise DesignError(
                f"{self.file.title}: objectives are compared by how much of the key or own answers is learned, and arm "
                f"{self.file.sets.arms[0]!r} teaches others; take e.g. incompatible"
            )
        self._check_sets()
        bank, _ = self.tests
        for prompt in prompts:
            if prompt.shots and not len(self.split.exemplars):
                raise DesignError(f"prompt {prompt.name!r} has shots and the study no exemplars; set bank.exemplars")
        if not len(bank):
            raise DataError(f"{self.file.title}: no test questions; set bank.test above 0")

    def _check_sets(self) -> None:
        """Refuse settings and arms of which no set could be built."""
        table, where = self.file.sets, f"{self.file.title}: sets"
        settings = {name: value for name, value in self.construction.items() if name not in ("construction", "prompt")}
        construction_from(table.construction, settings)
        if settings.get("gain") is not None and not self.asks_prior:
            raise DesignError(f"{where}.gain is over a prior, and none is asked; set probe.prior = true")
        if settings.get("by_domain") is False:
            raise DesignError(f"{where}.by_domain: a study trains by domain, and tests at home and away; leave it out")
        if self.training_prompt.shots:
            raise DesignError(f"{where}.prompt has worked questions; training poses a question alone: take zero-shot")
        n_explained = {
            domain: sum(bool(question.explanation.strip()) for question in self.split.train.of(domain))
            for domain in self.domains
        }
        for arm in self.arms:
            sources = {arm.context, arm.explanation_of(True), arm.explanation_of(False)}
            lacking = [domain for domain, n in n_explained.items() if n < len(self.split.train.of(domain))]
            if "other" in sources and table.writer is None:
                raise DesignError(f"{where}: arm {arm.name!r} needs texts by another engine; name it in sets.writer")
            if BANK_OR_OTHER in sources and lacking and table.writer is None:
                raise DesignError(
                    f"{where}: arm {arm.name!r} needs explanations, and {lacking[0]!r} of {self.bank.name!r} has "
                    f"{n_explained[lacking[0]]:,} for {len(self.split.train.of(lacking[0])):,} questions; name the "
                    "engine that writes the others in sets.writer"
                )
            empty = [domain for domain, n in n_explained.items() if not n]
            if sources & {"bank", "rewrite"} and empty:
                raise DesignError(
                    f"{where}: arm {arm.name!r} needs the bank's explanations, and domain {empty[0]!r} of "
                    f"{self.bank.name!r} has none; take those of the model itself (own), of another engine (other), or "
                    "the bank's where there are some and another engine's else (bank_or_other, matched_or_other)"
                )


def _only(bank: Bank, table: BankTable | BenchmarkTable) -> Bank:
    """The questions of the domains that are wanted."""
    return bank.of(*table.only) if isinstance(table, BankTable) and table.only else bank


def _refuse_lacking(train: Bank, held: Bank, part: str) -> None:
    """Refuse published files of which a domain has none of a part."""
    lacking = [domain for domain in train.domains if domain not in held.domains]
    if lacking:
        raise DataError(
            f"bank {train.name!r}: domain {lacking[0]!r} has no {part} questions, and bank.parts is 'published'; put "
            f'its {part} file beside its train file, or have parts drawn (parts = "drawn")'
        )


def prompt_from(given: str | Mapping[str, Any], where: str) -> Prompt:
    """A prompt by name, those of the toy model among them; see `proband.designs.quiz.material.prompt_from`."""
    return material.prompt_from(given, where, named=_NAMED)
