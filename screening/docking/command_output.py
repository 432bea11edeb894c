"""Reading scores and poses out of what docking programs write."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .engine import Pose

_SDF_FIELD = re.compile(r"^>.*<([^>]+)>")
_VINA_RESULT = re.compile(r"^REMARK VINA RESULT:\s+(\S+)", re.MULTILINE)
_VINA_FIELD = re.compile(r"^ENERGY=\s*(\S+)")
_LARGEST = 1 << 28

BINDING_ENERGIES = (-30.0, 20.0)
"""kcal/mol. A docking score outside, or exactly zero, is a program's sign that it could not score the pose."""


@dataclass(frozen=True)
class CommandOutput:
    """Where a program's scores are.

    Attributes
    ----------
    kind : "regex", "sdf", "csv" or "pdbqt"
        ``regex``: lines of standard output (or of ``{output}``, if the program writes that). ``sdf``: a data
        field of the records of ``{output}``, or of the .sdf files in ``{output_dir}``. ``csv``: columns
        of the same. ``pdbqt``: the ``REMARK VINA RESULT`` of the .pdbqt files.
    pattern : str
        For ``regex``: with a named group ``score``; in batch mode also ``name``.
    score : str
        For ``sdf`` and ``csv``: the name of the field or column.
    name : str
        For ``csv``: the name of the column that holds the molecule's name.
    best : "first", "lowest" or "highest"
        Which pose's score counts where there are several: gnina's first pose is the best by another score.
    poses : int
        Poses kept of a molecule (``sdf`` and ``pdbqt``).
    limits : tuple of float, optional
        Lowest and highest score that a pose may have, in the unit of the target; others are no scores. Left
        out: -30 to 20 without 0, where the scores are Vina's (``pdbqt``, a field ``ENERGY=``); else anything finite.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never a field

    kind: Literal["regex", "sdf", "csv", "pdbqt"]
    pattern: str = ""
    score: str = ""
    name: str = ""
    best: Literal["first", "lowest", "highest"] = "first"
    poses: int = 1
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.kind == "regex":
            try:
                groups = re.compile(self.pattern).groupindex
            except re.error as error:
                raise ValueError(f"pattern: {error}") from None
            if "score" not in groups:
                raise ValueError("pattern: needs a named group (?P<score>...)")
        if self.kind in ("sdf", "csv") and not self.score:
            raise ValueError(
                f"score: the name of the {'field' if self.kind == 'sdf' else 'column'} is needed"
            )
        if self.poses < 0:
            raise ValueError("poses: 0 or more")
        if self.limits is not None and not self.limits[0] < self.limits[1]:
            raise ValueError("limits: the lowest score, then the highest")

    def check(self, mode: str) -> None:
        """Raise ValueError if molecules could not be told apart in ``mode``."""
        if mode == "batch" and self.kind == "regex" and "name" not in re.compile(self.pattern).groupindex:
            raise ValueError("output.pattern: in batch mode it needs a named group (?P<name>...)")
        if mode == "batch" and self.kind == "csv" and not self.name:
            raise ValueError("output.name: in batch mode the column of the molecules' names is needed")

    @property
    def suffix(self) -> str:
        """What the name of ``{output}`` ends in."""
        return "txt" if self.kind == "regex" else self.kind


@dataclass(frozen=True)
class Parsed:
    """What was found of one molecule; ``score`` is None if ``problem`` says why."""

    score: float | None
    problem: str = ""
    poses: tuple[Pose, ...] = ()


@dataclass(frozen=True)
class _Hit:
    name: str
    text: str
    block: str = ""


def read_output(output: CommandOutput, place: Path, stdout: str, only: str | None) -> dict[str, Parsed]:
    """Return what a run wrote, by molecule name.

    Parameters
    ----------
    output : CommandOutput
    place : Path
        The run's folder; its ``outputs`` hold what the program wrote.
    stdout : str
    only : str or None
        The one molecule of the run, which records without a name then belong to; a record with the name of
        another molecule is never taken for it. None for a batch.
    """
    readers = {"regex": _read_regex, "sdf": _read_sdf, "csv": _read_csv, "pdbqt": _read_pdbqt}
    grouped: dict[str, list[_Hit]] = {}
    for hit in readers[output.kind](output, place, stdout):
        name = hit.name or (only or "")
        if only is not None and not re.fullmatch(r"lig\d{6}", name):
            name = only  # programs rename: UNL, MODEL, a SMILES
        grouped.setdefault(name, []).append(hit)
    return {name: _settle(output, hits) for name, hits in grouped.items()}


def _settle(output: CommandOutput, hits: list[_Hit]) -> Parsed:
    scored: list[tuple[float, str]] = []
    problems: list[str] = []
    for hit in hits:
        value, problem = _score(output, hit.text)
        if problem:
            problems.append(problem)
        else:
            scored.append((value, hit.block))
    if not scored:
        return Parsed(None, problems[0])
    if output.best != "first":
        scored.sort(key=lambda item: item[0], reverse=output.best == "highest")
    poses = [Pose(score, block) for score, block in scored[: output.poses] if block]
    return Parsed(scored[0][0], poses=tuple(poses))


def _score(output: CommandOutput, text: str) -> tuple[float, str]:
    """Return the score that a program's words hold, and what is wrong with it."""
    match = _VINA_FIELD.match(text)  # Uni-Dock puts three numbers into one field
    try:
        value = float(match[1] if match else text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        return value, f"the program's score {text[:50]!r} is not a finite number"
    limits = output.limits
    if limits is None and (match or output.kind == "pdbqt"):
        limits = BINDING_ENERGIES
        if value == 0.0:
            return value, f"the program's score {text[:50]!r} is zero, which is no binding energy"
    if limits is not None and not limits[0] <= value <= limits[1]:
        return value, f"the program's score {text[:50]!r} is outside {limits[0]:g} to {limits[1]:g}"
    return value, ""


def _files(place: Path, suffix: str) -> Iterator[tuple[Path, str]]:
    """Yield path and text of the program's output files of one kind, in the order of their names."""
    for path in sorted((place / "outputs").rglob(f"*.{suffix}")):
        if path.is_file() and path.stat().st_size <= _LARGEST:
            yield path, path.read_text(encoding="utf-8", errors="replace")


def _name_of(path: Path) -> str:
    """Return the molecule that an output file is named after (``lig000003_out.pdbqt``), or nothing."""
    match = re.match(r"lig\d{6}(?!\d)", path.name)
    return match[0] if match else ""


def _read_regex(output: CommandOutput, place: Path, stdout: str) -> Iterator[_Hit]:
    texts = [text for _, text in _files(place, "txt")] or [stdout]
    pattern = re.compile(output.pattern)
    named = "name" in pattern.groupindex
    for text in texts:
        for line in text.splitlines():
            match = pattern.search(line)
            if match:
                yield _Hit(match["name"] if named else "", match["score"])


def _read_sdf(output: CommandOutput, place: Path, stdout: str) -> Iterator[_Hit]:
    for path, text in _files(place, "sdf"):
        for record in text.replace("\r\n", "\n").split("$$$$\n"):
            hit = _sdf_record(record, output.score, _name_of(path))
            if hit is not None:
                yield hit


def _sdf_record(record: str, wanted: str, file_name: str) -> _Hit | None:
    lines = record.split("\n")
    end = next((number for number, line in enumerate(lines) if line.startswith("M  END")), None)
    if end is None:
        return None
    for number, line in enumerate(lines[end:-1], end):
        match = _SDF_FIELD.match(line)
        if match and match[1] == wanted:
            block = "\n".join(lines[: end + 1]) + "\n"
            return _Hit(lines[0].strip() or file_name, lines[number + 1].strip(), _readable(block))
    return None


def _readable(block: str) -> str:
    """Return ``block`` if it is a molecule in three dimensions, else nothing: a score needs no pose."""
    from rdkit import Chem

    mol = Chem.MolFromMolBlock(block, removeHs=False, sanitize=False)
    return block if mol is not None and mol.GetNumAtoms() else ""


def _read_csv(output: CommandOutput, place: Path, stdout: str) -> Iterator[_Hit]:
    texts: Iterable[tuple[Path, str]] = list(_files(place, "csv"))
    for path, text in texts:
        delimiter = "\t" if "\t" in text.split("\n", 1)[0] else ","
        for row in csv.DictReader(text.splitlines(), delimiter=delimiter):
            value = row.get(output.score)
            if value is not None:
                name = (row.get(output.name) or "").strip() if output.name else ""
                yield _Hit(name or _name_of(path), value.strip())


def _read_pdbqt(output: CommandOutput, place: Path, stdout: str) -> Iterator[_Hit]:
    from .ligand import LigandFailure, poses_from_pdbqt

    for path, text in _files(place, "pdbqt"):
        scores = _VINA_RESULT.findall(text)
        blocks: list[str] = []
        if output.poses and scores and "REMARK SMILES" in text:
            try:
                blocks = [pose.molblock for pose in poses_from_pdbqt(text, output.poses)]
            except LigandFailure:
                blocks = []  # the scores stand without the poses
        for number, score in enumerate(scores):
            yield _Hit(_name_of(path), score, blocks[number] if number < len(blocks) else "")
