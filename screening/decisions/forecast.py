"""What the next dockings will bring, and whether to go on: by criteria that were set before the campaign.

For each draw of the error parameters (:mod:`docksieve.screening.decisions.errors`) every candidate has a
probability of being a hit; hits of the batch are drawn from these. The share of draws in which there are enough is the
*assurance*: the probability of success averaged over what is not known, as for clinical trials (O'Hagan, Stevens,
Campbell, Pharm. Stat. 4, 187, 2005; Spiegelhalter, Freedman 1986). A power that took the calibration for known would
be too sure of itself, in either direction.

Whether the best score improves has an answer of its own (:mod:`docksieve.screening.decisions.records`). By how much
it improves has none: where that is a criterion, no probability of success is stated, only what it cannot exceed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...data.words import plural
from ..calibration.picked import Batch
from .errors import CannotSay, ErrorDraws, learn_errors
from .records import Records
from .scoring import chance_words

Floats = NDArray[np.float64]

CANNOT = "cannot say"
GROUPS = (64, 8)
"""Candidates beyond a few hundred are taken in groups of similar mean and s.d.: so many of each."""


@dataclass(frozen=True)
class Criteria:
    """What counts as success, and what follows; ``[decide]`` of a campaign.

    Attributes
    ----------
    threshold : float
        A hit scores at or beyond it.
    hits : int
        So many of the next dockings must be hits; 0 if that is no criterion.
    improve : float
        The best score must improve by this much; 0 if that is no criterion.
    go, stop : float
        Probability of success from which to go on, and down to which to stop.
    """

    threshold: float
    hits: int = 1
    improve: float = 0.0
    go: float = 0.8
    stop: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.stop < self.go <= 1:
            raise ValueError(f"need 0 <= stop < go <= 1, not stop {self.stop} and go {self.go}")
        if self.hits < 0 or self.improve < 0 or not np.isfinite([self.threshold, self.improve]).all():
            raise ValueError(f"impossible criteria: {self}")
        if not self.hits and not self.improve:
            raise ValueError("success needs a criterion: a number of hits, or an improvement")


@dataclass(frozen=True)
class Outlook:
    """What the next ``dockings`` bring.

    Attributes
    ----------
    dockings : int
    hits, hits_low, hits_high : float
        Expected hits, and the ends of the 80 % prediction interval.
    improves : float or None
        Probability that the best score improves, by whatever; None where it cannot be told.
    success : float or None
        Probability that all criteria are met; None if ``criteria.improve`` is one: it cannot be forecast.
    core_hours : float
    verdict : str
        ``go``, ``stop``, ``ask for more`` or ``cannot say``.
    """

    dockings: int
    hits: float
    hits_low: float
    hits_high: float
    improves: float | None
    success: float | None
    core_hours: float
    verdict: str


@dataclass(frozen=True)
class Decision:
    """The answer.

    Attributes
    ----------
    verdict : str
        ``go`` (with ``dockings``: the fewest that suffice), ``stop`` (not even the most would do), ``ask for more``
        or ``cannot say``.
    reason : str
        One sentence.
    dockings : int or None
    outlooks : tuple of Outlook
    criteria : Criteria
    picked, batches : int
        Molecules and batches that the errors were learnt from.
    shift, scale : tuple of float
        Median and 80 % interval of the next batch's bias and of the inflation, in predictive s.d.
    """

    verdict: str
    reason: str
    dockings: int | None
    outlooks: tuple[Outlook, ...]
    criteria: Criteria
    picked: int = 0
    batches: int = 0
    shift: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def decide(
    mean: ArrayLike,
    sd: ArrayLike,
    batches: Sequence[Batch],
    criteria: Criteria,
    budgets: Sequence[int],
    *,
    seconds_each: float,
    seed: int,
    failed: float = 0.0,
    noise: float = 0.0,
    resolution: float = 0.0,
    draws: int = 2000,
    lower_is_better: bool = True,
    scale: Callable[[float], float] = float,
    records: Records | None = None,
    errors: ErrorDraws | None = None,
) -> Decision:
    """Return what to do, by criteria set beforehand.

    Parameters
    ----------
    mean, sd : array of float, shape (n,)
        Of candidates that were not docked, in the order in which they would be; a budget takes the first so many.
    batches : sequence of Batch
        Earlier batches of picked molecules, oldest first, with the predictions that they were picked by.
    criteria : Criteria
    budgets : sequence of int
        Numbers of dockings to answer for.
    seconds_each : float
        Core-seconds of one docking.
    seed : int
    failed : float
        Share of dockings that give no score, in [0, 1).
    noise : float
        S.d. of a repeated docking, if ``sd`` (here and in ``batches``) does not hold it; in the unit of the scores.
    resolution : float
        Last digit of the scores (0.1 for Vina's): a rounded score is at a limit if the exact one is within half of it.
    draws : int
    lower_is_better : bool
    scale : callable
        Takes a score to the scale that ``mean`` and ``sd`` are in, if that is another (a teacher may have learnt scores
        along a curve); rises everywhere. ``batches`` are in the scales of their own predictions; criteria
        are scores.
    records : Records, optional
        What earlier batches came to. Without it nothing is said of the best score.
    errors : ErrorDraws, optional
        Of the candidates, as :func:`docksieve.screening.decisions.errors.errors_ahead` has them; without it they are
        learnt from how ``batches`` missed.

    Returns
    -------
    Decision
        ``cannot say`` with the reason where too little is known for a number.

    Raises
    ------
    ValueError
        If the candidates are malformed or a setting is out of range.
    """
    centre, spread = np.asarray(mean, np.float64), np.asarray(sd, np.float64)
    if centre.ndim != 1 or centre.shape != spread.shape:
        raise ValueError(f"expected two equally long vectors, got shapes {centre.shape} and {spread.shape}")
    if not (np.isfinite(centre).all() and np.isfinite(spread).all() and (spread > 0).all()):
        raise ValueError("candidates need finite means and positive standard deviations; leave others out")
    if not 0 <= failed < 1 or min(noise, seconds_each, resolution) < 0 or draws < 100:
        raise ValueError("failed must be in [0, 1), noise and seconds_each not negative, draws at least 100")
    sign = 1.0 if lower_is_better else -1.0
    noisy = [Batch(item.mean, np.hypot(item.sd, noise), item.docked) for item in batches]
    try:
        wanted = sorted({int(value) for value in budgets if value > 0})
        if not wanted:
            raise CannotSay("no budget above zero was named")
        if wanted[0] > len(centre):
            raise CannotSay(
                f"{len(centre)} candidates are left, fewer than the smallest budget of {wanted[0]}"
            )
        learnt = learn_errors(noisy, seed=seed, draws=draws, lower_is_better=lower_is_better)
        errors = errors or learnt
    except CannotSay as error:
        return Decision(CANNOT, f"{error}.".capitalize(), None, (), criteria)
    wanted = [value for value in wanted if value <= len(centre)]
    outlooks = _outlooks(
        sign * centre,
        np.hypot(spread, noise),
        errors,
        criteria,
        wanted,
        sign,
        failed,
        seconds_each,
        resolution,
        seed,
        scale,
        records,
    )
    verdict, reason, dockings = _verdict(outlooks, criteria)
    return Decision(
        verdict,
        reason,
        dockings,
        tuple(outlooks),
        criteria,
        errors.picked,
        errors.batches,
        tuple(np.quantile(errors.shift, [0.5, 0.1, 0.9]).tolist()),
        tuple(np.quantile(errors.scale, [0.5, 0.1, 0.9]).tolist()),
    )


def _outlooks(
    mean: Floats,
    sd: Floats,
    errors: ErrorDraws,
    criteria: Criteria,
    budgets: Sequence[int],
    sign: float,
    failed: float,
    seconds_each: float,
    resolution: float,
    seed: int,
    scale: Callable[[float], float],
    records: Records | None,
) -> list[Outlook]:
    """Return the outlook of each budget; scores turned so that lower is better. Larger batches hold the smaller."""
    generator = np.random.default_rng([seed, 1])
    limit = sign * scale(criteria.threshold + sign * resolution / 2)
    hits = np.zeros(len(errors.shift))
    result, start, expected = [], 0, 0.0
    for budget in budgets:
        sizes, centre, spread = _grouped(mean[start:budget], sd[start:budget])
        hit = (1 - failed) * errors.below(limit, centre, spread)
        expected += float((hit * sizes).sum() / len(hit))
        hits += generator.binomial(sizes, hit).sum(axis=1)
        improves = None if records is None else records.chance(budget)
        most = float((hits >= criteria.hits).mean())
        if criteria.improve:  # by so much at most as often as at all
            most = min(most, 1.0 if improves is None else improves)
        success = None if criteria.improve else most
        low, high = np.quantile(hits, [0.1, 0.9])
        hours, verdict = budget * seconds_each / 3600, _judged(success, most, criteria)
        result.append(Outlook(budget, expected, float(low), float(high), improves, success, hours, verdict))
        start = budget
    return result


def _judged(success: float | None, most: float, criteria: Criteria) -> str:
    """Return the verdict on a probability of success; of an unknown one, ``most`` is the most that it can be."""
    if most <= criteria.stop:
        return "stop"
    if success is None:
        return CANNOT
    return "go" if success >= criteria.go else "ask for more"


def _verdict(outlooks: Sequence[Outlook], criteria: Criteria) -> tuple[str, str, int | None]:
    most = outlooks[-1]
    if most.success is None:
        if most.verdict == "stop":
            said = (
                f"Even {plural(most.dockings, 'docking')} succeed with a probability of at most the {criteria.stop:g} "
                "that"
            )
            return (
                "stop",
                f"{said} was set: enough hits, or a better best score at all, are that unlikely.",
                None,
            )
        why = (
            f"By how much the best score improves cannot be forecast, and {criteria.improve:g} is a criterion"
        )
        return (
            CANNOT,
            f"{why}; what can be said of hits, and of a better best score at all, stands below.",
            None,
        )
    for item in outlooks:
        if item.verdict == "go" and item.success is not None:
            said = f"{plural(item.dockings, 'docking')} succeed with probability {chance_words(item.success)}"
            return "go", f"{said}, at least the {criteria.go:g} that was set.", item.dockings
    said = (
        f"Even {plural(most.dockings, 'docking')} succeed with probability {chance_words(most.success)} only"
    )
    if most.verdict == "stop":
        return "stop", f"{said}, at most the {criteria.stop:g} that was set.", None
    return "ask for more", f"{said}: between {criteria.stop:g} and {criteria.go:g}.", None


def _grouped(mean: Floats, sd: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return sizes, means and s.d. of groups of similar candidates; the best few stay alone."""
    order = np.argsort(mean, kind="stable")
    alone, many = order[:256], order[256:]
    groups = [np.array([row]) for row in alone]
    for chunk in np.array_split(many, GROUPS[0]):
        by_sd = chunk[np.argsort(sd[chunk], kind="stable")]
        groups += [part for part in np.array_split(by_sd, GROUPS[1]) if len(part)]
    sizes = np.array([len(part) for part in groups], np.int64)
    return sizes, np.array([mean[p].mean() for p in groups]), np.array([sd[p].mean() for p in groups])
