"""What can be known to be wrong before a job waits in a queue: asked in seconds, on the driver's machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from ...data.errors import SiteError
from ..parsl_workers.config import driver_address
from ..sites.site import Site
from .dry_run import batch_scripts

PROGRAMS = {
    "slurm": ("sbatch", "squeue", "scancel"),
    "pbspro": ("qsub", "qstat", "qdel"),
    "lsf": ("bsub", "bjobs", "bkill"),
}
NETWORK_FILE_SYSTEMS = (
    "nfs", "nfs4", "lustre", "gpfs", "beegfs", "ceph", "glusterfs", "panfs", "wekafs", "afs", "cvmfs", "9p", "virtiofs",
    "pvfs2", "orangefs", "dvs", "vast", "quobyte", "smb3", "cifs",
)  # fmt: skip
"""Kinds of file systems that other machines see too; those of user space (``fuse.``) are believed."""
_PATIENCE = 60


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    what : str
    problem : str
        Empty if all is well.
    cure : str
    """

    what: str
    problem: str = ""
    cure: str = ""


def preflight(site: Site, places: Mapping[str, Path]) -> list[Finding]:
    """Look at all that can be known of ``site`` without a job.

    Parameters
    ----------
    site : Site
    places : mapping of str to Path
        What workers must be able to read or write, by what it is: the campaign's folder, the library.

    Returns
    -------
    list of Finding
        Everything that was looked at, in the order in which it matters; of a site without a scheduler, nothing.
    """
    if not site.on_cluster:
        return []
    return list(_findings(site, places))


def require(site: Site, places: Mapping[str, Path]) -> None:
    """Look as :func:`preflight` does, and refuse a site with which something is wrong.

    Raises
    ------
    SiteError
        With every problem and its cure.
    """
    wrong = [finding for finding in preflight(site, places) if finding.problem]
    if wrong:
        lines = [f"\n- {finding.what}: {finding.problem} {finding.cure}".rstrip() for finding in wrong]
        raise SiteError(f"Site {site.name!r} cannot be used as it is:{''.join(lines)}")


def _findings(site: Site, places: Mapping[str, Path]) -> Iterator[Finding]:
    missing = [name for name in PROGRAMS[site.kind] if shutil.which(name) is None]
    if missing:
        yield Finding(
            f"the commands of {site.kind}",
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not on PATH.",
            "Log in to a machine that submits jobs, or load the module that brings them.",
        )
    else:
        yield Finding(f"the commands of {site.kind}")
    try:
        driver_address(site)
        yield Finding("the driver's network interface")
    except SiteError as error:
        yield Finding("the driver's network interface", error.message, error.hint)
        return  # no batch script can be written without it
    folders = {**places, "the Python environment": Path(sys.prefix), "docksieve": Path(__file__).parents[2]}
    for what, path in folders.items():
        yield _shared(site, what, path)
    if not missing:
        yield from _asked(site)


def _shared(site: Site, what: str, path: Path) -> Finding:
    """Look whether the nodes can see ``path``."""
    real = path.resolve()
    if site.shared:
        inside = any(
            real.is_relative_to(Path(os.path.expandvars(folder)).resolve()) for folder in site.shared
        )
        problem = f"{real} is in none of the site's shared folders ({', '.join(site.shared)})."
    else:
        kind = file_system(real)
        inside = kind in NETWORK_FILE_SYSTEMS or kind.startswith("fuse.")
        problem = f"{real} lies on a file system of this machine alone ({kind})."
    cure = (
        "Put it on the file system that the nodes share; if they do see it, name it in the site's `shared`."
    )
    return Finding(f"{what} seen by the nodes", "" if inside else problem, "" if inside else cure)


def file_system(path: Path) -> str:
    """Return the kind of the file system that ``path`` lies on, such as ``ext4`` or ``lustre``."""
    best, kind = -1, "unknown"
    for mount in psutil.disk_partitions(all=True):
        if path.is_relative_to(mount.mountpoint) and len(mount.mountpoint) > best:
            best, kind = len(mount.mountpoint), mount.fstype
    return kind


def _asked(site: Site) -> Iterator[Finding]:
    """Let the scheduler itself say whether it would take the blocks, as far as it can be asked."""
    asked = f"what the pools ask of {site.kind}"
    if site.kind != "slurm":
        queues = {pool.queue for pool in site.pools.values() if pool.queue}
        program = {"pbspro": ["qstat", "-Q"], "lsf": ["bqueues"]}[site.kind]
        for queue in sorted(queues):
            said = _said([*program, queue])
            yield Finding(
                f"queue {queue}", f"{program[0]} says: {said}." if said else "", _CURE if said else ""
            )
        return
    with tempfile.TemporaryDirectory() as folder:
        for script in batch_scripts(site, Path(folder)):
            path = Path(folder) / f"{script.pool.name}.sh"
            # Names and files of the rehearsal mean nothing to Slurm, and it writes none.
            path.write_text(
                re.sub(r"#SBATCH --(job-name|output|error)=.*\n", "", script.text), encoding="utf-8"
            )
            said = _said(["sbatch", "--test-only", str(path)])
            what = f"{asked}, pool {script.pool.name}"
            yield Finding(what, f"sbatch says: {said}." if said else "", _CURE if said else "")


_CURE = "Correct queue, account, qos, constraint, walltime, cores or gpus in the site, or with --set."


def _said(command: list[str]) -> str:
    """Return what a command that fails says; empty if it succeeds."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return f"nothing within {_PATIENCE} s"
    if done.returncode == 0:
        return ""
    return " ".join((done.stderr or done.stdout).split()) or f"nothing, exit code {done.returncode}"
