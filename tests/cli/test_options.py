"""What a verb takes, the class takes: the same names, the same defaults, its own wording."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import command, one_sentence

from holdfast import Forecaster
from holdfast.cli import backtest, forecast, predict, watch
from holdfast.cli.main import VERBS as LISTED
from holdfast.cli.main import command_of
from holdfast.errors import HoldfastError, option, options_as, worded
from holdfast.forecasting.monitoring.watch_state import LineWatch

VERBS: dict[str, tuple[Callable[..., None], tuple[Callable[..., Any], ...]]] = {
    "forecast": (forecast.forecast, (Forecaster, Forecaster.fit, Forecaster.record)),
    "backtest": (backtest.backtest, (Forecaster, Forecaster.backtest)),
    "predict": (predict.predict, (Forecaster.predict, Forecaster.totals)),
    "update": (predict.update, (Forecaster.update,)),
    "drift": (predict.drift, (Forecaster.drift,)),
    "watch": (watch.watch, (LineWatch,)),
}
"""A verb, and what it calls."""

OF_THE_COMMAND = {
    "data", "model", "example", "out", "quiet", "as_json",  # where from, where to
    "sample", "engine", "workers",  # of folders of partitions
    "alarms", "form",  # of the lines that a watch prints
}  # fmt: skip
OTHERWISE = {("predict", "total_by"): "by", ("predict", "total_over"): "over"}
NO_DEFAULT = {"horizon"}  # in Python it must be given; an example has one of its own


def parameters() -> list[tuple[str, str]]:
    return [
        (verb, name)
        for verb, (function, _) in VERBS.items()
        for name in inspect.signature(function).parameters
        if name not in OF_THE_COMMAND
    ]


def plain(default: Any) -> Any:
    """A default as both say it."""
    if isinstance(default, str) and default.replace(",", "").isdecimal():
        return tuple(int(part) for part in default.split(","))
    return None if default == () else default


@pytest.mark.parametrize(("verb", "name"), parameters())
def test_an_option_of_a_verb_is_an_argument_with_the_same_default(verb: str, name: str) -> None:
    function, called = VERBS[verb]
    argument = OTHERWISE.get((verb, name), name)
    known = [inspect.signature(one).parameters for one in called]
    having = [one[argument] for one in known if argument in one]
    assert having, f"{verb} takes {name}, and nothing that it calls does"
    if name not in NO_DEFAULT:
        default = plain(inspect.signature(function).parameters[name].default)
        defaults = [plain(one.default) for one in having]
        assert default in defaults or (name == "level" and default == (80, 90))


@pytest.mark.parametrize(("verb", "name"), parameters())
def test_messages_know_an_option_by_its_flag(verb: str, name: str) -> None:
    (flags,) = (one.opts for one in command_of(verb).params if one.name == name)
    with options_as("flag"):
        assert worded(option(name)) in flags


@pytest.mark.parametrize("name", LISTED)
def test_the_list_of_verbs_says_what_each_says_of_itself(name: str) -> None:
    said = " ".join((command_of(name).help or "").split("\n\n")[0].split())
    assert said == LISTED[name]


SHORT = {"ds": list(range(9)), "y": [1.0] * 9}
REFUSED: list[tuple[Callable[[], Any], tuple[Any, ...], str, str]] = [
    (lambda: Forecaster(0), ("-h", 0), "horizon=0 must", "--horizon 0 must"),
    (lambda: Forecaster(2, budget="soon"), ("-h", 2, "--budget", "soon"), "'soon'", "soon"),
    (
        lambda: Forecaster(2).fit(SHORT, level=[0.9]),
        ("-h", 2, "--level", "0.9"), "level=0.9: levels are", "--level 0.9: levels are",
    ),
    (
        lambda: Forecaster(2).read({**SHORT, "promo": [0] * 9}, future_covariates="price"),
        ("-h", 2, "--future-covariates", "price"), "'price'", "'price'",
    ),
    (
        lambda: Forecaster(2).fit(SHORT).totals(over="month"),
        ("-h", 2, "--total-over", "month"), "over='month'", "--total-over month",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("call", "words", "in_python", "in_command"), REFUSED)
def test_both_refuse_alike_each_in_its_own_words(
    call: Callable[[], Any],
    words: tuple[Any, ...],
    in_python: str,
    in_command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(HoldfastError) as caught:
        call()
    assert in_python in str(caught.value)
    assert "--" not in str(caught.value)
    table = tmp_path / "short.csv"
    table.write_text("ds,y\n" + "".join(f"{step},1.0\n" for step in range(9)))
    assert command(monkeypatch, "forecast", table, *words, "-o", tmp_path / "out") == 2
    said = one_sentence(capsys.readouterr().err)
    assert in_command in said
    assert not (tmp_path / "out").exists()
