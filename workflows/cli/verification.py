"""Commands that look whether a campaign can be believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

CampaignArgument = Annotated[Path, typer.Argument(help="Campaign folder or file.")]
control_app = typer.Typer(no_args_is_help=True, help="Experiments that should fail.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command()(verify)
    app.add_typer(control_app, name="control")


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


@control_app.command("shuffle")
def control_shuffle(
    campaign: CampaignArgument,
    seeds: Annotated[int, typer.Option(help="Shuffles; more make narrower intervals.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """Teach the teacher shuffled scores: it must learn nothing. Exit code 1 if it does (leakage)."""
    from ..controls.shuffle import shuffle_control
    from ..terminal.tables import console
    from ..terminal.verification import print_control

    found = shuffle_control(campaign, seeds, None if as_json else lambda text: typer.echo(text, err=True))
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        print_control(console(), found)
    if found["leakage"]:
        raise typer.Exit(1)
