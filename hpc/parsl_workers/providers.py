"""Parsl's providers, as a site's pools want them: what each pool asks of its scheduler."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from parsl.providers import LocalProvider

from ..jobs.blocks import BlockRecords
from ..jobs.submitted import asked_cluster
from ..sites.pool import Pool, clock, walltime_seconds
from ..sites.site import Site
from .launchers import launcher
from .pbs_lsf import LSF, PBSPro
from .slurm import Slurm


def cluster_provider(site: Site, pool: Pool, worker_init: str, records: BlockRecords) -> Any:
    """Return the Parsl provider that asks ``site``'s scheduler for the blocks of ``pool``."""
    common: dict[str, Any] = {
        "nodes_per_block": pool.nodes,
        "init_blocks": pool.min_blocks,
        "min_blocks": pool.min_blocks,
        "max_blocks": pool.blocks,
        "walltime": clock(walltime_seconds(pool.walltime)),
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
    made = Slurm(
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
    made.cluster = asked_cluster(pool.directives)
    return made


def _pbspro(pool: Pool, common: dict[str, Any]) -> PBSPro:
    select = [pool.select_options] if pool.select_options else []
    if pool.gpus and not pool.select_options:
        select.append(f"ngpus={pool.gpus}")
    if pool.memory_gb and "mem=" not in pool.select_options:
        select.append(f"mem={pool.memory_gb}gb")
    # Not run again by PBS, for the reason given for Slurm; and no two parts of a block on one node.
    lines = [] if _mentions(pool.directives, r"-r ") else ["#PBS -r n"]
    if not _mentions(pool.directives, r"place="):
        lines.append(f"#PBS -l place=scatter{':excl' if pool.exclusive else ''}")
    common["scheduler_options"] = "\n".join([*lines, *pool.directives])
    return PBSPro(
        queue=pool.queue or None,
        account=pool.account or None,
        cpus_per_node=pool.cores or 1,
        select_options=":".join(select),
        **common,
    )


def _lsf(pool: Pool, common: dict[str, Any]) -> LSF:
    lines = [] if _mentions(pool.directives, r"-rn?\b") else ["#BSUB -rn"]
    if pool.exclusive and not _mentions(pool.directives, r"-x\b"):
        lines.append("#BSUB -x")
    if pool.gpus and not _mentions(pool.directives, r"-(gpu|alloc_flags)\b"):
        # Several processes must reach a device: the proof of a worker's, and workers that share one.
        lines.append(f'#BSUB -gpu "num={pool.gpus}:mode=shared:j_exclusive=yes"')
    if pool.memory_gb and not _mentions(pool.directives, r"mem="):
        lines.append(f'#BSUB -R "rusage[mem={pool.memory_gb}GB/host]"')
    common["scheduler_options"] = "\n".join([*lines, *pool.directives])
    by_nodes = (
        pool.launcher == "jsrun"
    )  # only where IBM's job step manager is can LSF be asked for whole nodes
    return LSF(
        queue=pool.queue or None,
        project=pool.account or None,
        request_by_nodes=by_nodes,
        cores_per_block=None if by_nodes else pool.nodes * max(1, pool.cores),
        cores_per_node=None if by_nodes else max(1, pool.cores),
        bsub_redirection=True,  # else directives count only where the centre has switched that on
        **common,
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


def _asks_for_devices(directives: Sequence[str]) -> bool:
    return _mentions(directives, r"--(gres|gpus|gpus-per-\w+)[= ]")


def _mentions(directives: Sequence[str], pattern: str) -> bool:
    return any(re.search(pattern, line) for line in directives)
