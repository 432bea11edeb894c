"""Products of a reaction: made from building blocks, brought into the standard form of a library."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
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
_NITRO = re.compile(r"\[N\+\]\(=O\)\[O-\]|\[N\+\]\(\[O-\]\)=O|O=\[N\+\]\(\[O-\]\)|\[O-\]\[N\+\]\(=O\)")
_ODD_ATOM = re.compile(r"\[(?!nH\]|C@@?H?\])|[/\\]")
"""What is settled only when a SMILES is read: charges, radicals, isotopes, stereo of double bonds. Marks of carbon
centres are not: of 280,000 amides with such marks none was written otherwise after it had been read again."""
_KEPT_MOLECULES = 20_000
_AT_ONCE = 4_000
"""Products whose molecules are held at the same time."""


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
    smiles: list[str] = []
    values: list[NDArray[np.float64]] = [np.zeros((0, len(PROPERTY_NAMES)))]
    problems: dict[int, tuple[str, str]] = {}
    with rdkit_messages():
        for start in range(0, len(combinations), _AT_ONCE):
            part = _make(reaction, combinations[start : start + _AT_ONCE], settings, _molecule)
            smiles += part.smiles
            values.append(part.values)
            problems |= {start + at: problem for at, problem in part.problems.items()}
    return Made(smiles, np.concatenate(values), problems)


def _make(
    reaction: Reaction,
    combinations: Sequence[Sequence[str]],
    settings: StandardSettings,
    molecule: Callable[[str], Any],
) -> Made:
    texts: list[str] = []
    molecules: list[Any] = []
    places: list[int] = []
    problems: dict[int, tuple[str, str]] = {}
    compiled = None if reaction.smarts == SYNTHONS else _compiled(reaction)
    for index, blocks in enumerate(combinations):
        try:
            found = _products(compiled, blocks, molecule)
        except (RuntimeError, ValueError) as error:  # RDKit's C++ exceptions
            lines = str(error).strip().splitlines() or [type(error).__name__]
            problems[index] = ("refused", lines[0])
            continue
        if len(found) == 1:
            ((text, mol),) = found.items()
            texts.append(text)
            molecules.append(mol)
            places.append(index)
        elif found:
            many = f"the reaction gives {len(found)} products of these building blocks"
            problems[index] = ("several_products", many)
        else:
            problems[index] = ("no_product", "the reaction gives no product of these building blocks")
    forms = standard_forms(texts, settings, molecules=molecules)
    smiles, values = [""] * len(combinations), np.zeros((len(combinations), len(PROPERTY_NAMES)))
    for at, index in enumerate(places):
        why = forms.problems.get(at)
        if why is None:
            smiles[index], values[index] = forms.smiles[at], forms.values[at]
        else:
            problems[index] = (why.code, str(why.message))
    return Made(smiles, values, problems)


def _products(compiled: Any, blocks: Sequence[str], molecule: Callable[[str], Any]) -> dict[str, Any]:
    """Return the different products by SMILES, with the molecule where the SMILES need not be read again."""
    molecules = tuple(molecule(text) for text in blocks)
    if compiled is None:
        text, mol = _written(join(molecules))
        return {text: None if "@" in text or _odd(text) else mol}
    found: dict[str, Any] = {}
    if not any(_odd(text) for text in blocks):
        for (mol,) in compiled.RunReactants(molecules, 4):
            if Chem.SanitizeMol(mol, catchErrors=True):
                break
            text, _ = _written(mol)
            if _odd(text):
                break
            found[text] = mol
        else:
            return found
    # Charges, radicals and stereo marks are settled when the product's SMILES is read; so is what RDKit refuses.
    return {Chem.MolToSmiles(mol): None for (mol,) in compiled.RunReactants(molecules, 4)}


def _odd(text: str) -> bool:
    return _ODD_ATOM.search(_NITRO.sub("", text) if "+" in text else text) is not None


def _written(mol: Any) -> tuple[str, Any]:
    Chem.AssignStereochemistry(mol, True, True, True)
    return Chem.MolToSmiles(mol), mol


@lru_cache(maxsize=64)
def _compiled(reaction: Reaction) -> Any:
    return reaction.compiled()


def _template(reaction: Reaction, role: int) -> Any:
    return _compiled(reaction).GetReactantTemplate(role)


@lru_cache(maxsize=_KEPT_MOLECULES)
def _molecule(smiles: str) -> Any:
    return _read(smiles)


def _read(smiles: str) -> Any:
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
    role, partners, blocks = int(job["role"]), list(job["partners"]), job["smiles"]
    settings, width = StandardSettings(**job["standard"]), len(PROPERTY_NAMES)
    capped, values = [""] * len(blocks), np.zeros((len(blocks), width))
    problems: dict[int, tuple[str, str]] = {}
    with rdkit_messages():
        for start in range(0, len(blocks), _AT_ONCE):
            # A block occurs once: its molecule is kept for its check and its product, and no longer.
            read = {text: _read(text) for text in blocks[start : start + _AT_ONCE]}
            places = []
            for at, text in enumerate(blocks[start : start + _AT_ONCE], start):
                if (why := _misfit(reaction, role, read[text])) is None:
                    places.append(at)
                else:
                    problems[at] = why
            wanted = [[*partners[:role], blocks[at], *partners[role + 1 :]] for at in places]
            made = _make(reaction, wanted, settings, partial(_known_or_read, read))
            for place, at in enumerate(places):
                capped[at] = made.smiles[place]
                if place in made.problems:
                    problems[at] = made.problems[place]
            values[places] = made.values
    return {"capped": capped, "values": values, "problems": problems}


def _known_or_read(known: Mapping[str, Any], smiles: str) -> Any:
    return known.get(smiles) or _molecule(smiles)


def misfit(reaction: Reaction, role: int, smiles: str) -> tuple[str, str] | None:
    """Return code and reason if a block does not fit its place of a reaction exactly once."""
    return _misfit(reaction, role, _molecule(smiles))


def _misfit(reaction: Reaction, role: int, mol: Any) -> tuple[str, str] | None:
    if reaction.smarts == SYNTHONS:
        return None
    times = len(mol.GetSubstructMatches(_template(reaction, role), True, maxMatches=3))
    if times == 1:
        return None
    if times:
        return "several_matches", "it fits its place of the reaction more than once"
    return "no_match", "the SMARTS does not fit it"
