"""Structural alerts and drug-likeness of molecules, as columns.

Both cost about a millisecond per molecule: they are asked for the molecules that every cheaper condition has left.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import QED, FilterCatalog

_CATALOGUES = {
    "pains": FilterCatalog.FilterCatalogParams.FilterCatalogs.PAINS,
    "brenk": FilterCatalog.FilterCatalogParams.FilterCatalogs.BRENK,
    "nih": FilterCatalog.FilterCatalogParams.FilterCatalogs.NIH,
}
_UNREADABLE = "no valid RDKit molecule"
_LOCK = threading.Lock()
_QED_KNOWN = {"MW": "weight", "ALOGP": "logp", "HBD": "donors", "PSA": "tpsa", "ROTB": "rotatable_bonds"}
"""Terms of the QED that a library's properties tell."""


def alerts(smiles: Sequence[str], catalogue: str) -> list[str]:
    """Return the names of the alerts that match each molecule, joined by ``; ``; empty where none does.

    Parameters
    ----------
    smiles : sequence of str
        What cannot be read has no alerts.
    catalogue : str
        ``pains`` (Baell and Holloway 2010), ``brenk`` (Brenk et al. 2008) or ``nih`` (Jadhav et al. 2010, Doveston
        et al. 2015), as RDKit has them.
    """
    with rdBase.BlockLogs():
        found = FilterCatalog.RunFilterCatalog(_catalogue(catalogue), list(smiles), numThreads=1)  # type: ignore[attr-defined]
    names = ({entry.GetDescription() for entry in entries} - {_UNREADABLE} for entries in found)
    return ["; ".join(sorted(each)) for each in names]


def _catalogue(name: str) -> FilterCatalog.FilterCatalog:
    with _LOCK:
        return _made(name)


@cache
def _made(name: str) -> FilterCatalog.FilterCatalog:
    parameters = FilterCatalog.FilterCatalogParams()
    parameters.AddCatalog(_CATALOGUES[name])
    return FilterCatalog.FilterCatalog(parameters)


def qed(smiles: Sequence[str]) -> list[float | None]:
    """Return the quantitative estimate of drug-likeness (Bickerton et al. 2012), 0 to 1; None: it cannot be read."""
    with rdBase.BlockLogs():
        molecules = map(Chem.MolFromSmiles, smiles)
        return [None if molecule is None else float(QED.qed(molecule)) for molecule in molecules]


def qed_at_most(properties: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return what the QED can be at most, given some properties: the terms that are not known are at their best.

    Parameters
    ----------
    properties : mapping of str to array of float, shape (n,)
        ``weight``, ``logp``, ``donors``, ``tpsa``, ``rotatable_bonds``; NaN where unknown.

    Returns
    -------
    array of float, shape (n,)
        NaN where a property is.
    """
    weights = dict(zip(QED.QEDproperties._fields, QED.WEIGHT_MEAN, strict=True))
    logs = sum(
        weights[term] * np.log(np.maximum(_desirability(term)(properties[name]), 1e-12))
        for term, name in _QED_KNOWN.items()
    )
    best = sum(weight * _best_log(term) for term, weight in weights.items() if term not in _QED_KNOWN)
    # Library properties are rounded as single precision rounds: a little room.
    return np.exp((logs + best) / sum(weights.values())) + 1e-4


def _desirability(term: str) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return the published double sigmoid of a term, as RDKit computes it."""
    given = QED.adsParameters[term]

    def value(x: NDArray[np.float64]) -> NDArray[np.float64]:
        rise = 1 + np.exp(-(x - given.C + given.D / 2) / given.E)
        fall = 1 - 1 / (1 + np.exp(-(x - given.C - given.D / 2) / given.F))
        return np.asarray((given.A + given.B / rise * fall) / given.DMAX)

    return value


@cache
def _best_log(term: str) -> float:
    return float(np.log(_desirability(term)(np.arange(60.0)).max()))
