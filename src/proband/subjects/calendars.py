"""Dates and times of SPSS, Stata and SAS, which keep them as numbers and say in a format what the numbers mean."""

import re
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta

_SPSS, _1960 = datetime(1582, 10, 14), datetime(1960, 1, 1)
_S, _DAY = timedelta(seconds=1), timedelta(days=1)

# First days with one more leap second than the day before; Stata's %tC counts them.
_LEAPS = (
    *("1972-07-01", "1973-01-01", "1974-01-01", "1975-01-01", "1976-01-01", "1977-01-01", "1978-01-01", "1979-01-01"),
    *("1980-01-01", "1981-07-01", "1982-07-01", "1983-07-01", "1985-07-01", "1988-01-01", "1990-01-01", "1991-01-01"),
    *("1992-07-01", "1993-07-01", "1994-07-01", "1996-01-01", "1997-07-01", "1999-01-01", "2006-01-01", "2009-01-01"),
    *("2012-07-01", "2015-07-01", "2017-01-01"),
)

Teller = Callable[[float], str]


def teller_of(format: str, suffix: str) -> Teller | None:
    """What puts a column's numbers into words, or None where they are numbers.

    Dates are ISO text (``2024-03-01``, ``2024-03-01 10:00:00``), months ``2024-03``, quarters ``2024 Q1``, weeks
    ``2024 week 9``, which begin on 1 January, times and lengths of time ``30:00:00``, in hours of any number.

    Parameters
    ----------
    format : str
        As in the file, e.g. ``DATE11``, ``%tdD_m_Y``.
    suffix : str
        Of the file.

    Examples
    --------
    >>> teller_of("TIME8", ".sav")(108_000), teller_of("%tm", ".dta")(770), teller_of("F8.2", ".sav")
    ('30:00:00', '2024-03', None)
    """
    if suffix == ".dta":
        found = re.match(r"%-?(t[a-zA-Z]|d)", format)
        return _STATA.get(found[1]) if found else None
    found = re.match(r"[A-Z]+(?:8601[A-Z]+)?", format.upper())
    name = found[0] if found else ""
    if suffix == ".xpt":  # the last letter says what stands between day and month
        return _SAS.get(re.sub(r"(?<=^(?:DDMMYY|MMDDYY|YYMMDD))[BCDNPS]$", "", name))
    return _SPSS_FORMATS.get(name)


def clock(seconds: float) -> str:
    """A length of time, or a time of day: hours of any number, minutes and seconds.

    Examples
    --------
    >>> clock(108_000), clock(-61.5)
    ('30:00:00', '-00:01:01.5')
    """
    micro = round(abs(seconds) * 1_000_000)
    whole, rest = divmod(micro, 1_000_000)
    text = f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}" + f".{rest:06}".rstrip("0").rstrip(".")
    return f"-{text}" if seconds < 0 and micro else text


def moment(when: datetime) -> str:
    """A date with its time, and with parts of a second where there are any."""
    text = when.isoformat(sep=" ")
    return text.rstrip("0") if "." in text else text


def _leaped(seconds: float) -> str:
    when = _1960 + seconds * _S
    n = bisect_right(_LEAPS, (when - bisect_right(_LEAPS, when.isoformat()) * _S).isoformat())
    return moment(when - n * _S)


def _dated(start: datetime, unit: timedelta, told: Callable[[datetime], str]) -> Teller:
    return lambda number: told(start + number * unit)


def _day(when: datetime) -> str:
    return when.date().isoformat()


def _month(when: datetime) -> str:
    return f"{when:%Y-%m}".rjust(7, "0")


def _quarter(when: datetime) -> str:
    return f"{when.year} Q{(when.month + 2) // 3}"


def _week(when: datetime) -> str:
    return f"{when.year} week {(when.timetuple().tm_yday + 6) // 7}"


def _periods(n: int, told: Callable[[int, int], str]) -> Teller:
    """Whole periods since the beginning of 1960, n in a year."""
    return lambda number: told(1960 + int(number // n), int(number % n) + 1)


_SPSS_FORMATS: dict[str, Teller] = {
    **dict.fromkeys(("DATE", "ADATE", "EDATE", "JDATE", "SDATE"), _dated(_SPSS, _S, _day)),
    **dict.fromkeys(("DATETIME", "YMDHMS"), _dated(_SPSS, _S, moment)),
    **dict.fromkeys(("TIME", "DTIME", "MTIME"), clock),
    **{"MOYR": _dated(_SPSS, _S, _month), "QYR": _dated(_SPSS, _S, _quarter), "WKYR": _dated(_SPSS, _S, _week)},
}
_SAS: dict[str, Teller] = {
    **dict.fromkeys(("DATE", "DDMMYY", "MMDDYY", "YYMMDD", "WEEKDATE", "WEEKDATX"), _dated(_1960, _DAY, _day)),
    **dict.fromkeys(("WORDDATE", "WORDDATX", "JULIAN", "B8601DA", "E8601DA"), _dated(_1960, _DAY, _day)),
    **dict.fromkeys(("DATETIME", "DATEAMPM", "B8601DT", "E8601DT", "MDYAMPM"), _dated(_1960, _S, moment)),
    **{"DTDATE": _dated(_1960, _S, _day)},
    **dict.fromkeys(("TIME", "TIMEAMPM", "HHMM", "TOD", "B8601TM", "E8601TM"), clock),
    **{"MONYY": _dated(_1960, _DAY, _month), "YYMM": _dated(_1960, _DAY, _month), "YYQ": _dated(_1960, _DAY, _quarter)},
}
_STATA: dict[str, Teller] = {
    **dict.fromkeys(("td", "d"), _dated(_1960, _DAY, _day)),
    **{"tc": _dated(_1960, _S / 1000, moment), "tC": lambda number: _leaped(number / 1000)},
    "tm": _periods(12, lambda year, part: f"{year}-{part:02}"),
    "tq": _periods(4, lambda year, part: f"{year} Q{part}"),
    "th": _periods(2, lambda year, part: f"{year} H{part}"),
    "tw": _periods(52, lambda year, part: f"{year} week {part}"),
}
