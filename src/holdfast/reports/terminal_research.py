"""Tables for the terminal: inspections, sequences, comparisons, speeds, pretraining."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from holdfast import records
from holdfast.records import Floats
from holdfast.records.lens_summary import CARE, brief_number, memory
from holdfast.reports.comparison_pages import median_updates, solved_share
from holdfast.reports.formatting import as_span, plural
from holdfast.reports.pretraining_pages import generator_words, percent, spoken
from holdfast.reports.sequence_page import attribution_shares, lead
from holdfast.reports.terminal import plain_table, titled

STEPS = 8
"""Steps of a sequence that are printed."""


def inspection(record: records.Inspection) -> RenderableType:
    """The verdict, and a line for each layer."""
    parts: list[RenderableType] = [record.verdict()]
    if record.layers:
        parts += ["", _layers(record)]
    sequences = plural(record.sequences, "sequence")
    measured = f"{sequences} of {record.steps:,} steps, in {record.seconds:.0f} s"
    if record.attribution is not None:
        missed = record.attribution.completeness
        measured += f"; attributions miss {brief_number(missed)} of what they should sum to"
        measured += ", which is much: read them with care" if missed > CARE else ""
    if record.context is not None:
        measured += f"; the loss is {record.context.whole:.4f} {record.context.unit}"
    parts += ["", Text(f"Measured on {measured}.", style="dim")]
    if record.advice:
        parts += ["", titled("What to change", *(f"– {sentence}" for sentence in record.advice))]
    return titled(record.title, *parts)


def sequence(record: records.SequenceRecord) -> RenderableType:
    """What the output rests on: the steps with the largest parts, in their order."""
    shares = attribution_shares(record)
    if shares is None:
        return titled(record.title, lead(record))
    table = plain_table(numbers=["step"], narrow=True)
    table.add_column("")
    table.add_column("rests on it", justify="right")
    largest = np.argsort(-np.abs(shares), kind="stable")[:STEPS]
    for step in np.sort(largest).tolist():
        # A token that is blank is written so that it is seen.
        text = record.labels[step]
        label = text.strip() or repr(text)[1:-1].replace(" ", "␣")
        table.add_row(f"{step + 1:,}", Text(label), f"{shares[step]:+.1%}")
    return titled(record.title, lead(record), "", table)


def memory_comparison(record: records.MemoryComparison) -> RenderableType:
    """Of each task a table: models by lags, how many seeds succeeded after how many updates."""
    parts: list[RenderableType] = []
    for task in dict.fromkeys(run.task for run in record.runs):
        of_task = [run for run in record.runs if run.task == task]
        parts += [titled(task.capitalize(), _success(of_task)), Text()]
    solved = record.success.rstrip(".")
    parts.append(Text(f"Solved: {solved}. Beside it the median updates.", style="dim"))
    done = len(record.runs)
    if done < record.planned:
        going_on = "trainings are done; the same command goes on from there."
        parts.append(Text(f"{done:,} of {record.planned:,} {going_on}"))
    return Group(*parts, *_findings(record.findings))


def forecast_comparison(record: records.ForecastComparison) -> RenderableType:
    """The networks' scores, the best first, with the simple methods among them."""
    networks = zip(record.models, record.parameters, record.scores, strict=True)
    rows = [
        (float(np.nanmedian(scores)), name, f"{parameters:,}", _seed_range(scores), "")
        for name, parameters, scores in networks
    ]
    rows += [(score, name, "–", "", "dim") for name, score in record.simple.items()]
    table = plain_table("Method", numbers=("Weights", "MASE", "Seeds"))
    for mean, name, parameters, span, style in sorted(rows, key=lambda row: row[0]):
        table.add_row(Text(name), parameters, f"{mean:.4f}", span, style=style)
    return titled(record.title, table, *_findings(record.findings))


def speeds(results: Sequence[records.LayerSpeed], *, explained: bool) -> RenderableType:
    """A row a shape: the kernel, and milliseconds beside torch's; with `explained` the reasons."""
    table = Table(box=None, pad_edge=False)
    for heading in ("T", "B", "I", "H"):
        table.add_column(heading, justify="right")
    table.add_column("Kernel")
    measured = any(one.training is not None for one in results)
    for heading in ("Forward", "torch", "", "Training", "torch", "") if measured else ():
        table.add_column(heading, justify="right")
    if explained:
        table.add_column("Why", overflow="fold")
    for one in results:
        times = [*_pair(one.inference), *_pair(one.training)] if measured else []
        reason = [one.reason] if explained else []
        sizes = map(str, (one.steps, one.batch, one.inputs, one.units))
        table.add_row(*sizes, one.kernel, *times, *reason)
    notes = ["T steps, B rows, I inputs, H units. cpu: compiled by Holdfast; builtin: torch's own."]
    if measured:
        notes.append("Milliseconds, medians in turns with torch's layer; training: all gradients.")
    return Group(table, *(Text(note) for note in notes))


def pretraining_plan(networks: Sequence[records.PlannedTraining]) -> RenderableType:
    """What is going to be trained, and how long that takes."""
    rows = []
    for one in networks:
        left = f"{one.steps - one.done:,} of {one.steps:,}" if one.done else f"{one.steps:,}"
        row = [one.network, left, f"{one.series_per_second:,.0f}", as_span(one.seconds)]
        done = [one.network, f"{one.steps:,}", "–", "done already"]
        rows.append(done if one.done >= one.steps else row)
    total = as_span(sum(one.seconds for one in networks))
    devices = ", ".join(dict.fromkeys(one.device for one in networks))
    numbers = ("Updates", "Series a second", "Expected")
    return titled(
        f"Pretraining on {devices}",
        plain_table("Network", numbers=numbers, rows=rows),
        f"About {total} in all. Ctrl-C ends it with the weights so far; the same command goes on "
        "from there, as it does after a kill.",
    )


def pretrained(networks: Sequence[records.PretrainedSummary]) -> RenderableType:
    """What came out, and the hash of each file of weights."""
    rows, notes, hashes = [], [], []
    for one in networks:
        loss = f"{one.curve_loss[-1]:.4f}" if one.curve_loss else "–"
        numbers = [f"{one.parameters:,}", f"{one.steps:,}", as_span(one.seconds), loss]
        rows.append([one.network, *numbers])
        if one.stopped != "steps":
            notes.append(
                f"{one.network} was interrupted after {one.steps:,} of {one.planned:,} updates; "
                "the same command goes on from there."
            )
        hashes.append(Text.assemble((f"sha256 {one.network}  ", "dim"), one.sha256))
    table = plain_table("Network", numbers=("Weights", "Updates", "Time", "Last loss"), rows=rows)
    return titled("Pretrained", table, *notes, "", *hashes)


def families(record: records.SamplesRecord) -> RenderableType:
    """The families of the generator with their shares, and everything else with its probability."""
    tables = []
    for (name, share, meaning), shares, words in (
        (("Family", "Share", "What it is"), record.families, generator_words("families")),
        (("Part", "Probability", "What it does"), record.parts, generator_words("parts")),
    ):
        rows = [[one, percent(value), words.get(one, "")] for one, value in shares.items()]
        tables.append(plain_table(name, numbers=[share], last=meaning, rows=rows))
    return titled(f"Synthetic series, {spoken(record.kind)}", tables[0], "", tables[1])


def _layers(record: records.Inspection) -> Table:
    far = f"{record.layers[0].jacobian.lags[-1]:,}"
    numbers = ("units", "remembers", f"gradient at {far}", f"median cell at {far}", "slowest")
    return plain_table(
        "layer",
        "kind",
        numbers=(*numbers, "latch", "reset"),
        rows=[_row(layer) for layer in record.layers],
        narrow=True,
    )


def _row(layer: records.LayerMemory) -> tuple[str, ...]:
    held = memory(layer.jacobian)
    longest = int(layer.jacobian.lags[-1])
    gates = layer.timescales is not None
    slowest = float(np.nanmax(layer.timescales)) if layer.timescales is not None else 0.0
    return (
        layer.name,
        layer.kind,
        f"{layer.units:,}",
        f"> {longest:,}" if held is None else "–" if np.isnan(held) else f"{held:,.0f}",
        brief_number(float(layer.jacobian.median[-1])),
        "–" if layer.median_cell is None else brief_number(float(layer.median_cell.median[-1])),
        "–" if not gates else "∞" if not np.isfinite(slowest) else f"{slowest:,.0f}",
        f"{layer.latching:.0%}" if gates else "–",
        f"{layer.resetting:.0%}" if gates else "–",
    )


def _success(runs: list[records.ComparedRun]) -> RenderableType:
    lags = sorted({run.lag for run in runs})
    rows: list[list[str | Text]] = []
    for model in dict.fromkeys(run.model for run in runs):
        of_model = [run for run in runs if run.model == model]
        rows.append([model, *(_cell([run for run in of_model if run.lag == lag]) for lag in lags)])
    return plain_table("Model", numbers=[f"lag {lag:,}" for lag in lags], rows=rows)


def _cell(runs: list[records.ComparedRun]) -> Text:
    solved, count = solved_share(runs)
    if not count:
        return Text("–", style="dim")
    updates = median_updates(runs)
    style = "green" if solved == count else "" if solved else "dim"
    beside = f"  {updates:,.0f}" if updates is not None else ""
    return Text.assemble((f"{solved}/{count}", style), (beside, "dim"))


def _seed_range(scores: Floats) -> str:
    if len(scores) < 2:
        return str(len(scores))
    return f"{len(scores)}: {np.nanmin(scores):.4f} to {np.nanmax(scores):.4f}"


def _findings(findings: tuple[str, ...]) -> list[RenderableType]:
    return [Text(), *[Text(one) for one in findings]] if findings else []


def _pair(milliseconds: tuple[float, float] | None) -> list[str]:
    if milliseconds is None:
        return ["–", "–", "–"]
    ours, theirs = milliseconds
    return [f"{ours:.2f}", f"{theirs:.2f}", f"×{theirs / ours:.1f}"]
