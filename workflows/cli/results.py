"""Commands that ask a campaign something, and the one that teaches it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ...data.errors import InputError
from .hits import app as hits_app

CampaignArgument = Annotated[Path, typer.Argument(help="Campaign folder or file.")]
TargetOption = Annotated[str | None, typer.Option(help="One target; all of them if not given.")]

models_app = typer.Typer(no_args_is_help=True, help="List and show a campaign's models, and choose one.")


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
    scores: Annotated[
        Path | None,
        typer.Option(
            help="Table of SMILES and docking scores: one column, one per target by its name, or exported hits."
        ),
    ] = None,
    target: TargetOption = None,
    promote: Annotated[bool, typer.Option("--promote", help="Promote the candidate even if worse.")] = False,
    lower_is_better: Annotated[
        bool | None,
        typer.Option("--lower-is-better/--higher-is-better", help="Direction of the scores in the file."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Import scores that would be refused.")] = False,
    smiles_column: Annotated[str | None, typer.Option(help="Name or number of the SMILES column.")] = None,
    id_column: Annotated[str | None, typer.Option(help="Name or number of the id column.")] = None,
    score_column: Annotated[str | None, typer.Option(help="Name or number of the score column.")] = None,
    drop: Annotated[
        str | None,
        typer.Option(help="Learn from this import no more, such as import-001; nothing is deleted."),
    ] = None,
    use: Annotated[
        str | None, typer.Option(help="Learn from this import: one that was not promoted, or was dropped.")
    ] = None,
    imports: Annotated[
        bool, typer.Option("--list", help="List the imports and which rounds use them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """Train a candidate from new docking scores and promote it if it is no worse."""
    if sum((scores is not None, drop is not None, use is not None, imports)) != 1:
        raise InputError(
            "retrain needs one of --scores FILE, --use IMPORT, --drop IMPORT and --list.",
            "`docksieve retrain CAMPAIGN --scores FILE` imports new scores.",
        )
    if scores is None:
        _manage_imports(campaign, drop, use)
        return
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


def _manage_imports(campaign: Path, drop: str | None, use: str | None) -> None:
    """Drop an import, use one, or list them."""
    from ..campaign.campaign import open_campaign
    from ..terminal.retrain import print_change, print_imports
    from ..terminal.tables import console

    if drop is None and use is None:
        print_imports(console(), open_campaign(campaign).imports())
        return
    from ..retraining.model_choice import drop_import, use_import

    change = drop_import(campaign, drop) if drop is not None else use_import(campaign, str(use))
    print_change(console(), change)


def throughput(
    campaign: CampaignArgument,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """Show the three rates of the screens, and what bounded them."""
    from dataclasses import asdict

    from ..progress.throughput import throughput as read_throughput
    from ..terminal.tables import console, throughput_table

    groups = read_throughput(campaign)
    _tell_damage(campaign)
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
    _tell_damage(campaign)
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
    _tell_damage(campaign)


def _tell_damage(campaign: Path) -> None:
    """Say on standard error what the answer could not take into account."""
    from ..campaign.campaign import open_campaign
    from ..campaign.damage import damage_words, find_damage

    for line in damage_words(find_damage(open_campaign(campaign))):
        typer.echo(f"The campaign is damaged: {line}", err=True)


@models_app.command("use")
def models_use(
    campaign: CampaignArgument,
    name: Annotated[str, typer.Argument(help="A teacher's name, such as round-01/teacher.")],
) -> None:
    """Go back to an earlier teacher, or use a candidate that was not promoted; with its scores, and no others."""
    from ..retraining.model_choice import use_model
    from ..terminal.retrain import print_change
    from ..terminal.tables import console

    print_change(console(), use_model(campaign, name))


def dashboard(
    campaign: Annotated[Path, typer.Argument(help="Campaign folder or file.")],
    port: Annotated[
        int | None,
        typer.Option(help="Port on this machine; 0 for any. By default 8642, or any if it is taken."),
    ] = None,
    link: Annotated[
        bool,
        typer.Option("--link", help="Print the link of the dashboard that runs already, and start none."),
    ] = False,
) -> None:
    """Show a campaign in the browser: progress, hits, poses. Reads only; this machine only."""
    if link:
        from ..campaign.campaign import open_campaign
        from ..dashboard.links import running_links

        for address in running_links(open_campaign(campaign).root.resolve()):
            typer.echo(address)
        return
    from ..dashboard.serve import serve

    serve(campaign, port, typer.echo)
