"""``schedtui token``: access tokens for the HTTP API.

Works on the store itself, so that the first token can be made before there is anything to log in
to, and by whoever may read the store's file anyway.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from schedtui.clock import from_us
from schedtui.models import Role
from schedtui_tui.commands.host import user
from schedtui_tui.commands.which_store import add_store_place, made_store_url, store_url
from schedtui_tui.exits import Exit, UsageError, note
from schedtui_tui.tables import moment_us, print_json, print_line, print_table

if TYPE_CHECKING:
    from schedtui.protocols import Store, Token


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui token``."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="create|list|revoke")
    create = verbs.add_parser("create", help="make a token and print it once")
    create.add_argument("--name", required=True, help="what the audit trail calls its user")
    create.add_argument(
        "--role",
        required=True,
        choices=[role.value for role in Role],
        help="viewer: reads; operator: also triggers, pauses and resumes; "
        "admin: also creates, edits and deletes",
    )
    create.add_argument(
        "--expires", metavar="DURATION", help="such as 90d; without it, when it is taken back"
    )
    create.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="GROUP",
        help="it sees and acts on this group only; may be given several times",
    )
    listing = verbs.add_parser("list", help="the tokens there are, without their secrets")
    revoke = verbs.add_parser("revoke", help="take a token back")
    revoke.add_argument("name", help="its name, as 'schedtui token list' shows it")
    for verb in (create, listing, revoke):
        verb.add_argument("--json", action="store_true", help="print one JSON document")
        add_store_place(verb)


def run(args: argparse.Namespace) -> int:
    """Do what was asked for to the tokens of a store."""
    if args.verb == "create":
        with _opened(made_store_url(args)) as store:
            return _create(store, args)
    with _opened(store_url(args), make=False) as store:
        return {"list": _list, "revoke": _revoke}[args.verb](store, args)


def _create(store: Store, args: argparse.Namespace) -> int:
    from schedtui.api.tokens import create_token
    from schedtui.triggers import parse_duration

    life = None if args.expires is None else parse_duration(args.expires, "--expires")
    secret = create_token(
        store, args.name, args.role, expires_in=life, groups=args.group, actor=user()
    )
    if args.json:
        told = {"name": args.name, "role": args.role, "groups": args.group or None}
        print_json({**told, "token": secret})
    else:
        print_line(secret)
        note("Keep it: it is shown this once. Give it as SCHEDTUI_TOKEN or in a --token-file.")
    return Exit.DONE


def _list(store: Store, args: argparse.Namespace) -> int:
    tokens = store.tokens()
    if args.json:
        print_json([_told(token) for token in tokens])
        return Exit.DONE
    print_table(
        ("NAME", "ROLE", "GROUPS", "CREATED", "EXPIRES"),
        [
            (one.name, one.role, _scope(one), moment_us(one.created_at_us), _expiry(one))
            for one in tokens
        ],
        empty="no token yet: 'schedtui token create --name NAME --role ROLE' makes one",
    )
    return Exit.DONE


def _revoke(store: Store, args: argparse.Namespace) -> int:
    from schedtui.api.tokens import revoke_token

    revoke_token(store, args.name, actor=user())
    if args.json:
        print_json({"name": args.name, "revoked": True})
    else:
        note(f"{args.name} is taken back; an engine that runs lets it in for at most 5 s more")
    return Exit.DONE


def _told(token: Token) -> dict[str, object]:
    expires = token.expires_at_us
    return {
        "name": token.name,
        "role": token.role,
        "groups": token.groups,
        "created_at": from_us(token.created_at_us),
        "expires_at": None if expires is None else from_us(expires),
    }


def _scope(token: Token) -> str:
    return "all" if token.groups is None else ", ".join(token.groups)


def _expiry(token: Token) -> str:
    if token.expires_at_us is None:
        return "never"
    gone = token.expires_at_us <= time.time_ns() // 1000
    return f"{'expired ' if gone else ''}{moment_us(token.expires_at_us)}"


@contextmanager
def _opened(url: str, *, make: bool = True) -> Iterator[Store]:
    """The store; an empty one where there is no file and none is to be made.

    Raises:
        UsageError: it is in the memory of an engine.
    """
    from schedtui.store import open_store
    from schedtui.store.sql.url import parse

    if url.startswith("memory:"):
        raise UsageError(
            f"{url}: the engine here keeps all in its memory, and tokens are made in a file: give "
            "the engine a store in one, or name one with --store"
        )
    if not make and url.startswith("sqlite:") and not parse(url).path.exists():
        url = "memory://"
    store = open_store(url)
    store.open(None)
    try:
        yield store
    finally:
        store.close()
