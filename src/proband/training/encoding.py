"""From examples to token ids and the place from which they are taught."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from proband.errors import DataError, EngineError
from proband.models.local.templates import Template
from proband.training.recipe import Recipe
from proband.training.training_set import Example, TrainingSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """One example as the model meets it.

    Attributes
    ----------
    ids : tuple of int
        Prompt, response and end of turn.
    start : int
        Index of the first taught token; all from there on are taught. It is where scoring starts, too.
    weight : float
        Of each taught token's loss.
    others : tuple of Taught
        The same prompt with the example's alternatives.
    is_soft : bool
        Whether those are taught too, each by its share.
    """

    id: str
    ids: tuple[int, ...]
    start: int
    weight: float = 1.0
    others: tuple["Taught", ...] = ()
    is_soft: bool = False

    @property
    def n_taught(self) -> int:
        """Tokens that the loss is on."""
        return len(self.ids) - self.start

    @property
    def family(self) -> tuple["Taught", ...]:
        """The response and its alternatives."""
        return (self, *self.others)


@dataclass(frozen=True, kw_only=True)
class EncodedSet:
    """A training set as token ids; being too long, those that are `cut` lost their end, and `left_out` ones all."""

    examples: tuple[Taught, ...]
    cut: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def encode_set(
    training_set: TrainingSet,
    template: Template,
    *,
    max_tokens: int,
    too_long: Literal["refuse", "cut", "leave_out"] = "refuse",
) -> EncodedSet:
    """Token ids of every example, taught from the first token of its response.

    Prompt and response are rendered and tokenised as scoring does it (`Template.encode`), so what is taught begins at
    the token at which a continuation is scored.

    Parameters
    ----------
    max_tokens : int
        Of prompt and response together.
    too_long : {"refuse", "cut", "leave_out"}
        What becomes of longer examples.

    Raises
    ------
    DataError
        If an example cannot be rendered, has nothing to teach (all its tokens are the prompt's, or are cut off), is too
        long, or if all weigh 0 or are left out.
    """
    taught: list[Taught] = []
    cut: list[str] = []
    left_out: list[str] = []
    for example in training_set:
        one = encode_example(example, template)
        if max(len(member.ids) for member in one.family) > max_tokens:
            if too_long == "leave_out":
                left_out.append(one.id)
                continue
            cut.append(one.id)
            others = tuple(replace(other, ids=other.ids[:max_tokens]) for other in one.others)
            one = replace(one, ids=one.ids[:max_tokens], others=others)
        if min(member.n_taught for member in one.family) < 1:
            raise DataError(
                f"example {one.id!r} of {training_set.name!r} teaches nothing: its prompt alone has {one.start} tokens "
                f"and max_tokens is {max_tokens}; raise max_tokens, shorten the prompt or leave the example out"
            )
        taught.append(one)
    if cut and too_long == "refuse":
        raise DataError(
            f"{len(cut)} of {len(training_set)} examples of {training_set.name!r} have more than {max_tokens} tokens "
            f"({_listed(cut)}); raise max_tokens, or set too_long to cut or leave_out"
        )
    if not any(one.weight > 0 for one in taught):
        raise DataError(
            f"training set {training_set.name!r} teaches nothing: of {len(training_set)} examples {len(left_out)} are "
            f"too long and the others weigh 0; raise max_tokens or give weights above 0"
        )
    return EncodedSet(examples=tuple(taught), cut=tuple(cut), left_out=tuple(left_out))


def encode_example(example: Example, template: Template) -> Taught:
    """Token ids of one example; `DataError` if it cannot be rendered, or none of its tokens would be taught."""
    texts = (example.response, *example.alternatives)
    try:
        encoded = [template.encode(replace(example.request, continuations=(text,))) for text in texts]
    except EngineError as error:
        raise DataError(f"example {example.id!r} cannot be taught: {error}; change it or leave it out") from error
    shares = example.shares or (1.0,) * len(texts)
    first, *others = (
        Taught(
            id=example.id if number == 0 else f"{example.id}~{number}",
            ids=one.sequences[0],
            start=one.start,
            weight=example.weight * share,
        )
        for number, (one, share) in enumerate(zip(encoded, shares, strict=True))
    )
    return replace(first, others=tuple(others), is_soft=bool(example.shares))


def _listed(ids: Iterable[str]) -> str:
    listed = list(ids)
    return ", ".join(map(repr, listed[:3])) + (", ..." if len(listed) > 3 else "")


def check_objective(name: str, examples: Iterable[Taught], recipe: Recipe) -> None:
    """Refuse a set whose examples lack what the recipe's objective compares; `DataError` names the first."""
    needs = recipe.objective not in ("likelihood", "kl")
    for one in examples:
        if needs and not one.others:
            raise DataError(
                f"example {one.id!r} of {name!r} has no alternative and the objective {recipe.objective!r} compares; "
                "build the set with alternatives, without general instructions, or take the objective 'likelihood'"
            )
        if one.is_soft and recipe.objective != "likelihood":
            raise DataError(
                f"example {one.id!r} of {name!r} has soft labels, which go with the objective 'likelihood', not "
                f"{recipe.objective!r}"
            )
