"""Ctrl-C, remembered: Python drops an exception that is raised inside a destructor, and an interrupt with it."""

from __future__ import annotations

import signal
import threading

_asked = threading.Event()


def remember_interrupts() -> None:
    """From now on, Ctrl-C and SIGTERM raise KeyboardInterrupt, and are also remembered."""
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)


def interrupt(signum: int, frame: object) -> None:
    """Answer a signal: raise KeyboardInterrupt, and remember it."""
    _asked.set()
    raise KeyboardInterrupt


def check_interrupts() -> None:
    """Raise KeyboardInterrupt if there was an interrupt that got lost on its way."""
    if _asked.is_set():
        _asked.clear()
        raise KeyboardInterrupt
