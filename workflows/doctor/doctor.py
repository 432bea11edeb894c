"""``docksieve doctor``: one tiny job per pool, and what it shows about a site."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data.errors import SiteError
from ...data.store import read_json, write_bytes
from ...data.words import plural
from ...hpc.checks.preflight import Finding, preflight
from ...hpc.checks.probe import ProbeAnswer, ask_pools
from ...hpc.sites.pool import Pool
from ...hpc.sites.site import Site
from .task import NONCE, check_up, versions

SLOW_SCRATCH = 50.0
"""Megabytes per second below which docking programs would wait for their files."""
SHARED_SECONDS = 60.0
CLOCK_SECONDS = 60.0


@dataclass(frozen=True)
class Checkup:
    """What a site was found to be like.

    Attributes
    ----------
    site : Site
    before : tuple of Finding
        What was looked at without a job.
    pools : dict of str to tuple of Finding
        What each pool's job showed.
    """

    site: Site
    before: tuple[Finding, ...]
    pools: dict[str, tuple[Finding, ...]]

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        every = [*self.before, *(finding for found in self.pools.values() for finding in found)]
        return not any(finding.problem for finding in every)


def examine(site: Site, folder: Path, patience: float) -> Checkup:
    """Examine ``site``: what can be seen at once, then with one short block per pool.

    Parameters
    ----------
    site : Site
    folder : Path
        On the file system that the nodes share; a folder of the doctor's own is made in it and removed.
    patience : float
        Seconds to wait for each pool.

    Raises
    ------
    SiteError
        If the site has no workers to examine.
    """
    if site.kind == "inline":
        raise SiteError(
            "Site 'inline' has no workers: the driver runs every task itself.", "Examine another site."
        )
    own = folder.resolve() / f".docksieve-doctor-{secrets.token_hex(4)}"
    before = tuple(preflight(site, {"this folder": folder}))
    if any(finding.problem and "seen by the nodes" not in finding.what for finding in before):
        return Checkup(site, before, {})  # a job would be refused
    own.mkdir()
    nonce = secrets.token_hex(16)
    write_bytes(own / NONCE, nonce.encode())
    try:
        answers = {
            a.pool.name: a for a in ask_pools(site, own, f"doctor-{nonce}", check_up, patience, str(own))
        }
        pools = {name: tuple(_judged(answer, own, nonce)) for name, answer in answers.items()}
    finally:
        shutil.rmtree(own, ignore_errors=True)
    return Checkup(site, before, pools)


def _judged(answer: ProbeAnswer, own: Path, nonce: str) -> Iterator[Finding]:
    pool = answer.pool
    nodes = sorted({said["node"] for said in answer.said})
    if not answer.said:
        yield Finding(
            "workers",
            answer.error or "none answered.",
            "Look at the batch script with `docksieve submit FILE --dry-run`, and at `setup`, `queue` and `walltime`.",
        )
        yield from _devices(pool, own, answer.said)
        return
    if answer.error:
        yield Finding(
            "workers", answer.error, "Some of the pool's workers do not come up: see the node reports."
        )
    else:
        count = f"{len(answer.said)} of {', '.join(nodes)}"
        yield Finding(f"workers answer ({count}; the last after {answer.seconds:.0f} s)")
    yield from _packages(answer.said)
    yield from _devices(pool, own, answer.said)
    yield from _files(answer.said, own, nonce)
    yield from _scratches(answer.said)
    yield from _ranks(answer.said)
    for said in _one_per_node(answer.said):
        late = abs(said["clock"] - time.time()) > CLOCK_SECONDS + answer.seconds
        yield Finding(
            f"clock of {said['node']}",
            "differs from this machine's by more than a minute." if late else "",
            "Ask the centre: file times and logs will mislead." if late else "",
        )
        if "dock" in pool.roles:
            problem = f"Vina cannot be loaded on {said['node']}: {said['docking']}" if said["docking"] else ""
            cure = (
                "Install it in the environment that workers use, or dock with a `command` target."
                if problem
                else ""
            )
            yield Finding(f"docking engine on {said['node']}", problem, cure)


def _packages(answers: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    here = versions()
    for said in _one_per_node(answers):
        other = {k: (v, said["versions"].get(k, "")) for k, v in here.items() if said["versions"].get(k) != v}
        words = ", ".join(
            f"{k} is {there or 'missing'}, here {mine or 'missing'}" for k, (mine, there) in other.items()
        )
        cure = "Let `setup` activate the environment that the driver runs in." if other else ""
        yield Finding(f"package versions on {said['node']}", f"{words}." if other else "", cure)


def _devices(pool: Pool, own: Path, answers: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """Compare what the nodes proved with what the workers got: each device once per ``workers_per_gpu``."""
    if not pool.accelerator:
        return
    seen = 0
    for path in sorted((own / "nodes").glob(f"*-{pool.name}-*.json")):
        report = read_json(path)
        for device in report["devices"]:
            seen += 1
            kind = f"{device['model'] or 'unknown'}, {device['uuid'] or '-'}"
            name = f"device {device['device']} of {report['node']} ({kind})"
            cure = "Take the node out (`directives`), or correct `gpus`, `devices` and `accelerator`."
            yield Finding(name, device["error"] and f"{device['error']}.", cure if device["error"] else "")
    if not seen:
        yield Finding("devices", "no node has reported any.", "Correct `gpus`, `accelerator` and `setup`.")
    if pool.ranks_per_node:  # they share the devices out among them
        return
    held: dict[str, set[str]] = {}
    for said in answers:  # one worker may have answered twice
        if uuid := said["device"].get("uuid"):
            held.setdefault(uuid, set()).add(said["worker"])
    shared = [uuid for uuid, workers in held.items() if len(workers) > pool.workers_per_gpu]
    bare = [said for said in answers if not said["device"].get("uuid")]
    if bare:
        yield Finding(
            "workers' devices",
            f"{plural(len(bare), 'worker')} without a device.",
            "This is a fault: please report it.",
        )
    if shared:
        yield Finding(
            "workers' devices",
            f"{', '.join(shared)}: more than {pool.workers_per_gpu} workers.",
            "Please report it.",
        )
    if answers and not bare and not shared:
        yield Finding(
            f"every worker has its own device ({plural(len(held), 'device')}, {plural(len(answers), 'worker')})"
        )


def _files(answers: Sequence[dict[str, Any]], own: Path, nonce: str) -> Iterator[Finding]:
    for said in _one_per_node(answers):
        what = f"shared folder seen from {said['node']}"
        if said["nonce"] != nonce:
            yield Finding(
                what, f"it shows {said['nonce'][:80]!r}.", "Give --folder on the file system of the nodes."
            )
            continue
        until = time.monotonic() + SHARED_SECONDS
        while not (own / said["reply"]).exists() and time.monotonic() < until:
            time.sleep(0.5)
        back = (own / said["reply"]).exists() and (own / said["reply"]).read_text(encoding="utf-8") == nonce
        late = "a file renamed there is not whole here." if not back else ""
        yield Finding(
            f"{what}, renaming included", late, "The file system must rename atomically." if late else ""
        )


def _ranks(answers: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """Judge the ranks of a task: their sum is right on every one of them, and every node had some."""
    for said in answers:
        ranks = said["ranks"]
        if not ranks:
            continue
        if ranks["error"]:
            yield Finding(
                "ranks of one task", ranks["error"], "Correct `launcher`, `nodes` and `ranks_per_node`."
            )
            continue
        world, hosts = ranks["world"], sorted(set(ranks["hosts"]))
        right = ranks["sums"] == [world * (world - 1) // 2] * world
        what = f"{world} ranks of one task on {', '.join(hosts)}"
        yield Finding(
            what, "" if right else f"add up to {ranks['sums']}.", "" if right else "Please report it."
        )


def _scratches(answers: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    for said in _one_per_node(answers):
        scratch = said["scratch"]
        what = f"scratch {scratch['folder']} on {said['node']}"
        if scratch["error"]:
            yield Finding(
                what, f"{scratch['error']}.", "Set the site's `scratch` to a folder that workers can write."
            )
            continue
        speed = scratch["megabytes_per_second"]
        slow = f"writes {speed:.0f} MB/s." if speed < SLOW_SCRATCH else ""
        cure = "Set `scratch` to a disk of the node, such as /local or /tmp." if slow else ""
        yield Finding(f"{what} ({speed:,.0f} MB/s, {scratch['free_gigabytes']:,.0f} GB free)", slow, cure)


def _one_per_node(answers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({said["node"]: said for said in answers}.values())
