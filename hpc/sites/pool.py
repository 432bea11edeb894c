"""Pools: workers of one kind that a site gives, each of which becomes one Parsl executor."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .directives import directive_problem

ROLES = ("screen", "dock", "train")
"""What a pool may be for: students on shards; docking and teachers, a core each; training, and single tasks."""

ACCELERATORS = ("", "cuda", "rocm", "xpu", "pretend")
"""Kinds of devices. ``pretend`` is for clusters whose devices are no GPUs, such as the one of the tests."""

LAUNCHERS = ("auto", "single", "srun", "mpiexec", "pals", "jsrun", "blaunch")
AFFINITIES = ("none", "block", "block-reverse", "alternating")


@dataclass(frozen=True)
class Pool:
    """Workers of one kind.

    A block is what the scheduler is asked for at once: so many nodes for so long.

    Attributes
    ----------
    name : str
    roles : tuple of str
        What its workers do: ``screen``, ``dock``, ``train``.
    nodes : int
        Nodes per block.
    blocks, min_blocks : int
        Most and fewest blocks at a time; between them there are as many as there is work for.
    walltime : str
        Of a block, ``HH:MM:SS``.
    drain_seconds : int
        A worker takes no more tasks this long before its block ends; 0 means a fifth of the walltime, ten minutes at
        most.
    idle_seconds : int
        How long a block may be idle before it is given back.
    queue, account, qos, constraint : str
        As the scheduler calls them; empty ones are not asked for.
    directives : tuple of str
        Whole lines for the head of the batch script, such as ``#SBATCH --comment=docking``.
    select_options : str
        PBS: added to the ``select`` line, in place of ``ngpus`` and the number of devices.
    exclusive : bool
        Ask for whole nodes.
    cores : int
        Cores per node; 0 means those that this machine has.
    memory_gb : int
        Memory per node to ask for; 0 means not to ask.
    workers : int
        Workers per node; 0 means one per ``cores_per_worker`` cores, or ``workers_per_gpu`` per device.
    cores_per_worker : int
    affinity : str
        How workers are bound to cores: ``none``, ``block``, ``block-reverse``, ``alternating`` or
        ``list:0-7:8-15`` with one part per worker.
    accelerator : str
        Kind of the devices: ``cuda``, ``rocm``, ``xpu``; empty where there are none.
    gpus : int
        Devices per node.
    devices : tuple of str
        Their names as the driver counts them; empty means ``0`` to ``gpus - 1``, or those that the scheduler grants.
    workers_per_gpu : int
    threads : int
        Threads of one screening task on the CPU.
    launcher : str
        What starts the worker pool on every node of a block. ``auto``: ``single`` for one node, else what belongs to
        the scheduler (``srun``, ``mpiexec``, ``blaunch``). ``pals`` is the ``mpiexec`` of HPE's machines.
    launcher_options : str
        Given to the launcher.
    setup : tuple of str
        Shell lines before the workers start: modules, environments.
    ranks_per_node : int
        For distributed training (:func:`docksieve.run_ranks`): processes per node that one task starts over all
        nodes of its block; 0 means that tasks keep to their node.

    Examples
    --------
    >>> pool = docksieve.Pool("gpu", roles=("screen",), cores=64, accelerator="cuda", gpus=4)
    >>> pool.workers_per_node
    4
    """

    name: str
    roles: tuple[str, ...] = ROLES
    nodes: int = 1
    blocks: int = 1
    min_blocks: int = 0
    walltime: str = "01:00:00"
    drain_seconds: int = 0
    idle_seconds: int = 120
    queue: str = ""
    account: str = ""
    qos: str = ""
    constraint: str = ""
    directives: tuple[str, ...] = ()
    select_options: str = ""
    exclusive: bool = True
    cores: int = 0
    memory_gb: int = 0
    workers: int = 0
    cores_per_worker: int = 1
    affinity: str = "none"
    accelerator: str = ""
    gpus: int = 0
    devices: tuple[str, ...] = ()
    workers_per_gpu: int = 1
    threads: int = 1
    launcher: str = "auto"
    launcher_options: str = ""
    setup: tuple[str, ...] = ()
    ranks_per_node: int = 0

    def __post_init__(self) -> None:
        for key in ("nodes", "blocks", "idle_seconds", "cores_per_worker", "workers_per_gpu", "threads"):
            _at_least(key, getattr(self, key), 1)
        for key in ("min_blocks", "drain_seconds", "cores", "memory_gb", "workers", "gpus", "ranks_per_node"):
            _at_least(key, getattr(self, key), 0)
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", self.name):
            raise ValueError(f"a pool's name is lower-case letters, digits, - and _, not {self.name!r}")
        _one_of("launcher", self.launcher, LAUNCHERS)
        _one_of("accelerator", self.accelerator, ACCELERATORS)
        if not self.roles or len(set(self.roles)) != len(self.roles):
            raise ValueError(f"roles must name one or more of {', '.join(ROLES)}, each once")
        for role in self.roles:
            _one_of("roles", role, ROLES)
        if self.min_blocks > self.blocks:
            raise ValueError(f"min_blocks ({self.min_blocks}) must not exceed blocks ({self.blocks})")
        if self.ranks_per_node and (self.roles != ("train",) or self.workers > 1):
            raise ValueError("a pool with ranks_per_node has the role 'train' alone and one worker per block")
        for line in self.directives:
            if problem := directive_problem(line):
                raise ValueError(f"directives: {line.strip()!r} {problem}. Take the line out")
        self._check_devices()
        self._check_affinity()
        if self.drain >= walltime_seconds(self.walltime):
            raise ValueError(
                f"drain_seconds ({self.drain_seconds}) must be shorter than the walltime {self.walltime}"
            )

    def _check_devices(self) -> None:
        if bool(self.accelerator) != bool(self.gpus):
            raise ValueError("accelerator and gpus belong together: give both, or neither")
        if self.devices and len(self.devices) != self.gpus:
            raise ValueError(f"devices names {len(self.devices)} devices, but gpus is {self.gpus}")
        if len(set(self.devices)) != len(self.devices):
            raise ValueError("devices names one of them twice; several workers per GPU are workers_per_gpu")
        if (
            self.gpus
            and not self.ranks_per_node
            and self.workers not in (0, self.gpus * self.workers_per_gpu)
        ):
            raise ValueError(
                f"workers must be gpus x workers_per_gpu = {self.gpus * self.workers_per_gpu} (or 0 for "
                f"just that), not {self.workers}: every worker has a device, and all devices alike"
            )

    def _check_affinity(self) -> None:
        if self.affinity.startswith("list:"):
            parts = self.affinity.split(":")[1:]
            if not all(re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", part) for part in parts):
                raise ValueError(
                    f"affinity {self.affinity!r} must be list:CORES:CORES..., such as list:0-7:8-15"
                )
            known = self.workers or self.gpus * self.workers_per_gpu
            if known and len(parts) != known:
                raise ValueError(f"affinity lists {len(parts)} sets of cores, but a node has {known} workers")
        elif self.affinity not in AFFINITIES:
            raise ValueError(f"affinity must be {', '.join(AFFINITIES)} or list:..., not {self.affinity!r}")

    @property
    def drain(self) -> int:
        """Seconds before the end of a block from which on it takes no more tasks."""
        return self.drain_seconds or min(600, walltime_seconds(self.walltime) // 5)

    @property
    def workers_per_node(self) -> int:
        """Workers on a node, with 0 resolved; where tasks have ranks, one on the first node of a block."""
        if self.ranks_per_node:
            return 1
        if self.gpus:
            return self.gpus * self.workers_per_gpu
        return self.workers or max(1, self.cores // self.cores_per_worker)

    @property
    def most_workers(self) -> int:
        """Workers when all blocks run."""
        return self.blocks * (1 if self.ranks_per_node else self.nodes) * self.workers_per_node

    @property
    def device_names(self) -> tuple[str, ...]:
        """Names of a node's devices, where the scheduler does not say which it grants."""
        return self.devices or tuple(map(str, range(self.gpus)))

    @property
    def screen_device(self) -> str:
        """What students score on, as torch names it; AMD's devices answer to ``cuda``."""
        return {"": "cpu", "pretend": "cpu", "rocm": "cuda"}.get(self.accelerator, self.accelerator)

    @property
    def node_hours(self) -> float:
        """Node-hours that all blocks ask for, if none is given back early and none is asked for again."""
        return self.blocks * self.nodes * walltime_seconds(self.walltime) / 3600


def walltime_seconds(text: str) -> int:
    """Return the seconds of ``HH:MM:SS`` (or ``D-HH:MM:SS``).

    Raises
    ------
    ValueError
        If it is not written so, or is zero.
    """
    match = re.fullmatch(r"(?:(\d+)-)?(\d+):([0-5]\d):([0-5]\d)", text)
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0, 0)
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if not total:
        raise ValueError(f"walltime must be HH:MM:SS and more than nothing, not {text!r}")
    return total


def clock(seconds: int) -> str:
    """Return ``seconds`` as ``HH:MM:SS``, without days: what every scheduler understands."""
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"


def _at_least(key: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{key} must be at least {least}, not {value}")


def _one_of(key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        words = ", ".join(repr(item) for item in known)
        raise ValueError(f"{key} must be one of {words}, not {value!r}")
