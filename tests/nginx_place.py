"""A real nginx that speaks TLS, below a prefix, for an engine on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme

HOST = "jobs.example"
"""The public name under which the engine is told that it is called."""
PREFIX = "/sched"
# What core/README.md shows, with the files and the port of a test around it.
_CONFIG = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/chain.pem;
        ssl_certificate_key {folder}/key.pem;
        location {prefix}/ {{
            proxy_pass {engine}/;
            proxy_redirect / {prefix}/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host {host};
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_read_timeout 1h;
        }}
    }}
}}
"""


@dataclass(frozen=True, kw_only=True)
class Proxied:
    """An engine behind nginx."""

    url: str
    ca: Path
    """The authority that signed its certificate."""


def find_nginx() -> str | None:
    """The program; Debian has it where only root looks."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def nginx_before(engine: str, folder: Path) -> Iterator[Proxied]:
    """nginx in front of the engine at the URL ``engine``, with its files in ``folder``."""
    folder.mkdir()
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "chain.pem").write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    text = _CONFIG.format(folder=folder, port=port, engine=engine, host=HOST, prefix=PREFIX)
    # As root its workers become another user, who cannot write where the tests may.
    text = f"user root;\n{text}" if os.geteuid() == 0 else text
    (folder / "nginx.conf").write_text(text)
    program = find_nginx()
    assert program is not None
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        _await(port, process, folder)
        yield Proxied(url=f"https://localhost:{port}{PREFIX}", ca=folder / "ca.pem")
    finally:
        process.terminate()
        process.wait(20)


def _await(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        assert process.poll() is None, (folder / "error.log").read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise AssertionError("nginx does not listen")
