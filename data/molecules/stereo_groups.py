"""Stereo groups (enhanced stereochemistry): racemates, one of two isomers, and what SMILES alone cannot say.

``&`` groups are mixtures of both configurations, ``o`` groups one of the two that is not known which; the
centres of a group change together. CXSMILES writes them behind the SMILES, V3000 mol blocks in a collection. The
text that a library keeps is canonical, counts atoms in the order of the standard SMILES from 0, and makes
CXSMILES if it is written behind it: ``C[C@H](O)CF |&1:1|``.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from rdkit import Chem

MOST_GROUPS = 8
"""Groups beyond this are kept as they were numbered: bringing n groups to one form compares 2**n isomers."""

_MARK = "_stereo_group"
_KINDS = (Chem.StereoGroupType.STEREO_AND, Chem.StereoGroupType.STEREO_OR)
_SAID = re.compile(r"(?:^|[|,])(?:&|o)\d*:\d|[|,]w[UD]?:")
_ATROP = (Chem.BondStereo.STEREOATROPCW, Chem.BondStereo.STEREOATROPCCW)
_WRITE = Chem.SmilesWriteParams()
_FIELDS = Chem.CXSmilesFields.CX_ENHANCEDSTEREO
# A carbon with a stereo mark and a double bond: no centre, but the middle or the end of an allene.
_ALLENE_TEXT = re.compile(r"\[\d*C@[^\]]*\](?:\d|%\d\d)*\(?=|=\[\d*C@")
_ALLENE: Any = Chem.MolFromSmarts("[CX3;!R]=[CX2]=[CX3;!R]")
_WEDGES = (1, 6)


def _cx_parser() -> Any:
    parameters: Any = Chem.SmilesParserParams()
    parameters.allowCXSMILES, parameters.strictCXSMILES = True, False
    parameters.parseName = False
    return parameters


_PARSER = _cx_parser()


def read_extension(smiles: str, extension: str) -> Any:
    """Return the molecule of a CXSMILES; None where the extension says nothing of stereochemistry.

    Parameters
    ----------
    smiles : str
    extension : str
        With its bars. What RDKit cannot read in it is left out.
    """
    if not _SAID.search(extension):
        return None
    try:
        return Chem.MolFromSmiles(f"{smiles} {extension}", _PARSER)
    except (RuntimeError, ValueError):  # an extension that RDKit stumbles over says nothing
        return None


def groups_of(mol: Any) -> list[tuple[Any, list[int]]]:
    """Return the ``&`` and ``o`` groups of a molecule: kind, and atoms."""
    return [
        (group.GetGroupType(), [atom.GetIdx() for atom in group.GetAtoms()])
        for group in mol.GetStereoGroups()
        if group.GetGroupType() in _KINDS and len(group.GetAtoms())
    ]


def mark(mol: Any, groups: list[tuple[Any, list[int]]]) -> Any:
    """Return the molecule with its groups noted on its atoms, where all steps of standardisation leave them."""
    marked = Chem.RWMol(mol)
    marked.SetStereoGroups([])
    for number, (_, atoms) in enumerate(groups):
        for index in atoms:
            marked.GetAtomWithIdx(index).SetIntProp(_MARK, number)
    return marked.GetMol()


def marked_again(mol: Any, kinds: list[Any]) -> Any:
    """Return the molecule with the groups that :func:`mark` noted on its atoms."""
    atoms: dict[int, list[int]] = {}
    for atom in mol.GetAtoms():
        if atom.HasProp(_MARK):
            atoms.setdefault(atom.GetIntProp(_MARK), []).append(atom.GetIdx())
            atom.ClearProp(_MARK)
    grouped = Chem.RWMol(mol)
    made = [Chem.CreateStereoGroup(kinds[number], grouped, found) for number, found in sorted(atoms.items())]
    grouped.SetStereoGroups(made)
    return grouped.GetMol()


def canonical_groups(mol: Any) -> tuple[str, str]:
    """Return canonical SMILES and groups of a molecule with stereo groups; no group that distinguishes nothing.

    A racemate has one form, whichever of its isomers was drawn; a group whose inversion gives the same molecule
    (of a meso form) goes.

    Returns
    -------
    smiles, groups : str
        ``groups`` is empty where none is left.
    """
    smiles, extension = "", ""
    for _ in range(4):
        plain = _without_empty_groups(mol)
        plain = Chem.CanonicalizeStereoGroups(plain, Chem.StereoGroupAbsOptions.NeverInclude, MOST_GROUPS)
        text = Chem.MolToCXSmiles(plain, _WRITE, _FIELDS)
        before = (smiles, extension)
        smiles, _, extension = text.partition(" ")
        if (smiles, extension) == before:
            break
        mol = Chem.MolFromSmiles(text, _PARSER)
        if mol is None:
            return smiles, ""  # the caller finds that it cannot be read
    return smiles, extension


def _without_empty_groups(mol: Any) -> Any:
    groups = groups_of(mol)
    if not groups:
        return mol
    plain = Chem.RWMol(mol)
    plain.SetStereoGroups([])
    as_drawn = Chem.MolToSmiles(plain)
    kept = []
    for kind, atoms in groups:
        other = Chem.RWMol(plain)
        for index in atoms:
            other.GetAtomWithIdx(index).InvertChirality()
        Chem.AssignStereochemistry(other, True, True)
        if Chem.MolToSmiles(other) != as_drawn:
            kept.append(Chem.CreateStereoGroup(kind, plain, atoms))
    plain.SetStereoGroups(kept)
    return plain.GetMol()


def isomers_of_groups(smiles: str, stereo_groups: str, most: int) -> list[str]:
    """Return the isomers that the groups of a molecule stand for, as SMILES without groups.

    Parameters
    ----------
    smiles, stereo_groups : str
        As a library has them.
    most : int
        How many at most, in a fixed order.

    Examples
    --------
    >>> from docksieve.data.molecules.stereo_groups import isomers_of_groups
    >>> isomers_of_groups("C[C@H](O)CF", "|&1:1|", 16)
    ['C[C@@H](O)CF', 'C[C@H](O)CF']
    """
    from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers, StereoEnumerationOptions

    mol = Chem.MolFromSmiles(f"{smiles} {stereo_groups}", _PARSER)
    if mol is None or not groups_of(mol):
        return [smiles]
    options = StereoEnumerationOptions(onlyStereoGroups=True, unique=True, maxIsomers=0)
    made = list(islice(EnumerateStereoisomers(mol, options=options), most))
    return sorted({Chem.MolToSmiles(isomer) for isomer in made}) or [smiles]


def loses_axial_chirality(text: str, mol: Any = None) -> bool:
    """Tell whether a molecule has a handedness of an allene or a hindered axis, which its SMILES does not keep.

    Parameters
    ----------
    text : str
        The SMILES as it was given; empty for a mol block.
    mol : rdkit Mol, optional
        Read from a CXSMILES or a mol block, with its coordinates.
    """
    if text and _ALLENE_TEXT.search(text) and _has_allene_mark(text):
        return True
    if mol is None:
        return False
    if any(bond.GetStereo() in _ATROP for bond in mol.GetBonds()):
        return True
    return not text and mol.HasSubstructMatch(_ALLENE) and _is_handed_allene(mol)


def _has_allene_mark(text: str) -> bool:
    parameters: Any = Chem.SmilesParserParams()
    parameters.sanitize, parameters.removeHs, parameters.allowCXSMILES = False, False, False
    mol = Chem.MolFromSmiles(text, parameters)
    if mol is None:
        return False
    return any(
        atom.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED
        and sum(bond.GetBondType() == Chem.BondType.DOUBLE for bond in atom.GetBonds()) == 2
        for atom in mol.GetAtoms()
    )


def _is_handed_allene(mol: Any) -> bool:
    """Tell whether coordinates or wedges of a mol block give an allene with four ends its handedness."""
    ranks = list(Chem.CanonicalRankAtoms(mol, breakTies=False))
    solid = bool(mol.GetNumConformers() and mol.GetConformer().Is3D())
    for first, middle, last in mol.GetSubstructMatches(_ALLENE):
        ends = (mol.GetAtomWithIdx(first), mol.GetAtomWithIdx(last))
        sides = [[other.GetIdx() for other in end.GetNeighbors() if other.GetIdx() != middle] for end in ends]
        # An end with two like neighbours, or two hydrogens, has no sides.
        if all(side and (len(side) == 1 or ranks[side[0]] != ranks[side[1]]) for side in sides) and (
            solid or any(_wedged(bond) for end in ends for bond in end.GetBonds())
        ):
            return True
    return False


def _wedged(bond: Any) -> bool:
    if bond.HasProp("_MolFileBondStereo"):
        return int(bond.GetUnsignedProp("_MolFileBondStereo")) in _WEDGES
    return bool(bond.HasProp("_MolFileBondCfg")) and int(bond.GetUnsignedProp("_MolFileBondCfg")) in (1, 3)
