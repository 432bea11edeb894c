"""The commands ``docksieve space ...``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    no_args_is_help=True,
    help="Build, check and look into combinatorial spaces: products that are never written down.",
)

Folder = Annotated[Path, typer.Argument(metavar="SPACE", help="Folder of a space.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def build(
    space: Annotated[Path, typer.Argument(metavar="SPACE", help="Folder of the new space.")],
    reaction: Annotated[
        list[str] | None,
        typer.Option("--reaction", "-r", help="A reaction by name; all by default. May be repeated."),
    ] = None,
    reagents: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=FILE", help="Building blocks for a role. May be repeated."),
    ] = None,
    reactions_file: Annotated[Path | None, typer.Option(help="TOML file with reactions of your own.")] = None,
    smarts: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=SMARTS", help="A reaction as SMARTS; its files are given by --component."),
    ] = None,
    component: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="File of the next component of a --smarts reaction, in the order of its SMARTS.",
        ),
    ] = None,
    synthons: Annotated[
        list[Path] | None,
        typer.Option(help="Table of synthons with numbered attachment points. May be repeated."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", "-w", help="Processes; all cores by default.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    json: Json = False,
) -> None:
    """Make a space of reactions over building blocks. Only the blocks are checked and stored, no product."""
    from ...data.errors import ConfigError
    from ...data.spaces.build import build_space
    from .library import _reagent_files

    given: dict[str, tuple[str, list[str]]] = {}
    for text in smarts or ():
        name, equals, pattern = text.partition("=")
        if not equals or not name or ">>" not in pattern or ">>" in name:
            raise ConfigError(
                f"--smarts {text!r} is not NAME=SMARTS.", "For example amide='[C:1](=O)O.[N:2]>>...'."
            )
        given[name] = (pattern, [])
    for text in component or ():
        name, equals, path = text.partition("=")
        if not equals or not path or name not in given:
            raise ConfigError(
                f"--component {text!r} is not NAME=FILE with the name of a --smarts reaction.",
                f"Names are {', '.join(given) or 'none'}.",
            )
        given[name][1].append(path)
    built = build_space(
        space,
        reaction or (),
        _reagent_files(None, None, reagents),
        reactions_file,
        given,
        synthons or (),
        workers=workers,
        progress=not quiet,
    )
    _print_info(built, json)


@app.command()
def info(space: Folder, json: Json = False) -> None:
    """Show reactions, building blocks, products, and which blocks were left out and why."""
    from ...data.spaces.space import Space

    _print_info(Space(space), json)


@app.command()
def verify(space: Folder) -> None:
    """Check that every file is as it was built."""
    from ...data.spaces.space import Space

    opened = Space(space)
    opened.verify()
    typer.echo(f"{space}: {opened.rows:,} products of {len(opened.reactions)} reactions, unaltered.")


@app.command()
def count(space: Folder, json: Json = False) -> None:
    """Print how many products there are; those that two ways lead to are counted twice."""
    from json import dumps

    from ...data.spaces.space import Space

    opened = Space(space)
    each = {reaction.name: size for reaction, size in zip(opened.reactions, opened.sizes, strict=True)}
    typer.echo(dumps({"products": opened.rows, "reactions": each}, indent=1) if json else f"{opened.rows}")


@app.command()
def sample(
    space: Folder,
    rows: Annotated[int, typer.Option("--rows", "-n", min=1, help="How many products.")] = 10,
    seed: int = 0,
    out: Annotated[Path | None, typer.Option(help="Write them to this file (.smi or .csv).")] = None,
    json: Json = False,
) -> None:
    """Draw products at random, each at most once, and make them."""
    from json import dumps

    from ...data.errors import ConfigError
    from ...data.spaces.space import Space
    from ...data.store import write_bytes

    opened = Space(space)
    if out is not None and out.suffix not in (".smi", ".csv"):
        raise ConfigError(f"{out} is neither .smi nor .csv.", "The ending says how to write.")
    numbers = opened.sample_rows(min(rows, opened.rows), "cli", seed)
    made = opened.make(numbers)
    table = opened.take(numbers, ["row", "id", "smiles", "heavy_atoms", "weight", "logp", "tpsa"])
    for at, (code, reason) in sorted(made.problems.items()):
        typer.echo(f"{opened.ids([numbers[at]])[0]} cannot be made: {reason} ({code}).", err=True)
    lines = [item for item in table.to_pylist() if item["smiles"]]
    if out is not None:
        text = "".join(f"{item['smiles']} {item['id']}\n" for item in lines)
        if out.suffix == ".csv":
            rows_of = [",".join(str(value) for value in item.values()) for item in lines]
            text = "\n".join([",".join(table.column_names), *rows_of, ""])
        write_bytes(out, text.encode())
        typer.echo(f"{out}: {len(lines)} products of {len(numbers)} drawn.")
    elif json:
        typer.echo(dumps(lines, indent=1))
    else:
        for item in lines:
            typer.echo(f"{item['smiles']} {item['id']}")


@app.command()
def rejects(
    space: Folder,
    rows: Annotated[int, typer.Option("--rows", "-n", min=1, help="How many lines.")] = 20,
    json: Json = False,
) -> None:
    """Show building blocks that were left out, each with the reason."""
    from json import dumps

    from ...data.spaces.build import REJECTS
    from ...data.spaces.space import Space
    from ...data.store import read_table

    found = read_table(Space(space).path / REJECTS).slice(0, rows).to_pylist()
    if json:
        typer.echo(dumps(found, indent=1))
        return
    for item in found:
        role = f" {item['role']}" if item["role"] else ""
        typer.echo(
            f"{item['reaction']}{role} {item['id']} {item['smiles']}: {item['reason']} ({item['code']})"
        )


def _print_info(space: Any, json: bool) -> None:
    from json import dumps

    from ...data.spaces.build import rejects_by_reason

    reasons = rejects_by_reason(space)
    if json:
        typer.echo(dumps({**space.manifest, "rejects_by_reason": reasons}, indent=1))
        return
    typer.echo(f"{space.path}: {space.rows:,} products of {len(space.reactions)} reactions")
    for index, reaction in enumerate(space.reactions):
        files = space.manifest["reactions"][index]["files"]
        sizes = " x ".join(
            f"{file['rows']:,} {role}" for file, role in zip(files, reaction.roles, strict=True)
        )
        typer.echo(f"  {reaction.name}: {sizes} = {space.sizes[index]:,}")
        missed = [name for name, value in space.deviations(index).items() if value > 0 and name != "fsp3"]
        if missed:
            typer.echo(
                f"    no exact sums over blocks, so windows on them are estimates: {', '.join(missed)}"
            )
    typer.echo(f"Building blocks left out: {space.manifest['rejects']:,}")
    for code, number in reasons.items():
        typer.echo(f"  {code:20s} {number:>12,}")
    typer.echo(f"fingerprint {space.fingerprint[:16]}")
