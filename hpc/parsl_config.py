"""From a site to a Parsl configuration, in one function."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.executors.status_handling import BlockProviderExecutor
from parsl.jobs.error_handlers import simple_error_handler
from parsl.jobs.states import JobState, JobStatus
from parsl.launchers import SimpleLauncher
from parsl.providers import LocalProvider

from .site import Site

EXECUTOR = "workers"

MAX_STILLBORN_BLOCKS = 3
"""Blocks that may end without a single worker having reported before the run is given up."""


def give_up_on_stillborn_blocks(executor: BlockProviderExecutor, status: dict[str, JobStatus]) -> None:
    """Fail everything only if blocks cannot even start: a wrong environment, not a lost node.

    Parsl's own handlers give up after one failed block, or after the last few failed however long they had
    worked; a long campaign loses a block now and then.
    """
    failed = {name: job for name, job in status.items() if job.state in (JobState.FAILED, JobState.MISSING)}
    if len(failed) >= MAX_STILLBORN_BLOCKS:
        worked = set(executor.connected_blocks())  # asks the interchange, so only when it may matter
        stillborn = {name: job for name, job in failed.items() if name not in worked}
        if len(stillborn) >= MAX_STILLBORN_BLOCKS:
            simple_error_handler(executor, stillborn)


def parsl_config(site: Site, run_dir: Path) -> Config:
    """Return the Parsl configuration of ``site``.

    Parameters
    ----------
    site : Site
        Of kind ``local``.
    run_dir : Path
        Where Parsl keeps its own logs; inside the campaign folder, so that what a killed driver left
        running can be recognised.

    Notes
    -----
    Retries are ours (``workflows.apps``): Parsl's own would also repeat bad input. Its checkpoints are
    not used: receipts are the truth. One thread per worker for the numeric libraries, so that workers do
    not fight over cores; a task that may use more says so itself. Workers keep the user's TMPDIR in
    DOCKSIEVE_SCRATCH, for the files of docking programs (``screening.command_run``).
    """
    environment = Path(sysconfig.get_path("scripts"))
    worker_init = "\n".join(
        [
            f'export PATH="{environment}:$PATH"',  # workers must find Parsl's own programs
            'export DOCKSIEVE_SCRATCH="${DOCKSIEVE_SCRATCH:-${TMPDIR:-}}"',  # where docking programs write
            "export TMPDIR=/tmp",  # long paths overflow the 108 bytes of a Unix socket's name
            "export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1",
        ]
    )
    executor = HighThroughputExecutor(
        label=EXECUTOR,
        address="127.0.0.1",
        # By its full path: docksieve may run from an environment that nobody has activated.
        interchange_launch_cmd=[sys.executable, str(environment / "interchange.py")],
        max_workers_per_node=site.worker_count,
        cores_per_worker=1e-3,  # the number of workers is ours to say, also above the number of cores
        heartbeat_period=site.heartbeat_seconds,
        heartbeat_threshold=5 * site.heartbeat_seconds,
        poll_period=10,
        block_error_handler=give_up_on_stillborn_blocks,
        provider=LocalProvider(
            init_blocks=1, min_blocks=1, max_blocks=1, launcher=SimpleLauncher(), worker_init=worker_init
        ),
    )
    return Config(
        executors=[executor],
        run_dir=str(run_dir),
        retries=0,
        strategy="simple",  # a pool that dies is started again
        usage_tracking=0,
        initialize_logging=True,
        exit_mode="cleanup",
    )
