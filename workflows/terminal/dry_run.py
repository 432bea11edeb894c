"""What a dry run found, in words: library, receptors, boxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...data.spaces.source import MoleculeSource
from ...data.spaces.space import Space
from ...data.words import plural


def found_words(library: MoleculeSource, targets: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a line about the library and one for each target, all of which were read and found to be usable."""
    count = len(library.shards)
    lines = (
        [f"Space {library.path}: {library.rows:,} products of {plural(len(library.reactions), 'reaction')}."]
        if isinstance(library, Space)
        else [f"Library {library.path}: {library.rows:,} molecules in {plural(count, 'shard')}."]
    )
    lines += [f"Target {name}: {_target(spec)}." for name, spec in targets.items()]
    return "\n".join([*lines, "Library and targets were read and can be used."])


def _target(spec: Mapping[str, Any]) -> str:
    parts = [f"{spec['engine']} {spec['engine_version']}".strip()]
    if spec.get("receptor"):
        parts.append(f"receptor {spec['receptor']}")
    if box := spec.get("box"):
        size = " x ".join(f"{side:g}" for side in box["size"])
        centre = ", ".join(f"{value:g}" for value in box["center"])
        parts.append(f"box of {size} angstrom around ({centre})")
    parts.append(f"scores in {spec['unit']}, {'lower' if spec['lower_is_better'] else 'higher'} is better")
    return ", ".join(parts)
