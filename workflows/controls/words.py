"""What the control found, in plain sentences for the terminal and the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...data.words import agree, plural

SETS = {"folds": "cross-validation", "sealed": "test set (sealed: never trained on)"}
HEAD = ("target, test", "molecules", "scores", "rank correlation", "enrichment of the best tenth")


def control_rows(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the lines of a table under :data:`HEAD`."""
    for target, sets in found["targets"].items():
        for how, entry in sets.items():
            for kind in ("true", "shuffled"):
                figures = [entry[kind][name] for name in ("spearman", "enrichment")]
                shown = (f"{x['value']:.2f} ({x['low']:.2f} to {x['high']:.2f})" for x in figures)
                yield (f"{target}, {SETS[how]}", f"{entry['molecules']:,}", kind, *shown)


def control_words(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the verdict, and how near the test molecules are to those learnt from."""
    if found["leakage"]:
        yield from found["leakage"]
    else:
        times = plural(found["seeds"], "shuffle")
        yield (
            f"Taught shuffled scores ({times}), the teacher shows no skill: all intervals hold what chance gives "
            "(rank correlation 0, enrichment 1)."
        )
    near = found["duplicates"]
    if near["molecules"]:
        same, close = near["same_compound"], near["near"]
        yield (
            f"Of {plural(near['molecules'], 'molecule')} of the test set, {same:,} {agree(same, 'is', 'are')} another "
            f"form (stereo, charge, tautomer) of a molecule learnt from, and {close:,} {agree(close, 'has', 'have')} a "
            f"Tanimoto similarity of {near['threshold']:g} or more to one."
        )
