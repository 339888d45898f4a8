from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from store_rows import add, boot, claim, due_run, new_run

from schedtui.errors import (
    SchedtuiError,
    StoreError,
    StoreLockedError,
    StoreSchemaError,
    StoreUnavailableError,
)
from schedtui.store import open_store
from schedtui.store.sql import migrate, migrations, schema

NEXT = '''
"""A later schema, for tests."""

import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "HEAD"


def upgrade() -> None:
    keep = {"sqlite_autoincrement": True}
    with op.batch_alter_table("runs", recreate="always", table_kwargs=keep) as batch:
        batch.add_column(sa.Column("of_the_next_one", sa.BigInteger()))
'''.replace("HEAD", schema.HEAD)
PRESENT = schema.REVISIONS


def config(connection: sa.Connection | None = None) -> Config:
    made = Config()
    made.set_main_option("script_location", migrate.SCRIPTS)
    made.attributes["connection"] = connection
    return made


def dump(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {name: " ".join(sql.replace('"', "").split()) for name, sql in found}


def shape(path: Path) -> dict[str, object]:
    """What a schema is, however it came about: a column that was added later stands last."""
    found: dict[str, object] = {}
    for name, sql in dump(path).items():
        columns = query(
            path, f"SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('{name}')"
        )
        flags = ("AUTOINCREMENT" in sql, "WITHOUT ROWID" in sql)
        found[name] = (columns, *flags) if sql.startswith("CREATE TABLE") else sql
    return found


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def fill(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    store.open(boot())
    (job_id,) = add(store, "clean")
    with store.transaction() as tx:
        tx.claim([claim(job_id, due_run(7, job_id))])
        tx.insert_runs([new_run(99, job_id)])
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM runs WHERE id = 99")
        connection.commit()


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if the next release were installed: it has one more revision."""
    scripts = tmp_path / "100% scripts"
    shutil.copytree(Path(migrations.__path__[0]), scripts)
    (scripts / "versions" / "9000_next.py").write_text(NEXT)
    monkeypatch.setattr(migrate, "SCRIPTS", str(scripts).replace("%", "%%"))
    monkeypatch.setattr(schema, "REVISIONS", (*PRESENT, "9000"))
    monkeypatch.setattr(schema, "HEAD", "9000")
    yield
    for module in [name for name in sys.modules if name.startswith("9000")]:
        del sys.modules[module]


def test_the_constant_is_alembics_head() -> None:
    scripts = ScriptDirectory.from_config(config())

    assert scripts.get_heads() == [schema.HEAD]
    known = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(known)) == schema.REVISIONS


def test_the_migrations_build_what_the_tables_say(tmp_path: Path, path: Path) -> None:
    migrated = tmp_path / "migrated.db"
    engine = sa.create_engine(f"sqlite:///{migrated}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        command.upgrade(config(connection), "head")
        context = MigrationContext.configure(
            connection, opts={"version_table": schema.VERSION_TABLE}
        )
        assert compare_metadata(context, schema.metadata) == []
    fill(path)

    assert shape(migrated) == shape(path)


def test_a_store_of_the_first_schema_keeps_what_it_holds(path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        command.upgrade(config(connection), "0001")
        connection.exec_driver_sql(
            "INSERT INTO jobs VALUES (3, 'g', 'clean', 'g/clean', "
            '\'{"type":"every","seconds":1}\','
            " 'UTC', '{}', '{\"grace_s\":5}', '[]', '', 0, NULL, 0, 0, 0, '', '', 1, 1, NULL)"
        )
        connection.exec_driver_sql("INSERT INTO job_due VALUES (3, 2, 1000000, NULL)")
        connection.exec_driver_sql(
            "INSERT INTO runs (id, job_id, state, source, claimed_at, clock_epoch, function,"
            " job_version, attempt) VALUES (7, 3, 'queued', 'manual', 1, 0, 'g/clean', 1, 0)"
        )
    store = open_store(f"sqlite:///{path}")
    store.open(boot("boot-2"))
    (job,) = store.jobs()
    (run,) = store.open_runs()
    store.close()

    assert (job.id, job.version, job.fired, job.failures) == (3, 2, 0, 0)
    assert (job.paused_until, job.policies.grace_s) == (None, 5)
    assert (run.id, run.not_before_us, run.wait_reason) == (7, None, None)


def test_the_migrations_go_down_again(tmp_path: Path) -> None:
    path = tmp_path / "migrated.db"
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        command.upgrade(config(connection), "head")
        command.downgrade(config(connection), "base")

    assert {name for name in dump(path) if name != "sqlite_sequence"} == {schema.VERSION_TABLE}


def test_a_new_file_is_set_up(path: Path) -> None:
    fill(path)

    assert query(path, "PRAGMA journal_mode") == [("wal",)]
    assert query(path, "PRAGMA auto_vacuum") == [(2,)]
    assert query(path, "PRAGMA application_id") == [(schema.APPLICATION_ID,)]
    assert not list(path.parent.glob("*.bak"))
    indexes = [name for name in dump(path) if name.startswith("runs_")]
    assert len(indexes) == 4  # one of them holds nothing but what failed


def test_a_restored_backup_works_as_before(path: Path) -> None:
    fill(path)
    copy = path.with_name("copy.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    store = open_store(f"sqlite:///{copy}")
    assert store.open(boot("boot-2")).last_run_id == 99
    store.close()

    assert query(copy, "PRAGMA journal_mode") == [("wal",)]
    assert query(copy, "PRAGMA auto_vacuum") == [(2,)]


def test_an_empty_file_is_a_new_store(path: Path) -> None:
    path.touch()
    fill(path)
    assert query(path, "SELECT name FROM jobs") == [("clean",)]


@pytest.mark.usefixtures("later")
def test_an_old_store_is_migrated_with_a_backup_first(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(schema, "REVISIONS", PRESENT)
        before.setattr(schema, "HEAD", PRESENT[-1])
        fill(path)
    store = open_store(f"sqlite:///{path}")
    opened = store.open(boot("boot-2"))
    kept = [(job.name, job.last_due is None) for job in store.jobs()]
    store.close()

    assert kept == [("clean", False)]
    assert opened.last_run_id == 99
    assert query(path, f"SELECT version_num FROM {schema.VERSION_TABLE}") == [("9000",)]
    assert query(path, "SELECT id, of_the_next_one FROM runs") == [(7, None)]
    (backup,) = path.parent.glob(f"state.db.{PRESENT[-1]}-*.bak")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert query(backup, f"SELECT version_num FROM {schema.VERSION_TABLE}") == [(PRESENT[-1],)]
    assert query(backup, "SELECT id FROM runs") == [(7,)]

    store.open(boot("boot-3"))
    store.close()
    assert len(list(path.parent.glob("*.bak"))) == 1


@pytest.mark.usefixtures("later")
def test_a_migration_that_fails_leaves_the_store_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Path(migrate.SCRIPTS.replace("%%", "%")) / "versions" / "9000_next.py"
    script.write_text(f"{NEXT}    raise KeyError('half way')\n")
    with monkeypatch.context() as before:
        before.setattr(schema, "REVISIONS", PRESENT)
        before.setattr(schema, "HEAD", PRESENT[-1])
        fill(path)
    tables = dump(path)

    with pytest.raises(StoreError, match=r"could not be migrated to 9000 .*half way.*\.bak"):
        open_store(f"sqlite:///{path}").open(boot("boot-2"))
    assert dump(path) == tables
    assert query(path, "SELECT id FROM runs") == [(7,)]


@pytest.mark.usefixtures("later")
def test_a_tool_does_not_migrate_below_a_living_engine(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_store(f"sqlite:///{path}")
    with monkeypatch.context() as before:
        before.setattr(schema, "REVISIONS", PRESENT)
        before.setattr(schema, "HEAD", PRESENT[-1])
        engine.open(boot())
    with pytest.raises(StoreLockedError, match="process 4711"):
        open_store(f"sqlite:///{path}").open(None)
    engine.close()

    tool = open_store(f"sqlite:///{path}")
    tool.open(None)
    tool.close()
    assert query(path, f"SELECT version_num FROM {schema.VERSION_TABLE}") == [("9000",)]


def test_a_newer_store_is_refused_and_left_alone(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
        connection.commit()
    before = path.read_bytes()

    with pytest.raises(StoreSchemaError, match=r"'9999'.*newer"):
        open_store(f"sqlite:///{path}").open(boot("boot-2"))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [b"this is a text file\n" * 200, b"\0" * 8192, b"SQLite format 3\0" + b"\xff" * 5000, b"x"],
    ids=["text", "zeros", "header", "short"],
)
def test_what_is_no_database_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(StoreError, match="put a backup in its place"):
        open_store(f"sqlite:///{path}").open(boot())
    assert path.read_bytes() == content


def test_a_torn_store_is_refused(path: Path) -> None:
    fill(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xee" * 8000 + whole[8100:])
    torn = path.read_bytes()

    with pytest.raises(StoreError, match="is damaged") as caught:
        open_store(f"sqlite:///{path}").open(boot("boot-2"))
    assert not caught.value.retryable
    assert path.read_bytes() == torn


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.commit()
    before = path.read_bytes()

    with pytest.raises(StoreError, match=r"'alembic_version'.*a file of its own"):
        open_store(f"sqlite:///{path}").open(boot())
    assert path.read_bytes() == before


def test_many_may_open_a_new_store_at_once(path: Path) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(6)

    def open_it(name: str) -> None:
        store = open_store(f"sqlite:///{path}")
        start.wait()
        try:
            store.open(boot(name) if name == "engine" else None)
            list(store.jobs())
            outcomes.append("open")
        except (SchedtuiError, AssertionError) as error:
            outcomes.append(repr(error))
        finally:
            store.close()

    names = ["engine", *(f"tool-{i}" for i in range(5))]
    threads = [threading.Thread(target=open_it, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["open"] * 6


def test_a_store_that_is_being_migrated_elsewhere_is_unavailable(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailableError, match="lock"):
            open_store(f"sqlite:///{path}?busy_timeout_ms=20").open(boot())
        other.execute("ROLLBACK")
    fill(path)


def test_opening_an_up_to_date_store_imports_no_alembic(path: Path) -> None:
    fill(path)
    code = """
import sys
from schedtui.store import open_store
assert "sqlalchemy" not in sys.modules, "importing the store must stay light"
for url in [f"sqlite:///{sys.argv[1]}", f"sqlite:///{sys.argv[1]}.new"]:
    store = open_store(url)
    store.open(None)
    list(store.jobs())
    store.close()
assert "alembic" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 0
