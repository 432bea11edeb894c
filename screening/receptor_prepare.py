"""Makes a receptor PDBQT and a search box from a structure and the ligand in it.

The structure is cleaned first, because what is left in it decides what meeko does: alternative positions are
chosen, residues that the file interrupts are put together, and waters, ions and other molecules are taken
out, unless they are to be kept. Everything that is removed or changed is listed in the report.
"""

from __future__ import annotations

import contextlib
import io
import logging
import string
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
from numpy.typing import NDArray

from ..data.errors import DockingError
from ..data.store import sha256_file, write_bytes, write_json
from .receptor import Box, check_box, parse_receptor

NEAR = 4.0
"""A residue this close to the box (angstrom) touches what is docked."""
SMALLEST_SIDE = 15.0

_SOLVENTS = frozenset(
    {
        *(
            "HOH",
            "DOD",
            "WAT",
            "GOL",
            "EDO",
            "PEG",
            "PGE",
            "PG4",
            "1PE",
            "P6G",
            "MPD",
            "DMS",
            "DMF",
            "ACT",
            "ACY",
        ),
        *("FMT", "IPA", "EOH", "MES", "EPE", "TRS", "BME", "SO4", "PO4", "NO3", "CIT", "TLA", "MLI", "IMD"),
        *("BOG", "LDA", "OLC", "PLM", "NAG", "BMA", "MAN", "FUC"),
    }
)
"""What crystals are grown, kept or decorated with: never taken for the ligand."""
_METALS = frozenset({"MG", "CA", "MN", "FE", "FE2", "ZN", "CO", "NI", "CU", "CU1", "CD", "HG"})
_LINKS = frozenset({"N", "C", "P", "O3'"})
"""Atoms by which residues of proteins and nucleic acids are joined to the next."""
_RENAMED = {"MSE": ("MET", {"SE": ("SD", "S")}), "SEC": ("CYS", {"SE": ("SG", "S")})}


@dataclass(frozen=True)
class PrepareSettings:
    """How a structure becomes a receptor.

    Attributes
    ----------
    ligand : str or None
        A file (.sdf, .mol, .mol2, .pdb, .pdbqt) in the structure's frame, for the box.
    residue : str or None
        ``NAME``, ``NAME:CHAIN`` or ``NAME:CHAIN:NUMBER``: a residue of the structure, for the box. It is
        taken out of the receptor.
    padding : float
        Angstrom added around the reference on every side.
    chains : tuple of str
        Only these; empty: all.
    keep_waters : bool
        Keep the waters that lie in the box.
    keep : tuple of str
        Names of residues to keep although they are not polymer, for example ``ZN``.
    drop_bad : bool
        Go on although residues near the box must be left out.
    """

    ligand: str | None = None
    residue: str | None = None
    padding: float = 5.0
    chains: tuple[str, ...] = ()
    keep_waters: bool = False
    keep: tuple[str, ...] = ()
    drop_bad: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.padding <= 30:
            raise ValueError("padding: between 0 and 30 angstrom")
        if self.ligand is not None and self.residue is not None:
            raise ValueError("ligand and residue: one of them, not both")


@dataclass
class PrepareReport:
    """What was done to the structure.

    Attributes
    ----------
    receptor, box : str
        The files that were written.
    reference : str
        What the box was made around.
    removed : dict of str to int
        Residues taken out, by name.
    alternatives : list of str
        Residues of which one of several positions was chosen.
    renamed, cut_back, dropped : list of str
        Residues changed to a standard one, side chains cut back to alanine or glycine because atoms are
        missing, and residues left out because they fit no template.
    warnings : list of str
        What somebody should look at before docking a million molecules.
    """

    receptor: str = ""
    box: str = ""
    reference: str = ""
    atoms: int = 0
    atoms_near_box: int = 0
    center: tuple[float, ...] = ()
    size: tuple[float, ...] = ()
    removed: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    alternatives: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    cut_back: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    source_sha256: str = ""


@dataclass
class _Residue:
    """A residue of the cleaned structure."""

    chain: str
    seqid: Any
    name: str
    atoms: list[Any]
    hetero: bool = False

    @property
    def label(self) -> str:
        return f"{self.name} {self.chain}:{self.seqid}"

    @property
    def points(self) -> NDArray[np.float64]:
        return np.array([atom.pos.tolist() for atom in self.atoms], dtype=np.float64)

    @property
    def is_water(self) -> bool:
        return self.name in ("HOH", "DOD", "WAT")


def prepare_receptor(structure: Path, out: Path, settings: PrepareSettings) -> PrepareReport:
    """Write ``out/NAME.pdbqt``, ``NAME.box.txt`` and ``NAME.report.json`` from ``structure``.

    Parameters
    ----------
    structure : Path
        .pdb, .ent, .cif or .mmcif, also gzipped.
    out : Path
        Folder; made if it does not exist.
    settings : PrepareSettings

    Raises
    ------
    DockingError
        If the structure cannot be read, the reference is not found or not told, or residues near the box
        would have to be left out (and ``drop_bad`` is off).
    """
    report = PrepareReport(source_sha256=sha256_file(structure) if structure.is_file() else "")
    residues = _read_structure(structure, settings, report)
    name, points, reference = _reference(residues, structure, settings)
    report.reference = name
    box = Box.around(points, settings.padding, SMALLEST_SIDE)
    kept = _strip(residues, reference, box, settings, report)
    if not kept:
        raise DockingError(f"{structure} holds no protein or nucleic acid after cleaning.")
    text = _to_pdbqt(kept, box, settings, report)
    receptor = parse_receptor(text.encode(), f"prepared from {structure}")
    report.atoms = len(receptor.types)
    report.atoms_near_box = check_box(receptor, box)
    stem = structure.name.removesuffix(".gz").rsplit(".", 1)[0]
    pdbqt = out / f"{stem}.pdbqt"
    write_bytes(pdbqt, text.encode())
    write_bytes(out / f"{stem}.box.txt", box.to_text().encode())
    report.receptor, report.box = str(pdbqt), str(out / f"{stem}.box.txt")
    report.center, report.size = box.center, box.size
    write_json(out / f"{stem}.report.json", asdict(report))
    return report


def _read_structure(path: Path, settings: PrepareSettings, report: PrepareReport) -> list[_Residue]:
    """Return the residues of the first model, one position each, every residue in one piece."""
    if not path.is_file():
        raise DockingError(f"The structure {path} does not exist.")
    try:
        structure = gemmi.read_structure(str(path))
    except (RuntimeError, ValueError) as error:
        raise DockingError(f"{path} cannot be read as PDB or mmCIF: {error}.") from None
    if not len(structure) or not sum(len(chain) for chain in structure[0]):
        raise DockingError(f"{path} holds no atoms.", "Give a structure in PDB or mmCIF form.")
    if len(structure) > 1:
        report.warnings.append(f"the file has {len(structure)} models; the first is used")
    grouped: dict[tuple[str, str], list[Any]] = {}
    for chain in structure[0]:
        for residue in chain:
            # Files list a residue in pieces (after TER, or side chains apart): they belong together.
            grouped.setdefault((chain.name, str(residue.seqid)), []).append(residue)
    found = sorted({chain for chain, _ in grouped})
    missing = [chain for chain in settings.chains if chain not in found]
    if missing:
        raise DockingError(f"{path} has no chain {', '.join(missing)}; it has {', '.join(found)}.")
    letters = _chain_letters(found, report)
    return [
        _one_position(letters[chain], pieces, report)
        for (chain, _), pieces in grouped.items()
        if not settings.chains or chain in settings.chains
    ]


def _chain_letters(chains: Sequence[str], report: PrepareReport) -> dict[str, str]:
    """Return a one-letter name for each chain (PDB has no room for more)."""
    free = [c for c in string.ascii_uppercase + string.ascii_lowercase + string.digits if c not in chains]
    letters = {}
    for chain in chains:
        letters[chain] = chain if len(chain) == 1 else (free.pop(0) if free else "")
        if not letters[chain]:
            raise DockingError("The structure has more than 62 chains.", "Choose some: --chain A --chain B.")
        if letters[chain] != chain:
            report.renamed.append(f"chain {chain} is called {letters[chain]}")
    return letters


def _one_position(chain: str, pieces: Sequence[Any], report: PrepareReport) -> _Residue:
    """Return a residue in its most occupied position."""
    occupancy: Counter[tuple[str, str]] = Counter()
    for piece in pieces:
        for atom in piece:
            if atom.has_altloc():
                occupancy[piece.name, atom.altloc] += atom.occ
    names = {piece.name for piece in pieces}
    # The most occupied; of equals the first in the alphabet, so that the choice is always the same.
    best = min(occupancy, key=lambda key: (-occupancy[key], key[1], key[0])) if occupancy else None
    name = best[0] if best and len(names) > 1 else pieces[0].name
    letter = best[1] if best else ""
    atoms: dict[str, Any] = {}
    for piece in pieces:
        for atom in piece:
            if piece.name == name and (not atom.has_altloc() or atom.altloc == letter):
                atoms.setdefault(atom.name, atom.clone())
    residue = _Residue(chain, pieces[0].seqid, name, list(atoms.values()), pieces[0].het_flag == "H")
    if len(occupancy) > 1:
        choices = "/".join(sorted({key[1] for key in occupancy}))
        report.alternatives.append(f"{residue.label}: {letter} of {choices}")
    return residue


def _reference(
    residues: Sequence[_Residue], structure: Path, settings: PrepareSettings
) -> tuple[str, NDArray[np.float64], _Residue | None]:
    """Return the name and heavy-atom positions of what the box is made around, and its residue if it is one."""
    if settings.ligand is not None:
        return settings.ligand, read_points(Path(settings.ligand)), None
    candidates = [r for r in residues if _is_ligand(r)]
    if settings.residue is not None:
        name, _, rest = settings.residue.partition(":")
        chain, _, number = rest.partition(":")
        matches = [
            r
            for r in residues
            if r.name == name and (not chain or r.chain == chain) and (not number or str(r.seqid) == number)
        ]
    else:
        matches = candidates
    if len(matches) == 1:
        heavy = [atom.pos.tolist() for atom in matches[0].atoms if not atom.is_hydrogen()]
        return matches[0].label, np.array(heavy, dtype=np.float64), matches[0]
    has = ", ".join(f"{r.name}:{r.chain}:{r.seqid}" for r in (matches or candidates)[:20]) or "none"
    wanted = f"residue {settings.residue!r}" if settings.residue else "one ligand"
    raise DockingError(
        f"{structure}: the box is made around {wanted}, and there are {len(matches)}.",
        f"Ligands in the structure: {has}. Say which with --residue NAME:CHAIN:NUMBER, or give --ligand FILE.",
    )


def _is_ligand(residue: _Residue) -> bool:
    """Tell whether ``residue`` looks like a bound ligand rather than polymer, solvent or ion."""
    if residue.name in _SOLVENTS or residue.name in _templates() or residue.name in _RENAMED:
        return False
    heavy = sum(not atom.is_hydrogen() for atom in residue.atoms)
    names = {atom.name for atom in residue.atoms}
    return heavy >= 6 and not {"N", "CA", "C", "O"} <= names


def read_points(path: Path) -> NDArray[np.float64]:
    """Return the positions (n, 3), in angstrom, of the heavy atoms of a ligand file.

    Raises
    ------
    DockingError
        If it cannot be read or has no coordinates.
    """
    from rdkit import Chem, rdBase

    if not path.is_file():
        raise DockingError(f"The ligand {path} does not exist.")
    rdBase.DisableLog("rdApp.*")
    kind = path.suffix.lower()
    points: list[Any] = []
    if kind in (".pdb", ".pdbqt", ".ent"):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("ENDMDL"):
                break
            if line.startswith(("ATOM", "HETATM")) and not line[12:16].strip().lstrip(
                "0123456789"
            ).startswith("H"):
                with contextlib.suppress(ValueError):
                    points.append([float(line[30:38]), float(line[38:46]), float(line[46:54])])
    else:
        readers: dict[str, Any] = {".sdf": _first_sdf, ".mol": _first_sdf, ".mol2": Chem.MolFromMol2File}
        if kind not in readers:
            raise DockingError(
                f"The ligand {path} is of an unknown kind.", "Give .sdf, .mol, .mol2, .pdb or .pdbqt."
            )
        mol = readers[kind](str(path), sanitize=False)
        if mol is not None and mol.GetNumConformers() and mol.GetConformer().Is3D():
            positions = mol.GetConformer().GetPositions()
            points = [positions[a.GetIdx()] for a in mol.GetAtoms() if a.GetAtomicNum() > 1]
    if not points:
        raise DockingError(f"The ligand {path} has no readable atoms in three dimensions.")
    return np.array(points, dtype=np.float64)


def _first_sdf(path: str, sanitize: bool) -> Any:
    from rdkit import Chem

    return next(iter(Chem.SDMolSupplier(path, sanitize=sanitize)), None)


def _strip(
    residues: Sequence[_Residue],
    reference: _Residue | None,
    box: Box,
    settings: PrepareSettings,
    report: PrepareReport,
) -> list[_Residue]:
    """Return the residues that make the receptor: the polymer, and what is asked for."""
    kept, removed, extra = [], Counter[str](), Counter[str]()
    ends = _link_points(residues)
    for original in residues:
        residue = _standard(original, report)
        if original is reference:
            removed[residue.name] += 1
            continue
        if residue.is_water:
            wanted = settings.keep_waters and bool(box.contains(residue.points).any())
        elif _is_polymer(residue, ends):
            kept.append(residue)
            continue
        else:
            wanted = residue.name in settings.keep
        if wanted and residue.name not in _templates():
            raise DockingError(
                f"{residue.label} is to be kept, but there is no template for its atom types.",
                "Leave it out, or prepare the receptor with meeko and a template of your own.",
            )
        if wanted:
            kept.append(residue)
            extra[residue.name] += 1
        else:
            removed[residue.name] += 1
            if residue.name in _METALS and box.contains(residue.points, NEAR).any():
                report.warnings.append(
                    f"the metal {residue.label} at the box was removed (--keep {residue.name})"
                )
    report.removed = dict(sorted(removed.items()))
    report.kept = dict(sorted(extra.items()))
    return kept


def _standard(residue: _Residue, report: PrepareReport) -> _Residue:
    """Return ``residue`` as the standard one that it stands for (selenomethionine: methionine)."""
    if residue.name not in _RENAMED:
        return residue
    name, atoms = _RENAMED[residue.name]
    for atom in residue.atoms:
        if atom.name in atoms:
            atom.name, element = atoms[atom.name]
            atom.element = gemmi.Element(element)
    report.renamed.append(f"{residue.label} is {name}")
    return _Residue(residue.chain, residue.seqid, name, residue.atoms, residue.hetero)


def _is_polymer(residue: _Residue, ends: NDArray[np.float64]) -> bool:
    """Tell whether ``residue`` is a link of a chain, even one with atoms missing or of an unknown kind.

    A free nucleotide or amino acid is a ligand, not a link.
    """
    if len(residue.atoms) == 1 and residue.name in _METALS:
        return False
    if not residue.hetero and residue.name in _templates():
        return len(residue.atoms) > 1
    own = np.array([atom.pos.tolist() for atom in residue.atoms if atom.name in _LINKS], dtype=np.float64)
    if not len(own):
        return False
    distances = np.linalg.norm(own[:, None, :] - ends[None, :, :], axis=-1)
    others = ~(np.abs(distances) < 1e-6).any(axis=0)  # its own atoms lie among the ends
    return bool(((distances < 1.8) & others[None, :]).any())


def _link_points(residues: Sequence[_Residue]) -> NDArray[np.float64]:
    points = [atom.pos.tolist() for residue in residues for atom in residue.atoms if atom.name in _LINKS]
    return np.array(points or [[np.inf] * 3], dtype=np.float64)


_template_names: frozenset[str] = frozenset()


def _templates() -> frozenset[str]:
    """Return the residue names that meeko knows. It tries to download others: they must never reach it."""
    global _template_names
    if not _template_names:
        from meeko import ResidueChemTemplates

        templates = ResidueChemTemplates.create_from_defaults()
        _template_names = frozenset(templates.residue_templates) | frozenset(templates.ambiguous)
    return _template_names


def _to_pdbqt(residues: list[_Residue], box: Box, settings: PrepareSettings, report: PrepareReport) -> str:
    """Return the PDBQT of ``residues``; those that fit no template are cut back, or dropped and reported."""
    unknown = [residue for residue in residues if residue.name not in _templates()]
    residues = [residue for residue in residues if residue.name in _templates()]
    if not residues:
        raise DockingError("The structure holds no residue that there is a template for.")
    polymer = _polymer(residues)
    bad = set(polymer.get_ignored_monomers())
    if bad:
        residues = [_cut_back(r, report) if _key(r) in bad else r for r in residues]
        polymer = _polymer(residues)
        bad = set(polymer.get_ignored_monomers())
    unfit = unknown + [residue for residue in residues if _key(residue) in bad]
    report.dropped += [residue.label for residue in unfit]
    near = [residue.label for residue in unfit if box.contains(residue.points, NEAR).any()]
    if near and not settings.drop_bad:
        raise DockingError(
            f"{len(near)} residues at the box fit no template (unknown, incomplete or bonded wrongly): "
            f"{', '.join(near[:10])}.",
            "Complete them (for example with pdbfixer), or leave them out knowingly with --drop-bad.",
        )
    cut = [label for label in report.cut_back if _near(label, residues, box)]
    for what, labels in (("left out", near), ("cut back", cut)):
        if labels:
            report.warnings.append(f"residues at the box were {what}: {', '.join(labels)}")
    from importlib.metadata import version

    from meeko import PDBQTWriterLegacy

    report.versions = {name: version(name) for name in ("meeko", "rdkit", "gemmi")}
    text, _ = PDBQTWriterLegacy.write_from_polymer(polymer)
    return str(text)


def _near(label: str, residues: Iterable[_Residue], box: Box) -> bool:
    place = label.split(" ")[1]
    return any(f"{r.chain}:{r.seqid}" == place and box.contains(r.points, NEAR).any() for r in residues)


def _key(residue: _Residue) -> str:
    return f"{residue.chain}:{residue.seqid}".strip()


def _cut_back(residue: _Residue, report: PrepareReport) -> _Residue:
    """Return ``residue`` as alanine or glycine if its backbone is whole; its side chain's end is missing."""
    atoms = {atom.name: atom for atom in residue.atoms}
    if not {"N", "CA", "C", "O"} <= set(atoms) or residue.name in ("PRO", "GLY"):
        return residue
    name = "ALA" if "CB" in atoms and residue.name != "ALA" else "GLY"
    wanted = ("N", "CA", "C", "O", "OXT") + (("CB",) if name == "ALA" else ())
    report.cut_back.append(f"{residue.label} to {name}")
    return _Residue(residue.chain, residue.seqid, name, [atoms[key] for key in wanted if key in atoms])


def _polymer(residues: Sequence[_Residue]) -> Any:
    """Return meeko's model of ``residues``, without those that fit no template."""
    from meeko import MoleculePreparation, Polymer, ResidueChemTemplates

    logging.getLogger("meeko").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            return Polymer.from_pdb_string(
                _pdb_text(residues),
                ResidueChemTemplates.create_from_defaults(),
                MoleculePreparation(),
                allow_bad_res=True,
            )
    except Exception as error:  # meeko raises whatever its parts raise
        raise DockingError(
            f"meeko cannot prepare the receptor: {' '.join(str(error).split())[:600]}.",
            "Look at the residues that it names; pdbfixer completes most structures.",
        ) from None


def _pdb_text(residues: Sequence[_Residue]) -> str:
    """Return the cleaned structure as PDB lines (no TER records: they would interrupt residues)."""
    lines: list[str] = []
    for residue in residues:
        number, insertion = residue.seqid.num, residue.seqid.icode
        if not -999 <= number <= 9999:
            raise DockingError(f"{residue.label}: PDB has no room for residue numbers beyond 9999.")
        for atom in residue.atoms:
            name = atom.name if len(atom.name) == 4 or len(atom.element.name) == 2 else f" {atom.name}"
            x, y, z = atom.pos.tolist()
            lines.append(
                f"ATOM  {len(lines) % 99999 + 1:5d} {name:<4.4s} {residue.name:>3.3s} {residue.chain}{number:4d}"
                f"{insertion}   {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {atom.element.name.upper():>2s}\n"
            )
    return "".join(lines) + "END\n"
