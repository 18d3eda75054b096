"""Case 17: dates and times are what the file says, of every format that SPSS, Stata and SAS have.

Public source: junyuan-chen/ReadStatTables.jl#75.
"""

from datetime import datetime, timedelta

import pandas as pd
import polars as pl
import pyreadstat
import pytest

from proband.subjects import Field, describe, read_microdata

SPSS = {  # format: number and what it means; days since 14 October 1582
    "DATE11": (13_923_446_400, "2024-01-01"),
    "ADATE10": (13_923_446_400, "2024-01-01"),
    "EDATE8": (13_923_446_400, "2024-01-01"),
    "JDATE7": (13_923_446_400, "2024-01-01"),
    "SDATE10": (13_928_630_400, "2024-03-01"),
    "DATETIME20": (13_923_482_401, "2024-01-01 10:00:01"),
    "DATETIME23.2": (13_923_482_401.5, "2024-01-01 10:00:01.5"),
    "YMDHMS19": (13_923_482_401, "2024-01-01 10:00:01"),
    "MOYR8": (13_928_630_400, "2024-03"),
    "QYR6": (13_928_630_400, "2024 Q1"),
    "WKYR8": (13_928_630_400, "2024 week 9"),
    "TIME8": (108_000, "30:00:00"),
    "TIME11.2": (3_661.25, "01:01:01.25"),
    "DTIME12": (108_000, "30:00:00"),
    "MTIME5": (61, "00:01:01"),
    "WKDAY3": (2, 2),
    "MONTH9": (12, 12),
    "F8.2": (108_000, 108_000),
}


@pytest.mark.parametrize("format", SPSS)
def test_spss_numbers_mean_what_their_format_says(tmp_path, format):
    number, meaning = SPSS[format]
    frame = pd.DataFrame({"v": [float(number), None, float(number)], "id": [1.0, 2.0, 3.0]})
    pyreadstat.write_sav(frame, tmp_path / "p.sav", variable_format={"v": format})
    assert read_microdata(tmp_path / "p.sav").frame["v"].to_list() == [meaning, None, meaning]


def test_thirty_hours_a_week_are_not_six_o_clock(tmp_path):
    frame = pd.DataFrame({"weekly": [108_000.0, 28_800.0, -90.0]})
    pyreadstat.write_sav(frame, tmp_path / "p.sav", variable_format={"weekly": "TIME8"})
    assert read_microdata(tmp_path / "p.sav").frame["weekly"].to_list() == ["30:00:00", "08:00:00", "-00:01:30"]


STATA = {  # since the beginning of 1960, in the unit of the format
    "%td": (23_376, "2024-01-01"),
    "%d": (23_376, "2024-01-01"),
    "%tdNN/DD/CCYY": (23_376, "2024-01-01"),
    "%-tdD_m_Y": (-1, "1959-12-31"),
    "%tc": (2_019_722_401_500, "2024-01-01 10:00:01.5"),
    "%tC": (2_019_722_428_000, "2024-01-01 10:00:01"),  # 27 leap seconds later
    "%tm": (770, "2024-03"),
    "%tq": (256, "2024 Q1"),
    "%th": (-1, "1959 H2"),
    "%tw": (3_336, "2024 week 9"),
    "%ty": (2024, 2024),
    "%9.0g": (2024, 2024),
}


@pytest.mark.parametrize("format", STATA)
def test_stata_numbers_mean_what_their_format_says(tmp_path, format):
    number, meaning = STATA[format]
    frame = pd.DataFrame({"v": [float(number), None, float(number)], "id": [1.0, 2.0, 3.0]})
    pyreadstat.write_dta(frame, tmp_path / "p.dta", variable_format={"v": format})
    assert read_microdata(tmp_path / "p.dta").frame["v"].to_list() == [meaning, None, meaning]


def test_a_business_calendar_is_left_as_numbers_and_that_is_said(tmp_path, caplog):
    frame = pd.DataFrame({"v": [5.0, 6.0]})
    pyreadstat.write_dta(frame, tmp_path / "p.dta", variable_format={"v": "%tbnyse"})
    assert read_microdata(tmp_path / "p.dta").frame["v"].to_list() == [5, 6]
    assert "days of a business calendar" in caplog.text


def test_sas_dates_count_from_1960(tmp_path):
    when = datetime(2024, 3, 1, 10, 0, 1)
    frame = pd.DataFrame({"d": [when.date()], "dt": [when], "t": [(when - timedelta(hours=2)).time()]})
    pyreadstat.write_xport(frame, tmp_path / "p.xpt")
    found = read_microdata(tmp_path / "p.xpt").frame.row(0)
    assert found == ("2024-03-01", "2024-03-01 10:00:01", "08:00:01")


def test_a_number_that_is_no_date_leaves_the_column_numbers_and_is_said(tmp_path, caplog):
    pyreadstat.write_sav(pd.DataFrame({"v": [1e300, 0.0]}), tmp_path / "p.sav", variable_format={"v": "DATE11"})
    assert read_microdata(tmp_path / "p.sav").frame["v"].to_list() == [1e300, 0.0]
    assert "column 'v': not all numbers are dates of the form DATE11" in caplog.text


def test_times_of_parquet_read_like_those_of_spss(tmp_path):
    when = datetime(2024, 3, 1, 10, 0, 1)
    frame = pl.DataFrame({"d": [when.date()], "dt": [when], "t": [when.time()], "long": [timedelta(hours=30)]})
    frame.with_columns(half=pl.col("dt") + pl.duration(milliseconds=500)).write_parquet(tmp_path / "p.parquet")
    found = read_microdata(tmp_path / "p.parquet").frame.row(0)
    assert found == ("2024-03-01", "2024-03-01 10:00:01", "10:00:01", "30:00:00", "2024-03-01 10:00:01.500")


def secs(year, month, day):
    return (datetime(year, month, day) - datetime(1582, 10, 14)).total_seconds()


def test_a_date_may_have_labels_and_missing_codes(tmp_path):
    """tidyverse/haven#505."""
    frame = pd.DataFrame({"d": [secs(1990, 1, 1), secs(1900, 1, 1), secs(1901, 1, 1)]})
    pyreadstat.write_sav(
        frame, tmp_path / "p.sav", variable_format={"d": "DATE11"}, missing_ranges={"d": [secs(1900, 1, 1)]},
        variable_value_labels={"d": {secs(1900, 1, 1): "refused", secs(1901, 1, 1): "long ago"}},
    )  # fmt: skip
    read = read_microdata(tmp_path / "p.sav")
    people = read.population("x", [Field(column="d", first="Since {value}.", third="{value}")])
    assert read.declared["d"].to_list() == [None, "1900-01-01", None]
    assert [describe(p, people.fields, "first") for p in people] == ["Since 1990-01-01.", "", "Since long ago."]


@pytest.mark.parametrize(("format", "said"), [("WKDAY9", ["Sunday", "Saturday"]), ("MONTH9", ["January", "July"])])
def test_days_and_months_of_spss_are_numbers_with_names(tmp_path, format, said):
    pyreadstat.write_sav(pd.DataFrame({"d": [1.0, 7.0]}), tmp_path / "p.sav", variable_format={"d": format})
    read = read_microdata(tmp_path / "p.sav")
    people = read.population("x", [Field(column="d", first="{value}", third="{value}")])
    assert read.frame["d"].to_list() == [1, 7]
    assert [describe(p, people.fields, "first") for p in people] == said


@pytest.mark.parametrize(
    "format", ["YYMMDDN8.", "DDMMYYP10.", "MMDDYYS10.", "JULIAN7.", "WORDDATE.", "WEEKDATX.", "B8601DA8.", "DATE9."]
)
def test_dates_of_sas_are_dates_in_whatever_way_they_are_shown(tmp_path, format):
    pyreadstat.write_xport(pd.DataFrame({"D": [23436.0]}), tmp_path / "p.xpt", variable_format={"D": format})
    assert read_microdata(tmp_path / "p.xpt").frame["D"].to_list() == ["2024-03-01"]
