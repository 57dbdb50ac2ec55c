"""A comparison is fair, goes on after a kill, and says what it has not run."""

from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.errors import ArgumentError, ModelError
from holdfast.lens.compare import memory
from holdfast.lens.compare.memory import RUNS, MemoryPlan, MemoryResults, compare_memory
from holdfast.lens.compare.memory_findings import findings
from holdfast.lens.compare.memory_run import Job, Outcome, run
from holdfast.lens.compare.models import MODELS, reader, weights_of
from holdfast.records import ComparedRun
from holdfast.training.progress import SilentProgress

SMALL = MemoryPlan(
    "latch", (4,), seeds=2, models=("plain RNN", "GRU"), updates=4, rates=(1e-2, 1e-3), batch=4,
    hidden=4,
)  # fmt: skip


def facts(outcome: Outcome) -> dict[str, object]:
    """What has to be equal in equal runs: everything but the time."""
    return {name: getattr(outcome, name) for name in ("job", "updates", "solved_after", "error")}


@pytest.mark.parametrize(("inputs", "outputs"), [(2, 1), (54, 2), (10, 8)])
def test_all_models_have_about_as_many_weights(inputs: int, outputs: int) -> None:
    made = [reader(m, inputs, outputs, timescale=50.0, seed=0) for m in MODELS]
    sizes = [weights_of(network) for network in made]
    assert max(sizes) / min(sizes) < 1.03


def test_every_model_has_as_many_trials_and_updates(tmp_path: Path) -> None:
    record = compare_memory(replace(SMALL, lags=(5, 4)), tmp_path)
    lines = (tmp_path / RUNS).read_text(encoding="utf-8").splitlines()
    assert [(run.lag, run.seed, run.model) for run in record.runs] == [
        (lag, seed, model) for lag in (4, 5) for model in ("plain RNN", "GRU") for seed in (0, 1)
    ]
    assert len(lines) == 2 * 2 * (2 + 2) == len(set(lines))
    assert not any((tmp_path / "training").iterdir())
    for one in record.runs:
        assert one.gradient_before is not None
        assert one.gradient_after is not None
        assert one.gradient_before.lags[0] == 1


class KilledError(Exception):
    """In place of a signal."""


class KillAt(SilentProgress):
    """Ends the process, as it were, in the given update."""

    def __init__(self, update: int) -> None:
        self.left = update

    def advance(self, step: int, loss: float, note: str = "") -> None:
        self.left -= 1
        if not self.left:
            raise KilledError


@pytest.mark.parametrize("update", [3, 11, 22])
def test_a_killed_comparison_goes_on_to_the_same_results(tmp_path: Path, update: int) -> None:
    compare_memory(SMALL, tmp_path / "whole")
    with pytest.raises(KilledError):
        compare_memory(SMALL, tmp_path / "killed", progress=KillAt(update))
    before = len(MemoryResults(tmp_path / "killed")._lines)
    record = compare_memory(SMALL, tmp_path / "killed")
    whole, killed = (MemoryResults(tmp_path / name)._found for name in ("whole", "killed"))
    assert before < len(killed) == len(whole)
    assert [facts(one) for one in killed.values()] == [facts(one) for one in whole.values()]
    assert len(record.runs) == record.planned == 4


def test_a_run_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    job = Job("latch", 5, "LSTM, remember", 1, 1e-2, updates=30, batch=4, hidden=4)
    whole = run(job)

    class Kill(KillAt):
        def advance(self, step: int, loss: float, note: str = "") -> None:
            steps.append(step)
            super().advance(step, loss, note)

    steps: list[int] = []
    from holdfast.lens.compare.memory_run import MemoryTraining

    original = MemoryTraining.plan
    try:
        always = property(lambda self: replace(original.fget(self), checkpoint_every=0.0))
        MemoryTraining.plan = always  # type: ignore[method-assign,assignment]
        with pytest.raises(KilledError):
            run(job, tmp_path / "checkpoints", progress=Kill(3))
        gone_on = run(job, tmp_path / "checkpoints", progress=Kill(1000))
    finally:
        MemoryTraining.plan = original  # type: ignore[method-assign]
    assert steps[:4] == [1, 2, 3, 3]  # checkpoints follow what progress is told
    assert whole is not None
    assert gone_on is not None
    assert facts(gone_on) == facts(whole)
    assert gone_on.loss == whole.loss
    assert not (tmp_path / "checkpoints").exists()


def test_a_seed_that_does_not_fit_is_begun_for_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare_memory(replace(SMALL, seeds=1), tmp_path)
    monkeypatch.setattr(memory, "seconds_of", lambda job: 1e6)
    record = compare_memory(replace(SMALL, lags=(4, 5)), tmp_path, budget=60.0)
    assert [(run.lag, run.seed) for run in record.runs] == [(4, 0), (4, 0)]
    assert "6 of 8 runs were not done" in record.findings[-1]


def test_a_file_that_is_not_ours_is_refused_by_its_line(tmp_path: Path) -> None:
    (tmp_path / RUNS).write_text('{"job": 3}\n', encoding="utf-8")
    with pytest.raises(ModelError, match=r"runs\.jsonl, line 1"):
        compare_memory(SMALL, tmp_path)


def test_a_number_out_of_range_is_refused() -> None:
    with pytest.raises(ArgumentError, match="updates=0"):
        replace(SMALL, updates=0)


def solved(model: str, lag: int, after: int | None) -> ComparedRun:
    return ComparedRun("parity", model, lag, 0, 100, 50, after, 0.0 if after else 1.0, 0.01, 1.0)


def test_findings_say_where_no_lstm_is_needed() -> None:
    runs = [solved("plain RNN", 10, 20), solved("LSTM, remember", 10, 40)]
    said = " ".join(findings(runs, 2, 32))
    assert "needs no LSTM: the plain RNN solved parity up to lag 10" in said
    assert "plain RNN was sooner: 20 updates" in said
    assert "not done" not in said


def test_findings_say_where_a_default_lstm_forgets() -> None:
    runs = [
        solved(model, lag, after)
        for model, lag, after in [
            ("plain RNN", 10, None),
            ("LSTM, forget bias 0", 10, 5),
            ("LSTM, forget bias 0", 100, None),
            ("LSTM, remember", 10, 5),
            ("LSTM, remember", 100, 50),
        ]
    ]
    said = " ".join(findings(runs, 5, 32))
    assert "plain RNN: did not solve lag 10." in said
    assert "with forget gates that start at 1/2 it solved up to lag 10" in said
    assert "needs no LSTM" not in said


def test_findings_set_published_numbers_beside_ours() -> None:
    run = replace(solved("LSTM, remember", 100, 400), task="order")
    said = " ".join(findings([run], 1, 32))
    assert "took 12,800 training sequences" in said
    assert "report 31,390" in said


def test_what_is_named_twice_is_compared_once() -> None:
    twice = replace(SMALL, models=SMALL.models * 2, lags=SMALL.lags * 2)
    assert twice == SMALL
