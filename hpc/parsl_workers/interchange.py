"""Parsl's interchange, for as long as its driver lives.

Left to itself, the interchange of a killed driver goes on, and with it every worker, until the walltime. This one
ends when its parent does; workers notice that within five heartbeats, and end their blocks. It also has a session of
its own: what a terminal, a scheduler or `timeout` sends to the driver's whole group is for the driver to answer.
"""

from __future__ import annotations

import os
import runpy
import threading
import time

LOOK_SECONDS = 1.0


def end_with_parent() -> None:
    """From now on, end this process when the one that started it is gone."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    os.setsid()
    end_with_parent()
    runpy.run_module("parsl.executors.high_throughput.interchange", run_name="__main__")
