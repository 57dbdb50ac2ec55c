"""How far to trust a forecast, on the page, the terminal and in JSON."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from rich.console import Console
from tests.reports.records import forecast_record, trust_of, wave
from tests.reports.test_page import HOSTILE, read

from holdfast.records import TrustRecord
from holdfast.reports import as_json, terminal
from holdfast.reports.forecast_page import DOUBTED
from holdfast.reports.forecast_selection import importance
from holdfast.reports.scores import headline


def printed(trust: TrustRecord, labels: tuple[str, ...]) -> str:
    screen = io.StringIO()
    Console(file=screen, width=terminal.WIDTH).print(terminal.trust(trust, labels))
    return screen.getvalue()


def test_the_page_lists_the_gravest_first_and_says_what_it_rests_on() -> None:
    record = forecast_record(wave(6, 60, 12), trust=trust_of(6, grave=[4], care=[1, 2]))
    _, data = read(record)
    trust = data["trust"]
    assert trust["headline"] == "1 of 6 series: do not trust; 2 of 6: care."
    assert trust["counts"] == [1, 2, 3]
    assert [(one["at"], one["verdict"]) for one in trust["doubted"]] == [(4, 0), (1, 1), (2, 1)]
    assert trust["doubted"][0]["why"] == "reason of 4"
    assert trust["verdicts"] == [2, 1, 1, 2, 0, 2]
    assert trust["hard"][0]["label"] == "series 4"
    assert trust["rests_on"] == ["The forecast is 100 % Theta."]


def test_a_page_without_verdicts_has_no_section() -> None:
    _, data = read(forecast_record(wave(1, 60, 12), trust=None))
    assert data["trust"] is None


def test_text_of_the_data_stays_text() -> None:
    labels = tuple(HOSTILE)
    trust = replace(trust_of(len(labels), grave=[0]), findings=tuple((text,) for text in HOSTILE))
    reader, data = read(forecast_record(wave(len(labels), 60, 12), labels=labels, trust=trust))
    assert data["trust"]["doubted"][0]["why"] == HOSTILE[0]
    assert len(reader.scripts) == len(read(forecast_record(wave(1, 60, 12)))[0].scripts)
    assert HOSTILE[0] in printed(trust, labels).replace("\n", "")


def test_many_doubted_series_are_counted_and_come_first_on_a_bounded_page() -> None:
    count = 300
    record = forecast_record(wave(count, 40, 12), trust=trust_of(count, care=range(200, 300)))
    _, data = read(record)
    assert len(data["trust"]["doubted"]) == DOUBTED
    assert data["trust"]["unlisted"] == 100 - DOUBTED
    first = importance(record)[:50]
    assert (first >= 200).sum() >= 10
    assert sorted(importance(record).tolist()) == list(range(count))


def test_the_terminal_says_which_series_and_why() -> None:
    said = printed(trust_of(20, grave=[3], care=[5]), tuple(f"shop {i}" for i in range(20)))
    assert "1 of 20 series: do not trust; 1 of 20: care." in said
    assert said.index("do not trust: shop 3: reason of 3") < said.index("care: shop 5: reason of 5")
    assert "Hardest to forecast: shop 3." in said
    many = printed(trust_of(20, care=range(20)), tuple(f"shop {i}" for i in range(20)))
    assert "… and 15 more" in many
    one = printed(trust_of(1, care=[0]), ("only",))
    assert "Care: reason of 0." in one
    assert "only" not in one


def test_json_counts_the_verdicts() -> None:
    record = forecast_record(wave(3, 60, 12), trust=trust_of(3, care=[2]))
    made = as_json(record)["trust"]
    assert made["counts"] == {"do not trust": 0, "care": 1, "trust": 2}
    assert made["series"] == {"series 2": ["care", "reason of 2"]}


def test_nothing_to_say_is_said() -> None:
    said = "Nothing in the past of any of the 4 series speaks against its forecast"
    assert headline(trust_of(4)) == f"{said}, but mind this:"
    assert headline(replace(trust_of(4), common=())) == f"{said}."
    assert np.all(importance(forecast_record(wave(2, 40, 12), trust=trust_of(2))) < 2)
