"""Reading sites: presets by name, files by path, and what a user overrides on the command line."""

from __future__ import annotations

import os
import tomllib
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any

from ...data.errors import SiteError, did_you_mean
from .allocation import ASKED, pools_in_allocation
from .pool import Pool, walltime_seconds
from .site import Site

SITE_FOLDER = "DOCKSIEVE_SITES"
"""Environment variable: a folder of a centre's or a group's own site files."""
INHERITED = (
    "account",
    "queue",
    "qos",
    "constraint",
    "walltime",
    "setup",
    "directives",
    "exclusive",
    "launcher",
)
"""Keys of pools that may stand once for all of them, beside the site's own."""
_WORDS: dict[Any, tuple[str, tuple[type, ...]]] = {
    str: ("text", (str,)),
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    bool: ("true or false", (bool,)),
    tuple[str, ...]: ("a list of texts", (list, tuple)),
}


def preset_names() -> list[str]:
    """Return the names of the sites that come with the package."""
    folder = resources.files(__package__) / "presets"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def own_sites() -> dict[str, Path]:
    """Return the site files of the folder that ``DOCKSIEVE_SITES`` names, by name."""
    folder = os.environ.get(SITE_FOLDER, "")
    return {path.stem: path for path in sorted(Path(folder).glob("*.toml"))} if folder else {}


def site_text(name: str) -> tuple[str, str]:
    """Return the TOML of a site, and where it stands in words.

    Parameters
    ----------
    name : str
        Of a preset or of a file in the folder ``DOCKSIEVE_SITES``, or a path that ends in ``.toml``.

    Raises
    ------
    SiteError
        If there is none.
    """
    path = Path(name)
    own = own_sites()
    if path.suffix == ".toml" or name in own:
        path = own.get(name, path)
        if not path.is_file():
            raise SiteError(f"The site file {path} does not exist.", "Check the path.")
        try:
            return path.read_text(encoding="utf-8"), str(path)
        except (OSError, UnicodeDecodeError) as error:
            raise SiteError(f"The site file {path} cannot be read: {error}.") from None
    known = [*preset_names(), *own]
    if name not in known:
        raise SiteError(
            f"There is no site called {name!r}.",
            f"{did_you_mean(name, known)} Known sites: {', '.join(known)}; or give the path of a TOML file.".lstrip(),
        )
    preset = resources.files(__package__) / "presets" / f"{name}.toml"
    return preset.read_text(encoding="utf-8"), f"the preset {name!r}"


def load_site(name: str, overrides: Mapping[str, Any] | None = None) -> Site:
    """Return the site called ``name``, or described by the TOML file of that path.

    Parameters
    ----------
    name : str
        Of a preset or of a file in the folder ``DOCKSIEVE_SITES``, or a path that ends in ``.toml``.
    overrides : mapping, optional
        Keys with other values, such as ``{"account": "abc", "pool.gpu.nodes": 4}``.

    Returns
    -------
    Site

    Raises
    ------
    SiteError
        If there is no such preset or file, it is not TOML, it has an unknown key or a wrong value, a key that it
        requires is missing, or it is an allocation and there is none.

    Examples
    --------
    >>> docksieve.load_site("local", {"workers": 2}).worker_count
    2
    >>> site = docksieve.load_site("perlmutter", {"account": "m1234"})
    >>> site.kind, sorted(site.pools)
    ('slurm', ['cpu', 'gpu'])
    """
    text, where = site_text(name)
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SiteError(f"{where} is not valid TOML: {error}.") from None
    for key, value in (overrides or {}).items():
        _override(values, key, value, where)
    return site_from(values, where, Path(name).stem)


def parse_overrides(items: Sequence[str]) -> dict[str, Any]:
    """Return ``KEY=VALUE`` pairs of the command line as overrides.

    Values are TOML where they are, else text; where a key is a text, so is what looks like a number or a time.

    Raises
    ------
    SiteError
        If one has no ``=``.
    """
    texts = {key for of in (Site, Pool) for key, hint in typing.get_type_hints(of).items() if hint is str}
    found: dict[str, Any] = {}
    for item in items:
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key:
            raise SiteError(f"--set {item} is not KEY=VALUE.", "For example --set account=abc123.")
        try:
            parsed = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            parsed = value
        found[key] = value if key.rpartition(".")[2] in texts and not isinstance(parsed, str) else parsed
    return found


def _override(values: dict[str, Any], key: str, value: Any, where: str) -> None:
    *tables, last = key.split(".")
    place = values
    for table in tables:
        inner = place.get(table)
        if not isinstance(inner, dict):
            known = [name for name in place if isinstance(place[name], dict)]
            raise SiteError(
                f"{where} has no table {table!r}, so {key} cannot be set.",
                f"{did_you_mean(table, known)} See `docksieve site show`.".lstrip(),
            )
        place = inner
    if not tables and last in INHERITED:  # said once, it holds for every pool
        for pool in values.get("pool", {}).values():
            pool.pop(last, None)
    place[last] = value


def site_from(values: Mapping[str, Any], where: str, name: str) -> Site:
    """Return the site of parsed TOML ``values``; ``where`` they stand is for error messages.

    Raises
    ------
    SiteError
        As :func:`load_site`.
    """
    values = {"name": name, **values}
    tables = values.pop("pool", {})
    shared = {key: values.pop(key) for key in INHERITED if key in values}
    _known_keys(values, [f.name for f in fields(Site) if f.name != "pools"] + [*INHERITED, "pool"], where)
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise SiteError(f"{where}: pools are tables.", "Write [pool.NAME] and its keys below.")
    _check_types(values, Site, where)
    _check_types(shared, Pool, where)
    if shared and not tables:
        first = next(iter(shared))
        raise SiteError(
            f"{where}: {first} is for sites with pools, and there are none.", "Add a table [pool.NAME]."
        )
    if values.get("kind") == "allocation":
        shared = {key: value for key, value in shared.items() if key not in ASKED}
        tables, values = pools_in_allocation(tables, values, shared)
    for pool, table in tables.items():
        _known_keys(table, [f.name for f in fields(Pool) if f.name != "name"], f"{where}: [pool.{pool}]")
        _check_types(table, Pool, f"{where}: [pool.{pool}]")
    if values.get("kind") != "allocation":  # where nothing is asked of a scheduler any more
        _check_required({**values, **shared}, tables, where, name)
    pools = {
        pool: _made(Pool, {"name": pool, **shared, **table}, f"{where}: [pool.{pool}]")
        for pool, table in tables.items()
    }
    return typing.cast(Site, _made(Site, {**values, "pools": pools}, where))


class MissingKeys(SiteError):
    """A site lacks what only its user can know.

    Attributes
    ----------
    keys : tuple of str
        What is to be given.
    """

    keys: tuple[str, ...] = ()


def _check_required(own: Mapping[str, Any], tables: Mapping[str, Any], where: str, name: str) -> None:
    """Check that the site's ``requires`` are there: its own keys, or ``pool.NAME.KEY``."""
    missing = []
    for key in own.get("requires", ()):
        pool, inner = "", key
        if key.startswith("pool."):
            pool, _, inner = key.removeprefix("pool.").partition(".")
        if pool and pool not in tables:
            raise SiteError(f"{where}: requires names {key!r}, but there is no pool {pool!r}.")
        asked = [tables[pool]] if pool else list(tables.values())
        if not own.get(inner) and not (asked and all(table.get(inner) for table in asked)):
            missing.append(key)
    if missing:
        given = " ".join(f"--set {key}=..." for key in missing)
        error = MissingKeys(
            f"{where} needs {', '.join(map(repr, missing))}.",
            f"Give: {given}, or write a site of your own with `docksieve site new FILE --from {name} {given}`.",
        )
        error.keys = tuple(missing)
        raise error


def _known_keys(values: Mapping[str, Any], known: list[str], where: str) -> None:
    for key in values:
        if key not in known:
            meant = did_you_mean(key, known) or f"Known keys: {', '.join(known)}."
            raise SiteError(f"{where}: unknown key {key!r}.", meant)


def _check_types(values: Mapping[str, Any], of: type, where: str) -> None:
    hints = typing.get_type_hints(of)
    for key, value in values.items():
        hint = str if typing.get_origin(hints[key]) is typing.Literal else hints[key]
        words, types = _WORDS[hint]
        words += " of seconds" if key.endswith("_seconds") else ""
        wrong = not isinstance(value, types) or (isinstance(value, bool) and hint is not bool)
        if wrong or (hint == tuple[str, ...] and not all(isinstance(item, str) for item in value)):
            raise SiteError(f"{where}: {key} must be {words}, not {value!r}.")
    if "walltime" in values:
        try:
            walltime_seconds(values["walltime"])
        except ValueError as error:
            raise SiteError(f"{where}: {error}.") from None


def _made(of: type, values: Mapping[str, Any], where: str) -> Any:
    lists = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    try:
        return of(**lists)
    except ValueError as error:
        raise SiteError(f"{where}: {error}.") from None
