"""The whole main job, on real molecules with real docking: ``python -m docksieve.workflows.cli.demo [--space] FOLDER``.

A make-on-demand library is enumerated from the package's own building blocks, screened, docked with
AutoDock Vina into a receptor that the ``dockstring`` package brings, learnt from, and reported. With ``--space``
it is all 1.58 million products of these building blocks, of which only the best are made. Run it again after an
interruption and it goes on.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ..terminal.tables import console as terminal_console

LIBRARY_SIZE = 120_000
CAMPAIGN = """\
[campaign]
name = "demo"
folder = "campaign"
seed = 7

[library]
path = "{library}"

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
{more}
[final]
molecules = 16
"""
TARGET = "EGFR"
FACTORS = """
[factors]
epochs = 8
most = 6000
"""


def campaign_text(space: bool = False) -> str:
    """Return the campaign file of the demo on a library, or on a combinatorial space."""
    library, more = ("space", FACTORS) if space else ("library", "")
    return CAMPAIGN.format(library=library, target=TARGET, more=more)


def run(folder: Path, space: bool = False) -> None:
    """Run the demo in ``folder``, saying each command as a user would type it."""
    console = terminal_console()
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    if space:
        if not (folder / "space" / "space.json").exists():
            _command(console, "space", "build", str(folder / "space"))
    elif not (folder / "library" / "library.json").exists():
        size = str(LIBRARY_SIZE)
        _command(console, "library", "enumerate", str(folder / "library"), "--limit", size, "--seed", "7")
    config = folder / "campaign.toml"
    if not config.exists():
        config.write_text(campaign_text(space))
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
    given = [word for word in sys.argv[1:] if word != "--space"]
    run(Path(given[0] if given else "demo"), "--space" in sys.argv[1:])
