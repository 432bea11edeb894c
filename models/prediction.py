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
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
