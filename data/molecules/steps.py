"""The steps that lead to the standard form of a molecule, one by one; each leaves one that can be written and read."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

from .fragments import NON_METALS, disconnect_metals, largest_fragment, refuse_bare_ions, without_salts
from .parse import PARSER, MoleculeError, words_of
from .rejections import WRITING


@cache
def _tool(name: str) -> Any:
    """Return the RDKit object that performs a step, made once per process."""
    makers: dict[str, Any] = {
        "normalise": rdMolStandardize.Normalizer,
        # RDKit's own list turns sulfoxides into [S+][O-]; catalogues, and docking programs, want S=O.
        "sulfoxide": lambda: rdMolStandardize.NormalizerFromData(
            "Sulfoxide\t[!O:1][S+1;X3:2]([O-:3])[!O:4]>>[*:1][S+0:2](=[O-0:3])[*:4]\n",
            rdMolStandardize.CleanupParameters(),
        ),
        "neutralise": rdMolStandardize.Uncharger,
        "canonical_tautomer": rdMolStandardize.TautomerEnumerator,
    }
    return makers[name]()


def take_steps(mol: Any, steps: list[str]) -> Any:
    """Return the molecule after ``steps``, each of which leaves one that can be written and read.

    Raises
    ------
    MoleculeError
        ``failed_STEP`` for the step that fails or leaves a molecule that RDKit cannot read.
    """
    for step in steps:
        try:
            after = _ACTIONS[step](mol)
            if not _readable(after):
                raise ValueError("what it gives cannot be read again")
        except MoleculeError:
            raise
        except Exception as error:  # RDKit raises whatever its parts raise
            if step == "neutralise":
                # The charges stay where hydrogens cannot settle them.
                after = _neutralised_kekule(mol)
            else:
                raise MoleculeError(f"failed_{step}", f"the step {step} failed: {words_of(error)}") from None
        mol = after
    # A salt that is kept whole keeps its metal: nothing of it is left alone.
    if "disconnect_metals" in steps and len(Chem.GetMolFrags(mol)) == 1:
        _refuse_cations(mol)
    return mol


def _refuse_cations(mol: Any) -> None:
    """Refuse what is left of a metal's compound once its counter-ions are gone, as ``C[Sn+](C)C``."""
    for atom in mol.GetAtoms():
        if atom.GetFormalCharge() and atom.GetSymbol() not in NON_METALS:
            raise MoleculeError(
                "metal", f"without counter-ions a cation of the metal {atom.GetSymbol()} would be left of it"
            )


def _readable(mol: Any) -> bool:
    return Chem.MolFromSmiles(Chem.MolToSmiles(mol), PARSER) is not None


def _neutralised_kekule(mol: Any) -> Any:
    """Return the molecule neutralised in its Kekule form, where rings may stop being aromatic; else as it is."""
    try:
        plain = Chem.RWMol(mol)
        Chem.Kekulize(plain, clearAromaticFlags=True)
        neutral = _tool("neutralise").uncharge(plain)
        Chem.SanitizeMol(neutral)
        return neutral if _readable(neutral) else mol
    except Exception:  # as above
        return mol


def settled(mol: Any) -> tuple[str, Any]:
    """Return the SMILES and the molecule that it parses to, so that both are those of what is stored."""
    smiles = Chem.MolToSmiles(mol)
    for _ in range(3):
        mol = read_again(smiles)
        again = Chem.MolToSmiles(mol)
        if again == smiles:
            break
        smiles = again
    return smiles, mol


def read_again(smiles: str) -> Any:
    """Return the molecule of a SMILES that RDKit wrote.

    Raises
    ------
    MoleculeError
        ``failed_writing``
    """
    mol = Chem.MolFromSmiles(smiles, PARSER)
    if mol is None:
        raise MoleculeError(
            f"failed_{WRITING}", f"RDKit cannot read the form that it wrote of the molecule: {smiles[:200]}"
        )
    return mol


def _normalise(mol: Any) -> Any:
    return _tool("sulfoxide").normalize(_tool("normalise").normalize(mol))


def _clear_atom_maps(mol: Any) -> Any:
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(0)
    return mol


def _clear_isotopes(mol: Any) -> Any:
    for atom in mol.GetAtoms():
        atom.SetIsotope(0)
    return mol


def _drop_stereo(mol: Any) -> Any:
    Chem.RemoveStereochemistry(mol)
    return mol


def _without_metal_bonds(mol: Any) -> Any:
    mol = disconnect_metals(mol)
    refuse_bare_ions(mol)  # which breaking bonds may have made
    return mol


_ACTIONS: dict[str, Callable[[Any], Any]] = {
    "clear_atom_maps": _clear_atom_maps,
    "disconnect_metals": _without_metal_bonds,
    "normalise": _normalise,
    "strip_salts": without_salts,
    "largest_fragment": largest_fragment,
    "neutralise": lambda mol: _tool("neutralise").uncharge(mol),
    "clear_isotopes": _clear_isotopes,
    "drop_stereo": _drop_stereo,
    "canonical_tautomer": lambda mol: _tool("canonical_tautomer").Canonicalize(mol),
}
