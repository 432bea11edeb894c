"""The contract that every docking engine fulfils: ligand + target -> a score, or a failure with its code.

An engine is a module with three functions: ``freeze`` (on the driver: check everything once, copy what the
workers need into the campaign), ``dock`` (on a worker: one :class:`DockingOutcome` per ligand, in order) and
``row_settings`` (what the record of a score says about how it was made). An outcome depends on the ligand, the
frozen target and the campaign's seed, never on the other ligands of its batch. ``docs/howto/engine.md`` adds one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from .failures import FailureCode

Protocol_ = Literal["screen", "final"]
"""``screen`` for the many (cheap search), ``final`` for the last few (thorough, several conformers)."""


@dataclass(frozen=True)
class Ligand:
    """A molecule to dock.

    Attributes
    ----------
    row : int or None
        Its row in the library; None for a molecule from elsewhere.
    id : str
        The vendor's name. May hold anything: it never reaches a shell, a file name or a program.
    smiles : str
    stereo_groups : str, optional
        ``&`` and ``o`` groups as a CXSMILES extension to ``smiles``. Engines need not know them: each is given the
        isomers that they stand for (:mod:`.isomers`).
    """

    row: int | None
    id: str
    smiles: str
    stereo_groups: str | None = None


@dataclass(frozen=True)
class Pose:
    """One docked pose.

    Attributes
    ----------
    score : float
        In the unit of the target.
    molblock : str
        With bond orders and all hydrogens, in the receptor's frame.
    """

    score: float
    molblock: str


@dataclass(frozen=True)
class DockingOutcome:
    """What docking one ligand gave: a score, or a failure code with a message.

    Attributes
    ----------
    score : float or None
    failure : FailureCode or None
        Exactly one of ``score`` and ``failure`` is None.
    message : str
        For a failure, what happened; for a score, of how many isomers it is the best; else empty.
    state : str or None
        SMILES of the protonation, tautomer and stereo state that was docked.
    conformer_seed, search_seed : int or None
    seconds : float
        Wall seconds of this ligand, preparation included.
    cpu_seconds : float
        Processor seconds of the search alone, where the engine knows.
    poses : tuple of Pose
        Best first; empty for engines without poses.
    """

    score: float | None = None
    failure: FailureCode | None = None
    message: str = ""
    state: str | None = None
    conformer_seed: int | None = None
    search_seed: int | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    poses: tuple[Pose, ...] = ()

    def __post_init__(self) -> None:
        if (self.score is None) == (self.failure is None):
            raise ValueError("an outcome has either a score or a failure")


@dataclass
class BatchNotes:
    """What an engine tells about a batch beside its outcomes: times by stage, restarts, and how far it is."""

    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    molecule_done: Callable[[], None] | None = None
    told: int = 0

    def add_seconds(self, stage: str, seconds: float) -> None:
        """Add wall ``seconds`` to ``stage``."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def ended(self, ligands: int = 1) -> None:
        """Tell whoever waits that the outcomes of so many ``ligands`` more are known."""
        self.told += ligands
        for _ in range(ligands):
            if self.molecule_done is not None:
                self.molecule_done()

    def count(self, what: str, number: int = 1) -> None:
        """Add ``number`` to the count of ``what``."""
        self.counts[what] = self.counts.get(what, 0) + number


class DockingEngine(Protocol):
    """What an engine module provides."""

    def freeze(self, name: str, settings: Any, folder: Path, base: Path) -> dict[str, Any]:
        """Check ``settings``, copy what workers need into ``folder``, return the JSON-able target."""

    def dock(
        self,
        spec: Mapping[str, Any],
        folder: Path,
        target: str,
        ligands: Sequence[Ligand],
        seed: int,
        protocol: Protocol_,
        notes: BatchNotes,
    ) -> list[DockingOutcome]:
        """Return one outcome per ligand, in order."""

    def row_settings(self, spec: Mapping[str, Any], protocol: Protocol_) -> dict[str, Any]:
        """Return what a score's record says about how it was made, as JSON values."""
