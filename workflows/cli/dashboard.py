"""The command that shows a campaign in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command of this module to ``app``."""
    app.command()(dashboard)


def dashboard(
    campaign: Annotated[Path, typer.Argument(help="Campaign folder or file.")],
    port: Annotated[
        int | None,
        typer.Option(help="Port on this machine; 0 for any. By default 8642, or any if it is taken."),
    ] = None,
) -> None:
    """Show a campaign in the browser: progress, hits, poses. Reads only; this machine only."""
    from ..dashboard.serve import serve

    serve(campaign, port, typer.echo)
