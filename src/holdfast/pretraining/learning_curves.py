"""The learning curves of the networks in a folder, as a page and as a table."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast import reports
from holdfast.errors import ModelError
from holdfast.forecasting.pretrained import weights
from holdfast.pretraining.run_directory import CURVES, PretrainingDirectory
from holdfast.records import CurvesRecord, PretrainedSummary
from holdfast.tables.frames import write_csv
from holdfast.version import __version__


def summary_of(folder: str | Path, network: str) -> PretrainedSummary:
    """One network of a folder and how it learnt, from its JSON.

    Raises:
        ModelError: it has no JSON of ours, or one that says nothing of a training.
    """
    header = weights.read_header(folder, network)
    facts: dict[str, Any] = header["facts"]
    try:
        return PretrainedSummary(
            network=network,
            parameters=int(header["parameters"]),
            planned=int(facts["planned"]),
            steps=int(facts["steps"]),
            seconds=float(facts["seconds"]),
            seed=int(facts["seed"]),
            device=str(facts["device"]),
            curve_steps=tuple(int(step) for step, _ in facts["curve"]),
            curve_loss=tuple(float(loss) for _, loss in facts["curve"]),
            stopped=str(facts["stopped"]),
            sha256=header["sha256"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{weights.network_paths(folder, network)[1]} does not say how the network was trained."
        ) from error


def write_curves(folder: str | Path, command: str = "") -> None:
    """Write curves.html and curves.csv about every network whose results lie in a folder.

    Arguments:
        folder: of a pretraining.
        command: for the page; "" from Python.

    Raises:
        InputError: the folder cannot be written.
    """
    folder = Path(folder)
    networks = tuple(summary_of(folder, name) for name in PretrainingDirectory(folder).networks())
    if not networks:
        return
    record = CurvesRecord(
        title="Pretraining",
        command=command,
        created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        version=__version__,
        networks=networks,
    )
    page, table = (folder / name for name in CURVES)
    reports.save(record, page)
    write_csv(table, _columns(networks))


def _columns(networks: tuple[PretrainedSummary, ...]) -> dict[str, NDArray[np.generic]]:
    lengths = [len(one.curve_steps) for one in networks]
    steps = np.concatenate([np.array(one.curve_steps, dtype=np.int64) for one in networks])
    # Every update takes as many positions, so time runs evenly over them.
    pace = np.repeat([one.seconds / max(one.steps, 1) / 3600.0 for one in networks], lengths)
    return {
        "network": np.repeat(np.array([one.network for one in networks], dtype=object), lengths),
        "step": steps,
        "hours": steps * pace,
        "loss": np.concatenate([np.array(one.curve_loss, dtype=np.float64) for one in networks]),
    }
