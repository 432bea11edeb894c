"""Commands that look ahead: what was missed, and whether more dockings are worth it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .submit import full_site

CampaignArgument = Annotated[Path, typer.Argument(help="Campaign folder or file.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command()(audit)
    app.command()(decide)


def audit(
    campaign: CampaignArgument,
    budget: Annotated[int, typer.Option(help="Dockings to spend on molecules that were not picked.")],
    target: Annotated[str | None, typer.Option(help="Needed if the campaign has several.")] = None,
    recall: Annotated[float | None, typer.Option(help="Share of the best to guarantee; as [cut].")] = None,
    best: Annotated[
        float | None, typer.Option(help="The best are this share of the library; as [cut].")
    ] = None,
    score: Annotated[
        float | None, typer.Option(help="Or the best are all molecules with this score or better.")
    ] = None,
    confidence: Annotated[float | None, typer.Option(help="Of the bound; as [cut].")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the draw; the campaign's by default.")] = None,
    site: Annotated[str, typer.Option(help="Name of a site, or a site's TOML file.")] = "local",
    plan_only: Annotated[
        bool, typer.Option("--plan-only", help="Say what the budget buys; dock nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """Dock molecules that were not picked, and say how much of the best was found at least."""
    from ..auditing.audit import audit as run_audit
    from ..terminal.audit import print_plan, print_result
    from ..terminal.observer import TerminalObserver
    from ..terminal.tables import console

    words = console(stderr=as_json)
    found = run_audit(
        campaign,
        budget,
        target,
        recall=recall,
        best=best,
        score=score,
        confidence=confidence,
        seed=seed,
        site=full_site(site),
        plan_only=plan_only,
        observer=TerminalObserver(words, []),
        on_plan=None if as_json else lambda card: print_plan(words, card),
    )
    if as_json:
        typer.echo(json.dumps(found.card, indent=1))
    elif not plan_only:
        print_result(words, found.card, found.fresh)


def decide(
    campaign: CampaignArgument,
    budgets: Annotated[
        list[int] | None,
        typer.Option(
            "--next", help="Number of dockings; may be repeated. By default 1, 2, 5, 10 times [rounds] dock."
        ),
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="A hit scores so or better; as [decide].")] = None,
    improve: Annotated[
        float | None, typer.Option(help="The best score must improve by so much; as [decide].")
    ] = None,
    target: Annotated[str | None, typer.Option(help="One target; all with criteria if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """Say what the next dockings will bring, and whether they are worth it by criteria set before."""
    from ..deciding.decision import decide_campaign
    from ..terminal.decide import decision_view
    from ..terminal.tables import console

    answers = decide_campaign(campaign, target, budgets or (), threshold=threshold, improve=improve)
    if as_json:
        typer.echo(json.dumps([item.to_json() for item in answers], indent=1))
        return
    for item in answers:
        console().print(decision_view(item))
