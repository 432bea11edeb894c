"""Choosing what to dock next from predictions held in arrays.

:class:`docksieve.screening.acquisition.stream.AcquisitionStream` does the same from any number of record batches;
:mod:`docksieve.screening.acquisition.functions` holds the acquisition functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .functions import ACQUISITIONS, DIVERSITIES, AcquisitionContext, Array, Rows
from .stream import AcquisitionStream, random_share

__all__ = ["ACQUISITIONS", "DIVERSITIES", "AcquisitionContext", "acquire", "random_share"]


def acquire(
    name: str,
    rows: Rows,
    mean: Array,
    spread: Array,
    count: int,
    *,
    lower_is_better: bool,
    context: AcquisitionContext,
    seed: int,
    docked: Rows | None = None,
    epsilon: float = 0.0,
    diversity: str = "none",
    smiles: Callable[[Rows], Sequence[str]] | None = None,
) -> tuple[Rows, Array]:
    """Choose molecules to dock from predictions held in arrays.

    Parameters
    ----------
    name : str
        ``greedy``, ``ucb``, ``ei``, ``pi``, ``thompson``, ``uncertainty`` or ``random``.
    rows : array of int64, shape (n,)
        Library rows, each once.
    mean, spread : array of float, shape (n,)
        In score units; NaN means that the molecule could not be predicted, and it is not chosen.
    count : int
        How many to choose; all that can be chosen if there are fewer.
    lower_is_better : bool
        Direction of the score.
    context : AcquisitionContext
        ``best`` in score units as stored; it is turned here.
    seed : int
        For the functions that draw.
    docked : array of int64, optional
        Rows never to choose again.
    epsilon : float
        Share of the batch drawn at random from all other candidates, in [0, 1], rounded to whole molecules.
    diversity : str
        ``none``, ``scaffold`` or ``maxmin``; what is drawn at random is drawn regardless of it.
    smiles : callable, optional
        Given indices into ``rows``, returns those molecules' SMILES; needed if ``diversity`` is not ``none``.

    Returns
    -------
    chosen : array of int64, shape (m,)
        Indices into ``rows``: those chosen by value, best first, then those drawn at random. Ties go to the
        smaller row, so the order of ``rows`` is of no consequence.
    values : array of float, shape (m,)
        Acquisition value of each.

    Raises
    ------
    ValueError
        If an argument is unknown or out of range, a row occurs twice, or SMILES are needed and not given.

    Examples
    --------
    >>> rows, mean, spread = np.array([4, 8, 15]), np.array([-8.0, -9.5, -9.0]), np.array([0.5, 0.1, 1.0])
    >>> context = docksieve.AcquisitionContext(beta=1.0)
    >>> chosen, values = docksieve.acquire(
    ...     "ucb", rows, mean, spread, 2, lower_is_better=True, context=context, seed=1
    ... )
    >>> rows[chosen], values
    (array([15,  8]), array([10. ,  9.6]))
    """
    rows = np.asarray(rows, np.int64)
    stream = AcquisitionStream(
        name,
        count,
        lower_is_better=lower_is_better,
        context=context,
        seed=seed,
        docked=docked,
        epsilon=epsilon,
        diversity=diversity,
    )
    stream.add(rows, mean, spread)
    order = np.argsort(rows, kind="stable")

    def places(wanted: Rows) -> Rows:
        return order[np.searchsorted(rows, wanted, sorter=order)]

    chosen = stream.choose((lambda wanted: smiles(places(wanted))) if smiles is not None else None)
    return places(chosen.rows), chosen.values
