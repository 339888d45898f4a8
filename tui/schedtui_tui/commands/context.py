"""``schedtui context``: names for remote engines."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from schedtui.errors import ConflictError, NotFoundError
from schedtui_tui import contexts
from schedtui_tui.commands import kept_tokens
from schedtui_tui.contexts import Context, Contexts
from schedtui_tui.exits import Exit, UsageError
from schedtui_tui.tables import print_json, print_line, print_table


class ContextNotFoundError(NotFoundError):
    """There is no context of this name."""

    kind = "context"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui context``."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|list|use|remove")
    add = verbs.add_parser("add", help="name a remote engine, for --connect NAME")
    add.add_argument("name", metavar="NAME")
    add.add_argument("url", metavar="URL", help="http(s)://HOST:PORT, with or without a path")
    add.add_argument(
        "--token-file",
        metavar="FILE",
        type=Path,
        help="a file that holds its access token; it stays where it is",
    )
    add.add_argument("--replace", action="store_true", help="change one that is there")
    listing = verbs.add_parser("list", help="the contexts there are")
    use = verbs.add_parser("use", help="let commands that name no engine mean this one")
    use.add_argument("name", nargs="?", metavar="NAME")
    use.add_argument("--none", action="store_true", help="the engine of the directory again")
    remove = verbs.add_parser("remove", help="forget one, and the token that was kept for it")
    remove.add_argument("name", metavar="NAME")
    for verb in (add, listing, use, remove):
        verb.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Do what was asked for to the contexts of this user."""
    found = contexts.read()
    if args.verb == "list":
        return _list(found, args)
    changed, said = {"add": _add, "use": _use, "remove": _remove}[args.verb](found, args)
    contexts.write(changed)
    if args.json:
        print_json(_document(changed))
    else:
        print_line(said)
    return Exit.DONE


def _add(found: Contexts, args: argparse.Namespace) -> tuple[Contexts, str]:
    from schedtui.client.http import HttpClient

    name = contexts.check_name(args.name)
    if name in found.by_name and not args.replace:
        raise ConflictError(f"there is a context {name!r} already; --replace changes it")
    HttpClient(args.url)  # refuses what is no URL
    file = args.token_file.absolute() if args.token_file else None
    if file is not None and not file.is_file():
        raise UsageError(f"--token-file {args.token_file}: there is no such file")
    made = Context(name=name, url=args.url, token_file=file)
    used = made if found.used and found.used.name == name else found.used
    changed = Contexts(by_name={**found.by_name, name: made}, used=used)
    return changed, f"{name} is {args.url}; `schedtui --connect {name}` opens the console on it"


def _use(found: Contexts, args: argparse.Namespace) -> tuple[Contexts, str]:
    if (args.name is None) != args.none:
        raise UsageError("expected either NAME or --none")
    if args.none:
        said = "commands that name no engine mean the one of their directory"
        return replace(found, used=None), said
    used = _one(found, args.name)
    said = (
        f"commands that name no engine mean {used.name} ({used.url}); `--target .` means this one"
    )
    return replace(found, used=used), said


def _remove(found: Contexts, args: argparse.Namespace) -> tuple[Contexts, str]:
    gone = _one(found, args.name)
    rest = {name: one for name, one in found.by_name.items() if name != gone.name}
    if all(one.url.rstrip("/") != gone.url.rstrip("/") for one in rest.values()):
        kept_tokens.forget(gone.url)
    used = None if found.used == gone else found.used
    return Contexts(by_name=rest, used=used), f"{gone.name} is forgotten"


def _one(found: Contexts, name: str) -> Context:
    if name not in found.by_name:
        raise ContextNotFoundError(name, "`schedtui context list` lists them")
    return found.by_name[name]


def _list(found: Contexts, args: argparse.Namespace) -> int:
    if args.json:
        print_json(_document(found))
        return Exit.DONE
    print_table(
        ("NAME", "URL", "TOKEN", "USED"),
        [
            (one.name, one.url, _token(one), "yes" if one == found.used else "")
            for one in found.by_name.values()
        ],
        empty="no context yet: 'schedtui context add NAME URL' makes one",
    )
    return Exit.DONE


def _token(context: Context) -> str:
    if context.token_file is not None:
        return str(context.token_file)
    return "kept" if kept_tokens.find(context.url) else ""


def _document(found: Contexts) -> list[dict[str, object]]:
    return [
        {
            "name": one.name,
            "url": one.url,
            "token_file": None if one.token_file is None else str(one.token_file),
            "used": one == found.used,
        }
        for one in found.by_name.values()
    ]
