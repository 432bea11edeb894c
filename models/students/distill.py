"""Distillation: a student learns what a teacher predicts for molecules that nobody docked."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ...data.errors import ModelError
from ...data.seeds import derive_seed
from ..network.network import StudentModule
from ..network.ngrams import Bags, StringBatch, encode
from ..prediction import HeldOut
from ..settings import StudentSettings
from ..threads import torch_threads
from .fidelity import fidelity, passed_gate
from .student import Student

MIN_LABELS = 50
SPREAD_WEIGHT = 0.05
"""Weight of the spread's loss beside the mean's, which matters more and is learnt from the same trunk."""


@dataclass(frozen=True)
class _Labels:
    """Distinct molecules with complete labels, sorted, and where they go.

    ``wanted`` holds standardised means, then spreads, shape (n, outputs).
    """

    smiles: NDArray[np.object_]
    settings: StudentSettings
    wanted: torch.Tensor
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    train: NDArray[np.int64]
    stop: NDArray[np.int64]
    test: NDArray[np.int64]
    dropped: dict[str, int]
    sha256: str

    def bags(self, rows: NDArray[np.int64]) -> Bags:
        """Return the bags of ``rows``: made anew each time, since those of millions would not fit in memory."""
        strings = StringBatch.from_strings(self.smiles[rows].tolist())
        return encode(strings, self.settings.ngram, self.settings.buckets)


def _matrix(values: ArrayLike, rows: int, columns: int, name: str) -> NDArray[np.float64]:
    matrix = np.asarray(values, dtype=np.float64)
    matrix = matrix[:, None] if matrix.ndim == 1 else matrix
    if matrix.shape != (rows, columns):
        raise ModelError(f"The labels' {name} has shape {matrix.shape}, expected {(rows, columns)}.")
    return matrix


def _prepare(
    smiles: Sequence[str], outputs: NDArray[np.float64], targets: int, settings: StudentSettings, seed: int
) -> _Labels:
    names = np.array([text or "" for text in smiles], dtype=object)
    complete = np.isfinite(outputs[:, :targets]).all(axis=1) & (names != "")
    unique, first = np.unique(names[complete], return_index=True)
    values = outputs[complete][first]
    dropped = {"without label": int((~complete).sum()), "repeated": int(complete.sum()) - len(unique)}
    if len(unique) < MIN_LABELS:
        raise ModelError(
            f"Only {len(unique)} distinct labelled molecules; a student needs at least {MIN_LABELS}.",
            "Label more molecules of the library.",
        )
    digest = hashlib.sha256("\n".join(unique).encode("utf-8", "surrogatepass"))
    digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    order = np.random.default_rng(derive_seed(seed, "held-out")).permutation(len(unique))
    kept_apart = max(10, round(settings.held_out * len(unique)))
    stop, test, train = np.split(order, [kept_apart // 2, kept_apart])
    if not np.isfinite(values[train]).any(axis=0).all():
        raise ModelError("No labelled molecule has a finite spread.", "Switch student.spread off.")
    values[~np.isfinite(values)] = np.nan
    centre, scale = np.nanmean(values[train], axis=0), np.nanstd(values[train], axis=0)
    scale[scale <= 1e-12] = 1.0
    wanted = torch.from_numpy(((values - centre) / scale).astype(np.float32))
    return _Labels(unique, settings, wanted, centre, scale, train, stop, test, dropped, digest.hexdigest())


def _tensors(bags: Bags) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return (
        torch.from_numpy(bags.buckets),
        torch.from_numpy(bags.offsets.astype(np.int32)),
        torch.from_numpy(bags.weights),
    )


def _apply(module: StudentModule, labels: _Labels, rows: NDArray[np.int64]) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat(
            [module(*_tensors(labels.bags(part))) for part in np.array_split(rows, len(rows) // 4096 + 1)]
        )


def _train(
    module: StudentModule, labels: _Labels, targets: int, settings: StudentSettings, seed: int
) -> dict[str, Any]:
    # A spread that is not to be learnt is NaN, and weighs nothing.
    wanted = torch.nan_to_num(labels.wanted)
    weight = torch.isfinite(labels.wanted).float()
    weight[:, targets:] *= SPREAD_WEIGHT**0.5
    steps = max(1, round(len(labels.train) / settings.batch_size))
    optimiser = torch.optim.AdamW(
        module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=settings.epochs * steps + 1, pct_start=0.15
    )
    generator = np.random.default_rng(seed)
    best = (np.inf, -1, {name: value.clone() for name, value in module.state_dict().items()})
    history = []
    for epoch in range(settings.epochs):
        for rows in np.array_split(generator.permutation(labels.train), steps):
            error = (module(*_tensors(labels.bags(rows))) - wanted[rows]) * weight[rows]
            loss = (error**2).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
        missed = _apply(module, labels, labels.stop) - wanted[labels.stop]
        held_out = float((missed[:, :targets] ** 2).mean())
        history.append(held_out)
        if held_out < best[0]:
            best = (held_out, epoch, {name: value.clone() for name, value in module.state_dict().items()})
        elif epoch - best[1] >= settings.patience:
            break
    if not np.isfinite(best[0]):
        raise ModelError("The student's training diverged.", "Lower student.learning_rate.")
    module.load_state_dict(best[2])
    return {"epochs": len(history), "best_epoch": best[1] + 1, "held_out_loss": history}


def distil_student(
    smiles: Sequence[str],
    mean: ArrayLike,
    spread: ArrayLike | None,
    targets: Sequence[str],
    lower_is_better: Sequence[bool],
    settings: StudentSettings | None = None,
    seed: int = 0,
    threads: int = 1,
    parent: Student | None = None,
) -> Student:
    """Train a student on a teacher's predictions.

    The same labels (in any order), settings, seed and threads give the same student.

    Parameters
    ----------
    smiles : sequence of str
        Molecules of the library, docked or not. Repeated ones count once.
    mean, spread : array of float, shape (n, targets)
        The teacher's prediction. Rows whose mean is NaN are left out. ``spread`` should be NaN for molecules
        that the teacher was trained on, where it is small for a reason that the student cannot see; it may
        be None if it is not distilled.
    targets : sequence of str
    lower_is_better : sequence of bool
    settings : StudentSettings, optional
    seed, threads : int
    parent : Student, optional
        Start from its weights; it must have the same settings of features and width.

    Returns
    -------
    Student
        Its ``report``: ``labels``, ``fidelity`` per target (``r2``, ``spearman`` with intervals,
        ``recall_best_0.001`` ..., None where too few were held out), ``gate`` per target (whether it is faithful
        enough, ``docs/models.md``), ``training``, ``seconds``.

    Raises
    ------
    ModelError
        If there are too few labels, shapes disagree, or the parent does not fit.

    Examples
    --------
    >>> teacher = docksieve.load_bundle("campaign/models/round-02/teacher")
    >>> smiles = docksieve.Library.open("library").take(range(192), ["smiles"])["smiles"].to_pylist()
    >>> labels = teacher.predict(smiles, standard=True)
    >>> student = docksieve.distil_student(
    ...     smiles, labels.mean, labels.spread, teacher.targets, teacher.lower_is_better,
    ...     docksieve.StudentSettings(width=16, buckets=256, layers=1, epochs=4),
    ... )
    >>> student.predict(["CC(=O)Nc1ccc(O)cc1"]).mean.shape
    (1, 2)
    """
    settings = settings or StudentSettings()
    started = time.perf_counter()
    if not targets or len(lower_is_better) != len(targets):
        raise ModelError(f"lower_is_better has {len(lower_is_better)} entries for {len(targets)} targets.")
    outputs = _matrix(mean, len(smiles), len(targets), "mean")
    if settings.spread:
        if spread is None:
            raise ModelError("student.spread is on, but the labels have no spread.", "Switch it off.")
        outputs = np.hstack([outputs, _matrix(spread, len(smiles), len(targets), "spread")])
    labels = _prepare(smiles, outputs, len(targets), settings, seed)
    # Steps of a narrow network are too short to share out: waiting for each other costs more than it brings.
    with torch_threads(min(threads, max(1, settings.width // 128))), torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "student"))
        module = StudentModule(settings.buckets, settings.width, settings.layers, outputs.shape[1])
        if parent is not None:
            _start_from(module, parent, settings)
        training = _train(module, labels, len(targets), settings, derive_seed(seed, "batches"))
        predicted = _apply(module, labels, labels.test).double().numpy()
    truth = labels.wanted[labels.test].double().numpy()
    agreed = fidelity(truth, predicted, targets, lower_is_better, seed)
    gate = passed_gate(truth, predicted, targets, lower_is_better, settings, agreed, seed)
    # A spread far below all that the teacher ever gave would be an extrapolation: a tenth of its least.
    least = np.nanmin(np.where(np.isfinite(outputs), outputs, np.nan), axis=0)
    floor = np.where(np.arange(outputs.shape[1]) < len(targets), -np.inf, 0.1 * least).astype(np.float32)
    weights = module.weights(labels.centre, labels.scale, floor)
    report = {
        "labels": len(labels.smiles),
        "dropped": labels.dropped,
        "held_out": {"stopping": len(labels.stop), "fidelity": len(labels.test)},
        "fidelity": agreed,
        "gate": gate,
        "training": training,
        "seconds": time.perf_counter() - started,
    }
    student = Student(weights, settings, targets, lower_is_better, report, labels.sha256, seed)
    student.held_out = _held_out(labels, truth, predicted, len(targets))
    return student


def _held_out(
    labels: _Labels, truth: NDArray[np.float64], predicted: NDArray[np.float64], targets: int
) -> HeldOut:
    """Return the labels kept for the fidelity report, in score units."""
    wanted, found = (values * labels.scale + labels.centre for values in (truth, predicted))
    spread = found[:, targets:] if found.shape[1] > targets else np.full_like(found[:, :targets], np.nan)
    names = [labels.smiles[row] for row in labels.test]
    return HeldOut(names, wanted[:, :targets], found[:, :targets], spread)


def _start_from(module: StudentModule, parent: Student, settings: StudentSettings) -> None:
    """Copy the parent's trunk; the head too where it has as many outputs (rescaled by training)."""
    for name in ("ngram", "buckets", "width", "layers"):
        theirs, ours = getattr(parent.settings, name), getattr(settings, name)
        if theirs != ours:
            raise ModelError(
                f"The parent student has {name} = {theirs}, the settings ask for {ours}.",
                "Use the parent's settings, or train from scratch.",
            )
    trunk = StudentModule(settings.buckets, settings.width, settings.layers, parent.outputs).load(
        parent.weights
    )
    state = {name: value for name, value in trunk.state_dict().items() if not name.startswith("head.")}
    module.load_state_dict(state, strict=False)
