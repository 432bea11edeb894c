"""Building blocks: read like any molecule file, checked against the reaction they are for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rdkit import Chem

from ..errors import InputError
from ..molecules.standardise import MoleculeError, mol_from_block, rdkit_messages, standardise
from ..readers.layout import ReadingSettings
from ..readers.records import LineCounts, any_records
from ..readers.sources import open_files


class Reagent(NamedTuple):
    """A building block: the id to order it by, and its standard SMILES."""

    id: str
    smiles: str


class RefusedReagent(NamedTuple):
    """A line that offers no building block: where it stands, what it says, and why it is refused."""

    file: str
    line: int
    id: str
    text: str
    code: str
    reason: str


def read_reagents(
    role: str, files: Sequence[str | os.PathLike[str]], refused: list[RefusedReagent] | None = None
) -> tuple[Reagent, ...]:
    """Return the building blocks in ``files``, each structure once, in file order.

    Salts are stripped: what reacts is the free reagent.

    Parameters
    ----------
    role : str
        For messages.
    files : sequence of path
    refused : list, optional
        Lines that are no molecule, and repeated structures, are added to it.

    Raises
    ------
    InputError
        If a file cannot be read, an id is missing or holds a colon, or two reagents share an id.
    """
    reagents: dict[str, Reagent] = {}
    seen: dict[str, str] = {}
    names = [os.fspath(file) for file in files]
    if "-" in names:
        raise InputError("Reagents cannot come from standard input.", "Name a file.")
    # Packed tables are not spooled for reagents: they are small, and there is no build folder yet.
    with rdkit_messages():
        for source in open_files(names, ReadingSettings(), 1 << 20, 10_000, Path(os.devnull)):
            for chunk in source.chunks():
                for record in any_records(source.layout.kind, chunk, source.layout, LineCounts()):
                    sdf = source.layout.kind == "sdf"
                    try:
                        smiles = standardise(
                            mol_from_block(record.structure) if sdf else record.structure
                        ).smiles
                    except MoleculeError as error:
                        if refused is not None:
                            why = (record.structure[:200], error.code, error.message)
                            refused.append(RefusedReagent(source.name, record.line, record.id or "", *why))
                        continue
                    identifier = record.id or f"{source.stem}-{record.line}"
                    where = f"{source.name}, line {record.line}"
                    if ":" in identifier:
                        raise InputError(
                            f"{where}: the id {identifier!r} holds a colon, which separates parts of product ids.",
                            "Rename the reagent.",
                        )
                    if seen.setdefault(identifier, smiles) != smiles:
                        raise InputError(
                            f"{where}: another of the {role} has the id {identifier!r}.",
                            "Ids of reagents must differ.",
                        )
                    first = reagents.setdefault(smiles, Reagent(identifier, smiles))
                    if refused is not None and first.id != identifier:
                        why = (smiles, "duplicate", f"the same structure as {first.id}")
                        refused.append(RefusedReagent(source.name, record.line, identifier, *why))
    if not reagents:
        raise InputError(f"There are no {role} in {', '.join(names)}.", "Check the file.")
    return tuple(reagents.values())


def usable_reagents(reagents: Sequence[Reagent], template: Any) -> tuple[Reagent, ...]:
    """Return the reagents that a reactant template fits in exactly one place."""
    kept = []
    for reagent in reagents:
        mol = Chem.MolFromSmiles(reagent.smiles)
        if len(mol.GetSubstructMatches(template, uniquify=True, maxMatches=2)) == 1:
            kept.append(reagent)
    return tuple(kept)
