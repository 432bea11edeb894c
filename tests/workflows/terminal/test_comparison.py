"""Two campaigns beside each other, as a terminal shows them."""

from __future__ import annotations

from docksieve.screening.metrics.overlap import Agreement, Overlap
from docksieve.screening.metrics.virtual_screening import Interval
from docksieve.workflows.hits.compare import Comparison, Difference
from docksieve.workflows.terminal.comparison import comparison_view
from rich.console import Console


def lines(found: Comparison, every: bool = False) -> list[str]:
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    with console.file:
        console.print(comparison_view(found, every))
    return [line.rstrip() for line in console.export_text().splitlines()]


AGREEMENT = Agreement(
    1_200, 900, 850, (Overlap(10, 4, 9), Overlap(300, 150, 280)), Interval(0.8123, 0.7, 0.9), 850
)


def comparison(agreements: dict[str, dict[str, Agreement]], *differences: Difference) -> Comparison:
    return Comparison("one", "[two]", True, agreements, differences, ("A note.",))


def test_agreement_in_words_and_depths() -> None:
    found = lines(comparison({"A": {"docked": AGREEMENT}, "B": {}}))
    assert found[:2] == ["one  against  [two]", "A note."]
    assert (
        "A, by docked score: 1,200 and 900 molecules; rank correlation 0.812 (0.700 to 0.900) over 850 scored in both"
        in found
    )
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in found if line.startswith("│")]
    assert cells == [["10", "4", "40%", "9"], ["300", "150", "50%", "280"]]
    assert "B: nothing is ranked on both sides yet." in found
    assert found[-1] == "Settings, targets, library and versions are the same."


def test_too_few_for_a_correlation() -> None:
    few = Agreement(5, 4, 2, (), None, 2)
    found = lines(comparison({"A": {"screened": few}}))
    assert (
        "A, by the student's prediction of the library: 5 and 4 molecules, 2 scored in both: too few, or all alike, "
        "for a rank correlation"
    ) in found


def test_differences_are_shown_up_to_forty_unless_all_are_wanted() -> None:
    many = [Difference(f"setting {n}", None, 0.123456 if n else "[bold]") for n in range(42)]
    text = "\n".join(lines(comparison({}, *many)))
    assert "setting 39" in text and "setting 40" not in text and "2 more; --all lists them." in text
    assert "[bold]" in text and "0.1235" in text and "[two]" in text
    every = "\n".join(lines(comparison({}, *many), every=True))
    assert "setting 41" in every and "more; --all" not in every
