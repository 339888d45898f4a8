"""``schedtui serve``: an engine without a screen."""

from __future__ import annotations

import argparse
import logging
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from schedtui.locations import StateDir
from schedtui_tui.commands.connect import folder_of
from schedtui_tui.commands.console import add_store_options, check_target
from schedtui_tui.commands.host import DIED, GRACE_S, TRIM_EVERY_S, Host, tune
from schedtui_tui.exits import CutShort, Exit, UsageError, tell
from schedtui_tui.logfile import log_to
from schedtui_tui.signals import Signals
from schedtui_tui.tables import print_line
from schedtui_tui.voice import Voice

if TYPE_CHECKING:
    from schedtui.api import Listen
    from schedtui.target import Target

DEFAULT_LISTEN = "127.0.0.1:8787"

logger = logging.getLogger("schedtui.serve")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``schedtui serve``."""
    parser.add_argument(
        "target",
        nargs="?",
        metavar="TARGET",
        help="a file, a folder, a module or module:engine; default: schedtui.toml or jobs.py here",
    )
    add_store_options(parser)
    parser.add_argument(
        "--grace",
        type=_seconds,
        default=GRACE_S,
        metavar="SECONDS",
        help=f"what running jobs get to end when it is stopped ({GRACE_S:.0f})",
    )
    parser.add_argument(
        "--paused",
        action="store_true",
        help="claim nothing until somebody resumes the engine: `schedtui resume --engine`",
    )
    where = parser.add_argument_group("where it listens")
    where.add_argument(
        "--listen",
        metavar="HOST:PORT",
        help="default: what schedtui.toml says, else 127.0.0.1:8787; port 0 takes any free one",
    )
    where.add_argument(
        "--no-listen", action="store_true", help="on the Unix socket only, for this user"
    )
    where.add_argument("--certfile", type=Path, metavar="FILE", help="TLS certificates, PEM")
    where.add_argument("--keyfile", type=Path, metavar="FILE", help="the private key, PEM")
    where.add_argument(
        "--behind-proxy", metavar="HOST", help="a proxy speaks TLS for it, under this name"
    )
    where.add_argument(
        "--insecure-http",
        action="store_true",
        help="beyond this machine without TLS: tokens can be read on the way",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise argparse.ArgumentTypeError(f"got {text!r}; expected seconds, 0 or more")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Run the engine until a signal ends it."""
    if args.no_listen and args.listen:
        raise UsageError("--listen and --no-listen contradict each other")
    check_target(args.target)
    signals = Signals()
    voice = Voice()
    log_to(voice.err)
    named: list[str] = [args.listen] if args.listen else []
    if named:
        _listen(args, *named)  # a wrong one is told before anything is loaded

    def load() -> Target:
        from schedtui.target import load_target

        target = load_target(args.target, cwd=Path.cwd())
        named.extend(filter(None, [target.settings.listen]))
        return target

    state = StateDir.beside(folder_of(args.target))
    host = Host(
        load,
        state=state,
        store=args.store,
        timezone=args.timezone,
        reload=not args.no_reload,
        paused=args.paused,
    )

    def keep() -> None:
        voice.keep(host.state.log)
        log_to(voice.err)

    started = False
    # The target's own code may hang, or the store; nothing runs that would have to end in order.
    signals.at_once = True
    try:
        try:
            host.open(keep, address=lambda: None if args.no_listen else _listen(args, *named[:1]))
            signals.at_once = False
            host.listen()
            tune()
            _announce(host, voice.out)
            host.on_death = signals.wake
            while not host.died and not signals.wait(TRIM_EVERY_S):
                voice.trim()
            if not host.died:
                logger.info(host.stopping(args.grace))
        finally:
            started = host.is_open
            signals.at_once, signals.hurry = False, True
            host.close(args.grace)
    except KeyboardInterrupt:
        if started:
            logger.warning("stopped at once by a second signal; runs that were active are lost")
            raise CutShort from None
        logger.warning("stopped by a signal while it was starting; nothing has run")
        return Exit.INTERRUPTED
    else:
        if not host.died:
            logger.info("stopped")
            return Exit.DONE
    finally:
        voice.release()
        log_to()
    tell(DIED)
    return Exit.FAILED


def _listen(args: argparse.Namespace, address: str = DEFAULT_LISTEN) -> Listen:
    from schedtui.api import Listen

    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isascii() and port.isdecimal()):
        raise UsageError(f"--listen: got {address!r}; expected HOST:PORT, such as {DEFAULT_LISTEN}")
    return Listen(
        host=host.removeprefix("[").removesuffix("]"),
        port=int(port),
        certfile=args.certfile,
        keyfile=args.keyfile,
        behind_proxy=args.behind_proxy,
        insecure_http=args.insecure_http,
    )


def _announce(host: Host, out: TextIO) -> None:
    """Say what a person needs to know now: where it is, what it runs, how to get in."""
    info = host.info()
    jobs = "1 job" if info.jobs == 1 else f"{info.jobs} jobs"
    print_line(f"schedtui {info.version}: {jobs}, process {info.pid}", out)
    if host.url:
        print_line(f"listening on {host.url}", out)
    if info.paused:
        why = f": {info.pause_reason}" if info.pause_reason else ""
        print_line(f"paused by {info.paused_by}{why}; `schedtui resume --engine` resumes it", out)
    print_line(f"socket: {host.state.socket}", out)
    print_line(f"store: {info.store}", out)
    if host.url and not host.engine.store.tokens():
        print_line("no access token exists yet, so only this user gets in, by the socket", out)
        if not info.store.startswith("memory:"):
            print_line(f"make one: {_token_command(info.store)}", out)
    out.flush()


def _token_command(store: str) -> str:
    """What to type in another terminal, in this directory."""
    words = ["schedtui", "token", "create", "--name", "me", "--role", "admin"]
    if store != StateDir.beside(Path.cwd()).store_url:
        words += ["--store", store]
    return shlex.join(words)
