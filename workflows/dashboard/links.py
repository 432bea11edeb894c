"""The link of a running dashboard, kept where only its owner can read it, so that it can be asked for again."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import stat
from collections.abc import Iterator
from pathlib import Path

from ...data.errors import ConfigError


def link_folder() -> Path:
    """Return the user's private folder of links."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "docksieve" / "dashboards"


def _is_private(folder: Path) -> bool:
    """Return whether a folder is the user's own and closed to all others."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


class KeptLink:
    """A file with one dashboard's link, which only its owner can read.

    Parameters
    ----------
    root : Path
        The campaign folder.
    port : int

    Raises
    ------
    OSError
        If no private file can be made.
    """

    def __init__(self, root: Path, port: int) -> None:
        folder = link_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        if not _is_private(folder):
            raise PermissionError(f"{folder} is not private")
        # The home may be shared by many machines: each has files of its own.
        self._path = folder / f"{platform.node()}-{port}.json"
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()  # of a dashboard that was killed: the port is ours now
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._path, flags, 0o600), "w", encoding="utf-8")
        self._root = root

    def keep(self, link: str) -> None:
        """Write the link that is good now."""
        self._file.seek(0)
        self._file.truncate()
        json.dump({"campaign": str(self._root), "link": link, "pid": os.getpid()}, self._file)
        self._file.flush()

    def close(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        self._file.close()


def kept_links(root: Path) -> Iterator[str]:
    """Yield the links of the user's dashboards of a campaign that run on this machine."""
    folder = link_folder()
    if not _is_private(folder):
        return
    for path in sorted(folder.glob(f"{platform.node()}-*.json")):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if not _runs(int(found["pid"])):
                path.unlink()  # it was killed, and could not clean up
            elif found["campaign"] == str(root):
                yield str(found["link"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # going away at this moment


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def running_links(root: Path) -> list[str]:
    """Return the links of the dashboards that this user runs for a campaign on this machine.

    Raises
    ------
    ConfigError
        If there is none.
    """
    links = list(kept_links(root))
    if not links:
        raise ConfigError(
            f"No dashboard of {root} runs on {platform.node()} under your name.",
            "Start one: docksieve dashboard CAMPAIGN. On a cluster, ask on the node where it was started.",
        )
    return links
