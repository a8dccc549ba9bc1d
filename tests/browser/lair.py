"""A server of another origin than the EHR's and ours, for hostile pages. In: HTML. Out: pages, by a real socket.

Never answered by the browser's own means: Chromium keeps such pages from loopback, and the test would see that instead.
"""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Lair(ThreadingHTTPServer):
    """Another origin, of the EHR's own site: a panel's partitioned cookie is there for its pages too."""

    daemon_threads = True
    html = ""

    @property
    def origin(self) -> str:
        """Its address; the host is the EHR's, the port is not."""
        return f"http://localhost:{self.server_address[1]}"


class LairPage(BaseHTTPRequestHandler):
    """Answers every address with the server's `html`."""

    server: Lair

    def do_GET(self) -> None:
        """A whole page."""
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(f"<!doctype html><title>Lure</title>{self.server.html}".encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""
