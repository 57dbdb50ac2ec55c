"""Tables of all layouts become the series that a person would see in them."""

from __future__ import annotations

import gzip
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.tables.desk import said

from holdfast.errors import ArgumentError, TableError
from holdfast.tables.read import ReadOptions, Table, read

DAYS = [str(date(2020, 1, 1) + timedelta(days=day)) for day in range(40)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def read_text(file: Path, text: str, **options: object) -> Table:
    file.write_text(text, encoding="utf-8")
    return read(file, ReadOptions(**options))  # type: ignore[arg-type] # each test's own options


# The first rows of well-known files, in their own spelling.
CLASSICS = {
    "air passengers": (
        "Month,#Passengers\n" + "".join(f"1949-{m:02d},{110 + m}\n" for m in range(1, 13)),
        ("Month", "#Passengers", "MS", "1949-01-01", 12),
    ),
    "beer, value first": (
        '"Y","date"\n284,1956-01-01\n213,1956-04-01\n227,1956-07-01\n308,1956-10-01\n',
        ("date", "Y", "QS", "1956-01-01", 4),
    ),
    "co2, compact dates and blanks": (
        "date,co2\n19580329,316.1\n19580405,317.3\n19580412,\n19580419,317.5\n",
        ("date", "co2", "W-SAT", "1958-03-29", 3),
    ),
    "sunspots, quoted months before 1900": (
        '"Month","Sunspots"\n"1749-01",58.0\n"1749-02",62.6\n"1749-03",70.0\n',
        ("Month", "Sunspots", "MS", "1749-01-01", 3),
    ),
    "nile, plain years": (
        "year,volume\n1871,1120\n1872,1160\n1873,963\n",
        ("year", "volume", "1", "1871", 3),
    ),
    "taxi, half hours": (
        "time,#Passengers\n2014-07-01 00:00:00,10844\n2014-07-01 00:30:00,8127\n",
        ("time", "#Passengers", "30min", "2014-07-01 00:00:00", 2),
    ),
    "taylor, values alone": ('"Y"\n22262\n21756\n22247\n', ("ds", "Y", "1", "1", 3)),
    "gasoline, descending and month first": (
        "Week,Gasoline\n04/30/2021,8864\n04/23/2021,8877\n04/16/2021,9104\n04/9/2021,8900\n",
        ("Week", "Gasoline", "W-FRI", "2021-04-09", 4),
    ),
    "no header": ("2020-01-01,5\n2020-01-02,6\n", ("column 1", "column 2", "D", "2020-01-01", 2)),
}


@pytest.mark.parametrize("name", CLASSICS)
def test_classic_files_are_understood_without_flags(file: Path, name: str) -> None:
    text, (time, target, code, first, rows) = CLASSICS[name]
    table = read_text(file, text)
    assert (table.columns.time, table.columns.target) == (time, target)
    assert (table.series.calendar.code, table.summary.first) == (code, first)
    assert table.summary.rows == rows
    assert repr(target) in said(table)


def test_gaps_stay_gaps_or_become_zero(file: Path) -> None:
    text = "ds,y\n" + "".join(f"{DAYS[k]},{k}\n" for k in range(10) if k not in (3, 4))
    text = text.replace(f"{DAYS[6]},6", f"{DAYS[6]},NA")
    table = read_text(file, text)
    assert np.flatnonzero(np.isnan(table.series.values)).tolist() == [3, 4, 6]
    assert (table.summary.rows, table.summary.gaps) == (7, 3)
    filled = read_text(file, text, missing="zero")
    assert filled.series.values.tolist() == [0, 1, 2, 0, 0, 5, 0, 7, 8, 9]


def test_missing_values_at_the_start_are_cut_and_at_the_end_kept(file: Path) -> None:
    text = f"ds,y\n{DAYS[0]},\n{DAYS[1]},1\n{DAYS[2]},2\n{DAYS[3]},\n"
    table = read_text(file, text)
    np.testing.assert_array_equal(table.series.values, [1.0, 2.0, np.nan])
    assert (table.summary.first, table.summary.last) == (DAYS[1], DAYS[3])


def test_a_late_first_value_leaves_the_series_before_alone(file: Path) -> None:
    text = "unique_id,ds,y\n" + "".join(f"a,{DAYS[k]},{k + 1}\n" for k in range(4))
    text += "".join(f"b,{DAYS[k]},{'' if k < 2 else k}\n" for k in range(4))
    table = read_text(file, text)
    assert table.series.one(0).tolist() == [1, 2, 3, 4]
    assert table.series.one(1).tolist() == [2, 3]


def test_a_period_in_which_every_value_is_missing_stays_a_gap(file: Path) -> None:
    rows = [(0, "1"), (0, ""), (1, ""), (1, ""), (2, "5"), (2, "7")]
    text = "ds,y\n" + "".join(f"{DAYS[k]} 1{n}:00,{v}\n" for n, (k, v) in enumerate(rows))
    for how, last in (("sum", 12.0), ("mean", 6.0)):
        table = read_text(file, text, aggregate=how, freq="D")
        np.testing.assert_array_equal(table.series.values, [1.0, np.nan, last])


def test_business_days_are_seen_and_holidays_are_gaps(file: Path) -> None:
    days = [day for day in DAYS if date.fromisoformat(day).weekday() < 5]
    days.remove("2020-01-20")
    table = read_text(file, "ds,y\n" + "".join(f"{day},{k}\n" for k, day in enumerate(days)))
    assert table.series.calendar.code == "B"
    assert table.summary.gaps == 1


def test_several_series_keep_their_order_and_their_own_span(file: Path) -> None:
    text = "store,item,date,sales\n"
    text += "".join(f"s2,9,{day},2\n" for day in DAYS[5:10])
    text += "".join(f"s1,10,{day},1\n" for day in DAYS[:8])
    table = read_text(file, text)
    assert table.columns.id == ("store", "item")
    assert table.series.labels == ("s2 / 9", "s1 / 10")
    assert table.series.keys["store"].tolist() == ["s2", "s1"]
    assert table.series.lengths.tolist() == [5, 8]
    assert (table.series.starts[0] - table.series.starts[1]) == 5
    assert "1 of 2 series ends before 2020-01-10" in said(table)


def test_named_id_columns_are_joined_in_the_order_given(file: Path) -> None:
    text = "a,b,ds,y\n" + "".join(f"x,{k},{day},{k}\n" for day in DAYS[:3] for k in (1, 2))
    table = read_text(file, text, id_col=["b", "a"])
    assert table.series.labels == ("1 / x", "2 / x")
    assert table.series.one(1).tolist() == [2, 2, 2]


def test_keys_belong_to_their_series_in_whatever_order_they_appear(file: Path) -> None:
    firsts = [("x", 2), ("y", 1), ("x", 1), ("y", 2)]
    text = "a,b,ds,y\n"
    text += "".join(f"{a},{b},{DAYS[k]},{10 * b}\n" for k in range(3) for a, b in firsts)
    series = read_text(file, text, id_col=["a", "b"]).series
    assert series.labels == ("x / 2", "y / 1", "x / 1", "y / 2")
    assert series.keys["a"].tolist() == ["x", "y", "x", "y"]
    assert series.keys["b"].tolist() == ["2", "1", "1", "2"]
    assert [row[0] for row in map(series.one, range(4))] == [20, 10, 10, 20]


def test_remarks_tell_no_series_apart(file: Path) -> None:
    for remarks in (["a", "b", "c", "d", "e"], ["sale", "", "", "sale", ""]):
        text = "ds,remark,y\n" + "".join(f"{DAYS[k]},{remarks[k]},{k}\n" for k in range(5))
        table = read_text(file, text)
        assert len(table.series) == 1
        assert "left out: 'remark'" in said(table)


def test_an_empty_line_among_bare_values_is_a_gap(file: Path) -> None:
    table = read_text(file, "Y\n1\n\n3\n4\n\n\n")
    np.testing.assert_array_equal(table.series.values, [1, np.nan, 3, 4])


def test_wide_tables_have_a_series_in_each_column(file: Path) -> None:
    text = "date,north,south\n" + "".join(f"{DAYS[k]},{k},{'' if k < 2 else 9}\n" for k in range(5))
    table = read_text(file, text, wide=True)
    assert table.series.labels == ("north", "south")
    assert table.series.lengths.tolist() == [5, 3]
    assert table.columns.id == ("unique_id",)
    with pytest.raises(TableError, match="several columns of numbers, 'north', 'south'"):
        read_text(file, text)


def test_wide_tables_may_have_a_series_in_each_row(file: Path) -> None:
    text = "item,2020-01,2020-02,2020-03,2020-04\nA,1,2,3,4\nB,5,,7,8\n"
    table = read_text(file, text, wide=True)
    assert (table.series.labels, table.columns.id) == (("A", "B"), ("item",))
    np.testing.assert_array_equal(table.series.one(1), [5, np.nan, 7, 8])
    assert table.series.calendar.code == "MS"
    with pytest.raises(TableError, match="line 3, column '2020-02': 'x'"):
        read_text(file, text.replace("B,5,,", "B,5,x,"), wide=True, decimal=".")


def test_a_text_column_in_a_wide_table_is_refused(file: Path) -> None:
    with pytest.raises(TableError, match="column 'b' of the wide table does not hold numbers"):
        read_text(file, "date,a,b\n2020-01-01,1,x\n2020-01-02,2,y\n", wide=True)


def test_a_column_of_row_numbers_is_passed_over(file: Path) -> None:
    text = ",ds,y\n" + "".join(f"{k},{DAYS[k]},{5 * k}\n" for k in range(4))
    assert read_text(file, text).series.values.tolist() == [0, 5, 10, 15]


def test_ambiguous_tables_are_refused_with_the_arguments(file: Path) -> None:
    with pytest.raises(TableError, match=r"several columns of numbers, 'a', 'b'.*target_col="):
        read_text(file, "ds,a,b\n2020-01-01,1,2\n2020-01-02,2,3\n")
    with pytest.raises(TableError, match=r"several columns of dates, 'sent', 'paid'.*time_col="):
        read_text(file, "sent,paid,y\n2020-01-01,2020-01-03,2\n2020-01-02,2020-01-04,3\n")
    with pytest.raises(TableError, match=r"columns 'year', 'month', 'day'.*time_col="):
        read_text(file, "year,month,day,pm\n2020,1,1,2.5\n2020,1,2,3.5\n")
    with pytest.raises(
        TableError, match=r"several columns that could tell.*'who', 'what'.*id_col="
    ):
        read_text(file, "ds,who,what,y\n2020-01-01,a,b,1\n2020-01-01,c,d,1\n2020-01-02,e,f,1\n")
    with pytest.raises(TableError, match=r"no column of dates.*time_col="):
        read_text(file, "name,y\na,1\na,2\n")


def test_transactions_are_added_up_and_the_unfinished_week_is_left_out(file: Path) -> None:
    text = "when,amount\n"
    for k in range(17):  # Wednesday 2020-01-01 to Friday 2020-01-17
        text += f"{DAYS[k]} 09:15,1\n{DAYS[k]} 17:40:30,2\n"
    table = read_text(file, text, aggregate="sum", freq="W")
    assert table.series.values.tolist() == [15.0, 21.0]
    assert table.summary.last == "2020-01-12"
    assert "last period (2020-01-19) is not over" in said(table)
    mean = read_text(file, text, aggregate="mean", freq="W")
    assert mean.series.values.tolist() == [1.5, 1.5, 1.5]
    daily = read_text(file, text, aggregate="sum", freq="D")
    assert daily.series.values.tolist() == [3.0] * 17


def test_without_sales_to_the_end_sums_are_zero_only_when_asked(file: Path) -> None:
    text = "shop,when,amount\n"
    text += "".join(f"a,{day} 10:00,1\n" for day in DAYS[:14])
    text += "".join(f"b,{day} 10:00,1\n" for day in (DAYS[0], DAYS[3]))
    table = read_text(file, text, aggregate="sum", freq="D", missing="zero")
    assert table.series.lengths.tolist() == [14, 14]
    assert table.series.one(1).sum() == 2.0
    gaps = read_text(file, text, aggregate="sum", freq="D")
    assert gaps.series.lengths.tolist() == [14, 4]


def test_repeated_rows_are_combined_without_a_frequency(file: Path) -> None:
    text = "ds,y\n" + "".join(f"{day},{k}\n" for k, day in enumerate(DAYS[:4])) + f"{DAYS[1]},5\n"
    assert read_text(file, text, aggregate="sum").series.values.tolist() == [0, 6, 2, 3]
    assert read_text(file, text, aggregate="mean").series.values.tolist() == [0, 3, 2, 3]


def test_a_suspicious_last_period_is_flagged_and_a_seasonal_low_is_not(file: Path) -> None:
    months = [f"{2018 + k // 12}-{k % 12 + 1:02d}" for k in range(30)]
    values = [100 + k % 12 for k in range(30)]
    text = "ds,y\n" + "".join(f"{m},{v}\n" for m, v in zip(months, values, strict=True))
    assert "last period" not in said(read_text(file, text))
    cut = text.replace("2020-06,105", "2020-06,30")
    assert "last period (2020-06-01) has less than half" in said(read_text(file, cut))


def test_a_given_frequency_follows_the_dates_where_its_code_leaves_them_open(file: Path) -> None:
    months = "ds,y\n" + "".join(f"2020-{m:02d}-01,{m}\n" for m in range(1, 8))
    assert read_text(file, months, freq="1mo").series.calendar.code == "MS"
    table = read_text(file, months, freq="M")
    assert table.series.calendar.code == "MS"
    assert "not those of freq='M'" in said(table)
    weeks = "ds,y\n" + "".join(f"{DAYS[k]},{k}\n" for k in range(0, 35, 7))
    assert read_text(file, weeks, freq="W").series.calendar.code == "W-WED"
    with pytest.raises(TableError, match=r"line 3: 2020-02-01 .*freq='QS'"):
        read_text(file, months, freq="QS")
    sparse = "ds,y\n2020-01-01,1\n2020-01-03,2\n2020-01-05,3\n"
    assert read_text(file, sparse).series.calendar.code == "2D"
    assert read_text(file, sparse, freq="D").summary.gaps == 2


def test_years_become_dates_only_when_asked(file: Path) -> None:
    text = "year,y\n1990,1\n1991,2\n1992,3\n"
    assert read_text(file, text).series.calendar.kind == "counter"
    assert read_text(file, text, freq="YS").summary.first == "1990-01-01"


def test_hours_in_a_zone_lie_on_utc_and_days_on_the_wall(file: Path) -> None:
    pytest.importorskip("zoneinfo")
    start = datetime(2020, 3, 28)
    hours = [start + timedelta(hours=k) for k in range(48)]
    zoned = pa.array(hours, pa.timestamp("us")).cast(pa.timestamp("us", tz="Europe/Berlin"))
    hourly = read(pa.table({"ds": zoned, "y": np.arange(48.0)}))
    assert (hourly.series.calendar.code, hourly.summary.gaps) == ("h", 0)
    assert hourly.summary.last == "2020-03-30 01:00:00+02:00"
    midnights = ["2020-03-27T23:00", "2020-03-28T23:00", "2020-03-29T22:00", "2020-03-30T22:00"]
    days = pa.array(np.array(midnights, dtype="datetime64[us]"))
    days = days.cast(pa.timestamp("us", tz="Europe/Berlin"))
    daily = read(pa.table({"ds": days, "y": np.arange(4.0)}))
    assert (daily.series.calendar.code, daily.summary.gaps) == ("D", 0)
    assert daily.summary.first == "2020-03-28"


def test_the_season_can_be_given(file: Path) -> None:
    table = read_text(file, "ds,y\n" + "".join(f"{day},1\n" for day in DAYS), season=5)
    assert (table.season, table.summary.season) == (5, 5)
    with pytest.raises(ArgumentError, match="season"):
        read(file, ReadOptions(season=-1))


def test_packed_and_parquet_files_are_read_like_text(tmp_path: Path) -> None:
    text = "unique_id,ds,y\n" + "".join(f"7,{day},{k}\n" for k, day in enumerate(DAYS))
    packed = tmp_path / "table.csv.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    first = read(packed)
    columns = {"unique_id": [7] * 40, "ds": [date.fromisoformat(day) for day in DAYS]}
    pq.write_table(pa.table({**columns, "y": np.arange(40.0)}), tmp_path / "table.parquet")
    second = read(tmp_path / "table.parquet")
    for table in (first, second):
        assert table.series.labels == ("7",)
        assert table.series.values.tolist() == list(range(40))
    assert second.series.keys["unique_id"].dtype == np.int64


def test_excel_sheets_are_read(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("python_calamine")
    book = openpyxl.Workbook()
    book.active.title = "notes"
    sheet = book.create_sheet("sales")
    for row in (["Month", "Sales"], *([datetime(2020, m, 1), 10.5 * m] for m in range(1, 8))):
        sheet.append(row)
    book.save(tmp_path / "book.xlsx")
    table = read(tmp_path / "book.xlsx", ReadOptions(sheet="sales"))
    assert (table.series.calendar.code, table.series.values[6]) == ("MS", 73.5)
    with pytest.raises(TableError, match="sheet 'notes', is empty"):
        read(tmp_path / "book.xlsx")
    with pytest.raises(ArgumentError, match="it has notes, sales"):
        read(tmp_path / "book.xlsx", ReadOptions(sheet="plans"))
    book["notes"].append(["read me"])
    book["notes"].append(["first"])
    book.save(tmp_path / "book.xlsx")
    with pytest.raises(TableError, match=r"sheet 'notes'; sheet= takes another\) has no column"):
        read(tmp_path / "book.xlsx")
    sheet["B4"] = "oops"
    book.save(tmp_path / "book.xlsx")
    with pytest.raises(TableError, match=r"book\.xlsx, row 4, column 'Sales': 'oops'"):
        read(tmp_path / "book.xlsx", ReadOptions(sheet="sales"))


def test_names_with_numbers_tell_series_apart_and_are_no_dates() -> None:
    days = [f"2024-01-{day:02d}" for day in range(1, 11)]
    table = read(
        {
            "town": np.array(["town 01"] * 10 + ["town 02"] * 10, dtype=object),
            "day": np.array(days * 2, dtype=object),
            "hires": np.arange(20.0),
        }
    )
    assert table.columns.id == ("town",)
    assert table.series.labels == ("town 01", "town 02")
