"""What ``docksieve model evaluate`` and ``learning-curve`` print: figures beside controls, and laws through them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ...data.words import plural
from ..text import percent
from .grid import Column, Grid, numbers
from .model import lines_words, with_interval

if TYPE_CHECKING:
    from ..modelling.evaluate import Evaluation
    from ..modelling.learning_curve import ModelLearning

WORDS = {
    "r2": "r2",
    "rmse": "rmse",
    "spearman": "rank correlation",
    "recall": "best found in the kept",
    "precision": "best among the kept",
    "enrichment": "enrichment in the kept",
    "precision_at_top": "best among as many",
    "bedroc": "BEDROC (alpha 20)",
    "mcc": "MCC at the hit cut",
    "res": "enrichment surface (RES)",
}

CURVE_WORDS = {"spearman": "rank correlation", "rmse": "rmse", "recall": "best 5 % found in the best 10 %"}


def print_evaluation(screen: Console, found: Evaluation) -> None:
    """Print what was tested and how, and of each target the figures beside their controls."""
    setup = found.setup
    for line in lines_words(setup["lines"]):
        screen.print(line, soft_wrap=True)
    how = {
        "random": "at random",
        "scaffold": "by scaffold (none on both sides)",
        "time": "by time (each part predicted from what is older)",
    }[setup["split"]]
    screen.print(
        f"Split {how}: {plural(setup['folds'], 'fold')}, {plural(setup['repeats'], 'repeat')}.",
        soft_wrap=True,
    )
    for target, report in found.targets.items():
        screen.print(figures_table(target, report))
        for line in _words(report):
            screen.print(line, soft_wrap=True)
    for line in leakage_words(found.leakage):
        screen.print(line, soft_wrap=True)
    for note in found.notes:
        screen.print(note, soft_wrap=True)


def figures_table(target: str, report: Mapping[str, Any]) -> Grid:
    """Return a target's figures: of the model, without near duplicates, and of both controls."""
    rest = report["without_near_duplicates"]
    head = ["model", *(["without near duplicates"] if rest else []), "shuffled scores", "random ranking"]
    title = f"{target}: {plural(report['tested'], 'molecule')} tested, with 95 % intervals"
    table = Grid([Column("figure"), *numbers(*head)], title)
    for name, figure in report["figures"].items():
        cells = [with_interval(figure), *([with_interval(rest[name])] if rest else [])]
        table.add(
            WORDS.get(name, name), *cells, with_interval(figure["shuffled"]), with_interval(figure["random"])
        )
    return table


def _words(report: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"  best: {percent(report['best'])} of the molecules; kept: the best {percent(report['kept'])} by prediction; "
        f"hit: a score of {report['cut']:g} or {'lower' if report['lower_is_better'] else 'higher'} "
        f"({report['hits']:,} molecules)."
    )
    for name, words in (("all", "all"), ("picked", "the kept")):
        part = report["calibration"][name]
        said = ", ".join(
            f"{percent(line['observed'], 0)} for {percent(line['expected'], 0)}" for line in part["coverage"]
        )
        yield f"  intervals of {words} ({part['molecules']:,}) hold {said}; mean error {part['bias']:+.2f}."


def leakage_words(leakage: Mapping[str, Any]) -> Iterator[str]:
    """Yield how alike tested and learnt molecules are."""
    yield (
        f"{leakage['near_duplicates']:,} of {plural(leakage['tested'], 'tested molecule')} "
        f"({percent(leakage['near_duplicates'] / max(leakage['tested'], 1))}) are near duplicates of one that "
        f"was learnt (similarity of at least {leakage['threshold']:g}; {leakage['same_environments']:,} with the same "
        f"environments); median similarity to the nearest {leakage['median_similarity']:.2f}."
    )


def print_curve(screen: Console, found: ModelLearning) -> None:
    """Print the points of each target, and the law of each figure or why there is none."""
    for line in lines_words(found.setup["lines"]):
        screen.print(line, soft_wrap=True)
    for target, figures in found.targets.items():
        tested = plural(found.setup["tested"], "molecule")
        table = Grid(
            [Column("learnt from", right=True), *numbers(*(CURVE_WORDS[name] for name in figures))],
            f"{target}: {tested} tested, mean of {plural(found.setup['repeats'], 'repeat')}",
        )
        for place, size in enumerate(found.setup["sizes"]):
            values = (figure["points"][place]["value"] for figure in figures.values())
            table.add(f"{size:,}", *("-" if value is None else f"{value:.3f}" for value in values))
        screen.print(table)
        for name, figure in figures.items():
            screen.print(f"  {CURVE_WORDS[name]}: {law_words(figure)}", soft_wrap=True)
    for note in found.setup["notes"]:
        screen.print(note, soft_wrap=True)


def law_words(figure: Mapping[str, Any]) -> str:
    """Return what the law of a figure says of more molecules, or why there is none."""
    law = figure["law"]
    if law["status"] != "fits":
        return f"{law['status']}: {law['reason']}. No forecast."
    said = []
    for ahead in figure["ahead"]:
        low, high = ("no limit" if end is None else f"{end:.3f}" for end in (ahead["low"], ahead["high"]))
        said.append(f"{ahead['value']:.3f} ({low} to {high}) with {ahead['molecules']:,} molecules")
    return f"{law['reason']}; to be expected: {', '.join(said)} (90 % intervals)."
