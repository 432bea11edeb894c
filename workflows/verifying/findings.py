"""What a verification found, in words and as JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal[
    "receipt", "plan", "chain", "fingerprint", "file", "extra", "library", "model", "campaign", "rerun"
]
AGAIN = "Submit the campaign again: it is made anew."
COPY = "Restore it from a copy."


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    kind : str
        What was looked at.
    path : str
        File or task, relative to the campaign.
    problem, cure : str
        Sentences.
    """

    kind: Kind
    path: str
    problem: str
    cure: str


@dataclass(frozen=True)
class Repeated:
    """One task done again.

    Attributes
    ----------
    task : str
    identical : bool
        Every output bit for bit.
    equal : bool
        Equal in everything but times.
    differences : tuple of str
        Per output, which columns or keys differ, in how many rows, by how much at most.
    """

    task: str
    identical: bool
    equal: bool
    differences: tuple[str, ...] = ()


@dataclass
class Verification:
    """What was checked and what was found.

    Attributes
    ----------
    root : Path
    complete : bool
        Whether the campaign has its hits.
    findings : list of Finding
        What is wrong; empty if nothing is.
    notes : list of str
        What is worth knowing and is not wrong.
    counts : dict of str to int
        ``receipts``, ``chained``, ``unchained``, ``files``, ``bytes``, ``models``, ``shards``.
    versions : dict of str to dict
        Recorded versions by package (version to number of receipts), and ``present``.
    repeated : list of Repeated
    """

    root: Path
    complete: bool = False
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    versions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    repeated: list[Repeated] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def wrong(self, kind: Kind, path: str, problem: str, cure: str = AGAIN) -> None:
        """Note something that is wrong."""
        self.findings.append(Finding(kind, path, problem, cure))

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of the counts."""
        self.counts[name] = self.counts.get(name, 0) + by

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"ok": self.ok, **asdict(self), "root": str(self.root)}
