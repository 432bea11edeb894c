"""What ``docksieve model evaluate`` prints: every figure beside its controls."""

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
