"""Real servers on this machine that alerts are sent to."""

from __future__ import annotations

import contextlib
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hook(ThreadingHTTPServer):
    """Keeps what it gets, and answers what it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _HookHandler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.gate = threading.Event()
        """While it is not set, nobody is answered."""
        self.gate.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?key=hidden"


class _HookHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["content-length"]))
        server.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
        server.gate.wait(20)
        self.send_response(server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is called there
        pass


class Mail(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as smtplib needs."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _MailHandler)
        self.got: list[tuple[list[str], Message]] = []
        self.refuse = ""
        """An address that it does not take mail for."""
        self.drips_at = ""
        """The command, or ``greeting``, that it answers without end, a byte at a time."""
        self.tls: ssl.SSLContext | None = None
        """In which it speaks from the first byte on; None: in none."""
        self.over = threading.Event()
        """Ends that."""

    def get_request(self) -> Any:
        connection, address = super().get_request()
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True)
        return connection, address

    def server_close(self) -> None:
        self.over.set()
        super().server_close()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _MailHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: Any = self.server
        to: list[str] = []
        if server.drips_at == "greeting":
            return self._drip()
        self._say("220 here")
        while line := self.rfile.readline():
            word = line.decode().strip()
            verb = word[:4].upper()
            if verb == server.drips_at:
                return self._drip()
            if verb == "RCPT":
                address = word.partition("<")[2].partition(">")[0]
                if address == server.refuse:
                    self._say("550 nobody")
                    continue
                to.append(address)
            if verb == "DATA":
                self._say("354 go on")
                lines = []
                while (part := self.rfile.readline()) != b".\r\n":
                    lines.append(part)
                server.got.append((to, message_from_bytes(b"".join(lines))))
                to = []
            self._say("221 bye" if verb == "QUIT" else "250 ok")
            if verb == "QUIT":
                return None
        return None

    def _drip(self) -> None:
        server: Any = self.server
        with contextlib.suppress(OSError):
            while not server.over.wait(0.02):
                self._say("250-x")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Serve for the time of the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
