"""The answer for one target of a campaign: what the next dockings will bring, and whether they are worth it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...data.errors import InputError, unknown_name
from ...data.receipts import plain_json
from ...data.seeds import derive_seed
from ...data.words import plural
from ...screening.decisions.errors import errors_ahead
from ...screening.decisions.forecast import Decision, decide
from ...screening.decisions.learning import LearningCurve, fit_learning_curve
from ..calibration.history import common_scale
from ..campaign.campaign import Campaign, open_campaign
from ..progress.receipts import CampaignReceipts
from .criteria import Chosen, criteria_of
from .evidence import Evidence, read_evidence

MULTIPLES = (1, 2, 5, 10)
"""Of ``[rounds] dock``: the budgets that are answered for where none is named."""
CANNOT = "cannot say"


@dataclass(frozen=True)
class Answer:
    """What is said of one target.

    Attributes
    ----------
    target, unit : str
    origin : str
        When the criteria were set.
    decision : Decision
    evidence : Evidence
    learning : str
        What the learning curve says, and how little.
    notes : tuple of str
        What a reader must know.
    """

    target: str
    unit: str
    origin: str
    decision: Decision
    evidence: Evidence
    learning: str
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        known = self.evidence
        return plain_json(
            {
                "target": self.target,
                "unit": self.unit,
                "origin": self.origin,
                **asdict(self.decision),
                "round": known.round,
                "candidates": len(known.mean),
                "best": known.best,
                "docked": known.docked,
                "failed": known.failed,
                "seconds_each": known.seconds_each,
                "learning": self.learning,
                "notes": list(self.notes),
            }
        )


def decide_campaign(
    campaign: str | Path,
    target: str | None = None,
    budgets: Sequence[int] = (),
    *,
    threshold: float | None = None,
    improve: float | None = None,
) -> list[Answer]:
    """Say for each target what the next dockings will bring; nothing is written.

    Parameters
    ----------
    campaign : path
    target : str, optional
        One target; all that have criteria if not given.
    budgets : sequence of int, optional
        Numbers of dockings; by default 1, 2, 5 and 10 times ``[rounds] dock``.
    threshold, improve : float, optional
        Criteria given now, which win over ``[decide]``; in the unit of the target's scores.

    Returns
    -------
    list of Answer
        One for each target: ``decision.verdict`` is ``go``, ``stop``, ``ask for more`` or ``cannot say``, the last with
        the reason in ``decision.reason``; ``to_json()`` gives all figures.

    Raises
    ------
    InputError
        If the target does not exist, there are no criteria, or one threshold is given for several targets.

    Examples
    --------
    >>> (answer,) = docksieve.decide_campaign("campaign", "EGFR", [20], threshold=-7.0)
    >>> answer.target, answer.decision.verdict in ("go", "stop", "ask for more", "cannot say")
    ('EGFR', True)
    """
    opened = open_campaign(campaign)
    names = list(opened.targets)
    if target is not None and target not in names:
        raise unknown_name(f"The campaign has no target {target!r}.", target, names)
    if target is None and len(names) > 1 and (threshold is not None or improve is not None):
        raise InputError(
            "The campaign has several targets, whose scores are not alike.",
            f"Name one with --target: {', '.join(names)}.",
        )
    receipts = CampaignReceipts(opened)
    receipts.require_whole()
    chosen = {name: criteria_of(opened, name, threshold, improve) for name in ([target] if target else names)}
    answers = [answer(receipts, name, item, budgets) for name, item in chosen.items() if item is not None]
    if not answers:
        raise InputError(
            "There are no criteria: what would be a hit?",
            "Give --threshold SCORE, or better, write a section [decide] into the campaign file before it begins.",
        )
    return answers


def answer(receipts: CampaignReceipts, target: str, chosen: Chosen, budgets: Sequence[int] = ()) -> Answer:
    """Return the answer for one target."""
    campaign = receipts.campaign
    known = read_evidence(receipts, target)
    rounds = campaign.config.rounds
    usual = rounds.dock_in(rounds.count + 1)
    wanted = list(budgets) or [factor * usual for factor in MULTIPLES]
    decision = _decision(campaign, target, known, chosen, wanted)
    return Answer(
        target,
        str(campaign.targets[target]["unit"]),
        chosen.origin,
        decision,
        known,
        learning_words(known, str(campaign.targets[target]["unit"])),
        tuple(_notes(campaign, known, decision, wanted)),
    )


def _decision(
    campaign: Campaign, target: str, known: Evidence, chosen: Chosen, wanted: Sequence[int]
) -> Decision:
    def cannot(why: str) -> Decision:
        return Decision(CANNOT, why, None, (), chosen.criteria)

    if min(wanted) < 0:
        raise InputError(f"A number of dockings cannot be negative: {min(wanted)}.")
    if not known.round:
        return cannot("No shortlist has been rescored by a teacher that knows this target yet.")
    if not known.intervals.scales[known.round].known:
        return cannot(
            "The teacher learnt scores with the bad ones drawn together, and an earlier version did not record "
            "how; the next training does."
        )
    if not len(known.mean):
        return cannot("No molecule of the shortlist is left that is not docked.")
    if not np.isfinite(known.best):
        return cannot("No docking has given a score yet.")
    scale = known.intervals.scales[known.round]
    seed = derive_seed(campaign.seed, "decide", target, bits=31)
    return decide(
        known.mean,
        known.sd,
        known.batches,
        chosen.criteria,
        wanted,
        seconds_each=known.seconds_each,
        seed=seed,
        failed=min(known.failed / known.docked, 0.99),
        resolution=known.resolution,
        lower_is_better=bool(campaign.targets[target]["lower_is_better"]),
        scale=lambda score: float(scale.of_scores(np.array([score]))[0]),
        records=known.records,
        errors=errors_ahead(known.intervals.history, known.round, seed=seed),
    )


def _notes(campaign: Campaign, known: Evidence, decision: Decision, wanted: Sequence[int]) -> list[str]:
    notes = []
    left = sorted({value for value in wanted if value > len(known.mean)})
    if left and decision.outlooks:
        listed = ", ".join(f"{value:,}" for value in left)
        notes.append(
            f"{plural(len(known.mean), 'candidate')} left on the shortlist: nothing is said of {listed} dockings."
        )
    if decision.batches == 1:
        notes.append(
            "One earlier batch says little about how much batches differ: the forecast is wide for it."
        )
    rounds = campaign.config.rounds
    if decision.outlooks and (rounds.acquisition != "greedy" or rounds.epsilon or rounds.diversity != "none"):
        notes.append(
            "Candidates are taken best predicted first; [rounds] chooses otherwise, and may find fewer."
        )
    if decision.outlooks:
        notes.append(
            "Better best: by anything at all, as often as in retrospective campaigns where batches had come as near. "
            "By how much the best score improves is not stated: no forecast of it was better than the share of batches "
            "that did."
        )
        notes.append("No new round of learning is counted in; it would find more.")
    return notes


def learning_words(known: Evidence, unit: str) -> str:
    """Return what the errors of the rounds' teachers say about more scores, with an interval, or that they cannot."""
    if not known.sizes:
        return "Learning curve: no teacher has held-out molecules yet."
    points = ", ".join(
        f"{error:.2f} ± {1.645 * spread:.2f} from {size:,.0f}"
        for size, error, spread in zip(known.sizes, known.errors, known.standard_errors, strict=True)
    )
    drawn = common_scale(known.intervals.scales).curve is not None
    scale = ", bad scores drawn together as the teacher learns them" if drawn else ""
    said = f"Learning curve: RMSE ({unit}{scale}, held-out seed sample, 90 %) {points} scores."
    fit = _fit(known)
    if fit.status == "cannot say":
        return f"{said} Too few to extrapolate: {fit.reason}."
    if fit.status != "fits":
        return f"{said} No extrapolation: {fit.reason}."
    value, low, high = fit.at(2 * known.sizes[-1])
    floor = fit.floor_interval
    unknown = "" if np.isfinite(floor).all() else " Whether it has a floor, one campaign does not say."
    return (
        f"{said} With {2 * known.sizes[-1]:,.0f} scores a power law expects {value:.2f} (90 % interval "
        f"{max(low, 0.0):.2f} to {high:.2f}), if the rounds to come are like those so far.{unknown}"
    )


def _fit(known: Evidence) -> LearningCurve:
    return fit_learning_curve(known.sizes, known.errors, known.standard_errors)
