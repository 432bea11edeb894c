"""What the annotations of settings say: which keys there are, which values fit, and both in plain words."""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def bare(kind: Any) -> Any:
    """Return ``kind`` without its metadata and without the None that stands for "not given"."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if is_union(kind):
        kept = tuple(each for each in get_args(kind) if each is not type(None))
        if len(kept) < len(get_args(kind)):
            return Union[kept]  # noqa: UP007 - of a tuple; of one member it is that member
    return kind


def is_union(kind: Any) -> bool:
    """Tell whether a value may be of several kinds."""
    return get_origin(kind) in (Union, types.UnionType)


def fields_of(kind: Any) -> dict[str, Any]:
    """Return the keys of a section and the annotation of each; empty for what is no section."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {name: field.annotation for name, field in kind.model_fields.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind, include_extras=True)
        return {name: hints[name] for name in kind.__dataclass_fields__}
    return {}


def engine_of(kind: Any) -> str:
    """Return the docking engine whose settings ``kind`` is, or an empty string."""
    engine = fields_of(kind).get("engine")
    return str(get_args(engine)[0]) if get_origin(engine) is Literal else ""


def is_label(branch: Any, label: str) -> bool:
    """Tell whether pydantic calls a branch of a union ``label`` in the location of an error."""
    origin = get_origin(branch)
    if origin is Literal:
        return label.startswith("literal[")
    if origin is not None:
        return label.startswith(f"{origin.__name__}[")
    return label == engine_of(branch) or label == getattr(branch, "__name__", None)


def fits(branch: Any, value: Any) -> bool:
    """Tell whether ``value``, as TOML gives it, has the outward form of ``branch``."""
    branch = bare(branch)
    origin = get_origin(branch)
    if origin is Literal:
        return isinstance(value, str)
    if origin is tuple:
        return isinstance(value, list)
    if fields_of(branch) or origin is dict:
        return isinstance(value, dict)
    if branch is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if branch is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(branch, type) and isinstance(value, branch)


def describe(kind: Any) -> str:
    """Return in plain words what a value may be."""
    kind = bare(kind)
    origin, args = get_origin(kind), get_args(kind)
    if is_union(kind):
        return any_of(list(dict.fromkeys(word for each in args for word in _choices(each))))
    if origin is Literal:
        return any_of(_choices(kind))
    if origin is tuple:
        if Ellipsis in args:
            inner = {str: "texts", int: "whole numbers", float: "numbers"}.get(args[0])
            if inner:
                return f"a list of {inner}"
            choices = _choices(args[0])
            return (
                f"a list, each {choices[0]}"
                if len(choices) == 1
                else f"a list of any of {', '.join(choices)}"
            )
        return f"a list of {len(args)} numbers"
    if origin is dict or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return "a section"
    if fields_of(kind):
        return "a table of settings"
    return _WORDS.get(kind, "something else")


def _choices(kind: Any) -> list[str]:
    return [str(each) for each in get_args(kind)] if get_origin(kind) is Literal else [describe(kind)]


def names_of(kind: Any) -> list[str]:
    """Return the words that a value may be, where it is chosen from a list."""
    kind = bare(kind)
    branches = get_args(kind) if is_union(kind) else (kind,)
    return [str(word) for each in branches if get_origin(each) is Literal for word in get_args(each)]


def any_of(words: Sequence[str]) -> str:
    """Return ``a, b or c``."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
