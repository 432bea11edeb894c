"""The batch scripts that a site's pools would submit, to the letter, with no scheduler and nothing run."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data.errors import SiteError
from ..jobs.blocks import BlockRecords
from ..jobs.commands import Answer
from ..parsl_workers.config import driver_address, parsl_config
from ..parsl_workers.listening import accepted, rehearsed
from ..sites.pool import Pool
from ..sites.site import Site

PORT = "<port>"
TIME = "<time>"
CAMPAIGN = "<campaign>"
"""What stands for what is known only when a campaign starts."""
ADDRESS = "<address>"
"""What stands for the driver's address on a machine that is not the one to submit from."""


@dataclass(frozen=True)
class BatchScript:
    """What one pool asks of the scheduler for each of its blocks.

    Attributes
    ----------
    pool : Pool
    text : str
        The batch script, with ``<port>``, ``<time>`` and ``<campaign>`` for what is known only at the start, and
        ``<address>`` if this machine has none that workers reach.
    command : str
        The command that submits it.
    """

    pool: Pool
    text: str
    command: str

    @property
    def blocks(self) -> int:
        """How many of these jobs may be there at a time."""
        return self.pool.blocks


def batch_scripts(site: Site, folder: Path, mark: str = CAMPAIGN) -> list[BatchScript]:
    """Return the batch scripts of ``site``, one per pool; none for a site without a scheduler.

    The Parsl configuration is made as for a run, and each provider's own code writes its script; only its commands for
    the scheduler are answered here, and files go to a temporary folder.

    Parameters
    ----------
    site : Site
    folder : Path
        The campaign's, which need not exist.
    mark : str
        The campaign's id, if it has one already.

    Raises
    ------
    SiteError
        If Parsl refuses what the site says.
    """
    if not site.on_cluster:
        return []
    commands: list[str] = []
    address = ADDRESS if address_problem(site) else ""
    with tempfile.TemporaryDirectory() as temporary, rehearsed(lambda command: _answer(command, commands)):
        config = parsl_config(site, folder, mark, address)
        return [_script(site, executor, folder, Path(temporary), commands) for executor in config.executors]


def address_problem(site: Site) -> str:
    """Return why workers would not reach a driver on this machine; empty if they would, as far as it is known here."""
    try:
        driver_address(site)
    except SiteError as error:
        return str(error)
    return ""


def node_hours(site: Site) -> float:
    """Return the node-hours that all blocks of ``site`` ask for when each is there once."""
    return sum(pool.node_hours for pool in site.pools.values())


def _script(site: Site, executor: Any, folder: Path, temporary: Path, commands: list[str]) -> BatchScript:
    run = _next_run(folder / "parsl")
    scripts = temporary / executor.label
    scripts.mkdir()
    provider = executor.provider
    provider.script_dir = str(scripts)
    provider.watch(BlockRecords(temporary / "blocks"), executor.label, site.kind, site.queue_poll_seconds)
    executor.run_dir = str(run)
    executor.cert_dir = f"{executor.logdir}/certificates"
    executor.worker_port = PORT
    executor.logconf_path = f"{executor.logdir}/log_config.pkl"
    executor.initialize_scaling()
    try:
        executor._launch_block("0")
    except Exception as error:
        raise SiteError(
            f"Site {site.name!r}, pool {executor.label!r}: Parsl writes no script: {error}."
        ) from error
    (written,) = (path for path in scripts.iterdir() if path.is_file())
    text = written.read_text(encoding="utf-8")
    stamp = re.search(r"block-0\.(\d+\.\d+)", written.name)

    def settled(words: str) -> str:
        words = words.replace(str(scripts), str(run / "submit_scripts"))
        return words.replace(stamp[1], TIME) if stamp else words

    return BatchScript(site.pools[executor.label], settled(text), settled(" ".join(commands[-1].split())))


def _next_run(parent: Path) -> Path:
    """Return the folder that Parsl's next run will have in ``parent``."""
    taken = [int(path.name) for path in parent.glob("[0-9]*[0-9]")]
    return parent.resolve() / f"{max(taken, default=-1) + 1:03d}"


def _answer(command: str, commands: list[str]) -> Answer:
    """Answer a scheduler's command as one that took the job would, and note it."""
    commands.append(command)
    return accepted(command)
