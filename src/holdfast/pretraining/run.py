"""Pretraining the networks that ship: from a seed and a budget to two files a network."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch

from holdfast.errors import ArgumentError, TrainingError
from holdfast.forecasting.pretrained import weights
from holdfast.forecasting.pretrained.design import COARSE, FINE, PatchDesign
from holdfast.forecasting.pretrained.fine_tuning import Precision
from holdfast.pretraining.machine import Device, choose_device, choose_precision, commit, cpu_model
from holdfast.pretraining.run_directory import Decisions, PretrainingDirectory
from holdfast.pretraining.synthetic.recipe import KIND_OF, check_networks, recipe_of
from holdfast.pretraining.task import POSITIONS, PretrainingTask, SyntheticBatch, pretraining_plan
from holdfast.records import CurvesRecord, PlannedTraining, PretrainedSummary
from holdfast.storage import digest
from holdfast.training.budget import Budget, steps_within
from holdfast.training.loop import StepTiming, Trained, train
from holdfast.training.progress import Interrupts, Progress, SilentProgress
from holdfast.training.threads import one_thread
from holdfast.version import __version__

DESIGNS: Final[Mapping[str, PatchDesign]] = {"fine": FINE, "coarse": COARSE}
"""Network → sizes of the one that ships."""

LEAST_STEPS: Final = 10
MOST_STEPS: Final = 10_000_000

_PLANNED: Final = 0.97
"""Share of the budget that updates are planned for; checkpoints and writing take the rest."""

_TIMED: Final = 4
"""Updates that are timed where the number of steps is given, beside the first."""


def pretrain(
    folder: str | Path,
    *,
    networks: Sequence[str] = ("fine", "coarse"),
    budget: Budget | str | float | None = None,
    steps: int | None = None,
    seed: int = 0,
    without: Sequence[str] = (),
    device: Device = "auto",
    precision: Precision | Literal["auto"] = "auto",
    designs: Mapping[str, PatchDesign] | None = None,
    positions: int = POSITIONS,
    progress: Progress | None = None,
    interrupts: Interrupts | None = None,
    announce: Callable[[Sequence[PlannedTraining]], None] | None = None,
    on_curves: Callable[[CurvesRecord], None] | None = None,
) -> tuple[PretrainedSummary, ...]:
    """Train networks on synthetic series alone and write each as two files.

    The budget becomes a number of updates once, from timing some; that number is stored, so that
    a run that was killed goes on with it and ends with the weights of one that was not, bit for
    bit on a CPU. Where the machine becomes slower afterwards, the run takes longer. Ctrl-C ends
    it with the weights so far; the same call goes on from there.

    Arguments:
        folder: gets ``<network>.safetensors`` and ``<network>.json``, and the learning curves of
            all networks as ``curves.csv``; checkpoints lie in its ``training`` until a network is
            finished.
        networks: which of "fine" and "coarse".
        budget: for all of them together: "3h", seconds, or a budget whose clock is running.
        steps: updates of each network in place of the budget.
        seed: of the initial weights and of the series.
        without: families and augmentations of the generator to switch off.
        device: "auto" takes a GPU that torch can use, where there is one.
        precision: of the multiplications in the recurrent blocks; "auto" takes bfloat16 where the
            processor multiplies it natively, which halves the time of an update.
        designs: network → sizes, for trials of other ones; None for those that ship.
        positions: in one batch, over all its series.
        progress: is told of every update; None for silence.
        interrupts: watches for Ctrl-C; None to watch over this call alone.
        announce: is told what is going to be trained and how long it takes, before it begins.
        on_curves: is given the learning curves of all networks in the folder, each time one has
            been written; `holdfast.reports.save` makes a page of them.

    Returns:
        The result of each network, in the order given; without those that Ctrl-C left untouched.

    Raises:
        ArgumentError: an argument is unknown or out of range.
        ModelError: the folder holds results of another run.
        InputError: the folder cannot be written.
        TrainingError: the loss is not finite, or Ctrl-C came before the first update.

    Example:
        >>> import tempfile
        >>> from dataclasses import replace
        >>> small = replace(FINE, window=8, context=32, half_life=16, hidden=8, blocks=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     results = pretrain(folder, networks=["fine"], steps=2, device="cpu",
        ...                        designs={"fine": small}, positions=64)
        ...     sorted(path.name for path in Path(folder).iterdir())
        ['curves.csv', 'fine.json', 'fine.safetensors']
        >>> results[0].steps, results[0].stopped
        (2, 'steps')
    """
    check_networks(networks)
    if steps is not None and steps < 1:
        raise ArgumentError(f"steps={steps} must be a whole number from 1.")
    if seed < 0:
        raise ArgumentError(f"seed={seed} must be a whole number from 0.")
    budget = budget if isinstance(budget, Budget) else Budget.parse(budget)
    if steps is None and budget.seconds is None:
        raise ArgumentError("Give a budget such as '3h', or a number of steps.")
    share = None if steps is not None or budget.seconds is None else budget.seconds / len(networks)
    chosen, directory = choose_device(device), PretrainingDirectory(Path(folder))
    exact = choose_precision(precision, chosen)
    sizes = DESIGNS if designs is None else designs
    runs = [
        _Run(
            directory=directory,
            network=name,
            design=sizes[name],
            positions=positions,
            seed=seed,
            without=tuple(without),
            device=chosen,
            precision=exact,
            steps=steps,
            share=share,
        )
        for name in networks
    ]
    for run in runs:
        directory.refuse_another_run(run.network, run.identity)

    left = _PLANNED * budget.remaining() / len(runs)
    planned = [run.plan(left) for run in runs]
    if announce is not None:
        announce(planned)
    results: list[PretrainedSummary] = []
    with Interrupts() if interrupts is None else nullcontext(interrupts) as watch:
        for run, one in zip(runs, planned, strict=True):
            if not run.finished:
                if watch.requested:
                    continue
                trained = run.train(one.steps, progress or SilentProgress(), watch)
                if not trained.steps:
                    continue
                record = directory.write_curves()
                if on_curves is not None:
                    on_curves(record)
            results.append(directory.summary(run.network))
            if run.finished:
                directory.forget(run.network)
    if not results:
        raise TrainingError("Ctrl-C came before the first update, so nothing was written.")
    return tuple(results)


@dataclass(frozen=True, kw_only=True)
class _Run:
    """The pretraining of one network; its updates are given, or those that its share allows."""

    directory: PretrainingDirectory
    network: str
    design: PatchDesign
    positions: int
    seed: int
    without: tuple[str, ...]
    device: torch.device
    precision: Precision
    steps: int | None
    share: float | None  # seconds of the budget
    identity: str = field(init=False)

    def __post_init__(self) -> None:
        shaped_by = {
            "network": self.network,
            "design": self.design.to_json(),
            "recipe": recipe_of(KIND_OF[self.network], self.without).to_json(),
            "positions": self.positions,
            "seed": self.seed,
            "steps": self.steps,
            "seconds": self.share,
            "device": self.device.type,
            "precision": self.precision,
            "version": __version__,
        }
        object.__setattr__(self, "identity", digest(json.dumps(shaped_by, sort_keys=True)))

    @property
    def finished(self) -> bool:
        """Whether its files lie there, trained to the last update."""
        return self.directory.finished(self.network, self.identity)

    def plan(self, seconds: float) -> PlannedTraining:
        """What is going to be trained: as an earlier process decided it, or from timing updates."""
        if self.finished:
            steps = int(self.directory.facts(self.network)["planned"])
            return self._planned(Decisions(self.identity, steps, 0.0, 0.0), done=steps)
        decisions = self.directory.decisions(self.network)
        if decisions is None:
            decisions = self._decide(seconds)
            self.directory.keep(self.network, decisions)
        return self._planned(decisions, done=self.directory.done(self.network))

    def train(self, steps: int, progress: Progress, interrupts: Interrupts) -> Trained:
        """Train to the end, from the last checkpoint if there is one, and write the results."""
        task = self._task()
        with one_thread():
            trained = train(
                task,
                pretraining_plan(steps, self.seed),
                folder=self.directory.checkpoints(self.network),
                identity=self.identity,
                progress=progress,
                description=f"Pretraining {self.network}",
                interrupts=interrupts,
            )
        if trained.steps:
            facts = self._facts(task, steps, trained)
            weights.write_network(task.module, self.network, self.directory.folder, facts)
        return trained

    def _task(self) -> _CountingTask:
        return _CountingTask(
            self.design,
            recipe_of(KIND_OF[self.network], self.without),
            seed=self.seed,
            positions=self.positions,
            device=self.device,
            precision=self.precision,
        )

    def _decide(self, seconds: float) -> Decisions:
        """The number of updates, and how long one takes on this machine."""
        task = self._task()
        timing = StepTiming(task, pretraining_plan(self.steps or MOST_STEPS, self.seed))
        timings: list[tuple[int, float]] = []

        def measure(updates: int) -> float:
            taken = timing(updates)
            timings.append((updates, taken))
            return taken

        steps = self.steps
        with one_thread():
            if steps is None:
                steps = steps_within(seconds, measure, minimum=LEAST_STEPS, maximum=MOST_STEPS)
            else:
                measure(1)
                measure(min(_TIMED, steps))
        # The first update allocates memory and chooses kernels.
        later = timings[1:] or timings
        seconds_each = sum(taken for _, taken in later) / sum(updates for updates, _ in later)
        updates = sum(updates for updates, _ in timings)
        series_per_second = task.series / updates / max(seconds_each, 1e-9)
        return Decisions(self.identity, steps, seconds_each, series_per_second)

    def _planned(self, decisions: Decisions, done: int) -> PlannedTraining:
        return PlannedTraining(
            network=self.network,
            steps=decisions.steps,
            done=done,
            seconds_per_step=decisions.seconds_per_step,
            series_per_second=decisions.series_per_second,
            device=self._device_words(),
        )

    def _device_words(self) -> str:
        return torch.cuda.get_device_name() if self.device.type == "cuda" else "CPU, one thread"

    def _facts(self, task: PretrainingTask, planned: int, trained: Trained) -> dict[str, object]:
        return {
            "identity": self.identity,
            "recipe": task.recipe.to_json(),
            "without": list(self.without),
            "seed": self.seed,
            "positions": self.positions,
            "precision": self.precision,
            "planned": planned,
            "steps": trained.steps,
            "stopped": trained.stopped,
            "weights": trained.weights,
            "seconds": round(trained.seconds, 3),
            "curve": [[step, float(f"{loss:.6g}")] for step, loss in trained.curve],
            "holdfast": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "device": self._device_words(),
            "cpu": cpu_model(),
            "commit": commit(),
        }


class _CountingTask(PretrainingTask):
    """Counts the series that it draws, so that a timing can say how many a second are seen."""

    series = 0

    def batch(self, step: int, seed: int) -> SyntheticBatch:
        """The series of update `step`."""
        batch = super().batch(step, seed)
        self.series += len(batch.family)
        return batch
