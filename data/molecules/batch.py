"""Standard forms and properties of many molecules at once.

The same results as :func:`~docksieve.data.molecules.standardise.standardise` and
:func:`~docksieve.data.molecules.properties.properties`, molecule by molecule, some four times faster: RDKit
reads and writes each SMILES, compiled kernels do the rest, and what they do not know is left to those two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from .parse import PARSER, MoleculeError, mol_from_block
from .properties import PROPERTY_NAMES, properties
from .standardise import StandardSettings, standardise

KERNEL_ROWS = 2_000
"""A process does its first molecules one by one: kernels take a second to load, several to compile."""

_done = 0
_RINGS, _UNASSIGNED = (PROPERTY_NAMES.index(name) for name in ("rings", "unassigned_stereocentres"))


@dataclass
class StandardForms:
    """What became of n structures.

    Attributes
    ----------
    smiles : list of str
        Standard SMILES; empty where there is a problem.
    values : array of float64, shape (n, 11)
        Properties in the order of ``PROPERTY_NAMES``.
    problems : dict of int to MoleculeError
        By index: why there is no standard form.
    """

    smiles: list[str]
    values: NDArray[np.float64]
    problems: dict[int, MoleculeError] = field(default_factory=dict)


def standard_forms(
    structures: Sequence[str],
    settings: StandardSettings,
    from_block: bool = False,
    kernel_rows: int = KERNEL_ROWS,
    molecules: Sequence[Any] | None = None,
    described: bool = True,
) -> StandardForms:
    """Standardise structures and compute their properties.

    Parameters
    ----------
    structures : sequence of str
        SMILES, or mol blocks.
    settings : StandardSettings
    from_block : bool
        Mol blocks are given.
    kernel_rows : int
        No kernel is used before a process has met so many structures. The result is the same.
    molecules : sequence of rdkit Mol, optional
        What the structures, canonical SMILES then, were written from: sanitised, with stereochemistry assigned. One
        that needs no step is not read again. None for a structure whose SMILES may change when it is read.
    described : bool
        Off: no properties are computed; all are zero.

    Returns
    -------
    StandardForms
        The caller silences RDKit (:func:`~docksieve.data.molecules.standardise.rdkit_messages`).
    """
    global _done
    count = len(structures)
    _done += count
    forms = StandardForms([""] * count, np.zeros((count, len(PROPERTY_NAMES))))
    fast = _done >= kernel_rows
    ready: Sequence[str | None] = [None] * count
    if fast and not from_block and settings.keep_stereo and not settings.canonical_tautomer:
        from .neutral import neutral_texts  # numba, like all kernels, is not imported for less

        limit = settings.max_characters
        ready = [
            text if text is not None and len(given) <= limit else None
            for given, text in zip(structures, neutral_texts(structures, settings.neutralise), strict=True)
        ]
    seen: dict[str, int] = {}
    repeated: list[tuple[int, int]] = []
    for index, structure in enumerate(structures):
        first = seen.setdefault(structure, index)
        if first != index:
            repeated.append((index, first))
            continue
        try:
            known = molecules[index] if molecules is not None else None
            smiles, mol = _standard_form(structure, ready[index], settings, from_block, known)
            if not described:
                pass
            elif fast:
                forms.values[index, _RINGS] = mol.GetRingInfo().NumRings()
                forms.values[index, _UNASSIGNED] = rdMolDescriptors.CalcNumUnspecifiedAtomStereoCenters(mol)
            else:
                forms.values[index] = properties(mol)
            forms.smiles[index] = smiles
        except MoleculeError as error:
            forms.problems[index] = error
        except (RuntimeError, ValueError, OverflowError) as error:  # RDKit's C++ exceptions
            forms.problems[index] = _unexpected(error)
    if fast and described:
        _fill_properties(forms)
    for index, first in repeated:
        forms.smiles[index], forms.values[index] = forms.smiles[first], forms.values[first]
        if first in forms.problems:
            forms.problems[index] = forms.problems[first]
    return forms


def prepare_kernels() -> None:
    """Compile the kernels if this machine never did, so that worker processes find them and need not, each."""
    standard_forms(["C"], StandardSettings(), kernel_rows=0)


def _standard_form(
    structure: str, ready: str | None, settings: StandardSettings, from_block: bool, known: Any = None
) -> tuple[str, Any]:
    """Return standard SMILES and molecule; ``ready`` is a text whose canonical form is the standard form."""
    if ready is not None:
        whole = known is not None and ready == structure  # canonical already
        if whole and settings.min_heavy_atoms <= known.GetNumAtoms() <= settings.max_heavy_atoms:
            return structure, known
        mol = Chem.MolFromSmiles(ready, PARSER)
        # What cannot be read goes the long way, for the reason why.
        if mol is not None and settings.min_heavy_atoms <= mol.GetNumAtoms() <= settings.max_heavy_atoms:
            return Chem.MolToSmiles(mol), mol
    if not structure:
        raise MoleculeError("missing", "there is no structure where one is expected")
    standard = standardise(mol_from_block(structure) if from_block else structure, settings)
    return standard.smiles, standard.mol


def _unexpected(error: Exception) -> MoleculeError:
    reason = str(error).strip().splitlines() or [type(error).__name__]
    return MoleculeError("sanitise", reason[0])


def _fill_properties(forms: StandardForms) -> None:
    """Compute what the kernels know of all standard forms, and the other molecules with RDKit."""
    from .crippen import crippen_logp
    from .descriptors import graph_counts
    from .graph import read_graphs

    graphs = read_graphs(forms.smiles)
    found = graph_counts(graphs)
    found["logp"], known = crippen_logp(graphs)
    for name, values in found.items():
        forms.values[known, PROPERTY_NAMES.index(name)] = values[known]
    for index in np.flatnonzero(~known):
        smiles = forms.smiles[index]
        if not smiles:
            continue
        try:
            forms.values[index] = properties(Chem.MolFromSmiles(smiles, PARSER))
        except (RuntimeError, ValueError, OverflowError) as error:
            forms.smiles[index] = ""
            forms.problems[int(index)] = _unexpected(error)
