"""Entries of several parts: metals, ions, counter-ions, and the part that the entry is about."""

from __future__ import annotations

from functools import cache
from typing import Any

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

from .counter_ions import counter_ion_class
from .parse import MoleculeError

_SYMBOL = Chem.GetPeriodicTable().GetElementSymbol


def _numbers(symbols: str) -> frozenset[int]:
    return frozenset(Chem.GetPeriodicTable().GetAtomicNumber(symbol) for symbol in symbols.split())


_NON_METAL_NUMBERS = _numbers("H He B C N O F Ne Si P S Cl Ar As Se Br Kr Te I At Xe Rn") | {0}
NON_METALS = frozenset(["*", *map(_SYMBOL, _NON_METAL_NUMBERS - {0})])
"""Symbols whose bonds are those of organic chemistry."""

_ALKALINE = _numbers("Li Na K Rb Cs Fr Be Mg Ca Sr Ba Ra")
_OF_AMIDES = _ALKALINE | _numbers("Al Zn Ag")
_COVALENT = _numbers("Ga Ge In Sn Sb Tl Pb Bi Po Hg")
"""Metals that organic chemistry bonds like carbon: tributyltin, phenylmercury."""
_NOBLE = _numbers("Tc Ru Rh Pd Re Os Ir Pt Au")
"""Metals that are complexes wherever they stand beside something."""
_SALTS = _ALKALINE | _numbers("Al Zn Ag Cd") | _numbers("Sc Y La Ce Pr Nd Sm Eu Gd Tb Dy Ho Er Tm Yb Lu")
"""Metals that are counter-ions where they stand alone, whatever they stand beside."""
_PARTNERS = _numbers("O S Se F Cl Br I")


def disconnect_metals(mol: Any) -> Any:
    """Break the bonds of metals that a salt was drawn with, as ``[Na]OC`` or ``CC(=O)O[Zn]OC(C)=O``.

    Tin, mercury, lead and their neighbours stay bonded: their compounds are molecules.

    Raises
    ------
    MoleculeError
        ``metal`` where the metal holds a complex together (cisplatin, ferrocene, a Grignard reagent), or
        ``bare_ion`` where there is nothing but ions and atoms that stand alone.
    """
    metals = [atom for atom in mol.GetAtoms() if atom.GetAtomicNum() not in _NON_METAL_NUMBERS]
    for atom in metals:
        if atom.GetDegree() and atom.GetAtomicNum() not in _COVALENT and not _drawn_salt(atom):
            raise _metal(atom)
    salts = [atom.GetIdx() for atom in metals if atom.GetDegree() and atom.GetAtomicNum() not in _COVALENT]
    if salts:
        mol = _broken(mol, salts)
    alone = [atom for atom in mol.GetAtoms() if _is_metal(atom) and not atom.GetDegree()]
    for atom in alone:
        if atom.GetAtomicNum() in _NOBLE:
            raise _metal(atom)
    others = [atom for atom in alone if atom.GetAtomicNum() not in _SALTS]
    if others and _is_complex(mol, others):
        raise _metal(others[0])
    return mol


def _is_metal(atom: Any) -> bool:
    return atom.GetAtomicNum() not in _NON_METAL_NUMBERS


def _metal(atom: Any) -> MoleculeError:
    name = _SYMBOL(atom.GetAtomicNum())
    return MoleculeError(
        "metal", f"the metal {name} is part of the molecule, which is no molecule without it"
    )


def _drawn_salt(atom: Any) -> bool:
    """Tell whether a metal with bonds is a cation that was drawn with them."""
    number = atom.GetAtomicNum()
    if number in _NOBLE or (atom.IsInRing() and number not in _ALKALINE):
        return False
    partners = _PARTNERS | {7} if number in _OF_AMIDES and not atom.IsInRing() else _PARTNERS
    return all(
        # Magnesium oxide is the one double bond that people write.
        (
            bond.GetBondType() == Chem.BondType.SINGLE
            or (bond.GetBondType() == Chem.BondType.DOUBLE and _lone(bond, atom))
        )
        and bond.GetOtherAtom(atom).GetAtomicNum() in partners
        for bond in atom.GetBonds()
    )


def _lone(bond: Any, atom: Any) -> bool:
    """Tell whether the atom at the other end of a bond has no further neighbour."""
    return bool(bond.GetOtherAtom(atom).GetDegree() == 1)


def _broken(mol: Any, metals: list[int]) -> Any:
    parts = Chem.RWMol(mol)
    for index in metals:
        metal = parts.GetAtomWithIdx(index)
        metal.SetNoImplicit(True)
        metal.SetNumExplicitHs(0)
        for other in [neighbour.GetIdx() for neighbour in metal.GetNeighbors()]:
            partner = parts.GetAtomWithIdx(other)
            order = int(parts.GetBondBetweenAtoms(index, other).GetBondTypeAsDouble())
            parts.RemoveBond(index, other)
            metal.SetFormalCharge(metal.GetFormalCharge() + order)
            partner.SetFormalCharge(partner.GetFormalCharge() - order)
            metal.SetNumRadicalElectrons(0)
    Chem.SanitizeMol(parts)
    return parts.GetMol()


def _is_complex(mol: Any, metals: list[Any]) -> bool:
    """Tell whether ions of transition metals hold what stands beside them: carbanions, or neutral molecules only."""
    carbon = [
        piece for piece in Chem.GetMolFrags(mol, asMols=True, sanitizeFrags=False) if _has_carbon(piece)
    ]
    if not carbon:
        return False
    atoms = [atom for piece in carbon for atom in piece.GetAtoms()]
    if any(atom.GetAtomicNum() == 6 and atom.GetFormalCharge() < 0 for atom in atoms):
        return True
    anions = any(atom.GetFormalCharge() < 0 and not _balanced(atom) for atom in atoms)
    return not anions and any(metal.GetFormalCharge() > 0 for metal in metals)


def _balanced(atom: Any) -> bool:
    """Tell whether an anion's charge is that of a nitro group or its like."""
    return any(other.GetFormalCharge() > 0 for other in atom.GetNeighbors())


def _has_carbon(mol: Any) -> bool:
    return any(atom.GetAtomicNum() == 6 for atom in mol.GetAtoms())


def refuse_bare_ions(mol: Any) -> None:
    """Refuse an entry of nothing but ions and metal atoms that stand alone, with water perhaps.

    Raises
    ------
    MoleculeError
        ``bare_ion``
    """
    ions = []
    for atom in mol.GetAtoms():
        if any(other.GetAtomicNum() > 1 for other in atom.GetNeighbors()):
            return
        if atom.GetFormalCharge() or _is_metal(atom):
            ions.append(_SYMBOL(atom.GetAtomicNum()))
    if ions:
        named = ", ".join(dict.fromkeys(ions))
        raise MoleculeError("bare_ion", f"it is nothing but ions or atoms that stand alone ({named})")


def without_salts(mol: Any) -> Any:
    """Return the molecule without counter-ions and solvents, unless nothing would be left.

    First go those of RDKit's list, then bases, then acids (:mod:`.counter_ions`): of choline salicylate, the
    salicylic acid stays.
    """
    mol = _tool("remover").remove(mol)
    for kind in (2, 1):
        pieces = Chem.GetMolFrags(mol)
        if len(pieces) == 1:
            break
        molecules = Chem.GetMolFrags(mol, asMols=True, sanitizeFrags=False)
        kinds = [counter_ion_class(_sanitised(piece)) for piece in molecules]
        gone = [atom for piece, found in zip(pieces, kinds, strict=True) if found == kind for atom in piece]
        # Ions without carbon are nothing to keep an entry by.
        rest = [piece for piece, found in zip(molecules, kinds, strict=True) if found != kind]
        if gone and any(map(_has_carbon, rest)):
            mol = _removed(mol, gone)
    return mol


def _sanitised(mol: Any) -> Any:
    mol = Chem.Mol(mol)
    Chem.SanitizeMol(mol)
    return mol


def _removed(mol: Any, atoms: list[int]) -> Any:
    left = Chem.RWMol(mol)
    left.BeginBatchEdit()
    for atom in atoms:
        left.RemoveAtom(atom)
    left.CommitBatchEdit()
    return left.GetMol()


def largest_fragment(mol: Any) -> Any:
    """Return the organic fragment of the most heavy atoms; of equals the heavier, then the first by its SMILES."""
    return _tool("chooser").choose(mol)


@cache
def _tool(name: str) -> Any:
    """Return the RDKit object, made once per process."""
    if name == "remover":
        return rdMolStandardize.FragmentRemover()
    parameters: Any = rdMolStandardize.CleanupParameters()
    parameters.preferOrganic = True
    parameters.largestFragmentChooserCountHeavyAtomsOnly = True
    return rdMolStandardize.LargestFragmentChooser(parameters)
