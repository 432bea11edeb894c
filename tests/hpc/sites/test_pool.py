"""Pools: what they come to, and what is refused, each with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.errors import SiteError
from docksieve.hpc.sites.pool import Pool, walltime_seconds
from docksieve.hpc.sites.read import load_site

GPU = 'accelerator = "cuda"\ngpus = 4\n'


def site_file(tmp_path: Path, keys: str, head: str = 'kind = "slurm"\n') -> str:
    path = tmp_path / "mine.toml"
    path.write_text(f"{head}[pool.work]\n{keys}")
    return str(path)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("nodes = 0\n", "nodes must be at least 1, not 0"),
        ("blocks = 0\n", "blocks must be at least 1, not 0"),
        ("cores = -1\n", "cores must be at least 0, not -1"),
        ("idle_seconds = 0\n", "idle_seconds must be at least 1, not 0"),
        ("cores_per_worker = 0\n", "cores_per_worker must be at least 1"),
        ("min_blocks = 3\n", r"min_blocks \(3\) must not exceed blocks \(1\)"),
        ('launcher = "srum"\n', "launcher must be one of 'auto', 'single', 'srun'.*not 'srum'"),
        (
            'accelerator = "nvidia"\ngpus = 4\n',
            "accelerator must be one of .*'cuda', 'rocm', 'xpu'.*not 'nvidia'",
        ),
        ('roles = ["screen", "doc"]\n', "roles must be one of 'screen', 'dock', 'train', not 'doc'"),
        ("roles = []\n", "roles must name one or more of screen, dock, train"),
        ('roles = ["dock", "dock"]\n', "each once"),
        ('accelerator = "cuda"\n', "accelerator and gpus belong together"),
        ("gpus = 4\n", "accelerator and gpus belong together"),
        (f'{GPU}devices = ["0", "1"]\n', "devices names 2 devices, but gpus is 4"),
        (f'{GPU}devices = ["0", "1", "1", "2"]\n', "devices names one of them twice.*workers_per_gpu"),
        (f"{GPU}workers = 3\n", r"workers must be gpus x workers_per_gpu = 4 \(or 0 for just that\), not 3"),
        (f"{GPU}workers_per_gpu = 2\nworkers = 6\n", "gpus x workers_per_gpu = 8.*not 6"),
        (f'{GPU}affinity = "list:0-7:8-15"\n', "affinity lists 2 sets of cores, but a node has 4 workers"),
        (
            'workers = 2\naffinity = "list:0-7:8-15:16-23"\n',
            "affinity lists 3 sets of cores, but a node has 2",
        ),
        ('affinity = "list:a-b"\n', "affinity 'list:a-b' must be list:CORES:CORES"),
        ('affinity = "closest"\n', "affinity must be none, block, block-reverse, alternating or list"),
        ('walltime = "90"\n', "walltime must be HH:MM:SS and more than nothing, not '90'"),
        ('walltime = "00:00:00"\n', "walltime must be HH:MM:SS and more than nothing"),
        ('walltime = "01:75:00"\n', "walltime must be HH:MM:SS"),
        ("walltime = 60\n", "walltime must be text, not 60"),
        (
            'walltime = "00:10:00"\ndrain_seconds = 600\n',
            r"drain_seconds \(600\) must be shorter than the walltime",
        ),
        ("node = 4\n", "unknown key 'node'. Did you mean 'nodes'"),
        ('nodes = "two"\n', "nodes must be a whole number, not 'two'"),
        ('directives = "#SBATCH -x"\n', "directives must be a list of texts"),
        ("directives = [1]\n", "directives must be a list of texts"),
        ("exclusive = 1\n", "exclusive must be true or false, not 1"),
    ],
)
def test_refusals(tmp_path: Path, keys: str, said: str) -> None:
    with pytest.raises(SiteError, match=said) as caught:
        load_site(site_file(tmp_path, keys))
    assert "mine.toml: [pool.work]" in caught.value.message  # which file, which table


def test_a_name_that_no_batch_script_should_hold(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('kind = "slurm"\n[pool."GPU nodes"]\n')
    with pytest.raises(SiteError, match="a pool's name is lower-case letters"):
        load_site(str(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "slurm"\n', "needs at least one pool"),
        ('kind = "slurm"\n[pool.a]\n', "pool 'a' needs cores: how many a node has"),
        (
            'kind = "slurm"\n[pool.a]\ncores = 4\nranks_per_node = 2\n',
            "a pool with ranks_per_node has the role 'train' alone",
        ),
        (
            'kind = "slurm"\n[pool.a]\ncores = 4\nroles = ["dock", "train"]\n',
            "role 'screen' must be served by one pool.*none",
        ),
        (
            'kind = "slurm"\n[pool.a]\ncores = 4\n[pool.b]\ncores = 4\nroles = ["dock"]\n',
            "role 'dock' must be served by one pool, and is served by a and b",
        ),
        ('kind = "inline"\n[pool.a]\n', "'inline' has no pools"),
        ('kind = "slurm"\nworkers = 4\n[pool.a]\n', "workers is for sites without pools"),
        ('walltime = "01:00:00"\n', "walltime is for sites with pools"),
        ('kind = "slurm"\npool = 3\n', "pools are tables"),
        ('kind = "slurm"\nrequires = ["pool.b.cores"]\n[pool.a]\n', "no pool 'b'"),
    ],
)
def test_sites_that_do_not_hold_together(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(SiteError, match=said):
        load_site(str(path))


def test_workers_come_of_devices_or_of_cores() -> None:
    assert Pool("a", cores=64).workers_per_node == 64
    assert Pool("a", cores=64, cores_per_worker=8).workers_per_node == 8
    assert Pool("a", cores=64, cores_per_worker=100).workers_per_node == 1
    assert Pool("a", cores=64, workers=5).workers_per_node == 5
    gpu = Pool("a", cores=64, gpus=4, accelerator="cuda", workers_per_gpu=3, nodes=2, blocks=5)
    assert (gpu.workers_per_node, gpu.most_workers) == (12, 120)
    assert gpu.device_names == ("0", "1", "2", "3")


def test_torch_calls_amds_devices_cuda() -> None:
    names = {
        kind: Pool("a", gpus=1, accelerator=kind).screen_device for kind in ("cuda", "rocm", "xpu", "pretend")
    }
    assert names == {"cuda": "cuda", "rocm": "cuda", "xpu": "xpu", "pretend": "cpu"}
    assert Pool("a").screen_device == "cpu"


def test_node_hours_and_the_last_minutes_of_a_block() -> None:
    pool = Pool("a", nodes=3, blocks=2, walltime="1-02:30:00")
    assert pool.node_hours == pytest.approx(3 * 2 * 26.5)
    assert pool.drain == 600
    assert Pool("a", walltime="00:10:00").drain == 120  # a fifth of a short one
    assert Pool("a", walltime="00:10:00", drain_seconds=30).drain == 30


@pytest.mark.parametrize(("text", "seconds"), [("00:00:01", 1), ("48:00:00", 172800), ("2-00:00:00", 172800)])
def test_walltimes(text: str, seconds: int) -> None:
    assert walltime_seconds(text) == seconds


def test_keys_of_a_site_hold_for_pools_that_do_not_say_otherwise(tmp_path: Path) -> None:
    keys = (
        'roles = ["screen"]\n[pool.other]\nroles = ["dock", "train"]\nqueue = "long"\nwalltime = "09:00:00"\n'
    )
    head = 'kind = "local"\nqueue = "short"\naccount = "abc"\nsetup = ["module load x"]\n'
    pools = load_site(site_file(tmp_path, keys, head)).pools
    assert [pools[name].queue for name in ("work", "other")] == ["short", "long"]
    assert [pools[name].walltime for name in ("work", "other")] == ["01:00:00", "09:00:00"]
    assert all(pool.account == "abc" and pool.setup == ("module load x",) for pool in pools.values())
