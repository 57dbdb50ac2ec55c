"""Messages name options as their reader knows them: arguments in Python, flags in the command."""

from __future__ import annotations

import ast
import copy
import re
from pathlib import Path

import pytest
from tests.cli.command import command, one_sentence

import holdfast
from holdfast.errors import (
    ArgumentError,
    HoldfastError,
    NonFiniteLossError,
    TableError,
    option,
    options_as,
    worded,
)
from holdfast.tables.read import ReadOptions, read

DAYS = "".join(f"{day:02d}/{month:02d}/2020,{day}\n" for month in (1, 2) for day in range(1, 12))
REFUSED = [
    ("ds,y\n" + DAYS, {}, "day_first=True if", "--day-first if"),
    ("ds,y\n" + DAYS, {}, "day_first=False if", "--month-first if"),
    ('ds;y\n2020-01-01;"1,234"\n2020-01-02;"1,500"\n', {}, "decimal=','", "--decimal ,"),
    ("ds,a,b\n2020-01-01,1,2\n2020-01-02,1,2\n", {}, "with target_col=", "with --target"),
    ("ds,y\n2020-01-01,1\n2020-01-01,2\n", {}, "aggregate='mean'", "--aggregate mean"),
    ("ds,y\n2020-01-01,1\n", {"sheet": "May"}, "leave out sheet=", "leave out --sheet"),
    ("ds,y\n2020-01-01,1\n", {"freq": "often"}, "freq='often' is not", "--freq often is not"),
]


@pytest.mark.parametrize(("text", "options", "in_python", "in_command"), REFUSED)
def test_a_refusal_names_arguments_in_python_and_flags_in_the_command(
    text: str,
    options: dict[str, str],
    in_python: str,
    in_command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "sales.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HoldfastError) as caught:
        read(path, ReadOptions(**options))  # type: ignore[arg-type] # each case's own
    assert in_python in str(caught.value)
    assert "--" not in str(caught.value)
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    assert command(monkeypatch, "forecast", path, "-h", 3, *words, "-o", tmp_path / "out") == 2
    said = one_sentence(capsys.readouterr().err)
    assert in_command in said
    assert in_python not in said


def test_notes_name_options_as_refusals_do() -> None:
    table = {"ds": ["2020-01-01", "2020-01-02", "2020-01-04", "2020-01-05"], "y": [1, 2, 3, 4]}
    assert "missing='zero' sets it to 0" in " ".join(read(table).summary.messages)
    with options_as("flag"):
        assert "--missing zero sets it to 0" in " ".join(read(table).summary.messages)


def test_an_option_is_worded_where_the_message_is_read() -> None:
    error = TableError(f"give {option('id_col')}, {option('X_df')}, or {option('blend', False)}.")
    assert str(error) == "give id_col=, X_df=, or blend=False."
    sent = type(error)(error.template)  # as between processes
    with options_as("flag"):
        assert str(sent) == "give --id, --future, or --no-blend."
    assert str(ArgumentError(error.template)) == str(error)


def test_a_loss_that_is_not_finite_is_named_in_another_process_too() -> None:
    error = NonFiniteLossError(7, ["a", "b"])
    again = copy.copy(error)  # as it is sent between processes
    assert (again.step, again.names, str(again)) == (7, ("a", "b"), str(error))


def test_what_a_file_says_is_never_taken_for_an_option() -> None:
    assert worded("column '\ufdd0nothing\ufdd1'") == "column '\ufdd0nothing\ufdd1'"


def test_no_message_outside_the_command_line_names_a_flag() -> None:
    package = Path(holdfast.__file__).parent
    found = []
    for path in sorted(package.rglob("*.py")):
        if path.parent.name in ("cli", "reports") or path.name in ("errors.py", "machine.py"):
            continue  # verbs, colours of pages, the table of flags, options of git
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        found += [
            f"{path.relative_to(package)}:{node.lineno}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in texts
            and re.search(r"(?<![\w-])--[a-z]", node.value)
        ]
    assert not found
