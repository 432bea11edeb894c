"""One small function on every pool of a site: whether its workers come, and what they say."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..jobs.blocks import BlockRecords
from ..sites.pool import Pool, clock, walltime_seconds
from ..sites.site import Site

WALLTIME = "00:10:00"


@dataclass(frozen=True)
class ProbeAnswer:
    """What came back from one pool.

    Attributes
    ----------
    pool : Pool
    seconds : float
        From asking for the pool until its first answer, or until it was given up.
    said : tuple of dict
        An answer per worker.
    error : str
        Why there is none, in the words of the scheduler or of the worker.
    """

    pool: Pool
    seconds: float
    said: tuple[dict[str, Any], ...] = ()
    error: str = ""


def small_site(site: Site) -> Site:
    """Return ``site`` with one short block per pool, which waits less in a queue."""
    pools = {}
    for name, pool in site.pools.items():
        short = min(walltime_seconds(pool.walltime), walltime_seconds(WALLTIME))
        pools[name] = replace(pool, blocks=1, min_blocks=0, walltime=clock(short), drain_seconds=0)
    return replace(site, pools=pools, workers=0, screen_device="cpu", screen_threads=1)


def ask_pools(
    site: Site,
    folder: Path,
    mark: str,
    function: Callable[..., dict[str, Any]],
    patience: float,
    *arguments: Any,
) -> Iterator[ProbeAnswer]:
    """Run ``function(*arguments)`` on workers of every pool; yield an answer per pool.

    A pool with devices is asked once per worker of a node, others once.

    Parameters
    ----------
    site : Site
        Of any kind but ``inline``.
    folder : Path
        For Parsl's files; workers must see it.
    mark : str
        For the environment of the workers.
    function : callable
        At the top of a module that workers can import.
    patience : float
        Seconds to wait for each pool.
    """
    import parsl

    from ..parsl_workers.config import parsl_config

    small = small_site(site)
    begun = time.monotonic()
    kernel = parsl.DataFlowKernel(parsl_config(small, folder, mark))
    try:
        asked: dict[str, list[Future[dict[str, Any]]]] = {}
        for name, pool in small.pools.items():
            app = parsl.python_app(function, data_flow_kernel=kernel, executors=[name])
            each = pool.accelerator and not pool.ranks_per_node
            count = pool.nodes * pool.workers_per_node if each else 1
            asked[name] = [app(*arguments) for _ in range(count)]
        for name, futures in asked.items():
            done, late = wait(futures, timeout=max(1.0, begun + patience - time.monotonic()))
            seconds = time.monotonic() - begun
            errors = [str(future.exception()) for future in done if future.exception() is not None]
            if late:
                states = {job.state.name for job in kernel.executors[name].status_facade.values()}
                errors.append(f"{len(late)} of {len(futures)} answers did not come within {patience:.0f} s "
                              f"(its block: {', '.join(sorted(states)) or 'none'})")  # fmt: skip
            said = tuple(future.result() for future in done if future.exception() is None)
            yield ProbeAnswer(site.pools[name], seconds, said, " ".join(dict.fromkeys(errors)))
    finally:
        cleanup = threading.Thread(target=lambda: _quietly(kernel.cleanup), daemon=True)
        cleanup.start()
        cleanup.join(60.0)
        if site.on_cluster:
            BlockRecords(folder / "blocks").end_leftovers()


def _quietly(function: Callable[[], None]) -> None:
    with contextlib.suppress(Exception):
        function()
