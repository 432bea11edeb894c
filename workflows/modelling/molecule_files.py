"""Files of molecules in pieces, each molecule in standard form or with the reason why it has none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...data.libraries.library import Library
from ...data.molecules.batch import standard_forms
from ...data.molecules.parse import rdkit_messages
from ...data.molecules.standardise import StandardSettings
from ...data.readers.records import LineCounts, Record, any_records
from ...data.readers.sources import FileSource

CHUNK_BYTES, CHUNK_ROWS = 1 << 20, 16_384
"""What is read, predicted and written at a time: some 20,000 molecules."""


def inputs_of(paths: Sequence[str | Path]) -> list[tuple[str, bool]]:
    """Return names of files, each with whether its molecules are in standard form: those of a library are."""
    found: list[tuple[str, bool]] = []
    for path in map(str, paths):
        if path != "-" and Path(path).is_dir():
            library = Library.open(path)
            found += [(str(library.path / shard.record.path), True) for shard in library.shards]
        else:
            found.append((path, False))
    return found


def records_of(source: FileSource, counts: LineCounts) -> Iterator[list[Record]]:
    """Yield the molecules of a file, in pieces."""
    for chunk in source.chunks():
        records = list(any_records(source.layout.kind, chunk, source.layout, counts))
        if records:
            yield records


def standard_of(
    records: list[Record], sdf: bool, standard: StandardSettings | None, ready: bool
) -> tuple[list[str | None], dict[int, tuple[str, str]]]:
    """Return molecules in standard form, None where there is none, and by row the code and reason why."""
    if ready:
        return [record.structure or None for record in records], {
            row: ("missing", "there is no structure where one is expected")
            for row, record in enumerate(records)
            if not record.structure
        }
    with rdkit_messages():
        forms = standard_forms(
            ["" if record.problem else record.structure for record in records],
            standard or StandardSettings(),
            from_block=sdf,
            extensions=[record.extension for record in records],
            described=False,
        )
    problems = {row: (error.code, error.message) for row, error in forms.problems.items()}
    problems |= {row: record.problem for row, record in enumerate(records) if record.problem}
    return [None if row in problems else text for row, text in enumerate(forms.smiles)], problems
