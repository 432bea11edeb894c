"""Settings of ligand preparation (apart from the code, so that reading a campaign needs no chemistry)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DOCKABLE_ELEMENTS = ("H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I")


@dataclass(frozen=True)
class LigandSettings:
    """How a SMILES becomes a molecule in 3-D.

    Attributes
    ----------
    strip_salts : bool
        Keep the parent of an entry of several fragments. Off: such an entry fails with ``fragments``.
    elements : tuple of str
        Others fail with ``unsupported_element``. Vina *scores* silicon or zinc, but with parameters that
        nobody fitted for ligands, so they are not in the default.
    min_heavy_atoms, max_heavy_atoms : int
    max_torsions : int
        Above about 20, a search explores too little for its score to mean anything.
    protonate : bool
        Choose a protonation state with dimorphite-dl (it decides per site, so piperazines come out doubly
        protonated). Off: the state that the SMILES shows is docked.
    ph : float
        Where ``protonate`` is on.
    tautomer : "given" or "canonical"
    stereoisomers : int
        1: embedding picks every open stereocentre, and the record says which. More: up to that many
        isomers are docked and the best score is kept.
    rigid_macrocycles : bool
        Keep rings of 7 atoms and more as embedded instead of letting the search close them.
    embed_attempts : int
        Iterations of distance geometry before random coordinates are tried.
    time_limit : float
        Seconds for the preparation of one molecule; past them its process is killed (``embed_timeout``).
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never a field

    strip_salts: bool = True
    elements: tuple[str, ...] = DOCKABLE_ELEMENTS
    min_heavy_atoms: int = 6
    max_heavy_atoms: int = 100
    max_torsions: int = 20
    protonate: bool = False
    ph: float = 7.4
    tautomer: Literal["given", "canonical"] = "given"
    stereoisomers: int = 1
    rigid_macrocycles: bool = False
    embed_attempts: int = 30
    time_limit: float = 60.0

    def __post_init__(self) -> None:
        if not 1 <= self.min_heavy_atoms <= self.max_heavy_atoms:
            raise ValueError("min_heavy_atoms: must be at least 1 and no more than max_heavy_atoms")
        if not 0 <= self.max_torsions <= 32:
            raise ValueError("max_torsions: between 0 and 32 (the engine's own limit)")
        if not 1 <= self.stereoisomers <= 64:
            raise ValueError("stereoisomers: between 1 and 64")
        if not 0 <= self.ph <= 14:
            raise ValueError("ph: between 0 and 14")
        if self.embed_attempts < 1:
            raise ValueError("embed_attempts: at least 1")
        if self.time_limit <= 0:
            raise ValueError("time_limit: seconds above 0")
        if not self.elements:
            raise ValueError("elements: at least one")
