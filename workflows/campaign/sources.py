"""Earlier campaigns whose teachers help a new one: copied into its folder when it begins.

Beside each bundle lies what it learned from, ``learned.parquet``: molecules, and what its cross-validation predicted
for them. The earlier campaign keeps that in ``heldout/``. For a bundle that lies elsewhere the table has no row, and
says so. Campaigns of versions that wrote no such table go on as they began.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...data.errors import ConfigError, DocksieveError
from ...data.store import FileRecord, read_table, record_file, write_table

if TYPE_CHECKING:
    from ...models.prediction import HeldOut
    from ...models.teachers.teacher import Teacher

CARD, WEIGHTS = "card.json", "weights.safetensors"
LEARNED = "learned.parquet"
"""Molecules that a source learned from (``smiles``), and its held-out prediction for each of its targets
(``mean:TARGET``). Its metadata has ``docksieve.learned``: ``known`` or ``unknown``."""
METADATA = b"docksieve.learned"
FOLDER = "sources"
"""Of the campaign folder: one bundle each in ``00``, ``01`` and so on, in the order of ``[teacher] sources``."""


def freeze_sources(paths: Sequence[str], root: Path, base: Path) -> list[FileRecord]:
    """Copy the bundles that ``[teacher] sources`` names into the campaign folder.

    Parameters
    ----------
    paths : sequence of str
        Folders of teachers, relative to ``base``.
    root : Path
        The campaign folder.
    base : Path

    Returns
    -------
    list of FileRecord
        What tasks that train read; nothing outside the campaign is needed any more.

    Raises
    ------
    ConfigError
        If a folder is no teacher's bundle, or two are the same model.
    """
    shutil.rmtree(root / FOLDER, ignore_errors=True)  # of a preparation that was killed
    records = []
    known: dict[str, str] = {}
    for index, text in enumerate(paths):
        folder = base / text
        identity = _checked(folder, text)
        if identity in known:
            raise ConfigError(
                f"[teacher] sources: {text} and {known[identity]} are the same model.", "Name it once."
            )
        known[identity] = text
        copied = root / FOLDER / f"{index:02d}"
        copied.mkdir(parents=True)
        for name in (WEIGHTS, CARD):
            shutil.copyfile(folder / name, copied / name)
        write_table(copied / LEARNED, _learned(folder))
        records += [record_file(copied / name, root) for name in (WEIGHTS, CARD, LEARNED)]
    return records


def _checked(folder: Path, text: str) -> str:
    """Return the id of the teacher in ``folder``, read whole: damage shows before anything is docked."""
    from ...models.bundles.bundle import load_bundle, read_card

    if not (folder / CARD).is_file():
        raise ConfigError(f"[teacher] sources: {text} is not the folder of a model.", _hint(folder))
    try:
        card = read_card(folder)
        if card["kind"] == "teacher":
            load_bundle(folder)
    except DocksieveError as error:
        raise ConfigError(f"[teacher] sources: {text} cannot be used: {error}") from None
    if card["kind"] != "teacher":
        raise ConfigError(
            f"[teacher] sources: {text} is a {card['kind']}; only teachers can be sources.",
            _hint(folder.parent),
        )
    return str(card["id"])


def _learned(folder: Path) -> pa.Table:
    """Return what the teacher in ``CAMPAIGN/models/NAME/teacher`` learned from, as its campaign has kept it."""
    from ...models.bundles.bundle import read_card

    targets = [item["name"] for item in read_card(folder)["targets"]]
    schema = pa.schema([("smiles", pa.string()), *((f"mean:{name}", pa.float64()) for name in targets)])
    folder = folder.resolve()
    kept = folder.parents[2] / "heldout" / f"{folder.parent.name}-{folder.name}.parquet"
    try:
        found = read_table(kept, ["smiles", "target", "mean", "how"])
    except (DocksieveError, OSError, pa.ArrowException, KeyError):
        return schema.with_metadata({METADATA: b"unknown"}).empty_table()
    found = found.filter(pc.equal(found["how"], "folds"))
    smiles = sorted(set(found["smiles"].to_pylist()))
    columns = [pa.array(smiles, pa.string())]
    for name in targets:
        mine = found.filter(pc.equal(found["target"], name))
        means = dict(zip(mine["smiles"].to_pylist(), mine["mean"].to_pylist(), strict=True))
        columns.append(pa.array([means.get(text) for text in smiles], pa.float64()))
    return pa.Table.from_arrays(columns, schema=schema.with_metadata({METADATA: b"known"}))


def _hint(folder: Path) -> str:
    """Return what to name instead: the teachers at or below ``folder``, if it is a campaign's or its models'."""
    found = sorted(
        path.parent for pattern in ("teacher", "*/teacher", "models/*/teacher")
        for path in folder.glob(f"{pattern}/{CARD}")
    )  # fmt: skip
    if found:
        return f"Name a teacher, such as {found[-1]}."
    return (
        "Name the folder of a teacher: CAMPAIGN/models/NAME, with a NAME that `docksieve models list` shows."
    )


def is_source(record: FileRecord) -> bool:
    """Tell whether an input of a training task is a file of a source; the others are scores."""
    return record.path.startswith(f"{FOLDER}/")


def read_sources(paths: Sequence[Path]) -> list[Teacher]:
    """Return the teachers of frozen bundles, in their order; ``paths`` are all files of theirs.

    They have ``held_out`` where it is known what they learned from; without any molecule where the campaign is of
    a version that did not ask.
    """
    from ...models.bundles.bundle import load_bundle
    from ...models.teachers.teacher import Teacher

    teachers = []
    for folder in sorted({path.parent for path in paths}):
        teacher = load_bundle(folder)
        if isinstance(teacher, Teacher):
            teacher.held_out = _held_out(folder / LEARNED, teacher)
            teachers.append(teacher)
    return teachers


def _held_out(path: Path, teacher: Teacher) -> HeldOut | None:
    from ...models.prediction import HeldOut

    smiles: list[str] = []
    mean = np.zeros((0, len(teacher.targets)))
    if path.is_file():
        table = read_table(path)
        if (table.schema.metadata or {}).get(METADATA) != b"known":
            return None
        smiles = table["smiles"].to_pylist()
        mean = np.column_stack([table[f"mean:{name}"].to_numpy() for name in teacher.targets])
    nothing = np.full(mean.shape, np.nan)
    return HeldOut(smiles, nothing, mean, nothing)
