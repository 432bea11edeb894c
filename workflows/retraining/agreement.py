"""Imported scores against what a campaign knows: whether they are of its receptor, program and unit.

Two things are known: scores of molecules that the campaign has docked itself, and predictions of its present teacher
for all others. Each rule below says what it compares and why honest scores pass it. Honest are also the best of another
campaign, molecules of another kind, and scores with another search seed: rules that looked at errors or ranks
alone would take these for foreign (``docs/retrain.md`` has the rates).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...screening.metrics.paired import rank_correlation

FEWEST = 20
"""Molecules below which nothing is said."""
FEWEST_RANKED = 50
"""Predicted molecules below which unrelated scores are not told from others."""
RANGES = 5.0
"""Interquartile ranges by which scores may be better than the better quartile of the docked ones."""
OFFSET = 0.25
"""Mean difference of twice docked molecules that passes, in standard deviations of the campaign's scores."""
SURE = 2.33
"""Standard errors: one chance in a hundred."""
FLAT = 0.3
"""Scores of molecules that should differ, as share of how much they should."""
UNRELATED = 0.3
"""Rank correlation of twice docked molecules below which they have nothing to do with each other."""

Array = NDArray[np.float64]
Level = Literal["refuse", "warn"]


@dataclass(frozen=True)
class Finding:
    """Why imported scores do not look like the campaign's.

    Attributes
    ----------
    rule : str
        ``sign``, ``range``, ``scale``, ``docked``, ``offset`` or ``unrelated``.
    level : "refuse" or "warn"
        Whether nothing is imported, or a candidate is trained and not promoted by itself.
    words : str
        What was found, one sentence.
    cure : str
        What to do.
    """

    rule: str
    level: Level
    words: str
    cure: str


@dataclass(frozen=True)
class Agreement:
    """How imported scores of one target agree with what the campaign knows.

    Attributes
    ----------
    molecules : int
        Imported.
    docked, predicted : int
        Those that the campaign has a score of itself; those that its present teacher predicted.
    low, high, known_low, known_high : float
        Range of the imported scores, and of the campaign's own; NaN without any.
    docked_rank, docked_slope, docked_offset, docked_difference : float
        On molecules with both scores: rank correlation, slope of the imported over the own ones, mean difference
        (imported minus own), root mean square difference. NaN for fewer than 20.
    rank, slope, offset : float
        The same with the teacher's predictions.
    findings : tuple of Finding
    """

    molecules: int
    docked: int
    predicted: int
    low: float
    high: float
    known_low: float
    known_high: float
    docked_rank: float
    docked_slope: float
    docked_offset: float
    docked_difference: float
    rank: float
    slope: float
    offset: float
    findings: tuple[Finding, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values (no NaN)."""
        plain = {key: value for key, value in vars(self).items() if key != "findings"}
        values = {key: None if value != value else value for key, value in plain.items()}
        return {**values, "findings": [vars(item) for item in self.findings]}


@dataclass(frozen=True)
class Known:
    """What a campaign knows of n imported molecules.

    Attributes
    ----------
    own : array of float64, shape (n,)
        Its own scores of them; NaN where it has none.
    mean, spread : array of float64, shape (n,)
        The present teacher's predictions; NaN where there are none.
    drawn : array of float64, shape (n,)
        The imported scores as the teacher would learn them (bad ones drawn together where it draws them together).
    docked : array of float64, shape (m,)
        All scores that the campaign has docked.
    error : float
        Root mean square error of the present teacher on molecules that it had not learned from; NaN: not known.
    """

    own: Array
    mean: Array
    spread: Array
    drawn: Array
    docked: Array
    error: float


def agreement(scores: Array, known: Known, lower_is_better: bool, target: str) -> Agreement:
    """Return how imported scores agree with what is known, and what of it is suspicious.

    Parameters
    ----------
    scores : array of float64, shape (n,)
        Imported, in the direction of the target.
    known : Known
    lower_is_better : bool
    target : str
        Its name, for the words.

    Returns
    -------
    Agreement
    """
    sign = 1.0 if lower_is_better else -1.0
    own = np.isfinite(known.own)
    seen = np.isfinite(known.mean) & np.isfinite(known.drawn)
    both, told = own.sum() >= FEWEST, seen.sum() >= FEWEST
    gap = scores[own] - known.own[own]
    spread_of = _figures(scores[own], known.own[own]) if both else (float("nan"),) * 3
    predicted = _figures(known.drawn[seen], known.mean[seen]) if told else (float("nan"),) * 3
    figures = Agreement(
        len(scores), int(own.sum()), int(seen.sum()),
        float(scores.min()), float(scores.max()),
        float(known.docked.min()) if len(known.docked) else float("nan"),
        float(known.docked.max()) if len(known.docked) else float("nan"),
        *spread_of, float(np.sqrt(np.mean(gap**2))) if both else float("nan"),
        *predicted,
    )  # fmt: skip
    findings = [*_sign(figures, own, seen, target)] or [
        *_range(sign * scores, sign * known.docked, figures, target)
    ]
    if not findings:
        findings = [*_docked(gap, known, figures, target)]
        if told:
            z = sign * (known.drawn - known.mean)[seen] / known.spread[seen]
            findings += _scale(figures, known.drawn[seen], known.mean[seen], z, target)
            findings += _unrelated(figures, known.mean[seen], known.spread[seen], z, target)
    return Agreement(**{**vars(figures), "findings": tuple(findings)})


def _figures(scores: Array, reference: Array) -> tuple[float, float, float]:
    """Return rank correlation, slope and mean difference."""
    spread = float(np.var(reference))
    slope = (
        float(np.mean((scores - scores.mean()) * (reference - reference.mean())) / spread)
        if spread
        else np.nan
    )
    return rank_correlation(scores, reference), float(slope), float(np.mean(scores - reference))


def _sign(
    found: Agreement, own: NDArray[np.bool_], seen: NDArray[np.bool_], target: str
) -> Iterator[Finding]:
    """The ranks run against what is known, by three standard errors: no receptor and no selection does that."""
    for rank, count, what in (
        (found.docked_rank, int(own.sum()), f"the campaign's own scores for {target}"),
        (found.rank, int(seen.sum()), "the present model"),
    ):
        if count >= FEWEST and rank < -3 / np.sqrt(count - 1):
            yield Finding(
                "sign",
                "refuse",
                f"The scores run against {what} (rank correlation {rank:.2f} over {count:,} molecules): their sign is "
                "probably the other one.",
                "Say --higher-is-better or --lower-is-better, or --force if they are right as they are.",
            )
            return


def _range(scores: Array, docked: Array, found: Agreement, target: str) -> Iterator[Finding]:
    """Most scores lie where the campaign has none (smaller is better here).

    Worse than the worst that it docked, or better than its better quartile by five times the distance of the
    quartiles. The best of another campaign lie beyond the best docked here, but not that far.
    """
    if len(docked) < FEWEST:
        return
    first, third = np.quantile(docked, [0.25, 0.75])
    low, high = first - RANGES * (third - first), docked.max()
    beyond = np.mean((scores < low) | (scores > high))
    if beyond <= 0.5 or third == first:
        return
    turned = np.mean((-scores >= low) & (-scores <= high)) > 0.5
    yield Finding(
        "range",
        "refuse",
        f"{100 * beyond:.0f} % of the scores lie outside the range of what was docked for {target}: they are "
        f"{found.low:.4g} to {found.high:.4g}, the campaign's {found.known_low:.4g} to {found.known_high:.4g}.",
        "With the other sign they would lie in it: say --higher-is-better or --lower-is-better as it is in the file."
        if turned
        else "A model learns one scale: import docking scores of the same program, in the same unit. Affinities (pKd, "
        "pIC50) and other programs' scores belong to a campaign of their own, whose teacher can be a source of this "
        "one ([teacher] sources); --score-column names another column; --force imports them as they are.",
    )


def _docked(gap: Array, known: Known, found: Agreement, target: str) -> Iterator[Finding]:
    """What was docked twice differs by more than docking can, or all one way.

    Two dockings into one receptor differ by chance, each by less than a model of it is wrong by (whose error holds
    that of the score): together by less than the root of two of that; twice that passes here. And chance has no
    preference: the mean difference (trimmed: a few clashes say nothing) is next to nothing. Another search effort moves
    it a little, another receptor by more.
    """
    count = len(gap)
    if count < FEWEST:
        return
    middle, sure = _trimmed(gap)
    scatter = float(np.std(gap, ddof=1))
    least = scatter * (1 - SURE / np.sqrt(2 * count))
    unrelated = found.docked_rank + 2 / np.sqrt(count) < UNRELATED
    what = (
        f"Of {count:,} molecules that the campaign has docked itself, the file's scores for {target} differ"
    )
    cure = (
        "Check that receptor, box, program and search settings are the campaign's; scores of another receptor belong "
        "to a campaign of its own, whose teacher can be a source of this one ([teacher] sources)."
    )
    if least > 2 * known.error or (unrelated and least > known.error):
        yield Finding(
            "docked",
            "refuse",
            f"{what} by {scatter:.2f} (standard deviation), with a rank correlation of {found.docked_rank:.2f}: two "
            f"dockings into one receptor agree better, since a model of it is wrong by {known.error:.2f} only.",
            f"{cure} --force imports them all the same.",
        )
    elif abs(middle) - SURE * sure > OFFSET * float(np.std(known.docked)):
        yield Finding(
            "offset",
            "warn",
            f"{what} by {middle:+.2f} on average: scores of one receptor and program differ by chance, not all one "
            "way.",
            cure,
        )


def _trimmed(values: Array) -> tuple[float, float]:
    """Return the mean without the fifth at each end, and its standard error (Tukey and McLaughlin 1963)."""
    ordered = np.sort(values)
    cut = len(ordered) // 5
    middle = ordered[cut : len(ordered) - cut].mean()
    winsorised = np.clip(ordered, ordered[cut], ordered[len(ordered) - cut - 1])
    return float(middle), float(np.std(winsorised, ddof=1) / (0.6 * np.sqrt(len(ordered))))


def _scale(found: Agreement, scores: Array, mean: Array, z: Array, target: str) -> Iterator[Finding]:
    """Molecules that should differ hardly do, and none is as good as it should be: numbers of another scale.

    The best of another campaign are all alike too, but as good as predicted or better. The very worst, picked by their
    scores, look like this as well, so it is only said.
    """
    flat = np.std(scores) < FLAT * np.std(mean)
    if flat and np.mean(z) > 1.0:
        yield Finding(
            "scale",
            "warn",
            f"The scores for {target} vary by {np.std(scores):.2f} where the present model expects "
            f"{np.std(mean):.2f}, and are worse than it expects by {np.mean(z):.1f} times its uncertainty: they are "
            "probably in another unit, or of another program.",
            "Import scores of the campaign's program in its unit.",
        )


def _unrelated(found: Agreement, mean: Array, spread: Array, z: Array, target: str) -> Iterator[Finding]:
    """The ranks have nothing to do with those expected, and errors are larger than the model's uncertainty.

    Chosen molecules are ranked worse than a random sample, so what is to be expected is drawn from the model's own
    predictions for these molecules. Scores that are all alike have small errors.
    """
    count = len(z)
    if count < FEWEST_RANKED:
        return
    generator = np.random.default_rng(count)
    drawn = [rank_correlation(mean + spread * generator.normal(size=count), mean) for _ in range(20)]
    expected = float(np.mean(drawn))
    upper = found.rank + 2 / np.sqrt(count)
    if upper < expected / 3 and np.std(z) > 1.3:
        yield Finding(
            "unrelated",
            "warn",
            f"The scores for {target} have little to do with what the campaign knows: rank correlation with the "
            f"present model {found.rank:.2f} over {count:,} molecules, where {expected:.2f} is to be expected.",
            "Check that molecules and scores are in the same lines, and that receptor and program are the campaign's.",
        )
