"""The part of a report that says how far the predictions can be trusted: cuts, recall, calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...data.seeds import derive_seed
from ...data.words import agree, plural
from ..campaign.ledger import round_name
from ..html.page import details, figure, paragraph, table, tag
from ..source_words import source_words
from ..tasks.held_out import docked_scores
from ..text import cut_words, is_promised, reasons_of
from .charts import trust as charts
from .facts import Facts
from .quality import model_reports

Enriched = charts.Enriched


def trust_words(facts: Facts, target: str) -> Iterator[str]:
    """Yield what the last round kept and why, and where no model knew the target."""
    for number in range(1, facts.rounds + 1):
        reason = facts.untaught(round_name(number)).get(target)
        if reason:
            yield (
                f"There was no model of {target} in round {number} ({reason}): its molecules were drawn at random."
            )
    yield from _source_words(facts, target)
    last = _last_cut(facts, target)
    if last is None:
        return
    number, found = last
    for line in cut_words(target, found):
        said = line.removeprefix(f"{target}: ")
        yield f"Round {number}: {said}"
    novel = sum(r.counts.get("novel", 0) for r in facts.finished(f"{round_name(number)}/refine"))
    seen = sum(r.counts["molecules"] for r in facts.finished(f"{round_name(number)}/refine"))
    if novel:
        yield (
            f"Of the {plural(seen, 'molecule')} that the teacher of round {number} scored, {novel:,} "
            f"{agree(novel, 'is', 'are')} unlike everything that it has learnt from (column novel of the hits): its "
            f"figures for {agree(novel, 'this one', 'these')} are less reliable."
        )


def _source_words(facts: Facts, target: str) -> Iterator[str]:
    """Yield which earlier teachers the last one learned from, and which it was better off without."""
    last = _last_teacher(facts, target)
    if last is None or not last[1].get("sources"):
        return
    _, report = last
    for words in source_words(report, target):
        yield f"{words[0].upper()}{words[1:]}."


def _last_teacher(facts: Facts, target: str) -> tuple[int, Mapping[str, Any]] | None:
    """Return round and report of the last teacher that knew the target."""
    reports = [(n, r) for n, r in model_reports(facts, "train") if target in r.get("targets", {})]
    return reports[-1] if reports else None


def _last_cut(facts: Facts, target: str) -> tuple[int, dict[str, object]] | None:
    for number in range(facts.rounds, 0, -1):
        found = facts.cut(round_name(number), target)
        if found is not None:
            return number, dict(found)
    return None


def target_enriched(facts: Facts, target: str) -> tuple[int, Enriched] | None:
    """Return round and enrichment of the last teacher on dockings of the seed sample it had not seen."""
    for number in range(facts.rounds, 0, -1):
        held_out = facts.held_out(round_name(number), target)
        if held_out is None:
            continue
        found = charts.enriched(
            docked_scores(held_out, facts.scale(round_name(number), target).curve),
            held_out["mean"].to_numpy(),
            bool(facts.campaign.targets[target]["lower_is_better"]),
            derive_seed(facts.campaign.seed, "report", "enrichment", target) % 2**31,
        )  # ranks alone, so that the two may differ in scale
        return None if found is None else (number, found)
    return None


def trust_charts(facts: Facts, target: str) -> list[str]:
    """Return recall curves, enrichment surface and calibration of the last teacher, as far as there are any."""
    drawn = []
    method = facts.campaign.config.start.method
    chance = (
        "" if method == "random" else f" The seed sample was chosen {method}: it is not the library in small."
    )
    found = target_enriched(facts, target)
    if found is not None:
        number, enrichment = found
        note = (
            f"Teacher of round {number}, on the {enrichment.molecules:,} scored molecules of the seed sample, each "
            "predicted by a model that had not seen it. The earlier a curve reaches 1, the less of the library must be "
            f"kept to have all of the best. Bands: 95 %, by bootstrap.{chance}"
        )
        last = _last_cut(facts, target)
        teacher = last[1].get("teacher") if last else None
        cut = float(teacher["fraction"]) if isinstance(teacher, dict) else None
        drawn.append(figure(charts.recall_chart(enrichment, cut), "Recall of the best", note))
        integral = enrichment.integral
        note = (
            f"Share of the true best that is among the best by prediction (of the smaller of the two). Volume "
            f"{integral.value:.2f} ({integral.low:.2f} to {integral.high:.2f}); 1 is perfect. Ties are settled by the "
            "order of the rows."
        )
        drawn.append(figure(charts.surface_chart(enrichment), "Regression enrichment surface", note))
    teacher_report = _last_teacher(facts, target)
    if teacher_report is not None:
        number, report = teacher_report
        coverage = report.get("calibration", {}).get("coverage", {}).get(target)
        if coverage:
            scores = int(report["targets"][target]["scores"])
            note = (
                f"Teacher of round {number}, cross-validated on {scores:,} scores. On the dashed line the spread "
                "promises what it keeps; above it is too wide, below too narrow. For molecules like the docked ones."
            )
            svg = charts.calibration_chart(coverage, scores)
            drawn.append(figure(svg, "Calibration of the spread", note))
    return drawn


def trust_details(facts: Facts, target: str) -> list[str]:
    """Return the cuts of every round as a table, folded away."""
    rows = []
    for number in range(1, facts.rounds + 1):
        found = facts.cut(round_name(number), target)
        if found is None or found["student"] is None:
            continue
        for stage, what in (("student", "sent to the teacher"), ("teacher", "docked, for all of the goal")):
            cut = found[stage]
            goal = cut["goal"]
            rows.append(
                (
                    f"{number}, {what}",
                    f"{100 * goal['recall']:.3g} % of the best {_percent(cut['best'])}",
                    f"{100 * goal['confidence']:.3g} %" if is_promised(cut) else "cannot be promised",
                    f"{100 * cut['estimate']:.3g} %",
                    f"{100 * cut['low']:.3g} to {100 * cut['fraction']:.3g} %",
                    str(cut["method"]) if is_promised(cut) else f"{cut['method']}: {reasons_of(cut)}",
                    f"{cut['held_out']:,}",
                )
            )
    if not rows:
        return []
    head = (
        "round",
        "to hold",
        "confidence",
        "estimate",
        "bounds",
        "method, or why not",
        "molecules held out",
    )
    words = (
        "Order statistics assume nothing. The depth model follows how deep in the predictions the best docked lie; its "
        "confidence is printed only where it was found to be kept. Where nothing can be promised, the bounds are an "
        "estimate. docs/trust.md says more."
    )
    body = (paragraph(words, "soft"), table("Share of the library to keep", head, rows))
    return [details("How much must be kept", *body)]


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %"


def chart_grid(drawn: list[str]) -> list[str]:
    """Return charts side by side."""
    return [tag("div", "".join(drawn), "charts")] if drawn else []
