"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import Crippen

from .known_molecules import DRUGS, all_amides

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data that lies beside the checkout, or in $DOCKSIEVE_DATA; absent: skip, and say so."""
    folder = Path(os.environ.get("DOCKSIEVE_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the real data is not at {folder}; set DOCKSIEVE_DATA to run this test")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def drugs() -> list[str]:
    return list(DRUGS)


@pytest.fixture(scope="session")
def amides() -> list[str]:
    """Over a thousand amides, in an order that is not that of their making."""
    found = np.array(all_amides(), dtype=object)
    return np.random.default_rng(7).permutation(found)[:1200].tolist()


@pytest.fixture(scope="session")
def logp(amides: list[str]) -> np.ndarray:
    """A property that stands in for a docking score."""
    return np.array([Crippen.MolLogP(Chem.MolFromSmiles(text)) for text in amides])
