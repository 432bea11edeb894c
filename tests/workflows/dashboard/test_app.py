"""The dashboard's answers: who gets them, what they hold, and what is said of bad questions."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from docksieve.data.receipts import Receipt, write_receipt
from docksieve.data.store import read_json, write_json
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.dashboard.access import Gate
from docksieve.workflows.dashboard.app import application
from docksieve.workflows.dashboard.watch import Watch
from docksieve.workflows.hits.ask import failures, hits
from docksieve.workflows.progress.status import status
from starlette.testclient import TestClient

HOME = "http://127.0.0.1:8642"


def entered(root: Path) -> TestClient:
    """A browser that was let in to the dashboard of a campaign."""
    gate = Gate(lambda token: None)
    client = TestClient(application(Watch(root), gate), base_url=HOME)
    assert client.get(f"/?token={gate.token}").status_code == 200
    return client


@pytest.fixture(scope="module")
def client(finished: Campaign) -> Iterator[TestClient]:
    yield entered(finished.root)


def question(**values: Any) -> dict[str, str]:
    return {"q": json.dumps(values)}


def test_the_page_and_its_parts_are_there(client: TestClient) -> None:
    page = client.get("/").text
    for name in (
        "main.js",
        "dom.js",
        "hits.js",
        "molecule.js",
        "viewer.js",
        "style.css",
        "colours.css",
        "icon.svg",
    ):
        answer = client.get(f"/static/{name}")
        assert answer.status_code == 200 and answer.text, name
    assert "static/main.js" in page and "<script>" not in page and "style=" not in page
    for name in ("../dashboard.py", "__init__.py", "%2e%2e/cli.py", "..%2fcli.py", "nothing.js"):
        assert client.get(f"/static/{name}").status_code == 404


def test_progress_is_that_of_status(client: TestClient, finished: Campaign) -> None:
    told = client.get("/api/progress").json()
    known = status(finished)
    assert told["state"] == "complete" and told["campaign"]["molecules"] == 400
    assert [(s["stage"], s["total"], s["done"], s["molecules"]) for s in told["stages"]] == [
        (s.stage, s.total, s.done, s.rows) for s in known.stages
    ]
    assert sum(item["count"] for item in told["failedDockings"]) == failures(finished).num_rows
    (node,) = told["nodes"]["listed"]
    assert node["tasks"] == sum(s.done for s in known.stages) and node["failed"] == 0
    docked = sum(s.rows for s in known.stages if s.stage.endswith("/dock"))
    width = (told["rates"]["end"] - told["rates"]["start"]) / len(told["rates"]["series"]["dock"])
    assert sum(told["rates"]["series"]["dock"]) * width == pytest.approx(docked, rel=1e-3)


def test_failures_come_with_the_engines_words(client: TestClient, finished: Campaign) -> None:
    rows = failures(finished).to_pylist()
    told = {item["code"]: item for item in client.get("/api/failures").json()["codes"]}
    assert set(told) == {row["failure"] for row in rows}
    for code, item in told.items():
        assert item["meaning"] and 1 <= len(item["examples"]) <= 3
        assert all(
            e["message"] in [row["message"] for row in rows if row["failure"] == code]
            for e in item["examples"]
        )


def test_hits_are_those_of_the_query(client: TestClient, finished: Campaign) -> None:
    told = client.get("/api/hits", params=question(targets=["A"]) | {"count": "10"}).json()
    known = hits(finished, top=None, target="A").to_pylist()
    assert told["total"] == len(known) and told["cut"] is False
    assert [row["id"] for row in told["rows"]] == [row["id"] for row in known[:10]]
    rest = client.get("/api/hits", params=question(targets=["A"]) | {"first": "10", "count": "500"}).json()
    assert [row["id"] for row in rest["rows"]] == [row["id"] for row in known[10:]]


def test_hits_are_filtered_and_sorted_as_pandas_would(client: TestClient, finished: Campaign) -> None:
    frame = hits(finished, top=None, target="B").to_pandas()
    asked = question(targets=["B"], windows={"weight": [200, 280], "logp": [None, 2.5]}, text="c1ccccc1")
    told = client.get("/api/hits", params=asked | {"sort": "tpsa", "order": "down"}).json()
    fits = frame[
        frame.weight.between(200, 280)
        & (frame.logp <= 2.5)
        & frame.smiles.str.contains("c1ccccc1", regex=False)
    ]
    assert 0 < len(fits) < len(frame)
    assert {row["id"] for row in told["rows"]} == set(fits.id)
    values = [row["tpsa"] for row in told["rows"]]
    assert values == sorted(values, reverse=True)


@pytest.mark.slow
def test_text_is_text_and_no_condition(client: TestClient) -> None:
    for text in ("' OR 1=1 --", "x') OR (1=1", "\\", "%", "'"):
        assert client.get("/api/hits", params=question(text=text)).json()["total"] == 0, text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"where": "weight <"}, "weight <"),
        ({"where": "colour = 1"}, "colour"),
        ({"where": "(SELECT count(*) FROM read_csv('/etc/passwd')) > 0"}, ""),
        ({"has": ["c1cc"]}, "c1cc"),
        ({"similar_to": ["not a molecule"]}, "not a molecule"),
        ({"windows": {"weight": [500, 100]}}, "weight"),
        ({"windows": {"price": [0, 1]}}, "price"),
        ({"windows": 5}, "cannot be read"),
        ({"by": "beauty"}, "beauty"),
        ({"targets": ["Z"]}, "Z"),
        ({"nonsense": 1}, "nonsense"),
        ({"top": "many"}, "cannot be read"),
        ({"where": 5}, "not text"),
    ],
)
def test_bad_questions_are_answered_in_words(client: TestClient, values: dict[str, Any], said: str) -> None:
    answer = client.get("/api/hits", params=question(**values))
    assert answer.status_code == 400
    assert said in answer.json()["error"] and "Traceback" not in answer.text


@pytest.mark.parametrize("q", ["{", "[]", "null and void", '"x"'])
def test_a_question_that_is_no_json_is_refused(client: TestClient, q: str) -> None:
    answer = client.get("/api/hits", params={"q": q})
    assert answer.status_code == 400 and "cannot be read" in answer.json()["error"]


def test_other_parameters_are_checked(client: TestClient) -> None:
    assert client.get("/api/hits", params={"sort": "price"}).status_code == 400
    for wrong in ("-1", "x", "1e9", "9" * 30, "٣"):
        assert client.get("/api/hits", params={"first": wrong}).status_code == 400
    assert client.get("/api/molecule", params={"target": "A", "row": "399999"}).status_code == 400
    assert client.get("/api/molecule", params={"target": "Z", "row": "1"}).status_code == 400
    assert client.get("/api/drawing", params={"smiles": "no"}).status_code == 400
    assert client.get("/api/drawing", params={"smiles": "C" * 5000}).status_code == 400


def test_a_molecule_is_told_with_its_drawing(client: TestClient, finished: Campaign) -> None:
    row = hits(finished, top=1, target="A").to_pylist()[0]
    told = client.get("/api/molecule", params={"target": "A", "row": str(row["row"])}).json()
    assert told["hit"]["id"] == row["id"] and told["hit"]["docked_score"] == row["docked_score"]
    assert told["drawing"].startswith("<svg") and told["poses"] == [] and told["problems"] == []
    answer = client.get("/api/scene", params={"target": "A", "row": str(row["row"]), "kind": "docked"})
    assert answer.status_code == 400 and "no docked pose" in answer.json()["error"]


def test_a_molecule_of_the_shortlist_is_found_too(client: TestClient, finished: Campaign) -> None:
    docked = set(hits(finished, top=None, target="A")["row"].to_pylist())
    listed = hits(finished, top=None, target="A", by="predicted").to_pylist()
    row = next(row["row"] for row in listed if row["row"] not in docked)
    told = client.get("/api/molecule", params={"target": "A", "row": str(row)}).json()
    assert told["hit"]["row"] == row and told["hit"]["docked_score"] is None


def test_everything_known_of_a_molecule_is_told(client: TestClient, finished: Campaign) -> None:
    row = hits(finished, top=1, target="B").to_pylist()[0]
    told = client.get("/api/card", params={"row": str(row["row"])}).json()
    assert told["id"] == row["id"] and set(told["targets"]) == {"A", "B"}
    assert [near["similarity"] for near in told["neighbours"]] == sorted(
        (near["similarity"] for near in told["neighbours"]), reverse=True
    )
    assert client.get("/api/card", params={"row": "123456789"}).status_code == 400
    assert client.get("/api/card", params={"row": "../x"}).status_code == 400


def test_the_command_that_makes_a_file_is_in_it_and_on_the_page(
    client: TestClient, finished: Campaign
) -> None:
    asked = question(targets=["A"], where="weight < 250")
    command = client.get("/api/hits", params=asked).json()["command"]
    assert command == f"docksieve hits {finished.root} --top 10000 '--where=weight < 250' --target=A"
    text = client.get("/api/export", params=asked).text
    assert "'--where=weight < 250' --target=A" in text.replace('""', '"') and "--top 1000000" in text


def test_downloads_hold_all_that_matches(client: TestClient, finished: Campaign) -> None:
    wanted = hits(finished, top=None, target="A", where="weight < 250")
    asked = question(targets=["A"], where="weight < 250")
    table = pa_csv.read_csv(io.BytesIO(without_comments(client.get("/api/export", params=asked).content)))
    assert table["id"].to_pylist() == wanted["id"].to_pylist()
    answer = client.get("/api/export", params=asked | {"format": "parquet"})
    assert 'filename="small-hits.parquet"' in answer.headers["content-disposition"]
    assert pq.read_table(io.BytesIO(answer.content))["row"].to_pylist() == wanted["row"].to_pylist()
    records = client.get("/api/export", params=asked | {"format": "sdf"}).text
    assert records.count("$$$$") == wanted.num_rows
    assert client.get("/api/export", params=asked | {"format": "exe"}).status_code == 400


def without_comments(content: bytes) -> bytes:
    return b"\n".join(line for line in content.splitlines() if not line.startswith(b"#"))


def test_nothing_in_the_campaign_changes(finished: Campaign) -> None:
    def look() -> dict[str, tuple[int, int]]:
        found = (path for path in finished.root.rglob("*") if path.is_file())
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in found}

    before = look()
    client = entered(finished.root)
    for address in ("progress", "choices", "failures", "hits", "export?format=sdf"):
        assert client.get(f"/api/{address}").status_code == 200
    assert look() == before


def test_a_campaign_that_goes_on_is_seen(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docksieve.workflows.dashboard.watch.FRESH_SECONDS", 0.0)
    hidden = copied / "receipts" / "round-02" / "dock"
    hidden.rename(copied / "away")
    client = entered(copied)
    first = client.get("/api/progress").json()
    assert first["state"] == "damaged" and any("receipts/round-02/dock" in line for line in first["damage"])
    assert [stage["left"] > 0 for stage in first["stages"]].count(True) == 1
    told = client.get("/api/hits").json()
    assert any("damaged" in note for note in told["notes"])
    assert {row["docked_round"] for row in told["rows"]} == {0, 1}
    (copied / "away").rename(hidden)
    second = client.get("/api/progress").json()
    assert second["state"] == "complete" and second["version"] != first["version"]
    assert {row["docked_round"] for row in client.get("/api/hits").json()["rows"]} == {0, 1, 2}


def test_failed_tasks_are_told_with_their_message(copied: Path) -> None:
    path = copied / "receipts" / "round-02" / "distil.json"
    value = read_json(path)
    value["failure"] = {"code": "OSError", "message": "<b>no room</b>", "retryable": True, "traceback": "x"}
    write_receipt(copied, Receipt.from_json(value))
    told = entered(copied).get("/api/progress").json()
    (failed,) = told["failedTasks"]["listed"]
    assert (
        failed["task"] == "round-02/distil" and failed["message"] == "<b>no room</b>" and failed["retryable"]
    )
    assert "traceback" not in failed


@pytest.mark.parametrize("fresh", [0.0, 3600.0])
def test_a_campaign_that_was_moved_away_or_exchanged_is_told_at_once(
    copied: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh: float
) -> None:
    monkeypatch.setattr("docksieve.workflows.dashboard.watch.FRESH_SECONDS", fresh)
    client = entered(copied)
    assert client.get("/api/progress").status_code == client.get("/api/there").status_code == 200
    copied.rename(tmp_path / "elsewhere")
    for address in ("there", "progress", "hits", "failures", "export"):
        answer = client.get(f"/api/{address}")
        assert answer.status_code == 503 and "is gone" in answer.json()["error"]
        assert "start the dashboard again" in answer.json()["hint"]
    (tmp_path / "elsewhere").rename(copied)
    assert client.get("/api/progress").status_code == 200
    state = read_json(copied / "campaign.json")
    write_json(copied / "campaign.json", {**state, "id": "another"})
    for address in ("there", "progress"):
        assert "Another campaign" in client.get(f"/api/{address}").json()["error"]
    write_json(copied / "campaign.json", state)
    assert client.get("/api/there").json() == {"there": True}


def test_asking_whether_it_is_there_reads_no_receipt(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = entered(copied)
    client.get("/api/progress")
    monkeypatch.setattr("docksieve.workflows.dashboard.watch.FRESH_SECONDS", 0.0)
    monkeypatch.setattr("docksieve.workflows.dashboard.watch.Watch._look", lambda self: pytest.fail("looked"))
    assert client.get("/api/there").json() == {"there": True}


def test_receipts_are_read_once(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docksieve.workflows.dashboard.watch.FRESH_SECONDS", 0.0)
    from docksieve.workflows.dashboard import watch as dashboard_watch

    read: list[str] = []
    original = dashboard_watch.read_own_receipt
    monkeypatch.setattr(
        dashboard_watch, "read_own_receipt", lambda root, task: read.append(task) or original(root, task)
    )
    watch = Watch(copied)
    first = watch.now()
    assert sorted(read) == sorted(receipt.task for receipt in first.receipts)
    read.clear()
    assert watch.now().version == first.version and read == []
    path = copied / "receipts" / "round-01" / "train.json"
    write_json(path, read_json(path))
    assert watch.now().version > first.version and read == ["round-01/train"]
