"""What pretraining leaves: the same weights, stopped or not, and files that say how they came."""

from __future__ import annotations

import csv
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from holdfast.errors import ArgumentError, InputError, ModelError, TrainingError
from holdfast.forecasting.pretrained import weights
from holdfast.forecasting.pretrained.design import COARSE, FINE, PatchDesign
from holdfast.forecasting.pretrained.forecast import forecast_pretrained
from holdfast.pretraining import run as pretraining
from holdfast.pretraining.machine import choose_device, choose_precision
from holdfast.pretraining.run import pretrain
from holdfast.records import CurvesRecord, PlannedTraining, PretrainedSummary
from holdfast.tables.read import read
from holdfast.training.progress import Interrupts, SilentProgress

DESIGNS = {
    "fine": replace(FINE, window=8, context=32, half_life=16, hidden=8, blocks=1),
    "coarse": replace(COARSE, patch=6, window=12, context=48, half_life=24, hidden=8, blocks=2),
}
STEPS = 6


def small(folder: Path, **options: Any) -> tuple[PretrainedSummary, ...]:
    """A pretraining that takes a moment."""
    settings: dict[str, Any] = {"steps": STEPS, "device": "cpu", "designs": DESIGNS}
    return pretrain(folder, positions=64, **(settings | options))


class Presses(SilentProgress):
    """Presses Ctrl-C after some updates in all."""

    def __init__(self, interrupts: Interrupts, after: int) -> None:
        self.interrupts = interrupts
        self.left = after

    def advance(self, step: int, loss: float, note: str = "") -> None:
        self.left -= 1
        if not self.left:
            self.interrupts.requested = True  # as its handler sets it


def interrupted(folder: Path, after: int, **options: Any) -> tuple[PretrainedSummary, ...]:
    watch = Interrupts()
    return small(folder, progress=Presses(watch, after), interrupts=watch, **options)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_run_that_was_interrupted_goes_on_to_the_weights_of_one_that_was_not(
    tmp_path: Path,
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    unbroken = small(whole)
    first = interrupted(parts, after=4)
    assert [(one.network, one.steps, one.stopped) for one in first] == [("fine", 4, "interrupted")]
    assert (parts / "training" / "fine").exists()
    second = interrupted(parts, after=2 + 3)
    assert [(one.steps, one.stopped) for one in second] == [(6, "steps"), (3, "interrupted")]
    third = small(parts)
    for name in DESIGNS:
        file = f"{name}.safetensors"
        assert (parts / file).read_bytes() == (whole / file).read_bytes()
    for one, other in zip(unbroken, third, strict=True):
        assert (one.curve_steps, one.curve_loss) == (other.curve_steps, other.curve_loss)
    assert names(parts) == names(whole)
    assert "training" not in names(whole)


def test_a_killed_process_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    small(whole, networks=["fine"])
    script = (
        "import os, signal, sys\n"
        "from tests.pretraining import test_pretraining as here\n"
        "from pathlib import Path\n"
        "class Dies(here.SilentProgress):\n"
        "    def advance(self, step, loss, note=''):\n"
        "        if step == 4: os.kill(os.getpid(), signal.SIGKILL)\n"
        "plan = here.pretraining.pretraining_plan\n"
        "from dataclasses import replace\n"
        "here.pretraining.pretraining_plan = lambda *a: replace(plan(*a), checkpoint_every=0.0)\n"
        "here.small(Path(sys.argv[1]), networks=['fine'], progress=Dies())\n"
    )
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", script, str(parts)],
        cwd=root,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    assert names(parts) == ["training"]
    planned: list[PlannedTraining] = []
    small(parts, networks=["fine"], announce=planned.extend)
    assert [(one.done, one.steps) for one in planned] == [(3, 6)]
    file = "fine.safetensors"
    assert (parts / file).read_bytes() == (whole / file).read_bytes()


def test_another_seed_and_another_recipe_give_other_weights(tmp_path: Path) -> None:
    hashes = [
        small(tmp_path / str(number), networks=["fine"], steps=2, **options)[0].sha256
        for number, options in enumerate([{}, {"seed": 1}, {"without": ["seasonal"]}, {}])
    ]
    assert hashes[0] == hashes[3]
    assert len(set(hashes)) == 3


def test_the_files_are_a_network_that_forecasts_and_the_facts_of_its_training(
    tmp_path: Path,
) -> None:
    curves: list[CurvesRecord] = []
    (made,) = small(
        tmp_path, networks=["coarse"], without=["chaotic"], seed=3, on_curves=curves.append
    )
    network, facts = weights.read_network(tmp_path, "coarse")
    assert network.design == DESIGNS["coarse"]
    series = read(np.sin(np.arange(60.0)).tolist()).series
    assert np.isfinite(forecast_pretrained(network, series, 9, 6)).all()
    assert facts["seed"] == 3
    assert facts["without"] == ["chaotic"]
    assert facts["recipe"]["chaotic"] == 0.0
    assert facts["steps"] == facts["planned"] == STEPS
    assert facts["torch"] == torch.__version__
    assert [step for step, _ in facts["curve"]] == [1, 2, 3, 4, 5, 6]
    assert made.parameters == sum(weight.numel() for weight in network.parameters())
    text = (tmp_path / "coarse.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert platform.node() not in text
    with (tmp_path / "curves.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["network"], row["step"]) for row in rows] == [
        ("coarse", str(step)) for step in range(1, STEPS + 1)
    ]
    assert float(rows[-1]["hours"]) == pytest.approx(made.seconds / 3600)
    (record,) = curves
    assert record.networks == (made,)


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = small(tmp_path)
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in names(tmp_path)}

    class Never(SilentProgress):
        def advance(self, step: int, loss: float, note: str = "") -> None:
            raise AssertionError("an update was done")

    planned: list[PlannedTraining] = []
    assert small(tmp_path, progress=Never(), announce=planned.extend) == first
    assert [one.seconds for one in planned] == [0.0, 0.0]
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in names(tmp_path)} == before


def test_a_second_network_joins_the_first_in_its_folder(tmp_path: Path) -> None:
    small(tmp_path, networks=["coarse"])
    small(tmp_path, networks=["fine"], seed=1)
    assert {"fine.json", "coarse.json"} <= set(names(tmp_path))
    lines = (tmp_path / "curves.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["network", *["fine"] * 6, *["coarse"] * 6]


def test_a_budget_becomes_a_number_of_updates_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clocked(pretraining.StepTiming[Any]):
        def __call__(self, updates: int) -> float:
            super().__call__(updates)
            return 0.5 * updates

    monkeypatch.setattr(pretraining, "StepTiming", Clocked)
    told: list[PlannedTraining] = []

    def stop(planned: Sequence[PlannedTraining]) -> None:
        told.extend(planned)
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            small(tmp_path, steps=None, budget="1h", announce=stop)
        monkeypatch.setattr(pretraining, "StepTiming", None)  # nothing may be timed again
    # 97 % of half an hour at half a second an update, but for what timing took.
    assert [one.steps for one in told] == [3400] * 4
    assert told[0].seconds == 1700.0


def test_results_of_another_run_are_left_alone(tmp_path: Path) -> None:
    small(tmp_path, networks=["fine"])
    before = (tmp_path / "fine.safetensors").read_bytes()
    for options in ({"seed": 1}, {"steps": 7}, {"without": ["counts"]}, {"designs": _wider()}):
        with pytest.raises(ModelError, match=r"fine\.json is the result of another run"):
            small(tmp_path, networks=["coarse", "fine"], **options)
    assert (tmp_path / "fine.safetensors").read_bytes() == before
    assert "coarse.json" not in names(tmp_path)


def test_checkpoints_of_another_run_are_left_alone(tmp_path: Path) -> None:
    interrupted(tmp_path, after=2)
    shutil.rmtree(tmp_path / "training" / "coarse", ignore_errors=True)
    (tmp_path / "fine.json").unlink()
    with pytest.raises(ModelError, match="other options"):
        small(tmp_path, seed=1)


@pytest.mark.parametrize("name", ["fine.safetensors", "fine.json", "curves.html", "curves.csv"])
def test_files_that_are_not_ours_are_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("precious", encoding="utf-8")
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        small(tmp_path, networks=["fine"])
    assert (tmp_path / name).read_text(encoding="utf-8") == "precious"
    assert names(tmp_path) == [name]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"networks": ["fine", "middle"]}, "middle"),
        ({"networks": ["fine", "fine"]}, "once"),
        ({"networks": []}, "at least one"),
        ({"steps": 0}, "steps=0"),
        ({"steps": None}, "budget"),
        ({"steps": None, "budget": "soon"}, "soon"),
        ({"seed": -1}, "seed=-1"),
        ({"without": ["weather"]}, "weather"),
        ({"without": ["shortening"]}, "shortening"),
        ({"device": "tpu"}, "tpu"),
        ({"precision": "float16"}, "float16"),
    ],
)
def test_bad_arguments_are_named_before_anything_is_written(
    options: dict[str, Any], named: str, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match=named):
        small(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_gpu_that_is_not_there_is_refused_and_auto_does_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ArgumentError, match="cuda"):
        choose_device("cuda")
    assert choose_device("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda")
    assert choose_device("cpu") == torch.device("cpu")


def test_ctrl_c_before_the_first_update_writes_nothing(tmp_path: Path) -> None:
    watch = Interrupts()
    watch.requested = True
    with pytest.raises(TrainingError, match="before the first update"):
        small(tmp_path, interrupts=watch)
    assert names(tmp_path) == ["training"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="file"):
        small(tmp_path / "file")


def test_what_was_decided_is_checked_when_it_is_read(tmp_path: Path) -> None:
    interrupted(tmp_path, after=2, networks=["fine"])
    stored = tmp_path / "training" / "steps.json"
    entries = json.loads(stored.read_text(encoding="utf-8"))
    for damage in ({"steps": "many"}, {"steps": 0}, {"seconds_per_step": None}, {"odd": 1}):
        stored.write_text(json.dumps({"fine": entries["fine"] | damage}), encoding="utf-8")
        made = small(tmp_path, networks=["fine"])  # decided again, by the same arguments
        assert made[0].stopped == "steps"
        shutil.rmtree(tmp_path)
        interrupted(tmp_path, after=2, networks=["fine"])


def _wider() -> dict[str, PatchDesign]:
    return DESIGNS | {"fine": replace(DESIGNS["fine"], hidden=12)}


@pytest.mark.parametrize(("native", "chosen"), [(True, "bfloat16"), (False, "float32")])
def test_mixed_precision_is_for_processors_that_are_made_for_it(
    native: bool, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: native)
    for device in ("cpu", "cuda"):
        assert choose_precision("auto", torch.device(device)) == chosen
        assert choose_precision("float32", torch.device(device)) == "float32"
        assert choose_precision("bfloat16", torch.device(device)) == "bfloat16"


def test_a_run_in_one_precision_does_not_go_on_in_another(tmp_path: Path) -> None:
    small(tmp_path, networks=["fine"], precision="bfloat16")
    facts = json.loads((tmp_path / "fine.json").read_text())
    assert facts["facts"]["precision"] == "bfloat16"
    with pytest.raises(ModelError, match="another run"):
        small(tmp_path, networks=["fine"], precision="float32")
