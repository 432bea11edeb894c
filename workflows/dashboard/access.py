"""Who may see the dashboard: a link that works once, a cookie after that, and nothing from other sites."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
    "This page needs the link that docksieve printed when the dashboard started, or the newer one below it: "
    "each works once.\n"
)


class Gate:
    """The secret of the link, and that of the browsers let in.

    Parameters
    ----------
    announce : callable
        Called with a fresh token whenever one was used up.
    """

    def __init__(self, announce: Callable[[str], None]) -> None:
        self._announce = announce
        self._lock = threading.Lock()
        self._session = secrets.token_urlsafe(32)
        self.token = secrets.token_urlsafe(24)
        self.cookie = f"docksieve-{secrets.token_hex(4)}"
        """Its own name: cookies do not keep ports apart, and two dashboards may run on one machine."""

    def exchange(self, token: str) -> str | None:
        """Return the value of the cookie for a token that is right and was not used yet."""
        with self._lock:
            if not secrets.compare_digest(token.encode(), self.token.encode()):
                return None
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
            return self._let_in(token[0])
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return PlainTextResponse("Other sites may not ask.\n", 403)
        if not self._gate.knows(headers.get("cookie", "")):
            return PlainTextResponse(_REFUSED, 403)
        return None

    def _let_in(self, token: str) -> Response:
        value = self._gate.exchange(token)
        if value is None:
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
