"""Sites without a scheduler: mistakes in their files are named, and Parsl accepts what is made of them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from docksieve.data.environment import usable_cores
from docksieve.data.errors import SiteError
from docksieve.hpc.sites.read import load_site


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
        ('kind = "slrum"\n', "kind must be .*'slurm'.*, not 'slrum'"),
        ("kind = 3\n", "kind must be text, not 3"),
        ("name = \n", "not valid TOML"),
        ("name = 7\n", "name must be text, not 7"),
        ('name = " "\n', "name must not be empty"),
        ('workers = "many"\n', "workers must be a whole number, not 'many'"),
        ("workers = 2.5\n", "workers must be a whole number, not 2.5"),
        ("workers = true\n", "workers must be a whole number, not True"),
        ("heartbeat_seconds = 1.5\n", "heartbeat_seconds must be a whole number of seconds, not 1.5"),
        ('poll_seconds = "0.1"\n', "poll_seconds must be a number of seconds, not '0.1'"),
        ("poll_seconds = nan\n", "poll_seconds must lie between"),
        ("stall_seconds = [120]\n", "stall_seconds must be a number of seconds"),
        ("stall_seconds = nan\n", "stall_seconds must be at least 5"),
        ('screen_device = "gpu"\n', "screen_device must be 'cpu' or a device such as 'cuda'"),
        ('screen_device = "mps"\n', "screen_device must be 'cpu' or a device such as 'cuda'"),
        ("screen_threads = 0\n", "screen_threads must be at least 1"),
    ],
)
def test_mistakes_in_a_site_file_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(SiteError, match=said):
        load_site(str(path))


def test_a_site_file_without_a_name_lends_its_own(tmp_path: Path) -> None:
    (tmp_path / "desktop.toml").write_text("workers = 2\nstall_seconds = 600\n")
    site = load_site(str(tmp_path / "desktop.toml"))
    assert (site.name, site.workers, site.stall_seconds) == ("desktop", 2, 600)


def test_missing_and_unreadable_site_files(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SiteError, match="cannot be read"):
        load_site(str(tmp_path / "binary.toml"))
    with pytest.raises(SiteError, match="does not exist"):
        load_site(str(tmp_path / "none.toml"))


def test_parsl_accepts_the_local_configuration(tmp_path: Path) -> None:
    from docksieve.hpc.parsl_workers.config import parsl_config

    config = parsl_config(load_site("local"), tmp_path)
    (executor,) = config.executors
    assert executor.label == "workers"
    assert executor.max_workers_per_node == usable_cores()
    assert config.retries == 0


@pytest.mark.parametrize(("mine", "kept"), [("/scratch/me", "/scratch/me"), (None, "")])
def test_workers_keep_the_users_temporary_folder_for_docking(
    tmp_path: Path, mine: str | None, kept: str
) -> None:
    from docksieve.hpc.parsl_workers.config import parsl_config

    (executor,) = parsl_config(load_site("local"), tmp_path).executors
    environment = {k: v for k, v in os.environ.items() if k not in ("TMPDIR", "DOCKSIEVE_SCRATCH")}
    environment |= {} if mine is None else {"TMPDIR": mine}
    script = f'{executor.provider.worker_init}\necho "$TMPDIR|$DOCKSIEVE_SCRATCH"'
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == f"/tmp|{kept}"
