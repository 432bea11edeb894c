"""A real Slurm on this machine for the tests of this folder; where it cannot run they are skipped, with the reason."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent

SITE = """\
name = "test-slurm"
kind = "slurm"
description = "The throw-away cluster of the tests"
queue = "main"
walltime = "00:10:00"
interface = "lo"
heartbeat_seconds = 1
poll_seconds = 0.1
queue_poll_seconds = 1

[pool.gpu]
roles = ["screen"]
nodes = 1
blocks = 1
cores = 4
gpus = 4
accelerator = "pretend"

[pool.cpu]
roles = ["dock", "train"]
nodes = 1
blocks = 1
cores = 4
workers = 2
"""


def load(name: str) -> ModuleType:
    """Return the module of that name in this folder, which is no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here: `-m slurm` chooses it, `-m "not slow"` leaves it out."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slurm)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def slurm_cluster() -> Iterator[Any]:
    """The cluster, up for the whole test run; nothing outside these tests sees its environment."""
    module = load("cluster")
    cluster = None
    try:
        module.check_machine(module.Shape())
        cluster = module.temporary_cluster()
        cluster.start()
    except module.CannotRun as reason:
        if cluster is not None:
            module.remove(cluster)
        pytest.skip(f"no real Slurm on this machine: {reason}")
    except BaseException:
        if cluster is not None:
            module.remove(cluster)
        raise
    yield cluster
    module.remove(cluster)


@pytest.fixture
def slurm(slurm_cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The cluster as new: all nodes idle, no jobs; its environment is this test's environment."""
    slurm_cluster.heal()
    for name, value in slurm_cluster.env.items():
        monkeypatch.setenv(name, value)
    yield slurm_cluster
    slurm_cluster.cancel_all(20)


@pytest.fixture
def make_site(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes this cluster's site file, with some of its text replaced."""

    def make(*replaced: tuple[str, str], name: str = "site") -> Path:
        text = SITE
        for old, new in replaced:
            assert old in text, f"{old} does not occur"
            text = text.replace(old, new)
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        return path

    return make
