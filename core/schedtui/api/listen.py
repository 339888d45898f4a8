"""Where an engine listens: the rules on who may, and sockets bound before anything is served."""

from __future__ import annotations

import errno
import os
import socket
import stat
import weakref
from dataclasses import dataclass
from pathlib import Path

from schedtui.client.http_transport import is_loopback
from schedtui.errors import InvalidError, RefusedError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8787
_ANSWER_S = 1.0  # how long an engine on a Unix socket has to accept


@dataclass(frozen=True, kw_only=True, slots=True)
class Listen:
    """A TCP address, and what protects it."""

    host: str = DEFAULT_HOST
    """A name or an address; ``0.0.0.0`` and ``::`` mean every interface."""
    port: int = DEFAULT_PORT
    """0: any free one."""
    certfile: Path | None = None
    """TLS certificate chain, PEM."""
    keyfile: Path | None = None
    """The certificate's private key, PEM."""
    behind_proxy: str | None = None
    """The public host name of a proxy that speaks TLS to clients and HTTP to us."""
    insecure_http: bool = False
    """Tokens and data may cross the network in the clear."""
    names: tuple[str, ...] = ()
    """Further host names by which clients reach this engine."""

    @property
    def tls(self) -> bool:
        """Whether it speaks HTTPS itself."""
        return self.certfile is not None

    def url(self, port: int) -> str:
        """The URL for clients, with the port that was really bound."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{port}"

    def check(self, *, tokens: int) -> None:
        """Refuse what would open the engine to others unprotected.

        Args:
            tokens: How many access tokens exist.

        Raises:
            InvalidError: a port that cannot be, or half of a pair of TLS files.
            RefusedError: beyond loopback without a token, or without protection on the way.
        """
        if not 0 <= self.port <= 65_535:
            raise InvalidError.one("listen", self.port, "a port from 0 to 65535")
        if (self.certfile is None) != (self.keyfile is None):
            raise InvalidError.one("certfile", None, "both a certificate file and a key file")
        if is_loopback(self.host):
            return
        place = f"{self.host}:{self.port} can be reached from other machines"
        if not tokens:
            raise RefusedError(
                f"{place}, and no access token exists: create one with "
                "'schedtui token create --name NAME --role ROLE' first"
            )
        if not (self.tls or self.behind_proxy or self.insecure_http):
            raise RefusedError(
                f"{place}, where tokens must not travel in the clear: give TLS files "
                "(--certfile and --keyfile), or --behind-proxy HOST when a proxy speaks TLS for "
                "it, or --insecure-http to do it all the same"
            )


def bind_tcp(listen: Listen) -> list[socket.socket]:
    """Sockets on every address that ``listen.host`` means, all on one port. Blocks on DNS.

    Raises:
        InvalidError: the host has no address.
        RefusedError: the port is taken, or not ours to take.
    """
    try:
        found = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError):
        raise InvalidError.one(
            "listen", listen.host, "a host name or address of this machine"
        ) from None
    bound: list[socket.socket] = []
    port = listen.port
    failure: OSError | None = None
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            bound.append(_bind_one(family, (address[0], port, *address[2:])))
        except OSError as error:
            # "localhost" may name an IPv6 address on a machine without IPv6.
            failure = error
            if error.errno == errno.EADDRINUSE:
                break
            continue
        port = bound[0].getsockname()[1]
    if bound and (failure is None or failure.errno != errno.EADDRINUSE):
        return bound
    for one in bound:
        one.close()
    raise _refused(listen, failure)


def _bind_one(family: int, address: tuple[object, ...]) -> socket.socket:
    # Named, not 0: asyncio turns Nagle's delay off only for what says that it is TCP.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen(128)
        made.setblocking(False)
        _listening.add(made)
    except OSError:
        made.close()
        raise
    return made


def _refused(listen: Listen, failure: OSError | None) -> RefusedError:
    where = f"{listen.host}:{listen.port}"
    if failure is not None and failure.errno == errno.EADDRINUSE:
        return RefusedError(
            f"{where} is taken by another program: stop that one, or choose another address with "
            "--listen HOST:PORT (port 0 takes any free one)"
        )
    if failure is not None and failure.errno in {errno.EACCES, errno.EPERM}:
        return RefusedError(f"{where} needs more rights: choose a port above 1023")
    reason = failure.strerror if failure is not None else "it has no address"
    return RefusedError(f"cannot listen on {where}: {reason}")


def bind_unix(path: Path) -> socket.socket:
    """A Unix socket that only this user can reach: mode 0600 in a folder of mode 0700. Blocks.

    A socket that nobody answers on any more is replaced.

    Raises:
        RefusedError: an engine answers there, something else lies there, or the folder is open to
            others.
    """
    _check_folder(path.parent)
    if path.is_symlink() or path.exists():
        _remove_stale(path)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(str(path))
        # Nobody else could come in between: the folder is closed.
        path.chmod(0o600)
        made.listen(128)
        made.setblocking(False)
        _listening.add(made)
    except OSError as error:
        made.close()
        raise RefusedError(f"cannot listen on {path}: {error.strerror or error}") from None
    return made


def _check_folder(folder: Path) -> None:
    """Make the folder, or see that it is closed; one that is there is never changed."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise RefusedError(f"cannot use the folder {folder}: {error.strerror}") from None
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise RefusedError(
            f"the folder {folder} is open to other users, who could then reach the engine: choose "
            f"one of your own, or close it with 'chmod 700 {folder}'"
        )


def _remove_stale(path: Path) -> None:
    if path.is_symlink() or not stat.S_ISSOCK(path.lstat().st_mode):
        raise RefusedError(f"{path} is in the way and is not a socket: remove it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_ANSWER_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            raise RefusedError(f"cannot tell whether {path} is in use: {error}") from None
    raise RefusedError(f"an engine already answers on {path}: attach to it, or stop it first")


_listening: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def _close_in_child() -> None:
    """A forked child that outlives its engine would take connections that nobody answers."""
    for one in list(_listening):
        one.close()


os.register_at_fork(after_in_child=_close_in_child)
