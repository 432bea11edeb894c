"""What a factor model says of a space: values and vectors of its building blocks, and how true that is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import ArrayLike, NDArray

from ...data.errors import FormatError
from ...data.store import atomic_path, sha256_file
from .network import pairs_of

FACTORS_FORMAT, FACTORS_VERSION = "docksieve-factors", 1
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ReactionFactors:
    """What the blocks of one reaction add to a product's score.

    Attributes
    ----------
    single : tuple of array of float32, shape (n_role, targets)
        The first role's hold the reaction's constant as well.
    pairs : dict of (int, int) to (array, array)
        For roles i < j: float32, shape (n_i, targets, rank) and (n_j, targets, rank).
    """

    single: tuple[Floats, ...]
    pairs: Mapping[tuple[int, int], tuple[Floats, Floats]]

    def scores(self, positions: ArrayLike) -> NDArray[np.float64]:
        """Return the scores of products, given their blocks' positions, shape (n, roles) to (n, targets)."""
        places = np.asarray(positions, np.int64)
        total = np.zeros((len(places), self.single[0].shape[1]))
        for role, part in enumerate(self.single):
            total += part[places[:, role]]
        for (one, other), (left, right) in self.pairs.items():
            total += np.einsum("ntr,ntr->nt", left[places[:, one]], right[places[:, other]])
        return total


@dataclass(frozen=True)
class FactorModel:
    """A factor model of one space.

    Attributes
    ----------
    reactions : tuple of ReactionFactors
    targets : tuple of str
    lower_is_better : tuple of bool
    space : str
        Fingerprint of the space that it belongs to.
    report : dict
        Fidelity to the teacher on products it did not see, in all and by reaction; the gate.
    """

    reactions: tuple[ReactionFactors, ...]
    targets: tuple[str, ...]
    lower_is_better: tuple[bool, ...]
    space: str
    report: Mapping[str, Any]

    def predict(self, reactions: ArrayLike, positions: ArrayLike) -> Floats:
        """Return the scores of products, shape (n, targets), in the unit of the teacher's.

        Parameters
        ----------
        reactions : array of int64, shape (n,)
        positions : array of int64, shape (n, most roles)
            As :meth:`docksieve.data.spaces.space.Space.locate` gives them.
        """
        which, places = np.asarray(reactions, np.int64), np.asarray(positions, np.int64)
        result = np.full((len(which), len(self.targets)), np.nan, np.float32)
        for index in np.unique(which).tolist():
            here = np.flatnonzero(which == index)
            result[here] = self.reactions[index].scores(places[here])
        return result

    def save(self, path: str | os.PathLike[str]) -> str:
        """Write the model, and return the file's checksum."""
        tensors: dict[str, NDArray[Any]] = {}
        for index, item in enumerate(self.reactions):
            tensors |= {f"{index}.single.{role}": part for role, part in enumerate(item.single)}
            for (one, other), (left, right) in item.pairs.items():
                tensors[f"{index}.left.{one}.{other}"] = left
                tensors[f"{index}.right.{one}.{other}"] = right
        about = {
            "format": FACTORS_FORMAT,
            "version": FACTORS_VERSION,
            "targets": self.targets,
            "lower_is_better": self.lower_is_better,
            "space": self.space,
            "report": self.report,
            "roles": [len(item.single) for item in self.reactions],
        }
        contiguous = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
        with atomic_path(path) as temporary:
            safetensors.numpy.save_file(contiguous, temporary, {"about": json.dumps(about, sort_keys=True)})
        return sha256_file(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> FactorModel:
        """Read a model.

        Raises
        ------
        FormatError
            If the file is no factor model, or one of a newer version.
        """
        try:
            with safetensors.safe_open(path, "numpy") as file:
                about = json.loads((file.metadata() or {}).get("about", "{}"))
                if about.get("format") != FACTORS_FORMAT:
                    raise FormatError(f"{path} is no factor model.")
                if about["version"] > FACTORS_VERSION:
                    raise FormatError(f"{path} was made by a newer Docksieve.", "Update.")
                reactions = tuple(_reaction(file, index, roles) for index, roles in enumerate(about["roles"]))
        except (OSError, safetensors.SafetensorError) as error:
            raise FormatError(f"{Path(path)} cannot be read as a factor model: {error}.") from None
        return cls(
            reactions,
            tuple(about["targets"]),
            tuple(about["lower_is_better"]),
            about["space"],
            about["report"],
        )


def _reaction(file: Any, index: int, roles: int) -> ReactionFactors:
    return ReactionFactors(
        tuple(file.get_tensor(f"{index}.single.{role}") for role in range(roles)),
        {
            (one, other): (
                file.get_tensor(f"{index}.left.{one}.{other}"),
                file.get_tensor(f"{index}.right.{one}.{other}"),
            )
            for one, other in pairs_of(roles)
        },
    )
