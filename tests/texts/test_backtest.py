"""Back-tests in worlds whose truth is planted, and everything that would let the future in, refused."""

from datetime import date, timedelta

import numpy as np
import pytest

from proband.analyses.backtest import needs, sections
from proband.designs.studies import load_study
from proband.errors import DataError, DesignError
from proband.runs import carry_out
from proband.texts.backtest import back_test_of, parts_of

BOOK = """
[instrument]
id = "news"
title = "News"
[[instrument.questions]]
id = "tone"
text = "Good or bad?"
cannot_tell = "Cannot tell"
[[instrument.questions.codes]]
label = "Good"
definition = "It is good."
[[instrument.questions.codes]]
label = "Bad"
definition = "It is bad."
"""
WORDS = '[tone.codes.Good]\nwords = ["good"]\n[tone.codes.Bad]\nwords = ["bad"]\n'


def days(n, start=date(2023, 1, 2)):
    found = [start + timedelta(days=k) for k in range(2 * n) if (start + timedelta(days=k)).weekday() < 5]
    return found[:n]


def world(folder, *, effect=1.0, n=120, seed=1, **keys):
    """Random good and bad news, each of which moves the value on the second day after it by `effect` percent."""
    rng, dates = np.random.default_rng(seed), days(n)
    tone = rng.choice([-1, 1], size=n)
    moves = rng.normal(0, 1, n) + effect * np.concatenate([[0, 0], tone[:-2]])
    values = 50 * np.exp(np.cumsum(moves) / 100)
    news = [f"n{k},{day},{'good' if tone[k] > 0 else 'bad'} news" for k, day in enumerate(dates)]
    rows = [f"{day},{value:.8f}" for day, value in zip(dates, values, strict=True)]
    return study(folder, news, rows, **keys)


def study(folder, news, rows, **keys):
    (folder / "news.csv").write_text("\n".join(["id,day,text", *news]) + "\n")
    (folder / "prices.csv").write_text("\n".join(["date,value", *rows]) + "\n")
    (folder / "words.toml").write_text(WORDS)
    corpus_date = keys.pop("corpus_date", 'date = "day"')
    prior = keys.pop("prior", "")
    given = {"series": '"prices.csv"', "item": '"tone"', "scores": "{ Good = 1, Bad = -1 }", "cutoff": '"none"'} | keys
    lines = "\n".join(f"{key} = {value}" for key, value in given.items() if value)
    (folder / "study.toml").write_text(
        f'seed = 1\nengine = "dictionary:words.toml"\n{BOOK}[coding]\n{prior}\n[coding.corpus]\nfile = "news.csv"\n'
        f'id = "id"\n{corpus_date}\n[coding.backtest]\n{lines}\n'
    )
    return folder / "study.toml"


def joined(path):
    run = carry_out(load_study(path), path.parent / "run")
    return run, parts_of(run, back_test_of(run))


def test_a_planted_effect_is_found_and_the_placebo_and_the_series_itself_have_none(tmp_path):
    run, (part,) = joined(world(tmp_path, costs=10))
    assert part.is_after
    assert needs(run) is None
    slopes, signs, rule = sections(run)
    row = dict(zip([c.name for c in slopes.table.columns], slopes.table.rows[0], strict=True))
    assert row["slope on the score"].interval[0] < 1.0 < row["slope on the score"].interval[1]
    assert row["with own last change"].interval[0] > 0
    assert row["own last change alone"].interval[0] < 0 < row["own last change alone"].interval[1]
    assert row["placebo p"] < 0.01
    assert row["placebo, 2.5 %"] < 0 < row["placebo, 97.5 %"]
    right = signs.table.rows[0][3]
    assert right.value > 0.7
    _, _, n, before, turnover, after, _ = rule.table.rows[0]
    assert n == len(part.moves)
    assert after.value == pytest.approx(before.value - turnover * 10 / 100)


def test_without_an_effect_nothing_is_found(tmp_path):
    run, _ = joined(world(tmp_path, effect=0.0, seed=3))
    row = sections(run)[0].table.rows[0]
    assert row[4].interval[0] < 0 < row[4].interval[1]
    assert row[-1] > 0.05


def test_a_text_counts_for_the_first_value_after_its_lag_and_the_change_that_begins_there(tmp_path):
    dates = days(20)
    rows = [f"{day},{100 + k * k}" for k, day in enumerate(dates)]
    # A Wednesday; a Friday, whose next value is of Monday; a Saturday; two on one day; one too near the end.
    news = ["a,2023-01-04,good", "b,2023-01-06,bad", "c,2023-01-07,good", "d,2023-01-10,good", "e,2023-01-10,bad",
            f"f,{dates[-1]},good", "g,2023-01-12,nothing"]  # fmt: skip
    _, (part,) = joined(study(tmp_path, news, rows, change='"difference"'))
    assert part.days == (date(2023, 1, 5), date(2023, 1, 9), date(2023, 1, 11))
    assert part.score.tolist() == [1.0, 0.0, 0.0]
    at = [dates.index(day) for day in part.days]
    assert part.outcome.tolist() == [(k + 1) ** 2 - k**2 for k in at]
    assert part.before.tolist() == [k**2 - (k - 1) ** 2 for k in at]
    assert (part.n_texts, part.n_unscored, part.n_unmatched) == (7, 1, 1)


def test_a_text_with_no_value_soon_after_it_is_left_out(tmp_path):
    dates = [day for day in days(40) if not date(2023, 1, 16) <= day <= date(2023, 1, 27)]
    rows = [f"{day},{100 + k}" for k, day in enumerate(dates)]
    _, (part,) = joined(study(tmp_path, ["a,2023-01-15,good", "b,2023-01-24,good"], rows, within="7"))
    assert part.days == (date(2023, 1, 30),)
    assert part.n_unmatched == 1


def test_texts_up_to_the_cut_off_are_told_apart_and_never_pooled(tmp_path):
    path = world(tmp_path, cutoff='"2023-03-01"')
    run, (after, before) = joined(path)
    assert (after.is_after, before.is_after) == (True, False)
    assert after.n_texts + before.n_texts == 120
    assert before.n_texts == sum(day <= date(2023, 3, 1) for day in days(120))
    section = sections(run)[0]
    assert [row[1] for row in section.table.rows] == ["after the cut-off", "up to the cut-off"]
    assert any("no forecast" in warning for warning in section.warnings)


def test_no_text_after_the_cut_off_is_no_forecast_and_said_so(tmp_path):
    run, (part,) = joined(world(tmp_path, cutoff='"2024-01-01"', n=40))
    assert not part.is_after
    assert "nothing here is a forecast" in sections(run)[0].warnings[0]


def test_a_series_that_was_changed_or_is_gone_is_not_measured_on(tmp_path):
    run, _ = joined(world(tmp_path, n=40))
    prices = tmp_path / "prices.csv"
    kept = prices.read_text()
    prices.write_text(kept.replace("2023-01-02,", "2023-01-02,1"))
    assert "holds something else" in needs(run)
    prices.unlink()
    assert "is not there" in needs(run)
    (run.path / "prices.csv").write_text(kept)
    assert needs(run) is None


WRONG = {
    "a value of the text's own day": ({"lag": "0"}, "older than the text"),
    "a value from before the text": ({"lag": "-1"}, "older than the text"),
    "no cut-off": ({"cutoff": ""}, "cutoff is missing"),
    "a cut-off that is no day": ({"cutoff": '"last year"'}, "is no date"),
    "a cut-off of another coder": ({"cutoff": '{ other = "none" }'}, "'other'"),
    "no score of a code": ({"scores": "{ Good = 1 }"}, "lacks Bad"),
    "scores that are all alike": ({"scores": "{ Good = 1, Bad = 1 }"}, "not all alike"),
    "a score of no code": ({"scores": "{ Good = 1, Bda = -1 }"}, "did you mean 'Bad'"),
    "no question of that name": ({"item": '"tune"'}, "did you mean 'tone'"),
    "a means over the future": ({"prior": "prior_correction = true"}, "know the future"),
    "no column of days": ({"corpus_date": ""}, "which column holds the day"),
    "costs over a horizon": ({"costs": "5", "horizon": "3"}, "horizon = 1"),
    "no column of values": ({"value": '"price"'}, "no column 'price'"),
    "too few placebos": ({"draws": "9"}, "99"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_lets_the_future_in_or_means_nothing_is_refused_before_anything_is_asked(what, tmp_path):
    keys, said = WRONG[what]
    with pytest.raises((DesignError, DataError), match=said):
        load_study(world(tmp_path, n=40, **keys))


GOOD = [f"{day},{100 + k}" for k, day in enumerate(days(30))]
SERIES = {
    "not sorted": ([*GOOD[:5], GOOD[6], GOOD[5], *GOOD[7:]], "comes after"),
    "a day twice": ([*GOOD[:5], GOOD[4], *GOOD[5:]], "stands there twice"),
    "no day": ([*GOOD[:5], ",3", *GOOD[5:]], "row 6: no date"),
    "no value": ([*GOOD[:-1], f"{days(30)[-1]},"], "row 30: the value is None"),
    "a price of nothing": ([*GOOD[:-1], f"{days(30)[-1]},0"], "a logarithm needs more"),
    "a moment without its zone": ([*GOOD[:-1], f"{days(30)[-1]}T16:00:00,7"], "zone"),
    "another calendar": ([*GOOD[:-1], "11/02/2023,7"], "is no date"),
    "too short": (GOOD[:8], "too few"),
}


@pytest.mark.parametrize("what", SERIES)
def test_a_series_that_cannot_be_joined_is_refused_with_its_row(what, tmp_path):
    rows, said = SERIES[what]
    with pytest.raises(DataError, match=said):
        load_study(study(tmp_path, ["a,2023-01-05,good"], rows))


@pytest.mark.parametrize(("day", "said"), [("", "no date"), ("2023", "no date"), ("2023-01-05T18:00:00", "zone")])
def test_a_text_without_a_day_is_refused_by_name(day, said, tmp_path):
    with pytest.raises(DataError, match=said):
        load_study(study(tmp_path, ["a,2023-01-05,good", f"b,{day},bad"], GOOD))


def test_a_moment_with_its_zone_is_the_day_in_utc(tmp_path):
    news = ["a,2023-01-05T23:30:00-05:00,good", "b,2023-01-05T23:30:00+00:00,bad"]
    _, (part,) = joined(study(tmp_path, news, GOOD))
    assert part.days == (date(2023, 1, 6), date(2023, 1, 9))
    assert part.score.tolist() == [-1.0, 1.0]
