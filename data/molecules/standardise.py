"""Molecules: one standard form, the reason when there is none, and the properties that filters use.

A standard form serves two ends: the same compound from two vendors becomes one row, and what is stored is
what is docked. The steps are those of RDKit's ``MolStandardize``; each has a switch. Most molecules of a
vendor's catalogue need none of them, so every step is guarded by a look at the canonical SMILES, which is
some twenty times cheaper than the step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

from .parse import MoleculeError, mol_from_block, parse_smiles, rdkit_messages, tidy_message
from .properties import PROPERTY_NAMES, properties

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
        Break covalent bonds between metals and N, O, F (``[Na]OC`` becomes ``[Na+].[O-]C``).
    normalise : bool
        Bring charge-separated groups to one form (nitro, N-oxide, azide, diazo ...). Sulfoxides keep
        ``S=O``, the form in which catalogues are written.
    strip_salts : bool
        Remove known counter-ions and solvents, unless nothing would be left.
    largest_fragment : bool
        Keep the largest organic fragment.
    neutralise : bool
        Add or remove hydrogens until the molecule is neutral, where hydrogens can do it.
    clear_isotopes : bool
        Forget isotopes. Off: a deuterated drug is another compound.
    keep_stereo : bool
        Off: forget stereochemistry.
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
    """The standard form of a molecule: its SMILES, and the RDKit molecule that was parsed from it."""

    smiles: str
    mol: Any


# Charges inside groups that no step changes; they are blanked before looking for charges that matter.
_NITRO = re.compile(r"\[N\+\]\(=O\)\[O-\]|\[N\+\]\(\[O-\]\)=O|O=\[N\+\]\(\[O-\]\)|\[O-\]\[N\+\]\(=O\)")
# Every normalisation but those that RDKit's sanitisation has done already begins at a cation of S, P, C ...
_ODD_CATION = re.compile(r"\[\d*(?:[SPC](?![a-z])|[sp]|Se|As|Sb|Te)[^\]]*\+")
_CHARGE = re.compile(r"\[[^\]]*[+-]\d?\d?(?::\d+)?\]")
_ATOM_MAP = re.compile(r":\d+\]")
_ISOTOPE = re.compile(r"\[\d")
_BRACKET_SYMBOL = re.compile(r"\[\d*([A-Z][a-z]?)")
_NON_METALS = frozenset(
    [
        "H",
        "He",
        "B",
        "C",
        "N",
        "O",
        "F",
        "Ne",
        "Si",
        "P",
        "S",
        "Cl",
        "Ar",
        "As",
        "Se",
        "Br",
        "Kr",
        "Te",
        "I",
        "Xe",
    ]
)


def standardise(molecule: str | Any, settings: StandardSettings = DEFAULT_STANDARD) -> Standard:
    """Return the standard form of a molecule.

    Parameters
    ----------
    molecule : str or rdkit Mol
        SMILES (no title, no CXSMILES extension), or a sanitised molecule.
    settings : StandardSettings

    Returns
    -------
    Standard

    Raises
    ------
    MoleculeError
        If there is no such molecule or it cannot be in a library; ``code`` says which.
    """
    mol = parse_smiles(molecule, settings.max_characters) if isinstance(molecule, str) else molecule
    if mol.GetNumAtoms() == 0:
        raise MoleculeError("empty", "the molecule has no atoms")
    if mol.GetNumAtoms() > MAX_ATOMS:
        raise MoleculeError("too_large", f"the molecule has {mol.GetNumAtoms()} atoms")
    smiles = Chem.MolToSmiles(mol)
    steps = _steps_needed(smiles, settings)
    if steps:
        smiles, mol = _take_steps(mol, steps, settings)
    if "*" in smiles:
        raise MoleculeError("wildcard", "the molecule has an undefined atom (*), as R-groups and polymers do")
    heavy = mol.GetNumHeavyAtoms()
    if heavy < settings.min_heavy_atoms:
        raise MoleculeError("too_small", f"{heavy} heavy atoms; the least is {settings.min_heavy_atoms}")
    if heavy > settings.max_heavy_atoms:
        raise MoleculeError("too_large", f"{heavy} heavy atoms; the most is {settings.max_heavy_atoms}")
    return Standard(smiles, mol)


def standard_smiles(text: str, settings: StandardSettings = DEFAULT_STANDARD) -> str:
    """Return the standard SMILES of a SMILES: what a library holds, and what students are to be asked about.

    Parameters
    ----------
    text : str
        SMILES without title; blanks around it do not matter.
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


def _steps_needed(smiles: str, settings: StandardSettings) -> list[str]:
    """Return the steps that could change a molecule with this canonical SMILES, in order."""
    steps = []
    charged = False
    if "[" in smiles:
        charged = ("+" in smiles or "-" in smiles) and bool(_CHARGE.search(_NITRO.sub("", smiles)))
        if settings.clear_atom_maps and _ATOM_MAP.search(smiles):
            steps.append("clear_atom_maps")
        if settings.disconnect_metals and not _NON_METALS.issuperset(_BRACKET_SYMBOL.findall(smiles)):
            steps.append("disconnect_metals")
            charged = True  # disconnecting leaves ions
    if charged and settings.normalise and ("disconnect_metals" in steps or _ODD_CATION.search(smiles)):
        steps.append("normalise")
    if "." in smiles or "disconnect_metals" in steps:
        steps += [name for name in ("strip_salts", "largest_fragment") if getattr(settings, name)]
    if charged and settings.neutralise:
        steps.append("neutralise")
    if settings.clear_isotopes and _ISOTOPE.search(smiles):
        steps.append("clear_isotopes")
    if not settings.keep_stereo and any(mark in smiles for mark in "@/\\"):
        steps.append("drop_stereo")
    if settings.canonical_tautomer:
        steps.append("canonical_tautomer")
    return steps


# RDKit's own list turns sulfoxides into [S+][O-]; catalogues, and docking programs, want S=O.


@cache
def _tool(name: str) -> Any:
    """Return the RDKit object that performs a step, made once per process."""
    if name == "normalise":
        return rdMolStandardize.NormalizerFromData(
            _tabbed(_NORMALISATIONS), rdMolStandardize.CleanupParameters()
        )
    if name == "largest_fragment":
        parameters: Any = rdMolStandardize.CleanupParameters()
        parameters.preferOrganic = True
        return rdMolStandardize.LargestFragmentChooser(parameters)
    makers: dict[str, Any] = {
        "disconnect_metals": rdMolStandardize.MetalDisconnector,
        "strip_salts": rdMolStandardize.FragmentRemover,
        "strip_counter_ions": lambda: rdMolStandardize.FragmentRemoverFromData(_tabbed(_COUNTER_IONS)),
        "neutralise": rdMolStandardize.Uncharger,
        "canonical_tautomer": rdMolStandardize.TautomerEnumerator,
    }
    return makers[name]()


_NORMALISATIONS = (
    ("Nitro to N+(O-)=O", "[N,P,As,Sb;X3:1](=[O,S,Se,Te:2])=[O,S,Se,Te:3]>>[*+1:1]([*-1:2])=[*:3]"),
    ("Sulfone to S(=O)(=O)", "[S+2:1]([O-:2])([O-:3])>>[S+0:1](=[O-0:2])(=[O-0:3])"),
    ("Sulfoxide to S=O", "[!O:1][S+1;X3:2]([O-:3])[!O:4]>>[*:1][S+0:2](=[O-0:3])[*:4]"),
    ("Pyridine oxide to n+O-", "[nH0+0:1]=[OH0+0:2]>>[n+:1][O-:2]"),
    ("Azide to N=N+=N-", "[*:1][N:2]=[N:3]#[N:4]>>[*:1][N:2]=[N+:3]=[N-:4]"),
    ("Diazo/azo to =N+=N-", "[*:1]=[N:2]#[N:3]>>[*:1]=[N+:2]=[N-:3]"),
    ("Phosphate to P(O-)=O", "[O-:1][P+;D4:2][O-:3]>>[O+0:1]=[P+0;D5:2][O-:3]"),
    ("C/S+N to C/S=N+", "[C,S&!$([S+]-[O-]);X3+1:1]([NX3:2])[A:3]>>[*+0:1](=[N+1:2])[*:3]"),
    ("P+N to P=N+", "[P;X4+1:1]([NX3:2])[A:3][A:4]>>[*+0:1](=[N+1:2])([*:3])[*:4]"),
)


# Acids that drugs are sold as salts of, beside those that RDKit's list has; some are larger than the drug.
_COUNTER_IONS = (
    ("tosylate", "[CH3]c1ccc(cc1)S(=O)(=O)O"),
    ("besylate", "c1ccccc1S(=O)(=O)O"),
    ("napsylate", "c1ccc2cc(ccc2c1)S(=O)(=O)O"),
    ("esylate", "[CH3][CH2]S(=O)(=O)O"),
    ("camsylate", "CC1(C)C2CCC1(CS(=O)(=O)O)C(=O)C2"),
    ("lauryl sulfate", "CCCCCCCCCCCCOS(=O)(=O)O"),
    ("fumarate, maleate", "OC(=O)C=CC(=O)O"),
    ("tartrate", "OC(=O)C(O)C(O)C(=O)O"),
    ("citrate", "OC(=O)CC(O)(CC(=O)O)C(=O)O"),
    ("malate", "OC(=O)CC(O)C(=O)O"),
    ("succinate", "OC(=O)CCC(=O)O"),
    ("malonate", "OC(=O)CC(=O)O"),
    ("oxalate", "OC(=O)C(=O)O"),
    ("lactate", "CC(O)C(=O)O"),
    ("gluconate", "OCC(O)C(O)C(O)C(O)C(=O)O"),
    ("mandelate", "OC(=O)C(O)c1ccccc1"),
    ("benzoate", "OC(=O)c1ccccc1"),
    ("salicylate", "OC(=O)c1ccccc1O"),
    ("hydroxynaphthoate", "OC(=O)c1cc2ccccc2cc1O"),
    ("pamoate", "OC(=O)c1cc2ccccc2c(Cc2c(O)c(cc3ccccc23)C(=O)O)c1O"),
    ("picrate", "Oc1c(N(~O)~O)cc(N(~O)~O)cc1N(~O)~O"),
    ("palmitate", "CCCCCCCCCCCCCCCC(=O)O"),
    ("stearate", "CCCCCCCCCCCCCCCCCC(=O)O"),
)


def _tabbed(pairs: tuple[tuple[str, str], ...]) -> str:
    return "".join(f"{name}\t{smarts}\n" for name, smarts in pairs)


def _take_steps(mol: Any, steps: list[str], settings: StandardSettings) -> tuple[str, Any]:
    """Return the SMILES after ``steps``, and the molecule that it parses to."""
    actions = {
        "disconnect_metals": lambda m: _tool("disconnect_metals").Disconnect(m),
        "normalise": lambda m: _tool("normalise").normalize(m),
        "strip_salts": lambda m: _tool("strip_counter_ions").remove(_tool("strip_salts").remove(m)),
        "largest_fragment": lambda m: _tool("largest_fragment").choose(m),
        "neutralise": lambda m: _tool("neutralise").uncharge(m),
        "canonical_tautomer": lambda m: _tool("canonical_tautomer").Canonicalize(m),
        "clear_atom_maps": _clear_atom_maps,
        "clear_isotopes": _clear_isotopes,
        "drop_stereo": _drop_stereo,
    }
    step = ""
    try:
        for step in steps:
            mol = actions[step](mol)
        smiles = Chem.MolToSmiles(mol)
    except (RuntimeError, ValueError) as error:  # what RDKit's C++ exceptions arrive as
        raise MoleculeError("standardise", f"the step {step} failed: {tidy_message([str(error)])}") from None
    # Parsed again, so that aromaticity, hydrogens and stereo are those of what is stored.
    for _ in range(3):
        mol = parse_smiles(smiles, settings.max_characters)
        again = Chem.MolToSmiles(mol)
        if again == smiles:
            break
        smiles = again
    return smiles, mol


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
