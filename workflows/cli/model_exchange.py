"""The commands ``docksieve model export`` and ``model parity``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...data.errors import ConfigError, ModelError


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command()(export)
    app.command()(parity)


def export(
    model: Annotated[Path, typer.Argument(help="Folder of a student.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="An .onnx file.")],
    format: Annotated[str, typer.Option(help="onnx.")] = "onnx",
    int8: Annotated[bool, typer.Option("--int8", help="Round the weights to 8 bits.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a student for other runtimes."""
    from ..modelling.exchange import export_model

    if format != "onnx":
        raise ConfigError(f"There is no format {format!r}.", "There is: onnx.")
    path = export_model(model, out, int8, force)
    typer.echo(
        f"{path}: {path.stat().st_size / 1e6:,.2f} MB. Compare it: docksieve model parity {model} {path} MOLECULES"
    )


def parity(
    first: Annotated[Path, typer.Argument(help="Folder of a model, or an .onnx file.")],
    second: Annotated[Path, typer.Argument(help="Another one, of the same targets.")],
    molecules: Annotated[
        list[str], typer.Argument(metavar="MOLECULES...", help="Files of molecules, as for predict.")
    ],
    tolerance: Annotated[
        float, typer.Option(min=0, help="Largest difference that passes, in the unit of the scores.")
    ] = 1e-3,
    most: Annotated[int, typer.Option(min=100, help="The first so many molecules are compared.")] = 10_000,
    devices: Annotated[tuple[str, str], typer.Option(help="Of students in bundles.")] = ("cpu", "cpu"),
    smiles_column: Annotated[str | None, typer.Option(help="Name or number of the SMILES column.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """Compare two models, runtimes or devices on molecules; exit code 2 if they differ by more than --tolerance."""
    import json

    from ...data.readers.layout import ReadingSettings
    from ..modelling.exchange import compare_models
    from ..terminal.model import parity_table
    from ..terminal.tables import console

    found = compare_models(
        first, second, list(molecules), tolerance, most, ReadingSettings(smiles_column), threads, devices
    )
    if as_json:
        typer.echo(json.dumps([each.to_json() for each in found], indent=1))
    else:
        console().print(parity_table(found))
    worst = max(found, key=lambda each: each.largest)
    if not worst.within:
        raise ModelError(
            f"{first} and {second} differ by up to {worst.largest:.3g} in {worst.target}, more than the tolerance of "
            f"{tolerance:g}.",
            "If that is near enough for you, give a larger --tolerance.",
        )
