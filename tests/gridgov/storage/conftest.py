from tests.database_fixtures import (
    engine,
    postgres,
    postgres_template,
    session,
    sessions,
    sqlite_template,
)

__all__ = ["engine", "postgres", "postgres_template", "session", "sessions", "sqlite_template"]
