"""The store in a database: SQLAlchemy Core on SQLite, its schema by Alembic."""
