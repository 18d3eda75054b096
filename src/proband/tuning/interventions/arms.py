"""Arms: which questions a training set holds, and what it teaches about them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from proband.errors import DesignError, strange_choice
from proband.files import beside

Questions = Literal["known", "unknown", "both"]
TargetOf = Literal["gold", "own", "false", "refusal", "mixed", "dropped"]
Context = Literal["none", "bank", "own", "other", "bank_or_other"]
Explained = Literal["none", "bank", "own", "other", "rewrite", "matched", "bank_or_other", "matched_or_other"]
BANK_OR_OTHER = "bank_or_other"
Weighting = Literal["equal", "conflict"]
Ordering = Literal["shuffled", "known_last", "confident_first"]
REN2024_RATIOS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Shares of the model's own answers in Experiment III of Ren et al. (2024)."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """What a training set teaches.

    - `questions` ({"known", "unknown", "both"}): the pools it draws from.
    - `target` ({"gold", "own", "false", "refusal", "mixed", "dropped"}): what is taught about unknown questions: the
      key; the model's own (wrong) answer; the wrong answer that the model believes least; a refusal; its own answer
      for a share `ratio` of them and the key for the rest; or nothing, as they are taken out. Known questions are
      taught with the key, save where an arm of known questions has the target "false"..
    - `ratio`: share of own answers in a mixed arm, from 0 to 1.
    - `known_share`: share of known questions in an arm of both; None for their share in the domain.
    - `context` ({"none", "bank", "own", "other", "bank_or_other"}): what stands before the query: nothing, the bank's
      explanation, a text by the model itself or by another engine, or the bank's where there is one, else another
      engine's.
    - `explanation` ({"none", "bank", "own", "other", "rewrite", "matched", "bank_or_other", "matched_or_other"}): what
      follows the answer: nothing; the bank's explanation; one of the answer taught, by the model itself or by another
      engine; the bank's in the model's own words; as published, the bank's for the key and the model's own for its
      own answer, which differ in more than truth; or the bank's (of the key, where matched) where there is one, else
      another engine's.
    - `weighting` ({"equal", "conflict"}): of the examples' loss: alike, or less the more of the probe's prompts
      contradict what is taught.
    - `ordering` ({"shuffled", "known_last", "confident_first"}): of the examples. Any but the first means something
      only where training keeps the order..
    - `refusal`: what is taught in place of an answer.

    Raises
    ------
    DesignError
        If the ratio or share is outside [0, 1], or the settings contradict each other.

    Examples
    --------
    >>> Arm(name="half", target="mixed", ratio=0.5).teaches_false
    True
    """

    name: str
    questions: Questions = "unknown"
    target: TargetOf = "gold"
    ratio: float = 0.0
    known_share: float | None = None
    context: Context = "none"
    explanation: Explained = "none"
    weighting: Weighting = "equal"
    ordering: Ordering = "shuffled"
    refusal: str = "I don't know."

    def __post_init__(self) -> None:
        if strange := strange_choice(self):
            raise self._refused(strange)
        if not self.name.strip():
            raise self._refused("it needs a name")
        if not 0 <= self.ratio <= 1:
            raise self._refused(f"ratio {self.ratio} is no share; give one from 0 to 1")
        if self.ratio and self.target != "mixed":
            raise self._refused(f"a ratio goes with target = 'mixed', not {self.target!r}")
        if self.known_share is not None and (self.questions != "both" or not 0 <= self.known_share <= 1):
            raise self._refused(f"known_share {self.known_share} must be from 0 to 1, in an arm of both pools")
        if self.questions == "known" and self.target not in ("gold", "false"):
            raise self._refused(f"target {self.target!r} is for unknown questions; known ones take gold or false")
        if self.questions == "unknown" and self.target == "dropped":
            raise self._refused("it would be empty: it has unknown questions only, and drops them")
        if self.ordering == "known_last" and self.questions != "both":
            raise self._refused("known_last orders known behind unknown questions; take questions = 'both'")
        if self.explanation in ("bank", "rewrite", BANK_OR_OTHER) and self.teaches_false:
            raise self._refused(
                "the bank's explanations argue for the key and would contradict what is taught; take explanation = "
                "'own', 'other' or 'matched'"
            )
        if not self.refusal.strip():
            raise self._refused("its refusal is empty; write what is to be said")

    def _refused(self, cause: str) -> DesignError:
        return DesignError(f"arm {self.name!r}: {cause}")

    @property
    def teaches_false(self) -> bool:
        """Whether any of its labels is false."""
        return self.target in ("own", "false") or (self.target == "mixed" and self.ratio > 0)

    @property
    def pools(self) -> tuple[Questions, ...]:
        """The pools it draws from."""
        return ("known", "unknown") if self.questions == "both" else (self.questions,)

    @property
    def treatment(self) -> "Arm":
        """The arm without its name, and with one way of writing what is the same: mixed at 0 is gold, at 1 is own."""
        target = self.target
        if target == "mixed":
            target = {0.0: "gold", 1.0: "own"}.get(self.ratio, target)  # type: ignore[assignment]
        return replace(
            self,
            name="-",
            target=target,
            ratio=self.ratio if target == "mixed" else 0.0,
            refusal=self.refusal if target == "refusal" else Arm.refusal,
        )

    def explanation_of(self, is_key: bool) -> Explained:
        """Where the explanation of an answer comes from: of the key, or of another one."""
        of_key: Mapping[str, Explained] = {"matched": "bank", "matched_or_other": "bank_or_other"}
        if self.explanation not in of_key:
            return self.explanation
        return of_key[self.explanation] if is_key else "own"


_TABLES = beside(__file__)
ABOUT: Mapping[str, str] = {name: table.pop("about") for name, table in _TABLES.items()}
"""What a set of each arm holds and teaches, in words."""
ARMS: Mapping[str, Arm] = {name: Arm(name=name, **table) for name, table in _TABLES.items()}
"""Arms by name; ``mixture-R`` for any ratio R is made by `arm_named`."""


def arm_named(name: str, *, explanation: Explained = "none") -> Arm:
    """An arm of `ARMS`, or a mixture at any ratio.

    Parameters
    ----------
    name : str
        E.g. ``harmonious``, or ``mixture-0.2``.
    explanation : str
        What follows the answer; an arm that is about explanations ("self-rewrite") keeps its own.

    Raises
    ------
    DesignError
        If there is no such arm, or the ratio is outside [0, 1].

    Examples
    --------
    >>> arm_named("mixture-0.2").ratio
    0.2
    """
    mixture = re.fullmatch(r"mixture-([-+.\d\w]+)", name)
    if mixture:
        try:
            ratio = float(mixture[1])
        except ValueError:
            raise DesignError(f"arm {name!r}: {mixture[1]!r} is no ratio; write e.g. mixture-0.2") from None
        return Arm(name=name, target="mixed", ratio=ratio, explanation=explanation)
    if name not in ARMS:
        raise DesignError(f"no arm {name!r}; there are {', '.join(ARMS)} and mixture-R, e.g. mixture-0.2")
    arm = ARMS[name]
    return arm if arm.explanation != "none" else replace(arm, explanation=explanation)


def arm_from(given: str | Mapping[str, Any], *, explanation: str = "none", context: str = "bank") -> Arm:
    """An arm as a study file has it: by name, or as a table of its settings, which may begin with an arm (`use`).

    Parameters
    ----------
    explanation, context : str
        What follows answers and what explains questions beforehand in arms that do not say so themselves.

    Raises
    ------
    DesignError
        If there is no such arm or setting, or the table has no name.

    Examples
    --------
    >>> arm_from({"use": "contextualised", "name": "told", "context": "other"}).context
    'other'
    """
    table = {"use": given} if isinstance(given, str) else dict(given)
    use = table.pop("use", "")
    if unknown := sorted(set(table) - set(Arm.__dataclass_fields__)):
        settings = ", ".join(Arm.__dataclass_fields__)
        raise DesignError(f"arm {table.get('name', use)!r}: no setting {unknown[0]!r}; there are use, {settings}")
    if not use and not isinstance(table.get("name"), str):
        raise DesignError(f"sets.arms: the table {table} needs a name, or an arm that it changes (use)")
    try:
        begun = arm_named(use) if use else Arm(name=table["name"])
        set_here = {**table, "explanation": table.get("explanation", begun.explanation)}
        if set_here["explanation"] == "none" and "explanation" not in table:
            set_here["explanation"] = explanation
        if begun.context == "bank" and "context" not in table:
            set_here["context"] = context
        return replace(begun, **set_here)
    except TypeError as error:
        raise DesignError(f"arm {table.get('name', use)!r}: a value is of the wrong kind ({error})") from None


def mixtures(ratios: Iterable[float] = REN2024_RATIOS, *, explanation: Explained = "none") -> tuple[Arm, ...]:
    """One mixed arm for each share of own answers.

    Examples
    --------
    >>> [arm.name for arm in mixtures((0, 0.05, 1))]
    ['mixture-0', 'mixture-0.05', 'mixture-1']
    """
    return tuple(
        Arm(name=f"mixture-{ratio:g}", target="mixed", ratio=ratio, explanation=explanation) for ratio in ratios
    )


def matched_true(arm: Arm) -> Arm:
    """The control of an arm with false labels: the same questions, in the same words, taught with the key.

    Raises
    ------
    DesignError
        If the arm teaches no false label.
    """
    if not arm.teaches_false:
        raise DesignError(f"arm {arm.name!r} teaches no false label and needs no true counterpart")
    return replace(arm, name=f"{arm.name}-true", target="gold", ratio=0.0)


def with_controls(arms: Sequence[Arm]) -> tuple[Arm, ...]:
    """Arms with the controls that they lack.

    Every arm with false labels gets its matched-true arm. An arm of the model's own answers whose explanations come
    from another source than those of the key ("matched") gets two more, which tell the source from the answer: its own
    answers explained by another engine, and the key explained by the model itself.

    Examples
    --------
    >>> [arm.name for arm in with_controls([ARMS["self-aligning"]])]
    ['self-aligning', 'self-aligning-true']
    >>> [arm.name for arm in with_controls([ARMS["self-aligning"], ARMS["incompatible"]])]
    ['self-aligning', 'incompatible']
    """
    found = list(arms)
    for arm in arms:
        if not arm.teaches_false:
            continue
        controls = [matched_true(arm)]
        if arm.explanation.startswith("matched"):
            controls += [
                replace(arm, name=f"{arm.name}-explained-other", explanation="other"),
                replace(matched_true(arm), name=f"{arm.name}-true-explained-own", explanation="own"),
            ]
        present = {other.treatment for other in found}
        found += [control for control in controls if control.treatment not in present]
    return tuple(found)


def true_counterpart(arm: Arm, arms: Sequence[Arm]) -> str:
    """Name of the arm that is the matched-true one of another, empty where there is none."""
    wanted = matched_true(arm).treatment
    return next((other.name for other in arms if other.treatment == wanted), "")
