"""What is found on A is tested on B, which is opened once and under what was locked."""

import json
from dataclasses import replace

import numpy as np
import pytest

from proband.errors import DataError, DesignError
from proband.literature.hypotheses.bank import Bank, Keeping
from proband.literature.hypotheses.features import FEATURES, Rule, Surface, first_rules, rule_in
from proband.literature.hypotheses.record import read_hypotheses, write_hypotheses
from proband.literature.hypotheses.rows import Rows, read_rows, split_rows
from proband.literature.hypotheses.steps import find_by_surface, lock_path, open_and_test, terms_of
from proband.literature.hypotheses.testing import beyond_chance


def written(folder, n=240, seed=0, noise=0.0):
    """Letters of which those with a question are answered, the more surely the less noise there is."""
    rng = np.random.default_rng(seed)
    lines = ["id,author,text,answered"]
    for k in range(n):
        asks = rng.random() < 0.5
        says = asks if rng.random() >= noise else not asks
        words = " ".join(rng.choice(["rain", "bus", "tree", "lamp", "road", "dog", "cat", "wall"], size=6))
        lines.append(f"r{k},a{k // 2},Letter {k} on {words}{'?' if asks else '.'},{'yes' if says else 'no'}")
    (folder / "letters.csv").write_text("\n".join(lines) + "\n")
    return folder / "letters.csv"


def terms(folder, **given):
    return terms_of(folder / "h.toml", folder / "letters.csv", "answered", id="id", **given)


def test_the_planted_rule_is_found_on_a_and_holds_on_b(tmp_path):
    written(tmp_path, noise=0.1)
    found = find_by_surface(tmp_path / "h.toml", terms(tmp_path, unit="author"))
    outcome = open_and_test(tmp_path / "h.toml")
    verdicts = {rule_in(one.hypothesis.rule).feature: one.verdict for one in outcome.decided}
    assert verdicts["question marks"] == "held"
    assert outcome.first_line == f"Found on A: {len(found.hypotheses)}; held on B: {outcome.held} (Holm, 0.05)."
    assert outcome.vote > 0.8 > outcome.majority
    assert all(one.hypothesis.seen[0].startswith("A: ") for one in outcome.decided)


def test_b_is_opened_once_whatever_is_locked_afterwards(tmp_path):
    written(tmp_path)
    find_by_surface(tmp_path / "h.toml", terms(tmp_path))
    open_and_test(tmp_path / "h.toml")
    with pytest.raises(DesignError, match="opened once"):
        open_and_test(tmp_path / "h.toml")
    with pytest.raises(DesignError, match="was opened on"):
        find_by_surface(tmp_path / "other.toml", terms(tmp_path, seed=2))


def test_rows_of_b_are_known_again_in_a_file_that_was_edited(tmp_path):
    path = written(tmp_path)
    find_by_surface(tmp_path / "h.toml", terms(tmp_path))
    open_and_test(tmp_path / "h.toml")
    path.write_text(path.read_text().replace("Letter 7 on", "Letter 7 about"))  # one row of 240
    with pytest.raises(DesignError, match="rows of B, such as 'r"):
        find_by_surface(tmp_path / "other.toml", terms(tmp_path, seed=2))
    path.write_text(path.read_text().replace("id,author,text,answered", "id,author,words,replied"))  # other names
    with pytest.raises(DesignError, match="rows of B, such as 'r"):
        find_by_surface(tmp_path / "other.toml", replace(terms(tmp_path, seed=2), outcome="replied"))
    path.write_text(
        path.read_text().replace("words,replied", "text,answered").replace("Letter", "Postcard")
    )  # rows of their own
    assert find_by_surface(tmp_path / "other.toml", terms(tmp_path, seed=2)).rows


def test_a_falsifier_cannot_be_edited_once_it_is_locked(tmp_path):
    written(tmp_path)
    find_by_surface(tmp_path / "h.toml", terms(tmp_path))
    (tmp_path / "h.toml").write_text((tmp_path / "h.toml").read_text().replace("no more often", "far less often", 1))
    with pytest.raises(DesignError, match="was edited since it was locked"):
        open_and_test(tmp_path / "h.toml")


def test_a_site_of_number_zero_is_one_site_and_one_without_a_name_is_refused(tmp_path):
    rows = [{"text": f"Letter number {k} to town", "said": "yn"[k % 2], "site": k % 30} for k in range(120)]
    path = tmp_path / "sites.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    a, b = split_rows(read_rows(path, "said", unit="site"))
    assert not {*a.units} & {*b.units}
    assert len({*a.units, *b.units}) == 30
    path.write_text(path.read_text() + json.dumps({"text": "One more for the town", "said": "y", "site": None}) + "\n")
    with pytest.raises(DataError, match="'site' is empty"):
        read_rows(path, "said", unit="site")


def test_an_outcome_that_b_lacks_can_be_foretold_in_vain():
    texts = [f"coat {'green' if k < 4 else 'white' if k % 2 else 'black'} shirt, number {k}" for k in range(80)]
    labels = tuple("green" if k < 2 else "white" if k % 2 else "black" for k in range(80))
    every = Rows(name="r", ids=tuple(map(str, range(80))), labels=labels, units=tuple(map(str, range(80))),
                 texts={"text": tuple(texts)}, outcome="said")  # fmt: skip
    b = replace(every.take([2, 3, *range(40, 80)]), known=every.levels)
    truth, said = Surface(b).predicted(Rule(form="beside", feature="shirt", place=-1))
    assert said[:2] == ["green", "green"]
    assert "green" not in truth


def test_what_was_locked_cannot_be_edited_before_b_is_opened(tmp_path):
    written(tmp_path)
    find_by_surface(tmp_path / "h.toml", terms(tmp_path))
    write_hypotheses(tmp_path / "h.toml", read_hypotheses(tmp_path / "h.toml")[1:])
    with pytest.raises(DesignError, match="was locked and is not there"):
        open_and_test(tmp_path / "h.toml")
    lock = lock_path(tmp_path / "h.toml")
    lock.write_text(lock.read_text().replace('"alpha": 0.05', '"alpha": 0.5'))
    with pytest.raises(DesignError, match="edited since it was locked"):
        open_and_test(tmp_path / "h.toml")
    assert not (tmp_path / "openings.csv").exists()


def test_rows_of_one_author_stay_together_and_rows_alike_are_named(tmp_path):
    path = written(tmp_path)
    a, b = split_rows(read_rows(path, "answered", id="id", unit="author"))
    assert not {*a.units} & {*b.units}
    # The same words under the ids of one row that is in A and one that is in B.
    lines = path.read_text().splitlines()
    row = {line.split(",")[0]: line for line in lines}
    lines[lines.index(row[b.ids[0]])] = ",".join([b.ids[0], b.units[0], *row[a.ids[0]].split(",")[2:]])
    path.write_text("\n".join(lines) + "\n")
    rows = read_rows(path, "answered", id="id", unit="author")
    with pytest.raises(DataError, match=f"'{a.ids[0]}' and '{b.ids[0]}'"):
        split_rows(rows)
    sides = split_rows(rows, alike="together")
    assert sum({a.ids[0], b.ids[0]} <= {*side.ids} for side in sides) == 1


def test_a_pair_the_other_way_round_is_the_same_pair(tmp_path):
    lines = [f"{k},First letter number {k},Second letter number {k},{1 + k % 2}" for k in range(80)]
    path = tmp_path / "pairs.csv"
    head = "id,one,two,winner"
    path.write_text("\n".join([head, *lines, ""]))
    a, b = split_rows(read_rows(path, "winner", id="id"))
    of_a, of_b = a.ids[0], b.ids[0]
    lines[int(of_b)] = f"{of_b},Second letter number {of_a},First letter number {of_a},1"
    path.write_text("\n".join([head, *lines, ""]))
    rows = read_rows(path, "winner", id="id")
    with pytest.raises(DataError, match=f"'{of_a}' and '{of_b}'"):
        split_rows(rows)
    a, b = split_rows(rows, alike="together")
    assert not {text for column in a.texts.values() for text in column} & {
        text for column in b.texts.values() for text in column
    }


def test_numbers_are_halved_at_the_median_of_a(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("text,rating\n" + "".join(f"Letter number {k} to the town,{k}\n" for k in range(60)))
    a, b = split_rows(read_rows(path, "rating"))
    assert a.levels == b.levels
    assert abs(a.labels.count(a.levels[0]) - a.labels.count(a.levels[1])) <= 1


def test_agreement_beyond_chance_is_the_numerator_of_kappa():
    # By hand: 6 of 8 agree; says yes 4 of 8, is yes 4 of 8, so chance is .5.
    truth, said = list("yyyynnnn"), list("yyynynnn")
    found = beyond_chance([*truth, "y"], [*said, None], [str(k) for k in range(9)])
    assert found.value == pytest.approx(0.25)
    assert found.n_units == 8
    # 2 x covariance of two binary variables; its influences have standard deviation 0.433 around 0.25.
    assert found.se == pytest.approx(np.std([0.5] * 6 + [-0.5] * 2) / np.sqrt(7))


def test_a_rule_survives_its_file_and_pairs_are_compared(tmp_path):
    (tmp_path / "p.csv").write_text("one,two,winner\n" + "Why so?,Do it so now,2\nDo it so now,Why not?,1\n")
    surface = Surface(read_rows(tmp_path / "p.csv", "winner"))
    rule = Rule(form="pair", feature="question marks", label="2")
    assert rule_in(rule.text) == rule
    assert surface.predicted(rule) == (["yes", "no"], ["yes", "no"])
    assert len(FEATURES) == 21
    assert {rule.form for rule in first_rules(surface)} == {"pair"}


def test_a_bank_asks_what_is_new_and_drops_what_is_proven_poor():
    bank = Bank(Keeping(size=2, acting=2, errors=3))
    bank.add(["good", "poor"])
    for k in range(40):
        truth = "yn"[k % 2]
        bank.judged(k, {"good": (truth, truth), "poor": (truth, "yn"[k % 3 % 2])})
    assert bank.reward("good") > bank.reward("poor")
    bank.add(["new"])
    assert list(bank.tallies) == ["good", "new"]
    assert bank.asked()[0] == "new"


def test_an_idea_that_came_since_a_row_was_asked_about_did_not_err_on_it():
    bank = Bank(Keeping(acting=1, errors=1))
    bank.add(["good"])
    bank.judged(0, {"good": ("y", "y")})
    bank.add(["new"])
    assert bank.asked() == ["new"]
    bank.judged(1, {"good": ("n", "n")})
    assert bank.erred() == []
    bank.judged(2, {"good": ("n", "y")})
    assert bank.erred() == [2]


def test_the_planted_rule_of_shoe_is_found_and_held(tmp_path, shared_data):
    rows, into = shared_data / "text" / "hypotheses" / "shoe.jsonl.gz", tmp_path / "shoe.toml"
    find_by_surface(into, terms_of(into, rows, "label", id="id", alike="together"))
    outcome = open_and_test(into)
    planted = Rule(form="beside", feature="shirt", place=-1)
    [one] = [one for one in outcome.decided if rule_in(one.hypothesis.rule) == planted]
    assert (one.verdict, one.accuracy_b, one.covered) == ("held", 1.0, outcome.rows_b)
    assert json.loads((tmp_path / "shoe.test.json").read_text())["says"] == outcome.first_line
