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

from .parse import PARSER, MoleculeError, mol_from_block, words_of
from .properties import PROPERTY_NAMES, properties
from .standardise import Standard, StandardSettings, check_form, is_doubtful, standardise
from .steps import read_again
from .stereo_groups import loses_axial_chirality

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
    stereo_groups : dict of int to str
        By index: the stereo groups of those that have any, as a CXSMILES extension to their SMILES.
    lost_axial : set of int
        Those whose handedness of an allene or a hindered axis is lost.
    """

    smiles: list[str]
    values: NDArray[np.float64]
    problems: dict[int, MoleculeError] = field(default_factory=dict)
    stereo_groups: dict[int, str] = field(default_factory=dict)
    lost_axial: set[int] = field(default_factory=set)


def standard_forms(
    structures: Sequence[str],
    settings: StandardSettings,
    from_block: bool = False,
    kernel_rows: int = KERNEL_ROWS,
    molecules: Sequence[Any] | None = None,
    extensions: Sequence[str] | None = None,
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
    extensions : sequence of str, optional
        The CXSMILES extension of each SMILES, with its bars, or an empty text.
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
    seen: dict[tuple[str, str], int] = {}
    repeated: list[tuple[int, int]] = []
    for index, structure in enumerate(structures):
        extension = extensions[index] if extensions is not None else ""
        first = seen.setdefault((structure, extension), index)
        if first != index:
            repeated.append((index, first))
            continue
        try:
            known = molecules[index] if molecules is not None else None
            standard = _standard_form(structure, extension, ready[index], settings, from_block, known)
            mol = standard.mol
            if not described:
                pass
            elif fast:
                forms.values[index, _RINGS] = mol.GetRingInfo().NumRings()
                forms.values[index, _UNASSIGNED] = rdMolDescriptors.CalcNumUnspecifiedAtomStereoCenters(mol)
            else:
                forms.values[index] = properties(mol)
        except MoleculeError as error:
            forms.problems[index] = error
        except Exception as error:  # RDKit raises whatever its parts raise; one molecule must not end a build
            forms.problems[index] = MoleculeError("sanitise", words_of(error))
        else:
            forms.smiles[index] = standard.smiles
            if standard.stereo_groups:
                forms.stereo_groups[index] = standard.stereo_groups
            if standard.lost_axial:
                forms.lost_axial.add(index)
    if fast and described:
        _fill_properties(forms)
    for index, first in repeated:
        forms.smiles[index], forms.values[index] = forms.smiles[first], forms.values[first]
        if first in forms.problems:
            forms.problems[index] = forms.problems[first]
        if first in forms.stereo_groups:
            forms.stereo_groups[index] = forms.stereo_groups[first]
        if first in forms.lost_axial:
            forms.lost_axial.add(index)
    return forms


def prepare_kernels() -> None:
    """Compile the kernels if this machine never did, so that worker processes find them and need not, each."""
    standard_forms(["C"], StandardSettings(), kernel_rows=0)


def _standard_form(
    structure: str,
    extension: str,
    ready: str | None,
    settings: StandardSettings,
    from_block: bool,
    known: Any = None,
) -> Standard:
    """Return the standard form; ``ready`` is a text whose canonical form it is."""
    if ready is not None and not extension:
        whole = known is not None and ready == structure  # canonical already
        mol = known if whole else Chem.MolFromSmiles(ready, PARSER)
        # What cannot be read, or has a wrong size, goes the long way, for the reason why.
        if mol is not None and settings.min_heavy_atoms <= mol.GetNumAtoms() <= settings.max_heavy_atoms:
            smiles = structure if whole else Chem.MolToSmiles(mol)
            if not is_doubtful(smiles):
                check_form(smiles, mol, settings)
                return Standard(smiles, mol, lost_axial="@" in structure and loses_axial_chirality(structure))
    if not structure:
        raise MoleculeError("missing", "there is no structure where one is expected")
    return standardise(mol_from_block(structure) if from_block else structure, settings, extension)


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
            forms.values[index] = properties(read_again(smiles))
        except Exception as error:  # as above
            forms.smiles[index] = ""
            if not isinstance(error, MoleculeError):
                error = MoleculeError("sanitise", words_of(error))
            forms.problems[int(index)] = error
