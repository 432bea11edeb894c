"""A device is believed only once it has scored what the CPU has scored, alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..devices.device import DeviceError
from ..network.network import Forward, StudentNetwork
from ..network.ngrams import Encoder, StringBatch, encode
from .score_tally import ScoreTally

HALF_TOLERANCE = 1e-2
"""Largest difference from the CPU, in standard deviations of an output over molecules, in half precision."""

SINGLE_TOLERANCE = 1e-3
"""The same in single precision; both leave room above what was seen (``docs/measurements.md``)."""

CHECKED = 1_000
"""Molecules that a device must score before it is believed."""

_PIECES = (
    "C", "CC", "C(C)", "C(=O)N", "C(=O)O", "c1ccccc1", "c1ccncc1", "N1CCOCC1", "N1CCNCC1", "S(=O)(=O)N", "OC", "N",
    "C(F)(F)F", "Cl", "Br", "[C@@H](C)", "[C@H](O)", "C#N", "c1c[nH]c2ccccc12", "c1nc(C)no1", "/C=C/", "[N+](=O)[O-]",
)  # fmt: skip


def trial_molecules(count: int, seed: int = 0) -> StringBatch:
    """Return strings that look like SMILES, and what may come in their place: nulls, long and odd ones."""
    random = np.random.default_rng(seed)
    found: list[str | None] = [
        "".join(_PIECES[k] for k in random.integers(len(_PIECES), size=random.integers(2, 12)))
        for _ in range(max(0, count - 5))
    ]
    return StringBatch.from_strings([*found, None, "", "Ünï", "C" * 300, "N"][:count] if count > 5 else found)


def expected_scores(student: StudentNetwork, strings: StringBatch) -> NDArray[np.float32]:
    """Return what the CPU's kernel says, shape (n, outputs); NaN rows for nulls and empty strings."""
    values = np.empty((len(strings), student.outputs), np.float32)
    Forward(student.weights)(Encoder(student.settings.ngram, student.settings.buckets)(strings), values)
    values[~strings.valid] = np.nan
    return values


def exact_scores(student: StudentNetwork, strings: StringBatch) -> NDArray[np.float64]:
    """Return what the network says in double precision, shape (n, outputs), for some thousands of strings.

    Written plainly, with nothing of the kernels but their n-grams: all paths are held to it.
    """
    weights, settings = student.weights, student.settings
    bags = encode(strings, settings.ngram, settings.buckets)
    values = np.tile(weights.bias.astype(np.float64), (len(strings), 1))
    for row in range(len(strings)):
        part = slice(bags.offsets[row], bags.offsets[row + 1])
        values[row] += bags.weights[part].astype(np.float64) @ weights.embedding[bags.buckets[part]]
    for matrix, bias in zip(weights.hidden, weights.hidden_bias, strict=True):
        values = _activated(values) @ matrix + bias
    found = np.maximum(_activated(values) @ weights.head + weights.head_bias, weights.floor)
    found[~strings.valid] = np.nan
    return found


def _activated(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x / 2 * (1 + x / np.sqrt(1 + x * x))


def difference(found: NDArray[np.float32], expected: NDArray[np.floating]) -> float:
    """Return the largest difference, in standard deviations of its output; infinite if one has no number.

    For outputs far from the middle, of molecules unlike all others, it counts in parts of that distance.
    """
    if not len(expected):
        return 0.0
    if (np.isnan(found) != np.isnan(expected)).any():
        return float("inf")
    real = ~np.isnan(expected).any(axis=1)
    if real.sum() < 2:
        return 0.0
    truth = expected[real].astype(np.float64)
    spread = truth.std(axis=0) + 1e-6 * np.abs(truth).max(axis=0) + 1e-30
    far = np.abs(truth - np.median(truth, axis=0))
    return float((np.abs(found[real] - truth) / np.maximum(spread, far)).max())


def check(
    student: StudentNetwork, values: NDArray[np.float32], strings: StringBatch, half: bool, name: str
) -> float:
    """Return how far a device's scores are from the CPU's.

    Raises
    ------
    DeviceError
        If it is further than half or single precision explains.
    """
    found = difference(values, expected_scores(student, strings))
    allowed = HALF_TOLERANCE if half else SINGLE_TOLERANCE
    if not found <= allowed:
        raise DeviceError(
            f"The device {name} scores molecules differently from the CPU: by up to {found:.2g} standard deviations, "
            f"where {allowed:g} are allowed.",
            "Do not use it: it, its driver or its libraries compute wrongly. Or ask for the path 'torch'.",
        )
    return found


def check_tally(found: ScoreTally, rows: NDArray[np.int64], values: NDArray[np.float32], name: str) -> None:
    """Compare what a device counted with its own scores.

    Raises
    ------
    DeviceError
        If a histogram or a list of the best is another.
    """
    expected = ScoreTally(found.targets, found.lower_is_better, found.best_count)
    expected.add(rows, values)
    same = np.array_equal(expected.histogram, found.histogram) and all(
        np.array_equal(one.order, other.order) and np.array_equal(one.rows, other.rows)
        for one, other in zip(expected.best, found.best, strict=True)
    )
    if not same:
        raise DeviceError(
            f"The device {name} counts scores wrongly.", "Do not use it, or ask for the path 'torch'."
        )
