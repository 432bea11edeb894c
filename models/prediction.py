"""What teachers and students answer with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """Predicted scores.

    Attributes
    ----------
    mean : array of float32, shape (n, targets)
        In the unit of the scores; NaN where the molecule could not be read.
    spread : array of float32, shape (n, targets)
        Standard deviation to expect of a docked score about the mean, docking noise included.
    similarity : array of float32, shape (n,), or None
        Largest min-max similarity to a molecule that the model learned from, in [0, 1]; NaN where the
        molecule could not be read. None from models that do not compare molecules.
    novel : array of bool, shape (n,), or None
        Whether that similarity is below what all but 1 % of the training molecules have to their nearest
        neighbour among the others: far from anything docked. False where the molecule could not be read.

    Examples
    --------
    >>> teacher = docksieve.load_bundle("campaign/models/round-02/teacher")
    >>> prediction = teacher.predict(["O=C(c1ccccc1)NCc1ccccc1", "no molecule"])
    >>> prediction.mean.shape
    (2, 2)
    >>> np.isnan(prediction.mean).all(axis=1)
    array([False,  True])
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    similarity: NDArray[np.float32] | None = None
    novel: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class HeldOut:
    """Predictions for molecules that the model which made them had not seen.

    Attributes
    ----------
    smiles : list of str
        Canonical.
    truth : array of float64, shape (n, targets)
        What was to be predicted: docking scores (NaN where a molecule has none), or a teacher's means.
    mean, spread : array of float64, shape (n, targets)
        In the unit of the scores; ``spread`` is NaN where it is not predicted.
    docked : array of float64, shape (n, targets), optional
        Docking scores, where ``truth`` holds them as a teacher learnt them: perhaps with bad scores drawn together.
    """

    smiles: list[str]
    truth: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    docked: NDArray[np.float64] | None = None
