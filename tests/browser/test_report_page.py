"""The report in a real browser: it sorts, filters, fits a phone, follows the dark, prints, and asks nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.report.report import write_report

pytestmark = [pytest.mark.slow, pytest.mark.alone]


@pytest.fixture(scope="module")
def report(docked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(docked, tmp_path_factory.mktemp("report") / "report.html")[0]


def names(page: Any) -> list[str]:
    """The ids of the cards shown, in order."""
    shown = "cards => cards.filter(card => !card.hidden).map(card => card.dataset.name)"
    return list(page.eval_on_selector_all("article.card", shown))


def test_it_opens_without_error_and_without_a_request(report: Path, visit: Callable[..., Any]) -> None:
    seen = visit(offline=True)
    seen.page.goto(report.as_uri())
    assert seen.page.title() == "looked-at: report"
    assert seen.errors == []
    assert seen.strangers(report.as_uri()) == []
    assert seen.page.locator("svg.mol").count() == seen.page.locator("article.card").count() > 20


def test_molecules_are_sorted(docked: Path, report: Path, visit: Callable[..., Any]) -> None:
    page = visit().page
    page.goto(report.as_uri())
    rows = hits(docked, top=60).to_pylist()
    by_rank = [row["id"] for row in rows]
    assert names(page) == by_rank[:24]
    page.get_by_label("Sort by").select_option("weight")
    by_weight = [row["id"] for row in sorted(rows, key=lambda row: (row["weight"], row["rank"]))]
    assert names(page) == by_weight[:24]
    page.get_by_role("button", name="Reverse order").click()
    heaviest = max(rows, key=lambda row: row["weight"])
    assert names(page)[0] == heaviest["id"]
    page.get_by_role("button", name="Show all").click()
    assert len(names(page)) == len(rows)
    page.get_by_role("button", name="Reset").click()
    page.locator("article.card:visible").nth(23).wait_for()  # the form is reset first, and drawn after that
    page.wait_for_timeout(100)
    assert names(page) == by_rank[:24]


def test_molecules_are_filtered(docked: Path, report: Path, visit: Callable[..., Any]) -> None:
    page = visit().page
    page.goto(report.as_uri())
    rows = hits(docked, top=60).to_pylist()
    page.get_by_label("Id or SMILES contains").fill("c1ccncc1")
    assert set(names(page)) == {row["id"] for row in rows if "c1ccncc1" in row["smiles"]} != set()
    page.get_by_label("Id or SMILES contains").fill("<SCRIPT>")
    assert names(page) and all("<script>" in name for name in names(page))
    page.get_by_label("Id or SMILES contains").fill("")
    page.get_by_text("Filter by score and property").click()
    page.get_by_label("weight to").fill("200")
    page.get_by_label("logP from").fill("1")
    fits = {row["id"] for row in rows if row["weight"] <= 200 and row["logp"] >= 1}
    assert set(names(page)) == fits != set()
    page.get_by_label("weight to").fill("1")
    assert names(page) == [] and "None of the" in page.locator("output").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(report: Path, visit: Callable[..., Any], scheme: str) -> None:
    seen = visit(390, 844, color_scheme=scheme)
    seen.page.goto(report.as_uri())
    assert seen.too_wide() <= 0
    assert len(names(seen.page)) == 12
    paper, ink = seen.page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert contrast(paper, ink) > 7
    soft = seen.page.eval_on_selector("p.soft", "text => getComputedStyle(text).color")
    assert contrast(paper, soft) > 4.5
    assert brightness(paper) > 0.5 if scheme == "light" else brightness(paper) < 0.05


def brightness(colour: str) -> float:
    """Relative luminance of ``rgb(r, g, b)``, as WCAG 2 defines it."""
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, as WCAG 2 defines it."""
    high, low = sorted((brightness(one), brightness(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_it_prints(report: Path, visit: Callable[..., Any], tmp_path: Path) -> None:
    page = visit(color_scheme="dark").page
    page.goto(report.as_uri())
    page.emulate_media(media="print")
    paper, ink = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert (
        paper in ("rgba(0, 0, 0, 0)", "rgb(255, 255, 255)") and brightness(ink) < 0.05
    )  # dark screens, white paper
    assert not page.locator("form.tools").is_visible() and not page.locator("nav").is_visible()
    page.emulate_media(media=None)
    printed = page.pdf(format="A4", print_background=True)
    assert printed.startswith(b"%PDF") and 3 <= printed.count(b"/Type /Page\n") <= 30


def test_hostile_ids_do_nothing(report: Path, visit: Callable[..., Any]) -> None:
    seen = visit()
    seen.page.goto(report.as_uri())
    seen.page.wait_for_timeout(200)
    assert seen.page.title() == "looked-at: report"
    assert seen.page.locator("img").count() == 0


def test_it_says_all_without_its_script(report: Path, docked: Path, visit: Callable[..., Any]) -> None:
    page = visit(java_script_enabled=False).page
    page.goto(report.as_uri())
    cards = page.locator("article.card")
    assert cards.count() == hits(docked, top=60).num_rows
    assert cards.last.is_visible() and not page.locator("form.tools").is_visible()
