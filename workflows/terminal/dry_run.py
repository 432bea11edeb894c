"""What a submission would ask of a site's scheduler, in words: every batch script, and the node-hours."""

from __future__ import annotations

from pathlib import Path

from ...hpc.checks.dry_run import ADDRESS, CAMPAIGN, PORT, TIME, BatchScript, address_problem, batch_scripts
from ...hpc.sites.site import Site
from .sites import closing_lines

RULE = "=" * 100


def dry_run_words(site: Site, folder: Path, mark: str = "") -> str:
    """Return the batch scripts that a campaign at ``site`` would submit, and what they ask for in all.

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
        If no configuration can be made of the site.
    """
    if not site.on_cluster:
        return _without_scheduler(site)
    scripts = batch_scripts(site, folder, mark or CAMPAIGN)
    known = ", ".join([PORT, TIME, *([] if mark else [CAMPAIGN])])
    lines = [line for script in scripts for line in [RULE, *_head(script), RULE, script.text.strip(), ""]]
    problem = address_problem(site)
    notes = [f"{ADDRESS} stands for the driver's. {problem}"] if problem else []
    closing = f"Known only at the start: {known}. Nothing was submitted."
    return "\n".join([*lines, RULE, *closing_lines(site), *notes, closing])


def _head(script: BatchScript) -> list[str]:
    pool = script.pool
    nodes = f"{pool.nodes} node" + ("s" if pool.nodes > 1 else "")
    most = f"up to {pool.blocks} times" if pool.blocks > 1 else "once at a time"
    return [
        f"pool {pool.name} ({', '.join(pool.roles)}): {nodes} for {pool.walltime}, {most}: "
        f"{pool.most_workers:,} workers, {pool.node_hours:,.1f} node-hours",
        f"submitted with: {script.command}",
    ]


def _without_scheduler(site: Site) -> str:
    where = "on the nodes of the job around it" if site.kind == "allocation" else "on this machine"
    pools = "; ".join(f"{p.name} ({', '.join(p.roles)}): {p.most_workers}" for p in site.pools.values())
    return f"Site {site.name!r} asks nothing of a scheduler: it runs {where}. Workers: {pools}. Nothing was started."
