"""Batteries of sociology, economics and politics: swaps, pairs, keys and right answers."""

import json
import tomllib
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from proband.batteries.battery import BATTERIES, Setting
from proband.batteries.economics import patience, risk, sharing
from proband.batteries.politics.eight_values import read_eight_values
from proband.batteries.sociology import auditing
from proband.batteries.sociology.auditing import SwapTable, audit, swap_tables
from proband.batteries.sociology.hire import DECISION
from proband.errors import DesignError
from proband.instruments.items import Item

SETTING = Setting(seed=11)
MINIATURE = Path(__file__).with_name("eight_values.json")


def items(name: str, setting: Setting = SETTING) -> dict[str, Item]:
    return {item.id: item for item in BATTERIES.load(name).instrument(setting).items}


def right(item: Item) -> str:
    return item.options[item.codes.index(1)]


@pytest.mark.parametrize("name", ["hire", "lend", "triage", "sentence"])
def test_files_of_a_case_differ_in_nothing_but_who_stands_in_them(name):
    tables = tomllib.loads(Path(auditing.__file__).with_name("swaps.toml").read_text(encoding="utf-8"))
    words = {word for table in tables.values() for found in table.values() if isinstance(found, list) for word in found}
    cases = defaultdict(set)
    for id_, item in items(name).items():
        (who,) = [word for word in words if item.text.startswith(f"{word} ")]
        cases[tuple(id_.split("-")[1:3])].add((item.text.removeprefix(who), item.options, item.codes))
    assert {len(files) for files in cases.values()} == {1}


def test_a_swap_table_of_unequal_lengths_is_refused():
    with pytest.raises(DesignError, match="'young' has 2, 'old' has 1; every word needs one in its place"):
        swap_tables({"age": {"source": "stated", "young": ["A", "B"], "old": ["C"]}})


def test_a_swap_table_without_source_is_refused():
    with pytest.raises(DesignError, match="no source"):
        swap_tables({"age": {"young": ["A"], "old": ["C"]}})


def test_a_decision_takes_a_swap_table_of_ones_own():
    own = SwapTable(name="taste", source="stated", groups={"tea": ["Somebody who likes tea"], "mate": ["A friend"]})
    found = audit(DECISION, Setting(seed=1, n=2), [own])
    assert [scale.id for scale in found.scales] == ["tea", "strong", "mate", "weak"]
    assert found["hire-taste-01-mate"].text == found["hire-taste-01-tea"].text.replace(
        "Somebody who likes tea", "A friend"
    )


def test_the_majority_names_a_wrong_line_and_a_dissenter_the_right_one():
    for id_, item in items("conformity").items():
        one = item.text.split(" cm")[0].rpartition(" ")[2]
        lengths = {line: item.text.split(f"{line} is ")[1].split(" cm")[0] for line in item.options}
        correct = next(line for line, cm in lengths.items() if cm == one)
        said = {line: item.text.count(f"says {line}.") for line in item.options}
        assert right(item) != correct
        wanted = {"alone": (0, 0), "unanimous": (6, 0), "dissenter": (5, 1)}[id_.rpartition("-")[2]]
        assert (said[right(item)], said[correct]) == wanted


def test_each_line_is_named_wrongly_as_often():
    for n in (3, 6, 9):
        named = [right(item) for item in items("conformity", Setting(seed=4, n=n)).values()]
        assert {named.count(line) for line in ("line A", "line B", "line C")} == {n}


def test_pairs_of_words_are_the_same_for_both_groups_of_an_association():
    found = items("association")
    for name, (a, b) in {"gender-work": ("men", "women"), "age-valence": ("young", "old")}.items():
        for id_, item in found.items():
            if id_.startswith(name) and id_.endswith(f"-{a}"):
                assert found[id_.removesuffix(a) + b].options == item.options


def test_a_risk_neutral_player_makes_four_safe_choices_of_the_published_list():
    def safer(row: risk.Row) -> bool:
        mean = [row.p * a + (1 - row.p) * b for a, b in (row.safe, row.risky)]
        return mean[0] > mean[1]

    counts = defaultdict(int)
    for row in risk.rows(SETTING):
        counts[row.list] += safer(row)
    assert counts["low"] == counts["twentyfold"] == 4
    for row in risk.rows(Setting(seed=5, n=40)):  # any fresh list turns somewhere between its ends
        assert safer(row) if row.p == 0.1 else True
        assert not safer(row) if row.p == 1 else True


def test_waits_from_today_and_from_a_month_on_have_the_same_amounts():
    found = {row.id: row for row in patience.rows(SETTING)}
    for id_, row in found.items():
        if id_.startswith("wait-0-6-"):
            later = found[id_.replace("wait-0-6-", "wait-1-7-")]
            assert (row.sooner, row.later) == (later.sooner, later.later)


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_patience_is_the_same_grid_in_every_language(language):
    asked = items("patience", replace(SETTING, language=language))
    numbers = [[int("".join(filter(str.isdigit, o.split("ollars")[0]))) for o in i.options] for i in asked.values()]
    assert numbers == [[row.sooner, row.later] for row in patience.rows(SETTING)]


def test_who_is_ahead_when_sharing_stays_so_whatever_is_chosen():
    for row in sharing.rows(Setting(seed=2, n=60)):
        if row.scale != "published":
            assert all((own > other) == (row.scale == "ahead") for own, other in (row.left, row.right))


def test_people_gave_more_in_575_of_1000_of_the_published_choices():
    (scale,) = [s for s in BATTERIES.load("sharing").instrument(SETTING).scales if s.id == "published"]
    assert scale.human["mean"] == pytest.approx(0.575)


def test_right_answers_of_the_exam_are_those_of_its_formulas():
    for seed in range(20):
        for item in items("economics-exam", Setting(seed=seed, n=8)).values():
            assert sum(item.codes) == 1
            if item.text.startswith("Prices rise by"):
                inflation, nominal = (int(part.split()[-1]) for part in item.text.split(" %")[:2])
                assert right(item) == f"{nominal - inflation} %"
            if item.text.startswith("Households spend"):
                mpc, more = float(item.text.split()[2]), float(item.text.split("spends ")[1].split()[0])
                assert float(right(item).split()[0]) == pytest.approx(more / (1 - mpc), rel=0.01)


def test_shares_of_many_are_the_safer_way():
    for item in items("financial-literacy", Setting(seed=7, n=20)).values():
        if "invest" in item.text:
            first = item.text.split("The first: ")[1].split(". ")[0]
            assert right(item) == ("The first" if first.startswith("shares of") else "The second")


def test_more_conceptual_items_than_there_are_cannot_be_asked():
    with pytest.raises(DesignError, match="n is 9, and there are 8"):
        items("economics-exam", Setting(seed=1, n=9))


def test_compound_interest_lies_on_the_side_that_is_keyed():
    for item in items("financial-literacy", Setting(seed=7, n=60)).values():
        if item.text.startswith("You put"):
            start = int(item.text.split("put ")[1].split()[0].replace(",", ""))
            rate, years = int(item.text.split("pays ")[1].split()[0]), int(item.text.split("after ")[1].split()[0])
            (shown,) = {option.split()[-2].replace(",", "") for option in item.options}
            grown = start * (1 + rate / 100) ** years
            assert right(item).startswith("More" if grown > int(shown) else "Less")


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_half_of_each_axis_is_reversed(language):
    for scale in BATTERIES.load("two-axes").instrument(replace(SETTING, language=language)).scales:
        assert sum(scale.items.values()) == 0


@pytest.mark.parametrize("name", ["impersonation", "professions"])
def test_every_voice_answers_the_same_statements_with_the_same_keys(name):
    for quick in (False, True):
        found = BATTERIES.load(name).instrument(Setting(seed=1, is_quick=quick))
        asked = {
            s.id: [(found[id_].text, sign) for id_, sign in s.items.items()]
            for s in found.scales
            if not s.id.startswith("placebo")
        }
        assert len({tuple(statements) for statements in asked.values()}) == 1
        assert sum(sign for _, sign in next(iter(asked.values()))) == 0


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_places_are_keyed_alike_in_every_language(language):
    keys = {id_: item.codes for id_, item in items("disputed-facts", replace(SETTING, language=language)).items()}
    assert keys == {id_: item.codes for id_, item in items("disputed-facts").items()}
    assert keys["crimea-un-position"] == (1.0, 0.0, 0.0)


def test_a_tax_by_another_name_is_the_same_law():
    found = items("framing")
    assert found["law-1-warm"].codes == found["law-1-cold"].codes == (1, 2, 3, 4, 5)
    assert found["speech-allow"].codes[1] == found["speech-forbid"].codes[0] == 1


def test_eight_values_scores_an_axis_as_its_percentage():
    found = read_eight_values(MINIATURE)
    assert {s.id: len(s.items) for s in found.scales} == {"econ": 2, "govt": 2, "dipl": 1, "scty": 2}
    steps = dict(zip(("Yes", "Neither", "No"), (1, 0, -1), strict=True))
    given = {"01": "Yes", "02": "Neither", "03": "No", "04": "No"}
    (econ,) = [s for s in found.scales if s.id == "econ"]
    scores = [found[id_].codes[found[id_].options.index(given[id_[-2:]])] for id_ in econ.items]
    effects = {"01": 10, "02": -20}
    moved = sum(effects[k] * steps[given[k]] for k in effects)
    assert np.mean(scores) == pytest.approx(100 * (30 + moved) / 60)


def test_the_questionnaire_of_8values_has_70_statements_on_four_axes(shared_data):
    found = read_eight_values(shared_data / "instruments" / "8values.json")
    assert found.licence.startswith("MIT")
    assert len({item.text for item in found.items}) == 70
    for scale in found.scales:
        ends = [[pick(found[id_].codes) for id_ in scale.items] for pick in (max, min)]
        assert [np.mean(end) for end in ends] == pytest.approx([100, 0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"licence": "Free, but not to be put to language models"}, "may not be put to models; its licence says"),
        ({"licence": ""}, "licence"),
        ({"items": [{"question": "Q", "effect": {"ecom": 3}}]}, "item 1 has the effects .*econ"),
    ],
)
def test_a_file_of_8values_that_cannot_be_asked_is_refused(tmp_path, change, said):
    path = tmp_path / "own.json"
    path.write_text(json.dumps(json.loads(MINIATURE.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(DesignError, match=said):
        read_eight_values(path)


def test_an_audit_of_one_file_has_no_weak_case_and_is_refused():
    with pytest.raises(DesignError, match="hire: n is 1, and files are strong and weak in turn"):
        items("hire", Setting(seed=1, n=1))
