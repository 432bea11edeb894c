"""What an audit will draw, and what its dockings buy, before one of them is paid for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ...data.errors import CampaignError, InputError
from ...data.score_keys import MISSING_KEY, key_scores
from ...data.words import agree, plural
from ...screening.auditing.allocation import choose_strata, least_dockings
from ...screening.auditing.design import AuditDesign
from ...screening.auditing.planning import BudgetAnswer, unstratified_dockings, what_a_budget_buys
from ..campaign.filters import leaves_out
from ..progress.left_out import read_left_out
from .population import Counts, Rows, count_unpicked
from .snapshot import Floats, Snapshot, read_scores

BINS = 24
"""Fine bins of predicted rank that strata are made of."""


@dataclass(frozen=True)
class Goal:
    """What is asked of an audit.

    Attributes
    ----------
    budget : int
        Dockings.
    recall : float
        Share of the best that one wants to vouch for; it steers the words, not the draw.
    best : float
        The best being this share of the library; of no account where ``score`` is given.
    score : float or None
        The best being all molecules at or beyond it.
    confidence : float
    seed : int
    """

    budget: int
    recall: float
    best: float
    score: float | None
    confidence: float
    seed: int

    def __post_init__(self) -> None:
        if self.budget < 1:
            raise InputError(
                f"An audit spends dockings, and --budget is {self.budget}.", "Give it 1 at least."
            )
        for name in ("recall", "confidence"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"--{name} must be between 0 and 1, not {getattr(self, name)}.")
        if not 0 < self.best <= 1:
            raise InputError(f"--best is a share of the library, above 0 and at most 1, not {self.best}.")
        if self.score is not None and not np.isfinite(self.score):
            raise InputError(f"--score must be a number, not {self.score}.")


@dataclass(frozen=True)
class AuditPlan:
    """A plan.

    Attributes
    ----------
    goal : Goal
    best_molecules : int
    threshold : float
        The score asked for; or about the one that bounds the best, as the models see it (for planning only).
    found : int
        Picked molecules at or beyond it.
    picked, library : int
        Molecules docked in rounds, and in all.
    known : array of int64
        Rows docked in rounds or by earlier audits, ascending.
    audited : int
        Of these, molecules that only earlier audits docked.
    last_keys : tuple of int
        Last key of each stratum.
    buys : BudgetAnswer
    modelled : float
        Recall if the models are right.
    random_dockings : int
        What a simple random audit, stratified or not, needs at least to vouch for the wanted recall.
    needed : AuditDesign or None
        The cheapest design that would vouch for the wanted recall if the models are right.
    """

    goal: Goal
    best_molecules: int
    threshold: float
    found: int
    picked: int
    library: int
    known: Rows
    audited: int
    last_keys: tuple[int, ...]
    buys: BudgetAnswer
    modelled: float
    random_dockings: int
    needed: AuditDesign | None

    @property
    def design(self) -> AuditDesign:
        """Sizes of the strata and their dockings."""
        return self.buys.design

    def to_json(self, snapshot: Snapshot) -> dict[str, Any]:
        """Return plain values: what is written before the first docking."""
        edges = self.edges(snapshot.lower)
        shares = [n / size for n, size in zip(self.design.drawn, self.design.sizes, strict=True)]
        return {
            **asdict(self.goal),
            "target": snapshot.target,
            "unit": snapshot.spec["unit"],
            "round": snapshot.round,
            "best_molecules": self.best_molecules,
            "library": self.library,
            "picked": self.picked,
            "audited_before": self.audited,
            "strata": [
                {
                    "size": size,
                    "drawn": drawn,
                    "probability": share,
                    "expected": guess,
                    "last_key": key,
                    "to": to,
                }
                for size, drawn, share, guess, key, to in zip(
                    self.design.sizes,
                    self.design.drawn,
                    shares,
                    self.design.expected,
                    self.last_keys,
                    edges,
                    strict=True,
                )
            ],
            "plan": {
                "threshold": self.threshold,
                "found": self.found,
                "modelled_recall": self.modelled,
                "expected_bound": self.buys.expected,
                "bound_80": [self.buys.low, self.buys.high],
                "if_seen": [asdict(line) for line in self.buys.lines],
                "random_dockings": self.random_dockings,
                "needed": None if self.needed is None else self.needed.dockings,
                "core_seconds": self.design.dockings * snapshot.docking_seconds,
            },
        }

    def edges(self, lower: bool) -> list[float | None]:
        """Return the worst prediction of each stratum; None where it holds molecules without one."""
        values = key_scores(list(self.last_keys), lower)
        return [
            None if key == MISSING_KEY else float(value)
            for key, value in zip(self.last_keys, values, strict=True)
        ]


def make_plan(snapshot: Snapshot, goal: Goal) -> AuditPlan:
    """Say what ``goal`` draws and buys; nothing is written.

    Raises
    ------
    CampaignError, InputError
        If everything is docked, or the budget is larger than what is left.
    """
    root, lower = snapshot.campaign.root, snapshot.lower
    sign = 1.0 if lower else -1.0
    picked = read_scores(root, snapshot.picked)
    earlier = read_scores(root, snapshot.audited)
    mine = picked["row"].to_numpy()
    only = ~np.isin(earlier["row"].to_numpy(), mine)
    known = np.union1d(mine, earlier["row"].to_numpy()[only])
    chosen = leaves_out(snapshot.campaign)
    counts = count_unpicked(snapshot.predictions, f"mean:{snapshot.target}", known, lower, chosen)
    left, library = int(counts.sum()), int(snapshot.campaign.state["library"]["rows"])
    if chosen:  # what the campaign leaves out from the start is not there to be missed
        library = read_left_out(snapshot.campaign.ledger).may_dock[snapshot.target]
    if not left:
        raise CampaignError(
            f"All {plural(library, 'molecule')} of the library are docked for {snapshot.target!r}.",
            "Nothing was missed, and nothing is left to audit.",
        )
    if goal.budget > left:
        raise InputError(
            f"--budget is {goal.budget:,}, but only {plural(left, 'molecule')} {agree(left, 'is', 'are')} not docked.",
            f"Give {left:,} at most: that docks everything.",
        )
    sizes, last_keys, centres = _bins(counts, lower)
    docked = sign * _known_scores(picked["score"])
    audited = sign * _known_scores(earlier["score"])[only]
    failing = float(np.isnan(docked).mean())
    docked, audited = docked[np.isfinite(docked)], audited[np.isfinite(audited)]
    best = max(1, round(goal.best * library))

    def guess(limit: float) -> Floats:
        chance = ndtr((limit - centres) / snapshot.error)
        seen = np.isfinite(centres)
        chance[~seen] = (chance[seen] * sizes[seen]).sum() / max(sizes[seen].sum(), 1)
        return np.asarray(chance * sizes)

    limit = sign * goal.score if goal.score is not None else _limit(docked, audited, guess, best)
    found, expected = int((docked <= limit).sum()), guess(limit)
    missed_before = int((audited <= limit).sum())
    missed = float(expected.sum()) + missed_before
    design = choose_strata(sizes, expected, goal.budget, goal.confidence)
    # as many misses may be left as where so many were found beyond a score
    enough = found if goal.score is not None else min(found, int(goal.recall * best))
    ends = np.searchsorted(np.cumsum(sizes), np.cumsum(design.sizes))
    return AuditPlan(
        goal=goal,
        best_molecules=best,
        threshold=sign * limit,
        found=found,
        picked=picked.num_rows,
        library=library,
        known=known,
        audited=int(only.sum()),
        last_keys=tuple(int(last_keys[end]) for end in ends),
        buys=_buys(design, goal, found, missed_before, best, failing),
        modelled=found / (found + missed) if found + missed else float("nan"),
        random_dockings=unstratified_dockings(
            goal.recall,
            min(1.0, best / library) if goal.score is None else max(found, 1) / goal.recall / library,
            goal.confidence,
        ),
        needed=least_dockings(
            goal.recall, enough, sizes, expected + failing * (sizes - expected), goal.confidence
        ),
    )


def _buys(
    design: AuditDesign, goal: Goal, found: int, missed: int, best: int, failing: float
) -> BudgetAnswer:
    """Return what a design buys, where ``missed`` hits are known from earlier audits.

    The share ``failing`` of dockings will give no score, and counts as missed.

    Beyond a score the recall is found / (found + missed); of the best ``best`` of the library what can be claimed is
    min(found, best - missed) / best (:mod:`docksieve.screening.auditing.recall`).
    """
    base = found if goal.score is not None else best
    guess = tuple(
        hits + failing * (size - hits) for size, hits in zip(design.sizes, design.expected, strict=True)
    )
    answer = what_a_budget_buys(replace(design, expected=guess), base, seed=goal.seed)

    def turned(share: float) -> float:
        if not share:
            return 0.0
        upper = base / share - base + missed
        return (
            found / (found + upper) if goal.score is not None else max(0.0, min(found, best - upper)) / best
        )

    lines = tuple(
        replace(line, likely=turned(line.likely), worst=turned(line.worst)) for line in answer.lines
    )
    low, high = turned(answer.low), turned(answer.high)
    return replace(
        answer, design=design, found=found, lines=lines, expected=turned(answer.expected), low=low, high=high
    )


def _known_scores(column: Any) -> Floats:
    """Return scores, NaN where docking failed."""
    return np.asarray(column.to_numpy(), np.float64)


def _limit(docked: Floats, audited: Floats, guess: Any, best: int) -> float:
    """Return the score (lower is better) that about ``best`` molecules reach, as the models see it."""
    every = np.concatenate([docked, audited])
    low, high = float(every.min()) - 50.0 * (np.ptp(every) + 1.0), float(every.max()) + np.ptp(every)
    for _ in range(80):
        middle = (low + high) / 2
        reached = (every <= middle).sum() + guess(middle).sum()
        low, high = (low, middle) if reached >= best else (middle, high)
    return high


def _bins(counts: Counts, lower: bool) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return sizes, last keys and mean predictions of bins of predicted rank, finer towards the best."""
    keys = np.flatnonzero(counts)
    total = np.cumsum(counts[keys])
    ends = np.unique(np.searchsorted(total, np.geomspace(1, total[-1], BINS).astype(np.int64)))
    if keys[-1] == MISSING_KEY and len(keys) > 1:  # what has no prediction is a bin of its own
        ends = np.union1d(ends, [len(keys) - 2])
    starts = np.concatenate([[0], ends[:-1] + 1])
    sign = 1.0 if lower else -1.0
    values = sign * key_scores(keys.astype(np.uint16), lower).astype(np.float64)
    weights = counts[keys]
    sizes = np.add.reduceat(weights, starts)
    return sizes, keys[ends], np.add.reduceat(values * weights, starts) / sizes
