"""What the doctor says of a site, from what workers answered: every check, its problem and its cure."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.errors import SiteError
from docksieve.hpc.checks.preflight import Finding
from docksieve.hpc.checks.probe import ProbeAnswer
from docksieve.hpc.sites.read import load_site
from docksieve.workflows.doctor import doctor, task
from docksieve.workflows.doctor.doctor import Checkup, examine
from docksieve.workflows.terminal.doctor import checkup_table
from rich.console import Console


def answer(folder: Path, **more: Any) -> dict[str, Any]:
    """A worker's answer with nothing wrong in it."""
    nonce = (folder / task.NONCE).read_text()
    (folder / "reply-n1").write_text(nonce)
    return {
        "node": "n1", "worker": "0", "versions": task.versions(), "device": {}, "clock": time.time(), "cores": 2,
        "nonce": nonce, "reply": "reply-n1", "docking": "", "ranks": {},
        "scratch": {"folder": "/tmp", "error": "", "megabytes_per_second": 1_234.0, "free_gigabytes": 56.0},
        **more,
    }  # fmt: skip


@pytest.fixture
def examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that examines this machine, whose worker answers as it is told to."""

    def examine_with(error: str = "", silent: bool = False, **more: Any) -> Checkup:
        def ask(site: Any, own: Path, mark: str, function: Any, patience: float, *arguments: Any) -> Any:
            assert function is task.check_up and arguments == (str(own),)
            for pool in site.pools.values():
                yield ProbeAnswer(pool, 1.6, () if silent else (answer(own, **more),), error)

        monkeypatch.setattr(doctor, "ask_pools", ask)
        monkeypatch.setattr(doctor, "preflight", lambda site, folders: [Finding("the folder is there")])
        return examine(load_site("local"), tmp_path, 5.0)

    yield examine_with
    assert list(tmp_path.iterdir()) == []  # the doctor's own folder is gone


def problems(found: Checkup) -> list[tuple[str, str]]:
    return [(item.what, item.problem) for items in found.pools.values() for item in items if item.problem]


def shown(found: Checkup) -> list[str]:
    with Path("/dev/null").open("w") as nowhere:
        console = Console(width=200, record=True, file=nowhere)
        console.print(checkup_table(found))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_a_healthy_site(examined: Any) -> None:
    found = examined()
    assert found.healthy and problems(found) == []
    lines = shown(found)
    assert lines[:3] == ["Site local (local)", "Without a job", "  ok      the folder is there"]
    assert lines[-1] == "All is well."
    for words in (
        "  ok      workers answer (1 of n1; the last after 2 s)",
        "  ok      package versions on n1",
        "  ok      shared folder seen from n1, renaming included",
        "  ok      scratch /tmp on n1 (1,234 MB/s, 56 GB free)",
        "  ok      clock of n1",
    ):
        assert words in lines, words


def test_what_is_wrong_is_named(examined: Any) -> None:
    versions = {**task.versions(), "numpy": "1.0", "vina": ""}
    slow = {"folder": "/net", "error": "", "megabytes_per_second": 12.3, "free_gigabytes": 1.0}
    found = examined(clock=time.time() - 500, versions=versions, scratch=slow, docking="no libboost")
    assert not found.healthy
    here = task.versions()
    assert dict(problems(found)) == {
        "package versions on n1": f"numpy is 1.0, here {here['numpy']}, vina is missing, here {here['vina']}.",
        "scratch /net on n1 (12 MB/s, 1 GB free)": "writes 12 MB/s.",
        "clock of n1": "differs from this machine's by more than a minute.",
        "docking engine on n1": "Vina cannot be loaded on n1: no libboost",
    }
    assert "            Set `scratch` to a disk of the node, such as /local or /tmp." in shown(found)


def test_a_folder_that_the_node_does_not_share(examined: Any) -> None:
    found = examined(nonce="FileNotFoundError: nonce.txt", scratch={"folder": "/x", "error": "OSError: full"})
    assert dict(problems(found)) == {
        "shared folder seen from n1": "it shows 'FileNotFoundError: nonce.txt'.",
        "scratch /x on n1": "OSError: full.",
    }


def test_ranks_must_add_up(examined: Any) -> None:
    right = {"error": "", "world": 4, "sums": [6] * 4, "hosts": ["b", "a", "a", "b"]}
    found = examined(ranks=right)
    assert found.healthy and "  ok      4 ranks of one task on a, b" in shown(found)
    wrong = examined(ranks={**right, "sums": [6, 6, 5, 6]})
    assert problems(wrong) == [("4 ranks of one task on a, b", "add up to [6, 6, 5, 6].")]
    assert problems(examined(ranks={"error": "no launcher"})) == [("ranks of one task", "no launcher")]


def test_workers_that_do_not_answer(examined: Any) -> None:
    assert problems(examined(silent=True))[0] == ("workers", "none answered.")
    assert problems(examined(silent=True, error="Queue is closed."))[0] == ("workers", "Queue is closed.")
    assert problems(examined(error="1 of 2 died."))[0] == ("workers", "1 of 2 died.")


def test_a_job_that_would_be_refused_is_not_submitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Finding("the queue", "there is none of that name.", "Ask the centre.")
    monkeypatch.setattr(doctor, "preflight", lambda site, folders: [wrong])
    monkeypatch.setattr(doctor, "ask_pools", None)
    found = examine(load_site("local"), tmp_path, 5.0)
    assert not found.healthy and found.pools == {}
    assert shown(found)[1:] == [
        "Without a job",
        "  problem the queue: there is none of that name.",
        "            Ask the centre.",
        "No job was submitted: it would be refused.",
    ]


def test_a_site_without_workers_is_not_examined(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="'inline' has no workers"):
        examine(load_site("inline"), tmp_path, 5.0)


def test_a_worker_looks_at_its_own_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "SCRATCH_BYTES", 2 << 20)
    monkeypatch.setattr(task, "_docking", lambda: "")
    monkeypatch.setenv("DOCKSIEVE_SCRATCH", str(tmp_path))
    monkeypatch.setenv("SLURMD_NODENAME", "n7")
    (tmp_path / task.NONCE).write_text("abc")
    found = task.check_up(str(tmp_path), pause=0)
    assert found["node"] == "n7" and found["nonce"] == "abc"
    assert (tmp_path / found["reply"]).read_text() == "abc" and found["reply"].startswith("reply-n7-")
    assert found["scratch"]["folder"] == str(tmp_path) and found["scratch"]["megabytes_per_second"] > 0
    assert abs(found["clock"] - time.time()) < 60 and found["ranks"] == {}
    monkeypatch.setenv("DOCKSIEVE_SCRATCH", str(tmp_path / "none"))
    bad = task.check_up(str(tmp_path / "elsewhere"), pause=0)
    assert bad["nonce"].startswith("FileNotFoundError: ") and bad["reply"] == ""
    assert bad["scratch"]["error"].startswith("FileNotFoundError: ")
