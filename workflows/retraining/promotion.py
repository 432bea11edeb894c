"""Judging a retrained candidate against the present model, on molecules that neither has learnt from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...data.errors import CampaignError
from ...data.seeds import derive_seed
from ...models.bundles.bundle import load_bundle, read_card
from ...models.teachers.focus import drawn_like
from ...models.teachers.sources import flattering, for_judging
from ...screening.metrics.paired import PairedComparison, compare_predictions
from ..campaign.campaign import Campaign
from ..campaign.sources import read_sources
from ..tasks.held_out import read_held_out
from ..tasks.training_scores import SEALED_SHARE_OF_IMPORTS, TrainingScores, is_held_out
from .agreement import Array, Finding
from .knowledge import is_drawn, learned_scores, scores_of, seed_sample_scores

NO_WORSE = 0.1
"""An error may be larger by this share of the present model's for a test set to prove that it is no larger."""


@dataclass(frozen=True)
class Judged:
    """Present model and candidate on one target, on molecules that neither had learned from.

    Attributes
    ----------
    test_set : PairedComparison or None
        On the part of the seed sample that no model trains on (``[start] sealed``). None where there is none.
    cross_validated : PairedComparison or None
        On the rest of the seed sample, each molecule predicted by models fitted without it.
    imported : PairedComparison or None
        On the fifth of the imported scores that no model trains on. They come from the file that is to be judged.
    """

    test_set: PairedComparison | None
    cross_validated: PairedComparison | None = None
    imported: PairedComparison | None = None


class _Judge:
    """Compares two teachers of a campaign on one footing: if one learned bad scores drawn together, so are all."""

    def __init__(self, campaign: Campaign, present: str, candidate: str) -> None:
        self.campaign, self.names = campaign, (present, candidate)
        sources = read_sources([campaign.root / record.path for record in campaign.source_records()])
        self.sources = sources
        loaded: list[Any] = [load_bundle(campaign.root / "models" / name) for name in self.names]
        self.models = [for_judging(model, sources) for model in loaded]
        self.cards = [read_card(campaign.root / "models" / name) for name in self.names]
        self.learned: TrainingScores = learned_scores(campaign, present)
        self.seed = derive_seed(campaign.seed, "compare", candidate)

    def targets(self) -> list[str]:
        """Return the targets that both know."""
        return [name for name in self.models[0].targets if name in self.models[1].targets]

    def predicted(self, target: str, scored: Mapping[str, float]) -> PairedComparison | None:
        """Compare predictions for molecules with their scores."""
        new = [text for text in scored if text not in set(self.learned.data.smiles)]
        if not new:
            return None
        fair = ~(
            flattering(self.models[0], self.sources, new) | flattering(self.models[1], self.sources, new)
        )
        means = [model.predict(new).mean[:, model.targets.index(target)] for model in self.models]
        truth = np.array([scored[text] for text in new], np.float64)
        return self._compared(target, truth[fair], [mean[fair].astype(np.float64) for mean in means])

    def crossed(self, target: str, scored: Mapping[str, float]) -> PairedComparison | None:
        """Compare cross-validated predictions for molecules that both were trained on."""
        found = []
        for name in self.names:
            path = self.campaign.root / "heldout" / f"{name.replace('/', '-')}.parquet"
            if not path.is_file():
                return None
            table = read_held_out(path, target)
            table = table.filter(pc.equal(table["how"], "folds"))
            found.append(dict(zip(table["smiles"].to_pylist(), table["mean"].to_pylist(), strict=True)))
        both = [text for text in scored if text in found[0] and text in found[1]]
        if not both:
            return None
        truth = np.array([scored[text] for text in both], np.float64)
        return self._compared(target, truth, [np.array([means[text] for text in both]) for means in found])

    def _compared(self, target: str, truth: Array, means: Sequence[Array]) -> PairedComparison | None:
        drawn = [is_drawn(card, target) for card in self.cards]
        if any(drawn):
            lower = bool(self.campaign.targets[target]["lower_is_better"])
            reference = scores_of(self.learned, target)
            truth = drawn_like(truth, reference, lower)
            means = [
                mean if already else drawn_like(mean, reference, lower)
                for mean, already in zip(means, drawn, strict=True)
            ]
        fine = np.isfinite(means[0]) & np.isfinite(means[1])
        if not fine.any():
            return None
        return compare_predictions(truth[fine], means[0][fine], means[1][fine], seed=self.seed)


def compare_models(campaign: Campaign, present: str, candidate: str, imported: pa.Table) -> dict[str, Judged]:
    """Return how two models compare, by target that both know.

    Parameters
    ----------
    campaign : Campaign
    present, candidate : str
        Folders under ``models/``.
    imported : pyarrow.Table
        ``smiles``, ``target``, ``score``.

    Raises
    ------
    CampaignError
        If there is no molecule to judge them by.
    """
    judge = _Judge(campaign, present, candidate)
    share = campaign.config.start.sealed
    own = seed_sample_scores(campaign)
    result = {}
    for target in judge.targets():
        scored = _scores(own, target)
        closed = {text: score for text, score in scored.items() if is_held_out(text, campaign.seed, share)}
        mine = {
            text: score
            for text, score in _scores(imported, target).items()
            if text not in scored and is_held_out(text, campaign.seed, SEALED_SHARE_OF_IMPORTS)
        }
        result[target] = Judged(
            judge.predicted(target, closed),
            judge.crossed(target, {text: score for text, score in scored.items() if text not in closed}),
            judge.predicted(target, mine),
        )
    if result and not any(any(vars(item).values()) for item in result.values()):
        raise CampaignError(
            "There is no molecule to judge the models by that neither has learned from.",
            "Set [start] sealed above 0 in the next campaign, or import more scores.",
        )
    return result


def _scores(table: pa.Table, target: str) -> dict[str, float]:
    """Return the mean score of each molecule, in order of SMILES."""
    mine = table.filter(pc.and_(pc.equal(table["target"], target), pc.is_valid(table["score"])))
    means = mine.group_by("smiles", use_threads=False).aggregate([("score", "mean")])
    pairs = zip(means["smiles"].to_pylist(), means["score_mean"].to_pylist(), strict=True)
    return dict(sorted(pairs))


@dataclass(frozen=True)
class Verdict:
    """What the seed sample says of a candidate for one target: ``worse``, ``better`` or ``no worse``; and on what."""

    word: str
    basis: str
    item: PairedComparison | None

    @property
    def words(self) -> str:
        """The verdict with its figures."""
        if self.item is None:
            return self.basis
        return f"error {self.word}: {self.item.difference} on {self.item.molecules:,} {self.basis}"


def verdict(judged: Judged) -> Verdict:
    """Return whether the candidate is worse: by the test set if that can tell, else by the whole seed sample.

    A test set can tell if the interval of the difference lies on one side, or ends below a tenth of the
    present model's error. Where it is too small for that, cross-validated predictions for the rest of the seed
    sample decide, within their interval; a campaign without either is left with the imported scores' own part.
    """
    found = judged.test_set
    if found is not None:
        low, high = found.difference.low, found.difference.high
        clear = high <= NO_WORSE * found.rmse_present.value
        if low > 0 or clear or judged.cross_validated is None:
            return Verdict(_word(low, high), "molecules of the seed sample's test set", found)
    for item, basis in (
        (
            judged.cross_validated,
            "molecules of the seed sample, cross-validated (its test set is too small to tell)",
        ),
        (judged.imported, "imported molecules kept from training (there is no seed sample to judge by)"),
    ):
        if item is not None:
            return Verdict(_word(item.difference.low, item.difference.high), basis, item)
    return Verdict("no worse", "nothing to judge by", None)


def _word(low: float, high: float) -> str:
    if low > 0:
        return "larger by more than chance"
    return "smaller by more than chance" if high < 0 else "no larger within the interval"


def decide(
    judged: Mapping[str, Judged],
    targets: Collection[str],
    promote: bool,
    untaught: Collection[str] = (),
    findings: Sequence[Finding] = (),
) -> tuple[bool, str]:
    """Say whether a candidate is promoted, and why.

    It is, if for no target its error on the seed sample is larger by more than chance (:func:`verdict`). With
    suspicious scores it must be smaller by more than chance for each target that got some. ``promote`` overrides,
    unless the candidate learned none of the targets.

    Parameters
    ----------
    judged : mapping of str to Judged
        :func:`compare_models`.
    targets : collection of str
        Those with imported scores.
    promote : bool
    untaught : collection of str
        Those of ``targets`` that the candidate does not know.
    findings : sequence of Finding
        What was suspicious of the scores.
    """
    if untaught and set(untaught) >= set(targets):
        return False, f"it has too few scores to learn {', '.join(sorted(untaught))}"
    verdicts = {name: verdict(item) for name, item in judged.items()}
    worse = [name for name, found in verdicts.items() if found.word.startswith("larger")]
    reasons = [f"{name}: {verdicts[name].words}" for name in worse]
    doubtful = [
        name for name in targets if not (name in verdicts and verdicts[name].word.startswith("smaller"))
    ]
    if findings and doubtful and not worse:
        rules = ", ".join(dict.fromkeys(item.rule for item in findings))
        reasons.append(
            f"the imported scores look unlike the campaign's ({rules}; see above), and the seed sample does not show "
            "that they help"
        )
    if not reasons:
        said = [f"{name}: {verdicts[name].words}" for name in targets if name in verdicts]
        new = [name for name in targets if name not in verdicts and name not in untaught]
        said += [f"the present model does not know {name}" for name in new]
        return True, "; ".join(said) or "nothing speaks against it"
    reason = "; ".join(reasons)
    return (True, f"promoted by request, though {reason}") if promote else (False, reason)
