"""Values of the command line: in a loaded site, and in a file written with the comments of its preset."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.errors import SiteError
from docksieve.hpc.sites.read import load_site, own_sites, parse_overrides, site_from, site_text
from docksieve.hpc.sites.write import edited

from ..conftest import CLUSTERS, GIVEN, preset


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ("account=abc123", {"account": "abc123"}),
        ("pool.gpu.nodes=4", {"pool.gpu.nodes": 4}),
        ("exclusive=false", {"exclusive": False}),
        ('setup=["module load a", "b"]', {"setup": ["module load a", "b"]}),
        ("walltime=02:00:00", {"walltime": "02:00:00"}),
        ("constraint=gpu&hbm80g", {"constraint": "gpu&hbm80g"}),
        ("launcher_options=--depth=64", {"launcher_options": "--depth=64"}),
        (" account = abc ", {"account": "abc"}),
        ("account=", {"account": ""}),
        ("account=12345", {"account": "12345"}),
        ("pool.gpu.walltime=48:00:00", {"pool.gpu.walltime": "48:00:00"}),
        ('account="a=b"', {"account": "a=b"}),
    ],
)
def test_values_are_toml_where_they_are_and_text_elsewhere(item: str, found: dict[str, Any]) -> None:
    assert parse_overrides([item]) == found


@pytest.mark.parametrize("item", ["account", "=abc", ""])
def test_what_is_no_pair_is_refused(item: str) -> None:
    with pytest.raises(SiteError, match="is not KEY=VALUE"):
        parse_overrides([item])


def test_a_key_without_a_pool_holds_for_all_of_them() -> None:
    site = preset("lumi", queue="debug")
    assert [pool.queue for pool in site.pools.values()] == ["debug", "debug"]


def test_a_key_of_one_pool_holds_for_that_one() -> None:
    site = preset("lumi", **{"pool.gpu.queue": "dev-g", "pool.gpu.nodes": 3})
    assert [(pool.queue, pool.nodes) for pool in site.pools.values()] == [("dev-g", 3), ("standard", 1)]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("acount", "unknown key 'acount'. Did you mean 'account'"),
        ("pool.gpu.node", "unknown key 'node'. Did you mean 'nodes'"),
        ("pool.gpuu.nodes", "has no table 'gpuu'.*Did you mean 'gpu'"),
        ("pools.gpu.nodes", "has no table 'pools'.*Did you mean 'pool'"),
        ("account.x", "has no table 'account'"),
    ],
)
def test_unknown_keys_suggest(key: str, said: str) -> None:
    with pytest.raises(SiteError, match=said):
        preset("polaris", **{key: "4"})


def test_an_account_for_each_pool_will_do_where_one_is_asked_for() -> None:
    site = load_site("frontier", {"pool.gpu.account": "a", "pool.cpu.account": "b"})
    assert [pool.account for pool in site.pools.values()] == ["a", "b"]


def test_one_account_will_do_where_each_pool_is_asked_for() -> None:
    assert {pool.account for pool in load_site("delta", {"account": "a"}).pools.values()} == {"a"}


def test_sites_of_a_folder_come_before_presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "local.toml").write_text("workers = 1\n")
    (tmp_path / "ours.toml").write_text("workers = 2\n")
    monkeypatch.setenv("DOCKSIEVE_SITES", str(tmp_path))
    assert list(own_sites()) == ["local", "ours"]
    assert (load_site("local").workers, load_site("ours").workers) == (1, 2)
    with pytest.raises(SiteError, match="Did you mean 'ours'"):
        load_site("our")


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_file_written_from_a_preset_means_the_same(name: str) -> None:
    text, where = site_text(name)
    given = {**GIVEN.get(name, {"account": "abc123"}), "walltime": "01:30:00"}
    written = edited(text, {"name": "mine", **given}, where)
    found = site_from(tomllib.loads(written), "mine.toml", "mine")
    assert found.pools == load_site(name, given).pools
    comments = [line for line in text.split("\n") if line.startswith("# ") and " = " not in line]
    assert all(line in written for line in comments)


def test_a_key_in_a_comment_comes_to_life_where_it_stands() -> None:
    written = edited(site_text("slurm-gpu")[0], {"pool.cpu.cores": 96, "interface": "ib0"}, "x")
    lines = written.split("\n")
    (cores,) = (line for line in lines if line.startswith("cores = 96"))
    (interface,) = (line for line in lines if line.startswith('interface = "ib0"'))
    assert cores.endswith("# per node: one worker each")
    assert cores.index("#") == interface.index("#") == lines[lines.index("[pool.cpu]") + 2].index("#")
    assert "# cores = 64               # per node" in lines  # that of the other pool sleeps on
    parsed = tomllib.loads(written)
    assert parsed["pool"]["cpu"]["cores"] == 96 and "cores" not in parsed["pool"]["gpu"]


def test_an_inherited_key_is_taken_out_of_the_pools() -> None:
    written = tomllib.loads(edited(site_text("lumi")[0], {"queue": "debug"}, "x"))
    assert written["queue"] == "debug"
    assert all("queue" not in pool for pool in written["pool"].values())


def test_text_that_is_no_toml() -> None:
    with pytest.raises(SiteError, match="x is not valid TOML"):
        edited("a = = 3\n", {"b": 1}, "x")
