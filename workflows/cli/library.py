"""The commands ``docksieve library ...``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ...data.words import agree, plural

_KEEP = "Which molecules to keep"
app = typer.Typer(no_args_is_help=True, help="Build, enumerate, check and look into libraries.")

Out = Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the new library.")]
Folder = Annotated[Path, typer.Argument(metavar="LIBRARY", help="Folder of a library.")]
Workers = Annotated[int | None, typer.Option("--workers", "-w", help="Processes; all cores by default.")]
Site = Annotated[
    str | None,
    typer.Option(help="Name of a site, or a site's TOML file: run on its nodes, as jobs of its scheduler."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A key of the site with another value. May be repeated."),
]
Skip = Annotated[
    list[str] | None,
    typer.Option(
        "--skip-step", help="A standardisation step to leave out, e.g. neutralise. May be repeated."
    ),
]
ShardRows = Annotated[int | None, typer.Option(help="Molecules per shard.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no remarks.")]
Format = Annotated[
    Literal["table", "csv", "smi", "json"], typer.Option("--format", "-f", help="How to print.")
]
Json = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
Rows = Annotated[int, typer.Option("--rows", "-n", min=1, help="How many molecules.")]


@app.command()
def build(
    out: Out,
    files: Annotated[
        list[str], typer.Argument(metavar="FILES...", help="Molecule files; - is standard input.")
    ],
    smiles_column: Annotated[
        str | None, typer.Option(help="Column of the SMILES: name, or number from 1.")
    ] = None,
    id_column: Annotated[
        str | None, typer.Option(help="Column (or SDF property) of the id; none: no ids.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="tab, comma, semicolon, bar, space, or a character.")
    ] = None,
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Whether the first line names the columns.")
    ] = None,
    comment: Annotated[str, typer.Option(help="What comment lines begin with; empty: none do.")] = "#",
    skip_step: Skip = None,
    where: Annotated[
        str | None,
        typer.Option(
            help="Keep what meets this SQL condition on columns, as in hits.", rich_help_panel=_KEEP
        ),
    ] = None,
    has: Annotated[
        list[str] | None,
        typer.Option(help="SMARTS that must match. May be repeated.", rich_help_panel=_KEEP),
    ] = None,
    has_not: Annotated[
        list[str] | None,
        typer.Option(help="SMARTS that must not match. May be repeated.", rich_help_panel=_KEEP),
    ] = None,
    no_alerts: Annotated[
        list[str] | None,
        typer.Option(
            help="Catalogue of alerts of which none may match: pains, brenk, nih.", rich_help_panel=_KEEP
        ),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(help="lipinski or veber. May be repeated.", rich_help_panel=_KEEP),
    ] = None,
    shard_rows: ShardRows = None,
    workers: Workers = None,
    site: Site = None,
    set: Set = None,
    quiet: Quiet = False,
) -> None:
    """Build a library from SMILES (text, CSV, CXSMILES), SDF, Parquet or Feather files, packed or not.

    Columns, delimiter and header are found out and reported; the options overrule. Interrupted, the same
    command goes on where it was. With --site the steps run as Dask workers in jobs of that machine; the library
    is the same.
    """
    from ...data.libraries.build import build_library
    from ...data.readers.layout import ReadingSettings

    reading = _checked(ReadingSettings, smiles_column, id_column, delimiter, header, comment)
    settings = _settings(skip_step, shard_rows, reading)
    sieve = _sieve(where=where, has=has, has_not=has_not, no_alerts=no_alerts, rules=rule)
    library = build_library(
        out, files, settings, progress=not quiet, sieve=sieve, **_place(site, set, workers)
    )
    _print_info(library)


@app.command()
def enumerate(
    out: Out,
    reaction: Annotated[
        list[str] | None,
        typer.Option("--reaction", "-r", help="A reaction by name; all by default. May be repeated."),
    ] = None,
    acids: Annotated[list[Path] | None, typer.Option(help="Your own acids. May be repeated.")] = None,
    amines: Annotated[list[Path] | None, typer.Option(help="Your own amines. May be repeated.")] = None,
    reagents: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=FILE", help="Your own reagents for any role. May be repeated."),
    ] = None,
    reactions_file: Annotated[Path | None, typer.Option(help="TOML file with reactions of your own.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Draw so many products uniformly; all by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    list_reactions: Annotated[
        bool, typer.Option("--list", help="List reactions and roles, and stop.")
    ] = False,
    skip_step: Skip = None,
    shard_rows: ShardRows = None,
    workers: Workers = None,
    site: Site = None,
    set: Set = None,
    quiet: Quiet = False,
) -> None:
    """Make a library of the products of reactions over building blocks; ids name what to order."""
    from ...data.enumeration.product_space import load_reactions
    from ...data.libraries.enumerate import enumerate_library

    if list_reactions:
        for known in load_reactions(reactions_file).values():
            typer.echo(f"{known.name:22s} {known.title} ({' + '.join(known.roles)})")
        return
    files = _reagent_files(acids, amines, reagents)
    library = enumerate_library(
        out,
        reaction or (),
        files,
        limit,
        seed,
        _settings(skip_step, shard_rows),
        progress=not quiet,
        reactions_file=reactions_file,
        **_place(site, set, workers),
    )
    _print_info(library)


@app.command()
def info(
    library: Folder, json: Annotated[bool, typer.Option("--json", help="The whole manifest.")] = False
) -> None:
    """Show counts, where molecules were lost and why, property ranges and size."""
    from ...data.libraries.library import Library

    opened = Library.open(library)
    if json:
        from json import dumps

        typer.echo(dumps(opened.manifest, indent=1))
    else:
        _print_info(opened)


@app.command()
def verify(
    library: Folder,
    workers: Workers = None,
    site: Site = None,
    set: Set = None,
    quiet: Quiet = False,
    json: Annotated[bool, typer.Option("--json", help="Counts as JSON.")] = False,
) -> None:
    """Check that every file is as it was built, and that all sums add up; in this process if nothing else is said."""
    from ...data.libraries.library import Library

    opened = Library.open(library)
    place = _place(site, set, workers)
    opened.verify(
        None if quiet else lambda name: typer.echo(f"checking {name}", err=True),
        workers=place["workers"] or 1,
        open_cluster=place.get("open_cluster"),
        say=None if quiet else lambda words: typer.echo(words, err=True),
    )
    if json:
        from json import dumps

        counts = {"molecules": opened.rows, "shards": len(opened.shards), "unaltered": True}
        typer.echo(dumps({"library": str(library), **counts}, indent=1))
        return
    typer.echo(
        f"{library}: {plural(opened.rows, 'molecule')} in {plural(len(opened.shards), 'shard')}, unaltered; all counts "
        "add up."
    )


@app.command()
def head(library: Folder, rows: Rows = 10, format: Format = "table", json: Json = False) -> None:
    """Print the first molecules."""
    import numpy as np

    from ...data.libraries.library import Library

    opened = Library.open(library)
    _print_rows(opened, np.arange(min(rows, opened.rows)), "json" if json else format)


@app.command()
def sample(
    library: Folder, rows: Rows = 10, seed: int = 0, format: Format = "table", json: Json = False
) -> None:
    """Print molecules drawn at random."""
    from ...data.libraries.library import Library

    opened = Library.open(library)
    drawn = opened.sample_rows(min(rows, opened.rows), "cli", seed)
    _print_rows(opened, drawn, "json" if json else format)


def _place(site: str | None, changes: list[str] | None, workers: int | None) -> dict[str, Any]:
    """Return where a build runs, as arguments of ``build_library``."""
    from ...data.errors import ConfigError

    if site is None:
        if changes:
            raise ConfigError(
                "--set changes a key of a site, and no --site is given.", "Give both, or neither."
            )
        return {"workers": workers}
    if workers is not None:
        raise ConfigError(
            "--workers and --site exclude each other.", "The site says how many workers there are."
        )
    from functools import partial

    from ...hpc.dask_workers.cluster import data_workers, open_dask
    from ...hpc.sites.read import load_site, parse_overrides

    found = load_site(site, parse_overrides(changes or ()))
    return {
        "workers": data_workers(found),
        "open_cluster": partial(open_dask, found) if found.on_cluster else None,
    }


def _sieve(**given: Any) -> Any:
    """Return the conditions that options make; None if there are none."""
    conditions = {name: value for name, value in given.items() if value}
    if not conditions:
        return None
    from ...screening.queries.library_filter import LibrarySieve

    return LibrarySieve(conditions)


def _checked(kind: Any, *values: Any, **named: Any) -> Any:
    """Make settings from options; what they refuse is the user's to mend."""
    from ...data.errors import ConfigError

    try:
        return kind(*values, **named)
    except ValueError as error:
        raise ConfigError(f"{error}.", "See --help.") from None


def _settings(skip: list[str] | None, shard_rows: int | None, reading: Any = None) -> Any:
    from dataclasses import fields

    from ...data.errors import ConfigError
    from ...data.libraries.settings import IngestSettings
    from ...data.molecules.standardise import StandardSettings

    steps = [f.name for f in fields(StandardSettings) if f.default is True]
    for step in skip or ():
        if step not in steps:
            raise ConfigError(f"There is no step {step!r} to skip.", f"The steps are {', '.join(steps)}.")
    options: dict[str, Any] = {"standard": StandardSettings(**dict.fromkeys(skip or (), False))}
    if shard_rows is not None:
        options["shard_rows"] = shard_rows
    if reading is not None:
        options["reading"] = reading
    return _checked(IngestSettings, **options)


def _reagent_files(
    acids: list[Path] | None, amines: list[Path] | None, others: list[str] | None
) -> dict[str, list[str]]:
    from ...data.errors import ConfigError

    files: dict[str, list[str]] = {}
    for role, paths in (("acids", acids), ("amines", amines)):
        if paths:
            files[role] = [str(path) for path in paths]
    for text in others or ():
        role, equals, path = text.partition("=")
        if not equals or not role or not path:
            raise ConfigError(f"--reagents {text!r} is not ROLE=FILE.", "For example boronic_acids=mine.smi.")
        files.setdefault(role, []).append(path)
    return files


def _print_info(library: Any) -> None:
    """Print the funnel, the property ranges and the size of a library."""
    from ...data.molecules.rejections import rejection_meaning

    manifest = library.manifest
    counts = manifest["counts"]
    shards = plural(len(library.shards), "shard")
    typer.echo(f"{library.path}: {plural(library.rows, 'molecule')} in {shards} (files of the library)")
    for source in manifest["sources"]:
        typer.echo(
            f"  {source['name']}: {plural(source['records'], 'record')}, {source['accepted']:,} accepted, "
            f"{plural(source['duplicates'], 'duplicate')}, {source['rejected']:,} rejected"
        )
    typer.echo("Where the lines went:")
    for label, name in (
        ("lines read", "lines"),
        ("- blank", "blank"),
        ("- comments", "comments"),
        ("- headers", "headers"),
        ("= records", "records"),
        ("- rejected", "rejected"),
        ("- duplicates", "duplicates"),
        ("= molecules", "accepted"),
    ):
        typer.echo(f"  {label:14s} {counts[name]:>15,}")
        if name == "rejected":
            for code, number in sorted(manifest["reasons"].items(), key=lambda item: -item[1]):
                typer.echo(f"      {code:12s} {number:>13,}")
            for words, number in sorted(manifest.get("refused", {}).items(), key=lambda item: -item[1]):
                typer.echo(f"        not {words}: {number:,}")
    if known := {code: text for code in manifest["reasons"] if (text := rejection_meaning(code))}:
        typer.echo("Why records were rejected:")
        for code, text in known.items():
            typer.echo(f"  {code}: {text}")
    if counts["repeated_ids"]:
        share = (
            f"{plural(counts['repeated_ids'], 'molecule')} {agree(counts['repeated_ids'], 'shares', 'share')}"
        )
        typer.echo(f"  {share} an id with an earlier one; all are kept.")
    if counts["extensions"]:
        typer.echo(
            f"  {plural(counts['extensions'], 'record')} had a CXSMILES extension; "
            + ("stereo groups are kept of it." if "stereo_groups" in counts else "it was dropped.")
        )
    if number := counts.get("stereo_groups", 0):
        typer.echo(
            f"  {plural(number, 'molecule')} {agree(number, 'is a mixture', 'are mixtures')} of isomers, or one of "
            "several that is not known (column stereo_groups): each isomer is docked, the best counts."
        )
    if number := counts.get("lost_axial", 0):
        typer.echo(
            f"  {plural(number, 'molecule')} had the handedness of an allene or of a hindered axis (atropisomers), "
            f"which SMILES does not carry: {agree(number, 'it is', 'they are')} kept without it."
        )
    typer.echo("Properties:                      least       mean   greatest")
    for name, item in manifest["properties"].items():
        typer.echo(f"  {name:26s} {item['min']:>10.2f} {item['mean']:>10.2f} {item['max']:>10.2f}")
    typer.echo(f"{library.bytes / 1e6:,.1f} MB; fingerprint {library.fingerprint[:16]}")


def _print_rows(library: Any, rows: Any, format: str) -> None:
    table = library.take(rows)
    if format == "smi":
        columns = (table[name].to_pylist() for name in ("smiles", "stereo_groups", "id"))
        for smiles, groups, name in zip(*columns, strict=True):
            typer.echo(f"{smiles} {groups} {name}" if groups else f"{smiles} {name}")
    elif format == "json":
        from json import dumps

        typer.echo(dumps(table.to_pylist(), indent=1))
    elif format == "csv":
        import sys

        import pyarrow.csv

        sys.stdout.flush()
        pyarrow.csv.write_csv(table, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        from ..terminal.tables import console, plain_table

        names = ["row", "id", "smiles", "heavy_atoms", "weight", "logp", "tpsa"]
        console().print(plain_table(table.select(names), decimals=1))
