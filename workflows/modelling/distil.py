"""Distilling a teacher into a student with molecules of files, without a campaign."""

from __future__ import annotations

import contextlib
import heapq
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.environment import usable_cores
from ...data.errors import ConfigError
from ...data.readers.layout import ReadingSettings
from ...data.readers.records import LineCounts
from ...data.readers.sources import open_files
from ...data.seeds import derive_seed, unit_interval
from ...models.settings import StudentSettings
from ..campaign.sources import learned_smiles
from ..config.campaign_file import new_settings
from . import molecule_files
from .molecule_files import inputs_of, records_of, standard_of
from .train import check_free, first_mistake, new_folder, paths_of
from .watch import Watcher, silent

LABELS = 100_000
"""Molecules that the teacher is asked about, if the files have so many: it answers about a thousand a second."""
PIECE = 4_096
FEWEST_SPREADS = 50
"""Molecules with a spread to learn that must be left once those that the teacher learned from are taken out."""


@dataclass(frozen=True)
class DistilledModel:
    """A student that was distilled on files.

    Attributes
    ----------
    folder : Path
        The bundle.
    id : str
    parent : str
        Id of the teacher.
    targets : tuple of str
    report : dict
        ``molecules`` (read, failed by code, drawn as labels), and of the student ``fidelity``, ``gate``,
        ``training`` and the rest that its card has.

    Examples
    --------
    >>> settings = docksieve.StudentSettings(width=16, buckets=256, layers=1, epochs=2)
    >>> teacher = "campaign/models/round-02/teacher"
    >>> found = docksieve.distil_model(teacher, "vendor.smi", "student", settings=settings)
    >>> found.report["molecules"]["labels"], found.targets
    (192, ('EGFR', 'JAK2'))
    """

    folder: Path
    id: str
    parent: str
    targets: tuple[str, ...]
    report: Mapping[str, Any] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "model": str(self.folder),
            "id": self.id,
            "parent": self.parent,
            "targets": list(self.targets),
            **self.report,
        }


def distil_model(
    teacher: str | Path,
    molecules: str | Path | Sequence[str | Path],
    out: str | Path,
    labels: int = LABELS,
    settings: StudentSettings | Mapping[str, Any] | None = None,
    reading: ReadingSettings | None = None,
    seed: int = 0,
    threads: int | None = None,
    replace_model: bool = False,
    watcher: Callable[[str, int, int, str], None] | None = None,
) -> DistilledModel:
    """Train a student on what a teacher predicts for molecules that nobody need have docked, and write it as a bundle.

    Parameters
    ----------
    teacher : path
        Bundle of a teacher.
    molecules : path or sequence of path
        Whatever :func:`predict_file` reads: molecules like those that the student is to screen.
    out : path
        Folder of the student. It appears whole or not at all.
    labels : int
        Most molecules that the teacher is asked about. Of more, so many are drawn at random: which ones depends on the
        seed and the molecules, not on their order.
    settings : StudentSettings or mapping, optional
        A mapping has the keys of ``[student]`` in a campaign file.
    reading : ReadingSettings, optional
        Columns and delimiter where they cannot be told.
    seed : int
    threads : int, optional
        All cores by default.
    replace_model : bool
        Whether a model that is there already may be replaced.
    watcher : callable, optional
        Told what is done (text), how much of it, out of how much (0: not known), and a remark.

    Returns
    -------
    DistilledModel

    Raises
    ------
    InputError
        If a file cannot be read.
    ConfigError
        If ``teacher`` is a student, ``out`` exists already, or a setting is not known.
    ModelError
        If too few molecules could be labelled.

    Examples
    --------
    >>> settings = {"width": 16, "buckets": 256, "layers": 1, "epochs": 2}
    >>> teacher = "campaign/models/round-02/teacher"
    >>> found = docksieve.distil_model(teacher, "vendor.smi", "student", labels=100, settings=settings)
    >>> docksieve.predict_file("student", "vendor.smi", "screened.parquet").predicted
    192
    """
    from ...models.bundles.bundle import load_bundle, read_card, save_bundle
    from ...models.students.distill import distil_student

    tell = watcher or silent
    folder = Path(out)
    check_free(folder, replace_model)
    if labels < 1:
        raise ConfigError(f"--labels must be at least 1, not {labels}.")
    card = read_card(teacher)
    if card["kind"] != "teacher":
        raise ConfigError(f"{teacher} is a {card['kind']}; only a teacher can be distilled.")
    loaded = load_bundle(teacher)
    wanted = student_settings(settings)
    threads = threads or usable_cores()
    smiles, counts = _drawn(molecules, labels, seed, reading or ReadingSettings(), tell)
    mean, spread = _labelled(loaded, smiles, threads, tell)
    if (learned := learned_smiles(Path(teacher))) is not None:
        spread = _without_memory(smiles, spread, learned)
    tell("Distilling", 0, 0, f"{len(smiles):,} labels")
    student = distil_student(
        smiles,
        mean,
        spread if wanted.spread else None,
        loaded.targets,
        loaded.lower_is_better,
        wanted,
        derive_seed(seed, "model", "distil"),
        threads,
    )
    given = {
        "units": {target["name"]: target["unit"] for target in card["targets"]},
        "parent": card["id"],
        "notes": {"files": [Path(path).name for path in paths_of(molecules)], "molecules": counts},
    }
    with new_folder(folder) as temporary:
        model = save_bundle(student, temporary, given)
    return DistilledModel(folder, model, card["id"], student.targets, {"molecules": counts, **student.report})


def student_settings(given: StudentSettings | Mapping[str, Any] | None) -> StudentSettings:
    """Return the settings of a student; a mapping has the keys of ``[student]`` in a campaign file.

    Raises
    ------
    ConfigError
        If a key is not known or a value impossible.
    """
    if isinstance(given, StudentSettings):
        return given
    try:
        return new_settings(StudentSettings, given or {})
    except ValueError as error:
        raise ConfigError(
            first_mistake(error, "student"), "The keys are those of [student] in a campaign file."
        ) from None


def _drawn(
    molecules: str | Path | Sequence[str | Path],
    labels: int,
    seed: int,
    reading: ReadingSettings,
    tell: Watcher,
) -> tuple[list[str], dict[str, Any]]:
    """Return distinct molecules in standard form, sorted, and what was read: those of the least hashes, if too many.

    A molecule's place is a hash of it and the seed, so that its repetitions have one place, and one that was
    let go never returns.
    """
    heap: list[tuple[float, str]] = []
    kept: set[str] = set()
    failed, read = Counter[str](), 0
    names = inputs_of(paths_of(molecules))
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="docksieve-")))
        sizes = (molecule_files.CHUNK_BYTES, molecule_files.CHUNK_ROWS)
        files = open_files([path for path, _ in names], reading, *sizes, scratch)
        total, before = sum(source.progress[1] for source in files), 0
        for source, (_, ready) in zip(files, names, strict=True):
            for records in records_of(source, LineCounts()):
                smiles, problems = standard_of(records, source.layout.kind == "sdf", None, ready)
                read += len(records)
                failed.update(code for code, _ in problems.values())
                for text in smiles:
                    if text is None or text in kept:
                        continue
                    entry = (-unit_interval(seed, "labels", text), text)
                    if len(heap) < labels:
                        heapq.heappush(heap, entry)
                    elif entry > heap[0]:
                        kept.discard(heapq.heapreplace(heap, entry)[1])
                    else:
                        continue
                    kept.add(text)
                tell("Reading molecules", before + source.progress[0], total, f"{read:,} molecules")
            before += source.progress[1]
    return sorted(kept), {"read": read, "failed": dict(sorted(failed.items())), "labels": len(kept)}


def _labelled(
    teacher: Any, smiles: list[str], threads: int, tell: Watcher
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what the teacher predicts."""
    shape = (len(smiles), len(teacher.targets))
    mean, spread = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for start in range(0, len(smiles), PIECE):
        found = teacher.predict(smiles[start : start + PIECE], threads, standard=True)
        mean[start : start + PIECE], spread[start : start + PIECE] = found.mean, found.spread
        tell("Asking the teacher", min(start + PIECE, len(smiles)), len(smiles), "")
    return mean, spread


def _without_memory(smiles: list[str], spread: NDArray[np.float32], learned: set[str]) -> NDArray[np.float32]:
    """Return spreads, NaN for what the teacher learned from: it is sure of them for a reason no student can see."""
    seen = np.array([text in learned for text in smiles], bool)
    if (~seen).sum() < FEWEST_SPREADS:
        return spread
    blanked = spread.copy()
    blanked[seen] = np.nan
    return blanked
