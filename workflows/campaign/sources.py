"""Earlier campaigns whose teachers help a new one: copied into its folder when it begins."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...data.errors import ConfigError, DocksieveError
from ...data.store import FileRecord, record_file

if TYPE_CHECKING:
    from ...models.teachers.teacher import Teacher

CARD, WEIGHTS = "card.json", "weights.safetensors"
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
            records.append(record_file(copied / name, root))
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
    """Return the teachers of frozen bundles, in their order; ``paths`` are all files of theirs."""
    from ...models.bundles.bundle import load_bundle
    from ...models.teachers.teacher import Teacher

    folders = sorted({path.parent for path in paths})
    return [teacher for teacher in map(load_bundle, folders) if isinstance(teacher, Teacher)]
