"""Ctrl-C, remembered: Python drops an exception that is raised inside a destructor, and an interrupt with it."""

from __future__ import annotations

import signal
import threading

_asked = threading.Event()


def remember_interrupts() -> None:
    """From now on, an interrupt raises KeyboardInterrupt as ever, and is also remembered."""
    signal.signal(signal.SIGINT, _interrupted)


def _interrupted(signum: int, frame: object) -> None:
    _asked.set()
    raise KeyboardInterrupt


def check_interrupts() -> None:
    """Raise KeyboardInterrupt if there was an interrupt that got lost on its way."""
    if _asked.is_set():
        _asked.clear()
        raise KeyboardInterrupt
