"""Which store an engine has."""

from __future__ import annotations

import logging

from schedtui.locations import StateDir
from schedtui.protocols import Store
from schedtui.store import open_store

logger = logging.getLogger("schedtui.engine")


class StoreChoice:
    """The store that an engine was given, else a file in its state folder.

    Args:
        given: A URL, or a store.
        folder: Where the file is, where nothing was given.

    Raises:
        InvalidError: the URL is wrong.
    """

    def __init__(self, given: str | Store | None, folder: StateDir) -> None:
        self._given = given
        self._folder = folder
        if isinstance(given, str):
            open_store(given)  # a wrong URL is told here, not at the start

    @property
    def url(self) -> str:
        """Where it is."""
        given = self._given
        if given is None:
            return self._folder.store_url
        return given if isinstance(given, str) else given.url

    def make(self) -> Store:
        """The store, not open yet."""
        given = self._given
        if given is None:
            store = open_store(self._folder.create().store_url)
            logger.info("state is kept in %s", store.url)
            return store
        return open_store(given) if isinstance(given, str) else given
