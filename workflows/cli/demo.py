"""The whole main job, on real molecules with real docking: ``python -m docksieve.workflows.cli.demo FOLDER``.

The space of all products of the package's own building blocks is screened without being written down, its best
docked with AutoDock Vina into a receptor that the ``dockstring`` package brings, learnt from, and reported. Run it
again after an interruption and it goes on.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ..terminal.tables import console as terminal_console

CAMPAIGN = """\
[campaign]
name = "demo"
folder = "campaign"
seed = 7

[library]
path = "space"

[targets.{target}]
engine = "vina"
receptor = "dockstring:{target}"
box_size = 22.0
search = "fast"
final_search = "balanced"
final_conformers = 2

[start]
molecules = 120
sealed = 0.15

[rounds]
count = 2
labels = 20000
dock = 60

[factors]
most = 6000

[final]
molecules = 16
"""
TARGET = "EGFR"


def run(folder: Path) -> None:
    """Run the demo in ``folder``, saying each command as a user would type it."""
    console = terminal_console()
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    if not (folder / "space" / "space.json").exists():
        _command(console, "space", "build", str(folder / "space"))
    config = folder / "campaign.toml"
    if not config.exists():
        config.write_text(CAMPAIGN.format(target=TARGET))
    console.print(Text(f"\n{config}", style="bold"))
    console.print(config.read_text())
    campaign = str(folder / "campaign")
    _command(console, "submit", str(config), "--site", "local")
    _command(console, "status", campaign)
    _command(console, "hits", campaign, "--top", "10")
    _command(console, "hits", campaign, "--buy", "5")
    _command(console, "hits", campaign, "--top", "16", "--format", "sdf", "--out", str(folder / "hits.sdf"))
    _command(console, "throughput", campaign)
    _command(console, "report", campaign, "--out", str(folder / "report.html"))
    console.print(f"\nThe demo took {(time.monotonic() - started) / 60:.1f} minutes.")


def _command(console: Console, *arguments: str) -> None:
    console.print(Text(f"\n$ docksieve {' '.join(arguments)}", style="bold cyan"), soft_wrap=True)
    done = subprocess.run([sys.executable, "-m", "docksieve", *arguments], check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    run(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
