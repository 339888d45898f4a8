"""A store from before there were dead letters: what was run once more is none."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from store_rows import add, boot, new_run

from schedtui.models import RunFilter, RunState, Source
from schedtui.store import open_store
from schedtui.store.sql import migrate


def test_what_was_run_again_before_is_no_dead_letter(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    store.open(boot())
    (mine,) = add(store, "mine")
    failed, rerun = RunState.FAILED, Source.RERUN
    with store.transaction() as tx:
        tx.insert_runs([new_run(i, mine, state=failed) for i in range(1, 5)])
        tx.insert_runs([new_run(5, mine, state=failed, source=rerun, parent_id=1)])
        tx.insert_runs([new_run(6, mine, state=RunState.SKIPPED, source=rerun, parent_id=2)])
        tx.insert_runs([new_run(7, mine, source=Source.CHAIN, parent_id=3)])
        tx.insert_runs([new_run(8, mine, source=Source.BACKFILL, parent_id=4)])
    store.close()
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", migrate.SCRIPTS)
        config.attributes["connection"] = connection
        command.downgrade(config, "0009")

    store = open_store(f"sqlite:///{path}")
    store.open(boot("boot-2"))
    found, runs = store.dead_letters(RunFilter(), limit=10)
    handled = [store.run(run_id) for run_id in (1, 4, 7)]
    store.close()

    assert (found, [run.id for run in runs]) == (3, [2, 3, 5])
    assert [run and run.handled for run in handled] == ["replayed: run 5", "replayed: run 8", ""]
