"""Mistakes in a campaign file, in plain words: which line, which key, what was expected, what was meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from ...data.errors import did_you_mean
from .annotations import any_of, bare, describe, engine_of, fields_of, fits, is_label, is_union, names_of

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
_RANGES = ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number")
_NAMES = (
    "must begin with a letter or digit and hold letters, digits, '.', '_' and '-' only, 64 characters at most"
)
_LONGEST_SHOWN = 80

Path = tuple[str, ...]


@dataclass
class _Mistake:
    """One error of pydantic's, its location freed of the labels of union branches.

    Attributes
    ----------
    code, message : str
        Pydantic's.
    path : tuple of str
        Keys from the top of the file.
    kind : annotation
        What may stand at ``path``; None for a key that does not exist.
    section : annotation
        The section that holds the last key of ``path``.
    choices : list
        The unions on the way: where, which, and the branch that the error speaks of.
    engine : str
        That of the target on the way.
    engines : dict of str to list of str
        The keys of every engine, if ``section`` is a target.
    """

    code: str
    message: str
    path: Path = ()
    kind: Any = None
    section: Any = None
    choices: list[tuple[Path, Any, Any]] = field(default_factory=list)
    engine: str = ""
    engines: dict[str, list[str]] = field(default_factory=dict)


_OF_KIND = ("_type", "_parsing")
"""Ends of pydantic's codes for a value of the wrong kind."""


def explain(error: ValidationError, values: dict[str, Any], text: str, where: str, model: type) -> str:
    """Return what is wrong with a campaign file, one sentence or two per mistake.

    Parameters
    ----------
    error : ValidationError
    values : dict
        The file's content, parsed.
    text : str
        The file's content, for line numbers.
    where : str
        Its name.
    model : type
        The pydantic model that refused it; its annotations say which keys there are.
    """
    problems: list[str] = []
    found = [_located(item["type"], item["msg"], item["loc"], model) for item in error.errors()]
    meant = [mistake.path for mistake in found if not mistake.code.endswith(_OF_KIND)]
    for mistake in found:
        if _of_another_branch(mistake, values):
            continue
        own = len(mistake.path)
        if mistake.code.endswith(_OF_KIND) and any(path[:own] == mistake.path for path in meant):
            continue  # the value is of another kind that may stand there, and has a mistake of its own
        at, said = _words(mistake, values)
        problem = f"{placed(text, where, at)}: {said}"
        if problem not in problems:
            problems.append(problem)
    return " ".join(problems)


def placed(text: str, where: str, path: Path) -> str:
    """Return the name of a file with the line in it where the key at ``path`` stands, if that can be found."""
    line = line_of(text, path)
    return f"{where}, line {line}" if line else where


def _located(code: str, message: str, location: tuple[int | str, ...], model: type) -> _Mistake:
    """Follow an error's location through the annotations, as far as they go."""
    mistake = _Mistake(code, message, kind=model)
    for part in location:
        kind = bare(mistake.kind)
        if isinstance(part, int):  # within a list: the whole list is shown
            break
        if is_union(kind):
            branch = next((each for each in get_args(kind) if is_label(each, part)), None)
            if branch is None:
                break
            if engine_of(branch):
                mistake.engine = part
                mistake.engines = {engine_of(each): list(fields_of(each)) for each in get_args(kind)}
            else:
                mistake.choices.append((mistake.path, mistake.kind, branch))
            mistake.kind = branch
            continue
        if mistake.section is not None and not engine_of(kind):
            mistake.engines = {}
        mistake.section = kind
        mistake.path = (*mistake.path, part)
        mistake.kind = get_args(kind)[1] if get_origin(kind) is dict else fields_of(kind).get(part)
    at, union, _ = mistake.choices[-1] if mistake.choices else ((), None, None)
    if union is not None and at == mistake.path and code != "value_error":
        mistake.kind = union  # the value itself is wrong, not what is inside a branch
    return mistake


def _of_another_branch(mistake: _Mistake, values: dict[str, Any]) -> bool:
    """Tell whether the error speaks of a form that the value evidently does not have."""
    for path, union, branch in mistake.choices:
        value = _value_at(values, path)
        if not fits(branch, value) and any(fits(each, value) for each in get_args(bare(union))):
            return True
    return False


def _words(mistake: _Mistake, values: dict[str, Any]) -> tuple[Path, str]:
    """Return the path whose line is to be named, and what is to be said."""
    path, code = mistake.path, mistake.code
    section = f"[{'.'.join(path[:-1])}] " if path[:-1] else ""
    key = path[-1] if path else ""
    value = _value_at(values, path)
    given = _given(value)
    if code in ("union_tag_not_found", "union_tag_invalid"):
        return _about_engine(mistake, values)
    if code in _UNKNOWN:
        return path, f"{section}has no key {key!r}.{_suggestion(mistake)}"
    if code == "missing" and value is None:
        name = f"key {key!r}" if section else f"section [{key}]"
        return path, f"{section}the {name} is missing."
    if code == "too_short" and path == ("targets",):
        return path, "[targets] names no target: a section [targets.NAME] is needed."
    if code == "value_error":
        return _about_value(mistake, given)
    if code == "string_pattern_mismatch":
        return path, f"{section}{key} {_NAMES}{given}."
    if code in _RANGES:
        return path, f"{section}{key} {mistake.message.replace('Input should be', 'must be')}{given}."
    said = f"{section}{key} must be {describe(mistake.kind)}{given}."
    if path[:1] == ("targets",) and len(path) == 2:
        return path, f"{said} A target's keys stand in a section of its own, [targets.NAME]."
    return path, f"{said} {did_you_mean(str(value), names_of(mistake.kind), 0.5)}".rstrip()


def _about_engine(mistake: _Mistake, values: dict[str, Any]) -> tuple[Path, str]:
    """Word a missing or unknown engine."""
    engines = [engine_of(each) for each in get_args(bare(mistake.kind))]
    section = f"[{'.'.join(mistake.path)}] "
    if mistake.code == "union_tag_not_found":
        return mistake.path, f"{section}engine is missing: {any_of(engines)}."
    path = (*mistake.path, "engine")
    given = _value_at(values, path)
    said = f"{section}engine must be {any_of(engines)}{_given(given)}."
    return path, f"{said} {did_you_mean(str(given), engines, 0.5)}".rstrip()


def _about_value(mistake: _Mistake, given: str) -> tuple[Path, str]:
    """Word an error that the settings raised themselves: if they are a section, it begins with the key."""
    path = mistake.path
    message = mistake.message.removeprefix("Value error, ")
    fields = fields_of(bare(mistake.kind))
    if not fields:
        section = f"[{'.'.join(path[:-1])}] " if path[:-1] else ""
        return path, f"{section}{path[-1]}: {message}{given}."
    first = re.match(r"[\w.]+", message)
    key = first.group().split(".")[-1] if first else ""
    return (*path, key) if key in fields else path, f"[{'.'.join(path)}] {message}."


def _suggestion(mistake: _Mistake) -> str:
    """Say which key may have been meant, or which there are, or whose it is."""
    key, known = mistake.path[-1], list(fields_of(mistake.section))
    owners = [engine for engine, keys in mistake.engines.items() if key in keys]
    if owners:
        return f" It belongs to engine {any_of(owners)}, and this target's engine is {mistake.engine}."
    guess = did_you_mean(key, known, 0.5)
    return f" {guess}" if guess else (f" Known keys: {', '.join(known)}." if known else "")


def _value_at(values: Any, path: Path) -> Any:
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def _given(value: Any) -> str:
    shown = repr(value)
    return f" (given: {shown})" if value is not None and len(shown) <= _LONGEST_SHOWN else ""


def line_of(text: str, path: Path) -> int | None:
    """Return the line of the key at ``path``, or of what holds it, as far as a plain reading finds it."""
    for length in range(len(path), 0, -1):
        line = _exact_line(text, path[:length])
        if line is not None:
            return line
    return None


def _exact_line(text: str, path: Path) -> int | None:
    section = ".".join(path[:-1])
    current, section_line = "", None
    key = re.compile(rf"\s*[\"']?{re.escape(path[-1])}[\"']?\s*=")
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        if header:
            current = ".".join(part.strip().strip("\"'") for part in header.group(1).split("."))
            if current == ".".join(path):
                return number
            if current == section:
                section_line = number
        elif current == section and key.match(line):
            return number
    return section_line
