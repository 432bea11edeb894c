"""Campaigns on tables of known scores, with what the campaign's own teacher predicted of everything, kept on disk.

MolPAL's protocol as in ``retrospective.py``: 1 % of the library at random, then five greedy batches of 1 %. The
teacher is trained afresh each time as ``models.teachers.train`` does it: values that stand for failed dockings count
as missing, bad scores are drawn together where held-out molecules are ranked better for it (``focus = "auto"``), the
kernel is cross-validated and its variance scaled on the held-out errors. Fingerprints are made once per table.

A cached campaign is a file of some hundred kilobytes; rules for intervals and forecasts are then tried in seconds.

Example::

    python benchmarks/picked_campaigns.py --cache /tmp/campaigns --seeds 5
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from docksieve.data.failed_scores import failures_written_as_scores
from docksieve.data.seeds import derive_seed
from docksieve.models.fingerprints import Features, featurise
from docksieve.models.regressors.registry import regressor_class
from docksieve.models.regressors.regressor import FitContext
from docksieve.models.settings import TeacherSettings
from docksieve.models.teachers.calibration import scaling
from docksieve.models.teachers.focus import focused
from docksieve.models.teachers.stacking import cross_validate
from docksieve.screening.calibration.picked import Batch
from pyarrow import feather, parquet
from retrospective import BATCH, FIRST, ROUNDS
from score_tables import data_folder, load_table

FLAT = {
    "D4 flat": ("scores/brutal_dock_D4_zinc15_9.6k_dock37.parquet", "dockscore"),
    "sEH flat": ("scores/brutal_dock_sEH4JNC_zinc20_30k_vina.feather", "dockscore"),
    "D4 generated": ("messy/brutal_dock_D4_generated_47k_dock6.feather", "gridscore"),
}
GROUPS = {
    "development": ("molpal_enamine10k", "dockstring_zinc15k_JAK2", "dockstring_zinc15k_LCK", *FLAT),
    "unseen": ("brutal_dock_mpro6LZE", "spacehasten"),
}
MOST = 10_000
"""Rows of a flat table that are used, drawn at random; the first of repeated SMILES counts."""


@dataclasses.dataclass(frozen=True)
class Round:
    """One round of a campaign.

    Attributes
    ----------
    pool : array of int64, shape (n,)
        Rows that were not docked before it.
    mean, sd : array of float, shape (n,)
        What the round's teacher predicts of them.
    chosen : array of int64, shape (m,)
        Places in ``pool`` of what was docked, best predicted first.
    known : array of int64, shape (k,)
        Rows that the teacher learnt from.
    random : array of bool, shape (k,)
        Which of them are of the seed sample.
    held_mean, held_sd : array of float, shape (k,)
        Cross-validated predictions of them.
    drawn : bool
        Whether bad scores were drawn together.
    """

    pool: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    chosen: np.ndarray
    known: np.ndarray
    random: np.ndarray
    held_mean: np.ndarray
    held_sd: np.ndarray
    drawn: np.ndarray


@dataclasses.dataclass(frozen=True)
class Run:
    """A campaign: the table's scores (NaN where docking failed, lower is better) and its rounds."""

    scores: np.ndarray
    rounds: tuple[Round, ...]

    def batch(self, number: int) -> Batch:
        """Return the molecules that a round (from 0) picked."""
        item = self.rounds[number]
        return Batch(item.mean[item.chosen], item.sd[item.chosen], self.scores[item.pool[item.chosen]])

    def held_out(self, number: int) -> Batch:
        """Return the seed sample as the round's teacher predicts it unseen."""
        item = self.rounds[number]
        return Batch(
            item.held_mean[item.random], item.held_sd[item.random], self.scores[item.known[item.random]]
        )

    def seen(self, number: int) -> np.ndarray:
        """Return all scores that were known before a round's docking."""
        rows = np.setdiff1d(np.arange(len(self.scores)), self.rounds[number].pool)
        return np.asarray(self.scores[rows])


def read(name: str) -> tuple[list[str], np.ndarray]:
    """Return SMILES and scores of a table, failed dockings as NaN."""
    if name not in FLAT:
        smiles, scores = load_table(name)
    else:
        path, column = FLAT[name]
        reader = parquet.read_table if path.endswith("parquet") else feather.read_table
        table = reader(data_folder() / path)
        texts, values = table["smiles"].to_pylist(), table[column].to_numpy().astype(float)
        first = np.array(list({text: row for row, text in reversed(list(enumerate(texts)))}.values()))
        drawn = np.random.default_rng(derive_seed("picked", name)).permutation(np.sort(first))[:MOST]
        smiles, scores = [texts[row] for row in np.sort(drawn)], values[np.sort(drawn)]
    failed = failures_written_as_scores(scores, True)
    return smiles, np.where(failed.mask, np.nan, scores) if failed.values else scores


def predicted(
    features: Features, scores: np.ndarray, known: np.ndarray, pool: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]:
    """Return mean and s.d. of the pool, and of the known molecules by models that did not see them; whether focused."""
    settings, cls = TeacherSettings(), regressor_class("kernel")
    mine = features.take(known)
    found = focused(scores[known, None], mine, [True], settings, seed, threads=1)
    values = found.scores
    centre, scale = values.mean(), max(values.std(), 1e-9)
    standard = (values - centre) / scale
    context = FitContext(settings, derive_seed(seed, "teacher", "kernel"), threads=1)
    model = cls.fit(mine, standard, context)
    apart = cross_validate(cls, mine, standard, dataclasses.replace(context, hyper=model.hyper))
    scaled = scaling(standard, apart)
    parts = []
    for mean, variance in (model.predict(features.take(pool), threads=1), apart):
        spread = np.sqrt(scaled["inflation"] * (variance + scaled["noise"]))
        parts += [mean[:, 0] * scale + centre, spread[:, 0] * scale]
    return parts[0], parts[1], parts[2], parts[3], found.drawn[0]


def campaign(features: Features, scores: np.ndarray, seed: int) -> Run:
    """Run one greedy campaign."""
    count = len(scores)
    first = np.random.default_rng(derive_seed(seed, "retrospective")).choice(
        count, int(FIRST * count), replace=False
    )
    acquired, rounds = first, []
    for number in range(1, ROUNDS + 1):
        pool = np.setdiff1d(np.arange(count), acquired)
        known = np.sort(acquired[np.isfinite(scores[acquired])])
        mean, sd, held_mean, held_sd, drawn = predicted(
            features, scores, known, pool, derive_seed(seed, "model", number)
        )
        chosen = np.argsort(mean, kind="stable")[: int(BATCH * count)]
        rounds.append(
            Round(
                pool, mean.astype(np.float32), sd.astype(np.float32), chosen,
                known, np.isin(known, first), held_mean, held_sd, np.array(drawn),
            )
        )  # fmt: skip
        acquired = np.concatenate([acquired, pool[chosen]])
    return Run(scores, tuple(rounds))


def save(path: Path, run: Run) -> None:
    """Write a campaign as one file."""
    names = [field.name for field in dataclasses.fields(Round)]
    parts = {
        f"{place}:{name}": getattr(item, name) for place, item in enumerate(run.rounds) for name in names
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(partial, scores=run.scores, **parts)
    partial.replace(path)


def load(path: Path) -> Run:
    """Read a campaign."""
    names = [field.name for field in dataclasses.fields(Round)]
    with np.load(path) as kept:
        rounds = tuple(Round(*(kept[f"{place}:{name}"] for name in names)) for place in range(ROUNDS))
        return Run(kept["scores"], rounds)


def campaigns(
    names: Sequence[str], seeds: range, cache: Path, rows: int = 0, cached_only: bool = False
) -> Iterator[tuple[str, int, Run]]:
    """Yield the campaigns of tables and seeds, one seed of all tables after another; what is cached is not run again.

    With ``rows``, each seed has a library of its own: so many rows of the table, drawn at random.
    """
    tables: dict[str, tuple[Features, np.ndarray]] = {}
    for seed in seeds:
        for name in names:
            path = cache / f"{name.replace(' ', '-')}{f'-{rows}' if rows else ''}-{seed}.npz"
            if not path.exists():
                if cached_only:
                    continue
                if name not in tables:
                    smiles, scores = read(name)
                    features = featurise(smiles, TeacherSettings().fingerprints)
                    tables[name] = features, np.where(features.valid, scores, np.nan)
                features, scores = tables[name]
                if rows and rows < len(scores):
                    drawn = np.random.default_rng(derive_seed(seed, "picked", name)).permutation(len(scores))
                    drawn = np.sort(drawn[:rows])
                    features, scores = features.take(drawn), scores[drawn]
                save(path, campaign(features, scores, seed))
            yield name, seed, load(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", nargs="+", default=[name for group in GROUPS.values() for name in group])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--rows", type=int, default=0, help="of each table so many, drawn anew for every seed"
    )
    parser.add_argument("--cache", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    begun = time.perf_counter()
    for name, seed, run in campaigns(arguments.tables, seeds, arguments.cache, arguments.rows):
        drawn = "".join("f" if item.drawn else "-" for item in run.rounds)
        print(f"{name:26s} seed {seed} {drawn} {time.perf_counter() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
