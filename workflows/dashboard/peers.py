"""Whose program is at the other end of a connection from this machine."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path

TABLE = Path("/proc/net/tcp")
"""Linux lists here every TCP socket of the machine, with the user who opened it."""

_LOOPBACK = "0100007F"


class Peer(Enum):
    """Who asks."""

    OWNER = "owner"
    """A program of the user whose dashboard it is: a browser here, or the end of that user's tunnel."""
    OTHER = "other"
    """A program of another user of this machine."""
    UNKNOWN = "unknown"
    """The system does not say, or it is a program of the administrator that may speak for anybody."""


def peer_of(client: int, server: int, table: Path = TABLE) -> Peer:
    """Return whose program holds the client's end of a connection over 127.0.0.1.

    Parameters
    ----------
    client, server : int
        Ports of both ends.
    table : Path
        The system's table of sockets.
    """
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except (OSError, ValueError):  # no Linux, or hidden from us
        return Peer.UNKNOWN
    ends = [f"{_LOOPBACK}:{port:04X}" for port in (client, server)]
    for line in lines:
        fields = line.split()
        if len(fields) > 7 and fields[1:3] == ends and fields[7].isdigit():
            user = int(fields[7])
            if user == os.getuid():
                return Peer.OWNER
            return Peer.OTHER if user else Peer.UNKNOWN
    return Peer.UNKNOWN
