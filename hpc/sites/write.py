"""Site files with other values and the comments of the file that they come from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.items import Table

from ...data.errors import SiteError, did_you_mean
from .read import INHERITED


def edited(text: str, overrides: Mapping[str, Any], where: str) -> str:
    """Return the TOML ``text`` of a site with the values of ``overrides``, its comments kept.

    A key that stands there as a comment, such as ``# cores = 64``, is brought to life in its place. As in
    ``load_site``, a key that pools inherit, given without a pool, holds for every one of them.

    Parameters
    ----------
    text : str
    overrides : mapping
        Such as ``{"account": "abc", "pool.gpu.nodes": 4}``.
    where : str
        The text stands, for messages.

    Raises
    ------
    SiteError
        If ``text`` is not TOML, or a key names a table that is not there.
    """
    for key in overrides:
        text = _awoken(text, *_split(key))
    try:
        document = tomlkit.parse(text)
    except ValueError as error:
        raise SiteError(f"{where} is not valid TOML: {error}.") from None
    for key, value in overrides.items():
        _set(document, key, value, where)
    return tomlkit.dumps(document)


def _split(key: str) -> tuple[str, str]:
    table, _, last = key.rpartition(".")
    return table, last


def _awoken(text: str, table: str, last: str) -> str:
    """Return ``text`` with the comment ``# last = ...`` in ``table`` made a line of TOML."""
    inside, lines = "", text.split("\n")
    for number, line in enumerate(lines):
        if header := re.match(r"\[([^\]]+)\]", line):
            inside = header[1].strip()
        elif inside == table and re.match(rf"{re.escape(last)}\s*=", line):
            return text
        elif inside == table and re.match(rf"# {re.escape(last)} = ", line):
            alive = line.removeprefix("# ")
            if alive.count(" #") == 1:  # its own remark stays where it stood
                alive = alive.replace(" #", "   #")
            return "\n".join([*lines[:number], alive, *lines[number + 1 :]])
    return text


def _set(document: tomlkit.TOMLDocument, key: str, value: Any, where: str) -> None:
    tables, last = _split(key)
    place: Table | Container = document
    for name in tables.split(".") if tables else []:
        inner = place.get(name)
        if not isinstance(inner, Table):
            known = [str(k) for k, v in place.items() if isinstance(v, Table)]
            raise SiteError(
                f"{where} has no table {name!r}, so {key} cannot be set.",
                f"{did_you_mean(name, known)} See `docksieve site show`.".lstrip(),
            )
        place = inner
    if not tables and last in INHERITED:
        for pool in document.get("pool", {}).values():
            pool.pop(last, None)
    place[last] = value
