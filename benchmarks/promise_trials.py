"""Trials for ``promises.py``: random dockings of known tables, held-out predictions, and the rest as the library.

A trial draws n molecules of a table at random, trains the kernel teacher on them, and keeps their scores with
five-fold held-out predictions, as a campaign does, and scores and predictions of all other molecules: the library.
The scores are learnt as they are and with the worse half drawn together (``teacher.focus``), and the way that ranks the
better half of the held-out molecules better is taken, in every trial anew: ``focus = "auto"``, as campaigns have it.

To make hundreds of trials cheap, the kernels of a table are computed once and its hyper-parameters are chosen on
two draws of each size (at most 500 molecules), which the trials take in turn; held-out predictions follow from the
full model in closed form (Rasmussen and Williams 2006, section 5.4.2, for folds instead of single molecules).

Tables are natural (as a program scored a random library), flat (about as many molecules at every score), bell
(symmetrical), generated, congeneric (one scaffold) or of several programs or receptors; some are made from others by
drawing their rows with the weights that give the shape. At most ``ROWS`` rows of a table are used.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from docksieve.data.seeds import derive_seed
from docksieve.models.fingerprints import Features, featurise
from docksieve.models.regressors.kernels import MixedKernel, moments
from docksieve.models.regressors.marginal_likelihood import choose
from docksieve.models.regressors.regressor import FitContext
from docksieve.models.settings import KernelSettings, TeacherSettings
from docksieve.models.teachers.focus import drawn_together, good_ranked
from pyarrow import feather
from score_tables import data_folder, load_table

ROWS = 6_000
HYPERS = 2
SELECTION = 500
FOLDS = 5


def _feather(place: str, text: str, score: str) -> tuple[list[str], np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        table = feather.read_table(data_folder() / place, columns=[text, score])
    return table[text].to_pylist(), table[score].to_numpy().astype(float)


def _named(name: str) -> tuple[list[str], np.ndarray]:
    return load_table(name)


def _d4() -> tuple[list[str], np.ndarray]:
    table = pq.read_table(data_folder() / "scores" / "brutal_dock_D4_zinc15_9.6k_dock37.parquet")
    return table["smiles"].to_pylist(), table["dockscore"].to_numpy().astype(float)


def _generated() -> tuple[list[str], np.ndarray]:
    """Repeated molecules once, with their best score; positive scores are failures."""
    smiles, scores = _feather("messy/brutal_dock_D4_generated_47k_dock6.feather", "smiles", "gridscore")
    best: dict[str, float] = {}
    for text, score in zip(smiles, scores, strict=True):
        if score <= 0:
            best[text] = min(score, best.get(text, 0.0))
    return list(best), np.array(list(best.values()))


def _two(combine: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> tuple[list[str], np.ndarray]:
    first, second = _named("dockstring_zinc15k_JAK2"), _named("dockstring_zinc15k_LCK")
    other = dict(zip(second[0], second[1], strict=True))
    smiles = [text for text in first[0] if text in other]
    mine = dict(zip(first[0], first[1], strict=True))
    return smiles, combine(np.array([mine[t] for t in smiles]), np.array([other[t] for t in smiles]))


def _standard(values: np.ndarray) -> np.ndarray:
    return np.asarray((values - np.nanmean(values)) / np.nanstd(values))


def _congeneric() -> tuple[list[str], np.ndarray]:
    """Molecules of the Enamine table with a saturated six-ring nitrogen that is acylated."""
    from rdkit import Chem

    smiles, scores = _named("molpal_enamine50k")
    pattern = Chem.MolFromSmarts("[CX3](=O)[NX3]1CC[C,N,O]CC1")
    keep = [
        row
        for row, text in enumerate(smiles)
        if (mol := Chem.MolFromSmiles(text)) is not None and mol.HasSubstructMatch(pattern)
    ]
    return [smiles[row] for row in keep], scores[keep]


SOURCES: dict[str, tuple[str, Callable[[], tuple[list[str], np.ndarray]]]] = {
    "enamine10k": ("natural", lambda: _named("molpal_enamine10k")),
    "enamine50k": ("natural", lambda: _named("molpal_enamine50k")),
    "zinc_JAK2": ("natural", lambda: _named("dockstring_zinc15k_JAK2")),
    "zinc_LCK": ("natural", lambda: _named("dockstring_zinc15k_LCK")),
    "glide": ("natural, Glide", lambda: _named("spacehasten_example")),
    "D4_dock37": ("flat", _d4),
    "sEH": (
        "flat",
        lambda: _feather("scores/brutal_dock_sEH4JNC_zinc20_30k_vina.feather", "smiles", "dockscore"),
    ),
    "mpro_dock6": ("natural, DOCK 6", lambda: _named("brutal_dock_mpro6LZE")),
    "D4_generated": ("generated", _generated),
    "enamine_amides": ("congeneric", _congeneric),
    "JAK2_minus_LCK": ("several receptors", lambda: _two(lambda a, b: a - b)),
    "JAK2_and_LCK": (
        "several receptors",
        lambda: _two(lambda a, b: np.maximum(_standard(a), _standard(b))),
    ),
}
"""Kind and reader of every table."""

RESHAPED = {
    "enamine50k_flat": ("flat, reshaped", "enamine50k", "flat"),
    "zinc_JAK2_flat": ("flat, reshaped", "zinc_JAK2", "flat"),
    "sEH_bell": ("bell, reshaped", "sEH", "bell"),
    "D4_bell": ("bell, reshaped", "D4_dock37", "bell"),
}
"""Kind, source and shape of the tables that are made of others."""


def table_names() -> list[str]:
    return [*SOURCES, *RESHAPED]


def kind_of(name: str) -> str:
    return (SOURCES.get(name) or RESHAPED[name])[0]


def _shaped(scores: np.ndarray, shape: str, seed: int) -> np.ndarray:
    """Return rows drawn so that their scores are ``flat`` or ``bell``, from the 0.05 % quantile to the 99.5 %."""
    low, high = np.quantile(scores, [0.0005, 0.995])
    edges = np.linspace(low, high, 31)
    inside = np.flatnonzero((scores >= low) & (scores <= high))
    place = np.clip(np.searchsorted(edges, scores[inside], side="right") - 1, 0, 29)
    middle = (np.arange(30) + 0.5) / 30
    wanted = np.ones(30) if shape == "flat" else np.exp(-0.5 * ((middle - 0.5) / 0.17) ** 2)
    weight = wanted[place] / np.maximum(np.bincount(place, minlength=30), 8)[place]
    chance = np.minimum(weight / np.quantile(weight, 0.8), 1.0)
    drawn = np.random.default_rng(seed).random(len(inside)) < chance
    return np.sort(inside[drawn])


def molecules(name: str, rows: int = ROWS) -> tuple[list[str], np.ndarray]:
    """Return SMILES and scores of the rows of a table that are used."""
    smiles, scores = SOURCES[name if name in SOURCES else RESHAPED[name][1]][1]()
    known = np.flatnonzero(np.isfinite(scores))
    if name in RESHAPED:
        known = known[_shaped(scores[known], RESHAPED[name][2], derive_seed(0, "shape", name))]
    if len(known) > rows:
        generator = np.random.default_rng(derive_seed(0, "rows", name))
        known = np.sort(generator.choice(known, rows, replace=False))
    return [smiles[row] for row in known], scores[known]


class Table:
    """Kernels of a table's molecules, to draw trials from."""

    def __init__(self, name: str, rows: int = ROWS) -> None:
        smiles, scores = molecules(name, rows)
        self.name = name
        self.settings = TeacherSettings(kernel=KernelSettings(selection_rows=SELECTION))
        features = featurise(smiles, self.settings.fingerprints)
        valid = np.flatnonzero(features.valid)
        self.features, self.scores = features.take(valid), scores[valid]
        # A clash far beyond all others is winsorised before training, as a campaign does.
        low, high = np.quantile(self.scores, [0.25, 0.75])
        self.taught = np.minimum(self.scores, high + 5 * (high - low))
        self.parts = self._parts(self.features)

    def _parts(self, features: Features) -> dict[str, np.ndarray]:
        centre, scale = moments(features)
        equal = dict.fromkeys([*self.settings.fingerprints.kinds, "descriptors"], 1.0)
        kernel = MixedKernel(features, equal, self.settings.fingerprints.size, centre, scale)
        return kernel.parts(features, 1)

    def _mixed(self, hyper: dict) -> np.ndarray:
        total = np.zeros((len(self.scores), len(self.scores)), np.float32)
        for name, part in self.parts.items():
            weight = np.float32(hyper["weights"].get(name, 0.0))
            if not weight:
                continue
            if name == "descriptors":
                total += weight * np.exp(part * np.float32(-0.5 / hyper["length"] ** 2))
            else:
                total += weight * part
        return total

    def _chosen(self, size: int, turn: int, focused: bool) -> dict:
        seed = derive_seed(turn, "hyper", self.name, size)
        rows = np.sort(
            np.random.default_rng(seed).choice(len(self.scores), min(size, SELECTION), replace=False)
        )
        sample = self.features.take(rows)
        centre, scale = moments(sample)
        equal = dict.fromkeys([*self.settings.fingerprints.kinds, "descriptors"], 1.0)
        kernel = MixedKernel(sample, equal, self.settings.fingerprints.size, centre, scale)
        scores = self._taught(rows, focused)
        standard = ((scores - scores.mean()) / scores.std())[:, None]
        return choose(kernel, sample, standard, FitContext(self.settings, seed, 1))

    def _taught(self, rows: np.ndarray, focused: bool) -> np.ndarray:
        return drawn_together(self.taught[rows], True) if focused else self.taught[rows]

    def trials(self, size: int, count: int) -> Iterator[Trial]:
        """Yield the trials, in an order of their own."""
        turns = min(HYPERS, count)
        for turn in range(turns):
            hypers = [self._chosen(size, turn, focused) for focused in (False, True)]
            matrices = [self._mixed(hyper) for hyper in hypers]
            for trial in range(turn, count, turns):
                seed = derive_seed(trial, "promise", self.name, size)
                generator = np.random.default_rng(seed)
                order = generator.permutation(len(self.scores))
                rows, rest = order[:size], np.sort(order[size:])
                fold = np.empty(size, np.int64)
                fold[generator.permutation(size)] = np.arange(size) % FOLDS
                found, ranked = [], []
                for focused in (False, True):
                    taught = self._taught(rows, focused)
                    found.append(fitted(matrices[focused], hypers[focused]["noise"], rows, taught, fold))
                    ranked.append(good_ranked(self.taught[rows], found[-1][0], True))
                drawn = ranked[1] > ranked[0]
                yield Trial(rows, rest, *found[drawn], drawn, *found[0])
            del matrices


@dataclass(frozen=True)
class Trial:
    """Held-out predictions of the docked ``rows`` and predictions of all molecules.

    As ``focus = "auto"`` has it, with what it decided, and without it (``never``).
    """

    rows: np.ndarray
    rest: np.ndarray
    held: np.ndarray
    predicted: np.ndarray
    drawn: bool
    held_never: np.ndarray
    predicted_never: np.ndarray


def fitted(
    matrix: np.ndarray, noise: float, rows: np.ndarray, scores: np.ndarray, fold: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return held-out predictions of ``rows``, and the predictions of all molecules."""
    centre, scale = scores.mean(), max(scores.std(), 1e-9)
    standard = torch.from_numpy(((scores - centre) / scale).astype(np.float32))[:, None]
    cross = matrix[rows]
    own = torch.from_numpy(np.ascontiguousarray(cross[:, rows]))  # the noise keeps single precision well
    own.diagonal().add_(noise)
    factor = torch.linalg.cholesky(own)
    inverse = torch.cholesky_inverse(factor)
    alpha = inverse @ standard
    held = np.empty(len(rows))
    for index in range(FOLDS):
        mine = np.flatnonzero(fold == index)
        block = inverse[np.ix_(mine, mine)]
        error = torch.linalg.solve(block, alpha[mine])
        held[mine] = (standard[mine] - error).numpy()[:, 0]
    everything = cross.T @ alpha.numpy()[:, 0]
    return held * scale + centre, everything * scale + centre


def cached(
    name: str, size: int, count: int, folder: Path, table: Table | None = None
) -> tuple[Path, Table | None]:
    """Return the file with ``count`` trials of a table, made if it is not there (or has fewer)."""
    path = folder / f"{name}-{size}.npz"
    if path.exists():
        with np.load(path) as known:
            if len(known["held"]) >= count:
                return path, table
    table = table or Table(name)
    if len(table.scores) < 1.8 * size:
        return path, table
    begun = time.perf_counter()
    found = list(table.trials(size, count))
    arrays = {
        "held": np.stack([item.held for item in found]).astype(np.float32),
        "predicted": np.stack([item.predicted[item.rest] for item in found]).astype(np.float32),
        "held_never": np.stack([item.held_never for item in found]).astype(np.float32),
        "predicted_never": np.stack([item.predicted_never[item.rest] for item in found]).astype(np.float32),
        "drawn": np.array([item.drawn for item in found]),
        "rows": np.stack([item.rows for item in found]).astype(np.int32),
        "rest": np.stack([item.rest for item in found]).astype(np.int32),
        "scores": table.scores,
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    print(f"{name}, n = {size}: {count} trials in {time.perf_counter() - begun:.0f} s", flush=True)
    return path, table
