"""In whose name a call is made where the other end takes this one's word: on a Unix socket."""

from __future__ import annotations

from urllib.parse import quote, unquote

ACTOR_HEADER = "Schedtui-Actor"
ADDRESS_HEADER = "Schedtui-Address"
"""Heard on an engine's Unix socket only, whose caller is the engine's own user in any case."""
_MOST = 200  # characters of a name


def header_of(actor: str) -> str:
    """A name as a header's value."""
    return quote(actor[:_MOST], safe=" :@+")


def actor_of(header: str) -> str:
    """The name in a header's value; empty where there is none to be shown."""
    return "".join(char for char in unquote(header)[:_MOST] if char.isprintable()).strip()
