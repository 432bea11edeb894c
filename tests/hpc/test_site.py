"""Sites: presets load, mistakes are named, and Parsl accepts the configuration made from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.errors import SiteError
from docksieve.hpc.site import load_site, preset_names, usable_cores


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads(name: str) -> None:
    assert load_site(name).name == name


def test_local_uses_every_core() -> None:
    assert load_site("local").worker_count == usable_cores()


def test_unknown_site_suggests() -> None:
    with pytest.raises(SiteError, match="Did you mean 'local'"):
        load_site("locall")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "x"\nworker = 3\n', "unknown key 'worker'.*'workers'"),
        ('name = "x"\nworkers = -1\n', "workers must be"),
        ('name = "x"\nkind = "slrum"\n', "kind is 'slrum'"),
        ("name = \n", "not valid TOML"),
        ("workers = 2\n", "name"),
    ],
)
def test_mistakes_in_a_site_file_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(SiteError, match=said):
        load_site(str(path))


def test_missing_site_file(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="does not exist"):
        load_site(str(tmp_path / "none.toml"))


def test_parsl_accepts_the_local_configuration(tmp_path: Path) -> None:
    from docksieve.hpc.parsl_config import EXECUTOR, parsl_config

    config = parsl_config(load_site("local"), tmp_path)
    (executor,) = config.executors
    assert executor.label == EXECUTOR
    assert executor.max_workers_per_node == usable_cores()
    assert config.retries == 0
