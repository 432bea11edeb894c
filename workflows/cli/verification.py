"""Commands that look whether a campaign can be believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

CampaignArgument = Annotated[Path, typer.Argument(help="Campaign folder or file.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command()(verify)


def verify(
    campaign: CampaignArgument,
    rerun: Annotated[
        list[str] | None,
        typer.Option(
            help="A stage to repeat and compare, such as round-01/screen, or all; may be given again."
        ),
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read every shard of the library.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All that was found as JSON.")] = False,
) -> None:
    """Check receipts, files, library and models; repeat stages if asked. Exit code 1 if anything is wrong."""
    from ..terminal.tables import console
    from ..terminal.verification import print_verification
    from ..verifying.verify import verify as run_verify

    found = run_verify(campaign, rerun or (), deep=deep)
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=1))
    else:
        print_verification(console(), found)
    if not found.ok:
        raise typer.Exit(1)
