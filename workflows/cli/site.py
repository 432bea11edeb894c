"""The commands ``docksieve site ...``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="List and show sites, and write one of your own.")

Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A key with another value. May be repeated."),
]

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command("list")
def list_sites(as_json: Json = False) -> None:
    """List the sites that come with docksieve, and those of the folder DOCKSIEVE_SITES."""
    from ..terminal.sites import site_list, sites_json
    from ..terminal.tables import console

    if as_json:
        typer.echo(json.dumps(sites_json(), indent=1))
    else:
        console().print(site_list())


@app.command()
def show(
    site: Annotated[str, typer.Argument(help="Name of a site, or a site's TOML file.")],
    set: Set = None,
    as_json: Json = False,
) -> None:
    """Print a site's TOML, and its pools with every value resolved."""
    from ...data.errors import SiteError
    from ...hpc.sites.read import load_site, parse_overrides, site_text
    from ...hpc.sites.write import edited
    from ..terminal.sites import site_json, site_table
    from ..terminal.tables import console

    text, where = site_text(site)
    overrides = parse_overrides(set or [])
    shown, found, why = edited(text, overrides, where), None, ""
    try:
        found = load_site(site, overrides)
    except SiteError as error:
        if not _is_absent(error):
            raise
        why = f"Its pools cannot be resolved here. {error}"
    if as_json:
        pools = {"problem": why} if found is None else site_json(found)
        typer.echo(json.dumps({"toml": shown, **pools}, indent=1))
        return
    typer.echo(shown.rstrip() + "\n")
    console().print(why if found is None else site_table(found))


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="TOML file to write.")],
    source: Annotated[
        str, typer.Option("--from", metavar="SITE", help="The site to begin with: a name, or a TOML file.")
    ] = "slurm",
    set: Set = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a site file of your own, with the comments of the one that it comes from."""
    import tomllib

    from ...data.errors import ConfigError, SiteError
    from ...data.store import write_bytes
    from ...hpc.sites.read import parse_overrides, site_from, site_text
    from ...hpc.sites.write import edited

    if file.suffix != ".toml":
        raise ConfigError(
            f"{file} does not end in .toml.", "A site is given by name, or by a path that does."
        )
    if file.exists() and not force:
        raise ConfigError(f"{file} exists already.", "Choose another name, or give --force.")
    text, where = site_text(source)
    written = edited(text, {"name": file.stem, "confirmed": "", **parse_overrides(set or [])}, where)
    note = ""
    try:
        site_from(tomllib.loads(written), str(file), file.stem)
    except SiteError as error:
        if not _is_absent(error):
            raise
        note = f" {error.message}"
    write_bytes(file, written.encode())
    typer.echo(
        f"Wrote {file}.{note} Look at it: docksieve site show {file}; try it: docksieve doctor --site {file}"
    )


def _is_absent(error: Exception) -> bool:
    """Tell whether a site lacks only what its user adds later: keys, or the batch job that it is to run in."""
    from ...hpc.sites.allocation import NoAllocation
    from ...hpc.sites.read import MissingKeys

    return isinstance(error, (MissingKeys, NoAllocation))
