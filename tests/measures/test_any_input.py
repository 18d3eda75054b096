"""Whatever a public measure is given, it gives a result or an error of ours that says what is wanted."""

import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import numpy as np
import pytest

import proband.measures as m
from proband.errors import ProbandError
from proband.estimates import Target
from tests.measures.calls import CALLS

# `fidelity` takes a whole run; tests/measures/likeness tries it with damaged ones.
MEASURES = sorted(name for name in m.__all__ if inspect.isfunction(getattr(m, name)) and name != "fidelity")
LEVELLED = [name for name in MEASURES if "level" in inspect.signature(getattr(m, name)).parameters]


def _with_one(value: Any, other: object, rng: np.random.Generator) -> Any:
    """The same list or mapping with one of its elements, however deep, become something else."""
    if isinstance(value, dict) and value:
        key = list(value)[int(rng.integers(len(value)))]
        return value | {key: _with_one(value[key], other, rng)}
    if isinstance(value, np.ndarray):
        return _with_one(value.tolist(), other, rng)
    if isinstance(value, list | tuple) and value:
        k = int(rng.integers(len(value)))
        return type(value)([*value[:k], _with_one(value[k], other, rng), *value[k + 1 :]])
    return other


def _shorter(value: Any) -> Any:
    return value[:-1] if isinstance(value, list | tuple | np.ndarray) and len(value) else []


def damages(value: Any, rng: np.random.Generator) -> Iterator[Any]:
    """What a careless hand puts in the place of a good argument."""
    yield from ("word", "", b"\xff", None, [], {}, [[]], np.nan, np.inf, -1, 0, 1e308, 95, 2 + 3j, object(), True)
    yield [["a", "b"], ["b", "a"]]
    yield [[1, 2], [1]]
    yield np.zeros((2, 2, 2))
    yield np.array([], dtype=float)
    yield _shorter(value)
    for other in ("word", None, np.nan, np.inf, -np.inf, -1, 10**400, 1e300, [1, 2], object(), 2.5):
        yield _with_one(value, other, rng)


def _outcome(measure: Callable[..., Any], args: tuple[Any, ...], given: dict[str, Any]) -> str:
    """Nothing where all is well, else what a user would have seen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numpy, on the way to a number that is none
        try:
            measure(*args, **given)
        except ProbandError as error:
            said = str(error)
            return "" if len(said) > 15 else f"says only {said!r}"
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:80]}"
    return ""


def wrongs(name: str, n_rounds: int = 1) -> list[str]:
    """Arguments that make a measure end in anything but a result or an error of ours."""
    measure, (args, given) = getattr(m, name), CALLS[name]
    rng, found = np.random.default_rng(len(name)), []
    bound = inspect.signature(measure).bind(*args, **given)
    bound.apply_defaults()
    spread = {p.name for p in bound.signature.parameters.values() if p.kind is p.VAR_KEYWORD}
    for parameter, value in bound.arguments.items():
        if parameter in spread:
            continue
        for _ in range(n_rounds):
            for damage in damages(value, rng):
                damaged = inspect.BoundArguments(bound.signature, bound.arguments | {parameter: damage})
                if said := _outcome(measure, damaged.args, damaged.kwargs):
                    found.append(f"{parameter}={str(damage)[:60]}: {said}")
    return found


def test_every_public_measure_has_a_valid_call_here():
    assert set(CALLS) == set(MEASURES)


@pytest.mark.parametrize("name", MEASURES)
def test_a_valid_call_gives_something_and_leaves_what_it_was_given_as_it_was(name):
    args, given = CALLS[name]
    before = repr((args, given))
    assert getattr(m, name)(*args, **given) is not None
    assert repr((args, given)) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", MEASURES)
def test_bad_input_gives_a_result_or_an_error_of_ours(name):
    assert not wrongs(name, n_rounds=2)


@pytest.mark.parametrize("name", LEVELLED)
def test_a_level_in_percent_is_refused_and_told_how_to_write_it(name):
    args, given = CALLS[name]
    with pytest.raises(ProbandError, match=r"level is 95.*0\.95"):
        getattr(m, name)(*args, **given | {"level": 95})


# Names that other packages have for what is here always called the same.
ELSEWHERE = {
    "cluster": {"clusters", "cluster_id"},
    "level": {"confidence", "conf_level", "confidence_level", "coverage"},
    "psu": {"psus", "unit_id"},
    "rng": {"seed", "random_state", "generator"},
    "strata": {"stratum"},
    "weights": {"w", "weight", "sample_weight"},
}
DEFAULTS = {"level": 0.95, "rng": None, "cluster": None, "weights": None, "strata": None, "psu": None}


@pytest.mark.parametrize("name", MEASURES)
def test_what_is_the_same_is_called_the_same_in_every_measure(name):
    parameters = inspect.signature(getattr(m, name)).parameters
    for ours, others in ELSEWHERE.items():
        assert not others & parameters.keys(), f"say {ours}"
    for known in (parameters[other] for other in DEFAULTS.keys() & parameters.keys()):
        # An empty text names no column of a table.
        assert (known.default or None) in (DEFAULTS[known.name], known.empty)
        assert known.name not in ("level", "rng") or known.kind is known.KEYWORD_ONLY
    if "level" in parameters:
        assert parameters["level"].default == 0.95
    if "target" in parameters:
        assert get_type_hints(getattr(m, name))["target"] == Target


def test_a_setting_that_is_not_there_is_named_with_the_one_that_is_meant():
    with pytest.raises(ProbandError, match=r"weighted_mean has no setting 'clusters' \(did you mean 'cluster'"):
        m.weighted_mean([1, 2, 3], clusters=[1, 1, 2])
    with pytest.raises(TypeError, match="missing"):
        m.weighted_mean()
