"""The contract that every docking engine fulfils: ligand + target -> a score, or a failure with its code.

An engine is a module with two functions: ``freeze`` (on the driver: check everything once, copy what the
workers need into the campaign) and ``dock`` (on a worker: one :class:`Outcome` per ligand, in order). An
outcome depends on the ligand, the frozen target and the campaign's seed, never on its batch-mates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol

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
    """

    row: int | None
    id: str
    smiles: str


class FailureCode(StrEnum):
    """Why a molecule has no score. ``meaning`` says it in a sentence."""

    PARSE = "parse"
    FRAGMENTS = "fragments"
    UNSUPPORTED_ELEMENT = "unsupported_element"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    RADICAL = "radical"
    TOO_FLEXIBLE = "too_flexible"
    EMBED = "embed"
    EMBED_TIMEOUT = "embed_timeout"
    FORCE_FIELD = "force_field"
    PREPARATION = "preparation"
    BOX_TOO_SMALL = "box_too_small"
    BAD_SCORE = "bad_score"
    NO_POSE = "no_pose"
    CRASH = "crash"
    TIMEOUT = "timeout"
    ENGINE_FAILED = "engine_failed"
    ENGINE_OUTPUT = "engine_output"
    NOT_IN_TABLE = "not_in_table"
    EMPTY_SCORE = "empty_score"
    CONFLICT = "conflict"

    @property
    def meaning(self) -> str:
        """One sentence for reports and documentation."""
        return _MEANINGS[self]

    @property
    def stage(self) -> str:
        """Where it happened: ``ligand``, ``docking`` or ``table``."""
        if self in _LIGAND_CODES:
            return "ligand"
        return "table" if self in (self.NOT_IN_TABLE, self.EMPTY_SCORE, self.CONFLICT) else "docking"


_MEANINGS = {
    FailureCode.PARSE: "The SMILES cannot be read, or breaks the rules of valence.",
    FailureCode.FRAGMENTS: "More than one molecule is left after counter-ions and solvents are removed.",
    FailureCode.UNSUPPORTED_ELEMENT: "It holds an element that the scoring function has no parameters for.",
    FailureCode.TOO_SMALL: "It has fewer heavy atoms than the settings allow; such scores mean nothing.",
    FailureCode.TOO_LARGE: "It has more heavy atoms than the settings allow.",
    FailureCode.RADICAL: "It has an unpaired electron.",
    FailureCode.TOO_FLEXIBLE: "It has more rotatable bonds than a search can explore.",
    FailureCode.EMBED: "No three-dimensional conformer could be made.",
    FailureCode.EMBED_TIMEOUT: "Making a three-dimensional conformer took longer than its time limit.",
    FailureCode.FORCE_FIELD: "Neither MMFF nor UFF could relax the conformer.",
    FailureCode.PREPARATION: "Atom types, charges or rotatable bonds could not be assigned.",
    FailureCode.BOX_TOO_SMALL: "The molecule does not fit into the search box.",
    FailureCode.BAD_SCORE: "The engine gave a score that no binding energy can have, or none that is finite.",
    FailureCode.NO_POSE: "The search ended without a pose.",
    FailureCode.CRASH: "The docking process died on this molecule, twice.",
    FailureCode.TIMEOUT: "Docking took longer than its time limit and was killed.",
    FailureCode.ENGINE_FAILED: "The program ended with an error, or refused the molecule.",
    FailureCode.ENGINE_OUTPUT: "The program ended well, but wrote no readable score of this molecule.",
    FailureCode.NOT_IN_TABLE: "The score table does not hold this molecule.",
    FailureCode.EMPTY_SCORE: "The score table holds this molecule without a score.",
    FailureCode.CONFLICT: "The score table holds this molecule with different scores.",
}

_LIGAND_CODES = frozenset(
    {
        FailureCode.PARSE,
        FailureCode.FRAGMENTS,
        FailureCode.UNSUPPORTED_ELEMENT,
        FailureCode.TOO_SMALL,
        FailureCode.TOO_LARGE,
        FailureCode.RADICAL,
        FailureCode.TOO_FLEXIBLE,
        FailureCode.EMBED,
        FailureCode.EMBED_TIMEOUT,
        FailureCode.FORCE_FIELD,
        FailureCode.PREPARATION,
    }
)


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
class Outcome:
    """What docking one ligand gave: a score, or a failure code with a message.

    Attributes
    ----------
    score : float or None
    failure : FailureCode or None
        Exactly one of ``score`` and ``failure`` is None.
    message : str
        For a failure, what happened; else empty.
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
    """What an engine tells about a batch beside its outcomes (times by stage, restarts)."""

    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add_seconds(self, stage: str, seconds: float) -> None:
        """Add wall ``seconds`` to ``stage``."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def count(self, what: str, number: int = 1) -> None:
        """Add ``number`` to the count of ``what``."""
        self.counts[what] = self.counts.get(what, 0) + number


class Engine(Protocol):
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
    ) -> list[Outcome]:
        """Return one outcome per ligand, in order."""
