"""The runner on Parsl: what befell a worker is told from what befell a task, and processes are marked."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docksieve.data.environment import CAMPAIGN
from docksieve.data.errors import SiteError
from docksieve.data.receipts import Receipt, read_receipt
from docksieve.hpc.sites.read import load_site
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.running import parsl_engine as engine
from docksieve.workflows.running.engine import InlineRunner, is_retryable
from docksieve.workflows.running.parsl_engine import ParslRunner, open_runner
from docksieve.workflows.tasks.settings import RoundSettings

TASK = Task("round-01/screen/shard-0", "screen", RoundSettings("round-01"))


class NoWorkers(Exception):
    """As Parsl's BadStateException."""


class NodeLost(Exception):
    """As Parsl's ManagerLost."""


def ended(error: BaseException | None = None, receipt: Receipt | None = None) -> Future[Any]:
    future: Future[Any] = Future()
    if error is None:
        future.set_result(receipt)
    else:
        future.set_exception(error)
    return future


@pytest.fixture
def runner(tmp_path: Path) -> ParslRunner:
    """A runner without Parsl behind it."""
    made = object.__new__(ParslRunner)
    made._root, made._site = str(tmp_path), load_site("local", {"workers": 1})
    made._no_workers, made._node_lost = NoWorkers, NodeLost
    return made


def test_a_receipt_passes_as_it_is(runner: ParslRunner) -> None:
    receipt = Receipt(TASK.name, TASK.kind, TASK.fingerprint)
    assert runner._result(ended(receipt=receipt), TASK) == (receipt, 1.0)


@pytest.mark.parametrize(("error", "cost"), [(MemoryError("killed"), 1.0), (NodeLost("n7"), 0.25)])
def test_a_lost_worker_is_a_receipt_that_may_be_tried_again(
    runner: ParslRunner, tmp_path: Path, error: Exception, cost: float
) -> None:
    receipt, spent = runner._result(ended(error), TASK)
    assert spent == cost  # a node's end costs a quarter of an attempt: it is nobody's fault
    assert not receipt.done and is_retryable(receipt)
    assert receipt.failure is not None and receipt.failure.code == type(error).__name__
    assert receipt.failure.message == (
        f"{TASK.name}: the worker was lost ({type(error).__name__}: {error}). Its memory or its node may have failed."
    )
    assert read_receipt(tmp_path, TASK.name) == receipt


def test_a_site_without_workers_is_told_in_the_schedulers_words(runner: ParslRunner, tmp_path: Path) -> None:
    refusal = "the scheduler refused the job: invalid account"
    words = f"Error 1:\n{refusal}\n\nError 2:\n{refusal}"
    with pytest.raises(SiteError) as caught:
        runner._result(ended(NoWorkers(words)), TASK)
    said = str(caught.value)
    assert said.startswith(
        "Site 'local' gives no workers: the scheduler refused the job: invalid account `docksieve"
    )
    assert str(tmp_path / "parsl") in said
    assert read_receipt(tmp_path, TASK.name) is None  # the task has not failed


def test_a_dead_interchange_ends_the_waiting(runner: ParslRunner) -> None:
    pool = next(iter(runner._site.pools))
    for code in (None, -9):
        process = SimpleNamespace(poll=lambda code=code: code)
        runner._kernel = SimpleNamespace(executors={pool: SimpleNamespace(interchange_proc=process)})  # type: ignore[assignment]
        if code is None:
            runner._check_interchanges()
        else:
            with pytest.raises(SiteError, match=f"interchange of pool '{pool}' has died"):
                runner._check_interchanges()


def test_all_that_has_ended_is_taken_at_once() -> None:
    line: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
    assert engine._taken(line, 0.0) == [] and engine._taken(line, 0.01) == []
    futures = [ended(receipt=None) for _ in range(3)]
    for future in futures:
        line.put(future)
    assert engine._taken(line, 5.0) == futures and line.empty()


def test_processes_started_inside_carry_the_campaigns_mark_and_others_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(CAMPAIGN, "another")
    monkeypatch.delenv("SPT_NOENV", raising=False)
    campaign: Any = SimpleNamespace(state={"id": "abc"})
    with pytest.raises(KeyError), engine._marked_environment(campaign):
        assert (os.environ[CAMPAIGN], os.environ["SPT_NOENV"]) == ("abc", "1")
        raise KeyError
    assert os.environ[CAMPAIGN] == "another" and "SPT_NOENV" not in os.environ


def test_an_interrupt_is_for_the_driver_alone() -> None:
    code = "import signal; print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"
    before = signal.getsignal(signal.SIGINT)
    with engine._interrupts_ignored():
        inside = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert inside.stdout == "True\n" and signal.getsignal(signal.SIGINT) is before
    seen: list[bool] = []

    def elsewhere() -> None:
        with engine._interrupts_ignored():  # a notebook's thread: nothing can be set, nothing is raised
            seen.append(signal.getsignal(signal.SIGINT) is before)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [True]


def test_the_inline_site_needs_no_parsl(tmp_path: Path) -> None:
    campaign: Any = SimpleNamespace(root=tmp_path)
    with open_runner(campaign, load_site("inline")) as made:
        assert isinstance(made, InlineRunner) and made.workers == 1 and made.blocks() == []


def test_workers_that_cannot_be_started_are_told_with_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(engine, "ParslRunner", refused)
    campaign: Any = SimpleNamespace(root=tmp_path, state={"id": "abc"})
    with pytest.raises(SiteError) as caught, open_runner(campaign, load_site("local")):
        pass
    assert "The workers of site 'local' could not be started: [Errno 24] Too many open files." in str(
        caught.value
    )
    assert str(tmp_path / "parsl") in str(caught.value) and os.environ.get(CAMPAIGN) != "abc"
