"""The batch job that this process runs in: which nodes, how many cores and devices, and for how long yet."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data.environment import usable_cores
from ...data.errors import SiteError
from .pool import clock

ASKED = (
    "nodes", "blocks", "min_blocks", "walltime", "queue", "account", "qos", "constraint", "directives",
    "select_options"
)  # fmt: skip
"""Keys of pools that say what to ask of a scheduler; inside a job nothing is asked."""
UNENDING = "10000:00:00"
"""Walltime of an allocation that does not say when it ends."""


@dataclass(frozen=True)
class Allocation:
    """A running batch job.

    Attributes
    ----------
    scheduler : str
        ``slurm``, ``pbspro`` or ``lsf``.
    job : str
    nodes : int
    gpus : int
        Devices per node, as the scheduler says; 0 where it says nothing.
    accelerator : str
        Their kind, as far as the environment tells: ``cuda``, ``rocm``, ``xpu`` or empty.
    seconds_left : float or None
        Until its walltime; None where it cannot be known.
    """

    scheduler: str
    job: str
    nodes: int
    gpus: int = 0
    accelerator: str = ""
    seconds_left: float | None = None


class NoAllocation(SiteError):
    """There is no batch job around this process."""


def current_allocation(environment: Mapping[str, str] | None = None) -> Allocation:
    """Return the batch job that ``environment`` (by default this process's) belongs to.

    Raises
    ------
    NoAllocation
        If there is none.
    """
    env = os.environ if environment is None else environment
    gpus, accelerator = _devices(env)
    if job := env.get("SLURM_JOB_ID"):
        nodes = int(env.get("SLURM_JOB_NUM_NODES") or env.get("SLURM_NNODES") or 1)
        return Allocation("slurm", job, nodes, gpus, accelerator, _slurm_left(env))
    if job := env.get("PBS_JOBID"):
        return Allocation(
            "pbspro", job, _lines(env.get("PBS_NODEFILE", "")), gpus, accelerator, _pbs_left(job)
        )
    if job := env.get("LSB_JOBID"):
        nodes = _lines(env.get("LSB_DJOB_HOSTFILE", ""), skip_first=True)
        return Allocation("lsf", job, nodes, gpus, accelerator, _lsf_left(job))
    raise NoAllocation(
        "This is not inside a batch job: neither SLURM_JOB_ID nor PBS_JOBID nor LSB_JOBID is set.",
        "Use the site 'allocation' in a job script or an interactive job; on a login node give the machine's site.",
    )


def _lines(path: str, skip_first: bool = False) -> int:
    """Return the distinct hosts in a scheduler's host file; LSF's begins with the host of the batch script."""
    try:
        hosts = Path(path).read_text(encoding="utf-8").split() if path else []
    except OSError:
        hosts = []
    if skip_first and len(set(hosts)) > 1:
        hosts = hosts[1:]
    return max(1, len(set(hosts)))


_VISIBLE = {
    "CUDA_VISIBLE_DEVICES": "cuda", "ROCR_VISIBLE_DEVICES": "rocm", "ZE_AFFINITY_MASK": "xpu"
}  # fmt: skip


def _devices(env: Mapping[str, str]) -> tuple[int, str]:
    """Return how many devices a node of the job has, and of which kind.

    Slurm sets several of the variables for one kind; NVIDIA's is set for AMD's devices too, so it is asked last.
    """
    found = next((name for name in reversed(list(_VISIBLE)) if env.get(name, "").strip()), "")
    said = env.get("SLURM_GPUS_ON_NODE", "")
    count = int(said) if said.isdigit() else len(env[found].split(",")) if found else 0
    return (count, _VISIBLE.get(found, "cuda")) if count else (0, "")


def _slurm_left(env: Mapping[str, str]) -> float | None:
    """Return the seconds until a Slurm job's walltime."""
    if end := env.get("SLURM_JOB_END_TIME", ""):
        return float(end) - time.time()
    return clock_seconds(_said(["squeue", "--noheader", "--job", env["SLURM_JOB_ID"], "--format", "%L"]))


def _pbs_left(job: str) -> float | None:
    """Return the seconds until a PBS job's walltime."""
    try:
        (about,) = json.loads(_said(["qstat", "-f", "-F", "json", job]))["Jobs"].values()
        asked = clock_seconds(about["Resource_List"]["walltime"])
        used = clock_seconds(about.get("resources_used", {}).get("walltime", "0:00"))
    except (ValueError, KeyError, AttributeError):
        return None
    return None if asked is None or used is None else asked - used


def _lsf_left(job: str) -> float | None:
    """Return the seconds until an LSF job's run limit, which LSF gives as ``hours:minutes`` and a letter."""
    match = re.match(r"(\d+):(\d+)", _said(["bjobs", "-noheader", "-o", "time_left", job]).strip())
    return float(int(match[1]) * 3600 + int(match[2]) * 60) if match else None


def _said(command: Sequence[str]) -> str:
    """Return what a scheduler's command prints; nothing if it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def clock_seconds(text: str) -> float | None:
    """Return the seconds of Slurm's ``[days-][hours:]minutes:seconds``; None for ``UNLIMITED`` and the like."""
    match = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text.strip())
    if not match:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def pools_in_allocation(
    tables: dict[str, Any], values: dict[str, Any], shared: Mapping[str, Any]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return pools and keys of a site with what the batch job around us says: nodes, devices, the time that is left.

    Parameters
    ----------
    tables : dict of str to dict
        The site's pools; if there are none, they are made to fit the job.
    values : dict
        The site's own keys.
    shared : mapping
        Keys that hold for every pool.

    Raises
    ------
    NoAllocation
        If there is no such job.
    """
    here = current_allocation()
    cores = usable_cores()
    if not tables:
        tables = {"cpu": {"roles": ["dock", "train"] if here.gpus else ["screen", "dock", "train"]}}
        if here.gpus:  # a core for each device's worker, the others dock
            tables["gpu"] = {"roles": ["screen"], "gpus": here.gpus, "accelerator": here.accelerator}
            tables["cpu"]["workers"] = max(1, cores - here.gpus)
    left = None if here.seconds_left is None else max(1, int(here.seconds_left))
    ends = UNENDING if left is None else clock(left)
    found = {}
    for name, table in tables.items():
        kept = {key: value for key, value in table.items() if key not in ASKED}
        natural = {"cores": cores, "launcher": _launcher(here.scheduler, here.nodes)}
        found[name] = {**natural, **shared, **kept, "nodes": here.nodes, "walltime": ends}
        if found[name]["cores"] > cores:  # the pool was described for other nodes than these
            found[name] |= {"cores": cores, "workers": min(cores, table.get("workers", 0))}
    return found, {
        **values,
        "description": values.get("description", "") or f"job {here.job} of {here.scheduler}",
    }


def _launcher(scheduler: str, nodes: int) -> str:
    if nodes == 1:
        return "single"
    return {"slurm": "srun", "pbspro": "mpiexec", "lsf": "blaunch"}[scheduler]
