"""Revisions of the jobs: what both stores promise."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store_rows import AT

from schedtui.models import Revision
from schedtui.protocols import Store


def revision(note: str, **changed: object) -> Revision:
    return Revision(
        **{"number": 0, "at": AT, "actor": "ann", "note": note, "text": f"# {note}\n", **changed}  # type: ignore[arg-type]  # fields by name
    )


def keep(store: Store, *revisions: Revision) -> list[Revision]:
    with store.transaction() as tx:
        return [tx.insert_revision(one) for one in revisions]


def test_they_count_from_one_and_are_read_back_whole(store: Store) -> None:
    first, second = keep(
        store,
        revision("first", added=3, changed=2, removed=1),
        revision("back", at=AT + timedelta(seconds=1), restored=1, text="é \u2028 \\x00"),
    )
    assert (first.number, second.number) == (1, 2)
    assert store.revision(1) == first
    assert store.revision(2) == second
    assert store.revision(3) is None


def test_a_list_has_the_newest_first_and_no_texts(store: Store) -> None:
    kept = keep(store, *(revision(f"number {number}") for number in range(1, 6)))
    page = store.revisions(limit=2, before=None)
    assert [one.number for one in page] == [5, 4]
    assert {one.text for one in page} == {""}
    assert page[0].note == kept[4].note
    assert [one.number for one in store.revisions(limit=9, before=4)] == [3, 2, 1]
    assert store.revisions(limit=9, before=1) == []


def test_one_that_is_rolled_back_is_not_there_and_its_number_is_free(store: Store) -> None:
    def lose() -> None:
        with store.transaction() as tx:
            tx.insert_revision(revision("lost"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        lose()
    assert store.revisions(limit=9, before=None) == []
    assert keep(store, revision("kept"))[0].number == 1
