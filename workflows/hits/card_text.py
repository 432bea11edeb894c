"""A molecule's card in words: for a terminal, and as a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...screening.docking.failures import meaning_of
from ...screening.queries.columns import COLUMNS
from .card import HitCard

_UNITS = {item.name: item.unit for item in COLUMNS}


def card_lines(card: HitCard) -> Iterator[str]:
    """Yield the card as lines of text."""
    yield f"{card.id}  (row {card.row:,})"
    yield f"  {card.smiles}"
    for note in card.notes:
        yield f"  {note}"
    for title, pairs in card_sections(card):
        yield ""
        yield title
        width = max(len(name) for name, _ in pairs)
        for name, value in pairs:
            yield f"  {name:<{width}}  {value}"


def card_sections(card: HitCard) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the card as titled lists of names and values."""
    sections = [(f"{target}, {_direction(facts)}", _target(facts)) for target, facts in card.targets.items()]
    sections.append(
        ("Properties", [(name, _property(name, value)) for name, value in card.properties.items()])
    )
    sections.append(
        (
            "Structure",
            [
                ("parent", card.parent if card.parent != card.smiles else "this molecule"),
                ("scaffold", card.scaffold or "no ring"),
                *((f"{name} alerts", found or "none") for name, found in card.alerts.items()),
            ],
        )
    )
    sections.append(("Where it came from", _origin(card.origin)))
    near = [
        (f"{item['similarity']:.2f}", f"{item['id']}  {_scores(item['scores'])}  {item['smiles']}")
        for item in card.neighbours
    ]
    sections.append(("Nearest docked molecules, by similarity", near or [("-", "nothing else is docked")]))
    return sections


def _direction(facts: dict[str, Any]) -> str:
    return f"{facts['unit']}, {'lower' if facts['lower_is_better'] else 'higher'} is better"


def _target(facts: dict[str, Any]) -> list[tuple[str, str]]:
    pairs = []
    for record in facts["final"]:
        pairs += _docking("final docking", record)
    for record in facts["docked"]:
        pairs += _docking(f"docked, round {record['round']}", record)
    for who in ("teacher", "student"):
        for record in reversed(facts[who]):
            among = "of the shortlist" if who == "teacher" else "of the library"
            spread = "" if record["spread"] is None else f" +- {record['spread']:.2f}"
            pairs.append(
                (
                    f"{who}, round {record['round']}",
                    f"{record['mean']:.2f}{spread}, {_place(record['place'])} {among}",
                )
            )
            pairs.append(("  model", record["model"][:12]))
            if record.get("similarity") is not None:
                far = ": unlike all of it" if record.get("novel") else ""
                words = f"{record['similarity']:.2f} to the nearest molecule that it learnt from{far}"
                pairs.append(("  similarity", words))
            if said := _interval(record.get("interval") or {}):
                pairs.append(("  interval", said))
    return pairs or [("nothing", "neither docked nor predicted yet")]


def _interval(known: dict[str, Any]) -> str:
    """Return the recalibrated interval of a prediction and what it rests on; empty where there is none."""
    if "basis" not in known:
        return ""
    if "low" not in known:
        return str(known["basis"])
    low, high = ("any" if end is None else f"{end:.2f}" for end in (known["low"], known["high"]))
    return f"95 % of such dock between {low} and {high} ({known['basis']})"


def _docking(what: str, record: dict[str, Any]) -> list[tuple[str, str]]:
    engine = f"{record['engine']} {record['engine_version']}".strip()
    if "score" not in record:
        code = str(record.get("failure"))
        pairs = [(what, f"failed ({code}): {record.get('message', '')}, {engine}")]
        return [*pairs, ("  meaning", meaning_of(code))] if meaning_of(code) else pairs
    pairs = [(what, f"{record['score']:g}, {_place(record['place'])} of the docked, {engine}")]
    if "pose" in record:
        pairs.append(("  pose", record["pose"]))
    if record.get("state"):
        pairs.append(("  docked as", record["state"]))
    return pairs


def _place(place: dict[str, Any]) -> str:
    tied = f", {place['tied']:,} tied" if place["tied"] else ""
    return f"{place['place']:,} of {place['of']:,} (best {place['best_percent']:.3g} %{tied})"


def _scores(scores: dict[str, float]) -> str:
    return ", ".join(f"{target} {score:g}" for target, score in scores.items())


def _property(name: str, value: Any) -> str:
    unit = _UNITS.get(name, "")
    shown = "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
    return f"{shown} {unit}".strip() if unit in ("Da", "square angstrom") else shown


def _origin(origin: dict[str, Any]) -> list[tuple[str, str]]:
    pairs = [
        *(
            [("input", f"{origin['file']}, line or record {origin['record']:,}")]
            if "file" in origin
            else [
                ("made by", origin["reaction"]),
                *((f"from {item['role']}", f"{item['id']}  {item['smiles']}") for item in origin["blocks"]),
            ]
        ),
        ("library", origin["library"]),
    ]
    return pairs + [
        ("same molecule", f"{item['file']}, line or record {item['record']:,}, id {item['id']}")
        for item in origin["also"]
    ]


def card_page(card: HitCard) -> str:
    """Return the card as a page that opens anywhere, without a network."""
    from ...screening.chemistry.depict import depict
    from ..html.page import code, figure, page, pairs, paragraph, section, tag

    drawn = depict(card.smiles, 420, 300)
    body = [tag("h1", _escaped(card.id)), code(card.smiles)]
    body += [paragraph(note) for note in card.notes]
    if drawn:
        body.append(figure(drawn, card.id))
    body += [
        section(f"part-{at}", title, pairs(items)) for at, (title, items) in enumerate(card_sections(card))
    ]
    return page(card.id, [tag("main", "".join(body))])


def _escaped(text: str) -> str:
    from ..html.svg import escape

    return escape(text)
