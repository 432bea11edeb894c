"""The command ``hits``: options to a question, and everything known of one molecule."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

DEFAULT = "list"


class DefaultGroup(TyperGroup):
    """Commands of which the first word may be left out: ``hits CAMPAIGN`` is ``hits list CAMPAIGN``."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show the commands, and all options of the one that needs no name."""
        super().format_help(ctx, formatter)
        command = self.commands[DEFAULT]
        command.format_help(type(ctx)(command, info_name=DEFAULT, parent=ctx), formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in the name of the default command, unless another one is named."""
        if args[:1] and args[0] in ctx.help_option_names:
            return super().parse_args(ctx, args)
        if not args or args[0] not in self.commands:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=DefaultGroup,
    help="Show or export the ranked hits: hits CAMPAIGN is hits list CAMPAIGN.",
    add_completion=False,
)

_RANKING, _CONDITIONS, _STRUCTURES = "Ranking", "Conditions on properties", "Conditions on structures"
_PICKS, _OUTPUT = "Picks", "Output"


def _print_columns(wanted: bool) -> None:
    if wanted:
        from ..terminal.hits import print_columns

        print_columns()
        raise typer.Exit


def _window(name: str) -> Any:
    return typer.Option(
        help=f"{name}: LOW:HIGH, :HIGH, LOW: or a value.", metavar="WINDOW", rich_help_panel=_CONDITIONS
    )


Window = str | None


@app.command(DEFAULT)
def list_hits(
    campaign: Annotated[Path, typer.Argument(help="Campaign folder or file.")],
    top: Annotated[int, typer.Option(help="How many per target; 0 for all.", rich_help_panel=_RANKING)] = 20,
    buy: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="What to buy next: so many of the best that were not docked, by prediction, from different scaffolds, "
            "without alerts, one form of each compound, with all their ids.",
            rich_help_panel=_RANKING,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="auto (final, else docked, else predicted), final, docked, predicted, combined (docked, else "
            "predicted) or screened (all of the library).",
            rich_help_panel=_RANKING,
        ),
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="A target; all of them if not given.", rich_help_panel=_RANKING)
    ] = None,
    selective: Annotated[
        str | None,
        typer.Option(help="A:B ranks by how much better for A than for B.", rich_help_panel=_RANKING),
    ] = None,
    margin: Annotated[
        float | None, typer.Option(help="Least difference for --selective.", rich_help_panel=_RANKING)
    ] = None,
    floor: Annotated[
        str | None,
        typer.Option(
            help="Worst score for A in --selective A:B, or none; by default that of the best tenth of the seed sample.",
            metavar="SCORE",
            rich_help_panel=_RANKING,
        ),
    ] = None,
    worst_over: Annotated[
        str | None,
        typer.Option(help="A,B,... ranks by the worst of these targets.", rich_help_panel=_RANKING),
    ] = None,
    caution: Annotated[
        float,
        typer.Option(
            help="Spreads (standard deviations of a prediction) by which combined makes a prediction worse.",
            rich_help_panel=_RANKING,
        ),
    ] = 1.0,
    round: Annotated[
        list[int] | None, typer.Option(help="Only of this round; may be repeated.", rich_help_panel=_RANKING)
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Only predicted by the model whose id begins so.", rich_help_panel=_RANKING),
    ] = None,
    where: Annotated[
        str | None, typer.Option(help="SQL condition, such as 'weight < 450'.", rich_help_panel=_CONDITIONS)
    ] = None,
    weight: Annotated[Window, _window("Weight in Da")] = None,
    logp: Annotated[Window, _window("Crippen's logP")] = None,
    tpsa: Annotated[Window, _window("Polar surface in square angstrom")] = None,
    donors: Annotated[Window, _window("Hydrogen-bond donors")] = None,
    acceptors: Annotated[Window, _window("Hydrogen-bond acceptors")] = None,
    rotatable_bonds: Annotated[Window, _window("Rotatable bonds")] = None,
    rings: Annotated[Window, _window("Rings")] = None,
    heavy_atoms: Annotated[Window, _window("Heavy atoms")] = None,
    charge: Annotated[Window, _window("Formal charge")] = None,
    fsp3: Annotated[Window, _window("Share of sp3 carbons")] = None,
    qed: Annotated[Window, _window("Drug-likeness, 0 to 1")] = None,
    spread: Annotated[Window, _window("Standard deviation of the prediction")] = None,
    rules: Annotated[
        list[str] | None, typer.Option(help="lipinski, veber.", rich_help_panel=_CONDITIONS)
    ] = None,
    no_alerts: Annotated[
        list[str] | None,
        typer.Option(help="No alert of pains, brenk, nih.", rich_help_panel=_STRUCTURES),
    ] = None,
    has: Annotated[
        list[str] | None,
        typer.Option(help="SMARTS that must match; may be repeated.", rich_help_panel=_STRUCTURES),
    ] = None,
    has_not: Annotated[
        list[str] | None, typer.Option(help="SMARTS that must not match.", rich_help_panel=_STRUCTURES)
    ] = None,
    similar_to: Annotated[
        list[str] | None,
        typer.Option(
            help="SMILES, or a file of molecules; similar to any of them.", rich_help_panel=_STRUCTURES
        ),
    ] = None,
    similarity: Annotated[
        float, typer.Option(help="Least Tanimoto similarity (Morgan, radius 2).", rich_help_panel=_STRUCTURES)
    ] = 0.5,
    novel_against: Annotated[
        list[str] | None,
        typer.Option(
            help="SMILES, or a file of known actives; unlike all of them.", rich_help_panel=_STRUCTURES
        ),
    ] = None,
    novelty: Annotated[
        float, typer.Option(help="Similarity to known actives stays below this.", rich_help_panel=_STRUCTURES)
    ] = 0.4,
    undocked: Annotated[
        bool, typer.Option("--undocked", help="Only molecules that were not docked.", rich_help_panel=_PICKS)
    ] = False,
    with_failed: Annotated[
        bool,
        typer.Option(
            "--with-failed",
            help="Also list predictions of molecules whose docking failed.",
            rich_help_panel=_PICKS,
        ),
    ] = False,
    per_parent: Annotated[
        bool,
        typer.Option(
            "--per-parent",
            help="Tautomers, stereoisomers and charge states count once.",
            rich_help_panel=_PICKS,
        ),
    ] = False,
    diverse: Annotated[
        str | None, typer.Option(help="Pick different ones: maxmin or scaffold.", rich_help_panel=_PICKS)
    ] = None,
    pool: Annotated[
        int | None,
        typer.Option(
            help="Pick from the best so many; by default at most 20 times --top, as --within says.",
            rich_help_panel=_PICKS,
        ),
    ] = None,
    within: Annotated[
        float | None,
        typer.Option(
            help="How much worse than the last of the best --top a pick may score; by default the usual error of a "
            "prediction.",
            rich_help_panel=_PICKS,
        ),
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(
            help="Further columns: qed, pains, brenk, nih, scaffold, parent, lipinski_violations, other_ids.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    format: Annotated[
        str, typer.Option(help="table, csv, parquet, sdf, smi or json.", rich_help_panel=_OUTPUT)
    ] = "table",
    as_json: Annotated[
        bool, typer.Option("--json", help="The same as --format json.", rich_help_panel=_OUTPUT)
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write.", rich_help_panel=_OUTPUT)
    ] = None,
    funnel: Annotated[
        bool, typer.Option("--funnel", help="Say how many each condition leaves.", rich_help_panel=_OUTPUT)
    ] = False,
    failed: Annotated[
        bool, typer.Option("--failed", help="List dockings without a score.", rich_help_panel=_OUTPUT)
    ] = False,
    columns: Annotated[
        bool,
        typer.Option(
            "--columns",
            help="List the columns, their units and meaning.",
            callback=_print_columns,
            is_eager=True,
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
) -> None:
    """Show or export the ranked hits. One molecule: docksieve hits show CAMPAIGN ID."""
    from ...screening.queries.query import HitQuery
    from ...screening.queries.terms import Selective
    from ...screening.queries.terms import Window as Bounds
    from ..hits.molecules import given_molecules
    from ..terminal.hits import print_failed, print_hits

    windows = {
        "weight": weight, "logp": logp, "tpsa": tpsa, "donors": donors, "acceptors": acceptors,
        "rotatable_bonds": rotatable_bonds, "rings": rings, "heavy_atoms": heavy_atoms, "charge": charge, "fsp3": fsp3,
        "qed": qed, "predicted_spread": spread,
    }  # fmt: skip
    similar, unread = given_molecules(similar_to or (), "--similar-to")
    known, unknown = given_molecules(novel_against or (), "--novel-against")
    if margin is not None and selective is None:
        raise typer.BadParameter("It belongs to --selective A:B.", param_hint="--margin")
    if floor is not None and selective is None:
        raise typer.BadParameter("It belongs to --selective A:B.", param_hint="--floor")
    if as_json:
        format = "json"
    asked: dict[str, Any] = {
        "top": top or None,
        "targets": _words(target),
        "where": where,
        "windows": {name: Bounds.parse(text, name) for name, text in windows.items() if text is not None},
        "rules": _words(rules),
        "no_alerts": _words(no_alerts),
        "has": tuple(has or ()),
        "has_not": tuple(has_not or ()),
        "similar_to": similar,
        "similarity": similarity,
        "novel_against": known,
        "novelty": novelty,
        "rounds": tuple(round or ()),
        "model": model,
        "selective": Selective.parse(selective, margin, _floor(floor)) if selective else None,
        "worst_over": _words([worst_over] if worst_over else None),
        "caution": caution,
        "per_parent": per_parent,
        "diverse": diverse,
        "pool": pool,
        "within": within,
        "undocked": undocked,
        "with_failed": with_failed,
        "add": _words(add),
    }
    if by is not None:
        asked["by"] = by
    query = HitQuery(**asked) if buy is None else _to_buy(buy, asked)
    if failed:
        print_failed(campaign, query, format, out)
        return
    command = ["docksieve", *sys.argv[1:]]
    print_hits(campaign, query, format, out, command, funnel, [*unread, *unknown])


@app.command()
def show(
    campaign: Annotated[Path, typer.Argument(help="Campaign folder or file.")],
    molecule: Annotated[str, typer.Argument(help="Its id, its row in the library, or its SMILES.")],
    neighbours: Annotated[int, typer.Option(help="Nearest docked molecules to list.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write a drawing (.svg) or a page (.html).")
    ] = None,
) -> None:
    """Show everything known of one molecule."""
    from ..terminal.card import print_card

    print_card(campaign, molecule, neighbours, as_json, out)


def _floor(text: str | None) -> Any:
    if text is None:
        return "seed"
    if text == "none":
        return None
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a score nor none.", param_hint="--floor") from None


def _to_buy(count: int, asked: dict[str, Any]) -> Any:
    """Return the question of ``--buy``; what was asked for beside it goes before its defaults."""
    from ...screening.queries.query import HitQuery

    if asked["top"] not in (20, count):
        raise typer.BadParameter("--buy says how many; leave out --top.", param_hint="--buy")
    if asked["with_failed"]:
        raise typer.BadParameter(
            "What failed to dock was tried, and --buy lists what was not.", param_hint="--buy"
        )
    plain = HitQuery()
    given = {name: value for name, value in asked.items() if name != "top" and value != getattr(plain, name)}
    return HitQuery.to_buy(count, **given)


def _words(values: list[str] | None) -> tuple[str, ...]:
    """Return the values of an option that may be repeated, or joined by commas, each once."""
    return tuple(
        dict.fromkeys(word.strip() for value in values or () for word in value.split(",") if word.strip())
    )
