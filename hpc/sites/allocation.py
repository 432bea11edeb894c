"""The batch job that this process runs in: which nodes, how many cores and devices, and for how long yet."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ...data.environment import usable_cores
from ...data.errors import SiteError
from ..jobs.commands import run_command
from ..jobs.pbs_answers import pbs_answer
from ..jobs.submitted import job_number
from ..nodes.names import visible_devices
from .pool import clock

ASKED = (
    "nodes", "blocks", "min_blocks", "walltime", "queue", "account", "qos", "constraint", "directives",
    "select_options"
)  # fmt: skip
"""Keys of pools that say what to ask of a scheduler; inside a job nothing is asked."""
_ANSWER_SECONDS = 10.0
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
            "pbspro", job, _lines(env.get("PBS_NODEFILE", "")), gpus, accelerator, _pbs_left(job, env)
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
    shown = {name: devices for name in _VISIBLE if (devices := visible_devices(env.get(name))) is not None}
    if shown and not any(shown.values()):  # hidden, by the scheduler or by the user
        return 0, ""
    found = next((name for name in reversed(list(_VISIBLE)) if shown.get(name)), "")
    said = env.get("SLURM_GPUS_ON_NODE", "")
    count = int(said) if said.isdigit() else len(shown[found]) if found else 0
    return (count, _VISIBLE.get(found, "cuda")) if count else (0, "")


def _slurm_left(env: Mapping[str, str]) -> float | None:
    """Return the seconds until a Slurm job's walltime."""
    end = env.get("SLURM_JOB_END_TIME", "").strip()
    if end.isdigit() and int(end):
        return float(end) - time.time()
    said = _said(["squeue", "--noheader", "--job", env["SLURM_JOB_ID"], "--format", "%L"])
    return next((left for line in _last_first(said) if (left := clock_seconds(line)) is not None), None)


def _pbs_left(job: str, env: Mapping[str, str]) -> float | None:
    """Return the seconds until a PBS job's walltime: by qstat's JSON, by its plain words, by the environment."""
    said = _said(["qstat", "-f", "-F", "json", job])
    about = pbs_answer(said, "").jobs.get(job_number(job), {})
    asked, used = (_walltime(about.get(name)) for name in ("Resource_List", "resources_used"))
    if asked is None:  # a version that knows no JSON, or one job whose JSON is beyond repair
        plain = said + _said(["qstat", "-f", job])
        asked, used = (_plain_walltime(name, plain) for name in ("Resource_List", "resources_used"))
    if asked is None and env.get("PBS_WALLTIME", "").isdigit():  # Torque's, in seconds
        asked, used = float(env["PBS_WALLTIME"]), time.time() - _began(job)
    return None if asked is None else asked - (used or 0.0)


def _walltime(resources: object) -> float | None:
    """Return the seconds of ``walltime`` in a table of resources, as a clock or as seconds."""
    said = resources.get("walltime") if isinstance(resources, dict) else None
    return None if said is None else pbs_seconds(str(said))


def _plain_walltime(name: str, said: str) -> float | None:
    match = re.search(rf"^\s*{name}\.walltime\s*=\s*([\d:]+)", said, re.MULTILINE)
    return pbs_seconds(match[1]) if match else None


def pbs_seconds(text: str) -> float | None:
    """Return the seconds of PBS's ``hours:minutes:seconds``, or of a number of them."""
    return float(text) if text.strip().isdigit() else clock_seconds(text)


def _began(job: str) -> float:
    """Return when the batch job around us began, as far as its processes that are our parents tell; Unix seconds."""
    here = psutil.Process()
    began = here.create_time()
    for parent in here.parents():
        try:
            if parent.environ().get("PBS_JOBID") != job:
                break
            began = parent.create_time()
        except psutil.Error:
            break
    return began


def _lsf_left(job: str) -> float | None:
    """Return the seconds until an LSF job's run limit, which LSF gives as ``hours:minutes`` and a letter."""
    for line in _last_first(_said(["bjobs", "-noheader", "-o", "time_left", job])):
        if match := re.fullmatch(r"(\d+):(\d+)(?:\s*[A-Z])?", line.strip()):
            return float(int(match[1]) * 3600 + int(match[2]) * 60)
    return None


def _last_first(said: str) -> list[str]:
    """Return the lines of an answer, the last first: centres' notices come before it."""
    return said.strip().splitlines()[::-1]


def _said(command: Sequence[str]) -> str:
    """Return what a scheduler's command prints; nothing if it cannot be run or is too slow."""
    return run_command(command, _ANSWER_SECONDS)[1]


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
    unknown = ", whose end is not known" if left is None else ""
    found = {}
    for name, table in tables.items():
        kept = {key: value for key, value in table.items() if key not in ASKED}
        natural = {"cores": cores, "launcher": _launcher(here.scheduler, here.nodes)}
        found[name] = {**natural, **shared, **kept, "nodes": here.nodes, "walltime": ends}
        if found[name]["cores"] > cores:  # the pool was described for other nodes than these
            found[name] |= {"cores": cores, "workers": min(cores, table.get("workers", 0))}
    return found, {
        **values,
        "description": values.get("description", "") or f"job {here.job} of {here.scheduler}{unknown}",
    }


def _launcher(scheduler: str, nodes: int) -> str:
    if nodes == 1:
        return "single"
    return {"slurm": "srun", "pbspro": "mpiexec", "lsf": "blaunch"}[scheduler]
