"""Tables of known docking scores, as the benchmarks read them."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
from pyarrow import feather, parquet


def data_folder() -> Path:
    found = os.environ.get("DOCKSIEVE_DATA")
    return Path(found) if found else Path(__file__).resolve().parents[2] / "shared" / "data"


def _open(path: Path) -> Any:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", newline="")
    return path.open(newline="")


def read_scores(path: Path) -> tuple[list[str], np.ndarray]:
    """Return SMILES and scores (NaN where empty) of a table.

    Comma-separated tables have SMILES first and the score last, tab-separated ones id, SMILES, score; Feather and
    Parquet files have a column ``smi`` or ``smiles`` and a column ``gridscore`` or ``dockscore``.
    """
    if path.suffix in (".feather", ".parquet"):
        table = feather.read_table(path) if path.suffix == ".feather" else parquet.read_table(path)
        (text,) = {"smi", "smiles"} & set(table.column_names)
        (score,) = {"gridscore", "dockscore"} & set(table.column_names)
        return table[text].to_pylist(), table[score].to_numpy().astype(float)
    smiles, scores = [], []
    with _open(path) as handle:
        tabs = ".tsv" in path.name
        for cells in csv.reader(handle, delimiter="\t" if tabs else ","):
            text, value = (cells[1], cells[2] if len(cells) > 2 else "") if tabs else (cells[0], cells[-1])
            try:
                scores.append(float(value) if value else np.nan)
            except ValueError:
                if not smiles:
                    continue  # the header
                scores.append(np.nan)
            smiles.append(text)
    return smiles, np.array(scores)


def load_table(name: str) -> tuple[list[str], np.ndarray]:
    """Return a table by its file or by the start of its name; MolPAL's get the unscored rows of their library."""
    folder = data_folder()
    path = (
        Path(name)
        if Path(name).exists()
        else next(
            (item for part in ("scores", "messy") for item in sorted((folder / part).glob(f"{name}*"))), None
        )
    )
    if path is None:
        raise SystemExit(f"No table {name!r}: give a file, or set DOCKSIEVE_DATA to the folder with scores/.")
    smiles, scores = read_scores(path)
    library = folder / "libraries" / (path.name.split("_scores")[0] + "_library.csv.gz")
    if library.exists():
        with _open(library) as handle:
            known = set(smiles)
            missing = [cells[0] for cells in list(csv.reader(handle))[1:] if cells[0] not in known]
        smiles, scores = smiles + missing, np.concatenate([scores, np.full(len(missing), np.nan)])
    return smiles, scores


def sampled(smiles: list[str], scores: np.ndarray, most: int) -> tuple[list[str], np.ndarray]:
    """Return at most ``most`` molecules drawn at random, the first row of each SMILES, or all rows."""
    if not most or len(smiles) <= most:
        return smiles, scores
    rows = np.sort(np.unique(np.array(smiles, dtype=str), return_index=True)[1])
    kept = np.sort(np.random.default_rng(0).choice(rows, min(most, len(rows)), replace=False))
    return [smiles[row] for row in kept], scores[kept]
