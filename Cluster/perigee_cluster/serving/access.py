"""Who may ask, and what a browser may do with an answer: an ASGI layer around everything."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = {"/", "/page.js", "/page.css", "/icon.svg", "/livez", "/readyz"}
"""What has no data in itself: the page asks for the token."""
QUERY_LIMIT = 4_096
BODY_LIMIT = 65_536
"""Octets of a request: the largest is a search with a polygon."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


class TokenError(ValueError):
    """A token file that cannot be used."""


def read_token(path: Path) -> str:
    """The token of a file: its first line, at least 16 characters; only its owner (and group) may read it."""
    if path.stat().st_mode & 0o007:
        raise TokenError(f"token file {path} may be read by everybody: chmod o= {path}")
    token = path.read_text(encoding="ascii").strip()
    if len(token) < 16 or any(character.isspace() for character in token):
        raise TokenError(f"token of {path} has {len(token)} characters, must be one word of at least 16")
    return token


def is_loopback(host: str) -> bool:
    """Whether nobody outside of this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Access:
    """Refuses requests without the token, under a foreign host name (DNS rebinding), or too long."""

    def __init__(self, app: ASGIApp, token: str | None, hosts: Sequence[str]) -> None:
        self._app = app
        self._token = None if token is None else hashlib.sha256(token.encode()).digest()
        self._hosts = set(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = POLICY
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, with_headers)
            return
        await self._app(scope, _bounded(receive), with_headers)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        name = host.rsplit(":", 1)[0].strip("[]") if host.count(":") < 2 or "]" in host else host
        if self._hosts and name not in self._hosts:
            return _answer(421, "host is not one of this service: give --host NAME to `perigee-cluster serve`")
        if len(scope["query_string"]) > QUERY_LIMIT:
            return _answer(414, f"the query has more than {QUERY_LIMIT} octets")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > BODY_LIMIT:
            return _answer(413, f"the body has more than {BODY_LIMIT} octets")
        if self._token is None or scope["path"] in OPEN:
            return None
        given = headers.get("authorization", "").removeprefix("Bearer ").encode("utf-8", "replace")
        if hmac.compare_digest(hashlib.sha256(given).digest(), self._token):
            return None
        answer = _answer(401, "a token is needed: Authorization: Bearer TOKEN")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer


def _bounded(receive: Receive) -> Receive:
    """A body that comes in pieces is counted too."""
    left = BODY_LIMIT

    async def bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            return {"type": "http.disconnect"}
        return message

    return bounded


def _answer(code: int, text: str) -> JSONResponse:
    return JSONResponse({"error": text}, code)
