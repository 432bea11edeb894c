"""The dashboard in a real browser: live progress, search, poses, downloads, phones, and nothing asked elsewhere."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docksieve.workflows.hits.ask import hits

pytestmark = [pytest.mark.slow, pytest.mark.alone]


@pytest.fixture
def leaderboard(docked: Path, serve: Callable[..., Any], visit: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that serves a campaign and opens its dashboard."""

    def open_board(root: Path = docked, part: str = "", **window: Any) -> Any:
        served, seen = serve(root), visit(**window)
        seen.served = served
        seen.page.goto(served.url)
        seen.page.locator("#best .card").first.wait_for()
        if part:
            seen.page.locator(f"#to-{part}").click()
            seen.page.locator("#hits-part [role=status]", has_text="molecule").wait_for()
        return seen

    return open_board


def ids(page: Any, part: str = "#hits-part") -> list[str]:
    """The ids of the cards in a part of the page, in order."""
    read = "cards => cards.map(card => card.querySelector('button').getAttribute('aria-label').slice(5))"
    return list(page.eval_on_selector_all(f"{part} .card", read))


def settled(page: Any) -> None:
    """Wait until the search is answered."""
    page.wait_for_timeout(600)  # the form waits for the end of typing
    page.locator("#hits-part:not([aria-busy])").wait_for()


def colours(page: Any) -> list[tuple[int, bytes]]:
    """The colours of the pose on the page, the most frequent first."""
    from PIL import Image

    picture = Image.open(io.BytesIO(page.locator("canvas.space").screenshot())).convert("RGB")
    found = picture.getcolors(maxcolors=1 << 20)
    assert found is not None
    return sorted(found, reverse=True)


def test_it_shows_progress_and_the_best_without_an_error(
    docked: Path, leaderboard: Callable[..., Any]
) -> None:
    seen = leaderboard()
    page = seen.page
    assert page.title() == "looked-at · docksieve"
    assert page.locator("#state").inner_text() == "complete"
    assert "168 molecules" in page.locator("#about").inner_text()
    assert ids(page, "#best") == [row["id"] for row in hits(docked, top=12).to_pylist()]
    page.locator("#best svg.mol").first.wait_for()
    assert page.locator("#rates svg").count() == 3
    assert page.locator("#nodes tbody tr").count() == 1
    assert seen.errors == [] and seen.strangers(seen.served.home) == []
    assert "token" not in page.url


def test_scores_and_properties_have_their_units(leaderboard: Callable[..., Any]) -> None:
    page = leaderboard().page
    card = page.locator("#best .card").first
    scores = card.locator("dl.scores dd").all_inner_texts()
    assert scores and all("kcal/mol" in text for text in scores)
    words = card.inner_text().replace("\u00a0", " ")
    assert " Da" in words and " Å²" in words
    card.locator("button").click()
    page.locator(".controls button").first.wait_for()
    assert "Da" in page.locator("dialog dl.properties").inner_text()
    poses = page.get_by_label("Pose", exact=True).locator("option").all_inner_texts()
    assert poses and all(text.endswith("kcal/mol") for text in poses)
    page.keyboard.press("Escape")
    page.locator("#to-hits").click()
    page.get_by_role("button", name="As table").click()
    page.locator("#hits-part tbody th").first.wait_for()
    heads = page.locator("#hits-part thead th").all_inner_texts()
    for wanted in ("docked score (kcal/mol)", "prediction (kcal/mol)", "weight (Da)", "TPSA (Å²)"):
        assert any(text.startswith(wanted) for text in heads), heads


@pytest.mark.parametrize("width", [320, 390, 600])
def test_the_nodes_are_read_on_a_phone_without_scrolling_sideways(
    leaderboard: Callable[..., Any], width: int
) -> None:
    seen = leaderboard(width=width, height=844)
    nodes = seen.page.locator("#nodes")
    assert nodes.evaluate("box => box.scrollWidth - box.clientWidth") <= 0 and seen.too_wide() <= 0
    cells = nodes.get_by_role("cell")
    assert cells.count() == 8 and nodes.get_by_role("columnheader").count() == 9
    for cell in cells.all():
        box = cell.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert cell.evaluate("cell => getComputedStyle(cell, '::before').content").strip('"')
    assert "molecules docked" in cells.nth(4).get_attribute("data-label")


def test_the_link_opens_again_in_another_browser(
    docked: Path, leaderboard: Callable[..., Any], visit: Callable[..., Any]
) -> None:
    seen, other = leaderboard(), visit()
    answer = other.page.goto(seen.served.home)
    assert answer.status == 403 and "--link" in other.page.inner_text("body")
    again = seen.served.link_again(docked)
    assert again == seen.served.url
    other.page.goto(again)
    other.page.locator("#best .card").first.wait_for()
    other.page.goto(again)
    other.page.locator("#best .card").first.wait_for()
    assert (
        seen.page.context.cookies()[0]["httpOnly"] and seen.page.context.cookies()[0]["sameSite"] == "Strict"
    )


def test_hits_are_searched_filtered_and_sorted(docked: Path, leaderboard: Callable[..., Any]) -> None:
    seen = leaderboard(part="hits")
    page, rows = seen.page, hits(docked, top=None).to_pylist()
    assert ids(page) == [row["id"] for row in rows]
    page.get_by_label("Id or SMILES contains").fill("c1ccncc1")
    settled(page)
    assert set(ids(page)) == {row["id"] for row in rows if "c1ccncc1" in row["smiles"]} != set()
    page.get_by_role("button", name="Reset").click()
    settled(page)
    page.get_by_text("Properties and alerts").click()
    page.get_by_label("weight to").fill("230")
    settled(page)
    fits = [row for row in rows if row["weight"] <= 230]
    assert ids(page) == [row["id"] for row in fits] != []
    page.get_by_label("Sort by").select_option("logp")
    settled(page)
    assert ids(page) == [row["id"] for row in sorted(fits, key=lambda row: row["logp"])]
    page.get_by_role("button", name="smallest first").click()
    settled(page)
    assert ids(page)[0] == max(fits, key=lambda row: row["logp"])["id"]
    page.get_by_role("button", name="As table").click()
    head = page.get_by_role("columnheader", name="weight")
    head.get_by_role("button").click()
    settled(page)
    assert head.get_attribute("aria-sort") == "ascending"
    first = page.locator("#hits-part tbody th").first.inner_text()
    assert first == min(fits, key=lambda row: row["weight"])["id"]
    page.reload()  # the question stands in the address
    page.locator("#hits-part tbody th").first.wait_for()
    assert page.locator("#hits-part tbody th").first.inner_text() == first
    assert seen.errors == []


def test_structures_are_searched(docked: Path, leaderboard: Callable[..., Any]) -> None:
    from rdkit import Chem

    page = leaderboard(part="hits").page
    page.get_by_text("Structure, novelty, diversity").click()
    page.get_by_label("Has substructure (SMARTS)").fill("c1ccsc1")
    settled(page)
    pattern = Chem.MolFromSmarts("c1ccsc1")
    rows = hits(docked, top=None).to_pylist()
    fits = [row["id"] for row in rows if Chem.MolFromSmiles(row["smiles"]).HasSubstructMatch(pattern)]
    assert ids(page) == fits != []


def test_a_bad_question_is_answered_in_words(leaderboard: Callable[..., Any]) -> None:
    page = leaderboard(part="hits").page
    page.get_by_text("Condition in SQL").click()
    page.get_by_label("Condition", exact=True).fill("weight <")
    page.locator("#hits-part [role=status] .wrong").wait_for()
    assert "weight <" in page.locator("#hits-part [role=status]").inner_text()
    page.get_by_label("Condition", exact=True).fill("weight < 1")
    page.get_by_text("No molecule matches.").wait_for()


def test_a_pose_is_drawn_and_turned(leaderboard: Callable[..., Any]) -> None:
    seen = leaderboard()
    page = seen.page
    page.locator("#best .card button").first.click()
    page.locator(".controls button").first.wait_for()
    page.wait_for_timeout(800)
    before = colours(page)
    assert len(before) > 300  # shaded sticks, not a flat picture
    drawn = sum(count for count, _ in before[1:]) / sum(count for count, _ in before)
    assert 0.05 < drawn < 0.9
    canvas = page.locator("canvas.space")
    still = canvas.screenshot()
    canvas.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(400)
    turned = canvas.screenshot()
    assert turned != still
    page.keyboard.press("0")
    page.wait_for_timeout(400)
    assert canvas.screenshot() == still
    page.mouse.move(*middle(canvas))
    page.mouse.wheel(0, -600)
    page.wait_for_timeout(400)
    assert canvas.screenshot() != still
    page.get_by_label("Receptor within").select_option("0")
    page.get_by_label("backbone").uncheck()
    page.wait_for_timeout(400)
    assert len(colours(page)) < len(before)  # the ligand alone
    assert seen.errors == []


def middle(place: Any) -> tuple[float, float]:
    box = place.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_names_are_shown_and_poses_chosen_and_saved(
    docked: Path, leaderboard: Callable[..., Any], tmp_path: Path
) -> None:
    page = leaderboard().page
    page.locator("#best .card button").first.click()
    page.get_by_label("names").check()
    page.locator(".labels span").first.wait_for()
    poses = page.get_by_label("Pose", exact=True).locator("option")
    kinds = poses.all_inner_texts()
    assert any(text.startswith("final pose 1") for text in kinds)
    assert any(text.startswith("docked pose 1") for text in kinds)
    page.get_by_label("Pose", exact=True).select_option(str(len(kinds) - 1))
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download pose").click()
    waiting.value.save_as(tmp_path / "pose.sdf")
    from rdkit import Chem

    (molecule,) = Chem.SDMolSupplier(str(tmp_path / "pose.sdf"))
    best = hits(docked, top=1).to_pylist()[0]
    assert Chem.MolToSmiles(molecule) == Chem.CanonSmiles(best["smiles"])
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save picture").click()
    waiting.value.save_as(tmp_path / "pose.png")
    assert (tmp_path / "pose.png").read_bytes().startswith(b"\x89PNG")


def test_molecules_are_leafed_through_by_keyboard(docked: Path, leaderboard: Callable[..., Any]) -> None:
    page = leaderboard().page
    rows = hits(docked, top=2).to_pylist()
    page.locator("#best .card button").first.focus()
    page.keyboard.press("Enter")
    name = page.locator("#molecule-name")
    name.wait_for()
    assert name.inner_text().endswith(rows[0]["id"])
    page.get_by_label("Next molecule").click()
    page.wait_for_timeout(300)
    assert name.inner_text().endswith(rows[1]["id"])
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="hidden")


def test_downloads_come_whole(docked: Path, leaderboard: Callable[..., Any], tmp_path: Path) -> None:
    page = leaderboard(part="hits").page
    wanted = hits(docked, top=None)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="JSON").click()
    waiting.value.save_as(tmp_path / "hits.json")
    told = json.loads((tmp_path / "hits.json").read_text())
    rows = told if isinstance(told, list) else told["hits"]
    assert [row["id"] for row in rows] == wanted["id"].to_pylist()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="SDF").click()
    waiting.value.save_as(tmp_path / "hits.sdf")
    assert (tmp_path / "hits.sdf").read_text().count("$$$$\n") == wanted.num_rows


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(leaderboard: Callable[..., Any], scheme: str) -> None:
    seen = leaderboard(width=390, height=844, color_scheme=scheme)
    page = seen.page
    assert seen.too_wide() <= 0
    page.locator("#to-hits").click()
    page.locator("#hits-part .card").first.wait_for()
    for part in ("Properties and alerts", "Structure, novelty, diversity", "Condition in SQL"):
        page.get_by_text(part).click()
    assert seen.too_wide() <= 0
    page.get_by_role("button", name="As table").click()
    page.locator("#hits-part tbody th button").first.wait_for()
    assert seen.too_wide() <= 0
    page.locator("#hits-part tbody th button").first.click()
    page.locator(".controls button").first.wait_for()
    page.wait_for_timeout(500)
    box = page.locator("canvas.space").bounding_box()
    assert 300 < box["width"] <= 390 and box["height"] > 200
    paper = [int(v) for v in colours(page)[0][1]]
    assert min(paper) > 230 if scheme == "light" else max(paper) < 60
    assert (
        page.evaluate(
            "document.querySelector('dialog').scrollWidth - document.querySelector('dialog').clientWidth"
        )
        <= 0
    )
    assert seen.errors == []


def test_hostile_ids_are_only_text(docked: Path, leaderboard: Callable[..., Any]) -> None:
    seen = leaderboard(part="hits")
    page = seen.page
    row = next(row for row in hits(docked, top=None).to_pylist() if row["id"][0] in '<"')
    page.get_by_label("Id or SMILES contains").fill(row["id"][:12])
    settled(page)
    page.locator("#hits-part .card button", has_text=row["id"]).first.click()
    page.locator(".controls button").first.wait_for()
    assert page.title() == "looked-at · docksieve" and page.locator("img").count() == 0
    assert seen.errors == [] and seen.strangers(seen.served.home) == []


def test_it_follows_a_campaign_that_goes_on(
    docked: Path, leaderboard: Callable[..., Any], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(docked, tmp_path / "goes-on"))
    later = root / "receipts" / "final"
    later.rename(tmp_path / "later")
    seen = leaderboard(root, part="hits")
    page = seen.page
    assert page.locator("#state").inner_text() == "damaged"
    assert "damaged" in page.locator("#hits-part .notice").last.inner_text()
    (tmp_path / "later").rename(later)
    page.wait_for_timeout(1100)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as if one came back to the page
    page.locator("#state.complete").wait_for()
    page.get_by_role("button", name="Ask again").click()
    page.locator("#hits-part .card dt", has_text="final").first.wait_for()
    assert seen.errors == []


def test_what_goes_wrong_is_told_on_the_page(
    docked: Path, leaderboard: Callable[..., Any], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(docked, tmp_path / "goes-away"))
    best = hits(root, top=1).to_pylist()[0]
    (root / best["final_pose"].partition("#")[0]).unlink()
    seen = leaderboard(root)
    page = seen.page
    page.locator("#best .card button").first.click()
    page.locator("dialog .notice").first.wait_for()
    assert "is missing" in page.locator("dialog .notice").first.inner_text()
    page.locator(".controls button").first.wait_for()  # the docked pose is still there
    page.keyboard.press("Escape")
    root.rename(tmp_path / "gone")
    page.locator("#trouble", has_text="is gone").wait_for(
        timeout=6_000
    )  # by itself, though the campaign is complete
    assert "last seen" in page.locator("#trouble").inner_text()
    (tmp_path / "gone").rename(root)
    page.locator("#trouble").wait_for(state="hidden", timeout=6_000)
    page.locator("#to-hits").click()
    page.locator("#hits-part .card").first.wait_for()
    root.rename(tmp_path / "gone")
    page.get_by_label("Id or SMILES contains").fill("c1")  # whoever asks is told without waiting
    page.locator("#trouble", has_text="is gone").wait_for(timeout=2_500)
    (tmp_path / "gone").rename(root)
    page.locator("#trouble").wait_for(state="hidden", timeout=6_000)
    seen.served.process.terminate()
    seen.served.process.wait(10)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.locator("#trouble", has_text="does not answer").wait_for()
