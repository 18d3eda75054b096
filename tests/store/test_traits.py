from hypothesis import given
from hypothesis import strategies as st

from proband.store.traits import traits_from, traits_text

VALUES = st.one_of(st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=4))


@given(
    st.dictionaries(st.text(max_size=5), st.dictionaries(st.text(max_size=3), VALUES, max_size=3), max_size=6)
)
def test_traits_come_back_as_they_were(traits):
    found = traits_from(traits_text(traits))
    assert found == {subject: dict(own) for subject, own in traits.items()}


def test_a_level_is_written_once():
    text = traits_text({f"s{k}": {"party": "Democrat" if k % 2 else "Republican"} for k in range(100)})
    assert text.count("Democrat") == text.count("Republican") == 1
