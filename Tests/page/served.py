"""The pages, as the daemons would serve them."""

import base64
import hashlib
import http.server
import threading
from pathlib import Path
from types import TracebackType

PARTS = Path(__file__).resolve().parents[2] / "Sources" / "PerigeePage" / "Parts"
SHARED = ("text.js", "document.js", "connection.js")
STYLES = {"station": ("shared.css", "station.css"), "gateway": ("shared.css",)}
SCRIPTS = {"station": (*SHARED, "chart.js", "station.js"), "gateway": (*SHARED, "gateway.js")}


def page(kind: str) -> tuple[bytes, str]:
    """HTML and policy, put together as PerigeePage does it."""
    style = b"".join((PARTS / name).read_bytes() for name in STYLES[kind])
    script = b"".join((PARTS / name).read_bytes() for name in SCRIPTS[kind])
    html = (PARTS / f"{kind}.html").read_bytes()
    for marker, text in (
        (b"<!--marks-->", (PARTS / "marks.svg").read_bytes()),
        (b"/*style*/", style),
        (b"/*script*/", script),
    ):
        assert html.count(marker) == 1
        html = html.replace(marker, text)

    def source(text: bytes) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text).digest()).decode() + "'"

    policy = (
        f"default-src 'none'; script-src {source(script)}; style-src {source(style)}; connect-src 'self';"
        " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return html, policy


class Served:
    """Both pages on ports of their own."""

    def __enter__(self) -> "Served":
        self._servers = {kind: self._start(kind) for kind in STYLES}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    def address(self, kind: str) -> str:
        return f"http://127.0.0.1:{self._servers[kind].server_port}"

    @staticmethod
    def _start(kind: str) -> http.server.ThreadingHTTPServer:
        html, policy = page(kind)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(html)

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server
