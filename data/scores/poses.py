"""Files of poses as tables: a row for every pose, its molecule as SMILES, its data fields as columns.

SD files (with data fields) and PDBQT files (Vina's ``REMARK``s), packed or not. What a file is, is told by its content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rdkit import Chem

from ..errors import InputError
from ..molecules.parse import MoleculeError, mol_from_block
from ..readers.layout import Layout
from ..readers.records import end_of_block, sdf_properties, sdf_records
from ..readers.streams import InputStream
from .programs import ScoreField, known_fields, score_field

_RESULT = re.compile(r"^REMARK\s+VINA RESULT:\s+(\S+)")
_MINIMISED = re.compile(r"^REMARK\s+minimizedAffinity\s+(\S+)")
_SMILES = re.compile(r"^REMARK\s+SMILES\s+(?!IDX)(\S+)\s*$")
_NAME = re.compile(r"^REMARK\s+Name\s*=\s*(\S.*?)\s*$")
_OTHERS = (
    (re.compile(rb"^(?:DOCKED: |.*AutoDock-GPU version)", re.MULTILINE), "a log of AutoDock (dlg)"),
    (re.compile(rb"^@<TRIPOS>MOLECULE", re.MULTILINE), "a mol2 file"),
    (re.compile(rb"\A\s*[{\[]\s*[\"{]"), "a JSON file"),
    (re.compile(rb"\ASQLite format 3\0"), "an SQLite database"),
    (re.compile(rb"\A\s*<\?xml"), "an XML file"),
    (
        re.compile(rb"^(?:REMARK Cluster|ATOM  |HETATM)", re.MULTILINE),
        "a file of atoms whose docking results are in no known form",
    ),
)
BYTES = 1 << 31


@dataclass(frozen=True)
class PoseTable:
    """Poses of a file as rows.

    Attributes
    ----------
    kind : str
        ``SD`` or ``PDBQT``.
    header : list of str
        ``smiles``, ``id`` and the data fields. Without ``smiles`` where no pose says its molecule.
    body : list of (int, list of str)
        Line on which a pose begins, and its cells; an empty SMILES: RDKit cannot read the structure.
    field : ScoreField or None
        Where the score stands; None if no known field is there.
    """

    kind: str
    header: list[str]
    body: list[tuple[int, list[str]]]
    field: ScoreField | None


@dataclass(frozen=True)
class _Pose:
    line: int
    smiles: str
    id: str
    fields: dict[str, str]


def read_poses(path: Path) -> PoseTable | None:
    """Read a file of poses; None for a file that is none, such as a table.

    Raises
    ------
    InputError
        If it cannot be read, or is of a kind of docking output that is not read.
    """
    with InputStream(str(path)) as stream:
        head = stream.head
        if b"$$$$" in head or b"M  END" in head:
            kind, read = "SD", _sd_poses
        elif re.search(rb"^REMARK\s+VINA RESULT|^REMARK\s+minimizedAffinity", head, re.MULTILINE):
            kind, read = "PDBQT", _pdbqt_poses
        else:
            for pattern, name in _OTHERS:
                if pattern.search(head):
                    raise InputError(
                        f"{path} is {name}, which is not read as scores.",
                        "Make a table of it: SMILES, id and score, a line for each molecule.",
                    )
            return None
        content = stream.read(BYTES)
        if len(content) == BYTES:
            raise InputError(f"{path} is larger than {BYTES >> 30} GiB.", "Give it in parts.")
    poses = list(read(content, path))
    if not poses:
        raise InputError(f"{path} holds no pose.")
    names = list(dict.fromkeys(name for pose in poses for name in pose.fields))
    names = [name for name in names if name not in ("smiles", "id")]
    told = any(pose.smiles for pose in poses)
    header = [*(["smiles"] if told else []), "id", *names]
    body = [
        (
            pose.line,
            [*([pose.smiles] if told else []), pose.id, *(pose.fields.get(name, "") for name in names)],
        )
        for pose in poses
    ]
    return PoseTable(kind, header, body, score_field(names))


def best_poses(
    table: PoseTable, scores: list[float | None], keys: list[str], lower_is_better: bool
) -> list[int]:
    """Return the rows that are the best pose of their molecule, molecules in order of first appearance.

    A molecule without any score keeps its first pose.

    Parameters
    ----------
    table : PoseTable
    scores, keys : list, one for each row
        A molecule is what has one key and one SMILES.
    lower_is_better : bool
    """
    best: dict[tuple[str, str], int] = {}
    sign = 1.0 if lower_is_better else -1.0
    told = table.header[0] == "smiles"
    for row, (score, key) in enumerate(zip(scores, keys, strict=True)):
        smiles = table.body[row][1][0] if told else ""
        # What cannot be read, or has neither name nor structure, is counted by itself.
        name = (key, smiles) if (smiles or not told) and (key or smiles) else (f"row {row}", "")
        known = best.get(name)
        if known is None:
            best[name] = row
            continue
        other = scores[known]
        if score is not None and (other is None or sign * score < sign * other):
            best[name] = row
    return list(best.values())


def _sd_poses(content: bytes, path: Path) -> Iterator[_Pose]:
    layout = Layout(kind="sdf", newline="\n")
    for record in sdf_records(content, 1, layout):
        lines = record.text.split("\n")
        fields = dict(sdf_properties(lines[end_of_block(lines) :]))
        try:
            smiles = Chem.MolToSmiles(mol_from_block(record.structure))
        except MoleculeError:
            smiles = ""
        yield _Pose(record.line, smiles, record.id, known_fields(fields))


def _pdbqt_poses(content: bytes, path: Path) -> Iterator[_Pose]:
    name = path.name
    for ending in (".gz", ".bz2", ".xz", ".zst", ".pdbqt", "_out"):
        name = name.removesuffix(ending)
    empty = _Pose(1, "", name, {})
    pose = empty
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if line.startswith("MODEL"):
            pose = replace(empty, line=number, fields={})
        elif found := _RESULT.match(line):
            pose = replace(pose, fields={**pose.fields, "VINA RESULT": found.group(1)})
        elif found := _MINIMISED.match(line):
            pose = replace(pose, fields={**pose.fields, "minimizedAffinity": found.group(1)})
        elif found := _SMILES.match(line):
            if pose.smiles:
                raise InputError(
                    f"{path}, line {number}: the pose is of several ligands docked together, and its score belongs to "
                    "none of them alone.",
                    "Leave such poses out.",
                )
            pose = replace(pose, smiles=found.group(1))
        elif found := _NAME.match(line):
            pose = replace(pose, id=found.group(1))
        elif line.startswith("ENDMDL"):
            yield pose
            pose = empty
    if pose.fields:
        yield pose
