"""Options of ``docksieve model ...`` that are words with a meaning: ``EGFR=score``, ``EGFR=higher``."""

from __future__ import annotations

from typing import Any

from ...data.errors import ConfigError


def targets_of(given: list[str] | None) -> dict[str, str | int | None] | None:
    """Return targets and their columns out of texts such as ``EGFR=score``."""
    if not given:
        return None
    targets: dict[str, str | int | None] = {}
    for text in given:
        name, equals, column = text.partition("=")
        if not name.strip() or name in targets or (equals and not column):
            raise ConfigError(f"--target {text!r} is not NAME or NAME=COLUMN, with each name once.")
        targets[name] = int(column) if column.isdigit() else column or None
    return targets


def directions_of(
    lower: bool | None, given: list[str] | None, targets: list[str] | None
) -> bool | dict[str, bool] | None:
    """Return the direction of all targets, or by name."""
    if not given:
        return lower
    names = [text.partition("=")[0] for text in targets or ()]
    directions = {} if lower is None else dict.fromkeys(names, lower)
    for text in given:
        name, _, word = text.partition("=")
        if word not in ("lower", "higher") or name not in names:
            raise ConfigError(
                f"--direction {text!r} is not NAME=lower or NAME=higher with the name of a --target.",
                f"Targets are {', '.join(names) or 'not named'}.",
            )
        directions[name] = word == "lower"
    return directions


def units_of(given: list[str] | None) -> str | dict[str, str] | None:
    """Return the unit of all targets, or by name."""
    if not given:
        return None
    if len(given) == 1 and "=" not in given[0]:
        return given[0]
    pairs = [text.partition("=") for text in given]
    if not all(name and equals and unit for name, equals, unit in pairs):
        raise ConfigError("Several units are given: each must be NAME=UNIT.", "Such as --unit EGFR=kcal/mol.")
    return {name: unit for name, _, unit in pairs}


def columns_of(smiles_column: str | None, **more: Any) -> dict[str, Any]:
    """Return the columns that were named; a number is one from 1."""
    named = {"smiles_column": smiles_column, **more}
    return {key: int(value) if value.isdigit() else value for key, value in named.items() if value}
