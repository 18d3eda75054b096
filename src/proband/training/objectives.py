"""Objectives beside the likelihood of what is taught: they compare a response with its alternatives, and with the base.

Each looks at log-probabilities of whole responses, of the model in training and, once before the first step, of the
model that training starts from. With k options these are k numbers an example, so nothing is sampled.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch

from proband.training.batching import Ints, Part, packed, padded
from proband.training.encoding import Taught
from proband.training.recipe import Recipe
from proband.training.trainer import PartsTrainer, Work, attending


def response_loss(recipe: Recipe, after: Any, before: Any, n_taught: int) -> Any:
    """Loss of one example.

    - "kl": the likelihood's loss and, for each taught token, `beta` times KL(base || model) over the responses. With
      beta 0 it is the likelihood's.
    - "preference": direct preference optimisation, the response over the first alternative:
      ``-log sigmoid(beta (log p/p_base of the response - the same of the alternative))``. "reverse-preference" has
      it the other way round.
    - "expected-reward": with a reward of 1 for the response and 0 for alternatives, ``1 - P(response)`` plus `beta`
      times KL(model || base), both over the responses: the loss whose gradient policy-gradient methods estimate from
      samples, here exactly.

    Parameters
    ----------
    after, before : tensor, shape (k,)
        Log-probabilities of the response and, behind it, its alternatives; of the model and of the base.
    n_taught : int
        Tokens of the response.

    References
    ----------
    Rafailov et al. (2023), Direct Preference Optimization. arXiv:2305.18290
    Williams (1992), Mach. Learn. 8, 229-256. doi:10.1007/BF00992696
    """
    shares, base = after.log_softmax(0), before.log_softmax(0)
    if recipe.objective == "kl":
        return n_taught * recipe.beta * (base.exp() * (base - shares)).sum() - after[0]
    if recipe.objective == "expected-reward":
        return 1 - shares[0].exp() + recipe.beta * (shares.exp() * (shares - base)).sum()
    beta = recipe.beta if recipe.objective == "preference" else -recipe.beta
    ratios = after - before
    return -torch.nn.functional.logsigmoid(beta * (ratios[0] - ratios[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPart(Part):
    """A part that holds examples whole: which sequence each taught token is of, and which sequences make an example."""

    owners: Ints
    families: tuple[tuple[Taught, list[int]], ...]


class ObjectiveTrainer(PartsTrainer):
    """Trains on a loss of whole responses against their alternatives and the base."""

    def __init__(self, model: Any, tokenizer: Any, recipe: Recipe, work: Work) -> None:
        super().__init__(model, tokenizer, recipe, work)
        self.before: dict[tuple[str, tuple[int, ...]], Any] = {}
        # States to resume from are loaded later: these are the base's weights, and a fresh adapter changes nothing.
        self.model.eval()
        with torch.no_grad(), attending(self._plain, self.padding):
            for part in self.parts(self.chosen((*work.taught, *work.held_out))):
                with self._running(part) as called:
                    found = self._sequences(self.model, part, called)
                self.before |= {(one.id, one.ids): found[places] for one, places in part.families}

    def chosen(self, examples: Any) -> list[Taught]:
        """Examples with what they are compared with."""
        return [replace(one, others=self.unit(one)[1:]) for one in examples]

    def unit(self, one: Taught) -> tuple[Taught, ...]:
        """The response and its alternatives; a preference looks at the first of them."""
        return one.family[:2] if self.recipe.objective.endswith("preference") else one.family

    def mass(self, examples: Sequence[Taught]) -> float:
        """Taught tokens, as the likelihood has them, or examples."""
        return sum(one.weight * (one.n_taught if self.recipe.objective == "kl" else 1) for one in examples)

    def parts(self, examples: Sequence[Taught]) -> Iterator[FamilyPart]:
        """Cut examples into passes that hold the alternatives of each."""
        chunk: list[Taught] = []
        used = 0
        for one in sorted(examples, key=lambda one: (one.ids, one.id)):
            n = sum(len(member.ids) for member in one.family)
            if self.padding == "packed":
                n = len(one.ids) + sum(other.n_taught for other in one.others)
            if chunk and (used + n > self.most_tokens or len(chunk) == self.recipe.micro_batch):
                yield self._part(chunk)
                chunk, used = [], 0
            chunk.append(one)
            used += n
        if chunk:
            yield self._part(chunk)

    def _part(self, examples: Sequence[Taught]) -> FamilyPart:
        members = sorted((m for one in examples for m in one.family), key=lambda one: (one.ids, one.id))
        place = {one.id: number for number, one in enumerate(members)}
        longest = max(len(one.ids) for one in self.work.taught) if self.padding == "longest" else 0
        part = packed(members) if self.padding == "packed" else padded(members, longest)
        return FamilyPart(
            **{field.name: getattr(part, field.name) for field in fields(Part)},
            owners=np.repeat(np.arange(len(members)), [one.n_taught for one in members]),
            families=tuple((one, [place[member.id] for member in one.family]) for one in examples),
        )

    def _sequences(self, model: Any, part: FamilyPart, called: dict[str, Any]) -> Any:
        """Log-probability of every response of a part."""
        nats = self.token_nats(model, part, called)
        n = max(place for _, places in part.families for place in places) + 1
        owners = torch.from_numpy(part.owners).to(nats.device)
        return torch.zeros(n, dtype=nats.dtype, device=nats.device).index_add(0, owners, -nats)

    def _nats(self, model: Any, part: Part, called: dict[str, Any]) -> Any:
        """Weighted sum of the losses of a part's examples."""
        assert isinstance(part, FamilyPart)
        found = self._sequences(model, part, called)
        losses = [
            one.weight * response_loss(self.recipe, found[places], self.before[one.id, one.ids], one.n_taught)
            for one, places in part.families
        ]
        return torch.stack(losses).sum()
