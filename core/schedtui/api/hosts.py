"""The Host header: a web page that points its own name at this machine is not a client."""

from __future__ import annotations

from collections.abc import Iterable

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Hosts:
    """The names by which an engine may be called.

    Args:
        names: Besides those of loopback; without a port.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = _LOOPBACK | {host_of(name) for name in names if name}

    def allows(self, header: str | None, accepted_on: str | None) -> bool:
        """Whether a request with this header may be served.

        Args:
            header: The Host header.
            accepted_on: The address of this machine on which the connection came in. Naming it is
                safe: DNS rebinding needs a name.
        """
        if header is None:
            return False
        name = host_of(header)
        return name in self._names or (accepted_on is not None and name == accepted_on.lower())


def host_of(header: str) -> str:
    """The host in a ``host:port``, lower-cased, without brackets and the root's dot."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host = text if text.count(":") > 1 else text.partition(":")[0]
    return host.removesuffix(".")
