"""What the commands ``docksieve model ...`` print."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from ...data.words import plural
from .grid import Column, Grid, numbers
from .tables import console

if TYPE_CHECKING:
    from ..modelling.distil import DistilledModel
    from ..modelling.exchange import Parity
    from ..modelling.predict import PredictedFile
    from ..modelling.train import TrainedModel
    from ..modelling.watch import Watcher

FIGURES = ("r2", "rmse", "spearman")


@contextlib.contextmanager
def progress(shown: bool) -> Iterator[Watcher | None]:
    """Yield what draws a bar on standard error for whatever is done; None if it is not wanted, or nobody looks."""
    screen = console(stderr=True)
    if not shown or not screen.is_terminal:
        yield None
        return
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[remark]}", markup=False),
        TimeElapsedColumn(),
        console=screen,
    )
    tasks: dict[str, Any] = {}

    def watch(stage: str, done: int, total: int, remark: str = "") -> None:
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage, total=total or None, remark=remark)
        bar.update(tasks[stage], completed=done, total=total or None, remark=remark)

    with bar:
        yield watch


def print_trained(screen: Console, found: TrainedModel) -> None:
    """Print what became of the lines, and what cross-validation says of the model."""
    report = found.report
    for line in lines_words(report["lines"]):
        screen.print(line, soft_wrap=True)
    for note in report["notes"]:
        screen.print(note, soft_wrap=True)
    screen.print(figures_table(report["targets"]))
    for line in source_words(report.get("sources", ())):
        screen.print(line, soft_wrap=True)
    screen.print(f"Model {found.id} is in {found.folder}.", soft_wrap=True)


def lines_words(lines: Mapping[str, Any]) -> Iterator[str]:
    """Yield what became of the lines of score tables, and the first that were not used."""
    yield (
        f"{plural(lines['lines'], 'line')}: {lines['used']:,} used ({plural(lines['molecules'], 'molecule')}), "
        f"{lines['unscored']:,} without a score, {lines['unreadable']:,} without a molecule that can be read."
    )
    for example in lines["examples"].get("unreadable", ())[:3]:
        yield f"  {example}"


def figures_table(targets: Mapping[str, Mapping[str, Any]]) -> Grid:
    """Return cross-validated figures of a teacher's report."""
    head = [Column("target"), *numbers("scores", *FIGURES)]
    table = Grid(head, "Cross-validated, with 95 % intervals over molecules")
    for target, figures in targets.items():
        table.add(target, f"{figures['scores']:,}", *(with_interval(figures[name]) for name in FIGURES))
    return table


def with_interval(figure: Mapping[str, float | None]) -> str:
    """Return a figure and its interval."""
    value, low, high = (figure.get(name) for name in ("value", "low", "high"))
    if value is None:
        return "-"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


def source_words(sources: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield of each target of each source how it ranks the new scores, and whether it was kept."""
    for source in sources:
        ranks = ", ".join(f"{target} {value:.2f}" for target, value in source["spearman"].items())
        kept = "kept" if source["kept"] else "left out: the scores do not support it"
        yield f"Source {source['model'][:12]} ({source['target']}): rank correlation {ranks}; {kept}."


def print_predicted(screen: Console, found: PredictedFile) -> None:
    """Print what became of every molecule."""
    failed = sum(found.failed.values())
    screen.print(
        f"{plural(found.rows, 'molecule')}: {found.predicted:,} predicted, {failed:,} not.", soft_wrap=True
    )
    for code, count in found.failed.items():
        screen.print(f"  {code} {count:,}")
    for name, layout in found.layouts.items():
        screen.print(f"{name}: {layout}", soft_wrap=True)
    screen.print(f"Predictions of model {found.model} are in {found.out}.", soft_wrap=True)


def print_distilled(screen: Console, found: DistilledModel) -> None:
    """Print what was read, and how faithful the student is."""
    read = found.report["molecules"]
    screen.print(
        f"{plural(read['read'], 'molecule')} read, {sum(read['failed'].values()):,} of them unusable; the teacher was "
        f"asked about {read['labels']:,}.",
        soft_wrap=True,
    )
    screen.print(_fidelity(found.report["fidelity"]))
    for target, gate in found.report["gate"].items():
        if not (gate if isinstance(gate, bool) else gate.get("passed", True)):
            screen.print(
                f"{target}: the student is less faithful than [student] min_fidelity and min_recall ask. More --labels "
                "or a wider student help.",
                soft_wrap=True,
            )
    screen.print(f"Student {found.id} of teacher {found.parent} is in {found.folder}.", soft_wrap=True)


def parity_table(found: Sequence[Parity]) -> Grid:
    """Return how two models differ, target by target."""
    head = (
        "largest difference",
        "mean",
        "rank correlation",
        "best 1 % changed",
        "processor seconds",
        "passes",
    )
    title = f"{found[0].first} and {found[0].second}: {plural(found[0].molecules, 'molecule')}"
    table = Grid([Column("target"), *numbers(*head)], title)
    for each in found:
        rank = "-" if each.rank_correlation != each.rank_correlation else f"{each.rank_correlation:.6f}"
        spent = f"{each.first_seconds:.2g}, {each.second_seconds:.2g}"
        table.add(
            each.target, f"{each.largest:.2g}", f"{each.mean:.2g}", rank, f"{100 * each.best_changed:.1f} %", spent,
            "yes" if each.within else "no",
        )  # fmt: skip
    return table


def print_model(screen: Console, card: Mapping[str, Any]) -> None:
    """Print what a model is."""
    screen.print(Text(f"{card['kind']} {card['id']}", style="bold"))
    for target in card["targets"]:
        better = "lower" if target["lower_is_better"] else "higher"
        unit = f" in {target['unit']}" if target["unit"] else ""
        screen.print(f"  predicts {target['name']}{unit}; {better} is better", soft_wrap=True)
    count = (
        "an unknown number of molecules"
        if card["trained_on"] is None
        else plural(card["trained_on"], "molecule")
    )
    known = "" if card["kind"] == "student" or card["learned"] else " (which ones is not kept)"
    screen.print(f"  trained on {count}{known}", soft_wrap=True)
    if card["parent"]:
        screen.print(f"  comes from {card['parent']}")
    for member in card["members"]:
        screen.print(f"  member {member['name']}, weights {', '.join(f'{w:.2f}' for w in member['weight'])}")
    screen.print(
        f"  {card['bytes'] / 1e6:,.1f} MB, bundle version {card['version']}, docksieve {card['code_version']}"
    )
    report = card["report"]
    if "targets" in report:
        screen.print(figures_table(report["targets"]))
        for line in source_words(report.get("sources", ())):
            screen.print(line, soft_wrap=True)
    if "fidelity" in report:
        screen.print(_fidelity(report["fidelity"]))


def _fidelity(targets: Mapping[str, Mapping[str, Any]]) -> Grid:
    table = Grid(
        [Column("target"), *numbers("r2", "spearman", "recall of the best 5 %")], "Agreement with its teacher"
    )
    for target, figures in targets.items():
        recall = figures.get("recall_best_0.05")
        shown = recall if isinstance(recall, Mapping) else {"value": recall}
        table.add(
            target, with_interval(figures["r2"]), with_interval(figures["spearman"]), with_interval(shown)
        )
    return table
