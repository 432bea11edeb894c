"""The commands ``docksieve model export``, ``model parity`` and ``model learning-curve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...data.errors import ConfigError, ModelError


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command()(export)
    app.command()(parity)
    app.command(name="learning-curve")(learning_curve)


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


def learning_curve(
    scores: Annotated[list[Path], typer.Argument(metavar="SCORES...", help="Tables of SMILES and scores.")],
    target: Annotated[
        list[str] | None, typer.Option(metavar="NAME[=COLUMN]", help="What is learnt; as for train.")
    ] = None,
    lower_is_better: Annotated[
        bool | None, typer.Option("--lower-is-better/--higher-is-better", help="Direction of the scores.")
    ] = None,
    size: Annotated[
        list[int] | None,
        typer.Option(help="Training molecules of a point. May be repeated. [default: seven]"),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Repeats with other molecules.")] = 3,
    kind: Annotated[str | None, typer.Option(help="Kind of teacher. [default: kernel]")] = None,
    settings: Annotated[
        Path | None, typer.Option("--settings", help="TOML file with further keys of [teacher].")
    ] = None,
    smiles_column: Annotated[str | None, typer.Option(help="Name or number of the SMILES column.")] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same figures.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; all cores by default.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
) -> None:
    """Say what more scores would buy: models of more and more of a table, and the law through them, if one fits."""
    import json

    from ..modelling.learning_curve import learning_curve as measure
    from ..modelling.train import read_settings
    from ..terminal.model import progress
    from ..terminal.model_evaluation import print_curve
    from ..terminal.tables import console
    from .model_words import columns_of, targets_of

    with progress(not quiet) as watcher:
        found = measure(
            list(scores),
            targets_of(target),
            lower_is_better,
            read_settings(settings, "teacher", kind),
            columns_of(smiles_column),
            size,
            repeats,
            seed,
            threads,
            watcher,
        )
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=1))
    else:
        print_curve(console(), found)
