"""Mistakes that validation would let pass: a number in quotation marks, the example that nobody edited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from .annotations import bare, describe, engine_of, fields_of, fits, is_union

EXAMPLE = "EDIT"
"""How the values begin that ``docksieve init`` leaves to be edited."""

Path = tuple[str, ...]


def plain_mistakes(values: dict[str, Any], model: type) -> Iterator[tuple[Path, str]]:
    """Yield the place of each such mistake in the content of a campaign file, and what is to be said of it.

    Parameters
    ----------
    values : dict
        The file's content, parsed.
    model : type
        What the file must be; its annotations say where a number belongs.
    """
    yield from _examples(values, ())
    yield from _texts(model, values, ())


def _examples(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _examples(item, (*path, str(key)))
    elif isinstance(value, str) and (value == EXAMPLE or value.startswith(f"{EXAMPLE}:")):
        wanted = value.removeprefix(EXAMPLE).removeprefix(":").strip() or "what is yours"
        yield path, f"{_named(path)} is still the example of `docksieve init`. Write there: {wanted}."


def _texts(kind: Any, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield where a text or a truth value stands and a number belongs, or the other way round."""
    kind = bare(kind)
    if is_union(kind):
        branches = [bare(each) for each in get_args(kind)]
        if isinstance(value, dict) and any(map(engine_of, branches)):
            fitting = [each for each in branches if engine_of(each) == value.get("engine")]
        else:
            fitting = [each for each in branches if fits(each, value)]
        if len(fitting) == 1:
            yield from _texts(fitting[0], value, path)
        elif not fitting and any(_wrong(each, value) for each in branches):
            yield path, _said(kind, value, path)
        return
    fields = fields_of(kind)
    if isinstance(value, dict):
        inner = get_args(kind)[1] if get_origin(kind) is dict else None
        for key, item in value.items():
            wanted = inner if inner is not None else fields.get(key)
            if wanted is not None:
                yield from _texts(wanted, item, (*path, str(key)))
    elif get_origin(kind) is tuple and isinstance(value, list):
        kinds = get_args(kind)
        each = [kinds[0]] * len(value) if Ellipsis in kinds else kinds
        if any(_wrong(bare(one), item) for one, item in zip(each, value, strict=False)):
            yield path, _said(kind, value, path)
    elif _wrong(kind, value):
        yield path, _said(kind, value, path)


def _wrong(kind: Any, value: Any) -> bool:
    if kind is bool:
        return isinstance(value, str | int | float) and not isinstance(value, bool)
    return kind in (int, float) and isinstance(value, str | bool)


def _said(kind: Any, value: Any, path: Path) -> str:
    said = f"{_named(path)} must be {describe(kind)} (given: {value!r})."
    if isinstance(value, str) and _is_number(value):
        said += f" Write it without quotation marks: {path[-1]} = {value.strip()}"
    return said


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _named(path: Path) -> str:
    return f"[{'.'.join(path[:-1])}] {path[-1]}" if path[:-1] else path[-1]
