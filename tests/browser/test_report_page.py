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
    assert seen.page.locator("article.card svg.mol").count() == seen.page.locator("article.card").count() > 20


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
    assert not page.locator("form.tools").is_visible()
    contents = page.locator("nav.contents")
    assert contents.is_visible()  # as a list under its heading, where it stands: nothing follows on paper
    assert contents.evaluate("list => getComputedStyle(list).position") == "static"
    assert "Contents" in contents.evaluate("list => getComputedStyle(list, '::before').content")
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


@pytest.mark.parametrize("width", [390, 900, 1400])
def test_the_contents_stay_in_sight_and_say_where_the_reader_is(
    report: Path, visit: Callable[..., Any], width: int
) -> None:
    seen = visit(width, 900)
    page = seen.page
    page.goto(report.as_uri())
    here = page.locator("nav.contents a[aria-current=location]")
    assert here.inner_text() == "Summary"
    for title, anchor in (("Cost", "cost"), ("How to go on", "next"), ("Target EGFR", "target-0")):
        page.locator("nav.contents").get_by_role("link", name=title, exact=True).click()
        page.wait_for_timeout(300)
        assert here.count() == 1 and here.inner_text() == title
        box, link = page.locator("nav.contents").bounding_box(), here.bounding_box()
        assert 0 <= box["y"] < 60 and box["y"] <= link["y"] < box["y"] + box["height"]
        assert link["x"] >= -1 and link["x"] + link["width"] <= width + 1
        if anchor == "target-0":  # the heading is not under the list
            top = page.locator(f"#{anchor} > h2").bounding_box()["y"]
            assert top >= (0 if width > 1240 else box["y"] + box["height"] - 1) and top < 200
    assert seen.errors == [] and seen.too_wide() <= 0


def test_the_contents_are_links_without_the_script(report: Path, visit: Callable[..., Any]) -> None:
    page = visit(1400, 900, java_script_enabled=False).page
    page.goto(report.as_uri())
    page.locator("nav.contents").get_by_role("link", name="Scaffolds of the best").click()
    assert page.url.endswith("#target-0-scaffolds")
    assert 0 <= page.locator("nav.contents").bounding_box()["y"] < 60


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_poses_are_drawn_whole_and_readable(report: Path, visit: Callable[..., Any], scheme: str) -> None:
    page = visit(1400, 900, color_scheme=scheme).page
    page.goto(report.as_uri())
    poses = page.locator("svg.pose")
    assert poses.count() == 6
    for index in range(6):
        frame = poses.nth(index).bounding_box()
        for box in poses.nth(index).locator("text").all():
            found = box.bounding_box()
            assert found["x"] >= frame["x"] - 1 and found["y"] >= frame["y"] - 1
            assert found["x"] + found["width"] <= frame["x"] + frame["width"] + 1
    ink, card = page.evaluate(
        "[getComputedStyle(document.querySelector('.pose .residue')).fill,"
        " getComputedStyle(document.querySelector('figure')).backgroundColor]"
    )
    assert contrast(ink, card) > 7


def test_charts_beside_each_other_end_on_one_line(report: Path, visit: Callable[..., Any]) -> None:
    page = visit(1400, 900).page
    page.goto(report.as_uri())
    boxes = page.eval_on_selector_all(
        ".charts:not(.loose) figure svg",
        "all => all.map(one => one.getBoundingClientRect()).map(b => [b.top, b.bottom])",
    )
    rows = {round(top) for top, _ in boxes}
    assert (
        len(boxes) >= 12 and len(rows) == len({round(bottom) for _, bottom in boxes}) <= (len(boxes) + 3) // 2
    )


def test_no_tile_breaks_between_a_number_and_its_unit(report: Path, visit: Callable[..., Any]) -> None:
    page = visit(390, 844).page
    page.goto(report.as_uri())
    times = [
        text for text in page.locator(".tiles dd").all_inner_texts() if "min" in text or text.endswith("s")
    ]
    assert times and all(" min" not in text and " s" not in text for text in times)
