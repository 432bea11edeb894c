"""A campaign's report in plain sentences, for the top of the page and for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...data.words import plural
from ..hits.floors import SEED_SHARE
from ..text import core_time, duration, interval, percent, times_word
from .facts import Facts
from .picked import picked_words
from .quality import (
    Enrichment,
    HonestTest,
    Retrospect,
    drawn_in,
    estimate_of,
    metrics_of,
    model_reports,
)
from .timing import Times
from .trust import trust_words


@dataclass(frozen=True)
class Findings:
    """What was measured for one target; None where there is not enough to measure."""

    honest: HonestTest | None
    enrichment: Enrichment | None
    retrospect: Retrospect | None


def docking_counts(facts: Facts, target: str) -> tuple[int, int, int]:
    """Return dockings tried in all rounds, those with a score, and final dockings tried."""
    groups = [facts.docked(group, target) for group in facts.groups()]
    tried, scored = sum(item.tried for item in groups), sum(len(item.scores) for item in groups)
    return tried, scored, facts.docked("final", target).tried


def fewer(facts: Facts, target: str) -> float | None:
    """Return how many times fewer dockings than molecules; the final dockings count too. None before any."""
    tried, _, final = docking_counts(facts, target)
    return facts.rows / (tried + final) if tried + final else None


def overview(facts: Facts, times: Times | None) -> Iterator[str]:
    """Yield what was screened and how long it took."""
    names = facts.campaign.targets
    space = facts.fast_model == "factor model"
    size = (
        f"Space of {plural(facts.rows, 'product')}"
        if space
        else f"Library of {plural(facts.rows, 'molecule')}"
    )
    yield f"{size} against {plural(len(names), 'target')} ({', '.join(names)})."
    screens = [stage for stage in facts.receipts if stage.endswith("/screen") and facts.finished(stage)]
    scored = sum(r.counts["molecules"] for stage in screens for r in facts.finished(stage))
    if screens:
        passes = plural(len(screens), "pass", "passes")
        yield (
            f"The {facts.fast_model} scored {plural(scored, 'product' if space else 'molecule')} in {passes} over the "
            f"{'space' if space else 'library'}."
        )
    else:
        yield "The library has not been screened yet."
    if times is not None:
        pauses = times.elapsed - times.busy
        idle = (
            f" (pauses of {duration(pauses)} in all not counted)" if pauses > 0.05 * times.elapsed + 1 else ""
        )
        workers = plural(times.workers, "worker process", "worker processes")
        yield f"Tasks ran for {duration(times.busy)}{idle} on {workers}."
        yield _docking_time(facts, times)


def _docking_time(facts: Facts, times: Times) -> str:
    hours = core_time(times.docking_seconds)
    if all(spec["engine"] == "table" for spec in facts.campaign.targets.values()):
        return f"Nothing was docked: scores were looked up in a table, which took {hours}."
    return f"Docking took {hours}, preparation of the ligands included."


def about_target(facts: Facts, target: str, findings: Findings) -> Iterator[str]:
    """Yield what was docked for a target, what was found, and how sure that is."""
    tried, scored, final = docking_counts(facts, target)
    ratio = fewer(facts, target)
    if ratio is None:
        yield f"{target}: nothing is docked yet."
        return
    failed = tried - scored
    again = f", and {plural(final, 'final docking')}" if final else ""
    again += "" if facts.status.state == "complete" else ", so far"
    yield (
        f"{target}: {plural(tried, 'docking')} of screened molecules ({scored:,} with a score, {failed:,} "
        f"failed){again}: {times_word(ratio)} fewer than the {facts.rows:,} of the library."
    )
    yield from _best(facts, target)
    if findings.enrichment is not None:
        yield _enriched(facts, target, findings.enrichment)
    yield _missed(findings.retrospect)
    yield from _models(facts, target)
    yield from trust_words(facts, target)
    if findings.honest is not None:
        yield _tested(findings.honest, facts.campaign.targets[target]["unit"], drawn_in(facts, target))
    yield from picked_words(facts, target)


def _best(facts: Facts, target: str) -> Iterator[str]:
    spec, table = facts.campaign.targets[target], facts.hits[target]
    if not table.num_rows:
        return
    row = table.slice(0, 1).to_pylist()[0]
    shown = [
        f"{name} {row[key]:.2f}"
        for name, key in (("final", "final_score"), ("docked", "docked_score"))
        if row[key] is not None
    ]
    if shown:
        yield f"Best molecule: {row['id']}, {' and '.join(shown)} {spec['unit']}."
    if spec["engine"] == "vina":
        yield (
            "A docked score is itself uncertain: repeated runs of one molecule differ by some tenths of a kcal/mol, "
            "and the best of many noisy scores flatter themselves; near neighbours in the ranking are a toss-up."
        )


def _enriched(facts: Facts, target: str, found: Enrichment) -> str:
    method = facts.campaign.config.start.method
    sample = (
        "the random seed sample"
        if method == "random"
        else f"the seed sample (chosen {method}, not at random)"
    )
    good, seed = (f"{part[0]:,} of {part[1]:,}" for part in (found.acquired, found.seed))
    words = (
        f"Of the molecules picked by prediction, {interval(found.acquired_share, percent=True)} score as well as the "
        f"best {100 * SEED_SHARE:.0f} % of {sample} ({found.threshold:.2f} or better; {good} picks against {seed}): "
        f"{interval(found.ratio, digits=1)} times as often."
    )
    failed = found.acquired[1] - found.acquired_scored, found.seed[1] - found.seed_scored
    if not any(failed):
        return f"{words} None of these dockings failed."
    return (
        f"{words} These figures count every pick; {failed[0]:,} of the picks and {failed[1]:,} of the seed sample "
        f"failed to dock. Per score: {interval(found.acquired_share_per_score, percent=True)} of "
        f"{found.acquired_scored:,}, {interval(found.ratio_per_score, digits=1)} times as often."
    )


def _missed(found: Retrospect | None) -> str:
    if found is None:
        return "How many of the library's best molecules were missed is not known: that would take docking them all."
    return (
        f"The table knows every score, so what was missed is known too: {percent(found.by_score)} of the best "
        f"{found.best:,} scores were found by {plural(found.docked, 'docking')}, failed ones counted: "
        f"{percent(found.docked / found.scored)} of the {found.scored:,} scored molecules ({found.found:,} of the "
        f"{plural(found.strictly_better, 'molecule')} strictly better than the last of them)."
    )


def _models(facts: Facts, target: str) -> Iterator[str]:
    for step, name, against in (
        ("train", "teacher", "docking, cross-validated"),
        ("distil", facts.fast_model, "its teacher, on molecules held out"),
    ):
        reports = model_reports(facts, step)
        found = estimate_of(metrics_of(reports[-1][1], target).get("spearman")) if reports else None
        if found is not None:
            yield f"The {name} of round {reports[-1][0]} ranks molecules like {against}: Spearman {interval(found)}."


def _tested(found: HonestTest, unit: str, drawn: bool) -> str:
    scale = ", bad scores drawn together as the teacher learns them" if drawn else ""
    return (
        f"Predictions made before docking, on the {plural(found.molecules, 'acquired molecule')} with a score: error "
        f"(RMSE) {interval(found.rmse)} {unit}{scale}, docked minus predicted {interval(found.bias)} on average, "
        f"Spearman {interval(found.spearman)} (low by nature: all of them were predicted to be good); "
        f"{100 * found.within_one:.0f} % lie within one spread (the prediction's "
        f"standard deviation; 68 % expected), {100 * found.within_two:.0f} % within two (95 %)."
    )


def missing(facts: Facts) -> list[str]:
    """Return what a campaign that is not complete has yet to do, and which of its tasks failed."""
    if facts.status.state == "complete":
        return []
    lines = [f"damaged: {line}" for line in facts.status.damage]
    lines += [
        f"{stage.stage}: {stage.done:,} of {plural(stage.total, 'task')} done"
        + (f", {stage.running:,} running" if stage.running else "")
        + (f", {stage.failed:,} failed" if stage.failed else "")
        for stage in facts.status.stages
        if stage.done < stage.total
    ]
    if facts.status.waiting:
        waiting = facts.status.waiting
        shown = ", ".join(waiting[:6]) + (f" and {len(waiting) - 6} more" if len(waiting) > 6 else "")
        lines.append(f"not begun: {shown}")
    return lines


def failed_tasks(facts: Facts) -> list[str]:
    """Return the message of each failed task, at most ten, and how many more there are."""
    failed = [r for found in facts.receipts.values() for r in found if r.failure is not None]
    lines = [f"{r.task}: {r.failure.message}" for r in failed[:10] if r.failure is not None]
    return lines + ([f"and {len(failed) - 10:,} more"] if len(failed) > 10 else [])


def totals(facts: Facts) -> Mapping[str, int]:
    """Return dockings over all targets: ``tried``, ``scored``, ``final``."""
    found = [docking_counts(facts, target) for target in facts.campaign.targets]
    return {name: sum(item[at] for item in found) for at, name in enumerate(("tried", "scored", "final"))}
