"""The rules for names of groups, functions and jobs, and for tags."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable

from schedtui.errors import FieldError, InvalidError, InvalidNameError, shorten, shorten_value

MAX_NAME = 128
MAX_TAGS = 50
MAX_REASON = 1_000
"""Characters of the reason of a pause or a cancellation."""
MAX_KEY = 200
EXPECTED = f"1 to {MAX_NAME} characters without '/' and without control characters"


def check_name(field: str, name: object) -> str:
    """``name`` itself, when it may name a group, function or job.

    Raises:
        InvalidNameError: it is not a string, empty, too long, ``.`` or ``..`` (which no URL can
            carry as a path segment), holds a slash, a control or a bidi-override character, or
            nothing that can be seen.
    """
    if isinstance(name, str) and _is_plain(name):
        return name
    if (
        not isinstance(name, str)
        or not 1 <= len(name) <= MAX_NAME
        or name.strip() != name
        or name in {".", ".."}
        or not any(unicodedata.category(char)[0] in "LMNPS" for char in name)
        or any(char == "/" or unicodedata.category(char) in {"Cc", "Cs"} for char in name)
        or any("\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069" for char in name)
    ):
        expected = f"{EXPECTED}, not '.' or '..', no spaces around it"
        raise InvalidNameError(
            f"{field}: got {shorten(name)}; expected {expected}",
            (FieldError(field=field, got=shorten_value(name), expected=expected),),
        )
    return name


def check_groups(groups: Collection[str] | None, field: str = "groups") -> frozenset[str] | None:
    """The groups that are meant; None: all.

    Args:
        groups: Their names.
        field: What errors call them.

    Raises:
        InvalidError: there is none, or one cannot be.
    """
    if groups is None:
        return None
    if not groups or isinstance(groups, str):
        raise InvalidError.one(field, groups, "names of groups, one at least")
    return frozenset(check_name(field, group) for group in groups)


def _is_plain(name: str) -> bool:
    """Whether a name is fine at a glance; most are, and the long look takes ten times as long."""
    return (
        0 < len(name) <= MAX_NAME
        and name.isascii()
        and name.isprintable()
        and name[0] not in " ."
        and name[-1] != " "
        and "/" not in name
    )


def check_reason(reason: str) -> None:
    """Refuse a reason that is a document.

    Raises:
        InvalidError: it is longer than `MAX_REASON`.
    """
    if len(reason) > MAX_REASON:
        raise InvalidError.one("reason", reason, f"at most {MAX_REASON} characters")


def check_idempotency_key(key: object, field: str = "idempotency_key") -> str:
    """``key`` itself, when a call may be known by it; an HTTP header has to carry it.

    Raises:
        InvalidError: it is empty, blank, too long, or holds other than printable ASCII characters.
    """
    fits = isinstance(key, str) and key.isascii() and key.isprintable() and len(key) <= MAX_KEY
    if not isinstance(key, str) or not fits or not key.strip():
        expected = f"1 to {MAX_KEY} printable ASCII characters, not only blanks"
        raise InvalidError.one(field, key, expected)
    return key


def check_tags(tags: object) -> tuple[str, ...]:
    """The tags of a group or job, each once; they follow the rules for names.

    Raises:
        InvalidError: they are too many, or a single text.
        InvalidNameError: one of them cannot be.
    """
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        example = f"[{shorten(tags)}]" if isinstance(tags, str) else "['nightly']"
        raise InvalidError.one("tags", tags, f"a list of words, such as {example}")
    found = tuple(dict.fromkeys(check_name("tags", tag) for tag in tags))
    if len(found) > MAX_TAGS:
        raise InvalidError.one("tags", len(found), f"at most {MAX_TAGS} tags")
    return found


def split_name(field: str, full_name: object) -> tuple[str, str]:
    """``group, name`` of a full name ``group/name``.

    Raises:
        InvalidNameError: not two names with one slash between them.
    """
    group, slash, name = full_name.partition("/") if isinstance(full_name, str) else ("", "", "")
    if not slash:
        raise InvalidNameError(
            f"{field}: got {shorten(full_name)}; expected 'group/name'",
            (FieldError(field=field, got=shorten_value(full_name), expected="'group/name'"),),
        )
    return check_name(field, group), check_name(field, name)
