"""Product spaces: reactions, the reagents that fit them, and products by number."""

from __future__ import annotations

import os
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdChemReactions

from ..errors import InputError
from ..readers.records import Record
from ..seeds import derive_seed
from ..store import read_json
from .reagents import Reagent, read_reagents, usable_reagents

SAMPLES = Path(__file__).parents[1] / "samples"


@dataclass(frozen=True)
class Reaction:
    """A reaction that joins reagents into one product.

    Attributes
    ----------
    name : str
        Begins the ids of its products.
    title : str
    smarts : str
        RDKit reaction SMARTS with one product.
    roles : tuple of str
        The class of reagents for each reactant template.
    """

    name: str
    title: str
    smarts: str
    roles: tuple[str, ...]

    def compiled(self) -> Any:
        """Return the RDKit reaction.

        Raises
        ------
        InputError
            If the SMARTS is wrong or does not fit the roles.
        """
        try:
            with rdBase.BlockLogs():
                reaction = rdChemReactions.ReactionFromSmarts(self.smarts)
                reaction.Initialize()
        except (ValueError, RuntimeError) as error:
            raise InputError(
                f"The SMARTS of reaction {self.name!r} is wrong: {str(error).strip()}."
            ) from None
        if reaction.GetNumReactantTemplates() != len(self.roles) or reaction.GetNumProductTemplates() != 1:
            raise InputError(
                f"Reaction {self.name!r} has {reaction.GetNumReactantTemplates()} reactants, "
                f"{reaction.GetNumProductTemplates()} products and {len(self.roles)} roles.",
                "It needs one role per reactant, and one product.",
            )
        return reaction


def load_reactions(path: str | os.PathLike[str] | None = None) -> dict[str, Reaction]:
    """Return reactions by name from a TOML file; from the one that comes with Docksieve by default.

    Raises
    ------
    InputError
        If the file cannot be read, or a reaction lacks a key or has an unknown one.
    """
    file = Path(path) if path is not None else SAMPLES / "reactions.toml"
    try:
        tables = tomllib.loads(file.read_text())["reaction"]
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as error:
        raise InputError(f"{file} is not a list of [[reaction]] tables: {error}.") from None
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError(f"{file} is not a list of [[reaction]] tables: 'reaction' is something else.")
    reactions = {}
    for table in tables:
        if set(table) != {"name", "title", "smarts", "roles"}:
            raise InputError(
                f"{file}: reaction {table.get('name')!r} has the keys {', '.join(sorted(table))}.",
                "It needs name, title, smarts and roles, and nothing else.",
            )
        texts = [table["name"], table["title"], table["smarts"]]
        if isinstance(table["roles"], list):
            texts += table["roles"]
        if not isinstance(table["roles"], list) or not all(isinstance(text, str) for text in texts):
            raise InputError(
                f"{file}: reaction {table['name']!r} has a value of the wrong kind.",
                "name, title and smarts are texts, roles is a list of texts.",
            )
        reactions[table["name"]] = Reaction(**{**table, "roles": tuple(table["roles"])})
        if ":" in table["name"]:
            raise InputError(
                f"{file}: the name {table['name']!r} holds a colon, which separates parts of ids."
            )
    return reactions


@dataclass(frozen=True)
class ProductSpace:
    """Every product that some reactions make of some reagents.

    Attributes
    ----------
    reactions : tuple of Reaction
    reagents : tuple of tuple of tuple of Reagent
        For each reaction and role, in a fixed order.
    left_out : dict
        For each reaction and role, how many reagents were not usable.
    """

    reactions: tuple[Reaction, ...]
    reagents: tuple[tuple[tuple[Reagent, ...], ...], ...]
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def sizes(self) -> list[int]:
        """Products of each reaction."""
        return [prod(len(role) for role in roles) for roles in self.reagents]

    @property
    def total(self) -> int:
        """Products of all reactions."""
        return sum(self.sizes)

    def locate(self, number: int) -> tuple[int, tuple[int, ...]]:
        """Return reaction and reagents (as positions) of the product ``number`` (from 0)."""
        edges = [0, *accumulate(self.sizes)]
        reaction = bisect_right(edges, number) - 1
        rest, positions = number - edges[reaction], []
        for role in reversed(self.reagents[reaction]):
            rest, position = divmod(rest, len(role))
            positions.append(position)
        return reaction, tuple(reversed(positions))

    def to_json(self) -> dict[str, Any]:
        """Return the space as JSON values."""
        return {
            "reactions": [asdict(reaction) for reaction in self.reactions],
            "reagents": [[[list(r) for r in role] for role in roles] for roles in self.reagents],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ProductSpace:
        """Return the space that :meth:`to_json` described."""
        reactions = tuple(Reaction(**{**item, "roles": tuple(item["roles"])}) for item in value["reactions"])
        reagents = tuple(
            tuple(tuple(Reagent(*r) for r in role) for role in roles) for roles in value["reagents"]
        )
        return cls(reactions, reagents)


def product_space(
    names: Sequence[str] = (),
    reagent_files: Mapping[str, Sequence[str | os.PathLike[str]]] | None = None,
    reactions_file: str | os.PathLike[str] | None = None,
) -> ProductSpace:
    """Return the products of reactions over building blocks.

    Parameters
    ----------
    names : sequence of str
        Reactions; all by default.
    reagent_files : mapping, optional
        Files of reagents for a role, instead of those that come with Docksieve.
    reactions_file : path, optional

    Raises
    ------
    InputError
        If a reaction or role is unknown, a file cannot be read, or no product is possible.
    """
    known = load_reactions(reactions_file)
    for name in names:
        if name not in known:
            raise InputError(f"There is no reaction {name!r}.", f"Known are {', '.join(known)}.")
    chosen = tuple(known[name] for name in (dict.fromkeys(names) if names else known))
    files = dict(reagent_files or {})
    roles = {role for reaction in chosen for role in reaction.roles}
    for role in files:
        if role not in roles:
            raise InputError(
                f"No chosen reaction uses {role!r}.", f"Their roles are {', '.join(sorted(roles))}."
            )
    sets = {role: read_reagents(role, files.get(role) or [SAMPLES / f"{role}.smi"]) for role in sorted(roles)}
    reagents, left_out = [], {}
    for reaction in chosen:
        compiled = reaction.compiled()  # its templates live as long as it does
        templates = [compiled.GetReactantTemplate(index) for index in range(len(reaction.roles))]
        usable = [usable_reagents(sets[role], t) for role, t in zip(reaction.roles, templates, strict=True)]
        left_out[reaction.name] = {
            role: len(sets[role]) - len(kept) for role, kept in zip(reaction.roles, usable, strict=True)
        }
        reagents.append(tuple(usable))
    space = ProductSpace(chosen, tuple(reagents), left_out)
    if not space.total:
        raise InputError("No product is possible: no reagents fit the reactions.", "Check the reagent files.")
    return space


def permuted(indices: NDArray[np.uint64], total: int, seed: int) -> NDArray[np.uint64]:
    """Return where a pseudo-random permutation of ``range(total)`` takes ``indices``.

    A Feistel network on the next even power of two, walked until it falls inside the range (Black and
    Rogaway 2002): a uniform sample of any size without a table of what was drawn.

    Parameters
    ----------
    indices : array of uint64, shape (n,)
        Below ``total``.
    total : int
    seed : int
    """
    half = max((max(total - 1, 1).bit_length() + 1) // 2, 1)
    mask = np.uint64((1 << half) - 1)
    keys = [np.uint64(derive_seed("feistel", seed, total, step)) for step in range(6)]

    def once(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
        left, right = values >> np.uint64(half), values & mask
        for key in keys:
            left, right = right, left ^ (_mixed(right ^ key) & mask)
        return (left << np.uint64(half)) | right

    result = once(np.asarray(indices, dtype=np.uint64))
    while (outside := result >= np.uint64(total)).any():
        result[outside] = once(result[outside])
    return result


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


class _Maker:
    """Makes products by number; keeps compiled reactions and parsed reagents."""

    def __init__(self, path: str) -> None:
        spec = read_json(path)
        self.space = ProductSpace.from_json(spec)
        self.seed, self.sampled = spec["seed"], spec["sampled"]
        self._reactions = [reaction.compiled() for reaction in self.space.reactions]
        self._mols: dict[str, Any] = {}

    def numbers(self, start: int, count: int) -> list[int]:
        indices = np.arange(start, start + count, dtype=np.uint64)
        return (permuted(indices, self.space.total, self.seed) if self.sampled else indices).tolist()

    def record(self, line: int, number: int) -> Record:
        index, positions = self.space.locate(number)
        reagents = [role[at] for role, at in zip(self.space.reagents[index], positions, strict=True)]
        name = ":".join([self.space.reactions[index].name, *(reagent.id for reagent in reagents)])
        text = f"{'.'.join(reagent.smiles for reagent in reagents)} {name}"
        products = self._reactions[index].RunReactants([self._mol(r.smiles) for r in reagents], 1)
        if not products:
            return Record(line, name, "", text, ("no_product", "the reaction gives no product"))
        return Record(line, name, Chem.MolToSmiles(products[0][0]), text)

    def _mol(self, smiles: str) -> Any:
        mol = self._mols.get(smiles)
        if mol is None:
            mol = self._mols[smiles] = Chem.MolFromSmiles(smiles)
        return mol


@lru_cache(maxsize=1)
def _maker(path: str, modified: int) -> _Maker:
    return _Maker(path)


def product_records(path: str, start: int, count: int) -> Iterator[Record]:
    """Yield ``count`` products of the space described in ``path``, from number ``start`` of the sample."""
    maker = _maker(path, Path(path).stat().st_mtime_ns)
    for offset, number in enumerate(maker.numbers(start, count)):
        yield maker.record(start + offset + 1, number)
