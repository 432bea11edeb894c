"""Hits as files that other programs read: CSV, JSON, Parquet, SMILES, and SDF with poses.

Every file can say which command made it (``docs/hits.md``): Parquet in its metadata, SMILES in a first line that
begins with ``#``, SDF as a property of each record, CSV and JSON as ``command`` of the first hit. A comment line would
not do for CSV: whoever skips lines by ``#`` cuts the triple bonds of SMILES.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from rdkit import Chem
from rdkit.Chem import rdDepictor

from ...data.errors import FormatError, InputError

FORMATS = ("table", "csv", "parquet", "json", "sdf", "smi")
COMMAND = "command"
"""Key or column of what made a file."""
METADATA_KEY = "docksieve.hits"


@dataclass
class PoseProblems:
    """Poses that could not be read.

    Attributes
    ----------
    hits : list of str
        Ids of the molecules without their pose.
    reasons : list of str
        Each once.
    """

    hits: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def add(self, name: str, error: FormatError) -> None:
        """Note that the pose of a molecule could not be read."""
        self.hits.append(name)
        if error.message not in self.reasons:
            self.reasons.append(error.message)

    def as_error(self, total: int) -> FormatError | None:
        """Return the error that says so; None if there was none."""
        if not self.hits:
            return None
        more = f" and {len(self.reasons) - 1} more" if len(self.reasons) > 1 else ""
        shown = ", ".join(self.hits[:5]) + (" ..." if len(self.hits) > 5 else "")
        reason = self.reasons[0].rstrip(".")
        return FormatError(
            f"{len(self.hits):,} of {total:,} molecules are without their pose ({shown}): {reason}{more}.",
            "They are in the file as drawings, marked structure = 'drawing, pose missing'.",
        )


def export_hits(
    table: pa.Table, kind: str, path: Path, pose_root: Path, provenance: str | None = None
) -> PoseProblems:
    """Write ``table`` to ``path`` as ``kind`` (one of :data:`FORMATS` but ``table``).

    Parameters
    ----------
    table : pyarrow.Table
        Hits, as :func:`docksieve.hits` returns them.
    kind : str
        Parquet and JSON hold every value as it is; see :func:`write_csv`, :func:`smiles_lines` and
        :func:`sdf_records` for what the others change.
    path : Path
        Written whole or not at all.
    pose_root : Path
        What pose pointers are relative to: the campaign folder.
    provenance : str, optional
        What made the file; written into it.

    Returns
    -------
    PoseProblems
        Of an SDF: every hit is in the file, those named here without their pose.
    """
    problems = PoseProblems()
    writers: dict[str, Callable[[pa.Table, Path], None]] = {
        "csv": lambda hits, to: write_csv(_with_command(hits, provenance), to),
        "parquet": lambda hits, to: pq.write_table(_with_metadata(hits, provenance), to, compression="zstd"),
        "json": lambda hits, to: _write_text(to, json.dumps(_records(hits, provenance), indent=1)),
        "smi": lambda hits, to: _write_text(to, _comment(provenance) + smiles_lines(hits)),
        "sdf": lambda hits, to: _write_pieces(to, sdf_records(hits, pose_root, problems, provenance)),
    }
    if kind not in writers:
        raise InputError(f"{kind!r} is not a format for a file.", f"Choose one of {', '.join(writers)}.")
    from ...data.store import atomic_path

    with atomic_path(path) as temporary:
        writers[kind](table, temporary)
    return problems


def _with_command(table: pa.Table, provenance: str | None) -> pa.Table:
    """Return the hits with a last column that says in the first row what made them."""
    if provenance is None or not table.num_rows:
        return table
    return table.append_column(COMMAND, pa.array([provenance] + [None] * (table.num_rows - 1), pa.string()))


def _with_metadata(table: pa.Table, provenance: str | None) -> pa.Table:
    if provenance is None:
        return table
    known = table.schema.metadata or {}
    return table.replace_schema_metadata({**known, METADATA_KEY: json.dumps({COMMAND: provenance})})


def _records(table: pa.Table, provenance: str | None) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = table.to_pylist()
    if provenance is not None and records:
        records[0][COMMAND] = provenance
    return records


def _comment(provenance: str | None) -> str:
    return "" if provenance is None else f"# {_one_line(provenance)}\n"


def write_csv(table: pa.Table, sink: Path | IO[bytes]) -> None:
    """Write ``table`` as CSV that a spreadsheet cannot take for formulas.

    A text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return gets an apostrophe in front. Numbers
    stay as they are, and so do SMILES: none begins like that.
    """
    for place, item in enumerate(table.schema):
        if pa.types.is_string(item.type) or pa.types.is_large_string(item.type):
            safe = pc.replace_substring_regex(table[item.name], r"\A([=+\-@\t\r])", r"'\1")
            table = table.set_column(place, item.name, safe)
    pa_csv.write_csv(table, sink)


def smiles_lines(table: pa.Table) -> str:
    """Return one line per hit: SMILES, a tab, the id (its line breaks and tabs made spaces)."""
    rows = zip(table["smiles"].to_pylist(), table["id"].to_pylist(), strict=True)
    return "".join(f"{smiles}\t{_one_line(name)}\n" for smiles, name in rows)


def sdf_records(
    table: pa.Table, pose_root: Path, problems: PoseProblems | None = None, provenance: str | None = None
) -> Iterator[str]:
    """Yield one SDF record per hit: the final pose, else the docked one, else a drawing in the plane.

    The property ``structure`` says which of the three it is. A pose that cannot be read is replaced by a drawing and
    noted in ``problems``; without these, it is an error. In titles and properties, line breaks and tabs
    are made spaces, and a leading ``$$$$``, which would end the record, gets an underscore in front.
    """
    poses = PoseReader(pose_root)
    made = {} if provenance is None else {COMMAND: provenance}
    for hit in table.to_pylist():
        block, source = _structure(hit, poses, problems)
        yield _record(block, hit["id"], {**hit, "structure": source, **made})


def _structure(hit: dict[str, Any], poses: PoseReader, problems: PoseProblems | None) -> tuple[str, str]:
    """Return mol block and origin of a hit's structure."""
    pointer = hit.get("final_pose") or hit.get("pose")
    if not pointer:
        return _drawing(hit["smiles"]), "drawing, no pose"
    try:
        return poses.molblock(pointer), "final pose" if hit.get("final_pose") else "docked pose"
    except FormatError as error:
        if problems is None:
            raise
        problems.add(str(hit["id"]), error)
        return _drawing(hit["smiles"]), "drawing, pose missing"


class PoseReader:
    """Reads poses by their pointers, each poses file once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, list[str]] = {}

    def molblock(self, pointer: str) -> str:
        """Return the mol block that ``pointer`` (``<file>#<row>``) means.

        Raises
        ------
        FormatError
            If the file or the row does not exist.
        """
        name, _, index = pointer.rpartition("#")
        if name not in self._files:
            path = self._root / name
            if not path.is_file():
                raise FormatError(
                    f"The poses file {path} is missing.", "Restore it, or submit the campaign again."
                )
            try:
                self._files[name] = pq.read_table(path, columns=["molblock"])["molblock"].to_pylist()
            except (pa.ArrowException, OSError) as error:
                raise FormatError(f"The poses file {path} is damaged: {error}.") from None
        try:
            return self._files[name][int(index)]
        except (IndexError, ValueError):
            raise FormatError(f"The pose pointer {pointer!r} does not lead to a pose.") from None


def _drawing(smiles: str) -> str:
    molecule = Chem.MolFromSmiles(smiles)
    rdDepictor.Compute2DCoords(molecule)
    return str(Chem.MolToMolBlock(molecule))


def _record(block: str, name: str, properties: dict[str, Any]) -> str:
    body = block.split("M  END", 1)[0] + "M  END\n"
    lines = body.split("\n")
    lines[0] = _field(name)
    fields = "".join(
        f">  <{key}>\n{_field(value)}\n\n" for key, value in properties.items() if value is not None
    )
    return "\n".join(lines) + fields + "$$$$\n"


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


def _field(value: object) -> str:
    text = _one_line(value)
    return f"_{text}" if text.startswith("$$$$") else text


def _write_pieces(path: Path, pieces: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8") as handle:
        handle.writelines(pieces)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
