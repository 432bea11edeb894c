"""The sections of a report about its targets: best molecules, funnel and charts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...data.score_keys import MISSING_KEY, key_scores
from ...data.spaces.space import Space
from ...data.words import plural
from ..campaign.ledger import round_name
from ..html.page import details, figure, paragraph, section, table, tag
from ..html.svg import escape
from ..progress.failing import failing_rounds
from ..progress.stalled import stalled_lines
from ..text import interval, percent
from .best.poses import POSES, POSES_OF_MANY, poses_part
from .best.scaffolds import scaffolds_part
from .cards import molecules
from .charts import scores as charts
from .charts.learning import found_so_far
from .facts import Facts
from .funnel import Passage
from .picked import picked_charts, picked_details
from .quality import acquired_with_scores, drawn_in, estimate_of, metrics_of, model_reports, quality_series
from .summary import Findings, docking_counts
from .trust import chart_grid, trust_charts, trust_details


def target_section(
    facts: Facts, target: str, anchor: str, said: str, passages: Sequence[Passage], findings: Findings
) -> str:
    """Return all about one target; ``said`` is HTML to stand at its beginning."""
    spec = facts.campaign.targets[target]
    better = "lower is better" if spec["lower_is_better"] else "higher is better"
    trusted = [*trust_charts(facts, target), *picked_charts(facts, target)]
    return section(
        anchor,
        f"Target {target}",
        paragraph(
            f"Engine {spec['engine']} {spec['engine_version']}; scores in {spec['unit']}, {better}.", "soft"
        ),
        said,
        tag("h3", "Best molecules", id=f"{anchor}-best"),
        *molecules(facts, target),
        *_headed(f"{anchor}-poses", "Poses of the best", _poses(facts, target)),
        *_headed(f"{anchor}-scaffolds", "Scaffolds of the best", _scaffolds(facts, target)),
        tag("h3", "Scores and predictions", id=f"{anchor}-scores"),
        *target_charts(facts, target),
        *_headed(f"{anchor}-trust", "How far the predictions can be trusted", chart_grid(trusted)),
        *trust_details(facts, target),
        *picked_details(facts, target),
        _retrospect(findings),
        *_model_quality(facts, target),
        tag("h3", "From the library to the hits", id=f"{anchor}-funnel"),
        paragraph("Every loss is named, and each sum is checked. Bars are on a logarithmic scale.", "soft"),
        *(paragraph(f"{line}.", "soft") for line in _failing(facts, target)),
        *(paragraph(f"{line}.", "soft") for line in stalled_lines(facts.campaign.ledger, target)),
        *(paragraph(line, "soft") for line in facts.status.mixed),
        _flow(facts, target),
        funnel(passages),
    )


def _headed(anchor: str, title: str, parts: list[str]) -> list[str]:
    """Return parts under a heading; nothing where there are none."""
    return [tag("h3", escape(title), id=anchor), *parts] if parts else []


def _poses(facts: Facts, target: str) -> list[str]:
    most = POSES if len(facts.campaign.targets) <= 3 else POSES_OF_MANY
    spec, rows = facts.campaign.targets[target], facts.hits[target].to_pylist()
    return poses_part(facts.root, target, spec, rows, most)


def _scaffolds(facts: Facts, target: str) -> list[str]:
    spec = facts.campaign.targets[target]
    return scaffolds_part(facts.docked_hits[target].to_pylist(), spec["unit"], bool(spec["lower_is_better"]))


def _failing(facts: Facts, target: str) -> list[str]:
    """Return what rounds learnt of dockings of a target that fail, a sentence each."""
    return [
        each.words for each in failing_rounds(facts.campaign.ledger) if each.target == target and each.words
    ]


def funnel(passages: Sequence[Passage]) -> str:
    """Return passages as small tables; one that does not add up is red and says so."""
    greatest = max((item.before[1] for item in passages), default=1)
    return tag("div", "".join(_passage(item, greatest) for item in passages), "passages")


def _passage(item: Passage, greatest: int) -> str:
    def row(label: str, count: str, class_: str, note: str = "", bar: str = "") -> str:
        head = escape(label) + (tag("small", escape(note)) if note else "") + bar
        return tag("tr", tag("th", head, scope="row") + tag("td", escape(count), "number"), class_)

    def bar(count: int) -> str:
        share = math.log10(1 + count) / math.log10(1 + max(greatest, 1))
        return tag("div", "", "bar", style=f"width: {100 * share:.1f}%", aria_hidden="true")

    lines = [row(item.before[0], f"{item.before[1]:,}", "total", bar=bar(item.before[1]))]
    lines += [
        row(change.label, f"{'−' if change.count < 0 else '+'} {abs(change.count):,}", "change", change.note)
        for change in item.changes
    ]
    lines.append(row(item.after[0], f"{item.after[1]:,}", "total ends", bar=bar(item.after[1])))
    if item.problem:
        lines.append(tag("tr", tag("td", "These numbers do not add up.", colspan=2), "ends"))
    caption = tag("caption", escape(item.title))
    return tag("table", caption + tag("tbody", "".join(lines)), "off" if item.problem else "")


def _flow(facts: Facts, target: str) -> str:
    """Return the funnel in a line: input, library, shortlist, dockings, hits."""
    tried, scored, final = docking_counts(facts, target)
    space = isinstance(facts.library, Space)
    lines = 0 if facts.library is None or space else int(facts.library.manifest["counts"]["lines"])
    steps = [("input lines", lines)] if lines else []
    steps.append(("products of the space" if space else "molecules in the library", facts.rows))
    ranked = [r for n in range(1, facts.rounds + 1) for r in facts.finished(f"{round_name(n)}/rank")]
    if ranked and target in ranked[-1].facts["cuts"]:
        steps.append(
            (f"on the shortlist of round {len(ranked)}", int(ranked[-1].facts["cuts"][target]["kept"]))
        )
    steps += [("docked in all rounds", tried), ("with a score", scored)]
    if final:
        steps.append(("docked again", final))
    items = "".join(tag("li", tag("b", f"{count:,}") + tag("span", escape(label))) for label, count in steps)
    return tag("ol", items, "flow")


def target_charts(facts: Facts, target: str) -> list[str]:
    """Return the charts of a target, each as far as there is something to draw."""
    spec = facts.campaign.targets[target]
    unit, lower = spec["unit"], bool(spec["lower_is_better"])
    drawn = []
    groups = {
        ("seed sample" if number == 0 else f"round {number}"): facts.docked(round_name(number), target).scores
        for number in range(facts.rounds + 1)
    }
    if any(len(values) for values in groups.values()):
        svg = charts.distributions(groups, f"docked score ({unit})", lower)
        side = "left" if lower else "right"
        note = (
            "Each heap shows how many molecules have which score; the line in it is the median. Where the models "
            f"choose well, later rounds lie farther to the {side} than the seed sample."
        )
        drawn.append(figure(svg, "Docked scores by round", note))
    acquired = acquired_with_scores(facts, target)
    if acquired.num_rows:
        mean, spread, score = (
            np.asarray(acquired[name].to_numpy(), dtype=float) for name in ("predicted", "spread", "learnt")
        )
        rounds = np.asarray(acquired["round"].to_numpy(), dtype=np.int64)
        svg = charts.predicted_against_docked(mean, spread, score, rounds, acquired["id"].to_pylist(), unit)
        worse = "above" if lower else "below"
        note = (
            "Acquired molecules only; each prediction was made before docking. On the dashed line it was exact; what "
            f"lies {worse} docked worse than predicted."
        )
        if drawn_in(facts, target):
            note += (
                " On both axes scores worse than the middle are drawn together, as the teacher learns them; good ones "
                "are docking scores."
            )
        drawn.append(figure(svg, "Predicted against docked", note))
    drawn += search_charts(facts, target)
    series = quality_series(facts, target)
    if series:
        svg = charts.quality_by_round(series, "Spearman rank correlation", learnt_from(facts, target))
        note = (
            "1 is the perfect order, 0 is chance; with 95 % intervals. The teacher is cross-validated on docked "
            f"scores; the {facts.fast_model} is compared with its teacher on labels kept apart. Later rounds add "
            "molecules that were all predicted to be good, which are harder to tell apart."
        )
        drawn.append(figure(svg, "Rank correlation of the models", note))
    drawn += _library_chart(facts, target, unit)
    if not drawn:
        return [paragraph("Nothing is docked yet.", "soft")]
    return [tag("div", "".join(drawn), "charts")]


def _library_chart(facts: Facts, target: str, unit: str) -> list[str]:
    for number in range(facts.rounds, 0, -1):
        group = round_name(number)
        histogram = None if target in facts.untaught(group) else facts.histogram(group, target)
        if histogram is not None:
            break
    else:
        return []
    keys = np.flatnonzero(histogram[:MISSING_KEY])
    if not len(keys):
        return []
    lower = bool(facts.campaign.targets[target]["lower_is_better"])
    scores = np.asarray(key_scores(keys.astype(np.uint16), lower), dtype=float)
    ranked = facts.finished(f"{group}/rank")
    cut = ranked[0].facts["cuts"][target]["cut"] if ranked else None
    svg = charts.library_histogram(scores, histogram[keys], cut, f"predicted score ({unit})")
    so_far = "" if facts.complete(f"{group}/screen") else " so far"
    count = int(histogram[keys].sum())
    note = f"By the {facts.fast_model} of round {number}, {plural(count, 'molecule')}{so_far}; counts are logarithmic."
    if cut is not None:
        note += f" What lies {'left' if lower else 'right'} of the line went to the teacher."
    return [figure(svg, "Predicted scores of the library", note)]


def _retrospect(findings: Findings) -> str:
    found = findings.retrospect
    if found is None:
        return ""
    rows = [
        (
            "best 1 % by score found",
            f"{percent(found.by_score)}",
            f"best {plural(found.best, 'score')}; of ties any will do",
        ),
        (
            "strictly better molecules found",
            f"{percent(found.found / max(found.strictly_better, 1))}",
            f"{found.found:,} of {found.strictly_better:,}",
        ),
        (
            "docked",
            f"{percent(found.docked / found.scored)}",
            f"{found.docked:,} of {found.scored:,}: what chance would find",
        ),
    ]
    return table("What was missed (the table knows every score)", ("", "share", "counted"), rows, left=9)


def _model_quality(facts: Facts, target: str) -> list[str]:
    """Return the metrics of every model as a table."""
    rows = []
    names: list[str] = []
    found: list[tuple[str, dict[str, str]]] = []
    for step, what in (("train", "teacher"), ("distil", facts.fast_model)):
        for number, report in model_reports(facts, step):
            metrics = metrics_of(report, target)
            values = {k: interval_short(v) for k, v in metrics.items() if estimate_of(v) is not None}
            names += [name for name in values if name not in names]
            found.append((f"{what}, round {number}", values))
    for label, values in sorted(
        found, key=lambda item: (item[0].rpartition(" ")[2].zfill(4), item[0][0] != "t")
    ):
        rows.append([label, *(values.get(name, "–") for name in names)])
    if not rows:
        return []
    head = ["model", *(name.replace("_", " ") for name in names)]
    words = (
        f"Teachers are judged by cross-validation on docked scores, {facts.fast_model}s by how well they repeat their "
        "teacher."
    )
    return [details("Figures of every model", paragraph(words, "soft"), table("Models", head, rows))]


def interval_short(value: object) -> str:
    """Return a metric as ``0.75 (0.70 to 0.79)``."""
    found = estimate_of(value)
    if found is None:
        return "–"
    if float(found.value).is_integer() and found.low != found.low and abs(found.value) >= 2:
        return f"{found.value:,.0f}"
    return interval(found).replace("95 % interval ", "")


def search_charts(facts: Facts, target: str) -> list[str]:
    """Return what docking found, as far as there is something to draw."""
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
        note = (
            "Dashed lines end a round; within one, dockings stand in the order of its batches. Where the curves are "
            "still getting better at the end, more rounds are likely to find more."
        )
        drawn.append(figure(svg, "What docking found", note))
    return drawn


def learnt_from(facts: Facts, target: str) -> dict[int, int]:
    """Return the docked scores that the teacher of each round had learnt from."""
    scores = {
        number: metrics_of(report, target).get("scores") for number, report in model_reports(facts, "train")
    }
    return {number: int(count) for number, count in scores.items() if count}
