"""Devices of a node: which ones the scheduler granted, whose they are, and whether they compute.

A worker sees one device. It is chosen before any library that drives devices is loaded, by the variable that this
kind of device heeds; the variables of other kinds are taken away, since some drivers count twice (AMD's numbers its
devices by ``ROCR_VISIBLE_DEVICES`` first and then, among those left, by ``CUDA_VISIBLE_DEVICES``).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from ...data.errors import SiteError
from .names import VISIBLE, visible_devices

_OTHERS = (
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "ZE_AFFINITY_MASK",
)
_GRANTS = {
    "cuda": ("CUDA_VISIBLE_DEVICES",),
    "rocm": ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"),
    "xpu": ("ZE_AFFINITY_MASK",),
    "pretend": ("SLURM_STEP_GPUS", "CUDA_VISIBLE_DEVICES", "SLURM_JOB_GPUS"),
}
PROOF_SECONDS = 180
"""How long a device may take to prove itself: loading torch from a slow file system takes most of it."""
CLAIM_SECONDS = 60.0
"""How long to wait for a device that an ending pool still holds."""
WORKER_DEVICES = "DOCKSIEVE_DEVICES"
"""Environment variable by which the worker pool of a node tells its workers which devices there are."""


class DeviceFault(SiteError):
    """A worker does not have the device that it should have; the same task may succeed elsewhere."""

    retryable = True


@dataclass(frozen=True)
class Proof:
    """What was found out about one device.

    Attributes
    ----------
    device : str
        Its name, as the scheduler or the site calls it.
    uuid : str
        Empty if it could not be reached.
    model : str
        What it is.
    error : str
        Why it is not used; empty for one that proved itself.
    """

    device: str
    uuid: str = ""
    model: str = ""
    error: str = ""


def granted_devices(accelerator: str, named: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return the devices that this node's workers may use.

    Parameters
    ----------
    accelerator : str
        A key of :data:`VISIBLE`.
    named : sequence of str
        Those that the site describes; they hold where the scheduler says nothing.
    environment : mapping
        Of this process. A variable that hides all devices (empty, ``-1``, ``NoDevFiles``) says that there are none;
        Slurm's own lists, which only jobs with devices have, say nothing where they are empty.
    """
    said = {name: visible_devices(environment.get(name)) for name in _GRANTS[accelerator]}
    shown = {name: found for name, found in said.items() if found or not name.startswith("SLURM_")}
    if accelerator == "rocm" and [] in shown.values():  # it counts among those that the other one shows
        return []
    return next((found for found in shown.values() if found is not None), list(named))


def pinned_environment(accelerator: str, device: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return ``environment`` as a worker must have it to see ``device`` and no other."""
    found = {name: value for name, value in environment.items() if name not in _OTHERS}
    return {**found, VISIBLE[accelerator]: device}


def prove_devices(accelerator: str, devices: Sequence[str]) -> list[Proof]:
    """Let every device compute something, each in a process that sees it alone; return what was found.

    Two names of one device are found out by its UUID: the second is refused.
    """
    running = [(device, _start_proof(accelerator, device)) for device in devices]
    proofs = [_end_proof(device, process) for device, process in running]
    first: dict[str, str] = {}
    for index, proof in enumerate(proofs):
        if not proof.error and first.setdefault(proof.uuid, proof.device) != proof.device:
            error = f"device {proof.device} is the same as {first[proof.uuid]} (UUID {proof.uuid})"
            proofs[index] = Proof(proof.device, proof.uuid, proof.model, error)
    return proofs


def _start_proof(accelerator: str, device: str) -> subprocess.Popen[str]:
    if accelerator == "pretend":
        module = ["docksieve.hpc.nodes.pretend_proof"]
    else:
        module = ["docksieve.models.devices.proof", "xpu" if accelerator == "xpu" else "cuda"]
    return subprocess.Popen(
        [sys.executable, "-m", *module],
        env=pinned_environment(accelerator, device, os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _end_proof(device: str, process: subprocess.Popen[str]) -> Proof:
    try:
        out, err = process.communicate(timeout=PROOF_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Proof(device, error=f"did not answer within {PROOF_SECONDS} s")
    lines = out.strip().splitlines()
    try:
        said = json.loads(lines[-1])
        return Proof(device, str(said["uuid"]), str(said["model"]), str(said["error"]))
    except (IndexError, ValueError, KeyError):
        last = (err.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        return Proof(device, error=f"the proof ended without an answer: {last}")


_held: list[IO[bytes]] = []
"""Locks of this process; they must outlive every function."""


def claim(proof: Proof, patience: float = CLAIM_SECONDS) -> Proof:
    """Claim the device of ``proof`` for this process and what it turns into, against all others of this user.

    A lock on a file of the node's own temporary folder, which goes with the process however that ends.

    Parameters
    ----------
    proof : Proof
    patience : float
        Seconds to wait for a pool that is ending.

    Returns
    -------
    Proof
        The same; with an error if another pool keeps the device.
    """
    if proof.error:
        return proof
    folder = Path(tempfile.gettempdir()) / f"docksieve-devices-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    handle = (folder / "".join(c if c.isalnum() else "_" for c in proof.uuid)).open("ab")
    os.set_inheritable(handle.fileno(), True)
    until = time.monotonic() + patience
    while True:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _held.append(handle)
            return proof
        if time.monotonic() > until:
            handle.close()
            error = f"device {proof.device} (UUID {proof.uuid}) is held by another worker pool of this user"
            return Proof(proof.device, proof.uuid, proof.model, error)
        time.sleep(0.5)


def describe_workers(accelerator: str, proofs: Sequence[Proof], workers_per_device: int) -> str:
    """Return the value of ``DOCKSIEVE_DEVICES``: the devices of this node's workers."""
    return json.dumps(
        {
            "accelerator": accelerator,
            "workers_per_device": workers_per_device,
            "devices": [asdict(proof) for proof in proofs],
        }
    )


_mine: dict[str, Any] | None = None


def pin_worker() -> dict[str, Any]:
    """Show this worker the device that is its own, once in its life; return device and UUID, empty without devices.

    Call it before any library is loaded that drives devices. The worker's number decides: ``workers_per_device``
    neighbours share one.
    """
    global _mine
    if _mine is None:
        _mine = {}
        said = os.environ.get(WORKER_DEVICES)
        rank = os.environ.get("PARSL_WORKER_RANK", "")
        if said and rank.isdigit():
            node = json.loads(said)
            proof = node["devices"][int(rank) // node["workers_per_device"]]
            environment = pinned_environment(node["accelerator"], proof["device"], os.environ)
            for name in set(os.environ) - set(environment):
                del os.environ[name]
            os.environ.update(environment)
            _mine = {"device": proof["device"], "uuid": proof["uuid"], "model": proof["model"]}
            _mine["accelerator"] = node["accelerator"]
    return _mine
