"""The files in which spaces come: reactions with building blocks by role, and vendors' tables of synthons."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdkit import Chem

from ..enumeration.product_space import SAMPLES, Reaction, load_reactions
from ..enumeration.reagents import RefusedReagent, Run, read_reagents
from ..errors import InputError
from ..molecules.parse import rdkit_messages
from .products import SYNTHONS
from .synthons import points


@dataclass(frozen=True)
class Part:
    """A reaction and the building blocks offered for each of its roles.

    Attributes
    ----------
    reaction : Reaction
    blocks : tuple of tuple of (str, str)
        For each role: id and SMILES.
    refused : tuple of RefusedReagent
        Lines that are no building block at all.
    numbers : tuple of dict
        For each role: numeric columns of its tables, by name, by id.
    """

    reaction: Reaction
    blocks: tuple[tuple[tuple[str, str], ...], ...]
    refused: tuple[RefusedReagent, ...] = ()
    numbers: tuple[Mapping[str, Mapping[str, float]], ...] = ()


def named_parts(
    names: Sequence[str],
    reagent_files: Mapping[str, Sequence[str | os.PathLike[str]]],
    reactions_file: str | os.PathLike[str] | None,
    run: Run | None = None,
) -> list[Part]:
    """Return reactions of a TOML file (or Docksieve's own) with building blocks by role.

    ``run`` reads pieces of files (:func:`docksieve.data.enumeration.reagents.read_reagents`).

    Raises
    ------
    InputError
        If a reaction or a role is unknown, or a file cannot be read.
    """
    known = load_reactions(reactions_file)
    for name in names:
        if name not in known:
            raise InputError(f"There is no reaction {name!r}.", f"Known are {', '.join(known)}.")
    chosen = [known[name] for name in (dict.fromkeys(names) if names else known)]
    roles = sorted({role for reaction in chosen for role in reaction.roles})
    for role in reagent_files:
        if role not in roles:
            raise InputError(f"No chosen reaction uses {role!r}.", f"Their roles are {', '.join(roles)}.")
    sets: dict[str, list[tuple[str, str]]] = {}
    refused: dict[str, list[RefusedReagent]] = {}
    numbers: dict[str, dict[str, dict[str, float]]] = {}
    for role in roles:
        files = reagent_files.get(role) or [SAMPLES / f"{role}.smi"]
        if role not in reagent_files and not (SAMPLES / f"{role}.smi").exists():
            raise InputError(
                f"No building blocks are given for the role {role!r}.", f"Add --reagents {role}=FILE."
            )
        refused[role] = []
        numbers[role] = {}
        found = read_reagents(role, files, refused[role], numbers[role], run)
        sets[role] = [(item.id, item.smiles) for item in found]
    return [
        Part(
            reaction,
            tuple(tuple(sets[role]) for role in reaction.roles),
            tuple(item for role in dict.fromkeys(reaction.roles) for item in refused[role]),
            tuple(numbers[role] for role in reaction.roles),
        )
        for reaction in chosen
    ]


def smarts_part(
    smarts: str,
    files: Sequence[str | os.PathLike[str]],
    name: str = "reaction",
    run: Run | None = None,
) -> Part:
    """Return a reaction given as SMARTS with one file per component, as Thompson sampling's programs have it.

    ``run`` reads pieces of files (:func:`docksieve.data.enumeration.reagents.read_reagents`).

    Raises
    ------
    InputError
        If the number of files is not that of the SMARTS' components.
    """
    left = smarts.split(">", 1)[0]
    probe = Reaction(name, name, smarts, tuple(f"component-{at + 1}" for at in range(len(files))))
    try:
        probe.compiled()
    except InputError as error:
        raise InputError(
            f"The SMARTS {smarts!r} and {len(files)} files do not go together: {error.message}",
            "Give one file of building blocks for each component before the arrow, in that order.",
        ) from None
    if ":" in name:
        raise InputError(f"The name {name!r} holds a colon, which separates parts of product ids.")
    if not left:
        raise InputError(f"The SMARTS {smarts!r} has no reactants.")
    blocks, refused = [], []
    numbers: list[dict[str, dict[str, float]]] = []
    for role, file in zip(probe.roles, files, strict=True):
        lost: list[RefusedReagent] = []
        numbers.append({})
        found = read_reagents(role, [file], lost, numbers[-1], run)
        blocks.append(tuple((item.id, item.smiles) for item in found))
        refused += lost
    return Part(probe, tuple(blocks), tuple(refused), tuple(numbers))


_COLUMNS = {
    "smiles": ("smiles", "synthon", "synton", "synthon_smiles"),
    "id": ("synton#", "synthon#", "synton_id", "synthon_id", "id"),
    "position": (
        "synton_role",
        "synthon_role",
        "position",
        "r_group",
        "synton_position",
        "synthon_position",
        "release",
    ),
    "reaction": ("reaction_id", "reaction", "reaction_name", "rxn"),
}


def synthon_parts(path: str | os.PathLike[str]) -> list[Part]:
    """Return the reactions of a table of synthons: SMILES with numbered attachment points, id, position, reaction.

    The table has a header; columns are separated by tabs, commas or blanks. The columns of the vendors' spaces are
    known: ``SMILES``, ``synton#`` (id), ``synton_role`` or ``position``, ``reaction_id``.

    Raises
    ------
    InputError
        If a column is missing, a line has too few cells, an id holds a colon, or a reaction has one position only.
    """
    file = Path(path)
    lines = _lines(file)
    separator = next((mark for mark in ("\t", ",", ";") if mark in lines[0]), None)
    header = [cell.strip().lower() for cell in lines[0].split(separator)]
    places = {}
    for kind, names in _COLUMNS.items():
        place = next((header.index(name) for name in names if name in header), None)
        if place is None:
            raise InputError(
                f"{file}, line 1: no column says the {kind} ({', '.join(header)}).",
                f"Call one of them {' or '.join(repr(name) for name in names[:2])}.",
            )
        places[kind] = place
    parts: dict[str, dict[str, dict[str, tuple[str, str]]]] = {}
    refused: dict[str, list[RefusedReagent]] = {}
    ids: dict[tuple[str, str], str] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split(separator)]
        if len(cells) <= max(places.values()):
            raise InputError(
                f"{file}, line {number}: {len(cells)} cells where the header has {len(header)}.",
                "Complete the line, or remove it.",
            )
        smiles, block, position, reaction = (
            cells[places[k]] for k in ("smiles", "id", "position", "reaction")
        )
        if ":" in block or ":" in reaction:
            raise InputError(
                f"{file}, line {number}: {block!r} or {reaction!r} holds a colon, which separates parts of product ids."
            )
        lost = refused.setdefault(reaction, [])
        with rdkit_messages():
            mol = Chem.MolFromSmiles(smiles)
        if mol is None:
            lost.append(RefusedReagent(file.name, number, block, smiles, "syntax", "RDKit cannot read it"))
            continue
        try:
            marks = points(mol)
        except ValueError as error:
            lost.append(RefusedReagent(file.name, number, block, smiles, "attachment", str(error)))
            continue
        if not marks:
            lost.append(
                RefusedReagent(file.name, number, block, smiles, "attachment", "it has no attachment point")
            )
            continue
        text = Chem.MolToSmiles(mol)
        if ids.setdefault((reaction, block), text) != text:
            raise InputError(f"{file}, line {number}: another synthon of {reaction!r} has the id {block!r}.")
        parts.setdefault(reaction, {}).setdefault(position, {}).setdefault(text, (block, text))
    return [_synthon_part(file, name, parts[name], refused.get(name, [])) for name in parts]


def _synthon_part(
    file: Path,
    name: str,
    positions: Mapping[str, Mapping[str, tuple[str, str]]],
    lost: Sequence[RefusedReagent],
) -> Part:
    roles = tuple(sorted(positions, key=lambda text: (len(text), text)))
    if len(roles) < 2:
        raise InputError(
            f"{file}: reaction {name!r} has synthons of one position only ({roles[0]}).",
            "A reaction joins two positions or more.",
        )
    reaction = Reaction(name, f"{name}, joined at attachment points", SYNTHONS, roles)
    return Part(reaction, tuple(tuple(positions[role].values()) for role in roles), tuple(lost))


def _lines(file: Path) -> list[str]:
    opener = gzip.open if file.suffix == ".gz" else open
    try:
        with opener(file, "rt", encoding="utf-8-sig") as handle:
            found = handle.read().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}.") from None
    if len(found) < 2:
        raise InputError(f"{file} holds no synthon.", "It needs a header and a line for each synthon.")
    return found
