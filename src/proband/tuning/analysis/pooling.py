"""Several base models in one study: their evaluations as one, whose strata are bases by domains."""

from collections.abc import Mapping
from dataclasses import replace

from proband.errors import DataError, DesignError
from proband.tuning.analysis.evaluation import Evaluation, TestSet

ALL_BASES = "all bases"


def stratum(base: str, domain: str) -> str:
    """Name of a domain's place in the pooled evaluation."""
    return f"{domain} ({base})"


def pooled(parts: Mapping[str, Evaluation], domain: str | None = None) -> Evaluation:
    """All bases' evaluations as one; every base and domain is a domain of it, named as `stratum` does.

    What averages over domains then averages over bases by domains, and questions that several bases were asked stay
    one unit, so that intervals know that they are shared.

    Parameters
    ----------
    parts : mapping of base name to Evaluation
    domain : str, optional
        Only this domain's checkpoints and tests.

    Raises
    ------
    DataError
        If bases were asked about different banks.
    DesignError
        If they were asked under different prompts.
    """
    (first_name, first), *_ = parts.items()
    for name, one in parts.items():
        if one.bank.hash != first.bank.hash:
            raise DataError(
                f"base {name!r} was evaluated with bank {one.bank.name!r} ({one.bank.hash}), base {first_name!r} with "
                f"{first.bank.name!r} ({first.bank.hash}); evaluate all bases with the same questions"
            )
        if (one.base_ask, one.ask) != (first.base_ask, first.ask):
            raise DesignError(
                f"base {name!r} was asked under {one.base_ask!r} and {one.ask!r}, base {first_name!r} under "
                f"{first.base_ask!r} and {first.ask!r}; ask all bases under the same prompts"
            )
    kept = {name: _domains(one, domain) for name, one in parts.items()}
    return Evaluation(
        bank=first.bank,
        beliefs={
            (_model(name, model), ask): held
            for name, one in parts.items()
            for (model, ask), held in one.beliefs.items()
        },
        trained=tuple(
            replace(run, model=_model(name, run.model), domain=stratum(name, run.domain))
            for name, one in parts.items()
            for run in one.trained
            if run.domain in kept[name]
        ),
        tests=tuple(
            TestSet(test=test.test, domain=stratum(name, test.domain), questions=test.questions)
            for name, one in parts.items()
            for test in one.tests
            if test.domain in kept[name]
        ),
        base_ask=first.base_ask,
        ask=first.ask,
        base=_model(first_name, first.base),
        bases={stratum(name, place): _model(name, one.base) for name, one in parts.items() for place in kept[name]},
    )


def _model(base: str, model: str) -> str:
    return f"{base}/{model}"


def _domains(one: Evaluation, domain: str | None) -> tuple[str, ...]:
    return tuple(place for place in one.domains if domain in (None, place))
