"""``docksieve dashboard``: a campaign in the browser, live, on this machine only."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import getpass
import platform
import shlex
import socket
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from ...data.errors import ConfigError, DocksieveError
from .access import Gate
from .links import KeptLink
from .watch import Watch

ADDRESS = "127.0.0.1"
PORT = 8642
"""Where the dashboard is, unless another was asked for or this one is taken."""


def serve(campaign: str | Path, port: int | None = None, say: Callable[[str], None] = print) -> None:
    """Serve the dashboard of a campaign until interrupted. Nothing in the campaign is changed.

    Parameters
    ----------
    campaign : path
        Its folder or its TOML file.
    port : int, optional
        Port on the loopback interface; 0: any that is free. If not given, 8642, or any if that is taken.
    say : callable
        Told, line by line, where the dashboard is.

    Raises
    ------
    CampaignError
        If there is no campaign.
    ConfigError
        If the port cannot be had.

    Examples
    --------
    >>> docksieve.serve("campaign")  # doctest: +SKIP
    >>> docksieve.serve("nowhere")
    Traceback (most recent call last):
        ...
    CampaignError: There is no campaign at nowhere. ...
    """
    import uvicorn

    from .app import application

    watch = Watch(campaign)
    watch.now()
    with bound(port) as listener:
        number = int(listener.getsockname()[1])

        def announce(token: str) -> None:
            say(
                f"The link was used. It works once, since this system does not tell whose browser asks. "
                f"The new one: {link(number, token)}"
            )
            keep()

        def keep() -> None:
            if kept is not None:
                kept.keep(link(number, gate.token))

        gate = Gate(announce)
        kept = _kept_link(watch.root, number, say)
        keep()
        if port is None and number != PORT:
            say(f"Port {PORT} is taken; using {number}.")
        for line in welcome(watch.root, number, gate.token):
            say(line)
        config = uvicorn.Config(
            application(watch, gate),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            proxy_headers=False,  # nobody may claim to be another end of the connection
            timeout_graceful_shutdown=2,
        )
        Thread(target=_warm, args=(watch,), daemon=True).start()
        try:
            asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))
        except KeyboardInterrupt:
            say("The dashboard is closed. The campaign is not touched by that.")
        finally:
            watch.close()
            if kept is not None:
                kept.close()


def _kept_link(root: Path, port: int, say: Callable[[str], None]) -> KeptLink | None:
    """Return where the link is kept for ``--link``; None, and a sentence, where nothing private can be written."""
    try:
        return KeptLink(root, port)
    except OSError as error:
        say(f"The link cannot be kept for --link: {error}.")
        return None


def _warm(watch: Watch) -> None:
    """Read what the first question reads, while the browser is being opened."""
    from ..hits.ask import hit_sources

    with contextlib.suppress(DocksieveError, OSError):  # whoever asks will be told
        moment = watch.now()
        for target in moment.campaign.targets:
            hit_sources(moment.campaign_receipts, target)


def bound(port: int | None) -> socket.socket:
    """Return a socket of the loopback interface that listens.

    Raises
    ------
    ConfigError
        If ``port`` was asked for and cannot be had.
    """
    if port is not None and not 0 <= port <= 65535:
        raise ConfigError(f"There is no port {port}.", "Ports go from 1 to 65535; 0 takes any that is free.")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # After a restart the port is free at once; on Linux this lets nobody share it with a listener.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        _bind(listener, PORT if port is None else port, port is None)
        listener.listen(128)
    except OSError as error:
        listener.close()
        taken = (
            "is taken by another program"
            if error.errno == errno.EADDRINUSE
            else f"cannot be had: {error.strerror}"
        )
        raise ConfigError(f"Port {port} {taken}.", "Leave out --port, and a free one is chosen.") from None
    return listener


def _bind(listener: socket.socket, port: int, any_other: bool) -> None:
    try:
        listener.bind((ADDRESS, port))
    except OSError as error:
        if not any_other or error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        listener.bind((ADDRESS, 0))


def link(port: int, token: str) -> str:
    """Return the address that lets a browser in."""
    return f"http://{ADDRESS}:{port}/?token={token}"


def welcome(root: Path, port: int, token: str) -> list[str]:
    """Return what to say at the start: where the dashboard is, and how to reach it from elsewhere."""
    there = shlex.quote(f"{_user()}@{platform.node()}")
    return [
        f"Dashboard of {root}",
        f"  open    {link(port, token)}",
        "          (keep the link to yourself; it works until the dashboard is stopped, for programs of yours alone,",
        "          and is printed again by docksieve dashboard CAMPAIGN --link)",
        f"  remote  ssh -N -L {port}:{ADDRESS}:{port} {there}",
        "          on your own machine first, then open the link there",
        "  stop    Ctrl-C",
    ]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in some containers
        return "USER"
