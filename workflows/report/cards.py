"""The best molecules of a target as cards: a drawing, scores that are never mixed, properties."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...screening.chemistry.depict import depict
from ..html.page import details, paragraph, tag
from ..html.svg import escape
from .facts import Facts
from .quality import acquired_with_scores

Made = Mapping[int, tuple[float, float, int]]
"""By library row: mean and spread predicted before docking, and the round."""

UNITS = {"weight": "Da", "tpsa": "Å²"}
"""Of the properties that have one."""

PROPERTIES = {
    "weight": ("weight", "{:.0f}"),
    "logp": ("logP", "{:.1f}"),
    "tpsa": ("TPSA", "{:.0f}"),
    "rotatable_bonds": ("rot. bonds", "{:d}"),
    "donors": ("donors", "{:d}"),
    "acceptors": ("acceptors", "{:d}"),
}


SCORES = {
    "final_score": ("final score", ""),
    "docked_score": ("docked score", ""),
    "predicted": ("prediction", ""),
}
COLUMNS = {"predicted": "predicted_mean"}
"""Columns of the hits, where the card's name is another."""


def molecules(facts: Facts, target: str) -> list[str]:
    """Return the sortable grid of the best molecules of ``target``."""
    table = facts.hits[target]
    if not table.num_rows:
        return [paragraph("No molecule has been docked or predicted yet.", "soft")]
    spec = facts.campaign.targets[target]
    acquired = acquired_with_scores(facts, target)
    names = ("row", "mean", "spread", "round")
    columns = (acquired[name].to_pylist() for name in names)
    made = {row: (mean, spread, number) for row, mean, spread, number in zip(*columns, strict=True)}
    rows = table.to_pylist()
    grid = f"molecules-{list(facts.campaign.targets).index(target)}"
    shown = tag("div", "".join(_card(row, made, spec["unit"]) for row in rows), "cards", id=grid)
    ranked = "final" if any(row["final_score"] is not None for row in rows) else "docked"
    if not any(row["docked_score"] is not None for row in rows):
        ranked = "predicted"
    better = "lower" if spec["lower_is_better"] else "higher"
    count = facts.hit_counts[target]
    words = (
        f"The best {len(rows)} of {count:,} ranked molecules, by {ranked} score ({spec['unit']}, {better} is better). "
        "Docked, final and predicted scores are different things and stand apart."
    )
    return [paragraph(words, "soft"), _tools(grid, rows, bool(spec["lower_is_better"])), shown]


def _tools(grid: str, rows: list[dict[str, Any]], lower: bool) -> str:
    """Return what sorts and filters a grid; hidden unless the page's script runs."""
    text = tag("label", "Id or SMILES contains " + '<input type="text" name="text" autocomplete="off">')
    turn = tag("button", "Reverse order", name="way", type="button")
    reset = tag("button", "Reset", type="reset")
    line = tag("div", _orders(rows, lower) + turn + text + reset, "line")
    bounds = "".join(
        _window(key, name)
        for key, (name, _) in (*SCORES.items(), *PROPERTIES.items())
        if any(row[COLUMNS.get(key, key)] is not None for row in rows)
    )
    windows = details("Filter by score and property", tag("div", bounds, "windows"))
    more = tag("button", "Show all", name="more", type="button")
    said = tag("p", tag("output", "") + " " + more, "soft")
    content = line + windows + said
    return tag("form", content, "tools", data_grid=grid, hidden="hidden", aria_label="Sort and filter")


def _orders(rows: list[dict[str, Any]], lower: bool) -> str:
    """Return the choice of orders; only those that the molecules at hand have values for."""
    best = "up" if lower else "down"
    orders = [("rank", "up", "rank", "")]
    orders += [(key, best, f"{name}, best first", COLUMNS.get(key, key)) for key, (name, _) in SCORES.items()]
    orders += [(key, "up", f"{name}, smallest first", key) for key, (name, _) in PROPERTIES.items()]
    orders.append(("name", "up", "id", ""))
    options = ""
    for key, way, label, column in orders:
        if not column or any(row[column] is not None for row in rows):
            options += tag("option", escape(label), value=key.replace("_", ""), data_way=way)
    return tag("label", "Sort by " + tag("select", options, name="order"))


def _window(key: str, name: str) -> str:
    """Return the two bounds of a score or property."""
    boxes = "".join(
        f'<input type="number" step="any" placeholder="{word}" data-key="{key.replace("_", "")}" '
        f'data-end="{end}" aria-label="{escape(name)} {word}">'
        for end, word in (("low", "from"), ("high", "to"))
    )
    unit = f" ({UNITS[key]})" if key in UNITS else ""
    return tag("fieldset", tag("legend", escape(name + unit)) + boxes)


def _card(row: Mapping[str, Any], made: Made, unit: str) -> str:
    mean, spread, basis = prediction_shown(row, made)
    scores = [
        ("final", _figure(row["final_score"]), "docked again" if row["final_score"] is not None else ""),
        ("docked", _figure(row["docked_score"]), _docked_when(row["docked_round"])),
        ("predicted", "–" if mean is None else f"{_figure(mean)} ± {_figure(spread, sign=False)}", basis),
    ]
    lines = "".join(
        f"<div><dt>{name}</dt><dd>{value}{_unit(unit) if value != '–' else ''}"
        f"{tag('small', escape(note)) if note else ''}</dd></div>"
        for name, value, note in scores
        if name != "final" or row["final_score"] is not None
    )
    properties = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{_property(key, form, row[key])}</dd></div>"
        for key, (name, form) in PROPERTIES.items()
    )
    data = {"data_rank": row["rank"], "data_name": row["id"], "data_smiles": row["smiles"]}
    values = {**{key: row[key] for key in PROPERTIES}, "predicted": mean}
    values |= {key: row[key] for key in ("final_score", "docked_score")}
    data |= {f"data_{key.replace('_', '')}": value for key, value in values.items() if value is not None}
    title = tag("span", f"{row['rank']}", "rank") + tag("bdi", escape(row["id"]))
    content = (
        (depict(row["smiles"]) or tag("div", "cannot be drawn", "undrawn"))
        + tag("h4", title)
        + tag("dl", lines, "scores")
        + tag("dl", properties, "properties")
        + tag("details", tag("summary", "SMILES") + tag("code", escape(row["smiles"])))
    )
    return tag("article", content, "card", **data)


def _unit(unit: str) -> str:
    return " " + tag("span", escape(unit), "unit") if unit else ""


def _property(key: str, form: str, value: float | None) -> str:
    if value is None:
        return "–"
    return form.format(value).replace("-", "−") + _unit(UNITS.get(key, ""))


def prediction_shown(row: Mapping[str, Any], made: Made) -> tuple[float | None, float | None, str]:
    """Return mean and spread to show for a hit, and in words what they rest on.

    A prediction made before docking is shown where there is one. A later model may have learnt from the very
    score it predicts; then that is said.
    """
    before = made.get(row["row"])
    if before is not None:
        return before[0], before[1], f"round {before[2]}, before docking"
    mean, spread, when = row["predicted_mean"], row["predicted_spread"], row["predicted_round"]
    if mean is None:
        return None, None, ""
    if row["docked_round"] is not None and row["docked_round"] < when:
        return mean, spread, f"round {when}, after docking"
    return mean, spread, f"round {when}"


def _docked_when(number: int | None) -> str:
    if number is None:
        return ""
    return "seed sample" if number == 0 else f"round {number}"


def _figure(value: float | None, sign: bool = True) -> str:
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.2f}".replace("-", "−") if sign else f"{value:.2f}"
