"""Rates, cost and figures of a report: they add up, and the files hold what the page shows."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from docksieve.data.receipts import Failure, Receipt
from docksieve.workflows.progress.rates import rates_by_node, rates_over_time
from docksieve.workflows.report.charts.learning import found_so_far, rate_chart
from docksieve.workflows.report.cost import every, rates_figure
from docksieve.workflows.report.facts import read_facts
from docksieve.workflows.report.report import write_report
from docksieve.workflows.report.timing import read_times
from docksieve.workflows.running.submit import submit


def receipt(
    kind: str, start: float, end: float, rows: int, host: str = "n1", worker: str = "0", **more: object
) -> Receipt:
    return Receipt(
        task=f"round-00/{kind}/{host}-{worker}-{start}",
        kind=kind,
        fingerprint="",
        rows_in=rows,
        seconds={"total": end - start},
        facts={"started": start},
        finished=end,
        host=host,
        worker=worker,
        **more,  # type: ignore[arg-type]
    )


def test_molecules_are_spread_over_the_time_they_took_and_none_is_lost() -> None:
    found = [
        receipt("dock", 0, 10, 100),
        receipt("dock", 5, 7, 40),
        receipt("screen", 2, 2, 1000),
        receipt("train", 0, 9, 5),
    ]
    rates = rates_over_time(found, 0.0, 10.0, 20)
    assert set(rates.by_kind) == {"dock", "screen"} and rates.width == 0.5
    assert rates.by_kind["dock"].sum() * rates.width == pytest.approx(140)
    assert rates.by_kind["screen"].sum() * rates.width == pytest.approx(1000)
    assert rates.by_kind["dock"][0] == pytest.approx(10)
    assert rates.by_kind["dock"][12] == pytest.approx(10 + 20)


def test_a_window_holds_only_its_part() -> None:
    rates = rates_over_time([receipt("dock", 0, 10, 100)], 8.0, 12.0, 1)
    assert rates.by_kind["dock"][0] == pytest.approx(100 * 0.2 / 4)


def test_failed_tasks_count_as_failed_only() -> None:
    failed = receipt("dock", 0, 10, 100, failure=Failure("X", "no"))
    assert rates_over_time([failed], 0, 10, 2).by_kind == {}
    (node,) = rates_by_node([failed, receipt("dock", 10, 20, 30, worker="1")], 10.0, 20.0)
    assert (node.tasks, node.failed, node.workers, node.molecules) == (1, 1, 2, {"dock": 30})
    assert node.busy == pytest.approx(0.5) and node.last == 20


def test_nodes_stand_apart() -> None:
    found = [receipt("dock", 0, 4, 8, host=host, device={"name": f"chip {host}"}) for host in ("b", "a", "b")]
    nodes = rates_by_node(found, 0.0, 4.0)
    assert [(node.host, node.tasks, node.devices) for node in nodes] == [
        ("a", 1, ("chip a",)),
        ("b", 2, ("chip b",)),
    ]


@pytest.mark.parametrize("lower", [True, False])
def test_the_best_found_so_far_never_gets_worse_and_ends_at_the_best(lower: bool) -> None:
    scores = np.random.default_rng(1).normal(-8, 1, 300) * (1 if lower else -1)
    svg = found_so_far({"seed sample": scores[:200], "round 1": scores[200:]}, lower, "kcal/mol")
    root = ElementTree.fromstring(svg)
    best = np.sort(scores) if lower else np.sort(scores)[::-1]
    label = root.attrib["aria-label"]
    assert f"best {best[0]:.2f}, 10th best {best[9]:.2f}, 100th best {best[99]:.2f}" in label
    (curve,) = [e for e in root if e.attrib.get("class") == "curve s0"]
    heights = [float(point.split()[1]) for point in curve.attrib["d"][1:].split("L")]
    assert all((b >= a) if lower else (b <= a) for a, b in itertools.pairwise(heights))


def test_few_dockings_make_few_curves() -> None:
    svg = found_so_far({"seed sample": np.array([-7.0, -8.0, -6.5])}, True, "kcal/mol")
    assert "10th" not in svg and "best -8.00" in svg
    assert ElementTree.fromstring(found_so_far({}, True, "x")).tag == "svg"


def test_slow_work_is_told_by_the_minute_or_hour() -> None:
    rates = {"dock": np.array([0.0, 1 / 120, 0.0])}
    assert "molecules per h" in rate_chart(rates, {"dock": "docked"}, {"dock": "s0"}, 3600.0)
    assert "molecules per min" in rate_chart(
        {"dock": np.array([0.5])}, {"dock": "docked"}, {"dock": "s0"}, 100.0
    )


@pytest.fixture(scope="module")
def reported(copy_small_campaign: Callable[[], Path]) -> tuple[Path, Path, Path]:
    """Campaign folder, report, folder of figures."""
    root = copy_small_campaign()
    folder = root.parent
    page, _ = write_report(root, folder / "report.html", folder / "out" / "figures")
    return root, page, folder / "out" / "figures"


def test_every_figure_of_the_page_is_a_file_that_stands_alone(reported: tuple[Path, Path, Path]) -> None:
    _, page, folder = reported
    text = page.read_text()
    files = sorted(folder.iterdir())
    assert len(files) == text.count("<figure") == len(re.findall('class="chart[ "]', text)) > 12
    names = {path.name for path in files}
    assert {
        "target-a-what-docking-found.svg",
        "target-b-rank-correlation-of-the-models.svg",
        "time-throughput-over-time.svg",
    } <= names
    for path in files:
        root = ElementTree.fromstring(path.read_bytes())
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert int(root.attrib["width"]) >= 420 and root.attrib["aria-label"]
        content = path.read_text()
        assert "var(" not in content and "<script" not in content
        assert not re.findall(r"(?:href|src)=|url\(", content)


def test_figures_are_written_again_over_themselves(reported: tuple[Path, Path, Path]) -> None:
    root, page, folder = reported
    before = {path.name for path in folder.iterdir()}
    write_report(root, page, folder)
    assert {path.name for path in folder.iterdir()} == before


def test_the_cost_names_every_step_and_what_was_counted(reported: tuple[Path, Path, Path]) -> None:
    root, page, _ = reported
    from docksieve.workflows.campaign.campaign import open_campaign

    facts = read_facts(open_campaign(root))
    words = " ".join(re.sub(r"<[^>]+>", " ", page.read_text()).split())
    docked = sum(item.rows_in for item in every(facts) if item.kind == "dock")
    assert "looking scores up in a table" in words and f"{docked:,}" in words
    assert "docking the whole library" not in words  # a table costs nothing to ask
    assert "screening the library" in words and "files of the campaign" in words
    svg = rates_figure(facts, read_times(facts))
    assert "screened, molecules per s" in svg


def test_a_campaign_without_a_finished_task_has_no_cost(make_campaign: Callable[..., Path]) -> None:
    import shutil

    root = submit(make_campaign(("count = 2", "count = 0")), "inline").root
    shutil.rmtree(root / "plan")
    page, _ = write_report(root, None, root / "figures")
    assert "No task is finished yet." in page.read_text()
    assert not (root / "figures").exists() or not list((root / "figures").iterdir())
