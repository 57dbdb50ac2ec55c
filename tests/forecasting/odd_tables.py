"""A hundred malformed or odd tables, and what a person is told of each.

Each is a file as somebody might have it. It is either refused, in one sentence that contains some
words, or forecast, and then some words stand in a note or among the messages about the table.
"""

from __future__ import annotations

import gzip
import math
from dataclasses import dataclass

Options = tuple[str, ...]


@dataclass(frozen=True)
class Odd:
    """One table.

    Arguments:
        name: what is odd.
        content: of the file.
        refused: words of the refusal; "" where it is forecast.
        said: words in a note or a message; "" where nothing has to be said.
        options: of the command.
        file: name of the file.
    """

    name: str
    content: bytes
    refused: str = ""
    said: str = ""
    options: Options = ()
    file: str = "odd.csv"


def day(number: int) -> str:
    """A date, counted from 2024-01-01."""
    months = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    month = 0
    while number >= months[month % 12]:
        number -= months[month % 12]
        month += 1
    return f"{2024 + month // 12}-{month % 12 + 1:02d}-{number + 1:02d}"


def wave(number: int) -> float:
    """A value with a weekly season."""
    return round(50.0 + 10.0 * math.sin(2.0 * math.pi * number / 7.0) + (number * 37 % 11), 2)


def lines(*rows: object, header: str = "ds,y") -> bytes:
    return ("\n".join([header, *map(str, rows)]) + "\n").encode()


def daily(count: int = 60, **changed: object) -> bytes:
    """A sound daily table with some values changed: ``d3="x"`` is the fourth row's value."""
    rows = [f"{day(k)},{changed.get(f'd{k}', wave(k))}" for k in range(count)]
    return lines(*rows)


def with_dates(*dates: str) -> bytes:
    return lines(*(f"{date},{wave(k)}" for k, date in enumerate(dates)))


def values(*numbers: object) -> bytes:
    """A daily table of these values."""
    return lines(*(f"{day(k)},{number}" for k, number in enumerate(numbers)))


def many(*series: tuple[str, int]) -> bytes:
    """Several series of so many days each."""
    rows = [f"{name},{day(k)},{wave(k)}" for name, count in series for k in range(count)]
    return lines(*rows, header="id,ds,y")


FILES = [
    Odd("nothing at all", b"", "is empty"),
    Odd("blank lines only", b"\n\n  \n\n", "is empty"),
    Odd("a header and no rows", b"ds,y\n", "no rows"),
    Odd("one cell", b"hello\n", "no rows"),
    Odd("prose", b"Dear all,\nplease find the numbers attached.\nKind regards\n", "odd.csv"),
    Odd("a web page", b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
    Odd("JSON", b'[{"ds": "2024-01-01", "y": 1}]', "JSON"),
    Odd("XML", b'<?xml version="1.0"?><rows><row/></rows>', "odd.csv"),
    Odd("null bytes", b"ds,y\n\x00\x00\x00,1\n\x00,2\n", "odd.csv"),
    Odd("random bytes", bytes((k * 7919 + 13) % 256 for k in range(3000)), "odd.csv"),
    Odd("a Parquet file that is none", b"PAR1 and then nothing", "odd", file="odd.parquet"),
    Odd("an Excel file that is none", b"PK\x03\x04broken", "odd", file="odd.xlsx"),
    Odd("a truncated gzip", gzip.compress(daily())[:60], "odd", file="odd.csv.gz"),
    Odd("a picture", b"\x89PNG\r\n\x1a\n" + bytes(200), "odd.csv"),
    Odd("an unknown ending", daily(), "", "", file="odd.dat"),
    Odd("a gzip that is one", gzip.compress(daily()), file="odd.csv.gz"),
    Odd("a byte order mark", b"\xef\xbb\xbf" + daily()),
    Odd("UTF-16", daily().decode().encode("utf-16")),
    Odd("Windows line ends", daily().replace(b"\n", b"\r\n")),
    Odd("old Macintosh line ends", daily().replace(b"\n", b"\r")),
    Odd("blank lines in between", daily().replace(b"\n2024-01-10", b"\n\n\n2024-01-10")),
    Odd("no line end at the end", daily().rstrip()),
    Odd("a title above the header", b"Report of sales\n\n" + daily(), "odd.csv"),
    Odd("a comment above the header", b"# made by hand\n" + daily(), "odd.csv"),
    Odd("a total below", daily() + b"Total,3210\n", "'Total'"),
    Odd("a footnote below", daily() + b"Source: own data\n", "line 62"),
    Odd("an open quote", b'ds,y\n2024-01-01,"1\n2024-01-02,2\n', "line 2"),
    Odd("a row too long", daily(d5="1,2,3"), "line 7"),
    Odd("a row too short", daily().replace(b"\n2024-01-09,", b"\n2024-01-09\n2024-01-10,"), "line"),
    Odd("semicolons and commas", daily().replace(b",", b";").replace(b".", b","), said="comma"),
    Odd("tabs", daily().replace(b",", b"\t")),
    Odd("bars", daily().replace(b",", b"|")),
    Odd("spaces around everything", daily().replace(b",", b" , ").replace(b"\n", b" \n")),
    Odd("quotes around everything", daily().replace(b",", b'","').replace(b"\n", b'"\n"')[:-1]
        .replace(b"ds", b'"ds', 1)),
]  # fmt: skip

COLUMNS = [
    Odd("two columns of one name", lines("2024-01-01,1,2", header="ds,y,y"), "2 columns called"),
    Odd("a column without a name", daily().replace(b"ds,y", b",y", 1)),
    Odd("dates alone", lines(*(day(k) for k in range(30)), header="ds"), "odd.csv"),
    Odd("values alone", lines(*(wave(k) for k in range(60)), header="y"), said="order of the rows"),
    Odd("values and no header", lines(*(wave(k) for k in range(60)), header="12.5"), said=""),
    Odd("two columns of numbers", lines(*(f"{day(k)},{wave(k)},{k}" for k in range(60)),
        header="ds,a,b"), "--target"),
    Odd("two columns of dates", lines(*(f"{day(k)},{day(k + 1)},{wave(k)}" for k in range(60)),
        header="sent,came,y"), "--time"),
    Odd("a column that is not there", daily(), "no column 'sales'", options=("--target", "sales")),
    Odd("the same column twice", daily(), "'y' is named for two things",
        options=("--target", "y", "--time", "y")),
    Odd("an index column", lines(*(f"{k},{day(k)},{wave(k)}" for k in range(60)), header=",ds,y")),
    Odd("a constant column beside", lines(*(f"{day(k)},{wave(k)},EUR" for k in range(60)),
        header="ds,y,currency")),
    Odd("dates along the header", b"item,2024-01,2024-02,2024-03\nA,1,2,3\nB,4,5,6\n", "--wide"),
    Odd("wide, and said so", lines(*(f"{day(k)},{wave(k)},{wave(k + 3)}" for k in range(60)),
        header="ds,tea,coffee"), options=("--wide",)),
    Odd("wide with a column of text", lines(*(f"{day(k)},{wave(k)},x" for k in range(60)),
        header="ds,tea,note"), "'note'", options=("--wide",)),
    Odd("a header of markup", daily().replace(b"ds,y", b"ds,<script>alert(1)</script>", 1)),
    Odd("a formula as a name", daily().replace(b"ds,y", b"ds,=1+1", 1)),
    Odd("a name of 5,000 characters", daily().replace(b"ds,y", b"ds," + b"y" * 5000, 1)),
]  # fmt: skip

VALUES = [
    Odd("a word among numbers", daily(d14="lots"), "line 16, column 'y': 'lots'"),
    Odd("infinity", daily(d3="inf"), "infinite"),
    Odd("a number beyond doubles", daily(d3="1e999"), "line 5"),
    Odd("a number too large to square", daily(d3="1e200"), "too large"),
    Odd("missing in many spellings", daily(d3="NA", d9="n/a", d15="-", d21="null", d27="",
        d33="NaN"), said="no value"),
    Odd("a currency", daily(d3="€12.50"), "line 5"),
    Odd("a percentage", daily(d3="12%"), "line 5"),
    Odd("thousands marked", daily(d3='"1,234.50"')),
    Odd("either 1234 or 1.234", values(*['"1,234"', '"1,500"', '"1,750"'] * 10), "--decimal"),
    Odd("dates in the value column", values(*(day(k) for k in range(30))), "odd.csv"),
    Odd("true and false", values(*["true", "false"] * 20), "odd.csv"),
    Odd("no value at all", values(*[""] * 30), "no values"),
    Odd("one value", values(5), said="a single value"),
    Odd("two values", values(5, 7), said="2 values of history"),
    Odd("three values", values(5, 7, 6), said="3 values of history"),
    Odd("five values", values(5, 7, 6, 8, 5), said="5 values of history for 7 steps"),
    Odd("ten values", values(*(wave(k) for k in range(10))), said="fewer than two seasons"),
    Odd("a constant", values(*[7] * 60), said="a constant series"),
    Odd("all zero", values(*[0] * 60), said="a constant series"),
    Odd("zero but for one", values(*[0] * 40, 5, *[0] * 19), said="changed 2 times"),
    Odd("mostly missing", values(*(wave(k) if k % 10 == 0 else "" for k in range(100))),
        said="no value"),
    Odd("missing at the end", values(*(wave(k) if k < 50 else "" for k in range(60))),
        said="the last 10 values are missing"),
    Odd("missing for longer than it ran", values(*(wave(k) if k < 30 else "" for k in range(330))),
        said="the last 300 values are missing"),
    Odd("missing at the beginning", values(*(wave(k) if k >= 30 else "" for k in range(90)))),
    Odd("tiny numbers", values(*(f"{1e-200 * wave(k):.6e}" for k in range(60)))),
    Odd("huge numbers", values(*(f"{1e90 * wave(k):.6e}" for k in range(60)))),
    Odd("a level of a billion", values(*(1e9 + wave(k) for k in range(60)))),
    Odd("negative numbers", values(*(-wave(k) for k in range(60)))),
    Odd("numbers in brackets", daily(d3="(12.5)"), "line 5"),
    Odd("another level at the end", values(*(wave(k) + 300 * (k >= 84) for k in range(90))),
        said="above the level before"),
    Odd("one wild value at the end", values(*(wave(k) + 900 * (k == 89) for k in range(90))),
        said="above the level before"),
    Odd("dead at the end", values(*(wave(k) * (k < 80) for k in range(100))),
        said="the last 20 values are all the same"),
]  # fmt: skip

TIMES = [
    Odd("a date that is none", daily().replace(b"2024-01-20", b"2024-13-45"), "line 21"),
    Odd("a missing date", daily().replace(b"2024-01-20", b""), "line 21"),
    Odd("the 30th of February", daily().replace(b"2024-02-20", b"2024-02-30"), "line 52"),
    Odd("year 1 and year 9999", with_dates("0001-01-01", "9999-01-01", "9999-01-02"), "odd.csv"),
    Odd("day or month first", with_dates("01/02/2024", "02/02/2024", "03/02/2024"), "ambiguous"),
    Odd("a row twice", daily() + b"2024-01-05,3\n", "2024-01-05"),
    Odd("every row twice", daily() + daily().split(b"\n", 1)[1], "2024-01-01"),
    Odd("out of order", b"\n".join([b"ds,y", *reversed(daily().strip().split(b"\n")[1:])])),
    Odd("irregular times", with_dates(*(f"2024-01-{d:02d} {h}:{m:02d}" for d, h, m in
        ((1, 3, 7), (1, 9, 2), (2, 4, 51), (4, 1, 3), (4, 22, 8), (7, 0, 0), (9, 13, 13)))),
        "irregular"),
    Odd("with and without an offset", with_dates("2024-01-01T00:00Z", "2024-01-02 00:00",
        "2024-01-03 00:00"), "offset"),
    Odd("mixed forms", with_dates("2024-01-01", "02.01.2024", "2024/01/03"), "line 3"),
    Odd("seconds since 1970", lines(*(f"{1_700_000_000 + 3600 * k},{wave(k)}" for k in range(60)))),
    Odd("years", lines(*(f"{1960 + k},{wave(k)}" for k in range(60)), header="year,y"),
        said="time 'year'"),
    Odd("quarters", lines(*(f"{2000 + k // 4}Q{k % 4 + 1},{wave(k)}" for k in range(40)))),
    Odd("a month missing", lines(*(f"{2015 + k // 12}-{k % 12 + 1:02d},{wave(k)}" for k in range(60)
        if k != 30)), said="no value"),
    Odd("one date repeated", with_dates(*["2024-01-01"] * 10), "2024-01-01"),
    Odd("a gap of a century", with_dates("1900-01-01", "1900-01-02", "2000-01-01", "2000-01-02"),
        "leaps over"),
    Odd("names of days", with_dates("Monday", "Tuesday", "Wednesday"), "odd.csv"),
    Odd("a frequency that does not fit", daily(), "--freq MS asks", options=("--freq", "MS")),
    Odd("a frequency that is none", daily(), "freq", options=("--freq", "often")),
    Odd("a season longer than the data", daily(), said="fewer than two seasons",
        options=("--season", "90")),
]  # fmt: skip

SERIES = [
    Odd("one long and one short series", many(("long", 80), ("short", 3)), said="3 values of"),
    Odd("a series of nothing", many(("full", 60)) + b"none,2024-01-01,\n", said="'none'"),
    Odd("a missing name", many(("a", 60)) + b",2024-01-01,5\n", "line 62"),
    Odd("names with commas and quotes", many(('"a, ""b"""', 60), ("c", 60))),
    Odd("names of markup", many(("<b>bold</b>", 60), ("{{data}}", 60))),
    Odd("names that are numbers", many(("1", 60), ("2", 60))),
    Odd("series that end apart", many(("early", 40), ("late", 80)), said="end"),
    Odd("series on two calendars", lines(*(f"a,{day(k)},{wave(k)}" for k in range(30)),
        *(f"b,{day(k)} 00:30,{wave(k)}" for k in range(30)), header="id,ds,y"), "'b'"),
    Odd("a name for each row", lines(*(f"n{k},{day(k)},{wave(k)}" for k in range(60)),
        header="id,ds,y"), said="Columns left out: 'id'"),
    Odd("two hundred series of one value", lines(*(f"n{k},2024-01-01,{wave(k)}"
        for k in range(200)), header="id,ds,y"), said="a single value"),
]  # fmt: skip

ODD = [*FILES, *COLUMNS, *VALUES, *TIMES, *SERIES]
