"""What a block starts on each of its nodes: prove the devices, report, and become Parsl's worker pool.

A device that does not prove itself gets no worker; a node without any gets none at all, and says so. So does a node
that the campaign no longer uses. Reports are small files in the campaign's folder ``nodes/``.

Run as ``python -m docksieve.hpc.nodes.node --reports FOLDER --pool NAME [--accelerator KIND --devices A,B
--workers-per-device N] -- process_worker_pool.py ...``.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...data.environment import usable_cores
from ...data.store import write_json
from .banned import banned
from .devices import (
    CLAIM_SECONDS,
    WORKER_DEVICES,
    Proof,
    claim,
    describe_workers,
    granted_devices,
    prove_devices,
)
from .names import node_name

_JOBS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")
LINGER_SECONDS = 60.0
"""How long a node that is not used any more is kept from being given to us again."""
NO_DEVICE = 3
"""Exit code of a node none of whose devices proved itself."""


def main(arguments: Sequence[str] | None = None) -> int:  # noqa: RET503 -- the last line does not return
    """Prove, report, and turn into the worker pool; return an exit code only if there is none to turn into."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    split = words.index("--")
    options, command = _options(words[:split]), words[split + 1 :]
    node, reports = node_name(), Path(options.reports)
    if why := banned(reports, node):
        _report(reports, node, options.pool, [], f"not used any more: {why}")
        print(f"docksieve: node {node} is not used any more: {why}", file=sys.stderr)
        # Where a scheduler cannot be told to leave a node out, the next block would land here at once, and the next.
        time.sleep(options.linger_seconds)
        return 0
    proofs: list[Proof] = []
    if options.accelerator:
        proofs, command = _with_devices(options, command)
        good = [proof for proof in proofs if not proof.error]
        for proof in proofs:
            if proof.error:
                print(f"docksieve: node {node}: device {proof.device}: {proof.error}", file=sys.stderr)
        if not good:
            _report(reports, node, options.pool, proofs, "no device proved itself")
            return NO_DEVICE
        os.environ[WORKER_DEVICES] = describe_workers(options.accelerator, good, options.workers_per_device)
    _report(reports, node, options.pool, proofs, "")
    sys.stdout.flush()
    os.execvp(command[0], command)


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="docksieve.hpc.nodes.node")
    parser.add_argument("--reports", required=True)
    parser.add_argument("--pool", required=True)
    parser.add_argument("--accelerator", default="")
    parser.add_argument("--devices", default="")
    parser.add_argument("--workers-per-device", type=int, default=1)
    parser.add_argument("--one-worker", action="store_true")
    parser.add_argument("--claim-seconds", type=float, default=CLAIM_SECONDS)
    parser.add_argument("--linger-seconds", type=float, default=LINGER_SECONDS)
    return parser.parse_args(words)


def _with_devices(options: argparse.Namespace, command: list[str]) -> tuple[list[Proof], list[str]]:
    """Prove and claim the devices; return what was found, and the command with workers for the good ones only."""
    named = options.devices.split(",")
    granted = granted_devices(options.accelerator, named, os.environ)
    # Those that the site names, if they are among those granted; else as many as it names.
    devices = named if set(named) <= set(granted) else granted[: len(named)]
    proved = prove_devices(options.accelerator, devices)
    until = time.monotonic() + options.claim_seconds  # for all of them together: one pool holds them, or none
    proofs = [claim(proof, max(0.0, until - time.monotonic())) for proof in proved]
    missing = named[len(granted) :]
    proofs += [Proof(device, error="the scheduler did not grant it") for device in missing]
    kept = [place for place, proof in enumerate(proofs) if not proof.error]
    if options.one_worker:  # its tasks have ranks, which share the devices out
        return proofs, command
    return proofs, limited(command, kept, options.workers_per_device)


def limited(command: Sequence[str], devices: Sequence[int], workers_per_device: int) -> list[str]:
    """Return the command of the worker pool with workers for ``devices`` (places among all) only."""
    workers = [d * workers_per_device + k for d in devices for k in range(workers_per_device)]
    found = []
    for word in command:
        if word.startswith("--max_workers_per_node="):
            word = f"--max_workers_per_node={len(workers)}"
        elif re.match(r"list:\d", word):  # one set of cores per worker
            parts = word.split(":")[1:]
            word = ":".join(["list", *(parts[worker] for worker in workers)])
        found.append(word)
    return found


def _report(reports: Path, node: str, pool: str, proofs: Sequence[Proof], refused: str) -> None:
    job = next((os.environ[name] for name in _JOBS if os.environ.get(name)), "")
    report: dict[str, Any] = {
        "node": node,
        "pool": pool,
        "job": job,
        "pid": os.getpid(),
        "cores": usable_cores(),
        "devices": [asdict(proof) for proof in proofs],
        "refused": refused,
        "started": time.time(),
    }
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", f"{node}-{pool}-{job or os.getpid()}")
    write_json(reports / f"{name}.json", report)


if __name__ == "__main__":
    sys.exit(main())
