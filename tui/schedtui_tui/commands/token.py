"""``schedtui token create``: an access token for the HTTP API.

Works on the store itself, so that the first token can be made before there is anything to log in
to, and by whoever may read the store's file anyway.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from schedtui.errors import StoreUnavailableError
from schedtui.locations import StateDir
from schedtui.models import Role
from schedtui_tui.commands.connect import folder_of
from schedtui_tui.commands.host import named_store, user
from schedtui_tui.exits import Exit, note
from schedtui_tui.tables import print_json, print_line


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui token``."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="create")
    create = verbs.add_parser("create", help="make a token and print it once")
    create.add_argument("--name", required=True, help="what the audit trail calls its user")
    create.add_argument(
        "--role",
        required=True,
        choices=[role.value for role in Role],
        help="viewer: reads; operator: also triggers, pauses and resumes; "
        "admin: also creates, edits and deletes",
    )
    create.add_argument("--json", action="store_true", help="print one JSON document")
    where = create.add_argument_group("which store")
    where.add_argument("--store", metavar="URL", help="such as sqlite:////srv/jobs/state.db")
    where.add_argument(
        "--target", metavar="TARGET", help="the store beside this target; default: this directory"
    )


def run(args: argparse.Namespace) -> int:
    """Create the token and print it."""
    from schedtui.api.tokens import create_token
    from schedtui.store import open_store

    url = args.store or _default_store(args.target)
    store = open_store(url)
    store.open(None)
    try:
        secret = create_token(store, args.name, args.role, actor=user())
    finally:
        store.close()
    if args.json:
        print_json({"name": args.name, "role": args.role, "token": secret})
    else:
        print_line(secret)
        note("Keep it: it is shown this once. Give it as SCHEDTUI_TOKEN or in a --token-file.")
    return Exit.DONE


def _default_store(target: str | None) -> str:
    from schedtui.target.find import show
    from schedtui.target.settings import FILE_NAME, read_settings, settings_in

    folder = folder_of(target)
    shown = show(folder / FILE_NAME, Path.cwd())
    settings = settings_in(folder, shown)
    if settings is not None:
        named = named_store(read_settings(settings, shown))
        if named is not None:
            return named
    state = StateDir.beside(folder)
    try:
        return state.create().store_url
    except OSError as error:
        raise StoreUnavailableError(f"{state.path}: {error.strerror}") from error
