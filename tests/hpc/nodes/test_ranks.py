"""Ranks of one task: started as the launcher wants, found out, answered for, and their faults told."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.errors import SiteError
from docksieve.hpc.nodes.rank_process import rank_of
from docksieve.hpc.nodes.ranks import launched, ranks_here, run_ranks
from docksieve.hpc.sites.pool import Pool

pytestmark = pytest.mark.alone

ASK = ["python", "-m", "x"]


@pytest.mark.slow
def test_two_ranks_of_this_machine_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKSIEVE_RANKS_PER_NODE", "2")
    assert ranks_here() == 2
    answers = run_ranks("docksieve.models.devices.ranks:sum_of_ranks", {}, tmp_path, limit=120)
    assert [(a["rank"], a["world"], a["sum"]) for a in answers] == [(0, 2, 1), (1, 2, 1)]
    assert list(tmp_path.iterdir()) == []


def test_a_rank_that_fails_is_told_with_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKSIEVE_RANKS_PER_NODE", "1")
    with pytest.raises(SiteError, match=r"Rank 0 of 1: FileNotFoundError: .*nowhere"):
        run_ranks("os:listdir", {"path": "/nowhere"}, tmp_path, limit=60)
    with pytest.raises(SiteError, match="Rank 0 of 1: ModuleNotFoundError"):
        run_ranks("no_such_module:f", {}, tmp_path, limit=60)


def test_ranks_that_never_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKSIEVE_RANKS_PER_NODE", "1")
    with pytest.raises(SiteError, match="did not end within 1 s"):
        run_ranks("signal:pause", {}, tmp_path, limit=1)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (
            "srun",
            "srun --overlap --mem=0 --nodes=3 --ntasks=12 --ntasks-per-node=4 --kill-on-bad-exit=1 python",
        ),
        ("mpiexec", "mpiexec -n 12 --map-by ppr:4:node --bind-to none python"),
        ("pals", "mpiexec -n 12 --ppn 4 --cpu-bind none python"),
        ("jsrun", "jsrun -n 12 -r 4 -a 1 python"),
    ],
)
def test_launchers(kind: str, words: str) -> None:
    assert " ".join(launched(kind, 3, 4, ASK)).startswith(words)


def test_a_step_of_slurm_is_told_its_cores() -> None:
    assert "--cpus-per-task=16" in launched("srun", 3, 4, ASK, cores=64)


def test_a_launcher_that_stays_on_its_node() -> None:
    assert launched("single", 1, 4, ASK) == ASK
    with pytest.raises(SiteError, match="starts no ranks on other nodes"):
        launched("single", 2, 4, ASK)


def test_who_a_rank_is() -> None:
    assert rank_of({"SLURM_PROCID": "3", "RANK": "0"}, launched_by_hand=False) == 3
    assert rank_of({"PMI_RANK": "2"}, launched_by_hand=False) == 2
    # Inside a batch step Slurm has numbered the step itself; ranks started by hand go by their own.
    assert rank_of({"SLURM_PROCID": "0", "RANK": "1"}, launched_by_hand=True) == 1


def test_a_pool_with_ranks_has_one_worker_per_block() -> None:
    pool = Pool("train", ("train",), nodes=4, blocks=2, gpus=4, accelerator="cuda", ranks_per_node=4)
    assert (pool.workers_per_node, pool.most_workers) == (1, 2)
    with pytest.raises(ValueError, match="role 'train' alone"):
        Pool("all", ranks_per_node=2, cores=4)
