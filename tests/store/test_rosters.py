from hypothesis import given
from hypothesis import strategies as st

from proband.roster import Member, Roster
from proband.store.rosters import roster_before, roster_from, roster_text

VALUES = st.one_of(st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=4))
MEMBERS = st.builds(
    Member,
    subject=st.text(min_size=1, max_size=4),
    unit=st.text(max_size=3),
    role=st.sampled_from(("", "row", "column")),
    arm=st.sampled_from(("", "gain", "loss")),
    weight=st.floats(0, 9),
    traits=st.dictionaries(st.text(max_size=3), VALUES, max_size=3),
)


@given(st.lists(MEMBERS, max_size=6, unique_by=lambda member: member.subject))
def test_a_roster_comes_back_as_it_was(members):
    assert roster_from(roster_text(Roster(members))) == Roster(members)


def test_a_level_is_written_once():
    members = [Member(subject=f"s{k}", traits={"party": "Democrat" if k % 2 else "Republican"}) for k in range(100)]
    text = roster_text(Roster(members))
    assert text.count("Democrat") == text.count("Republican") == 1


def test_a_run_from_before_there_were_rosters_has_its_subjects_as_units():
    traits = '{"subjects":["a","b"],"columns":{"party":{"levels":["D"],"codes":[0,null]}}}'
    found = roster_before(["b", "a"], '{"a":2.0}', traits)
    assert [(m.subject, m.unit, m.weight, dict(m.traits)) for m in found] == [
        ("a", "a", 2.0, {"party": "D"}),
        ("b", "b", 1.0, {}),
    ]
