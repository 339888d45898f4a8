"""Who does something, and from where."""

from __future__ import annotations


class Actor(str):
    """A name for the audit trail that also knows the network address it came from.

    A plain `str` is one without an address: what a program or this machine's own user does.
    """

    address: str
    """Where from; empty for what came from this machine's own programs."""

    def __new__(cls, name: str, address: str = "") -> Actor:
        """Who ``name`` is, and where; ``address`` is empty where that is here."""
        made = super().__new__(cls, name)
        made.address = address
        return made


def address_of(actor: str) -> str:
    """The network address that an actor came from; empty where there is none."""
    return actor.address if isinstance(actor, Actor) else ""
