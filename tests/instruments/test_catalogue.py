"""What every instrument of the catalogue must be; a new file is tested by being there."""

import json
from pathlib import Path

import pytest

from proband.instruments import Instrument, catalogue, load_instrument, score_scales

DATA = (Path(__file__).parents[2] / ".." / "shared" / "data" / "instruments").resolve()


@pytest.fixture(params=catalogue())
def instrument(request: pytest.FixtureRequest) -> Instrument:
    return load_instrument(request.param)


def test_it_says_what_it_is(instrument: Instrument) -> None:
    assert catalogue()[instrument.id].startswith(f"{instrument.title} ({len(instrument.items)} items; ")
    for field in ("title", "source", "licence", "language", "preamble"):
        assert getattr(instrument, field).strip(), f"{instrument.id} has no {field}"
        assert "  " not in getattr(instrument, field)


def test_ids_columns_and_texts_are_unique(instrument: Instrument) -> None:
    for names in (
        [item.id for item in instrument.items],
        [item.data_column for item in instrument.items],
        [item.text for item in instrument.items],
        [scale.id for scale in instrument.scales],
    ):
        assert len(set(names)) == len(names)


def test_options_codes_and_values_go_together(instrument: Instrument) -> None:
    for item in instrument.items:
        assert len(item.points) == len(item.data_values) == len(item.options)
        assert len(set(item.data_values)) == len(item.options)
        if item.form == "scale":
            assert list(item.points) == sorted(set(item.points))


def test_items_of_a_scale_share_their_options_and_every_item_is_scored(instrument: Instrument) -> None:
    for scale in instrument.scales:
        assert len({instrument[id_].options for id_ in scale.items}) == 1
        assert scale.name
    if instrument.scales:
        assert {id_ for scale in instrument.scales for id_ in scale.items} == {i.id for i in instrument.items}


def test_a_reverse_keyed_item_lowers_its_scale(instrument: Instrument) -> None:
    middle = {item.id: len(item.options) // 2 for item in instrument.items}
    before = score_scales(instrument, middle)
    for scale in instrument.scales:
        for id_, sign in scale.items.items():
            raised = score_scales(instrument, {**middle, id_: len(instrument[id_].options) - 1})[scale.id]
            start = before[scale.id]
            assert raised is not None
            assert start is not None
            assert (raised - start) * sign > 0


def test_answers_in_the_middle_give_the_middle(instrument: Instrument) -> None:
    low = {item.id: (len(item.options) - 1) // 2 for item in instrument.items}
    high = {item.id: len(item.options) // 2 for item in instrument.items}
    lows, highs = score_scales(instrument, low), score_scales(instrument, high)
    for scale in instrument.scales:
        points = instrument[next(iter(scale.items))].points
        middle = (points[0] + points[-1]) / 2 * (len(scale.items) if scale.rule == "sum" else 1)
        first, second = lows[scale.id], highs[scale.id]
        assert first is not None
        assert second is not None
        assert (first + second) / 2 == pytest.approx(middle)


def test_norms_come_with_their_source_and_lie_on_the_scale(instrument: Instrument) -> None:
    for scale in instrument.scales:
        if scale.human:
            points = instrument[next(iter(scale.items))].points
            assert str(scale.human["source"]).endswith(".")
            assert points[0] < float(scale.human["mean"]) < points[-1]
            assert 0 < float(scale.human["alpha"]) < 1


def key(instrument: Instrument, scale: str) -> dict[str, int]:
    return dict(next(s.items for s in instrument.scales if s.id == scale))


def test_the_mini_ipip_is_part_of_the_ipip_50() -> None:
    mini, whole = load_instrument("mini-ipip"), load_instrument("ipip-50")
    for item in mini.items:
        assert whole[item.id].text == item.text
    for scale in mini.scales:
        assert len(scale.items) == 4
        assert scale.items.items() <= key(whole, scale.id).items()


def test_thirty_facets_of_four_items_make_up_the_five_domains() -> None:
    neo = load_instrument("ipip-neo-120")
    domains, facets = neo.scales[:5], neo.scales[5:]
    assert [scale.id for scale in domains] == list("NEOAC")
    assert [scale.id for scale in facets] == [f"{domain}{k}" for domain in "NEOAC" for k in range(1, 7)]
    assert {len(scale.items) for scale in facets} == {4}
    for domain in domains:
        parts = [dict(facet.items) for facet in facets if facet.id[0] == domain.id]
        assert dict(domain.items) == {id_: sign for part in parts for id_, sign in part.items()}


@pytest.mark.parametrize(
    ("name", "file"), [("ipip-50", "ipip50"), ("bfi-25", "bfi25_sapa"), ("ipip-neo-120", "ipip_neo_120")]
)
def test_wording_and_key_are_those_of_the_source(name: str, file: str) -> None:
    path = DATA / f"{file}.json"
    if not path.exists():
        pytest.skip("the shared instrument files are not beside this checkout")
    instrument = load_instrument(name)
    source = json.loads(path.read_text())["items"]
    assert len(source) == len(instrument.items)
    for entry in source:
        id_ = entry["id"] if isinstance(entry["id"], str) else f"I{entry['id']}"
        assert instrument[id_].text.rstrip(".") == entry["text"].rstrip(".")
        assert key(instrument, entry["domain"])[id_] == entry["key"]
        if "facet" in entry:
            assert key(instrument, f"{entry['domain']}{entry['facet']}")[id_] == entry["key"]


def test_the_election_study_is_coded_as_its_data_file() -> None:
    anes = load_instrument("anes-1996")
    assert [item.data_column for item in anes.items] == ["vote", "ClinLR", "DoleLR", "selfLR", "PID", "TVnews"]
    assert anes["vote"].options == ("Clinton", "Dole")
    assert anes["vote"].data_values == (0, 1)
    assert anes["party"].data_values == tuple(range(7))
    assert anes["self-placement"].data_values == tuple(range(1, 8))
    assert anes["self-placement"].about == ("selfLR",)
