"""What can be known to be wrong before a job waits in a queue is said in seconds, with its cure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from docksieve.data.errors import SiteError
from docksieve.hpc.checks import preflight as module
from docksieve.hpc.checks.preflight import file_system, preflight, require
from docksieve.hpc.sites.read import site_from
from docksieve.hpc.sites.site import Site

SITE = {
    "kind": "slurm",
    "interface": "lo",
    "shared": ["/"],
    "pool": {"all": {"cores": 4, "queue": "main"}},
}
Programs = Callable[[str, str], Path]


def site(**more: object) -> Site:
    return site_from({**SITE, **more}, "a test", "mine")


@pytest.fixture
def slurm(programs: Programs) -> Programs:
    """Commands of a Slurm that takes everything."""
    for name in ("squeue", "scancel", "sacct"):
        programs(name, "exit 0")
    programs("sbatch", 'echo "$@" >> "$LOG"; cat "${@: -1}" >> "$LOG"')
    return programs


def problems(found: Site, **places: Path) -> dict[str, str]:
    return {finding.what: finding.problem for finding in preflight(found, places) if finding.problem}


def test_a_good_site_passes_and_nothing_is_submitted(slurm: Programs, tmp_path: Path) -> None:
    assert problems(site(), campaign=tmp_path) == {}
    require(site(), {"campaign": tmp_path})
    log = (tmp_path / "said.txt").read_text()
    assert "--test-only" in log and "#SBATCH --partition=main" in log
    assert "--job-name" not in log and "--output" not in log


def test_the_schedulers_own_words_are_shown(slurm: Programs, tmp_path: Path) -> None:
    slurm("sbatch", 'echo "sbatch: error: invalid partition specified: main" >&2; exit 1')
    with pytest.raises(SiteError, match="invalid partition specified: main") as caught:
        require(site(), {})
    assert "--set" in str(caught.value)


def test_a_machine_that_submits_no_jobs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = problems(site())
    assert found == {"the commands of slurm": "sbatch, squeue, scancel are not on PATH."}


def test_an_interface_that_is_not_there(slurm: Programs) -> None:
    found = problems(site(interface="ib7"))
    assert "no network interface 'ib7'" in found["the driver's network interface"]


def test_a_folder_outside_the_shared_ones(slurm: Programs, tmp_path: Path) -> None:
    found = problems(site(shared=["/lus/grand"]), campaign=tmp_path)
    assert set(found) >= {"campaign seen by the nodes", "the Python environment seen by the nodes"}
    assert "none of the site's shared folders (/lus/grand)" in found["campaign seen by the nodes"]


@pytest.mark.parametrize(
    ("kind", "seen"),
    [("lustre", True), ("nfs4", True), ("fuse.sshfs", True), ("ext4", False), ("tmpfs", False)],
)
def test_file_systems_of_one_machine_are_refused(
    slurm: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, seen: bool
) -> None:
    monkeypatch.setattr(module, "file_system", lambda path: kind)
    assert (problems(site(shared=[]), campaign=tmp_path) == {}) is seen


def test_the_innermost_mount_counts() -> None:
    assert file_system(Path("/proc/self")) == "proc"


@pytest.mark.parametrize(("kind", "program"), [("pbspro", "qstat"), ("lsf", "bqueues")])
def test_queues_of_other_schedulers_are_asked_for(programs: Programs, kind: str, program: str) -> None:
    for name in module.PROGRAMS[kind]:
        programs(name, "exit 0")
    programs(program, f'echo "{program}: Unknown queue main" >&2; exit 170')
    assert problems(site(kind=kind)) == {"queue main": f"{program} says: {program}: Unknown queue main."}


def test_a_site_without_a_scheduler_is_not_looked_at() -> None:
    assert preflight(Site("here"), {"campaign": Path("/nowhere")}) == []
