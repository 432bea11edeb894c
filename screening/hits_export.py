"""Hits as files that other programs read: CSV, JSON, Parquet, SMILES, and SDF with poses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from rdkit import Chem
from rdkit.Chem import rdDepictor

from ..data.errors import FormatError, InputError

FORMATS = ("table", "csv", "parquet", "json", "sdf", "smi")
FREE_TEXT = ("id", "message")
"""Columns whose text comes from outside and may be anything."""


def export_hits(table: pa.Table, kind: str, path: Path, pose_root: Path) -> None:
    """Write ``table`` to ``path`` as ``kind`` (one of :data:`FORMATS` but ``table``).

    Parameters
    ----------
    table : pyarrow.Table
        As :func:`screening.hits.ranked_hits` returns it.
    kind : str
        Parquet and JSON hold every value as it is; see :func:`write_csv`, :func:`smiles_lines` and
        :func:`sdf_records` for what the others change.
    path : Path
        Written whole or not at all.
    pose_root : Path
        What pose pointers are relative to: the campaign folder.
    """
    writers: dict[str, Callable[[pa.Table, Path], None]] = {
        "csv": lambda hits, to: write_csv(hits, to),
        "parquet": lambda hits, to: pq.write_table(hits, to, compression="zstd"),
        "json": lambda hits, to: _write_text(to, json.dumps(hits.to_pylist(), indent=1)),
        "smi": lambda hits, to: _write_text(to, smiles_lines(hits)),
        "sdf": lambda hits, to: _write_text(to, "".join(sdf_records(hits, pose_root))),
    }
    if kind not in writers:
        raise InputError(f"{kind!r} is not a format for a file.", f"Choose one of {', '.join(writers)}.")
    from ..data.store import atomic_path

    with atomic_path(path) as temporary:
        writers[kind](table, temporary)


def write_csv(table: pa.Table, sink: Path | IO[bytes]) -> None:
    """Write ``table`` as CSV that a spreadsheet cannot take for formulas.

    An id or a message that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return gets an
    apostrophe in front. SMILES and numbers stay as they are.
    """
    for name in FREE_TEXT:
        if name in table.column_names:
            place = table.schema.get_field_index(name)
            safe = pc.replace_substring_regex(table[name].cast(pa.string()), r"\A([=+\-@\t\r])", r"'\1")
            table = table.set_column(place, name, safe)
    pa_csv.write_csv(table, sink)


def smiles_lines(table: pa.Table) -> str:
    """Return one line per hit: SMILES, a tab, the id (its line breaks and tabs made spaces)."""
    rows = zip(table["smiles"].to_pylist(), table["id"].to_pylist(), strict=True)
    return "".join(f"{smiles}\t{_one_line(name)}\n" for smiles, name in rows)


def sdf_records(table: pa.Table, pose_root: Path) -> Iterator[str]:
    """Yield one SDF record per hit: the final pose, else the docked one, else a drawing in the plane.

    The property ``structure`` says which of the three it is. In titles and properties, line breaks and tabs
    are made spaces, and a leading ``$$$$``, which would end the record, gets an underscore in front.
    """
    poses = PoseReader(pose_root)
    for hit in table.to_pylist():
        pointer = hit.get("final_pose") or hit.get("pose")
        if pointer:
            block = poses.molblock(pointer)
            source = "final pose" if hit.get("final_pose") else "docked pose"
        else:
            block, source = _drawing(hit["smiles"]), "drawing, no pose"
        yield _record(block, hit["id"], {**hit, "structure": source})


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
            self._files[name] = pq.read_table(path, columns=["molblock"])["molblock"].to_pylist()
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


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
