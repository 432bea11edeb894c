"""Parsl's providers and launchers, as a site's pools want them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from parsl.launchers import JsrunLauncher, MpiExecLauncher, SimpleLauncher, SrunLauncher
from parsl.launchers.base import Launcher
from parsl.providers import LocalProvider, LSFProvider, PBSProProvider, SlurmProvider

from .blocks import BlockRecords
from .pools import Pool, walltime_seconds
from .site import Site


class _Recorded:
    """Adds to a provider: blocks are written down, asked about as often as the site says, refused in its own words."""

    _records: BlockRecords
    _pool: str
    _scheduler: str
    _poll: int
    last_words: str = ""
    """What the scheduler said when it last refused something."""

    def watch(self, records: BlockRecords, pool: str, scheduler: str, poll: int) -> None:
        """Begin to write blocks down."""
        self._records, self._pool, self._scheduler, self._poll = records, pool, scheduler, poll

    @property
    def status_polling_interval(self) -> int:
        """Seconds between questions to the scheduler."""
        return self._poll

    def execute_wait(self, cmd: str, timeout: int | None = None) -> tuple[int | None, str, str]:
        """Run a command of the scheduler, and keep what it says when it fails."""
        code, out, err = super().execute_wait(cmd, timeout)  # type: ignore[misc]
        if code != 0:
            self.last_words = " ".join((err or out or "").split())
        return code, out, err

    def submit(self, command: str, tasks_per_node: int, job_name: str = "docksieve") -> Any:
        """Ask for a block."""
        job = super().submit(command, tasks_per_node, job_name)  # type: ignore[misc]
        if job is None:  # some providers only log why
            raise RuntimeError(f"the scheduler refused the job: {self.last_words}")
        self._records.asked(str(job), self._scheduler, self._pool)
        return job

    def cancel(self, job_ids: Sequence[str]) -> Any:
        """Give blocks back."""
        result = super().cancel(job_ids)  # type: ignore[misc]
        self._records.ended(list(map(str, job_ids)))
        return result


class Slurm(_Recorded, SlurmProvider):
    """Parsl's provider for Slurm, with blocks written down."""

    scheduler_options: str
    _excluded: tuple[str, ...] = ()

    def exclude(self, node: str) -> None:
        """Ask for no block on ``node`` any more."""
        before = f"#SBATCH --exclude={','.join(self._excluded)}\n" if self._excluded else ""
        self._excluded = (*self._excluded, node)
        plain = self.scheduler_options.removesuffix(before)
        self.scheduler_options = f"{plain}#SBATCH --exclude={','.join(self._excluded)}\n"


class PBSPro(_Recorded, PBSProProvider):
    """Parsl's provider for PBS Professional, with blocks written down."""


class LSF(_Recorded, LSFProvider):
    """Parsl's provider for LSF, with blocks written down."""


def cluster_provider(site: Site, pool: Pool, worker_init: str, records: BlockRecords) -> Any:
    """Return the Parsl provider that asks ``site``'s scheduler for the blocks of ``pool``."""
    common: dict[str, Any] = {
        "nodes_per_block": pool.nodes,
        "init_blocks": pool.min_blocks,
        "min_blocks": pool.min_blocks,
        "max_blocks": pool.blocks,
        "walltime": _plain_walltime(pool.walltime),
        "worker_init": worker_init,
        "scheduler_options": "\n".join(pool.directives),
        "launcher": launcher(site, pool),
        "cmd_timeout": 60,
    }
    provider = _PROVIDERS[site.kind](pool, common)
    provider.watch(records, pool.name, site.kind, site.queue_poll_seconds)
    return provider


def _slurm(pool: Pool, common: dict[str, Any]) -> Slurm:
    # A block that lost a node ends: Parsl asks for a new one sooner than Slurm would requeue the old one, and no two
    # copies of a worker run at once.
    common["scheduler_options"] = "\n".join(["#SBATCH --no-requeue", *pool.directives])
    return Slurm(
        partition=pool.queue or None,
        account=pool.account or None,
        qos=pool.qos or None,
        constraint=pool.constraint or None,
        cores_per_node=pool.cores or None,
        mem_per_node=pool.memory_gb or None,
        gpus_per_node=None if _asks_for_devices(pool.directives) else pool.gpus or None,
        exclusive=pool.exclusive,
        **common,
    )


def _pbspro(pool: Pool, common: dict[str, Any]) -> PBSPro:
    return PBSPro(
        queue=pool.queue or None,
        account=pool.account or None,
        cpus_per_node=pool.cores or 1,
        select_options=pool.select_options or (f"ngpus={pool.gpus}" if pool.gpus else ""),
        **common,
    )


def _lsf(pool: Pool, common: dict[str, Any]) -> LSF:
    return LSF(
        queue=pool.queue or None, project=pool.account or None, cores_per_node=pool.cores or None, **common
    )


_PROVIDERS: dict[str, Callable[[Pool, dict[str, Any]], Any]] = {
    "slurm": _slurm, "pbspro": _pbspro, "lsf": _lsf
}  # fmt: skip


def local_provider(site: Site, pool: Pool, worker_init: str) -> LocalProvider:
    """Return the Parsl provider for workers on this machine, or on the nodes of the batch job around us."""
    return LocalProvider(
        nodes_per_block=pool.nodes,
        init_blocks=1,
        min_blocks=1,
        max_blocks=1,
        launcher=launcher(site, pool),
        worker_init=worker_init,
    )


def launcher(site: Site, pool: Pool) -> Launcher:
    """Return what starts the worker pool on every node of a block."""
    kind = pool.launcher
    if kind == "auto":
        natural = {"slurm": "srun", "pbspro": "mpiexec", "lsf": "jsrun"}
        kind = natural.get(site.kind, "single") if pool.nodes > 1 else "single"
    options = pool.launcher_options
    if kind == "srun":
        # Since Slurm 22.05 a step does not inherit the cores per task of its job.
        cores = f" --cpus-per-task={pool.cores}" if pool.cores and "cpus-per-task" not in options else ""
        shared = " --overlap" if site.kind == "allocation" else ""  # two pools on the same nodes
        return SrunLauncher(overrides=f"--kill-on-bad-exit=0{cores}{shared} {options}".rstrip())
    if kind == "mpiexec":
        return MpiExecLauncher(overrides=options)
    if kind == "jsrun":
        return JsrunLauncher(overrides=options)
    return SimpleLauncher()


def _plain_walltime(text: str) -> str:
    """Return ``HH:MM:SS``, without days: what every provider understands."""
    seconds = walltime_seconds(text)
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"


def _asks_for_devices(directives: Sequence[str]) -> bool:
    return any(re.search(r"--(gres|gpus|gpus-per-\w+)[= ]", line) for line in directives)
