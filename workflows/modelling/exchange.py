"""Students for other runtimes: written as ONNX files, and compared with what they were made from."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.errors import ConfigError, InputError, ModelError
from ...data.readers.layout import ReadingSettings
from ...data.readers.records import LineCounts
from ...data.readers.sources import open_files
from ...data.statistics import spearman
from ...data.store import write_bytes
from ...screening.metrics.surface import best_first
from . import molecule_files
from .molecule_files import inputs_of, records_of, standard_of
from .predict import predictor_of
from .train import paths_of
from .watch import silent

TOLERANCE = 1e-3
"""Largest difference of two float32 runtimes, in the unit of the scores: sums run in other orders."""
MOST = 10_000
FEWEST = 100


def export_model(model: str | Path, out: str | Path, int8: bool = False, replace: bool = False) -> Path:
    """Write a student as an ONNX file of standard operators, with free sizes.

    What it takes and how SMILES become that is written down in ``docs/model-tools.md``.

    Parameters
    ----------
    model : path
        Bundle of a student.
    out : path
        ``.onnx``; it appears whole or not at all.
    int8 : bool
        Whether embedding and hidden layers are rounded to 8 bits: a quarter of the size.
    replace : bool
        Whether a file that is there already may be replaced.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        If ``model`` is a teacher, or ``out`` is not free or ends in something else.
    ModelError
        If the library onnx is not installed, or refuses the model.

    Examples
    --------
    >>> docksieve.export_model("campaign/models/round-02/student", "student.txt")
    Traceback (most recent call last):
        ...
    ConfigError: student.txt does not end in .onnx. ...
    """
    from ...models.bundles.bundle import load_bundle, read_card
    from ...models.onnx_files.export import onnx_bytes

    path = Path(out)
    if path.suffix != ".onnx":
        raise ConfigError(f"{path} does not end in .onnx.", "Name the file so.")
    if path.exists() and not replace:
        raise ConfigError(f"{path} exists already.", "Choose another --out, or give --force.")
    card = read_card(model)
    if card["kind"] != "student":
        raise ConfigError(
            f"{model} is a {card['kind']}; only students are exported.", "Distil one: docksieve model distil."
        )
    student: Any = load_bundle(model)
    write_bytes(path, onnx_bytes(student, card["id"], int8))
    return path


@dataclass(frozen=True)
class Parity:
    """How alike two models predict; differences are in the unit of the scores.

    Attributes
    ----------
    first, second : str
    molecules : int
    target : str
    largest, mean : float
        Absolute differences.
    rank_correlation : float
        Spearman's.
    best_changed : float
        Share of the first's best 1 % that is not among the second's.
    tolerance : float
    within : bool
        Whether the largest difference is at most that.
    first_seconds, second_seconds : float
        Processor seconds that the predictions took, without reading and standardising.

    Examples
    --------
    >>> student = "campaign/models/round-02/student"
    >>> (egfr, jak2) = docksieve.compare_models(student, student, "vendor.smi")
    >>> egfr.target, egfr.within, egfr.best_changed
    ('EGFR', True, 0.0)
    """

    first: str
    second: str
    molecules: int
    target: str
    largest: float
    mean: float
    rank_correlation: float
    best_changed: float
    tolerance: float
    within: bool
    first_seconds: float
    second_seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values; None for a correlation that is not defined."""
        values = asdict(self)
        if self.rank_correlation != self.rank_correlation:
            values["rank_correlation"] = None
        return values


def compare_models(
    first: str | Path,
    second: str | Path,
    molecules: str | Path | Sequence[str | Path],
    tolerance: float = TOLERANCE,
    most: int = MOST,
    reading: ReadingSettings | None = None,
    threads: int = 1,
    devices: tuple[str, str] = ("cpu", "cpu"),
    watcher: Callable[[str, int, int, str], None] | None = None,
) -> tuple[Parity, ...]:
    """Compare two models, or one in two runtimes or on two devices, on molecules of files.

    Parameters
    ----------
    first, second : path
        Bundles, or ``.onnx`` files of :func:`export_model`; of the same targets.
    molecules : path or sequence of path
        Best such as neither has learned from.
    tolerance : float
        Largest difference that passes, in the unit of the scores.
    most : int
        The first so many molecules that can be read are compared.
    reading : ReadingSettings, optional
        Columns and delimiter where they cannot be told.
    threads : int
    devices : (str, str)
        Of bundles of students.
    watcher : callable, optional
        Told what is done (text), how much of it, out of how much (0: not known), and a remark.

    Returns
    -------
    tuple of Parity
        One for each target.

    Raises
    ------
    InputError
        If there are fewer than a hundred molecules.
    ModelError
        If the models predict different targets.

    Examples
    --------
    >>> teacher, student = (f"campaign/models/round-02/{kind}" for kind in ("teacher", "student"))
    >>> found = docksieve.compare_models(teacher, student, "vendor.smi")
    >>> found[0].within  # a student is near its teacher, and no nearer
    False
    """
    tell = watcher or silent
    with contextlib.ExitStack() as stack:
        sides = [
            stack.enter_context(_opened(Path(path), threads, device))
            for path, device in zip((first, second), devices, strict=True)
        ]
        if sides[0][1:] != sides[1][1:]:
            raise ModelError(
                f"{first} predicts {', '.join(sides[0][1])} and {second} {', '.join(sides[1][1])}, or in another "
                "direction."
            )
        tell("Reading molecules", 0, 0, "")
        smiles = _first_molecules(molecules, most, reading or ReadingSettings())
        means, seconds = [], []
        for number, (predict, *_) in enumerate(sides):
            tell("Predicting", number, 2, f"{len(smiles):,} molecules")
            predict(smiles[:FEWEST])  # kernels are compiled, memory is there
            begun = time.process_time()
            means.append(predict(smiles))
            seconds.append(time.process_time() - begun)
    both = np.isfinite(means[0]).all(axis=1) & np.isfinite(means[1]).all(axis=1)
    if both.sum() < FEWEST:
        raise InputError(
            f"Only {int(both.sum())} molecules can be predicted by both; a comparison needs {FEWEST}.",
            "Give more molecules.",
        )
    one, other = (mean[both].astype(np.float64) for mean in means)
    _, targets, lower = sides[0]
    return tuple(
        _parity((str(first), str(second)), target, one[:, k], other[:, k], lower[k], tolerance, seconds)
        for k, target in enumerate(targets)
    )


Predict = Callable[[list[str]], NDArray[np.float32]]


@contextlib.contextmanager
def _opened(
    path: Path, threads: int, device: str
) -> Iterator[tuple[Predict, tuple[str, ...], tuple[bool, ...]]]:
    """Yield what predicts means, the targets, and whether lower is better."""
    if path.suffix == ".onnx":
        from ...models.onnx_files.runtime import OnnxStudent

        if device != "cpu":
            raise ConfigError(f"{path} runs on the processor; no device can be asked for.")
        student = OnnxStudent(path, threads)
        yield student.predict, student.targets, student.lower_is_better
        return
    from ...models.bundles.bundle import load_bundle

    loaded = load_bundle(path)
    with predictor_of(loaded, threads, device) as ready:
        yield (lambda smiles: ready.predict(smiles).mean), loaded.targets, loaded.lower_is_better


def _first_molecules(
    molecules: str | Path | Sequence[str | Path], most: int, reading: ReadingSettings
) -> list[str]:
    """Return the first distinct molecules, in standard form."""
    found: dict[str, None] = {}
    names = inputs_of(paths_of(molecules))
    with tempfile.TemporaryDirectory(prefix="docksieve-") as scratch:
        sizes = (molecule_files.CHUNK_BYTES, molecule_files.CHUNK_ROWS)
        files = open_files([path for path, _ in names], reading, *sizes, Path(scratch))
        for source, (_, ready) in zip(files, names, strict=True):
            for records in records_of(source, LineCounts()):
                smiles, _ = standard_of(records, source.layout.kind == "sdf", None, ready)
                found |= dict.fromkeys(text for text in smiles if text is not None)
                if len(found) >= most:
                    return list(found)[:most]
    return list(found)


def _parity(
    names: tuple[str, str],
    target: str,
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    lower: bool,
    tolerance: float,
    seconds: Sequence[float],
) -> Parity:
    apart = np.abs(first - second)
    count = max(1, round(0.01 * len(first)))
    best = [set(best_first(side, lower)[:count].tolist()) for side in (first, second)]
    return Parity(
        first=names[0],
        second=names[1],
        molecules=len(first),
        target=target,
        largest=float(apart.max()),
        mean=float(apart.mean()),
        rank_correlation=float(spearman(first, second)),
        best_changed=len(best[0] - best[1]) / count,
        tolerance=tolerance,
        within=bool(apart.max() <= tolerance),
        first_seconds=seconds[0],
        second_seconds=seconds[1],
    )
