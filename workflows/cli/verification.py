"""Commands that look whether a campaign can be believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ...data.words import agree, plural

CampaignArgument = Annotated[Path, typer.Argument(help="Campaign folder or file.")]
control_app = typer.Typer(no_args_is_help=True, help="Experiments that should fail.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command()(verify)
    app.command("plan-analysis")(plan_analysis)
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


def plan_analysis(
    campaign: CampaignArgument,
    file: Annotated[Path | None, typer.Option(help="TOML file with the same keys; options go first.")] = None,
    metric: Annotated[str | None, typer.Option(help="The figure that counts, such as recall.")] = None,
    best: Annotated[float | None, typer.Option(help="Share that counts as best.")] = None,
    kept: Annotated[float | None, typer.Option(help="Share kept by prediction.")] = None,
    threshold: Annotated[float | None, typer.Option(help="What the figure must reach.")] = None,
    stop_after: Annotated[int | None, typer.Option(help="Rounds; those of the campaign by default.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Another file that gets a copy.")] = None,
) -> None:
    """Write down beforehand, once and for all, what will be held out, what counts, and when to stop."""
    from ..controls.plan import FILE, read_plan_file, write_plan

    given = {"metric": metric, "best": best, "kept": kept, "threshold": threshold, "stop_after": stop_after}
    settings = {} if file is None else read_plan_file(file)
    settings |= {key: value for key, value in given.items() if value is not None}
    plan = write_plan(campaign, settings, out)
    known = sum(plan["scores_known"].values())
    typer.echo(f"Wrote {FILE} into the campaign's folder (SHA-256 {plan['sha256'][:16]}).")
    typer.echo(
        f"{plural(known, 'score')} {agree(known, 'was', 'were')} known already."
        if known
        else "No score was known."
    )


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
