"""Own labels, round after round: a model is probed, trained on its own answers, and probed again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from proband.designs.quiz.quiz import Quiz
from proband.errors import DataError
from proband.runs.stages import digest
from proband.training.checkpoint import Checkpoint
from proband.training.training import Job, train
from proband.training.training_set import TrainingSet
from proband.tuning.alignment import AlignedBase, Course
from proband.tuning.analysis.findings import Findings
from proband.tuning.analysis.supervision import Supervision, changed, mean_entropy, round_of
from proband.tuning.probing.beliefs import Beliefs, beliefs_from
from proband.tuning.study_file import SupervisorTable
from proband.tuning.supervisors.labelling import Labeller, part_of


@dataclass(kw_only=True)
class Way:
    """One way of labelling: its models by domain and seed, round after round."""

    labels: str
    addresses: dict[tuple[str, int], str]
    beliefs: list[Mapping[str, list[Beliefs]]]
    """By round, the base's first: domain -> of every seed."""
    sets: list[dict[tuple[str, int], TrainingSet]] = field(default_factory=list)
    stopped: str = ""

    def taught(self, number: int) -> tuple[int, float] | None:
        """Questions that a round taught, over all runs, and the share of right labels."""
        if not number:
            return None
        told = [one.provenance["labels"] for one in self.sets[number - 1].values()]
        n = sum(one["questions"] for one in told)
        return n, sum(one["questions"] * one["right"] for one in told) / n


@dataclass(kw_only=True)
class OwnLabels(Course):
    """The stages of a study whose labels are the model's own.

    Each of `supervisor.use` is a way of its own, each domain and seed a chain of models:

    - ``confident``: its answers above the threshold, as if they were the key (self-training).
    - ``ranking``: what it finds most probable over what it finds least probable (after self-rewarding).
    - ``self-play``: the key over its own answer, where that is another one; what it is set against is itself a round
      before.

    Every round trains the model of the round before. Models go by ``WAY-ROUND``.

    References
    ----------
    Yuan et al. (2024), Self-Rewarding Language Models. arXiv:2401.10020
    Chen et al. (2024), Self-Play Fine-Tuning Converts Weak Language Models to Strong Language Models. arXiv:2401.01335
    """

    ways: list[Way] = field(default_factory=list, init=False)

    def carry_out(self, base: str) -> AlignedBase:
        """All rounds, those that are finished from their folders."""
        probe = self.probe(base)
        places = [(domain, seed) for domain in self.material.domains for seed in self.file.training.seeds]
        first = {
            domain: [part_of(probe, self.material.split.train, self.material.split.train.of(domain))]
            * len(self.file.training.seeds)
            for domain in self.material.domains
        }
        self.ways = [
            Way(labels=how, addresses=dict.fromkeys(places, base), beliefs=[first])
            for how in self.material.supervisor.use
        ]
        checkpoints: dict[str, Checkpoint] = {}
        for number in range(1, self.material.supervisor.rounds + 1):
            live = [way for way in self.ways if not way.stopped]
            going = [way for way in live if self._labelled(way, number, probe)]
            for way in going:
                checkpoints |= self._models(way)
            self._probed(going, number)
            for way in going:
                way.stopped = ended(way, self.material.supervisor)
            for way in live:
                if way.stopped:
                    self.stages.listener.say(f"{way.labels}: {way.stopped}")
        sets = {one.name: one for way in self.ways for made in way.sets for one in made.values()}
        evaluation = self.evaluate(base, checkpoints)
        return AlignedBase(address=base, probe=probe, sets=sets, checkpoints=checkpoints, evaluation=evaluation)

    def _labelled(self, way: Way, number: int, probe: Beliefs) -> bool:
        """Add a round's sets; False, with the reason, where a later round has nothing to label."""
        table, bank = self.material.supervisor, self.material.split.train
        made: dict[tuple[str, int], TrainingSet] = {}
        for domain, runs in way.beliefs[-1].items():
            part = bank.of(domain)
            for seed, beliefs in zip(self.file.training.seeds, runs, strict=True):
                labeller = Labeller(
                    bank=part,
                    beliefs=beliefs,
                    own=beliefs,
                    prompt=self.material.training_prompt,
                    threshold=self.file.probe.threshold if table.threshold is None else table.threshold,
                    size=table.size,
                    seed=self.file.seed,
                )
                try:
                    one = labeller.training_set(way.labels, domain, arm=f"{way.labels}-{number}")
                except DataError as nothing:
                    if number == 1:
                        raise
                    way.stopped = f"stopped before round {number}: {nothing}"
                    return False
                made[domain, seed] = replace(one, name=f"{one.name}-s{seed}")
        self.saved({one.name: one for one in made.values()})
        way.sets.append(made)
        return True

    def _models(self, way: Way) -> dict[str, Checkpoint]:
        """Train every chain's model on its own set."""
        found: dict[str, Checkpoint] = {}
        changes = {} if way.labels == "confident" else {"objective": "preference"}
        table = self.table.model_copy(update={"training": {**changes, **self.table.training}})
        with self.stages.listener.training() as told:
            for k, ((domain, seed), one) in enumerate(way.sets[-1].items(), start=1):
                recipe, base = self.material.recipe(seed, table), way.addresses[domain, seed]
                key = digest({"set": one.hash, "recipe": recipe.as_dict(), "base": base})
                job = Job(training_set=one, recipe=recipe, into=self.stages.into / "checkpoints" / f"{one.name}-{key}")
                watch = None if told is None else lambda step, k=k, n=one.name: told(k, len(way.sets[-1]), n, step)
                found[one.name] = train(one, base, recipe, job.into, watch=watch)
                way.addresses[domain, seed] = found[one.name].address
        return found

    def _probed(self, going: Sequence[Way], number: int) -> None:
        """Probe the models of a round, domain by domain."""
        seeds = self.file.training.seeds
        by_domain: dict[str, dict[str, list[Beliefs]]] = {}
        for domain in self.material.domains if going else ():
            engines = {f"{way.labels}-{number}-s{seed}": way.addresses[domain, seed] for way in going for seed in seeds}
            quiz = Quiz(
                bank=self.material.split.train.of(domain),
                exemplars=self.material.split.exemplars,
                prompts=(self.material.probe,),
                models=tuple(engines),
                seed=self.file.seed,
                title=f"{self.file.title}: {domain} after round {number}",
            )
            run = self.stages.collected(f"round-{number}-{domain}", quiz, engines)
            by_domain[domain] = {
                way.labels: [beliefs_from(run, quiz, model=f"{way.labels}-{number}-s{seed}") for seed in seeds]
                for way in going
            }
        for way in going:
            way.beliefs.append({domain: found[way.labels] for domain, found in by_domain.items()})

    def concluded(self, findings: Findings, done: AlignedBase) -> Findings:
        """With the table of rounds."""
        bank = self.material.split.train
        rounds = [
            round_of(
                way.labels,
                number,
                bank,
                held,
                before=way.beliefs[number - 1] if number else None,
                taught=way.taught(number),
                evaluation=done.evaluation,
            )
            for way in self.ways
            for number, held in enumerate(way.beliefs)
        ]
        notes = tuple(f"{way.labels}: {way.stopped}" for way in self.ways if way.stopped)
        return replace(findings, supervision=Supervision(rounds=tuple(rounds), notes=notes))


def ended(way: Way, table: SupervisorTable) -> str:
    """Why a way ends after its last round; empty where it goes on. No key is looked at."""
    number = len(way.beliefs) - 1
    moved = changed(way.beliefs[-1], way.beliefs[-2])
    if moved < table.least_change:
        return f"stopped after round {number}, which changed {moved:.1%} of its answers"
    now, first = (mean_entropy(way.beliefs[k]) for k in (-1, 0))
    if now < table.least_entropy * first:
        return (
            f"stopped after round {number}, as its entropy fell to {now:.2f} nats from {first:.2f}: it grew sure on no "
            "other evidence than itself"
        )
    return ""
