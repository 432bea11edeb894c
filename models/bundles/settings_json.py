"""Settings as JSON and back, refusing what is unknown."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from ...data.errors import FormatError
from ..settings import BEFORE, SINCE

Settings = TypeVar("Settings")


def settings_to_json(settings: Any) -> dict[str, Any]:
    """Return a settings dataclass as JSON values."""
    result: dict[str, Any] = dataclasses.asdict(settings)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in result.items()}


def settings_from_json(kind: type[Settings], value: Any, where: str, version: int) -> Settings:
    """Return the settings that :func:`settings_to_json` wrote in bundles of ``version``.

    Fields that later versions introduced are absent and get their defaults, or what their ``BEFORE`` says.

    Raises
    ------
    FormatError
        If a key is missing or unknown, or a value is out of range; ``where`` says in what.
    """
    newer = [item for item in dataclasses.fields(kind) if item.metadata.get(SINCE, 1) > version]  # type: ignore[arg-type]
    later = {item.name for item in newer}
    hints = {
        name: hint
        for name, hint in typing.get_type_hints(kind).items()
        if not name.startswith("__") and name not in later
    }
    if not isinstance(value, Mapping) or set(value) != set(hints):
        given = sorted(value) if isinstance(value, Mapping) else value
        raise FormatError(
            f"{where} has the keys {given}, expected {sorted(hints)}.",
            "The bundle was made by another version of docksieve, or altered.",
        )
    fields: dict[str, Any] = {item.name: item.metadata[BEFORE] for item in newer if BEFORE in item.metadata}
    for name, hint in hints.items():
        item = value[name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            item = settings_from_json(hint, item, f"{where}.{name}", version)
        elif typing.get_origin(hint) is tuple and isinstance(item, list):
            item = tuple(item)
        elif not _fits(item, hint) and not (name == "kind" and _is_registered(item)):
            raise FormatError(f"{where}.{name} is {item!r}, expected {hint}.")
        fields[name] = item
    try:
        return kind(**fields)
    except ValueError as error:
        raise FormatError(f"{where} is not usable: {error}.") from None


def _is_registered(kind: Any) -> bool:
    """Return whether somebody added this kind of teacher. Imported late: students are read without chemistry."""
    from ..regressors.registry import registered

    return kind in registered()


def _fits(item: Any, hint: Any) -> bool:
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return item in typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(item, part) for part in typing.get_args(hint))
    if hint is float:
        return isinstance(item, int | float) and not isinstance(item, bool)
    if hint is int:
        return isinstance(item, int) and not isinstance(item, bool)
    return isinstance(item, hint) if isinstance(hint, type) else True
