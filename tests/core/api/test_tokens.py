"""Tokens are shown once and kept as a hash."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from schedtui.api.access import Access
from schedtui.api.tokens import PREFIX, create_token, revoke_token
from schedtui.errors import (
    ConflictError,
    InvalidError,
    TokenNotFoundError,
    UnauthorizedError,
)
from schedtui.protocols import Store
from schedtui.store import open_store


@pytest.fixture
def store() -> Iterator[Store]:
    store = open_store("memory://")
    store.open(None)
    yield store
    store.close()


async def test_a_token_lets_its_holder_in(store: Store) -> None:
    secret = create_token(store, "laptop of Ann", "operator", actor="ann")

    caller = await Access(store.tokens).caller(f"Bearer {secret}")

    assert (caller.actor, caller.role.name) == ("token:laptop of Ann", "OPERATOR")
    assert secret.startswith(PREFIX)
    assert len(secret) >= len(PREFIX) + 43


def test_only_a_hash_is_kept(store: Store) -> None:
    secret = create_token(store, "ci", "viewer")

    kept = repr(store.tokens()) + json.dumps(repr(store.audit_trail(limit=10, before=None)))
    assert secret not in kept
    assert secret.removeprefix(PREFIX) not in kept


def test_making_one_is_in_the_audit_trail(store: Store) -> None:
    create_token(store, "ci", "viewer", actor="ann")

    (event,) = store.audit_trail(limit=10, before=None)
    assert (event.actor, event.action, event.object) == ("ann", "token.create", "ci")
    assert event.detail == {"role": "viewer"}


def test_two_tokens_differ_and_names_are_unique(store: Store) -> None:
    assert create_token(store, "a", "viewer") != create_token(store, "b", "viewer")
    with pytest.raises(ConflictError):
        create_token(store, "a", "admin")
    assert [token.name for token in store.tokens()] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "role", "field"),
    [("", "viewer", "name"), ("a/b", "viewer", "name"), ("a", "root", "role"), ("a", "", "role")],
)
def test_what_cannot_be_is_refused(store: Store, name: str, role: str, field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        create_token(store, name, role)

    assert [error.field for error in caught.value.errors] == [field]
    assert store.tokens() == []


async def test_a_token_ends_when_it_was_to(store: Store) -> None:
    secret = create_token(store, "ci", "viewer", expires_in=timedelta(days=2))
    now_us = time.time_ns() // 1000
    access = Access(store.tokens, now_us=lambda: now_us)
    await access.caller(f"Bearer {secret}")

    now_us += 2 * 86_400 * 1_000_000

    with pytest.raises(UnauthorizedError):
        await access.caller(f"Bearer {secret}")


@pytest.mark.parametrize("days", [0, -1, 4_000])
def test_a_life_that_cannot_be_is_refused(store: Store, days: int) -> None:
    with pytest.raises(InvalidError, match="expires_in"):
        create_token(store, "ci", "viewer", expires_in=timedelta(days=days))


async def test_a_token_that_is_taken_back_lets_nobody_in(store: Store) -> None:
    secret = create_token(store, "ci", "viewer")
    kept = create_token(store, "ops", "viewer")
    seconds = 0.0
    access = Access(store.tokens, monotonic=lambda: seconds)
    await access.caller(f"Bearer {secret}")

    revoke_token(store, "ci", actor="ann")

    seconds = 5.1
    with pytest.raises(UnauthorizedError):
        await access.caller(f"Bearer {secret}")
    await access.caller(f"Bearer {kept}")
    newest = store.audit_trail(limit=1, before=None)[0]
    assert (newest.actor, newest.action, newest.object) == ("ann", "token.revoke", "ci")


def test_taking_back_what_is_not_there_names_what_is(store: Store) -> None:
    create_token(store, "ops", "viewer")
    with pytest.raises(TokenNotFoundError, match="no access token 'ci': there are ops"):
        revoke_token(store, "ci")
    assert [token.name for token in store.tokens()] == ["ops"]
