"""Policies on the command line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from schedtui.errors import InvalidError
from schedtui_tui.exits import UsageError
from schedtui_tui.policy_text import OPTIONS, Kind, Option, read

if TYPE_CHECKING:
    from schedtui.models import Policies

_METAVARS = {
    Kind.COUNT: "N",
    Kind.DURATION: "DURATION",
    Kind.NAME: "NAME",
    Kind.NAMES: "NAMES",
    Kind.NUMBER: "NUMBER",
    Kind.PERIOD: "FORM",
}


def add_policy_options(parser: argparse.ArgumentParser) -> None:
    """``--overlap``, ``--retries`` and so on."""
    group = parser.add_argument_group("policies; what is not given is the group's or the engine's")
    for option in OPTIONS:
        if option.kind is Kind.SWITCH:
            group.add_argument(
                option.flag,
                dest=option.field,
                action=argparse.BooleanOptionalAction,
                default=None,
                help=option.help,
            )
        else:
            group.add_argument(
                option.flag,
                dest=option.field,
                choices=option.choices or None,
                metavar=_METAVARS.get(option.kind),
                help=option.help,
            )


def read_policies(args: argparse.Namespace) -> Policies:
    """The policies that were given.

    Raises:
        UsageError: values that cannot be, each with its option.
    """
    try:
        return read({option.field: getattr(args, option.field) for option in OPTIONS})
    except InvalidError as error:
        problems = [
            f"{flag_of(one.field)}: got {one.got!r}; expected {one.expected}"
            for one in error.errors
        ]
        raise UsageError("\n".join(problems)) from None


def flag_of(field: str) -> str:
    """The option that says a policy: ``--retry-delay`` for ``policies.retry_delay_s``."""
    name = field.rpartition(".")[2]
    found: list[Option] = [option for option in OPTIONS if option.field == name]
    return found[0].flag if found else field
