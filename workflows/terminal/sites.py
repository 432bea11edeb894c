"""Sites in a terminal: which there are, and what one of them gives."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from ...data.errors import SiteError
from ...data.words import plural
from ...hpc.checks.dry_run import (
    ADDRESS,
    CAMPAIGN,
    PORT,
    TIME,
    BatchScript,
    address_problem,
    batch_scripts,
    node_hours,
)
from ...hpc.sites.pool import Pool
from ...hpc.sites.read import own_sites, preset_names, site_text
from ...hpc.sites.site import Site
from .grid import Column, Grid, numbers


def site_list() -> Grid:
    """Return the table of all sites: those that come with the program, and those of ``DOCKSIEVE_SITES``."""
    columns = [
        Column("site"),
        Column("kind"),
        Column("what it is", wraps=True),
        Column("confirmed", wraps=True),
    ]
    table = Grid(columns, "Sites")
    own = own_sites()
    for name in [*own, *(name for name in preset_names() if name not in own)]:
        table.add(f"{name} (own)" if name in own else name, *_about(name))
    return table


def sites_json() -> list[dict[str, str]]:
    """Return the sites as JSON values."""
    keys = ("kind", "description", "confirmed")
    own = own_sites()
    names = [*own, *(name for name in preset_names() if name not in own)]
    return [{"site": name, **dict(zip(keys, _about(name), strict=True))} for name in names]


def _about(name: str) -> tuple[str, str, str]:
    """Return kind, description and confirmation of a site; a file that cannot be read says why."""
    try:
        values = tomllib.loads(site_text(name)[0])
    except (SiteError, tomllib.TOMLDecodeError) as error:
        return "?", f"cannot be read: {error}", ""
    kind = str(values.get("kind", "local"))
    said = str(values.get("confirmed", ""))
    # What needs no queue is run by the tests of every version.
    confirmed = said or ("by tests" if kind in ("local", "inline") else "not yet")
    return kind, str(values.get("description", "")), confirmed


def site_table(site: Site) -> RenderableType:
    """Return the pools of ``site``, every value resolved, and what they ask for in all."""
    table = Grid(
        [
            Column("pool"),
            Column("does", wraps=True),
            *numbers("nodes", "blocks", "workers per node"),
            Column("devices", wraps=True),
            *numbers("walltime", "most workers", "node-hours"),
        ],
        f"Pools of {site.name}",
    )
    for pool in site.pools.values():
        table.add(*_row(site, pool))
    return Group(table, *map(Text, closing_lines(site))) if site.on_cluster else table


def site_json(site: Site) -> dict[str, object]:
    """Return the pools of a site, every value resolved, as JSON values."""
    pools = {
        pool.name: {
            "roles": list(pool.roles),
            "nodes": pool.nodes,
            "blocks": pool.blocks,
            "min_blocks": pool.min_blocks,
            "workers_per_node": pool.workers_per_node,
            "most_workers": pool.most_workers,
            "gpus": pool.gpus,
            "devices": list(pool.device_names),
            "walltime": pool.walltime if site.on_cluster else None,
            "node_hours": pool.node_hours if site.on_cluster else None,
        }
        for pool in site.pools.values()
    }
    hours = node_hours(site) if site.on_cluster else None
    return {"site": site.name, "kind": site.kind, "node_hours": hours, "pools": pools}


def _row(site: Site, pool: Pool) -> Sequence[str]:
    devices = f"{pool.accelerator} {span(pool.device_names)}" if pool.gpus else "-"
    if pool.workers_per_gpu > 1:
        devices += f", {pool.workers_per_gpu} workers each"
    few = f"{pool.min_blocks}-" if pool.min_blocks else "up to "
    return [
        pool.name,
        ", ".join(pool.roles),
        str(pool.nodes),
        f"{few}{pool.blocks}" if site.on_cluster else "1",
        str(pool.workers_per_node),
        devices,
        pool.walltime if site.on_cluster else "-",
        f"{pool.most_workers:,}",
        f"{pool.node_hours:,.1f}" if site.on_cluster else "-",
    ]


def span(names: Sequence[str]) -> str:
    """Return ``0-3`` for ``0, 1, 2, 3``, and other names one by one."""
    if len(names) > 2 and names[0].isdigit() and list(names) == _counted(int(names[0]), len(names)):
        return f"{names[0]}-{names[-1]}"
    return ", ".join(names)


def _counted(first: int, count: int) -> list[str]:
    return [str(number) for number in range(first, first + count)]


def closing_lines(site: Site) -> list[str]:
    """Return in words what all blocks of ``site`` ask for."""
    return [
        f"Node-hours if every block runs to its end once: {node_hours(site):,.1f}.",
        "Blocks are asked for as there is work, given back when idle, and asked for again while work is left.",
    ]


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
    nodes = plural(pool.nodes, "node")
    most = f"up to {pool.blocks} times" if pool.blocks > 1 else "once at a time"
    return [
        f"pool {pool.name} ({', '.join(pool.roles)}): {nodes} for {pool.walltime}, {most}: "
        f"{plural(pool.most_workers, 'worker')}, {pool.node_hours:,.1f} node-hours",
        f"submitted with: {script.command}",
    ]


def _without_scheduler(site: Site) -> str:
    where = "on the nodes of the job around it" if site.kind == "allocation" else "on this machine"
    pools = "; ".join(f"{p.name} ({', '.join(p.roles)}): {p.most_workers}" for p in site.pools.values())
    return f"Site {site.name!r} asks nothing of a scheduler: it runs {where}. Workers: {pools}. Nothing was started."
