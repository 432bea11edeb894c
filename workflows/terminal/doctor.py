"""What the doctor found, for a terminal: every check, and the cure of what failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Group
from rich.text import Text

from ...hpc.checks.preflight import Finding
from ..doctor.doctor import Checkup


def checkup_table(found: Checkup) -> Group:
    """Return the checks of a site, one line each, problems with their cure below."""
    lines = [Text(f"Site {found.site.name} ({found.site.kind})", style="bold")]
    if found.before:
        lines += [Text("Without a job"), *_lines(found.before)]
    for name, findings in found.pools.items():
        pool = found.site.pools[name]
        lines += [Text(f"Pool {name} ({', '.join(pool.roles)})"), *_lines(findings)]
    if found.healthy:
        lines.append(Text("All is well.", style="green"))
    elif not found.pools:
        lines.append(Text("No job was submitted: it would be refused.", style="red"))
    return Group(*lines)


def checkup_json(found: Checkup) -> dict[str, Any]:
    """Return the checks of a site as JSON values."""
    return {
        "site": found.site.name,
        "kind": found.site.kind,
        "healthy": found.healthy,
        "before": [asdict(item) for item in found.before],
        "pools": {name: [asdict(item) for item in items] for name, items in found.pools.items()},
    }


def _lines(findings: Iterable[Finding]) -> Iterator[Text]:
    for finding in findings:
        if not finding.problem:
            yield Text.assemble("  ", ("ok      ", "green"), finding.what)
            continue
        yield Text.assemble("  ", ("problem ", "red"), f"{finding.what}: {finding.problem}")
        if finding.cure:
            yield Text(f"            {finding.cure}")
