"""One batch job of a pool's shape that runs a command: how a whole campaign becomes a job."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from ...data.errors import SiteError
from ..jobs.blocks import BlockRecords
from ..sites.pool import Pool
from ..sites.site import Site
from .config import check_folder, environment_lines
from .listening import accepted, rehearsed
from .providers import cluster_provider


def job_script(site: Site, pool: Pool, folder: Path, command: str, log: Path) -> str:
    """Return the batch script of the job, without asking the scheduler anything.

    Parameters
    ----------
    site : Site
        With a scheduler.
    pool : Pool
        What to ask for.
    folder : Path
        Where the script is written and the job is noted.
    command : str
        A shell command; it takes the script's place, so that it gets the scheduler's signals.
    log : Path
        Where its output goes.

    Raises
    ------
    SiteError
        If batch scripts cannot hold the name of ``folder`` or ``log``.
    """
    _check(folder, log)
    with tempfile.TemporaryDirectory() as temporary, rehearsed(accepted):
        written = _submit(site, pool, Path(temporary), command, log)[1]
        return re.sub(r"docksieve\.[\d.]+\d", "docksieve.<time>", written.replace(temporary, str(folder)))


def submit_job(site: Site, pool: Pool, folder: Path, command: str, log: Path) -> str:
    """Submit the job and return its number; the parameters are those of :func:`job_script`.

    Raises
    ------
    SiteError
        If the scheduler refuses it, in its own words, or batch scripts cannot hold the name of ``folder`` or ``log``.
    """
    _check(folder, log)
    folder.mkdir(parents=True, exist_ok=True)
    return _submit(site, pool, folder, command, log)[0]


def _check(folder: Path, log: Path) -> None:
    for named in (folder, log.parent):
        check_folder(named)


def _submit(site: Site, pool: Pool, folder: Path, command: str, log: Path) -> tuple[str, str]:
    provider: Any = cluster_provider(site, pool, environment_lines(site, pool, ""), BlockRecords(folder))
    provider.script_dir = str(folder)
    try:
        number = provider.submit(f"exec {command} >> {log} 2>&1", 1, "docksieve")
    except Exception as error:
        said = getattr(provider, "last_words", "") or str(error)
        raise SiteError(
            f"{site.kind} refused the job: {said}", "Correct the site, or give --set KEY=VALUE."
        ) from None
    scripts = [path for path in folder.iterdir() if re.fullmatch(r"docksieve\.[\d.]+(\.submit)?", path.name)]
    newest = max(scripts, key=lambda path: path.stat().st_mtime)
    return str(number), newest.read_text(encoding="utf-8")
