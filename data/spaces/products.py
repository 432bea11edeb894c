"""Products of a reaction: made from building blocks, brought into the standard form of a library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from ..enumeration.product_space import Reaction
from ..molecules.batch import standard_forms
from ..molecules.parse import rdkit_messages
from ..molecules.properties import PROPERTY_NAMES
from ..molecules.standardise import StandardSettings
from .synthons import join

SYNTHONS = "synthons"
"""In place of a SMARTS: the blocks carry numbered attachment points and are joined where the numbers agree."""
_KEPT_MOLECULES = 100_000


@dataclass(frozen=True)
class Made:
    """What became of n combinations of building blocks.

    Attributes
    ----------
    smiles : list of str
        Standard SMILES; empty where there is no product.
    values : array of float64, shape (n, 11)
        Properties in the order of ``PROPERTY_NAMES``.
    problems : dict of int to (str, str)
        By index: code and reason.
    """

    smiles: list[str]
    values: NDArray[np.float64]
    problems: dict[int, tuple[str, str]]


def make_products(
    reaction: Reaction, combinations: Sequence[Sequence[str]], settings: StandardSettings
) -> Made:
    """Return the products of one reaction.

    Parameters
    ----------
    reaction : Reaction
    combinations : sequence of sequence of str
        SMILES of the building blocks, one per role.
    settings : StandardSettings
        The standard form that products are brought into.

    Returns
    -------
    Made
        A combination that gives no product, or several, or one that has no standard form, has a problem; nothing
        is raised for it.
    """
    raw: list[str] = []
    problems: dict[int, tuple[str, str]] = {}
    compiled = None if reaction.smarts == SYNTHONS else _compiled(reaction)
    with rdkit_messages():
        for index, blocks in enumerate(combinations):
            try:
                found = _products(compiled, [_molecule(text) for text in blocks])
            except (RuntimeError, ValueError) as error:  # RDKit's C++ exceptions
                lines = str(error).strip().splitlines() or [type(error).__name__]
                found, problems[index] = set(), ("refused", lines[0])
            if len(found) == 1:
                raw.append(found.pop())
                continue
            raw.append("")
            several = (
                "several_products",
                f"the reaction gives {len(found)} products of these building blocks",
            )
            none = ("no_product", "the reaction gives no product of these building blocks")
            problems.setdefault(index, several if found else none)
        places = [index for index, text in enumerate(raw) if text]
        forms = standard_forms([raw[index] for index in places], settings)
    smiles, values = [""] * len(raw), np.zeros((len(raw), len(PROPERTY_NAMES)))
    for at, index in enumerate(places):
        problem = forms.problems.get(at)
        if problem is None:
            smiles[index], values[index] = forms.smiles[at], forms.values[at]
        else:
            problems[index] = (problem.code, str(problem.message))
    return Made(smiles, values, problems)


def _products(compiled: Any, molecules: Sequence[Any]) -> set[str]:
    if compiled is None:
        return {Chem.MolToSmiles(join(molecules))}
    return {Chem.MolToSmiles(product[0]) for product in compiled.RunReactants(tuple(molecules), 4)}


@lru_cache(maxsize=64)
def _compiled(reaction: Reaction) -> Any:
    return reaction.compiled()


@lru_cache(maxsize=_KEPT_MOLECULES)
def _molecule(smiles: str) -> Any:
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise ValueError(f"RDKit cannot read {smiles}")
    return mol


def cap_blocks(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the products of many blocks with fixed partners: how a block looks inside a molecule.

    Parameters
    ----------
    job : mapping
        ``reaction`` (its fields), ``role`` (position), ``partners`` (a SMILES per role), ``smiles`` (of the blocks),
        ``standard`` (settings).

    Returns
    -------
    dict
        ``capped`` (standard SMILES, empty where there is none), ``values`` (properties) and ``problems``.
    """
    reaction = Reaction(**{**job["reaction"], "roles": tuple(job["reaction"]["roles"])})
    role, partners = int(job["role"]), list(job["partners"])
    combinations = [[*partners[:role], text, *partners[role + 1 :]] for text in job["smiles"]]
    made = make_products(reaction, combinations, StandardSettings(**job["standard"]))
    return {"capped": made.smiles, "values": made.values, "problems": made.problems}
