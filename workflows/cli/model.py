"""The commands ``docksieve model ...``: models on files, without a campaign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ...data.errors import ConfigError
from .model_exchange import register as register_exchange
from .model_words import columns_of, directions_of, targets_of, units_of

app = typer.Typer(
    no_args_is_help=True,
    help="Train a model on a table of scores, predict a file, judge and look into a model: without a campaign.",
)

Json = Annotated[bool, typer.Option("--json", help="All figures as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads; all cores by default.")]
Scores = Annotated[list[Path], typer.Argument(metavar="SCORES...", help="Tables of SMILES and scores.")]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="NAME[=COLUMN]",
        help="What is learnt, and its column (name, or number from 1). May be repeated. By default one target, named "
        "after the file.",
    ),
]
Lower = Annotated[
    bool | None,
    typer.Option("--lower-is-better/--higher-is-better", help="Direction of the scores of all targets."),
]
Direction = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=lower|higher", help="Direction of one target. May be repeated."),
]
SmilesColumn = Annotated[str | None, typer.Option(help="Name or number of the SMILES column.")]
Sources = Annotated[
    list[Path] | None,
    typer.Option(
        "--from", metavar="MODEL", help="An earlier teacher whose predictions may help. May be repeated."
    ),
]
Kind = Annotated[
    str | None, typer.Option(help="Kind of teacher: kernel, mlp, trees, dmpnn, or auto. [default: kernel]")
]
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", help="TOML file with further keys of [teacher]; a campaign file will do."),
]


@app.command()
def train(
    scores: Scores,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new model.")],
    target: Targets = None,
    lower_is_better: Lower = None,
    direction: Direction = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(metavar="UNIT, or NAME=UNIT", help="Unit of the scores. May be repeated."),
    ] = None,
    sources: Sources = None,
    kind: Kind = None,
    settings: SettingsFile = None,
    smiles_column: SmilesColumn = None,
    seed: Annotated[int, typer.Option(help="Same seed, same model.")] = 0,
    threads: Threads = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a model that is there.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a teacher on tables of molecules and scores."""
    import json

    from ..modelling.train import read_settings, train_model
    from ..terminal.model import print_trained, progress
    from ..terminal.tables import console

    with progress(not quiet) as watcher:
        found = train_model(
            list(scores),
            out,
            targets_of(target),
            directions_of(lower_is_better, direction, target),
            units_of(unit),
            list(sources or ()),
            read_settings(settings, "teacher", kind),
            columns_of(smiles_column),
            seed,
            threads,
            force,
            watcher,
        )
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=1))
    else:
        print_trained(console(), found)


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="Folder of a model.")],
    molecules: Annotated[
        list[str],
        typer.Argument(
            metavar="MOLECULES...",
            help="Files of molecules, as library build reads them; a library's folder; - for standard input.",
        ),
    ],
    out: Annotated[
        str,
        typer.Option("--out", "-o", help="A .parquet, .csv or .csv.gz file; - for CSV on standard output."),
    ],
    smiles_column: SmilesColumn = None,
    id_column: Annotated[
        str | None, typer.Option(help="Name or number of the id column; none: no ids.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="A character, or tab, comma, semicolon, bar, space.")
    ] = None,
    threads: Threads = None,
    device: Annotated[str, typer.Option(help="Of a student: cpu, cuda, cuda:1 ...")] = "cpu",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Predict files of molecules: a row for each, in order; one that cannot be read gets its reason."""
    import json

    from ...data.readers.layout import ReadingSettings
    from ..modelling.predict import predict_file
    from ..terminal.model import print_predicted, progress
    from ..terminal.tables import console

    if as_json and out == "-":
        raise ConfigError("--json and --out - both write to standard output.", "Name a file with --out.")
    try:
        reading = ReadingSettings(smiles_column, id_column, delimiter)
    except ValueError as error:
        raise ConfigError(f"{error}.") from None
    with progress(not quiet) as watcher:
        found = predict_file(
            model, list(molecules), out, reading, None, threads, device, replace=force, watcher=watcher
        )
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=1))
    else:
        print_predicted(console(stderr=out == "-"), found)


@app.command()
def evaluate(
    scores: Scores,
    split: Annotated[str, typer.Option(help="random, scaffold, or time.")] = "random",
    folds: Annotated[int, typer.Option(min=2, help="Parts of a repeat.")] = 5,
    repeats: Annotated[int, typer.Option(min=1, help="Repeats with other parts; one for time.")] = 3,
    target: Targets = None,
    lower_is_better: Lower = None,
    direction: Direction = None,
    best: Annotated[
        float | None,
        typer.Option(help="Share that counts as truly best. [default: 0.01, or what makes 20 molecules]"),
    ] = None,
    kept: Annotated[
        float | None, typer.Option(help="Share that is kept by prediction. [default: five times --best]")
    ] = None,
    cut: Annotated[
        float | None, typer.Option(help="Score of a hit. [default: that of the worst of the truly best]")
    ] = None,
    sources: Sources = None,
    kind: Kind = None,
    settings: SettingsFile = None,
    smiles_column: SmilesColumn = None,
    time_column: Annotated[
        str | None, typer.Option(help="Name or number of the column that tells when a line was measured.")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Write the held-out predictions to this .parquet or .csv file.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same figures.")] = 0,
    threads: Threads = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Say by repeated cross-validation how good a model of tables of scores is, beside controls."""
    import json

    from ..modelling.evaluate import evaluate_model
    from ..modelling.predicted_tables import check_name, open_sink
    from ..modelling.train import read_settings
    from ..terminal.model import progress
    from ..terminal.model_evaluation import print_evaluation
    from ..terminal.tables import console

    if predictions is not None:
        check_name(predictions, force)
    with progress(not quiet) as watcher:
        found = evaluate_model(
            list(scores),
            targets_of(target),
            directions_of(lower_is_better, direction, target),
            list(sources or ()),
            read_settings(settings, "teacher", kind),
            columns_of(smiles_column, time_column=time_column),
            split=split,
            folds=folds,
            repeats=repeats,
            best=best,
            kept=kept,
            cut=cut,
            seed=seed,
            threads=threads,
            watcher=watcher,
        )
    if predictions is not None:
        with open_sink(predictions, found.table.schema) as sink:
            sink.write(found.table)
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=1))
    else:
        print_evaluation(console(), found)


@app.command()
def distil(
    teacher: Annotated[Path, typer.Argument(help="Folder of a teacher.")],
    molecules: Annotated[
        list[str], typer.Argument(metavar="MOLECULES...", help="Files of molecules, as for predict.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the student.")],
    labels: Annotated[
        int, typer.Option(min=1, help="Most molecules that the teacher is asked about; drawn at random.")
    ] = 100_000,
    size: Annotated[str | None, typer.Option(help="tiny, default or wide.")] = None,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", help="TOML file with keys of [student]; a campaign file will do."),
    ] = None,
    smiles_column: SmilesColumn = None,
    seed: Annotated[int, typer.Option(help="Same seed, same student.")] = 0,
    threads: Threads = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a model that is there.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a fast student on what a teacher predicts for molecules of files."""
    import json

    from ...data.readers.layout import ReadingSettings
    from ...models.settings import SIZES, StudentSettings
    from ..modelling.distil import distil_model
    from ..modelling.train import read_settings
    from ..terminal.model import print_distilled, progress
    from ..terminal.tables import console

    if size is not None and (size not in SIZES or settings is not None):
        raise ConfigError(f"--size is one of {', '.join(SIZES)}, and is given without --settings.")
    named: Any = size
    wanted: Any = StudentSettings.named(named) if size else read_settings(settings, "student")
    with progress(not quiet) as watcher:
        found = distil_model(
            teacher,
            list(molecules),
            out,
            labels,
            wanted,
            ReadingSettings(smiles_column),
            seed,
            threads,
            force,
            watcher,
        )
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=1))
    else:
        print_distilled(console(), found)


@app.command()
def show(
    model: Annotated[Path, typer.Argument(help="Folder of a model.")],
    as_json: Json = False,
) -> None:
    """Show what a model predicts, what it was trained on and how good it is; check that it is unaltered."""
    import json

    from ..modelling.show import show_model
    from ..terminal.model import print_model
    from ..terminal.tables import console

    found = show_model(model)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        print_model(console(), found)


register_exchange(app)
