"""Every preset loads, says what it needs, and becomes a configuration that the installed Parsl accepts."""

from __future__ import annotations

import re
from pathlib import Path

import parsl
import pytest
from docksieve.data.errors import SiteError
from docksieve.hpc.parsl_workers.config import parsl_config
from docksieve.hpc.parsl_workers.listening import rehearsed
from docksieve.hpc.sites.read import MissingKeys, load_site, preset_names, site_text
from docksieve.hpc.sites.site import Site

from ..conftest import ADDRESS, CLUSTERS, preset

NAMED = sorted(
    (
        "polaris",
        "aurora",
        "perlmutter",
        "frontier",
        "delta",
        "expanse",
        "anvil",
        "bridges-2",
        "lumi",
        "leonardo",
    )
)
GENERIC = sorted(("slurm", "slurm-gpu", "pbspro", "pbspro-gpu", "lsf", "lsf-gpu"))


def test_the_presets_are_these() -> None:
    assert sorted(preset_names()) == sorted([*NAMED, *GENERIC, "allocation", "inline", "local"])
    assert sorted([*NAMED, *GENERIC]) == CLUSTERS


@pytest.mark.parametrize("name", ["inline", "local"])
def test_presets_without_a_scheduler_load(name: str) -> None:
    assert load_site(name).name == name


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_cluster_serves_every_role_and_says_nothing_twice(name: str) -> None:
    site = preset(name)
    assert site.name == name and site.on_cluster and site.description
    assert site.confirmed == ""  # until somebody ran there
    assert sorted(role for pool in site.pools.values() for role in pool.roles) == ["dock", "screen", "train"]
    # Training uses the cores of a node: a worker that is bound to a few of them must not do it.
    assert site.pool_for("train").affinity == "none"
    assert site.pool_for("dock").workers_per_node > 1


@pytest.mark.parametrize("name", NAMED)
def test_a_named_machine_has_devices_all_of_which_work(name: str) -> None:
    pool = preset(name).pool_for("screen")
    assert pool.gpus == {"aurora": 12, "frontier": 8, "lumi": 8, "bridges-2": 8}.get(name, 4)
    assert pool.accelerator == {"aurora": "xpu", "frontier": "rocm", "lumi": "rocm"}.get(name, "cuda")
    assert pool.workers_per_node == pool.gpus * pool.workers_per_gpu
    assert pool.launcher in ("srun", "pals")


@pytest.mark.parametrize("name", NAMED)
def test_cores_of_workers_are_cores_of_the_node_and_nobody_elses(name: str) -> None:
    pool = preset(name).pool_for("screen")
    if not pool.affinity.startswith("list:"):
        return
    sets = [_numbers(part) for part in pool.affinity.split(":")[1:]]
    assert len(sets) == pool.workers_per_node
    together = [core for cores in sets for core in cores]
    assert len(set(together)) == len(together)
    assert len({len(cores) for cores in sets}) == 1
    first_of_eight = {"frontier", "lumi"}  # the system's
    assert max(together) < (64 if name in first_of_eight else pool.cores)
    if name in first_of_eight:
        assert not [core for core in together if core % 8 == 0]
    if name == "aurora":
        assert not {0, 52, 104, 156} & set(together)


@pytest.mark.parametrize("name", ["polaris", "perlmutter"])
def test_the_first_gpu_goes_with_the_last_cores(name: str) -> None:
    sets = [_numbers(part) for part in preset(name).pool_for("screen").affinity.split(":")[1:]]
    assert [min(cores) for cores in sets] == sorted((min(cores) for cores in sets), reverse=True)


def _numbers(part: str) -> list[int]:
    found: list[int] = []
    for piece in part.split(","):
        first, _, last = piece.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_preset_names_all_that_is_missing_at_once(name: str) -> None:
    asked = re.search(r"^requires = \[(.*?)\]", site_text(name)[0], re.MULTILINE)
    assert asked
    keys = re.findall(r'"(.+?)"', asked[1])
    if not keys:
        load_site(name)
        return
    with pytest.raises(MissingKeys) as caught:
        load_site(name)
    assert list(caught.value.keys) == keys
    assert all(f"--set {key}=" in caught.value.hint for key in keys)


@pytest.mark.parametrize("name", CLUSTERS)
def test_the_installed_parsl_accepts_it(name: str, tmp_path: Path, every_network: None) -> None:
    site = preset(name)
    with rehearsed(lambda command: (0, "", "")):
        config = parsl_config(site, tmp_path)
    assert isinstance(config, parsl.Config)
    for executor in config.executors:
        pool = site.pools[executor.label]
        assert executor.address == ADDRESS
        assert executor.max_workers_per_node == pool.workers_per_node
        assert (executor.provider.nodes_per_block, executor.provider.max_blocks) == (pool.nodes, pool.blocks)
        assert 0 < executor.drain_period < executor_walltime(executor.provider.walltime)
    assert not list(tmp_path.iterdir())  # a configuration alone leaves nothing behind


def executor_walltime(text: str) -> int:
    hours, minutes, seconds = map(int, text.split(":"))
    return (hours * 60 + minutes) * 60 + seconds


def test_an_interface_that_is_not_there_is_an_error_before_anything_starts(tmp_path: Path) -> None:
    site = preset("polaris", interface="no0")
    with pytest.raises(SiteError, match=r"no network interface 'no0'.*It has: .*lo"):
        parsl_config(site, tmp_path)


@pytest.mark.parametrize(
    ("name", "said"), [("my campaign", "' '"), ("50%", "'%'"), ("a;b", "';'"), ("{x}", "'{' and")]
)
def test_a_folder_that_no_batch_script_can_hold(
    tmp_path: Path, every_network: None, name: str, said: str
) -> None:
    with pytest.raises(SiteError, match=f"Batch scripts cannot hold the folder .*{re.escape(said)}"):
        parsl_config(preset("frontier"), tmp_path / name)
    with rehearsed(lambda command: (0, "", "")):
        parsl_config(preset("frontier"), tmp_path / "Ünïcode-1.5_ok+@=,:~")
    parsl_config(load_site("local"), tmp_path / name)  # where there is no batch script, it does no harm


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.1.1"])
def test_a_name_that_leads_back_to_the_machine_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """As on many a Debian: workers on other nodes would wait for ever."""
    monkeypatch.setattr("docksieve.hpc.parsl_workers.config.address_by_hostname", lambda: address)
    with pytest.raises(SiteError, match=rf"This machine's name leads to {address}.*Set `interface`.*lo"):
        parsl_config(preset("slurm"), tmp_path)


def test_a_name_that_leads_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise OSError("Name or service not known")

    monkeypatch.setattr("docksieve.hpc.parsl_workers.config.address_by_hostname", unknown)
    with pytest.raises(SiteError, match="This machine's name leads to no address"):
        parsl_config(preset("slurm"), tmp_path)


def test_an_interface_without_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "docksieve.hpc.parsl_workers.config.psutil.net_if_addrs", lambda: {"hsn0": (), "lo": ()}
    )
    with pytest.raises(SiteError, match=r"'hsn0' has no IPv4 address.*Set `interface` to another: hsn0, lo"):
        parsl_config(preset("frontier"), tmp_path)


@pytest.mark.parametrize("name", CLUSTERS)
def test_lines_fit_a_screen_and_doubts_are_marked_one_way(name: str) -> None:
    text = site_text(name)[0]
    assert max(map(len, text.split("\n"))) <= 120
    assert "TODO" not in text and "?" not in text


def test_the_class_of_sites_knows_where_workers_are() -> None:
    site: Site = preset("delta")
    assert not site.on_this_machine
    assert site.worker_count == 4 * 128
    assert site.screening == ("cuda", 1)
