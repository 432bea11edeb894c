"""From a site to a Dask cluster for work on data: building libraries, removing duplicates, analyses.

Inference and docking run on Parsl (:mod:`docksieve.hpc.parsl_workers.config`). Every job is one node with one-thread
workers, as many as the pool that docks has there; between scheduler and workers everything is encrypted, and both
sides show certificates made for this run, so that nobody else on the network can connect.
"""

from __future__ import annotations

import contextlib
import getpass
import importlib.util
import logging
import shlex
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...data.errors import SiteError
from ..jobs.submitted import asked_cluster
from ..sites.pool import Pool, clock, walltime_seconds
from ..sites.site import Site

ADAPT_SECONDS = 1.0
"""How often it is decided whether there should be more jobs, or fewer."""
LOST_WORKERS = 5
"""How often the worker of one task may die: by a cancelled job, a lost node, or the task itself."""
_SUBMIT = {"slurm": "sbatch", "pbspro": "qsub", "lsf": "bsub"}


@dataclass(frozen=True)
class DaskCluster:
    """A cluster that takes work.

    Attributes
    ----------
    client : distributed.Client
    workers : int
        When all jobs run.
    words : str
        Where it is and how it can be watched, for the user.
    check : callable
        Raises SiteError if there will be no workers.

    Examples
    --------
    >>> cluster = docksieve.DaskCluster(client=None, workers=64, words="two jobs of 32", check=lambda: None)
    >>> cluster.workers
    64
    """

    client: Any
    workers: int
    words: str
    check: Callable[[], None]


def data_workers(site: Site) -> int:
    """Return how many workers a site can give to work on data, when all of its jobs run.

    Parameters
    ----------
    site : Site

    Returns
    -------
    int
        One thread each.

    Examples
    --------
    >>> docksieve.data_workers(docksieve.load_site("local", {"workers": 4}))
    4
    """
    pool = site.pool_for("dock")
    return pool.most_workers if site.on_cluster else pool.workers_per_node


@contextlib.contextmanager
def open_dask(site: Site, folder: Path) -> Iterator[DaskCluster]:
    """Yield a Dask cluster of jobs on ``site``; all of them are cancelled on leaving.

    Parameters
    ----------
    site : Site
        One with a scheduler (``site.on_cluster``).
    folder : Path
        That all nodes see: certificates and logs of the jobs.

    Yields
    ------
    DaskCluster

    Raises
    ------
    SiteError
        If jobs cannot be asked for here.

    Examples
    --------
    >>> from functools import partial
    >>> site = docksieve.load_site("local", {"workers": 4})
    >>> cluster = partial(docksieve.open_dask, site) if site.on_cluster else None
    >>> docksieve.build_library("mine", ["vendor.smi"], workers=1, progress=False, open_cluster=cluster).rows
    192
    """
    import dask
    from distributed import Client

    from .jobs import JobAdaptive, JobWatch

    _check_reachable(site, folder)
    pool = site.pool_for("dock")
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".dask-jobqueue.*"):  # certificates of a build that was killed
        left.unlink(missing_ok=True)
    watch = JobWatch(site.kind, site.name, logs, asked_cluster(pool.directives))
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": LOST_WORKERS}))
        cluster = stack.enter_context(make_cluster(site, folder, watch))
        adaptive = partial(
            JobAdaptive, watch=watch, processes=pool.workers_per_node, look_seconds=site.queue_poll_seconds
        )
        cluster.adapt(
            Adaptive=adaptive,
            minimum=pool.min_blocks * pool.nodes,
            maximum=pool.blocks * pool.nodes,
            interval=f"{ADAPT_SECONDS} s",
            wait_count=max(1, round(pool.idle_seconds / ADAPT_SECONDS)),
        )
        client = stack.enter_context(Client(cluster))
        yield DaskCluster(client, pool.most_workers, _words(site, pool, cluster), watch.check)


def make_cluster(site: Site, folder: Path, watch: Any = None) -> Any:
    """Return the dask-jobqueue cluster of ``site``, without any job yet.

    Parameters
    ----------
    site : Site
    folder : Path
        As for :func:`open_dask`.
    watch : JobWatch, optional
        Told about submissions.
    """
    import dask_jobqueue
    from distributed.security import Security

    from ..parsl_workers.config import driver_address
    from .submitting import watched

    kind, options = _job_options(site, site.pool_for("dock"))
    cluster_class = getattr(dask_jobqueue, kind)
    job_class = watched(cluster_class.job_cls, watch) if watch else cluster_class.job_cls
    return cluster_class(
        job_cls=job_class,
        security=Security.temporary(),
        # Workers read their certificates there: files that only this user may read, gone when the cluster is.
        shared_temp_directory=str(folder),
        log_directory=str(folder / "logs"),
        scheduler_options={"host": driver_address(site), "dashboard_address": "127.0.0.1:0"},
        silence_logs=logging.CRITICAL,
        **options,
    )


def _job_options(site: Site, pool: Pool) -> tuple[str, dict[str, Any]]:
    """Return the name of dask-jobqueue's cluster class, and what it is given."""
    cores = pool.cores or pool.workers_per_node
    lines = {"slurm": _slurm, "pbspro": _pbspro, "lsf": _lsf}
    kind, special = lines[site.kind](pool, cores)
    prefix = {"slurm": "#SBATCH", "pbspro": "#PBS", "lsf": "#BSUB"}[site.kind]
    own = [line.removeprefix(prefix).strip() for line in pool.directives]
    common = {
        "cores": pool.workers_per_node,
        "processes": pool.workers_per_node,
        "memory": f"{pool.memory_gb or 1} GiB",
        "queue": pool.queue or None,
        "job_name": "docksieve-library",
        "python": shlex.quote(sys.executable),
        "local_directory": site.scratch or "/tmp",
        "job_script_prologue": _prologue(site, pool),
        "worker_extra_args": _worker_arguments(pool),
        **special,
    }
    common["job_extra_directives"] = [*special.get("job_extra_directives", []), *own]
    return kind, common


def _slurm(pool: Pool, cores: int) -> tuple[str, dict[str, Any]]:
    directives = [
        "--nodes=1",
        "--no-requeue",
    ]  # a lost job is asked for anew, sooner than it would be requeued
    directives += [f"--{key}={getattr(pool, key)}" for key in ("qos", "constraint") if getattr(pool, key)]
    directives += ["--exclusive"] if pool.exclusive else []
    skipped = [] if pool.memory_gb else ["--mem="]
    return "SLURMCluster", {
        "account": pool.account or None,
        "job_cpu": cores,
        "walltime": clock(walltime_seconds(pool.walltime)),
        "job_extra_directives": directives,
        "job_directives_skip": skipped,
    }


def _pbspro(pool: Pool, cores: int) -> tuple[str, dict[str, Any]]:
    select = [f"select=1:ncpus={cores}"]
    select += [f"mem={pool.memory_gb}gb"] if pool.memory_gb else []
    select += [pool.select_options] if pool.select_options else []
    return "PBSCluster", {
        "account": pool.account or None,
        "resource_spec": ":".join(select),
        "walltime": clock(walltime_seconds(pool.walltime)),
        "job_extra_directives": [],
    }


def _lsf(pool: Pool, cores: int) -> tuple[str, dict[str, Any]]:
    return "LSFCluster", {
        "project": pool.account or None,
        "ncpus": cores,
        "walltime": clock(walltime_seconds(pool.walltime)).rpartition(":")[0],  # hours and minutes
        "job_extra_directives": [],
        "job_directives_skip": [] if pool.memory_gb else ["-M "],
    }


def _prologue(site: Site, pool: Pool) -> list[str]:
    """Return the shell lines before the workers start."""
    from ..parsl_workers.config import driver_address, environment_lines

    # A worker listens where it reaches the driver from, whatever that interface is called on its node.
    ask = "import socket, sys; s = socket.socket(type=socket.SOCK_DGRAM); "
    ask += "s.connect((sys.argv[1], 9)); print(s.getsockname()[0])"  # a datagram socket: nothing is sent
    return [
        *environment_lines(site, pool, "").split("\n"),
        f"DOCKSIEVE_HOST=$({shlex.quote(sys.executable)} -c {shlex.quote(ask)} {driver_address(site)})",
        # Steps are long and busy: neither sampling their stack nor giving memory back all the time is worth it.
        "export DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False",
        f"export MALLOC_TRIM_THRESHOLD_={1 << 28}",
    ]


def _worker_arguments(pool: Pool) -> list[str]:
    """Return what workers are told beside dask-jobqueue's own words.

    They end before their job does, at different times, so that tasks are moved and not lost.
    """
    lifetime = walltime_seconds(pool.walltime) - pool.drain
    stagger = min(pool.drain // 2, lifetime // 4)
    words = ["--host", '"$DOCKSIEVE_HOST"', "--no-dashboard"]
    words += ["--lifetime", f"{lifetime}s", "--lifetime-stagger", f"{stagger}s"]
    if not pool.memory_gb:  # nobody said what there is, so nobody is stopped
        words += ["--memory-limit", "0"]
    return words


def _check_reachable(site: Site, folder: Path) -> None:
    """Find out before anything is started what would only show in the queue."""
    from ..parsl_workers.config import check_folder, driver_address

    submit = _SUBMIT[site.kind]
    if shutil.which(submit) is None:
        raise SiteError(
            f"There is no {submit} on PATH, so site {site.name!r} cannot be asked for jobs.",
            "Run this on a login node of that machine.",
        )
    address = driver_address(site)
    if address.startswith("127.") and not site.interface:
        raise SiteError(
            f"The name of this machine means {address}, where other nodes cannot reach it.",
            f"Set `interface` of site {site.name!r} to the one that compute nodes reach.",
        )
    check_folder(folder)


def _words(site: Site, pool: Pool, cluster: Any) -> str:
    """Return where the cluster is and how to look at it."""
    port = cluster.scheduler_info["services"]["dashboard"]
    page = "status" if importlib.util.find_spec("bokeh") else "info/main/workers.html"  # its plots need Bokeh
    tunnel = f"ssh -N -L {port}:127.0.0.1:{port} {getpass.getuser()}@{socket.gethostname()}"
    return (
        f"Site {site.name}: up to {pool.blocks * pool.nodes} jobs of {pool.workers_per_node} workers.\n"
        f"Dask's dashboard: http://127.0.0.1:{port}/{page} (from your own machine after: {tunnel})"
    )
