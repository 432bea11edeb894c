"""Why a docking has no score: codes, and what each means."""

from __future__ import annotations

from enum import StrEnum


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


def meaning_of(code: str) -> str:
    """Return what a failure code means, in a sentence; empty for a code of another version."""
    try:
        return FailureCode(code).meaning
    except ValueError:
        return ""


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
    FailureCode.FORCE_FIELD: "Neither MMFF nor UFF could relax the conformer (tables of earlier versions).",
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
