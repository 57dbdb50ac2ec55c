"""Cases: every verb of the command line, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from entries import arrays_in, case
from forecasts import WEEK, halves, plans_in, rows_of, sold_in
from names import command, fit
from normal import without_rates, without_times
from texts import write_texts


def said(*words: object, stdin: str = "") -> tuple[Any, str]:
    """What a command answered for programs, or in words, and what it said to people."""
    code, out, err = command(*words, stdin=stdin)
    shown = without_rates(without_times(f"exit {code}\n{out}{err}"))
    try:
        return json.loads(out), shown
    except ValueError:
        return without_rates(without_times(out)), shown


def verb(name: str, *words: object, files: Sequence[str] = (), stdin: str = "") -> Iterator[Any]:
    """The entries of a command: its exit and JSON or words, and the files that it wrote."""
    made, shown = said(*words, stdin=stdin)
    people = "--json" not in words and words[:2] != ("text", "generate")
    if people:
        yield f"messages/cli/{name}", shown
    if not people or words[0] == "watch":
        yield f"{name}/answer", made
    for file in files:
        for path in sorted(Path().glob(file)):
            yield f"{name}/{path.name}", path


def write_shop() -> None:
    """The shop as files: what is known, new rows, plans, items, parts."""
    known, new, plans, items = halves()
    for name, frame in {"known": known, "new": new, "items": items, "plans": plans_in(plans),
                        "sold": sold_in(known), "rows": sold_in(new)}.items():  # fmt: skip
        frame.to_csv(f"{name}.csv", index=False)
    Path("parts").mkdir()
    for name, frame in sold_in(known).groupby(known["region"]):
        frame.to_parquet(f"parts/{name}.parquet", index=False)


@case
def cli_forecasts() -> Iterator[tuple[str, Any]]:
    """The verbs of forecasting."""
    write_shop()
    zero, json_ = ("--adapt", "none"), "--json"
    full = ("--adapt", "full", "--steps", 3)
    out = ("forecast", "--example", "air-passengers", *zero, "--out")
    yield from verb("example", *out, "zero", json_, files=["zero/*.csv"])
    yield from verb("example in words", *out, "words")
    day = ("--horizon", WEEK, "--id", "unique_id")
    add = ("--total-by", "region", "--total-over", "week", "--integers", "--level", "50,95")
    yield from verb("totals", "forecast", "known.csv", *day, *zero, *add, "-o", "totals", json_,
                    files=["totals/*.csv"])  # fmt: skip
    more = ("--future-covariates", "promotion,weather", "--past-covariates", "visits",
            "--holidays", "DE", "--static", "items.csv", "--future", "plans.csv")  # fmt: skip
    yield from verb("covariates", "forecast", "known.csv", *day, *full, *more, "-o", "more", json_,
                    files=["more/*.csv"])  # fmt: skip
    yield from verb("covariates predict", "predict", "more/model", "known.csv", "--static",
                    "items.csv", "--future", "plans.csv", "-o", "more2", json_,
                    files=["more2/*.csv"])  # fmt: skip
    yield from verb("trained", "forecast", "sold.csv", *day, *full, "-o", "full", json_,
                    files=["full/*.csv"])  # fmt: skip
    yield from verb("gone on", "forecast", "sold.csv", *day, *full, "--warm-start", "full/model",
                    "-o", "on", json_, files=["on/*.csv"])  # fmt: skip
    yield from verb("backtest", "backtest", "sold.csv", *day, *full, "--folds", 2, "-o", "past",
                    json_, files=["past/*.csv"])  # fmt: skip
    model = "shop/model"
    yield from verb("shop", "forecast", "sold.csv", *day, *zero, "-o", "shop", "-q",
                    files=["shop/*.csv"])  # fmt: skip
    yield from verb("predict", "predict", model, "sold.csv", "--total-by", "all", "-o", "again",
                    json_, files=["again/*.csv"])  # fmt: skip
    yield from verb("drift", "drift", model, "rows.csv", json_)
    lines = Path("rows.csv").read_text(encoding="utf-8").replace("\ntea,", "\ntea,oops\ntea,", 1)
    lines = re.sub(r"(?m)^(milk,2023-05-04),.*", r"\1,900", lines)
    for form in ("csv", "json"):
        yield from verb(f"watch {form}", "watch", model, "--format", form, "--level", 80, "--every",
                        2, "--state", form, stdin=lines)  # fmt: skip
    yield from verb("inspect", "inspect", model, "--prescribe", "--max-lag", 5, json_)
    yield from verb("inspect sequence", "inspect", model, "--sequence", "tea", json_)
    yield from verb("update", "update", model, "rows.csv", json_)
    yield from verb("predict after update", "predict", model, "sold.csv", "-o", "later", "-q",
                    files=["later/*.csv"])  # fmt: skip
    yield "update/stored", arrays_in(model)
    for name, given in {"forecast": (), "backtest": ("--folds", 2)}.items():
        yield from verb(f"parts {name}", name, "parts", *day, *zero, *given, "-o", f"in {name}",
                        "--workers", 1, json_, files=[f"in {name}/{name}/*"])  # fmt: skip
    yield from verb("sample", "forecast", "parts/north.parquet", *day, *zero, "--sample", 2, "-o",
                    "sample", json_, files=["sample/forecast/*"])  # fmt: skip


@case
def cli_language() -> Iterator[tuple[str, Any]]:
    """The verbs of language, and inspect of what they made."""
    write_texts()
    few, json_ = ("--steps", 12, "--seed", 1, "--json"), "--json"
    made = {"text": "verse.txt", "classify": "films.csv", "tag": "people.txt"}
    options = {"text": ("--hidden", 24), "classify": ("--networks", 1), "tag": ("--hidden", 16)}
    for name, file in made.items():
        yield from verb(f"{name} train", name, "train", file, *few, *options[name], "-o", name)
        yield f"{name} train/stored", arrays_in(f"{name}/model")
        yield from verb(f"{name} evaluate", name, "evaluate", f"{name}/model", file, json_)
        lag = ("--max-lag", 10 if name == "text" else 2)
        yield from verb(f"{name} inspect", "inspect", f"{name}/model", file, *lag, json_)
        yield from verb(f"{name} inspect sequence", "inspect", f"{name}/model", "--sequence",
                        "Ada sleeps in Rome", json_)  # fmt: skip
    yield from verb("generate", "text", "generate", "text/model", "--prompt", "The", "--length", 50)
    yield from verb("dynamic", "text", "evaluate", "text/model", "verse.txt", "--dynamic", json_)
    yield from verb("surprise", "text", "surprise", "text/model", "verse.txt", "--most", 50)
    yield from verb("export", "text", "export", "text/model", "a.onnx",
                    files=["a.onnx", "a.*.json"])  # fmt: skip
    yield from verb("labels", "classify", "predict", "classify/model", "films.csv", "-o", "l.csv",
                    files=["l.csv"])  # fmt: skip
    yield from verb("tags", "tag", "predict", "tag/model", "people.txt", "-o", "t.csv",
                    files=["t.csv"])  # fmt: skip
    begun = ("--from", "text/model", "--networks", 1, "--no-blend", "-o", "begun")
    yield from verb("classify from", "classify", "train", "films.csv", *few, *begun)


@case
def cli_studies() -> Iterator[tuple[str, Any]]:
    """The other verbs."""
    json_ = "--json"
    yield from verb("synth", "synth", "--kind", "long", "--count", 4, "--length", 100, "--csv",
                    "s.csv", json_, files=["s.csv"])  # fmt: skip
    yield from verb("pretrain", "pretrain", "--steps", 1, "--network", "fine", "--device", "cpu",
                    "--precision", "float32", "-o", "pre", json_, files=["pre/*.csv"])  # fmt: skip
    yield "pretrain/stored", arrays_in("pre")
    plan = ("--seeds", 1, "--updates", 2)
    yield from verb("compare", "compare", "--task", "latch", "--lags", 4, *plan, "-o", "c", json_)
    yield from verb("compare table", "compare", "--example", "air-passengers", *plan, "-o", "t",
                    json_)  # fmt: skip
    yield from verb("bench", "bench", "--explain", "--shape", "9,2,3,8", json_)
    yield from verb("version and help", "--help")


BAD_TABLES = {
    "two words": "ds,y\n2024-01-01,1\n2024-01-02,two\n",
    "ambiguous dates": "ds,y\n01/02/2024,1\n02/02/2024,2\n03/02/2024,3\n",
    "mixed zones": "ds,y\n2024-01-01T00:00,1\n2024-01-02T00:00+01:00,2\n2024-01-03T00:00,3\n",
    "twice": "unique_id,ds,y\na,2024-01-01,1\na,2024-01-01,2\na,2024-01-02,3\n",
    "infinite": "ds,y\n2024-01-01,1\n2024-01-02,inf\n",
    "no date": "ds,y\n2024-01-01,1\n,2\n2024-01-03,1\n",
    "bad date": "ds,y\n2024-01-01,1\n2024-13-02,2\n",
    "irregular": "ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-02 13:07,2\n2024-01-05,4\n",
    "no rows": "ds,y\n",
    "empty": "",
    "no values": "ds,y\n2024-01-01,\n2024-01-02,\n",
    "thousands": 'ds,y\n2024-01-01,"1,234"\n2024-01-02,"2,345"\n',
    "same names": "ds,y,y\n2024-01-01,1,2\n2024-01-02,1,2\n",
    "which column": "ds,a,b\n2024-01-01,1,2\n2024-01-02,1,2\n2024-01-03,1,2\n",
    "bytes": "\x00\x01\x02PK\x03",
}
BAD_WORDS = {
    "no file": "forecast nowhere.csv -h 3",
    "no horizon": "forecast sold.csv",
    "horizon 0": "forecast sold.csv -h 0",
    "neither": "forecast -h 3",
    "example": "forecast --example moon",
    "level": "forecast sold.csv -h 3 --level 80,ninety",
    "share": "forecast sold.csv -h 3 --level 0.9",
    "budget": "forecast sold.csv -h 3 --budget soon",
    "column": "forecast sold.csv -h 3 --target price",
    "known": "forecast sold.csv -h 3 --future-covariates price",
    "country": "forecast sold.csv -h 3 --holidays ZZ",
    "total": "forecast sold.csv -h 3 --total-by country",
    "out": "forecast sold.csv -h 3 -o sold.csv",
    "adapt": "forecast sold.csv -h 3 --adapt some",
    "no model": "predict nowhere sold.csv",
    "foreign model": "predict parts sold.csv",
    "row changed": "update model changed.csv",
    "off the calendar": "predict model hours.csv",
    "not new": "drift model sold.csv",
    "no such series": "inspect model --sequence coffee",
    "no text given": "inspect model sold.csv --sequence x --prescribe",
    "short history": "backtest short.csv -h 24",
    "part twice": "forecast double -h 3 --adapt none",
    "lags": "compare --lags 10,x",
    "network": "pretrain --steps 1 --network other -o p",
    "without": "synth --without nonsense",
    "text": "text train nowhere.txt",
    "no text": "text train empty.csv --steps 1",
    "generate": "text generate nowhere",
    "labels": "classify train sold.csv",
    "tags": "tag train bytes.csv",
    "shape": "bench --shape 1,2",
    "update": "update nowhere sold.csv",
    "watch": "watch nowhere",
    "inspect": "inspect parts",
    "verb": "remember",
}


@case
def refusals() -> Iterator[tuple[str, Any]]:
    """The sentences of what is refused, and their exit codes (which are not only words)."""
    write_shop()
    Path("short.csv").write_text("ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n")
    known = pd.read_csv("sold.csv")
    known.assign(y=known["y"] + 1).to_csv("changed.csv", index=False)
    hours = pd.date_range("2024-01-01", periods=30, freq="h")
    pd.DataFrame({"unique_id": "tea", "ds": hours, "y": 1.0}).to_csv("hours.csv", index=False)
    fit("sold.csv", WEEK).save("model")
    Path("double").mkdir()
    for name in "ab":
        Path(f"double/{name}.csv").write_text(rows_of(range(20), "x,{0},{1}").join(("u,t,y\n", "")))
    asked = dict(BAD_WORDS)
    for name, text in BAD_TABLES.items():
        Path(f"{name}.csv").write_text(text, encoding="utf-8")
        asked[name] = f"forecast {name.replace(' ', '_')}.csv -h 1 --adapt none"
    for name, words in asked.items():
        code, out, err = command(*(word.replace("_", " ") for word in words.split()))
        yield f"messages/refusals/{name}", without_times(f"{out}{err}")
        yield f"{name}/exit", str(code)
