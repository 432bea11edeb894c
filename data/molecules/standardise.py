"""Molecules: one standard form, the reason when there is none, and the properties that filters use.

A standard form serves two ends: the same compound from two vendors becomes one row, and what is stored is
what is docked. The steps are those of RDKit's ``MolStandardize``; each has a switch. Most molecules of a
vendor's catalogue need none of them, so every step is guarded by a look at the canonical SMILES, which is
some twenty times cheaper than the step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdqueries

from ..words import plural
from .fragments import NON_METALS, refuse_bare_ions
from .parse import MoleculeError, mol_from_block, parse_smiles, rdkit_messages, words_of
from .properties import PROPERTY_NAMES, properties
from .steps import read_again, settled, take_steps
from .stereo_groups import (
    canonical_groups,
    groups_of,
    loses_axial_chirality,
    mark,
    marked_again,
    read_extension,
)

__all__ = [
    "DEFAULT_STANDARD",
    "PROPERTY_NAMES",
    "MoleculeError",
    "Standard",
    "StandardSettings",
    "mol_from_block",
    "properties",
    "rdkit_messages",
    "standard_smiles",
    "standardise",
]

MAX_ATOMS = 32_000
"""Properties that count atoms are stored as int16."""


@dataclass(frozen=True)
class StandardSettings:
    """Which steps lead to the standard form; they are taken in this order.

    Attributes
    ----------
    clear_atom_maps : bool
        Forget atom-map numbers (``[CH3:1]``).
    disconnect_metals : bool
        Break the bonds of metals that salts are drawn with (``[Na]OC`` becomes ``[Na+].[O-]C``), and reject
        complexes. Off: complexes are kept whole, and no step but those of maps, isotopes and stereo is taken.
    normalise : bool
        Bring charge-separated groups to one form (nitro, N-oxide, azide, diazo ...). Sulfoxides keep
        ``S=O``, the form in which catalogues are written.
    strip_salts : bool
        Remove known counter-ions and solvents, unless nothing would be left.
    largest_fragment : bool
        Keep the organic fragment of the most heavy atoms.
    neutralise : bool
        Add or remove hydrogens until the molecule is neutral, where hydrogens can do it.
    clear_isotopes : bool
        Forget isotopes. Off: a deuterated drug is another compound.
    keep_stereo : bool
        Off: forget stereochemistry, stereo groups too.
    canonical_tautomer : bool
        Off by default: 100 times slower than everything else together, and not the form that is sold.
    min_heavy_atoms, max_heavy_atoms : int
        Smaller and larger molecules are rejected.
    max_characters : int
        Longer SMILES are rejected, never cut.

    Examples
    --------
    >>> settings = docksieve.StandardSettings(clear_isotopes=True)
    >>> docksieve.standard_smiles("[2H]C([2H])([2H])Oc1ccccc1", settings)
    'COc1ccccc1'
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never a field

    clear_atom_maps: bool = True
    disconnect_metals: bool = True
    normalise: bool = True
    strip_salts: bool = True
    largest_fragment: bool = True
    neutralise: bool = True
    clear_isotopes: bool = False
    keep_stereo: bool = True
    canonical_tautomer: bool = False
    min_heavy_atoms: int = 1
    max_heavy_atoms: int = 999
    max_characters: int = 10_000

    def __post_init__(self) -> None:
        if not 1 <= self.min_heavy_atoms <= self.max_heavy_atoms <= MAX_ATOMS:
            raise ValueError(
                f"min_heavy_atoms ({self.min_heavy_atoms}) and max_heavy_atoms ({self.max_heavy_atoms}) "
                f"must satisfy 1 <= min <= max <= {MAX_ATOMS}"
            )
        if self.max_characters < 1:
            raise ValueError(f"max_characters must be at least 1, not {self.max_characters}")


DEFAULT_STANDARD = StandardSettings()


@dataclass(frozen=True)
class Standard:
    """The standard form of a molecule.

    Attributes
    ----------
    smiles : str
    mol : rdkit Mol
        What was parsed from it.
    stereo_groups : str
        Canonical ``&`` and ``o`` groups as a CXSMILES extension to ``smiles``; empty: none.
    lost_axial : bool
        The molecule had the handedness of an allene or of a hindered axis, which ``smiles`` does not keep.
    """

    smiles: str
    mol: Any
    stereo_groups: str = ""
    lost_axial: bool = False


# Charges inside groups that no step changes; they are blanked before looking for charges that matter.
_NITRO = re.compile(r"\[N\+\]\(=O\)\[O-\]|\[N\+\]\(\[O-\]\)=O|O=\[N\+\]\(\[O-\]\)|\[O-\]\[N\+\]\(=O\)")
# Every normalisation but those that RDKit's sanitisation has done already begins at a cation of S, P, C ...
_ODD_CATION = re.compile(r"\[\d*(?:[SPC](?![a-z])|[sp]|Se|As|Sb|Te)[^\]]*\+")
_CHARGE = re.compile(r"\[[^\]]*[+-]\d?\d?(?::\d+)?\]")
_ATOM_MAP = re.compile(r":\d+\]")
_ISOTOPE = re.compile(r"\[\d")
_BRACKET_SYMBOL = re.compile(r"\[\d*(\*|[A-Z][a-z]?)")
_UNPAIRED: Any = rdqueries.NumRadicalElectronsGreaterQueryAtom(0)
# Every atom in brackets but centres, [nH], nitro groups and plain anions may have an unpaired electron.
_MAY_BE_RADICAL = re.compile(r"\[(?!C@@?H?\]|nH\]|O-\]|n\+\]|N\+\]\(=O\)\[O-\]|(?<=O=\[)N\+\]\(\[O-\]\))")
_LIKE_SELFIES = re.compile(r"(?:[=#]?\[(?:[BCNOPSFI]|Cl|Br)\]){3,}")
# Where what RDKit writes is not always what it reads: odd bonds, and other atoms in brackets than the usual ones.
_DOUBTFUL = re.compile(r"[~>$]|\[\d*(?!(?:C|N|O|H|n|o)(?![a-z]))")


def standardise(
    molecule: str | Any, settings: StandardSettings = DEFAULT_STANDARD, extension: str = ""
) -> Standard:
    """Return the standard form of a molecule.

    Parameters
    ----------
    molecule : str or rdkit Mol
        SMILES (no title, no CXSMILES extension), or a sanitised molecule.
    settings : StandardSettings
    extension : str
        The CXSMILES extension of a SMILES, with its bars: its stereo groups are kept.

    Returns
    -------
    Standard

    Raises
    ------
    MoleculeError
        If there is no such molecule or it cannot be in a library; ``code`` says which. Nothing else is raised for
        a molecule, whatever it is.
    """
    try:
        return _standardise(molecule, settings, extension)
    except MoleculeError:
        raise
    except Exception as error:  # RDKit raises whatever its parts raise; one molecule must not end a build
        raise MoleculeError("sanitise", words_of(error)) from None


def _standardise(molecule: str | Any, settings: StandardSettings, extension: str) -> Standard:
    drawn = molecule if not isinstance(molecule, str) else None
    mol = parse_smiles(molecule, settings.max_characters) if drawn is None else drawn
    if mol.GetNumAtoms() == 0:
        raise MoleculeError("empty", "the molecule has no atoms")
    if mol.GetNumAtoms() > MAX_ATOMS:
        raise MoleculeError("too_large", f"the molecule has {mol.GetNumAtoms()} atoms")
    given = molecule if drawn is None else ""
    if extension:
        drawn = read_extension(given, extension)
    lost = settings.keep_stereo and loses_axial_chirality(given, drawn)
    groups = groups_of(drawn) if drawn is not None and settings.keep_stereo else []
    if groups and drawn is not None and drawn.GetNumAtoms() == mol.GetNumAtoms():
        mol = mark(mol, groups)
    else:
        groups = []
    smiles = Chem.MolToSmiles(mol)
    if "[" in smiles and _CHARGE.search(smiles):
        refuse_bare_ions(mol)
    steps = _steps_needed(smiles, settings)
    if steps:
        mol = take_steps(mol, steps)
    text = ""
    if groups:
        smiles, text = canonical_groups(marked_again(mol, [kind for kind, _ in groups]))
        mol = read_again(smiles)
    elif steps or is_doubtful(smiles):
        smiles, mol = settled(mol)
    check_form(smiles, mol, settings)
    return Standard(smiles, mol, text, lost)


def standard_smiles(text: str, settings: StandardSettings = DEFAULT_STANDARD) -> str:
    """Return the standard SMILES of a SMILES: what a library holds, and what students are to be asked about.

    Parameters
    ----------
    text : str
        SMILES without title or CXSMILES extension; blanks around it do not matter.
    settings : StandardSettings
        For a molecule of a library, those that it was built with.

    Returns
    -------
    str

    Raises
    ------
    MoleculeError
        If there is no such molecule or it cannot be in a library; ``code`` says which.

    Examples
    --------
    >>> docksieve.standard_smiles("[Na+].[O-]C(=O)c1ccccc1O")
    'O=C(O)c1ccccc1O'
    """
    with rdkit_messages():
        return standardise(text.strip(), settings).smiles


def is_doubtful(smiles: str) -> bool:
    """Tell whether a canonical SMILES may not be what it parses to, and has to be read again to know."""
    return _DOUBTFUL.search(smiles) is not None


def check_form(smiles: str, mol: Any, settings: StandardSettings) -> None:
    """Refuse what a library does not hold.

    Parameters
    ----------
    smiles : str
        Canonical SMILES of ``mol``.
    mol : rdkit Mol
    settings : StandardSettings

    Raises
    ------
    MoleculeError
        ``wildcard``, ``radical``, ``too_small`` or ``too_large``.
    """
    if "~" in smiles:
        raise MoleculeError("wildcard", "the molecule has a bond of undefined order (~)")
    if "*" in smiles:
        raise MoleculeError("wildcard", "the molecule has an undefined atom (*), as R-groups and polymers do")
    if "[" in smiles and _MAY_BE_RADICAL.search(smiles):
        # What RDKit takes for unpaired electrons of a metal, as tin(II), are lone pairs.
        unpaired = [a for a in mol.GetAtomsMatchingQuery(_UNPAIRED) if a.GetSymbol() in NON_METALS]
        if unpaired:
            raise MoleculeError("radical", _radical_words(smiles, unpaired))
    heavy = mol.GetNumHeavyAtoms()
    if heavy < settings.min_heavy_atoms:
        raise MoleculeError("too_small", f"{heavy} heavy atoms; the least is {settings.min_heavy_atoms}")
    if heavy > settings.max_heavy_atoms:
        raise MoleculeError("too_large", f"{heavy} heavy atoms; the most is {settings.max_heavy_atoms}")


def _radical_words(smiles: str, atoms: Any) -> str:
    symbols = ", ".join(sorted({atom.GetSymbol() for atom in atoms}))
    count = sum(atom.GetNumRadicalElectrons() for atom in atoms)
    words = f"it has {plural(count, 'unpaired electron')} ({symbols})"
    # [C][C][O] is ethanol in SELFIES, and three bare atoms in SMILES.
    if _LIKE_SELFIES.fullmatch(smiles):
        words += "; SELFIES, if that is what it is, must be decoded to SMILES first"
    return words


def _steps_needed(smiles: str, settings: StandardSettings) -> list[str]:
    """Return the steps that could change a molecule with this canonical SMILES, in order."""
    steps = []
    charged = metals = False
    if "[" in smiles:
        charged = ("+" in smiles or "-" in smiles) and bool(_CHARGE.search(_NITRO.sub("", smiles)))
        metals = not NON_METALS.issuperset(_BRACKET_SYMBOL.findall(smiles))
        if settings.clear_atom_maps and _ATOM_MAP.search(smiles):
            steps.append("clear_atom_maps")
        if metals and settings.disconnect_metals:
            steps.append("disconnect_metals")
            charged = True  # disconnecting leaves ions
    if metals and not settings.disconnect_metals:
        charged = False
    elif charged and settings.normalise and (metals or _ODD_CATION.search(smiles)):
        steps.append("normalise")
    if ("." in smiles and (settings.disconnect_metals or not metals)) or "disconnect_metals" in steps:
        steps += [name for name in ("strip_salts", "largest_fragment") if getattr(settings, name)]
    if charged and settings.neutralise:
        steps.append("neutralise")
    if settings.clear_isotopes and _ISOTOPE.search(smiles):
        steps.append("clear_isotopes")
    if not settings.keep_stereo and any(sign in smiles for sign in "@/\\"):
        steps.append("drop_stereo")
    if settings.canonical_tautomer:
        steps.append("canonical_tautomer")
    return steps
