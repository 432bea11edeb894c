"""Gathering docking scores for training: which molecules may be learnt from, and which are kept to judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...data.errors import CampaignError
from ...data.seeds import unit_interval
from ...data.store import concat
from ...data.words import plural
from ...models.teachers.training_data import TrainingData

SCORE_COLUMNS = ["smiles", "target", "score"]
SEALED_SHARE_OF_IMPORTS = 0.2
"""Share of imported molecules that no model trains on."""


def is_held_out(smiles: str, seed: int, share: float) -> bool:
    """Tell whether a molecule of a sealed source is kept from training, for judging models."""
    return unit_interval(seed, "sealed", smiles) < share


@dataclass(frozen=True)
class TrainingScores:
    """Docking scores of a campaign.

    Attributes
    ----------
    data : TrainingData
        What models may learn from: one row per distinct molecule, in order of SMILES, NaN where a target has no
        score. A molecule scored several times has the mean.
    sealed : TrainingData
        Scores of the seed sample that no model trains on, in the same form.
    seed_sample : set of str
        The molecules of the seed sample, sealed or not.
    left_out : int
        Sealed molecules, those of imports included.
    failed : int
        Dockings without a score.
    """

    data: TrainingData
    sealed: TrainingData
    seed_sample: set[str]
    left_out: int
    failed: int


def read_training_scores(
    paths: Sequence[Path], root: Path, directions: Mapping[str, bool], seed: int, share: float
) -> TrainingScores:
    """Gather docking scores into one matrix.

    Parameters
    ----------
    paths : sequence of Path
        Scores tables.
    root : Path
        The campaign folder that they lie in.
    directions : mapping of str to bool
        ``lower_is_better`` by target.
    seed : int
        The campaign's; it says which molecules are sealed.
    share : float
        Share of the seed sample that is sealed: left out, wherever else those molecules appear.

    Returns
    -------
    TrainingScores

    Raises
    ------
    CampaignError
        If there is no score at all.
    """
    tables = [concat([path], SCORE_COLUMNS) for path in paths]
    shares = [_held_out_share(path, root, share) for path in paths]
    sealed = {
        smiles
        for table, sealed_share in zip(tables, shares, strict=True)
        for smiles in table["smiles"].to_pylist()
        if is_held_out(smiles, seed, sealed_share)
    }
    seed_sample = {
        smiles
        for path, table in zip(paths, tables, strict=True)
        if _is_seed_sample(path, root)
        for smiles in table["smiles"].to_pylist()
    }
    everything = pa.concat_tables(tables)
    table = everything.filter(pc.is_valid(everything["score"]))
    failed = everything.num_rows - table.num_rows
    apart = pc.is_in(table["smiles"], pa.array(sorted(sealed), pa.string()))
    open_scores, closed = table.filter(pc.invert(apart)), table.filter(apart)
    if open_scores.num_rows == 0:
        raise CampaignError(
            f"There is no docking score to train on: {plural(failed, 'docking')} failed.",
            "`docksieve hits CAMPAIGN --failed` lists them with their reasons.",
        )
    of_seed = pc.is_in(closed["smiles"], pa.array(sorted(seed_sample), pa.string()))
    return TrainingScores(
        data=_matrix(open_scores, directions),
        sealed=_matrix(closed.filter(of_seed), directions),
        seed_sample=seed_sample,
        left_out=len(sealed),
        failed=failed,
    )


def _matrix(table: pa.Table, directions: Mapping[str, bool]) -> TrainingData:
    """Return the mean score of each molecule and target."""
    means = table.group_by(["smiles", "target"], use_threads=False).aggregate([("score", "mean")])
    smiles = sorted(set(means["smiles"].to_pylist()))
    place = {text: index for index, text in enumerate(smiles)}
    column = {target: index for index, target in enumerate(directions)}
    matrix = np.full((len(smiles), len(directions)), np.nan)
    columns = (means[name].to_pylist() for name in ("smiles", "target", "score_mean"))
    for text, target, score in zip(*columns, strict=True):
        matrix[place[text], column[target]] = score
    return TrainingData(
        smiles=smiles,
        targets=tuple(directions),
        scores=matrix,
        lower_is_better=tuple(directions.values()),
    )


def _held_out_share(path: Path, root: Path, share: float) -> float:
    """Only the seed sample and imported scores hold sealed molecules; acquired ones would flatter a model."""
    relative = path.relative_to(root).as_posix()
    if relative.startswith("imports/"):
        return SEALED_SHARE_OF_IMPORTS
    return share if _is_seed_sample(path, root) else 0.0


def _is_seed_sample(path: Path, root: Path) -> bool:
    return path.relative_to(root).as_posix().startswith("scores/round-00/")
