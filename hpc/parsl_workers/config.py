"""From a site to a Parsl configuration, in one function."""

from __future__ import annotations

import shlex
import socket
import sys
import sysconfig
from pathlib import Path

import psutil
from parsl.addresses import address_by_hostname
from parsl.config import Config
from parsl.executors.high_throughput.executor import DEFAULT_LAUNCH_CMD

from ...data.environment import CAMPAIGN, FILE_PATIENCE, SCRATCH
from ...data.errors import SiteError
from ..jobs.blocks import BlockRecords
from ..nodes.ranks import CORES, INTERFACE, LAUNCHER, NODES, RANKS
from ..sites.pool import Pool, walltime_seconds
from ..sites.site import Site
from .executor import PoolExecutor, StillbornBlocks
from .launchers import kind_of_launcher
from .providers import cluster_provider, local_provider

ODD_CHARACTERS = frozenset(" \t\n\"'`$\\&;|<>()*?#!%{}[]")
"""Those that shells, schedulers' directives or Parsl's templates take for something else."""


def check_folder(folder: Path) -> None:
    """Refuse a folder that batch scripts cannot name.

    Raises
    ------
    SiteError
        If its name holds one of :data:`ODD_CHARACTERS`.
    """
    if odd := sorted(set(str(folder)) & ODD_CHARACTERS):
        raise SiteError(
            f"Batch scripts cannot hold the folder {str(folder)!r}: it has {' and '.join(map(repr, odd))} in its name.",
            "Choose a folder with a plainer name.",
        )


def parsl_config(site: Site, folder: Path, mark: str = "", address: str = "") -> Config:
    """Return the Parsl configuration of ``site``: one executor per pool.

    Parameters
    ----------
    site : Site
        Of any kind but ``inline``.
    folder : Path
        The campaign's: Parsl's own logs go to ``parsl/`` in it, so that what a killed driver left running can be
        recognised; what nodes report to ``nodes/``; the jobs that were asked for to ``blocks/``.
    mark : str
        Written into the environment of all workers as ``DOCKSIEVE_CAMPAIGN``.
    address : str
        Of the driver, as workers reach it; by default :func:`driver_address`.

    Raises
    ------
    SiteError
        If the site's network interface is not there, or batch scripts cannot hold the folder's name.

    Notes
    -----
    Retries are ours (``workflows.running.parsl_engine``): Parsl's own would also repeat bad input. Its checkpoints are
    not used: receipts are the truth.
    """
    if site.on_cluster:
        check_folder(folder)
    address = address or driver_address(site)
    return Config(
        executors=[_executor(site, pool, folder, mark, address) for pool in site.pools.values()],
        run_dir=str(folder / "parsl"),
        retries=0,
        # On a cluster idle blocks are given back; here, a pool that dies is started again.
        strategy="htex_auto_scale" if site.on_cluster else "simple",
        strategy_period=min(5, site.queue_poll_seconds),
        max_idletime=min(pool.idle_seconds for pool in site.pools.values()),
        usage_tracking=0,
        initialize_logging=True,
        exit_mode="cleanup",
    )


def _executor(site: Site, pool: Pool, folder: Path, mark: str, address: str) -> PoolExecutor:
    environment = environment_lines(site, pool, mark)
    if site.on_cluster:
        provider = cluster_provider(site, pool, environment, BlockRecords(folder / "blocks"))
    else:
        provider = local_provider(site, pool, environment)
    return PoolExecutor(
        label=pool.name,
        address=address,
        launch_cmd=f"{_node_command(pool, folder)} -- {DEFAULT_LAUNCH_CMD}",
        # By its module: docksieve may run from an environment that nobody has activated.
        interchange_launch_cmd=[sys.executable, "-m", "docksieve.hpc.parsl_workers.interchange"],
        max_workers_per_node=pool.workers_per_node,
        cores_per_worker=1e-3,  # the number of workers is ours to say, also above the number of cores
        cpu_affinity=pool.affinity,
        heartbeat_period=site.heartbeat_seconds,
        heartbeat_threshold=5 * site.heartbeat_seconds,
        drain_period=None if site.on_this_machine else _drain_period(pool),
        poll_period=10,
        block_error_handler=StillbornBlocks(),
        provider=provider,
        worker_logdir_root=None,
    )


def _drain_period(pool: Pool) -> int:
    return walltime_seconds(pool.walltime) - pool.drain


def _node_command(pool: Pool, folder: Path) -> str:
    """Return the command that proves a node's devices and then becomes its worker pool (``hpc.nodes.node``)."""
    words = [
        sys.executable,
        "-m",
        "docksieve.hpc.nodes.node",
        "--reports",
        str(folder / "nodes"),
        "--pool",
        pool.name,
    ]
    if pool.accelerator:
        words += ["--accelerator", pool.accelerator, "--devices", ",".join(pool.device_names)]
        words += ["--workers-per-device", str(pool.workers_per_gpu)]
        if pool.ranks_per_node:
            words.append("--one-worker")
    return shlex.join(words).replace("{", "{{").replace("}", "}}")


def environment_lines(site: Site, pool: Pool, mark: str) -> str:
    """Return the shell lines that come before a node's workers.

    One thread per worker for the numeric libraries, so that workers do not fight over cores; a task that may use
    more says so itself. Workers keep the site's scratch folder, or the user's TMPDIR, in DOCKSIEVE_SCRATCH, for the
    files of docking programs (``screening.docking.command_run``).
    """
    scripts = sysconfig.get_path("scripts")
    scratch = site.scratch or f"${{{SCRATCH}:-${{TMPDIR:-}}}}"
    lines = [
        *pool.setup,
        f'export PATH="{scripts}:$PATH"',  # workers must find Parsl's own programs
        f'export {SCRATCH}="{scratch}"',  # where docking programs write
        "export TMPDIR=/tmp",  # long paths overflow the 108 bytes of a Unix socket's name
        "export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1",
    ]
    if site.kind == "allocation":
        # Parsl's launcher for srun names its script after the job, which is the same for all pools here.
        lines.append(f'export SLURM_JOB_NAME="docksieve-{pool.name}-$$"')
    if mark and not site.on_this_machine:
        # Files of other nodes may appear late (``workflows.tasks.run``).
        lines.append(f"export {CAMPAIGN}={mark} SPT_NOENV=1 {FILE_PATIENCE}=30")
    if pool.ranks_per_node:
        lines.append(
            f"export {RANKS}={pool.ranks_per_node} {NODES}={pool.nodes} {LAUNCHER}={kind_of_launcher(site, pool)} "
            f"{CORES}={pool.cores} {INTERFACE}={site.interface}"
        )
    return "\n".join(lines)


def driver_address(site: Site) -> str:
    """Return the address by which workers reach the driver; loopback where they run beside it.

    Raises
    ------
    SiteError
        If the site's interface does not exist here, with those that do.
    """
    nodes = max(pool.nodes for pool in site.pools.values())
    if site.on_this_machine or (site.kind == "allocation" and nodes == 1):
        return "127.0.0.1"
    here = psutil.net_if_addrs()
    if not site.interface:
        try:
            address = str(address_by_hostname())
        except OSError:
            address = "no address"
        if address.startswith(("127.", "no ")):
            raise SiteError(
                f"This machine's name leads to {address}, where no other node reaches it (site {site.name!r}).",
                f"Set `interface` to the one that compute nodes reach: {', '.join(sorted(here))}.",
            )
        return address
    if site.interface not in here:
        raise SiteError(
            f"This machine has no network interface {site.interface!r} (site {site.name!r}).",
            f"It has: {', '.join(sorted(here))}. Set `interface` to the one that compute nodes reach.",
        )
    for address in here[site.interface]:
        if address.family == socket.AF_INET:
            return str(address.address)
    raise SiteError(
        f"The network interface {site.interface!r} has no IPv4 address (site {site.name!r}).",
        f"Set `interface` to another: {', '.join(sorted(here))}.",
    )
