"""Which molecules a model is tested on, and which it may learn from then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ...data.errors import InputError
from ...data.seeds import derive_seed
from ...screening.chemistry.diversity import murcko_scaffold

Split = Literal["random", "scaffold", "time"]
SPLITS: tuple[str, ...] = get_args(Split)
Fold = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Rows to learn from, and rows to test on."""


def folds_of(
    split: str,
    folds: int,
    seed: int,
    count: int,
    groups: NDArray[np.int64] | None = None,
    order: NDArray[np.float64] | None = None,
) -> list[Fold]:
    """Return the folds of one repeat.

    Parameters
    ----------
    split : str
        ``random``; ``scaffold``: no group is on both sides; ``time``: each part is tested by what is older.
    folds : int
    seed : int
    count : int
        Molecules.
    groups : array of int64, shape (count,)
        Needed for ``scaffold``.
    order : array of float64, shape (count,)
        Times, needed for ``time``. Molecules of one time stay together.

    Returns
    -------
    list of Fold
        ``random`` and ``scaffold`` test each molecule once; ``time`` tests all but the oldest part.

    Raises
    ------
    InputError
        If there are too few scaffolds or times for so many folds.
    """
    if split == "time":
        assert order is not None
        return _by_time(order, folds)
    random = np.random.default_rng(derive_seed(seed, "split", split))
    if split == "random":
        place = np.empty(count, np.int64)
        place[random.permutation(count)] = np.arange(count) % folds
    else:
        assert groups is not None
        place = _by_group(groups, folds, random)
    return [(np.flatnonzero(place != fold), np.flatnonzero(place == fold)) for fold in range(folds)]


def _by_group(groups: NDArray[np.int64], folds: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the fold of each molecule: groups in random order, each into the fold that has the fewest so far.

    Groups larger than half a fold come first, so that what follows can even them out.
    """
    names, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < folds:
        raise InputError(
            f"The molecules have {len(names)} scaffolds: too few for {folds} folds without one on both sides.",
            "Ask for fewer --folds, or a random split.",
        )
    drawn = random.permutation(len(names))
    drawn = drawn[np.argsort(sizes[drawn] * 2 * folds <= len(groups), kind="stable")]
    filled, fold = np.zeros(folds, np.int64), np.empty(len(names), np.int64)
    for group in drawn.tolist():
        fold[group] = int(np.argmin(filled))
        filled[fold[group]] += sizes[group]
    return fold[inverse]


def _by_time(order: NDArray[np.float64], folds: int) -> list[Fold]:
    times = np.sort(order)
    cuts = [times[len(times) * part // (folds + 1)] for part in range(1, folds + 1)]
    if len({times[0], *cuts}) < folds + 1:
        raise InputError(
            f"The molecules have too few different times for {folds} parts, each tested by what is older.",
            "Ask for fewer --folds.",
        )
    part = np.searchsorted(np.array(cuts), order, side="right")
    return [(np.flatnonzero(part < fold), np.flatnonzero(part == fold)) for fold in range(1, folds + 1)]


def scaffold_groups(smiles: Sequence[str]) -> NDArray[np.int64]:
    """Return a number for each molecule's Bemis-Murcko scaffold; those without a ring share one."""
    names = [murcko_scaffold(text) for text in smiles]
    texts = np.array(
        [text if name is None else name for text, name in zip(smiles, names, strict=True)], object
    )
    return np.asarray(np.unique(texts, return_inverse=True)[1], np.int64)
