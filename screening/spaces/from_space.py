"""A space seen by a search: sums over its building blocks, blocks that may be used, and windows on made products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rdkit import Chem

from ...data.errors import InputError
from ...data.molecules.properties import PROPERTY_NAMES
from ...data.spaces.space import Space
from .tables import FactorTables, Floats, Sums

ADDITIVE = tuple(name for name in PROPERTY_NAMES if name != "fsp3")
"""Properties that are offered as sums over blocks; the fraction of sp3 carbons is none."""
EVERY_ROLE = "*"
_NOT_NUMBERS = {"id", "smiles", "capped", *PROPERTY_NAMES}
PerRole = Mapping[str, Sequence[str]]


class Factors(Protocol):
    """What the blocks of one reaction add, by target."""

    @property
    def single(self) -> tuple[Floats, ...]:
        """Of shape (blocks, targets) for each role."""

    @property
    def pairs(self) -> Mapping[tuple[int, int], tuple[Floats, Floats]]:
        """Of shape (blocks, targets, rank) for each pair of roles."""


def space_sums(space: Space, reaction: int) -> dict[str, Sums]:
    """Return what can be asked of the products of a reaction as sums over their building blocks.

    Parameters
    ----------
    space : Space
    reaction : int
        Its place in the space.

    Returns
    -------
    dict
        The additive properties, and every numeric column (``price``, say) that the tables of all roles have.
    """
    roles, base, errors = space.blocks[reaction], space.base(reaction), space.deviations(reaction)
    sums = {}
    for name in ADDITIVE if base else ():
        parts = tuple(role.values(name) - base[name] for role in roles)
        sums[name] = Sums(base[name], parts, errors.get(name, 0.0))
    own = [set(role.table.column_names) - _NOT_NUMBERS for role in roles]
    for name in sorted(set.intersection(*own)):
        sums[name] = Sums(0.0, tuple(role.values(name) for role in roles))
    return sums


def space_tables(
    space: Space, factors: Sequence[Factors], target: int = 0, lower_is_better: bool = True
) -> list[FactorTables]:
    """Return what :func:`search_space` searches: the factor model's values and the sums of a whole space.

    Parameters
    ----------
    space : Space
    factors : sequence
        ``FactorModel.reactions`` of a model of this space.
    target : int
        Place of the target among the model's.
    lower_is_better : bool
        Of that target's scores; the tables' are larger for better products.

    Returns
    -------
    list of FactorTables
        One per reaction.

    Examples
    --------
    >>> space = docksieve.build_space("amides", ["amide"], workers=1)
    >>> from types import SimpleNamespace  # in place of a model: heavy products are good ones
    >>> single = tuple(role.values("weight").astype(np.float32)[:, None] for role in space.blocks[0])
    >>> none = tuple(np.zeros((len(part), 1, 1), np.float32) for part in single)
    >>> model = SimpleNamespace(reactions=[SimpleNamespace(single=single, pairs={(0, 1): none})])
    >>> tables = docksieve.space_tables(space, model.reactions, lower_is_better=False)
    >>> conditions = docksieve.SpaceConditions({"tpsa": (60, 90)}, per_block=2)
    >>> found = docksieve.search_space(tables, 10, conditions)
    >>> len(space.ids(found.numbers)), found.products == space.rows
    (10, True)
    """
    sign = np.float32(-1.0 if lower_is_better else 1.0)
    return [
        FactorTables(
            tuple(sign * part[:, target] for part in item.single),
            {
                pair: (np.ascontiguousarray(sign * left[:, target]), np.ascontiguousarray(right[:, target]))
                for pair, (left, right) in item.pairs.items()
            },
            space_sums(space, index),
        )
        for index, item in enumerate(factors)
    ]


def allowed_blocks(
    space: Space,
    required: PerRole | None = None,
    excluded: PerRole | None = None,
    values: Mapping[str, tuple[float, float]] | None = None,
) -> dict[tuple[int, int], NDArray[np.bool_]]:
    """Return which building blocks may be used, as :class:`SpaceConditions` takes them.

    Parameters
    ----------
    space : Space
    required, excluded : mapping of str to sequence of str, optional
        For a role (``"*"``: every role) SMARTS that its blocks must all contain, or none of.
    values : mapping of str to (float, float), optional
        Least and largest value of a numeric column of the blocks, ``{"stock": (1, inf)}`` say. It holds for the roles
        whose tables have the column; a block without a value is left out.

    Returns
    -------
    dict of (int, int) to array of bool
        For each reaction and role.

    Raises
    ------
    InputError
        If a SMARTS is wrong, or a role or column is unknown.

    Examples
    --------
    >>> space = docksieve.build_space("amides", ["amide"], workers=1)
    >>> masks = docksieve.allowed_blocks(space, excluded={"acids": ["[F,Cl,Br]"]})
    >>> bool(masks[0, 0].all()), bool(masks[0, 1].all())
    (False, True)
    """
    known = {role for reaction in space.reactions for role in reaction.roles}
    for role in {*(required or {}), *(excluded or {})} - known - {EVERY_ROLE}:
        raise InputError(f"There is no role {role!r}.", f"Roles are {', '.join(sorted(known))}.")
    wanted, unwanted = _patterns(required or {}), _patterns(excluded or {})
    columns = {name for roles in space.blocks for role in roles for name in role.table.column_names}
    for name in values or {}:
        if name not in columns - {"id", "smiles", "capped"}:
            raise InputError(f"No table of building blocks has the numeric column {name!r}.")
    masks = {}
    for index, reaction in enumerate(space.reactions):
        for place, (name, blocks) in enumerate(zip(reaction.roles, space.blocks[index], strict=True)):
            must = [*wanted.get(name, ()), *wanted.get(EVERY_ROLE, ())]
            never = [*unwanted.get(name, ()), *unwanted.get(EVERY_ROLE, ())]
            mask = np.ones(len(blocks), bool)
            if must or never:
                for at, text in enumerate(blocks.smiles):
                    mol = Chem.MolFromSmiles(text)
                    mask[at] = all(mol.HasSubstructMatch(one) for one in must) and not any(
                        mol.HasSubstructMatch(one) for one in never
                    )
            for column, (low, high) in (values or {}).items():
                if column in blocks.table.column_names:
                    found = blocks.values(column)
                    mask &= (found >= low) & (found <= high)
            masks[index, place] = mask
    return masks


def _patterns(smarts: PerRole) -> dict[str, list[Chem.Mol]]:
    found: dict[str, list[Chem.Mol]] = {}
    for role, texts in smarts.items():
        for text in texts:
            pattern = Chem.MolFromSmarts(text)
            if pattern is None:
                raise InputError(f"The SMARTS {text!r} is wrong.", "Check its brackets and symbols.")
            found.setdefault(role, []).append(pattern)
    return found


def made_within(
    space: Space, numbers: ArrayLike, windows: Mapping[str, tuple[float, float]]
) -> NDArray[np.bool_]:
    """Make products, and return which are molecules whose properties are within windows.

    For windows on properties that ``Found.estimated`` names, and as a proof for all others. Windows on columns of the
    building blocks are exact sums and are not looked at again.
    """
    made = space.make(numbers)
    good = np.array([bool(text) for text in made.smiles], bool)
    for name, (low, high) in windows.items():
        if name in PROPERTY_NAMES:
            values = made.values[:, PROPERTY_NAMES.index(name)]
            good &= (values >= low) & (values <= high)
    return good
