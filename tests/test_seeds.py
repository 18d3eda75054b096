import pytest
from hypothesis import given
from hypothesis import strategies as st

from proband.errors import DesignError
from proband.seeds import place_digest, rng_for, seed_for, uniform_for

places = st.lists(st.text(max_size=8) | st.integers(), max_size=4)


@given(st.integers(), places)
def test_a_place_always_gives_the_same_draws(seed, place):
    assert rng_for(seed, *place).random() == rng_for(seed, *place).random()


def test_parts_of_a_place_do_not_run_into_each_other():
    assert place_digest(1, "a", "bc") != place_digest(1, "ab", "c")


@given(st.integers(), places)
def test_integer_seeds_and_uniforms_are_in_range(seed, place):
    assert 0 <= seed_for(seed, *place) < 2**31
    assert 0 <= uniform_for(seed, *place) < 1


def test_uniform_draws_of_neighbouring_places_are_uniform():
    draws = [uniform_for(7, "s", k) for k in range(4000)]
    assert abs(sum(draws) / 4000 - 0.5) < 0.02
    assert abs(sum(d < 0.1 for d in draws) / 4000 - 0.1) < 0.02


@pytest.mark.parametrize("seed", ["1", 1.0, True, None])
def test_a_seed_that_is_no_integer_is_refused(seed):
    with pytest.raises(DesignError, match="is not an integer"):
        rng_for(seed)
