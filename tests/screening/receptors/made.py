"""Structures made for tests: a peptide around or beside ligands, cofactors and ions, as lines of a PDB file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdDistGeom

Points = NDArray[np.float64]


def line(kind: str, atom: str, name: str, chain: str, number: int, at: Points, element: str) -> str:
    """Return an atom's line in PDB form."""
    padded = f" {atom:<3}" if len(atom) < 4 and len(element) == 1 else f"{atom:<4}"
    return (
        f"{kind:<6}{1:>5} {padded} {name:>3} {chain}{number:>4}    {at[0]:8.3f}{at[1]:8.3f}{at[2]:8.3f}"
        f"{1:6.2f}{10:6.2f}          {element:>2}"
    )


@lru_cache(maxsize=32)
def _peptide(sequence: str) -> tuple[tuple[str, str, int, tuple[float, ...], str], ...]:
    mol = Chem.AddHs(Chem.MolFromSequence(sequence))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=7, useRandomCoords=True) == 0
    points = mol.GetConformer().GetPositions()
    found = []
    for atom in mol.GetAtoms():
        info = atom.GetPDBResidueInfo()
        if info is not None and atom.GetAtomicNum() > 1:
            found.append(
                (
                    info.GetName().strip(),
                    info.GetResidueName(),
                    info.GetResidueNumber(),
                    tuple(points[atom.GetIdx()]),
                    atom.GetSymbol(),
                )
            )
    return tuple(found)


def peptide(sequence: str, chain: str = "A", shift: tuple[float, float, float] = (0, 0, 0)) -> list[str]:
    """Return the heavy atoms of a peptide, embedded with a fixed seed, numbered from 1."""
    return [
        line("ATOM", name, residue, chain, number, np.array(at) + np.array(shift), element)
        for name, residue, number, at, element in _peptide(sequence)
    ]


def points_of(lines: list[str]) -> Points:
    """Return the positions (n, 3) of lines."""
    return np.array([[float(x[30:38]), float(x[38:46]), float(x[46:54])] for x in lines])


def molecule(smiles: str, name: str, chain: str, number: int, at: tuple[float, float, float],
             atoms: list[str] | None = None) -> list[str]:  # fmt: skip
    """Return a molecule's heavy atoms, centred on ``at``; named C1, C2, N1 ..., or as told."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=3) == 0
    mol = Chem.RemoveHs(mol)
    points = mol.GetConformer().GetPositions()
    points = points - points.mean(axis=0) + np.array(at)
    names = atoms or [f"{atom.GetSymbol().upper()}{n}" for n, atom in enumerate(mol.GetAtoms(), 1)]
    return [
        line("HETATM", names[n], name, chain, number, points[n], atom.GetSymbol().upper())
        for n, atom in enumerate(mol.GetAtoms())
    ]


def component_lines(name: str, chain: str, number: int, at: tuple[float, float, float]) -> list[str]:
    """Return the heavy atoms of a component of the PDB's dictionary, its ideal form centred on ``at``."""
    from biotite.structure.info import ccd

    table = ccd.get_from_ccd("chem_comp_atom", name)
    keys = [f"pdbx_model_Cartn_{axis}_ideal" for axis in "xyz"]
    if np.isnan(table[keys[0]].as_array().astype(float)).any():
        keys = [f"model_Cartn_{axis}" for axis in "xyz"]
    points = np.stack([table[key].as_array().astype(float) for key in keys], axis=1)
    symbols = [str(symbol) for symbol in table["type_symbol"].as_array()]
    heavy = [n for n, symbol in enumerate(symbols) if symbol not in ("H", "D")]
    points = points - points[heavy].mean(axis=0) + np.array(at)
    names = [str(atom) for atom in table["atom_id"].as_array()]
    return [line("HETATM", names[n], name, chain, number, points[n], symbols[n]) for n in heavy]


def ion(name: str, element: str, chain: str, number: int, at: tuple[float, float, float]) -> list[str]:
    """Return an ion."""
    return [line("HETATM", name, name, chain, number, np.array(at), element)]


def write(folder: Path, *parts: list[str], name: str = "made.pdb") -> Path:
    """Write a structure of ``parts``, a TER after each, and return its path."""
    path = folder / name
    path.write_text("\n".join("\n".join([*part, "TER"]) for part in parts if part) + "\nEND\n")
    return path
