"""Sites: typed descriptions of the places a campaign can run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ...data.environment import usable_cores
from .pool import ROLES, Pool

SCHEDULERS = ("slurm", "pbspro", "lsf")
KINDS = ("local", "inline", "allocation", *SCHEDULERS)
EVERYTHING = "workers"
"""Name of the pool of a site that describes none."""


@dataclass(frozen=True)
class Site:
    """A place to run.

    Attributes
    ----------
    name : str
        Of a site file without one: the file's.
    kind : str
        ``local``: Parsl's high-throughput executor on this machine, loopback only. ``inline``: the same
        tasks in the driver itself, one after the other, without Parsl (for debugging and tests). ``allocation``: on
        the nodes of the batch job that the driver runs in. ``slurm``, ``pbspro``, ``lsf``: blocks of nodes asked of
        that scheduler, by a driver on a login node.
    description : str
        One line for ``docksieve site list``.
    confirmed : str
        When and where the values were seen to work; empty if they never were.
    pools : dict of str to Pool
        Workers, by name; every role is served by one of them.
    workers : int
        Of a site without pools: worker processes; 0 means one per usable core.
    heartbeat_seconds : int
        How often a worker pool tells that it lives; it counts as lost after five times that.
    poll_seconds : float
        How often the driver looks at finished tasks and for a request to cancel.
    queue_poll_seconds : int
        How often the scheduler is asked about blocks.
    stall_seconds : float
        If no process of the campaign used the processor for so long while tasks were in flight, the worker
        pool is taken for stuck and started again (``local`` only). While a docking program of one's own may be
        waiting for something, its time limit counts instead, if that is longer.
    screen_device : str
        Of a site without pools: what students score on: ``cpu``, or a device as torch names it (``cuda``, ``cuda:1``,
        ``xpu``). A worker that does not have it fails the task; nothing falls back to the CPU. Workers share it: one
        or two are enough.
    screen_threads : int
        Of a site without pools: threads of one screening task on the CPU.
    interface : str
        Network interface of the driver's machine that workers reach it by; empty: the address of its host name.
    scratch : str
        Folder on the workers for temporary files; variables such as ``$SCRATCH`` are resolved there.
    shared : tuple of str
        Folders that every node sees. If any are given, campaign, library and environment must lie in one of them.
    requires : tuple of str
        Keys that a user must give, such as ``account``.

    Examples
    --------
    >>> site = docksieve.Site("laptop", workers=2)
    >>> site.worker_count, site.on_cluster
    (2, False)
    """

    name: str
    kind: Literal["local", "inline", "allocation", "slurm", "pbspro", "lsf"] = "local"
    description: str = ""
    confirmed: str = ""
    pools: Mapping[str, Pool] = field(default_factory=dict)
    workers: int = 0
    heartbeat_seconds: int = 2
    poll_seconds: float = 0.2
    queue_poll_seconds: int = 20
    stall_seconds: float = 120.0
    screen_device: str = "cpu"
    screen_threads: int = 1
    interface: str = ""
    scratch: str = ""
    shared: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name must not be empty")
        if self.kind not in KINDS:
            raise ValueError(
                f"kind must be {', '.join(map(repr, KINDS[:-1]))} or {KINDS[-1]!r}, not {self.kind!r}"
            )
        if self.workers < 0:
            raise ValueError(f"workers must be 0 (one per core) or more, not {self.workers}")
        if self.heartbeat_seconds < 1:
            raise ValueError(f"heartbeat_seconds must be at least 1, not {self.heartbeat_seconds}")
        if self.queue_poll_seconds < 1:
            raise ValueError(f"queue_poll_seconds must be at least 1, not {self.queue_poll_seconds}")
        if not 0 < self.poll_seconds <= 10:
            raise ValueError(f"poll_seconds must lie between 0 and 10, not {self.poll_seconds}")
        if not re.fullmatch(r"cpu|(cuda|xpu)(:\d+)?", self.screen_device):
            raise ValueError(
                f"screen_device must be 'cpu' or a device such as 'cuda' or 'cuda:1', not {self.screen_device!r}"
            )
        if self.screen_threads < 1:
            raise ValueError(f"screen_threads must be at least 1, not {self.screen_threads}")
        if not self.stall_seconds >= 5:
            raise ValueError(f"stall_seconds must be at least 5, not {self.stall_seconds}")
        self._settle_pools()

    def _settle_pools(self) -> None:
        """Check the pools, or make the one of a site that describes none."""
        if not self.pools:
            if self.on_cluster:
                raise ValueError(f"kind {self.kind!r} needs at least one pool: a table [pool.NAME]")
            workers = 1 if self.kind == "inline" else self.workers or usable_cores()
            pool = Pool(EVERYTHING, workers=workers, threads=self.screen_threads, cores=usable_cores())
            object.__setattr__(self, "pools", {EVERYTHING: pool})
            return
        if self.kind == "inline":
            raise ValueError("kind 'inline' has no pools: the driver runs every task itself")
        for key, default in (("workers", 0), ("screen_device", "cpu"), ("screen_threads", 1)):
            if getattr(self, key) != default:
                raise ValueError(
                    f"{key} is for sites without pools; give it to a pool, or leave the pools out"
                )
        for name, pool in self.pools.items():
            if (
                self.on_cluster and not pool.cores
            ):  # all of its workers would share the one that is the default
                raise ValueError(f"pool {name!r} needs cores: how many a node has")
        for role in ROLES:
            serving = [name for name, pool in self.pools.items() if role in pool.roles]
            if len(serving) != 1:
                who = " and ".join(serving) if serving else "none"
                raise ValueError(f"role {role!r} must be served by one pool, and is served by {who}")

    @property
    def on_cluster(self) -> bool:
        """Whether blocks are asked of a scheduler."""
        return self.kind in SCHEDULERS

    @property
    def on_this_machine(self) -> bool:
        """Whether all workers run where the driver does."""
        return self.kind in ("local", "inline")

    def pool_for(self, role: str) -> Pool:
        """Return the pool that serves ``role`` (``hpc.sites.pool.ROLES``)."""
        return next(pool for pool in self.pools.values() if role in pool.roles)

    @property
    def worker_count(self) -> int:
        """Workers of the largest pool, when all of its blocks run."""
        return max(pool.most_workers for pool in self.pools.values())

    @property
    def core_count(self) -> int:
        """Cores that one training task may use."""
        return self.pool_for("train").cores or usable_cores()

    @property
    def screening(self) -> tuple[str, int]:
        """What students score on, as torch names it, and with how many threads on the CPU."""
        if EVERYTHING in self.pools and not self.pools[EVERYTHING].accelerator:
            return self.screen_device, self.pools[EVERYTHING].threads
        pool = self.pool_for("screen")
        return pool.screen_device, pool.threads
