"""Who may see the dashboard: its owner by a link, a cookie after that, and nothing from other sites."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .peers import Peer, peer_of

HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names under which a browser may ask, whatever the port: a tunnel may have another at its end."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_LET_IN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>docksieve</title>
<meta http-equiv="refresh" content="0;url=./"><p><a href="./">To the dashboard</a></p></html>
"""
_REFUSED = (
    "This page needs the link that docksieve printed when the dashboard started. "
    "docksieve dashboard CAMPAIGN --link prints it again.\n"
)
_OTHER_USER = "This dashboard belongs to another user of this machine, and only they may open it.\n"


class Gate:
    """The secret of the link, and that of the browsers let in.

    The link can be opened again and again by programs of the user whose dashboard it is. Where the system does not
    say whose program asks, it works once, and a new one takes its place: then a link that somebody else has read is
    of no use any more. Programs of other users are refused whatever they know.

    Parameters
    ----------
    announce : callable
        Called with a fresh token whenever one was used up.
    whose : callable, optional
        Says from the ports of client and server whose program asks.
    """

    def __init__(self, announce: Callable[[str], None], whose: Callable[[int, int], Peer] = peer_of) -> None:
        self._announce = announce
        self._whose = whose
        self._lock = threading.Lock()
        self._session = secrets.token_urlsafe(32)
        self.token = secrets.token_urlsafe(24)
        self.cookie = f"docksieve-{secrets.token_hex(4)}"
        """Its own name: cookies do not keep ports apart, and two dashboards may run on one machine."""

    def whose(self, client: int, server: int) -> Peer:
        """Return whose program asks."""
        return self._whose(client, server)

    def exchange(self, token: str, peer: Peer = Peer.UNKNOWN) -> str | None:
        """Return the value of the cookie for a token that is right; None if it is not, or is another user's."""
        with self._lock:
            if not secrets.compare_digest(token.encode(), self.token.encode()) or peer is Peer.OTHER:
                return None
            if peer is Peer.OWNER:
                return self._session
            self.token = secrets.token_urlsafe(24)
        self._announce(self.token)
        return self._session

    def knows(self, header: str) -> bool:
        """Tell whether a ``Cookie`` header is that of a browser that was let in."""
        try:
            found = SimpleCookie(header).get(self.cookie)
        except CookieError:
            return False
        return found is not None and secrets.compare_digest(found.value.encode(), self._session.encode())


class Guard:
    """Middleware that refuses whatever is not a reading request of a browser that was let in."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse, or pass on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        response = self._judge(scope)
        await (response or self._app)(scope, receive, guarded)

    def _judge(self, scope: Scope) -> Response | None:
        """Return the answer to a request that goes no further."""
        headers = Headers(scope=scope)
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse(
                "The dashboard only shows; it changes nothing.\n", 405, {"Allow": "GET, HEAD"}
            )
        if not _at_home(headers.get("host", "")):
            return PlainTextResponse("Ask for it as 127.0.0.1 or localhost.\n", 403)
        # Only GET, and only of the page: whoever looks ahead must not use the link up.
        asked = scope["query_string"] if (scope["method"], scope["path"]) == ("GET", "/") else b""
        token = parse_qs(asked.decode("latin-1")).get("token")
        if token:
            ends = (scope.get("client") or ("", 0), scope.get("server") or ("", 0))
            return self._let_in(token[0], self._gate.whose(*(int(end[1] or 0) for end in ends)))
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return PlainTextResponse("Other sites may not ask.\n", 403)
        if not self._gate.knows(headers.get("cookie", "")):
            return PlainTextResponse(_REFUSED, 403)
        return None

    def _let_in(self, token: str, peer: Peer) -> Response:
        value = self._gate.exchange(token, peer)
        if value is None:
            if peer is Peer.OTHER:
                return PlainTextResponse(_OTHER_USER, 403)
            return PlainTextResponse(_REFUSED, 403)
        # A page that goes on by itself, not a redirect: after one, a browser that followed a link from another
        # site (a terminal in a web page) would keep a strict cookie back.
        response = Response(_LET_IN, media_type="text/html")
        response.set_cookie(self._gate.cookie, value, httponly=True, samesite="strict", path="/")
        return response


def _at_home(host: str) -> bool:
    """Tell whether a ``Host`` header names this machine: a page elsewhere may have its own name lead here."""
    try:
        return urlsplit(f"//{host}").hostname in HOSTS
    except ValueError:
        return False
