"""Scores as 16-bit keys that sort best first, for histograms that merge exactly over shards."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

KEYS = 1 << 16
MISSING_KEY = KEYS - 1
"""Key of a missing score (NaN): after every real one."""


def score_keys(scores: ArrayLike, lower_is_better: bool) -> NDArray[np.uint16]:
    """Return one key per score; a smaller key is never a worse score.

    The score is rounded to float16, whose bit patterns sort like the numbers once the sign is folded in.
    A histogram over keys is therefore a histogram of the scores at float16 resolution (0.004 to 0.008
    around -8 kcal/mol), with the same bins for every shard, model and machine.

    Parameters
    ----------
    scores : array of float, shape (n,)
        NaN means missing. Values beyond the float16 range count as infinite.
    lower_is_better : bool

    Returns
    -------
    array of uint16, shape (n,)
    """
    values = np.asarray(scores, dtype=np.float32)
    signed = values if lower_is_better else -values
    with np.errstate(over="ignore"):
        half = (signed + np.float32(0.0)).astype(np.float16)  # + 0.0 turns -0.0 into 0.0
    bits = half.view(np.uint16)
    negative = bits >= 0x8000
    keys = np.where(negative, np.uint16(0xFFFF) - bits, bits + np.uint16(0x8000)).astype(np.uint16)
    keys[np.isnan(values)] = MISSING_KEY
    return keys


def key_scores(keys: ArrayLike, lower_is_better: bool) -> NDArray[np.float32]:
    """Return the score at the centre of each key, NaN for :data:`MISSING_KEY` (for plots)."""
    wanted = np.asarray(keys, dtype=np.uint16)
    bits = np.where(wanted >= 0x8000, wanted - np.uint16(0x8000), np.uint16(0xFFFF) - wanted)
    values = bits.astype(np.uint16).view(np.float16).astype(np.float32)
    values = values if lower_is_better else -values
    values[wanted == MISSING_KEY] = np.nan
    return values
