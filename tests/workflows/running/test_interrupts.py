"""An interrupt that Python drops is noticed all the same."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from docksieve.workflows.running.engine import RunnerWatch
from docksieve.workflows.running.interrupts import remember_interrupts

pytestmark = pytest.mark.alone


@pytest.fixture(autouse=True)
def handler_restored() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupted:
    """Sends this process an interrupt while it is destroyed, where no exception gets out."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):  # the handler runs between instructions, here
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_lost_in_a_destructor_ends_the_wait() -> None:
    remember_interrupts()
    watch = RunnerWatch(on_running=lambda names: None, stop_requested=lambda: False)
    watch.check()
    lost = Interrupted()
    del lost  # Python prints "Exception ignored" and goes on
    with pytest.raises(KeyboardInterrupt):
        watch.check()
    watch.check()  # told once


def test_an_interrupt_is_raised_as_ever() -> None:
    remember_interrupts()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
    watch = RunnerWatch(on_running=lambda names: None, stop_requested=lambda: False)
    with pytest.raises(KeyboardInterrupt):
        watch.check()
