"""The label-shuffle control: taught scores that belong to other molecules, a teacher must know nothing.

All forms of one compound keep one score between them when scores are shuffled, those of the sealed test molecules
too. A teacher that still ranks test molecules has met them in training: the figures of the campaign are then too good.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ...data.errors import CampaignError
from ...data.receipts import plain_json
from ...data.seeds import derive_seed
from ...data.store import FileRecord, read_json, sha256_json, write_json
from ...models.settings import TeacherSettings
from ...models.teachers.train import train_teacher
from ...models.teachers.training_data import TrainingData, unteachable
from ...screening.chemistry.parents import parent_smiles
from ...screening.chemistry.similarity import References, fingerprint
from ...screening.decisions.scoring import wilson
from ...screening.metrics.paired import rank_correlation
from ...screening.metrics.virtual_screening import precision_at
from ..campaign.campaign import Campaign, open_campaign
from ..config.campaign_file import settings_from
from ..tasks.training_scores import TrainingScores, read_training_scores

Array = NDArray[np.float64]
VERSION = 1
RESULT = Path("controls") / "shuffle.json"
BEST = 0.1
"""Share that counts as best, and that is kept, for the enrichment."""
ALPHA = 0.01
"""Chance of a false alarm, over all targets and test sets."""
NEAR = 0.9
"""Tanimoto similarity (Morgan environments) from which two molecules are near-duplicates."""
FEWEST = 10


@dataclass(frozen=True)
class _Judged:
    """Test molecules of one target: their scores, and the predictions of a model that should not know them."""

    truth: Array
    predicted: Array

    @property
    def spearman(self) -> float:
        found = rank_correlation(self.truth, self.predicted)
        return float(found) if np.isfinite(found) else 0.0  # a constant prediction ranks nothing


def shuffle_control(
    campaign: str | Path, seeds: int = 3, progress: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Train the campaign's teacher on shuffled scores and look whether it learns anything all the same.

    Parameters
    ----------
    campaign : path
        Its folder or its TOML file.
    seeds : int
        Shuffles, at least 1. More make the intervals narrower.
    progress : callable, optional
        Told what is done.

    Returns
    -------
    dict
        What is written to ``controls/shuffle.json`` (docs/formats.md): per target and test set (``folds``,
        ``sealed``) the rank correlation and the enrichment with the true and the shuffled scores, and ``leakage``, in
        words; empty if there is none.

    Raises
    ------
    CampaignError
        If too little is docked, or ``seeds`` is below 1.
    """
    if seeds < 1:
        raise CampaignError(f"--seeds must be at least 1, not {seeds}.")
    opened, tell = open_campaign(campaign), progress or (lambda _: None)
    records = _records(opened)
    directions = {name: bool(spec["lower_is_better"]) for name, spec in opened.targets.items()}
    settings = settings_from(TeacherSettings, opened.teacher_settings)
    scores = _scores(opened, records, directions, settings)
    names = scores.data.targets
    tell("the true scores")
    known = [_judge(opened, scores, settings, "true")]
    shuffled = []
    for number in range(seeds):
        tell(f"shuffle {number + 1} of {seeds}")
        mixed = _shuffled(scores, derive_seed(opened.seed, "control", "shuffle", number))
        shuffled.append(_judge(opened, mixed, settings, f"shuffle-{number}"))
    sets = [(target, how) for target in names for how in ("folds", "sealed") if (target, how) in known[0]]
    tests = 2 * len(sets)
    targets: dict[str, Any] = {target: {} for target in names}
    leakage = []
    for target, how in sets:
        lower = directions[target]
        found = [item[target, how] for item in shuffled if (target, how) in item]
        entry: dict[str, Any] = {
            "molecules": len(known[0][target, how].truth),
            "true": _figures([known[0][target, how]], lower, 1),
            "shuffled": _figures(found, lower, tests),
        }
        targets[target][how] = entry
        if entry["shuffled"]["spearman"]["low"] > 0 or entry["shuffled"]["enrichment"]["low"] > 1:
            leakage.append(_leak_words(target, how, entry))
    result = {
        "version": VERSION,
        "written": time.time(),
        "seeds": seeds,
        "best": BEST,
        "false_alarms": ALPHA,
        "scores": sha256_json([record.sha256 for record in records]),
        "targets": targets,
        "duplicates": _duplicates(scores),
        "leakage": leakage,
    }
    result = plain_json(result)
    write_json(opened.root / RESULT, result)
    return dict(result)


def read_control(root: Path) -> dict[str, Any] | None:
    """Return the result of the last control of the campaign in ``root``; None if there is none."""
    return dict(read_json(root / RESULT)) if (root / RESULT).is_file() else None


def scores_hash(campaign: Campaign) -> str:
    """Return the hash of the scores that a control would use now."""
    return sha256_json([record.sha256 for record in _records(campaign)])


def _records(campaign: Campaign) -> list[FileRecord]:
    stages = [stage for stage in campaign.stages() if stage.startswith("round-") and stage.endswith("/dock")]
    docked = [record for stage in stages for record in campaign.ledger.outputs(stage, "scores/")]
    return [*docked, *campaign.imported_scores(10**9)]


def _scores(
    campaign: Campaign, records: Sequence[FileRecord], directions: dict[str, bool], settings: TeacherSettings
) -> TrainingScores:
    if not records:
        raise CampaignError(
            "Nothing is docked yet: there are no scores to shuffle.", "Submit the campaign first."
        )
    paths = [campaign.root / record.path for record in records]
    share = campaign.config.start.sealed
    found = read_training_scores(paths, campaign.root, directions, campaign.seed, share)
    untaught = unteachable(found.data, settings.min_scores)
    kept = [name for name in directions if name not in untaught]
    if not kept:
        raise CampaignError(f"No teacher can learn yet: {'; '.join(untaught.values())}.", "Dock more first.")
    return TrainingScores(
        taught_only(found.data, kept),
        taught_only(found.sealed, kept),
        found.seed_sample,
        found.left_out,
        found.failed,
    )


def taught_only(data: TrainingData, targets: Sequence[str]) -> TrainingData:
    """Return training data with these targets alone, and the molecules that have a score of one."""
    columns = [list(data.targets).index(target) for target in targets]
    scores = np.asarray(data.scores, np.float64).reshape(len(data.smiles), len(data.targets))[:, columns]
    rows = np.flatnonzero(np.isfinite(scores).any(axis=1))
    return TrainingData(
        [data.smiles[int(row)] for row in rows],
        tuple(targets),
        scores[rows],
        tuple(data.lower_is_better[column] for column in columns),
    )


def _shuffled(scores: TrainingScores, seed: int) -> TrainingScores:
    """Return the same molecules with scores of other compounds; all forms of one compound share one score."""
    count = len(scores.data.smiles)
    parents = parent_smiles([*scores.data.smiles, *scores.sealed.smiles])
    both = np.concatenate([np.asarray(scores.data.scores), np.asarray(scores.sealed.scores)])
    mixed = np.full_like(both, np.nan)
    for column in range(both.shape[1]):
        rows = np.flatnonzero(np.isfinite(both[:, column]))
        names, first, inverse = np.unique(
            np.array([parents[row] for row in rows], dtype=object), return_index=True, return_inverse=True
        )
        order = np.random.default_rng(derive_seed(seed, column)).permutation(len(names))
        mixed[rows, column] = both[rows[first], column][order][inverse]
    data, sealed = scores.data, scores.sealed
    return TrainingScores(
        TrainingData(data.smiles, data.targets, mixed[:count], data.lower_is_better),
        TrainingData(sealed.smiles, sealed.targets, mixed[count:], sealed.lower_is_better),
        scores.seed_sample, scores.left_out, scores.failed,
    )  # fmt: skip


def _judge(
    campaign: Campaign, scores: TrainingScores, settings: TeacherSettings, name: str
) -> dict[tuple[str, str], _Judged]:
    """Train a teacher and return its predictions for molecules that it should not know."""
    seed = derive_seed(campaign.seed, "control", name)
    teacher = train_teacher(scores.data, settings, seed, campaign.state["threads"])
    assert teacher.held_out is not None
    sets = {"folds": (np.asarray(teacher.held_out.truth), np.asarray(teacher.held_out.mean))}
    if len(scores.sealed.smiles):
        predicted = teacher.predict(list(scores.sealed.smiles)).mean.astype(np.float64)
        sets["sealed"] = (np.asarray(scores.sealed.scores, np.float64), predicted)
    found = {}
    for how, (truth, predicted) in sets.items():
        for column, target in enumerate(teacher.targets):
            fine = np.isfinite(truth[:, column]) & np.isfinite(predicted[:, column])
            if fine.sum() >= FEWEST:
                found[target, how] = _Judged(truth[fine, column], predicted[fine, column])
    return found


def _figures(found: Sequence[_Judged], lower: bool, tests: int) -> dict[str, Any]:
    """Return rank correlation and enrichment over all shuffles, with intervals; both ends allow for ``tests``."""
    confidence = 1 - 2 * ALPHA / tests if tests > 1 else 0.95
    values = [item.spearman for item in found]
    z = float(ndtri((1 + confidence) / 2))
    sd = 1 / math.sqrt(sum(len(item.truth) - 3 for item in found))  # of Fisher's transform
    hits = drawn = 0
    for item in found:
        kept = max(1, round(BEST * len(item.truth)))
        hits += round(precision_at(item.truth, item.predicted, BEST, BEST, lower) * kept)
        drawn += kept
    base = drawn / sum(len(item.truth) for item in found)
    low, high = wilson(hits, drawn, confidence)
    mean = float(np.mean(values))
    middle = math.atanh(min(max(mean, -0.999999), 0.999999))
    ends = {"low": math.tanh(middle - z * sd), "high": math.tanh(middle + z * sd)}
    return {
        "spearman": {"value": mean, **ends, "each": values},
        "enrichment": {"value": hits / drawn / base, "low": low / base, "high": high / base},
        "confidence": confidence,
    }


def _leak_words(target: str, how: str, entry: dict[str, Any]) -> str:
    found = entry["shuffled"]["spearman"]
    where = {
        "folds": "forms of one compound stand in several folds of the cross-validation",
        "sealed": "molecules kept to judge the models were trained on, in another form or under another name",
    }[how]
    return (
        f"{target}: taught shuffled scores, the teacher still ranks the molecules of its test "
        f"({'cross-validation' if how == 'folds' else 'sealed molecules'}): rank correlation {found['value']:.2f} "
        f"({found['low']:.2f} to {found['high']:.2f}), enrichment {entry['shuffled']['enrichment']['value']:.1f}. "
        f"There is leakage: {where}."
    )


def _duplicates(scores: TrainingScores) -> dict[str, Any]:
    """Count test molecules that the training molecules nearly hold: other forms of them, and very similar ones."""
    train, test = list(scores.data.smiles), list(scores.sealed.smiles)
    parents = parent_smiles([*train, *test])
    known = set(parents[: len(train)])
    same = [text for text, parent in zip(test, parents[len(train) :], strict=True) if parent in known]
    near: list[str] = []
    if test:
        similarity, _ = References(train, fingerprint).nearest(test)
        near = [text for text, value in zip(test, similarity.tolist(), strict=True) if value >= NEAR]
    return {
        "molecules": len(test),
        "same_compound": len(same),
        "near": len(near),
        "threshold": NEAR,
        "examples": sorted({*same[:5], *near[:5]}),
    }
