"""Whose program asks, and where the link is kept for its owner alone."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docksieve.data.errors import ConfigError
from docksieve.workflows.dashboard.links import KeptLink, kept_links, link_folder, running_links
from docksieve.workflows.dashboard.peers import Peer, peer_of


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A campaign's folder, and a home of its own for what is kept."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "campaign"


@pytest.fixture
def connection() -> Iterator[tuple[int, int]]:
    """The ports of client and server of a connection within this process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", server)) as client:
            accepted, _ = listener.accept()
            with accepted:
                yield client.getsockname()[1], server


def test_the_system_says_whose_program_asks(connection: tuple[int, int], tmp_path: Path) -> None:
    assert peer_of(*connection) is Peer.OWNER
    assert peer_of(connection[1], connection[0]) is Peer.OWNER  # the server's own end
    assert peer_of(connection[0], 1) is Peer.UNKNOWN
    assert peer_of(*connection, tmp_path / "gone") is Peer.UNKNOWN
    client, server = connection
    table = tmp_path / "tcp"
    for user, expected in (
        (os.getuid() + 1, Peer.OTHER),
        (0, Peer.OWNER if os.getuid() == 0 else Peer.UNKNOWN),
    ):
        row = f"   0: 0100007F:{client:04X} 0100007F:{server:04X} 01 00000000:00000000 00:00000000 00000000 {user} 0 1"
        table.write_text(f"  sl  local_address rem_address st\n{row}\n")
        assert peer_of(client, server, table) is expected


def test_a_kept_link_is_for_the_owner_alone_and_goes_with_the_dashboard(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"No dashboard of .* runs on"):
        running_links(root)
    old = os.umask(0)
    try:
        one, other = KeptLink(root, 1), KeptLink(tmp_path, 2)
    finally:
        os.umask(old)
    one.keep("first")
    one.keep("second")
    other.keep("elsewhere")
    (file,) = link_folder().glob("*-1.json")
    assert file.stat().st_mode & 0o777 == 0o600 and link_folder().stat().st_mode & 0o777 == 0o700
    assert running_links(root) == ["second"]
    one.close()
    assert not file.exists() and list(kept_links(root)) == [] and list(kept_links(tmp_path)) == ["elsewhere"]
    other.close()


def test_a_link_of_a_dashboard_that_was_killed_is_not_told(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    kept = KeptLink(root, 3)
    monkeypatch.setattr("os.getpid", lambda: dead.pid)
    kept.keep("gone")
    assert list(kept_links(root)) == [] and not list(link_folder().glob("*"))
    KeptLink(root, 3).close()


def test_a_link_file_laid_in_the_way_is_not_written_through(root: Path, tmp_path: Path) -> None:
    KeptLink(root, 4).close()
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (link_folder() / f"{platform.node()}-4.json").symlink_to(victim)
    kept = KeptLink(root, 4)
    kept.keep("secret")
    kept.close()
    assert victim.read_text() == "untouched"
