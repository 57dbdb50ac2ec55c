"""Each wrong table gets one sentence that names the place, or is handled and said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.tables.desk import DAYS, Desk, lines, said

from holdfast.errors import ArgumentError, InputError, TableError
from holdfast.tables.read import read


def test_missing_column_names_the_file_and_the_nearest(desk: Desk) -> None:
    text = "unique_id,ds,sales\na,2020-01-01,1\na,2020-01-02,2\n"
    sentence = desk.refusal(text, target_col="sale")
    assert sentence == "sales.csv has no column 'sale'; did you mean 'sales'?"
    assert "it has 'unique_id', 'ds', 'sales'" in desk.refusal(text, id_col=["zone"])


def test_empty_file(desk: Desk) -> None:
    assert desk.refusal("").startswith("sales.csv is empty")
    assert desk.refusal(" \n\n").startswith("sales.csv is empty")


def test_header_only(desk: Desk) -> None:
    assert "sales.csv has a header but no rows" in desk.refusal("unique_id,ds,y\n")


def test_non_numeric_value_names_line_and_column(desk: Desk) -> None:
    text = lines(DAYS).replace(f"{DAYS[15]},11", f"{DAYS[15]},lots")
    assert desk.refusal(text).startswith("sales.csv, line 17, column 'y': 'lots' is not a number")


def test_non_numeric_value_is_found_behind_blank_and_quoted_lines(desk: Desk) -> None:
    text = 'ds,y,note\n\n2020-01-01,1,"two\nlines"\n2020-01-02,oops,x\n2020-01-03,3,x\n'
    sentence = desk.refusal(text, target_col="y", time_col="ds")
    assert "line 5, column 'y': 'oops'" in sentence


def test_a_column_of_nothing_but_mistakes_is_still_refused_by_line(desk: Desk) -> None:
    assert "line 2, column 'y': 'x'" in desk.refusal("ds,y\n2020-01-01,x\n2020-01-02,z\n")


@pytest.mark.parametrize("value", ["inf", "-Infinity", "1e999"])
def test_infinite_value(desk: Desk, value: str) -> None:
    text = lines(DAYS).replace(f"{DAYS[3]},13", f"{DAYS[3]},{value}")
    sentence = desk.refusal(text)
    assert f"line 5, column 'y': the value {value} is infinite" in sentence


def test_other_kinds_of_text_are_called_by_name(desk: Desk) -> None:
    assert "is a web page, not a table" in desk.refusal("<!DOCTYPE html>\n<html></html>\n")
    assert "is JSON, not a table" in desk.refusal('[{"ds": "2020-01-01", "y": 1}]\n')


def test_dates_along_the_header_ask_for_wide(desk: Desk) -> None:
    text = "item,Jan 2020,Feb 2020,Mar 2020\nA,1,2,3\nB,4,5,6\n"
    sentence = desk.refusal(text)
    assert "dates along its header, 'Jan 2020'" in sentence
    assert "wide=True" in sentence


def test_a_sheet_of_a_file_without_sheets(desk: Desk) -> None:
    assert "leave out sheet=" in desk.refusal(lines(DAYS), sheet="Data")


def test_time_by_the_order_of_rows_is_said_where_columns_are_left_out(desk: Desk) -> None:
    table = desk.read("epoch,v\n" + "".join(f"{k * 3600},{k % 7}\n" for k in range(30)),
                      target_col="v")  # fmt: skip
    assert "time by the order of the rows" in said(table)
    assert "Columns left out: 'epoch'" in said(table)


@pytest.mark.filterwarnings("error")
def test_a_constant_series_with_gaps_has_its_usual_season_unchecked(desk: Desk) -> None:
    table = desk.read(
        "ds,y\n" + "".join(f"{day},{'' if k % 3 else 5}\n" for k, day in enumerate(DAYS))
    )
    assert "too few values to check" in said(table)


def test_all_values_missing(desk: Desk) -> None:
    sentence = desk.refusal("ds,y\n2020-01-01,\n2020-01-02,NA\n")
    assert sentence == "sales.csv has no values: every value of the series is missing."


def test_one_empty_series_among_others_is_left_out_and_named(desk: Desk) -> None:
    table = desk.read("id,ds,y\na,2020-01-01,1\na,2020-01-02,2\nb,2020-01-01,\nb,2020-01-02,\n")
    assert table.series.labels == ("a",)
    assert "'b'" in said(table)


def test_one_row(desk: Desk) -> None:
    table = desk.read("ds,y\n2020-01-01,5\n")
    assert table.series.values.tolist() == [5.0]
    assert "is a guess, daily (D)" in said(table)
    assert desk.read("ds,y\n2020-01,5\n").series.calendar.code == "MS"


def test_three_rows(desk: Desk) -> None:
    assert desk.read(lines(DAYS[:3])).summary.rows == 3


def test_huge_values_keep_their_digits(desk: Desk) -> None:
    table = desk.read("ds,y\n2020-01-01,1e30\n2020-01-02,1.5e30\n2020-01-03,2e30\n")
    assert table.series.values.tolist() == [1e30, 1.5e30, 2e30]


def test_values_beyond_double_precision_squares_are_refused(desk: Desk) -> None:
    text = lines(DAYS[:5]).replace(f"{DAYS[2]},12", f"{DAYS[2]},1e200")
    assert "line 4, column 'y': 1e+200 is too large" in desk.refusal(text)


def test_constant_series(desk: Desk) -> None:
    table = desk.read("ds,y\n" + "".join(f"{day},7\n" for day in DAYS))
    assert (table.series.values == 7.0).all()
    assert table.season == 7


def test_integer_ids(desk: Desk) -> None:
    text = "unique_id,ds,y\n" + "".join(f"{key},{day},1\n" for key in (10, 9) for day in DAYS[:3])
    table = desk.read(text)
    assert table.series.labels == ("10", "9")


def test_ids_with_spaces_and_emoji(desk: Desk) -> None:
    names = ("my shop 🍕", "Ünïcode ltd")
    text = "shop,ds,y\n" + "".join(f"{name},{day},1\n" for name in names for day in DAYS[:3])
    assert desk.read(text).series.labels == names


def test_missing_id_names_the_line(desk: Desk) -> None:
    sentence = desk.refusal("unique_id,ds,y\na,2020-01-01,1\n ,2020-01-02,2\n")
    assert "line 3, column 'unique_id'" in sentence


def test_byte_order_mark(desk: Desk) -> None:
    table = desk.read(b"\xef\xbb\xbf" + lines(DAYS).encode())
    assert (table.columns.time, table.columns.target) == ("ds", "y")
    assert desk.read(lines(DAYS).encode("utf-16")).summary.rows == 30


def test_semicolons_and_decimal_commas(desk: Desk) -> None:
    table = desk.read("Datum;Wert\n31.12.2020;3,5\n01.01.2021;1.234,25\n02.01.2021;4\n")
    assert table.series.values.tolist() == [3.5, 1234.25, 4.0]
    assert table.summary.first == "2020-12-31"


def test_decimal_commas_that_could_be_thousands_are_refused(desk: Desk) -> None:
    text = 'ds,y\n2020-01-01,"1,234"\n2020-01-02,"1,500"\n'
    sentence = desk.refusal(text)
    assert "1,234 may be 1234 or 1.234" in sentence
    assert "decimal=','" in sentence
    assert desk.read(text, decimal=".").series.values.tolist() == [1234.0, 1500.0]
    assert desk.read(text, decimal=",").series.values.tolist() == [1.234, 1.5]


def test_latin_1_file_is_read_and_said(desk: Desk) -> None:
    text = "Straße,ds,y\n" + "".join(f"Köln,{day},1\n" for day in DAYS[:3])
    table = desk.read(text.encode("latin-1"), id_col="Straße")
    assert table.series.labels == ("Köln",)
    assert "not UTF-8" in said(table)


@pytest.mark.parametrize("size", [40, 1_000, 100_000])
def test_random_bytes(desk: Desk, size: int) -> None:
    noise = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8).tobytes()
    assert desk.refusal(noise).startswith("sales.csv ")


@pytest.mark.parametrize("start", [b"PAR1", b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0"])
def test_broken_files_of_known_kinds(desk: Desk, start: bytes) -> None:
    assert desk.refusal(start + b"broken" * 20).startswith("sales.csv is not a ")


def test_a_path_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"There is no file .*nothing\.csv"):
        read(tmp_path / "nothing.csv")
    with pytest.raises(TableError, match="is a folder"):
        read(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read anything")
def test_a_file_that_may_not_be_read(desk: Desk) -> None:
    path = desk.folder / "secret.csv"
    path.write_text(lines(DAYS))
    path.chmod(0)
    with pytest.raises(TableError, match=r"secret\.csv cannot be read: permission is denied"):
        read(path)


def test_a_path_that_fails_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret.csv").write_text(lines(DAYS))

    def denied(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(TableError, match=r"secret\.csv cannot be read: permission is denied"):
        read(tmp_path / "secret.csv")


def test_excel_without_its_reader_says_what_to_install(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(InputError, match=r'pip install "holdfast\[excel\]"'):
        desk.read(b"PK\x03\x04 a workbook", "sales.xlsx")


def test_a_line_with_too_many_values_is_named(desk: Desk) -> None:
    sentence = desk.refusal("ds,y\n2020-01-01,1\n2020-01-02,1,5\n2020-01-03,2\n")
    assert "sales.csv, line 3: 3 values, but the first row has 2" in sentence


def test_a_quote_that_does_not_close_is_refused(desk: Desk) -> None:
    assert "sales.csv, line 2" in desk.refusal('ds,y\n2020-01-01,"1\n2020-01-02,2\n')


def test_two_columns_of_one_name(desk: Desk) -> None:
    assert "2 columns called 'y'" in desk.refusal("ds,y,y\n2020-01-01,1,2\n")


@pytest.mark.parametrize(
    "options", [{"season": 0}, {"missing": "guess"}, {"aggregate": "max"}, {"decimal": ";"}]
)
def test_arguments_that_are_not_known(desk: Desk, options: dict[str, object]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(options))):
        desk.read(lines(DAYS), **options)


def test_refusing_a_file_imports_neither_torch_nor_pandas(desk: Desk) -> None:
    path = desk.folder / "bad.csv"
    path.write_text("ds,y\n2020-01-01,1\n2020-01-02,x\n")
    script = (
        "import sys\n"
        "from holdfast.tables.read import read\n"
        "from holdfast.errors import TableError\n"
        "try:\n    read(sys.argv[1])\nexcept TableError as error:\n    print(error)\n"
        "print([n for n in ('torch', 'pandas', 'polars', 'narwhals') if n in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "bad.csv, line 3, column 'y': 'x' is not a number; mend it or leave it empty.",
        "[]",
    ]
