"""Tokens are shown once and kept as a hash."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from schedtui.api.access import Access
from schedtui.api.tokens import PREFIX, create_token
from schedtui.errors import ConflictError, InvalidError
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
