"""Charts of a report about how a target's search went: what scores taught, and what docking found."""

from __future__ import annotations

from ..campaign.ledger import round_name
from ..html.page import figure
from .charts.learning import Learnt, found_so_far, learning_curve
from .facts import Facts
from .quality import estimate_of, metrics_of, model_reports


def search_charts(facts: Facts, target: str) -> list[str]:
    """Return what docking found and the learning curve of a target, as far as there is something to draw."""
    spec = facts.campaign.targets[target]
    drawn = []
    groups = {
        ("the seed sample" if number == 0 else f"round {number}"): facts.docked(
            round_name(number), target
        ).scores
        for number in range(facts.rounds + 1)
    }
    if sum(map(len, groups.values())) > 1:
        svg = found_so_far(groups, bool(spec["lower_is_better"]), spec["unit"])
        note = "Dashed lines end a round. Within a round, dockings stand in the order of its batches."
        drawn.append(figure(svg, "What docking found", note))
    learnt = learnt_from(facts, target)
    if learnt:
        note = (
            "The teacher's rank correlation with docking, cross-validated, with 95 % intervals. Later rounds add "
            "molecules that were all predicted to be good, which are harder to tell apart."
        )
        drawn.append(figure(learning_curve(learnt, "Spearman"), "Learning curve", note))
    return drawn


def learnt_from(facts: Facts, target: str) -> list[Learnt]:
    """Return the teacher's rank correlation and the scores it learnt from, round by round."""
    found = []
    for number, report in model_reports(facts, "train"):
        metrics = metrics_of(report, target)
        value = estimate_of(metrics.get("spearman"))
        scores = metrics.get("scores")
        if value is not None and scores:
            found.append(Learnt(int(scores), number, value.value, value.low, value.high))
    return found
