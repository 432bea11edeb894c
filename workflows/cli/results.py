"""Commands that ask a campaign something, and the one that teaches it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from .hits import app as hits_app

CampaignArgument = Annotated[Path, typer.Argument(help="Campaign folder or file.")]
TargetOption = Annotated[str | None, typer.Option(help="One target; all of them if not given.")]

models_app = typer.Typer(no_args_is_help=True, help="List and show a campaign's models.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.add_typer(hits_app, name="hits")
    app.command()(compare)
    app.command()(retrain)
    app.command()(throughput)
    app.command()(report)
    app.command()(dashboard)
    app.add_typer(models_app, name="models")


def compare(
    first: Annotated[Path, typer.Argument(help="Campaign folder or file.")],
    second: Annotated[Path | None, typer.Argument(help="Another one.")] = None,
    rounds: Annotated[
        tuple[int, int] | None,
        typer.Option(help="Two rounds of one campaign instead, such as 1 2.", metavar="ROUND ROUND"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="List all differences.")] = False,
) -> None:
    """Compare two campaigns, or two rounds of one: shared hits, agreement, what differs."""
    from ..hits.compare import compare as compare_campaigns

    found = compare_campaigns(first, second, rounds)
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=1))
        return
    from ..terminal.comparison import comparison_view
    from ..terminal.tables import console

    console().print(comparison_view(found, everything))


def retrain(
    campaign: CampaignArgument,
    scores: Annotated[Path, typer.Option(help="Table of SMILES and docking scores.")],
    target: TargetOption = None,
    promote: Annotated[bool, typer.Option("--promote", help="Promote the candidate even if worse.")] = False,
    lower_is_better: Annotated[
        bool | None,
        typer.Option("--lower-is-better/--higher-is-better", help="Direction of the scores in the file."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Accept scores that contradict the model.")] = False,
    smiles_column: Annotated[str | None, typer.Option(help="Name or number of the SMILES column.")] = None,
    id_column: Annotated[str | None, typer.Option(help="Name or number of the id column.")] = None,
    score_column: Annotated[str | None, typer.Option(help="Name or number of the score column.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """Train a candidate from new docking scores and promote it if it is no worse."""
    from ..retraining.retrain import retrain as run_retrain
    from ..terminal.retrain import print_retrain, retrain_json
    from ..terminal.tables import console

    named = {"smiles_column": smiles_column, "id_column": id_column, "score_column": score_column}
    columns: dict[str, Any] = {
        key: int(value) if value.isdigit() else value for key, value in named.items() if value
    }
    result = run_retrain(
        campaign,
        scores,
        target,
        promote=promote,
        lower_is_better=lower_is_better,
        force=force,
        columns=columns,
    )
    if as_json:
        typer.echo(json.dumps(retrain_json(result), indent=1))
    else:
        print_retrain(console(), result)


def throughput(
    campaign: CampaignArgument,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """Show the three rates of the screens, and what bounded them."""
    from dataclasses import asdict

    from ..progress.throughput import throughput as read_throughput
    from ..terminal.tables import console, throughput_table

    groups = read_throughput(campaign)
    if as_json:
        typer.echo(json.dumps([asdict(group) | {"bound": group.bound} for group in groups], indent=1))
    else:
        console().print(throughput_table(groups))


def report(
    campaign: CampaignArgument,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write.")] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Folder for the figures, as SVG files; none are written by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The summary's sentences as JSON.")] = False,
) -> None:
    """Write a self-contained HTML report, and print its summary."""
    from ..report.report import write_report
    from ..terminal.tables import console

    path, summary = write_report(campaign, out, figures)
    if as_json:
        typer.echo(json.dumps({"report": str(path), "summary": summary.splitlines()}, indent=1))
        return
    console().print(summary)
    typer.echo(f"Report: {path}")


@models_app.command("list")
def models_list(
    campaign: CampaignArgument,
    as_json: Annotated[bool, typer.Option("--json", help="The models' cards as JSON.")] = False,
) -> None:
    """List the models of a campaign; the one in force is marked."""
    from ..retraining.retrain import list_models
    from ..terminal.retrain import print_models
    from ..terminal.tables import console

    cards = list_models(campaign)
    if as_json:
        typer.echo(json.dumps(cards, indent=1))
    else:
        print_models(console(), cards)


@models_app.command("show")
def models_show(
    campaign: CampaignArgument,
    name: Annotated[str, typer.Argument(help="A model's name, such as round-01/teacher.")],
) -> None:
    """Print a model's card, as JSON."""
    from ..campaign.campaign import open_campaign
    from ..retraining.retrain import model_card

    typer.echo(json.dumps(model_card(open_campaign(campaign), name), indent=1))


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
