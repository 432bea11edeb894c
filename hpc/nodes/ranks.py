"""Several ranks for one task: processes over all nodes of its block, which find each other as torch's do.

A pool with ``ranks_per_node`` has one worker per block, on its first node. A task there calls :func:`run_ranks` with a
function that every rank is to run, for example a distributed training; the site's launcher starts them, and each finds
``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK``, ``MASTER_ADDR`` and ``MASTER_PORT`` set and one device in sight.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from ...data.errors import SiteError
from ...data.store import read_json, write_json
from .devices import WORKER_DEVICES

RANKS = "DOCKSIEVE_RANKS_PER_NODE"
NODES = "DOCKSIEVE_RANK_NODES"
LAUNCHER = "DOCKSIEVE_RANK_LAUNCHER"
CORES = "DOCKSIEVE_RANK_CORES"
INTERFACE = "DOCKSIEVE_RANK_INTERFACE"
"""Environment variables by which a pool tells its workers how ranks are started (``hpc.parsl_workers.config``)."""


def ranks_here() -> int:
    """Return how many ranks a task of this worker may have; 1 where the pool has none."""
    return int(os.environ.get(RANKS, "0")) * int(os.environ.get(NODES, "1")) or 1


def run_ranks(
    function: str, arguments: Mapping[str, Any], folder: Path, limit: float | None = None
) -> list[Any]:
    """Run a function on every rank of this task's block.

    Parameters
    ----------
    function : str
        ``package.module:name``; called with ``arguments`` by name; returns something that JSON can hold.
    arguments : mapping
        JSON values.
    folder : Path
        Seen by all nodes; for the ranks' answers. A folder of its own is made in it and removed.
    limit : float, optional
        Seconds after which the ranks are ended.

    Returns
    -------
    list
        What each rank returned, by rank.

    Raises
    ------
    SiteError
        If the ranks could not be started, or one of them failed: with its own words.

    Examples
    --------
    >>> from pathlib import Path
    >>> docksieve.run_ranks("os.path:basename", {"p": "/data/library"}, Path("."))  # one rank outside a pool
    ['library']
    """
    per_node, nodes = int(os.environ.get(RANKS, "1")), int(os.environ.get(NODES, "1"))
    with tempfile.TemporaryDirectory(dir=folder, prefix=".ranks-") as own:
        spec = Path(own) / "spec.json"
        node = os.environ.get(WORKER_DEVICES)
        devices = json.loads(node) if node else None
        address, port = _meeting_point()
        write_json(
            spec,
            {
                "function": function,
                "arguments": dict(arguments),
                "per_node": per_node,
                "world": per_node * nodes,
                "address": address,
                "port": port,
                "devices": devices,
            },
        )
        command = [sys.executable, "-m", "docksieve.hpc.nodes.rank_process", str(spec)]
        kind = os.environ.get(LAUNCHER, "single")
        cores = int(os.environ.get(CORES, "0"))
        said = _run(
            launched(kind, nodes, per_node, command, cores), per_node if kind == "single" else 1, limit
        )
        return _answers(Path(own), per_node * nodes, said)


def launched(kind: str, nodes: int, per_node: int, command: Sequence[str], cores: int = 0) -> list[str]:
    """Return ``command`` as the launcher of that kind starts it on all nodes; ``cores`` are those of a node."""
    total = nodes * per_node
    if kind == "srun":  # beside the step that the worker itself may be, with all of the job's memory
        head = ["srun", "--overlap", "--mem=0", f"--nodes={nodes}", f"--ntasks={total}"]
        if cores >= per_node:  # a step does not inherit the cores of its job
            head.append(f"--cpus-per-task={cores // per_node}")
        return [*head, f"--ntasks-per-node={per_node}", "--kill-on-bad-exit=1", *command]
    if kind == "mpiexec":  # Open MPI's words
        return [
            "mpiexec",
            "-n",
            str(total),
            "--map-by",
            f"ppr:{per_node}:node",
            "--bind-to",
            "none",
            *command,
        ]
    if kind == "pals":
        return ["mpiexec", "-n", str(total), "--ppn", str(per_node), "--cpu-bind", "none", *command]
    if kind == "jsrun":
        return ["jsrun", "-n", str(total), "-r", str(per_node), "-a", "1", *command]
    if nodes > 1:
        raise SiteError(
            f"The launcher {kind!r} starts no ranks on other nodes.", "Use srun, mpiexec, pals or jsrun."
        )
    return list(command)


def _meeting_point() -> tuple[str, int]:
    """Return an address of this node that its block's other nodes reach, and a port that is free there now."""
    address = _address(os.environ.get(INTERFACE, ""))
    with socket.socket() as trial:
        trial.bind((address, 0))
        return address, int(trial.getsockname()[1])


def _address(interface: str) -> str:
    """Return the address of the interface that the site names, else of the host's name, else of any interface."""
    found = {
        name: [entry.address for entry in entries if entry.family == socket.AF_INET]
        for name, entries in psutil.net_if_addrs().items()
    }
    if found.get(interface):
        return found[interface][0]
    with contextlib.suppress(OSError):
        named = socket.gethostbyname(os.uname().nodename)
        if not named.startswith("127."):  # some systems let the name lead back to the machine itself
            return named
    outside = [
        address for addresses in found.values() for address in addresses if not address.startswith("127.")
    ]
    return outside[0] if outside and int(os.environ.get(NODES, "1")) > 1 else "127.0.0.1"


def _run(command: list[str], copies: int, limit: float | None) -> str:
    """Start the command, or so many copies of it as ranks of this node, and return what they said last."""
    if shutil.which(command[0]) is None:
        raise SiteError(
            f"{command[0]} is not on this node, and the site starts ranks with it.", "Set `launcher`."
        )
    running = []
    for rank in range(copies):
        environment = {
            **os.environ,
            **({"RANK": str(rank)} if copies > 1 or command[0] == sys.executable else {}),
        }
        running.append(
            subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
    try:
        said = [process.communicate(timeout=limit)[0] for process in running]
    except subprocess.TimeoutExpired:
        raise SiteError(f"The ranks did not end within {limit:.0f} s.") from None
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()
    return "\n".join(text.strip() for text in said if text.strip())


def _answers(folder: Path, world: int, said: str) -> list[Any]:
    found = []
    for rank in range(world):
        path = folder / f"rank-{rank}.json"
        answer = read_json(path) if path.exists() else {"error": f"ended without an answer. {said[-500:]}"}
        if answer.get("error"):
            raise SiteError(f"Rank {rank} of {world}: {answer['error']}")
        found.append(answer["result"])
    return found
