"""Sites: typed descriptions of the places a campaign can run."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from ..data.errors import SiteError

_KINDS = ("local", "inline")
_TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    "name": ("text", (str,)),
    "kind": ("text", (str,)),
    "workers": ("a whole number", (int,)),
    "heartbeat_seconds": ("a whole number of seconds", (int,)),
    "poll_seconds": ("a number of seconds", (int, float)),
    "stall_seconds": ("a number of seconds", (int, float)),
    "screen_device": ("text", (str,)),
    "screen_threads": ("a whole number", (int,)),
}


def _check_type(key: str, value: object) -> None:
    words, types = _TYPES[key]
    if not isinstance(value, types) or isinstance(value, bool):
        raise ValueError(f"{key} must be {words}, not {value!r}")


@dataclass(frozen=True)
class Site:
    """A place to run.

    Attributes
    ----------
    name : str
        Of a site file without one: the file's.
    kind : str
        ``local``: Parsl's high-throughput executor on this machine, loopback only. ``inline``: the same
        tasks in the driver itself, one after the other, without Parsl (for debugging and tests).
    workers : int
        Worker processes; 0 means one per usable core.
    heartbeat_seconds : int
        How often a worker pool tells that it lives; it counts as lost after five times that.
    poll_seconds : float
        How often the driver looks at finished tasks and for a request to cancel.
    stall_seconds : float
        If no process of the campaign used the processor for so long while tasks were in flight, the worker
        pool is taken for stuck and started again. While a docking program of one's own may be waiting for
        something, its time limit counts instead, if that is longer (``workflows.stuck``).
    screen_device : str
        What students score on: ``cpu``, or a device as torch names it (``cuda``, ``cuda:1``, ``xpu``). A worker that
        does not have it fails the task; nothing falls back to the CPU. Workers share it: one or two are enough.
    screen_threads : int
        Threads of one screening task on the CPU.
    """

    name: str
    kind: Literal["local", "inline"] = "local"
    workers: int = 0
    heartbeat_seconds: int = 2
    poll_seconds: float = 0.2
    stall_seconds: float = 120.0
    screen_device: str = "cpu"
    screen_threads: int = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name))
        if not self.name.strip():
            raise ValueError("name must not be empty")
        if self.kind not in _KINDS:
            raise ValueError(f"kind must be {' or '.join(map(repr, _KINDS))}, not {self.kind!r}")
        if self.workers < 0:
            raise ValueError(f"workers must be 0 (one per core) or more, not {self.workers}")
        if self.heartbeat_seconds < 1:
            raise ValueError(f"heartbeat_seconds must be at least 1, not {self.heartbeat_seconds}")
        if not 0 < self.poll_seconds <= 10:
            raise ValueError(f"poll_seconds must lie between 0 and 10, not {self.poll_seconds}")
        if not re.fullmatch(r"cpu|(cuda|xpu)(:\d+)?", self.screen_device):
            raise ValueError(
                f"screen_device must be 'cpu' or a device such as 'cuda' or 'cuda:1', not {self.screen_device!r}"
            )
        if self.screen_threads < 1:
            raise ValueError(f"screen_threads must be at least 1, not {self.screen_threads}")
        if not self.stall_seconds >= 5:
            raise ValueError(f"stall_seconds must be at least 5, not {self.stall_seconds}")

    @property
    def worker_count(self) -> int:
        """Worker processes, with 0 resolved to the cores this process may use."""
        if self.kind == "inline":
            return 1
        return self.workers or usable_cores()

    @property
    def core_count(self) -> int:
        """Cores that one training task may use."""
        return usable_cores()


def usable_cores() -> int:
    """Return how many cores this process may use (its affinity, not the machine's size)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def preset_names() -> list[str]:
    """Return the names of the sites that come with the package."""
    folder = resources.files(__package__) / "sites"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load_site(name: str) -> Site:
    """Return the site called ``name``, or described by the TOML file of that path.

    Raises
    ------
    SiteError
        If there is no such preset or file, it is not TOML, or it has an unknown key or a wrong value.
    """
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise SiteError(f"The site file {path} does not exist.", "Check the path.")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SiteError(f"The site file {path} cannot be read: {error}.") from None
        return _parse(text, str(path), path.stem)
    if name not in preset_names():
        known = preset_names()
        close = difflib.get_close_matches(name, known, n=1)
        meant = f"Did you mean {close[0]!r}? " if close else ""
        raise SiteError(
            f"There is no site called {name!r}.",
            f"{meant}Known sites: {', '.join(known)}; or give the path of a TOML file.",
        )
    preset = resources.files(__package__) / "sites" / f"{name}.toml"
    return _parse(preset.read_text(encoding="utf-8"), f"the preset {name!r}", name)


def _parse(text: str, where: str, name: str) -> Site:
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SiteError(f"{where} is not valid TOML: {error}.") from None
    known = [field.name for field in fields(Site)]
    for key in values:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            meant = f"Did you mean {close[0]!r}?" if close else f"Known keys: {', '.join(known)}."
            raise SiteError(f"{where}: unknown key {key!r}.", meant)
    try:
        return Site(**{"name": name, **values})
    except ValueError as error:
        raise SiteError(f"{where}: {error}.") from None
