"""From a SMILES to what a docking program reads: checked, protonated if asked, in 3-D, as PDBQT or SDF.

Everything here may take long, and some of it may crash in C++: it runs in the supervised child process of
:mod:`.child`, never in the worker itself.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdMolDescriptors
from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers, StereoEnumerationOptions
from rdkit.Chem.MolStandardize import rdMolStandardize

from .engine import Pose
from .failures import FailureCode
from .ligand_settings import LigandSettings

rdBase.DisableLog("rdApp.*")
logging.getLogger("meeko").setLevel(logging.ERROR)


class LigandFailure(Exception):
    """A molecule cannot be prepared; carries the code of its failure row."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.state: str | None = None


@dataclass(frozen=True)
class PreparedState:
    """One state of a molecule, embedded.

    Attributes
    ----------
    mol : rdkit Mol
        With all hydrogens and ``conformers`` 3-D conformers.
    smiles : str
        Isomeric SMILES of the state, all stereocentres as embedded.
    """

    mol: Any
    smiles: str


def parse_ligand(smiles: str, settings: LigandSettings) -> Any:
    """Return the molecule of ``smiles``, without counter-ions, if it can be docked at all.

    Raises
    ------
    LigandFailure
        ``parse``, ``fragments``, ``unsupported_element``, ``too_small``, ``too_large``, ``radical`` or
        ``too_flexible``.
    """
    mol = Chem.MolFromSmiles(smiles) if smiles.strip() else None
    if mol is None or mol.GetNumAtoms() == 0:
        raise LigandFailure(FailureCode.PARSE, f"{smiles[:200]!r} is not a readable SMILES")
    mol = _single_fragment(mol, settings)
    # Isotopes change no score, but 2H would be docked as a heavy atom of its own.
    for atom in mol.GetAtoms():
        atom.SetIsotope(0)
    mol = Chem.RemoveHs(mol)
    foreign = sorted({atom.GetSymbol() for atom in mol.GetAtoms()} - set(settings.elements))
    if foreign:
        raise LigandFailure(
            FailureCode.UNSUPPORTED_ELEMENT,
            f"{', '.join(foreign)}: docked elements are {', '.join(settings.elements)}",
        )
    radicals = sum(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms())
    if radicals:
        raise LigandFailure(FailureCode.RADICAL, f"{radicals} unpaired electrons")
    heavy = mol.GetNumHeavyAtoms()
    if heavy < settings.min_heavy_atoms:
        raise LigandFailure(
            FailureCode.TOO_SMALL, f"{heavy} heavy atoms, fewer than {settings.min_heavy_atoms}"
        )
    if heavy > settings.max_heavy_atoms:
        raise LigandFailure(
            FailureCode.TOO_LARGE, f"{heavy} heavy atoms, more than {settings.max_heavy_atoms}"
        )
    _check_torsions(int(rdMolDescriptors.CalcNumRotatableBonds(mol)), settings)
    return mol


def _check_torsions(torsions: int, settings: LigandSettings) -> None:
    if torsions > settings.max_torsions:
        raise LigandFailure(
            FailureCode.TOO_FLEXIBLE, f"{torsions} rotatable bonds, more than {settings.max_torsions}"
        )


def _single_fragment(mol: Any, settings: LigandSettings) -> Any:
    """Return the one molecule of an entry: its parent if the others are clearly counter-ions or solvent."""
    fragments = {Chem.MolToSmiles(piece): piece for piece in Chem.GetMolFrags(mol, asMols=True)}
    if len(fragments) == 1:  # several copies of one molecule are one molecule
        return next(iter(fragments.values()))
    # Counter-ions last, then the largest first; ties broken by the text, so that the order in the entry does
    # not matter.
    ordered = sorted(
        fragments.items(),
        key=lambda item: (_known_salts().match(item[1]), -item[1].GetNumHeavyAtoms(), item[0]),
    )
    parent, others = ordered[0][1], [piece for _, piece in ordered[1:]]
    if parent.GetNumHeavyAtoms() < settings.min_heavy_atoms:
        return parent  # table salt: too small, whichever half is meant
    if not settings.strip_salts:
        raise LigandFailure(
            FailureCode.FRAGMENTS, f"{len(ordered)} different fragments, and strip_salts is off"
        )
    rivals = [
        piece
        for piece in others
        if 2 * piece.GetNumHeavyAtoms() > parent.GetNumHeavyAtoms() and not _known_salts().match(piece)
    ]
    if rivals:
        raise LigandFailure(
            FailureCode.FRAGMENTS,
            f"{len(rivals) + 1} fragments of similar size: which one is meant cannot be told",
        )
    return parent


class _KnownSalts:
    """Counter-ions and solvents large enough to be mistaken for a molecule."""

    def __init__(self) -> None:
        names = (
            "O=C(O)C=CC(=O)O",
            "O=C(O)CCC(=O)O",
            "O=C(O)CC(O)(CC(=O)O)C(=O)O",
            "O=C(O)C(O)C(O)C(=O)O",
            "O=S(=O)(O)O",
            "O=P(O)(O)O",
            "O=Cl(=O)(=O)O",
            "CS(=O)(=O)O",
            "Cc1ccc(S(=O)(=O)O)cc1",
            "O=S(=O)(O)c1ccccc1",
            "O=C(O)C(F)(F)F",
            "F[P-](F)(F)(F)(F)F",
            "F[B-](F)(F)F",
            "O=C(O)c1cc2ccccc2c(Cc2c(O)c(C(=O)O)cc3ccccc23)c1O",
        )
        self._known = {self._key(Chem.MolFromSmiles(name)) for name in names}

    @staticmethod
    def _key(mol: Any) -> str:
        plain = rdMolStandardize.Uncharger().uncharge(Chem.Mol(mol))
        return str(Chem.MolToSmiles(plain, isomericSmiles=False))

    def match(self, mol: Any) -> bool:
        return self._key(mol) in self._known


_salts: _KnownSalts | None = None


def _known_salts() -> _KnownSalts:
    global _salts
    if _salts is None:
        _salts = _KnownSalts()
    return _salts


def choose_state(mol: Any, settings: LigandSettings) -> Any:
    """Return the tautomer and protonation state to dock; the one given, unless settings say otherwise."""
    if settings.tautomer == "canonical":
        enumerator = rdMolStandardize.TautomerEnumerator()
        enumerator.SetMaxTautomers(200)
        mol = enumerator.Canonicalize(mol)
    if not settings.protonate:
        return mol
    from dimorphite_dl import protonate_smiles  # slow to import, rarely asked for

    # Dimorphite decides site by site and returns every combination inside its window; with a window of zero
    # width the first, in sorted order, is a fixed choice.
    variants = protonate_smiles(Chem.MolToSmiles(mol), ph_min=settings.ph, ph_max=settings.ph, precision=0.0)
    state = Chem.MolFromSmiles(sorted(variants)[0]) if variants else None
    if state is None:
        raise LigandFailure(
            FailureCode.PREPARATION, f"no protonation state at pH {settings.ph:g} could be made"
        )
    return _corrected(state, mol) if _CORRECTED_FROM <= settings.ph < _CORRECTED_BELOW else state


_CORRECTED_FROM, _CORRECTED_BELOW = 7.0, 8.5
"""pH between which the corrections hold: second pKa of piperazines about 5 to 6, of lactams and imides in rings 9 and
more, of 4-aminopyridines about 9."""

_RING_ANION = Chem.MolFromSmarts("[n-;r6]")
_NEAR_CATIONS = Chem.MolFromSmarts("[N+;X4;!$([N+H0])][CX4][CX4][N+;X4;!$([N+H0])]")
_AMINOPYRIDINE = Chem.MolFromSmarts("[n;X2;+0]1ccc([NX3;+0;!$(N[#6]=[O,S,N]);!$(N[S,P,N,O]);!$(N(-c)-c)])cc1")
_WITHDRAWING = Chem.MolFromSmarts("c-[F,Cl,Br,I,$(C#N),$(C=O),$(C(F)(F)F),$([N+](=O)[O-]),$(S(=O)=O)]")


def _corrected(state: Any, given: Any) -> Any:
    """Return ``state`` with what site-by-site decisions get wrong put right.

    Lactams and imides of aromatic six-rings (pyridones, quinolones, guanines, uracils) stay neutral, of two amines
    two carbons apart (piperazines, ethylenediamines) one is charged, 4-aminopyridines are charged at the ring.
    """
    mol = Chem.RWMol(state)
    if not given.HasSubstructMatch(_RING_ANION):
        for (index,) in mol.GetSubstructMatches(_RING_ANION):
            _charge(mol.GetAtomWithIdx(index), 0)
    ranks = list(Chem.CanonicalRankAtoms(mol))
    while pairs := mol.GetSubstructMatches(_NEAR_CATIONS):
        ends = {end for pair in pairs for end in (pair[0], pair[3])}
        # The amine with fewer hydrogens holds its proton less in water.
        weakest = min(ends, key=lambda end: (mol.GetAtomWithIdx(end).GetTotalNumHs(), ranks[end]))
        _charge(mol.GetAtomWithIdx(weakest), 0)
    for match in mol.GetSubstructMatches(_AMINOPYRIDINE):
        ring = set(match)
        drawn = any(pull[0] in ring for pull in mol.GetSubstructMatches(_WITHDRAWING))
        if not drawn and mol.GetAtomWithIdx(match[0]).GetFormalCharge() == 0:
            _charge(mol.GetAtomWithIdx(match[0]), 1)
    made = mol.GetMol()
    Chem.SanitizeMol(made)
    return Chem.MolFromSmiles(Chem.MolToSmiles(made))


def _charge(atom: Any, charge: int) -> None:
    """Give ``atom`` a charge by adding or taking protons."""
    hydrogens = atom.GetTotalNumHs() + charge - atom.GetFormalCharge()
    atom.SetFormalCharge(charge)
    atom.SetNoImplicit(True)
    atom.SetNumExplicitHs(hydrogens)
    atom.UpdatePropertyCache(strict=False)


def stereo_states(mol: Any, limit: int) -> list[Any]:
    """Return the stereoisomers to dock: at most ``limit``, in a fixed order.

    With a limit of 1 the molecule is returned as it is: embedding picks the open centres.
    """
    if limit == 1:
        return [mol]
    options = StereoEnumerationOptions(onlyUnassigned=True, unique=True, maxIsomers=0, tryEmbedding=False)
    states = []
    for isomer in EnumerateStereoisomers(mol, options=options):
        states.append(isomer)
        if len(states) == limit:
            break
    return states or [mol]


def embed(mol: Any, seed: int, conformers: int, settings: LigandSettings) -> PreparedState:
    """Return ``mol`` with hydrogens and 3-D conformers, relaxed where a force field has parameters.

    Parameters
    ----------
    mol : rdkit Mol
    seed : int
        31 bits. The same seed gives the same conformers.
    conformers : int
        How many to make; fewer if the molecule has no more to offer.

    Raises
    ------
    LigandFailure
        ``embed`` if no conformer can be made.
    """
    full = Chem.AddHs(mol)
    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed
    parameters.useSmallRingTorsions = True
    parameters.maxIterations = settings.embed_attempts
    made = _embed_multiple(full, conformers, parameters)
    if not made:
        parameters.useRandomCoords = True
        made = _embed_multiple(full, conformers, parameters)
    if not made:
        # Torsions of small rings are knowledge of lone rings: fused ones, as in steroids, may contradict them.
        parameters.useSmallRingTorsions = False
        made = _embed_multiple(full, conformers, parameters)
    if not made:
        raise LigandFailure(FailureCode.EMBED, "no conformer satisfies the distance bounds")
    _relax(full)
    Chem.AssignStereochemistryFrom3D(full)
    smiles = Chem.MolToSmiles(Chem.RemoveHs(full))
    return PreparedState(full, smiles)


def _embed_multiple(mol: Any, count: int, parameters: Any) -> int:
    try:
        return len(rdDistGeom.EmbedMultipleConfs(mol, count, parameters))
    except (RuntimeError, ValueError) as error:
        raise LigandFailure(FailureCode.EMBED, str(error)) from None


def _relax(mol: Any) -> None:
    """Relax every conformer with MMFF94s, or with UFF where MMFF has no parameters.

    Where neither has parameters, or none can be set up, conformers stay as embedded: distance geometry alone
    gives bond lengths and angles that a search can start from.
    """
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
        results = rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(mol, maxIters=500, mmffVariant="MMFF94s")
    elif rdForceFieldHelpers.UFFHasAllMoleculeParams(mol):
        results = rdForceFieldHelpers.UFFOptimizeMoleculeConfs(mol, maxIters=500)
    else:
        return
    # Not converged (1) is good enough for a start conformer; -1 means the force field could not be set up.
    if all(status == -1 for status, _ in results):
        return
    for identifier, (status, _) in zip([c.GetId() for c in mol.GetConformers()], results, strict=True):
        if status == -1:
            mol.RemoveConformer(identifier)


def to_pdbqt(state: PreparedState, conformer: int, settings: LigandSettings) -> str:
    """Return one conformer of ``state`` as PDBQT.

    Raises
    ------
    LigandFailure
        ``preparation`` if an atom has no type or charge, ``too_flexible`` if there are too many torsions.
    """
    from meeko import MoleculePreparation, PDBQTWriterLegacy

    try:
        with _quiet():
            preparation = MoleculePreparation(rigid_macrocycles=settings.rigid_macrocycles)
            setup = preparation.prepare(state.mol, conformer_id=conformer)[0]
            text, success, message = PDBQTWriterLegacy.write_string(setup)
    except Exception as error:  # meeko raises whatever its parts raise
        raise LigandFailure(FailureCode.PREPARATION, f"{type(error).__name__}: {error}") from None
    if not success:
        raise LigandFailure(
            FailureCode.PREPARATION, " ".join(message.split())[:500] or "the PDBQT writer refused it"
        )
    _check_torsions(text.count("\nBRANCH"), settings)
    return str(text)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def poses_from_pdbqt(text: str, limit: int) -> list[Pose]:
    """Return the poses of a Vina output in PDBQT as mol blocks with bond orders and hydrogens.

    Parameters
    ----------
    text : str
        Models with ``REMARK VINA RESULT`` and meeko's ``REMARK SMILES`` lines.
    limit : int
        How many, best first.

    Raises
    ------
    LigandFailure
        ``engine_output`` if the models cannot be read back.
    """
    from meeko import PDBQTMolecule, RDKitMolCreate

    try:
        with _quiet():
            parsed = PDBQTMolecule(text, poses_to_read=limit, skip_typing=True)
            mol = RDKitMolCreate.from_pdbqt_mol(parsed)[0]
        scores = list(parsed._pose_data["free_energies"])
        blocks = [Chem.MolToMolBlock(mol, confId=conf.GetId()) for conf in mol.GetConformers()]
    except Exception as error:  # meeko raises whatever its parts raise
        raise LigandFailure(FailureCode.ENGINE_OUTPUT, f"the poses cannot be read back: {error}") from None
    return [Pose(float(score), block) for score, block in zip(scores, blocks, strict=False)]
