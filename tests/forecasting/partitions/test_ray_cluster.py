"""The same job on a Ray cluster that loses a machine halfway."""

from __future__ import annotations

import builtins
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from tests.forecasting.partitions.folders import folder_of, results, run_here, settings_for
from tests.forecasting.small import small_network

from holdfast.errors import InputError
from holdfast.forecasting.partitions.job import Watch, run_job
from holdfast.forecasting.partitions.plan import prepare
from holdfast.training.progress import SilentProgress


def test_without_ray_it_says_how_to_get_it(tmp_path: Path) -> None:
    data, _ = folder_of(tmp_path / "in", parts=1)
    settings = settings_for(data)
    watch = Watch(
        lambda forecaster, sampled, series: None, lambda done, parts, series: None, SilentProgress()
    )
    usual = builtins.__import__

    def without(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        if name == "ray":
            raise ImportError(name)
        return usual(name, globals, locals, fromlist, level)

    with (
        small_network(),
        patch.object(builtins, "__import__", without),
        pytest.raises(InputError, match=r"pip install 'holdfast\[ray\]'"),
    ):
        run_job(prepare(tmp_path / "out", settings), watch, engine="ray")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_machine_that_is_lost_loses_and_doubles_nothing(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    data, names = folder_of(tmp_path / "in", parts=8, series=100)
    settings = settings_for(data)
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    second = cluster.add_node(num_cpus=1)
    alive: list[int] = []

    def kill_at_half(done: int, parts: int, series: int) -> None:
        if done == parts // 2:
            alive.append(sum(node["Alive"] for node in ray.nodes()))
            cluster.remove_node(second, allow_graceful=False)

    try:
        environment = {"env_vars": {"PYTHONPATH": ":".join(filter(None, sys.path))}}
        ray.init(address=cluster.address, log_to_driver=False, runtime_env=environment)
        cluster.wait_for_nodes()
        watch = Watch(lambda forecaster, sampled, series: None, kill_at_half, SilentProgress())
        with small_network():
            done = run_job(prepare(tmp_path / "out", settings), watch, engine="ray")
        alive.append(sum(node["Alive"] for node in ray.nodes()))
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert alive == [2, 1]
    assert done.series == len(names)
    made = results(tmp_path / "out")
    assert Counter(made["unique_id"].to_pylist()) == dict.fromkeys(names, settings.horizon)
    assert not list((tmp_path / "out").rglob(".holdfast-*.part"))
    again = tmp_path / "again"
    with small_network():
        run_here(again, settings)
    assert results(again).equals(made)
