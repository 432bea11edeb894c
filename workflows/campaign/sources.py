"""Earlier campaigns whose teachers help a new one: copied into its folder when it begins.

Beside each bundle lies what it learned from, ``learned.parquet``: molecules, and what its cross-validation predicted
for them. The earlier campaign keeps that in ``heldout/``; a model of ``docksieve model train`` has it in its own
folder. For a bundle that lies elsewhere the table has no row, and says so. Campaigns of versions that wrote no such
table go on as they began.
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
MODEL = b"docksieve.model"
"""Metadata of a table that lies beside the bundle itself: the id of the model that it belongs to."""
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


def _checked(folder: Path, text: str, where: str = "[teacher] sources") -> str:
    """Return the id of the teacher in ``folder``, read whole: damage shows before anything is docked."""
    from ...models.bundles.bundle import load_bundle, read_card

    if not (folder / CARD).is_file():
        raise ConfigError(f"{where}: {text} is not the folder of a model.", _hint(folder))
    try:
        card = read_card(folder)
        if card["kind"] == "teacher":
            load_bundle(folder)
    except DocksieveError as error:
        raise ConfigError(f"{where}: {text} cannot be used: {error}") from None
    if card["kind"] != "teacher":
        raise ConfigError(
            f"{where}: {text} is a {card['kind']}; only teachers can be sources.",
            _hint(folder.parent),
        )
    return str(card["id"])


def _learned(folder: Path) -> pa.Table:
    """Return what a teacher learned from, as ``docksieve model train`` or its campaign has kept it."""
    from ...models.bundles.bundle import read_card

    card = read_card(folder)
    targets = [item["name"] for item in card["targets"]]
    schema = _learned_schema(targets)
    folder = folder.resolve()
    if (folder / LEARNED).is_file():
        table = read_table(folder / LEARNED)
        if (table.schema.metadata or {}).get(MODEL) == card["id"].encode():
            return table
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


def _learned_schema(targets: Sequence[str]) -> pa.Schema:
    return pa.schema([("smiles", pa.string()), *((f"mean:{name}", pa.float64()) for name in targets)])


def write_learned(folder: Path, teacher: Teacher, model: str) -> Path:
    """Write what a freshly trained teacher learned from into the folder of its bundle.

    A later teacher that has it for a source is then given cross-validated predictions of these molecules, and not
    what it remembers. The bundle is whole without the file.

    Parameters
    ----------
    folder : Path
    teacher : Teacher
        With its ``held_out``.
    model : str
        Id of the bundle.
    """
    assert teacher.held_out is not None
    schema = _learned_schema(teacher.targets).with_metadata({METADATA: b"known", MODEL: model.encode()})
    means = [
        pa.array(teacher.held_out.mean[:, column], pa.float64(), from_pandas=True)
        for column in range(len(teacher.targets))
    ]
    smiles = pa.array(teacher.held_out.smiles, pa.string())
    write_table(folder / LEARNED, pa.Table.from_arrays([smiles, *means], schema=schema))
    return folder / LEARNED


def learned_smiles(folder: Path) -> set[str] | None:
    """Return the molecules that the teacher in ``folder`` learned from; None where nobody kept them."""
    table = _learned(folder)
    known = (table.schema.metadata or {}).get(METADATA) == b"known"
    return set(table["smiles"].to_pylist()) if known else None


def source_teachers(folders: Sequence[Path], where: str) -> list[Teacher]:
    """Return teachers to be sources of a new one, with what is known of their training.

    Parameters
    ----------
    folders : sequence of Path
        Bundles, wherever they lie.
    where : str
        What named them, for messages.

    Raises
    ------
    ConfigError
        If a folder is no teacher's bundle, or two are the same model.
    """
    from ...models.bundles.bundle import load_bundle

    known: dict[str, Path] = {}
    teachers = []
    for folder in folders:
        identity = _checked(folder, str(folder), where)
        if identity in known:
            raise ConfigError(f"{where}: {folder} and {known[identity]} are the same model.", "Name it once.")
        known[identity] = folder
        teacher: Teacher = load_bundle(folder)  # type: ignore[assignment]
        teacher.held_out = _held_out_of(_learned(folder), teacher)
        teachers.append(teacher)
    return teachers


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
    nothing = _learned_schema(teacher.targets).with_metadata({METADATA: b"known"}).empty_table()
    return _held_out_of(read_table(path) if path.is_file() else nothing, teacher)


def _held_out_of(table: pa.Table, teacher: Teacher) -> HeldOut | None:
    from ...models.prediction import HeldOut

    if (table.schema.metadata or {}).get(METADATA) != b"known":
        return None
    mean = np.column_stack([table[f"mean:{name}"].to_numpy() for name in teacher.targets])
    nothing = np.full(mean.shape, np.nan)
    return HeldOut(table["smiles"].to_pylist(), nothing, mean, nothing)
