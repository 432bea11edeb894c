"""What workers run for ``benchmarks/sites.py``, and Parsl with nothing around it."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from docksieve.data.receipts import Receipt, write_receipt
from docksieve.workflows.campaign.ledger import Task


def sleeping_task(root: str, task: Task) -> Receipt:
    """Sleep, and leave a receipt as a task of a campaign does."""
    started = time.time()
    if task.runtime.get("sleep"):
        time.sleep(task.runtime.get("sleep"))
    receipt = Receipt(task.name, task.kind, task.fingerprint, facts={"started": started})
    write_receipt(Path(root), receipt)
    return receipt


def now() -> float:
    """Return the time when a worker runs this."""
    import time

    return time.time()


def main(site_name: str, folder: str) -> None:
    """Print when the first function ran, with Parsl and one pool alone."""
    import parsl
    from docksieve.hpc.jobs.blocks import BlockRecords
    from docksieve.hpc.parsl_workers.config import parsl_config
    from docksieve.hpc.sites.pool import ROLES
    from docksieve.hpc.sites.read import load_site

    site = load_site(site_name)
    pool = replace(site.pool_for("train"), roles=ROLES)  # the one that a campaign's first task goes to
    config = parsl_config(replace(site, pools={pool.name: pool}), Path(folder))
    (executor,) = config.executors
    _, parsls_own = executor.launch_cmd.split(" -- ", 1)
    executor.launch_cmd = parsls_own  # nothing of ours around it
    kernel = parsl.DataFlowKernel(config)
    try:
        print(parsl.python_app(now, data_flow_kernel=kernel)().result())
    finally:
        kernel.cleanup()
        BlockRecords(Path(folder) / "blocks").end_leftovers()


if __name__ == "__main__":
    main(*sys.argv[1:])
